"""Whether the answer of a run that found nothing to do may be sealed, and all that has to stand for that."""

from __future__ import annotations

import os

from runner.seal import Seal, look, secret, write
from runner.stamp import RACY, TICK_NS, UNKNOWN, stamp
from runner.template import TemplateError, names
from runner.variables import is_glob

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
    labels, stamps = _secrets(case), _stamps(case, kept)
    if labels is None or stamps is None:
        return
    made = Seal(ambient.words, ambient.cwd[len(project.root) :], __version__)
    made.text = told
    settings = (f"TRUN_{name}" for name in SETTINGS)
    made.looks = {label: look(label, ambient.environ) for label in (*LOOKS, *LOCALE, *settings)}
    salt = os.urandom(SALT_BYTES)
    made.secrets = {label: f"{salt.hex()}:{secret(label, salt, ambient.environ)}" for label in sorted(labels)}
    made.until = _until(case, kept)
    write(project.root, made, stamps)


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


def _stamps(case: Case, kept: Kept) -> dict[str, str] | None:
    """All that was looked at, with its stamp; None where some stamp proves nothing."""
    found = _files_read(case, kept)
    if found is None:
        return None
    for name in case.selection.graph.order:
        verdict = kept.settle.verdicts.get(name)
        for sight in verdict.sights if verdict is not None else ():
            found.update((entry.path, entry.stamp) for entry in sight.entries)
            found.update(sight.watched)
        node = case.selection.graph.nodes[name]
        if not _add_picks(node, kept, found):
            return None
    if RACY in found.values() or UNKNOWN in found.values():
        return None
    return found


def _add_picks(node: Node, kept: Kept, found: dict[str, str]) -> bool:
    for file, _ in node.picks:
        seen = kept.settle.tree.seen(file)
        if seen is None:
            return False
        found[file] = seen.stamp
    return True


def _files_read(case: Case, kept: Kept) -> dict[str, str] | None:
    """The stamps of what was read before anything was judged; None where one was written since, or just before."""
    project = case.expansion.project
    dotenv = project.manifest.data.get("project", {}).get("dotenv", ())
    paths = [os.path.basename(project.manifest.path), *([dotenv] if isinstance(dotenv, str) else dotenv)]
    paths.append(os.path.relpath(kept.settle.ledger.path, project.root))
    before_ns = int(case.ambient.began * 1e9) - TICK_NS
    found = {}
    for path in paths:
        absolute = os.path.join(project.root, path)
        found[path] = stamp(absolute)
        if _moved_ns(absolute) > before_ns:
            return None
    # A dotenv file may name any variable of the caller.
    return None if any("$" in text for text in _raw(project.root, dotenv)) else found


def _raw(root: str, dotenv: Any) -> Iterator[str]:
    for name in [dotenv] if isinstance(dotenv, str) else dotenv:
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
