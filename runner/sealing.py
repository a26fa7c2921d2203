"""Whether the answer of a run that found nothing to do may be sealed, and all that has to stand for that."""

from __future__ import annotations

import os

from runner.lockfile import NAME as LOCK
from runner.seal import Seal, look, numbers_of, secret, write
from runner.stamp import RACY, TICK_NS, UNKNOWN, stamp
from runner.template import TemplateError, names
from runner.variables import BASE, COLOURS, is_glob

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Final

    from runner.compose import Kept
    from runner.task import Node, Task
    from runner.telling import Case

# What decides how an answer looks, and what stands in for options.
LOOKS: Final = ("1", "2", "TERM", "NO_COLOR", "FORCE_COLOR", "CI", "GITHUB_ACTIONS", "GITLAB_CI")
LOCALE: Final = ("LC_ALL", "LC_CTYPE", "LANG")
SETTINGS: Final = ("FILE", "PROFILE", "JOBS", "CACHE_DIR", "OFFLINE", "NO_CACHE", "STACK")
SALT_BYTES: Final = 16


def seal(case: Case, kept: Kept, told: bytes) -> None:
    """Keep what was told of a run in which all was fresh, if nothing can make it untrue without moving a file."""
    from runner import __version__

    project, ambient = case.expansion.project, case.ambient
    if ambient.words is None or not _is_plain(case):
        return
    labels = _secrets(case)
    if labels is not None:
        labels |= _shadowing(case)
    made = Seal(ambient.words, ambient.cwd[len(project.root) :], __version__)
    if labels is None or not _add_files(made, case, kept) or not _add_nodes(made, case, kept):
        return
    made.text = told
    settings = (f"TRUN_{name}" for name in SETTINGS)
    made.looks = {label: look(label, ambient.environ) for label in (*LOOKS, *LOCALE, *settings)}
    salt = os.urandom(SALT_BYTES)
    made.secrets = {label: f"{salt.hex()}:{secret(label, salt, ambient.environ)}" for label in sorted(labels)}
    made.until = _until(case, kept)
    write(project.root, made)


def _is_plain(case: Case) -> bool:
    """Whether nothing was asked but to run targets, and nothing has to be asked for that."""
    request, ambient, root = case.request, case.ambient, case.expansion.project.root
    is_ordinary = not (request.force or request.no_cache or request.cache_mode or request.json is not None)
    is_here = request.directory is None and request.file is None and case.selection.whole is None
    is_below = ambient.os != "windows" and f"{ambient.cwd}/".startswith(f"{root}/")
    if not (is_ordinary and is_here and is_below):
        return False
    commands = case.expansion.pending
    return all(_asks_nothing(node.task, bool(commands)) for node in case.selection.graph.nodes.values())


def _asks_nothing(task: Task, has_commands: bool) -> bool:
    """Whether a task is judged by what lies there alone. *Why* not where vars have commands: each could be used."""
    when = task.when
    is_asked = when is not None and (when.exists or when.cmd)
    return not (task.probes or task.confirm or is_asked or has_commands)


def _secrets(case: Case) -> set[str] | None:
    """The variables of the caller that count, by name or as `PREFIX*`; None where that cannot be said."""
    project = case.expansion.project
    found: set[str] = set()
    for task in project.tasks.values():
        for name in task.uses_env:
            if is_glob(name.removesuffix("*")):
                return None
            found.add(name)
        found.update(arg.env for arg in task.args.values() if arg.env)
        found.update(task.when.env if task.when is not None else ())
    try:
        for text in _texts(project.manifest.data):
            found.update(name[4:] for name in names(text) if name.startswith("env."))
    except TemplateError:
        return None
    return found


def _shadowing(case: Case) -> set[str]:
    """The variables that every task sees of the caller and a dotenv file says too: there the latter counts if alone."""
    return {name for _, layer in case.expansion.project.dotenv for name in (*BASE, *COLOURS) if name in layer}


def _texts(value: Any) -> Iterator[str]:
    """Every text of a file in which names stand."""
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, str):
            if "{{" in one:
                yield one
        elif isinstance(one, dict):
            todo += one.values()
        elif isinstance(one, list):
            todo += one


def _add_nodes(made: Seal, case: Case, kept: Kept) -> bool:
    """Add what each node hangs on. False where some of it proves nothing."""
    settle, standing = kept.settle, case.ambient.standing
    for name, verdict in settle.verdicts.items():
        watched: list[str] = []
        if standing is not None and settle.stands(name):
            for path, numbers in standing.stamps(name):
                made.plain[path] = numbers
                watched.append(path)
            # What has to stay absent, and links, hold for all nodes together.
            made.others.update(standing.others)
        else:
            pairs = [(entry.path, entry.stamp) for sight in verdict.sights for entry in sight.entries]
            pairs += [pair for sight in verdict.sights for pair in sight.watched]
            pairs += _picks(case.selection.graph.nodes[name], kept)
            if not _add(made, pairs, watched):
                return False
        made.nodes[name] = (verdict.key.digest if verdict.key is not None else "", watched)
    return True


def _add(made: Seal, pairs: list[tuple[str, str]], watched: list[str]) -> bool:
    for path, token in pairs:
        if token in (RACY, UNKNOWN):
            return False
        if path not in made.plain:
            numbers = numbers_of(token)
            if numbers is None:
                made.others[path] = token
                continue
            made.plain[path] = numbers
        watched.append(path)
    return True


def _picks(node: Node, kept: Kept) -> list[tuple[str, str]]:
    """The files of which a key counts."""
    found = [(file, kept.settle.tree.seen(file)) for file, _ in node.picks]
    return [(file, seen.stamp if seen is not None else RACY) for file, seen in found]


def _add_files(made: Seal, case: Case, kept: Kept) -> bool:
    """Add what was read before anything was judged. False where some of it was written since, or just before."""
    project = case.expansion.project
    said = project.manifest.data.get("project", {}).get("dotenv", ())
    dotenv = [said] if isinstance(said, str) else list(said)
    # A dotenv file may name any variable of the caller.
    if any("$" in text for text in _raw(project.root, dotenv)):
        return False
    before_ns = int(case.ambient.began * 1e9) - TICK_NS
    ledger = os.path.relpath(kept.settle.ledger.path, project.root)
    for path in (os.path.basename(project.manifest.path), *dotenv, ledger):
        made.fixed = len(made.plain)
        absolute = os.path.join(project.root, path)
        if _moved_ns(absolute) > before_ns or not _add(made, [(path, stamp(absolute))], []):
            return False
    # Another lock may have to be brought up to date; what each node hangs on stands all the same.
    lock = os.path.join(project.root, LOCK)
    return _moved_ns(lock) <= before_ns and _add(made, [(LOCK, stamp(lock))], [])


def _raw(root: str, dotenv: list[str]) -> Iterator[str]:
    for name in dotenv:
        try:
            with open(os.path.join(root, name), encoding="utf-8", errors="surrogateescape") as file:
                yield file.read()
        except OSError:
            continue


def _moved_ns(path: str) -> int:
    try:
        found = os.stat(path)
    except OSError:
        return 0
    return max(found.st_mtime_ns, found.st_ctime_ns)


def _until(case: Case, kept: Kept) -> float:
    """When the first result expires; 0 where none does."""
    found = []
    for name, verdict in kept.settle.verdicts.items():
        expires_s = case.selection.graph.nodes[name].task.expires_s
        if expires_s is not None and verdict.last is not None:
            found.append(verdict.last.made_at + expires_s)
    return min(found, default=0.0)
