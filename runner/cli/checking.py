"""`--check`: all that is wrong with a file, through each of its profiles, and what is odd about it."""

from __future__ import annotations

from runner.argument import defaults, missing
from runner.check import check, quoted_placeholders
from runner.command import Commands
from runner.error import EXIT_DONE, Problem, Refusal, did_you_mean, render
from runner.expand import Expansion
from runner.graph import grow
from runner.profile import declared, overlay
from runner.select import select
from runner.template import TemplateError, names
from runner.unseen import HINT, told, unseen_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any, Final

    from runner.request import Request
    from runner.task import Project, Task

# One of these among the words of a variable's name, and its value is probably no one else's business.
SECRETS: Final = frozenset(
    {"TOKEN", "TOKENS", "SECRET", "SECRETS", "PASSWORD", "PASSWORDS", "PASSWD", "PASSPHRASE"}
    | {"KEY", "KEYS", "APIKEY", "CREDENTIAL", "CREDENTIALS"}
)
NOUNS: Final = {"vars": "var", "globs": "glob list", "pools": "pool", "templates": "template"}


def checking(expansion: Expansion, request: Request) -> tuple[str, int]:
    """What is odd about the file, or about the targets, and the exit code.

    *Raises*: Refusal with all that is wrong, also with what only another profile of the file would meet.
    """
    found = _refuse_wrong(expansion, request)
    count = len(found)
    project = expansion.project
    warnings = list(dict.fromkeys(quoted_placeholders(project)))
    warnings += _secrets(project, found)
    warnings += _unseen(expansion, found)
    if not request.targets:
        warnings += _unused(project)
        warnings += _strange_groups(project)
    how_many = f"{len(warnings)} warning{'s' * (len(warnings) != 1)}" if warnings else "nothing wrong"
    summary = f"{project.manifest.shown}: {count} task{'s' * (count != 1)}, {how_many}\n"
    return (f"{render(warnings, 'warning')}\n" if warnings else "") + summary, EXIT_DONE


def _refuse_wrong(expansion: Expansion, request: Request) -> list[Task]:
    """The tasks that this is about, with which nothing is wrong."""
    problems: list[Problem] = []
    found: list[Task] = []
    try:
        producers = check(expansion)
        if request.targets:
            nodes = select(expansion, request, producers).graph.nodes.values()
            found = [*{node.task.name: node.task for node in nodes}.values()]
        else:
            found = [*expansion.project.tasks.values()]
            environ = expansion.ambient.environ
            # What an argument that nobody gave would do cannot be said.
            whole = [task for task in found if not missing(task, defaults(task, environ))]
            grow(expansion, [expansion.node(task) for task in whole], producers)
    except Refusal as refusal:
        problems += refusal.problems
    if not request.targets:
        problems += _in_profiles(expansion, request)
    if problems:
        raise Refusal(*dict.fromkeys(problems))
    return found


def _secrets(project: Project, tasks: Iterable[Task]) -> Iterator[Problem]:
    """Names in `uses_env` that look as if their values were secrets."""
    for task in tasks:
        for at, name in enumerate(task.uses_env):
            if SECRETS & {*name.upper().replace("-", "_").split("_")}:
                message = f"`{name}` in `uses_env` of task `{task.name}` looks like a secret"
                place = project.manifest.value(*task.path, "uses_env", at)
                yield Problem(message=message, place=place, hint="credentials belong in `pass_env`")


def _unseen(expansion: Expansion, tasks: Iterable[Task]) -> Iterator[Problem]:
    """Variables that commands of cached tasks mention, and that these will not see."""
    variables = Commands(expansion).variables
    for task in tasks:
        if task.is_cached:
            names = unseen_of(task, variables.visible(task), expansion.ambient.environ)
            if names:
                place = expansion.manifest.key(*task.path, task.body)
                yield Problem(message=f"task `{task.name}` {told(names)}", place=place, hint=HINT)


def _in_profiles(expansion: Expansion, request: Request) -> Iterator[Problem]:
    """What is wrong with the file as each profile that is not in force changes it."""
    project = expansion.project
    for name in project.manifest.data.get("profiles", {}):
        if name in project.profiles:
            continue
        try:
            over = overlay(project.manifest, [name])
            seen = declared(project.manifest, over, os=expansion.ambient.os, dotenv=project.dotenv)
            check(Expansion(seen, expansion.ambient, request.vars))
        except Refusal as refusal:
            yield from refusal.problems


def _unused(project: Project) -> Iterator[Problem]:
    """What the file defines and nothing in it uses."""
    data = project.manifest.data
    if any(key in data.get("project", {}) for key in ("members", "include")):
        # Other files may.
        return
    pools = {pool for task in project.tasks.values() for pool in task.pools}
    used = {"vars": _used_vars(data), "globs": _used_globs(data), "pools": pools, "templates": _used_templates(data)}
    for table, noun in NOUNS.items():
        for name in data.get(table, {}):
            if name not in used[table]:
                mark = "@" if table == "globs" else ""
                yield Problem(message=f"nothing uses {noun} `{mark}{name}`", place=project.manifest.key(table, name))


def _used_vars(data: Mapping[str, Any]) -> set[str]:
    """The vars that something other than vars names, and those that these name."""
    profiles = [{**profile, "vars": {}} for profile in data.get("profiles", {}).values()]
    used = set(_names(_strings([{**data, "vars": {}, "profiles": {}}, *profiles])))
    tables = [data.get("vars", {}), *(profile.get("vars", {}) for profile in data.get("profiles", {}).values())]
    return _with_those_below(used, lambda name: _names(_strings([table[name] for table in tables if name in table])))


def _used_globs(data: Mapping[str, Any]) -> set[str]:
    """The glob lists that something other than glob lists names, and those that these name."""
    globs = data.get("globs", {})
    return _with_those_below(set(_lists([{**data, "globs": {}}])), lambda name: _lists(globs.get(name, ())))


def _lists(value: Any) -> Iterator[str]:
    marked = (text.removeprefix("!") for text in _strings(value))
    return (text[1:] for text in marked if text.startswith("@"))


def _used_templates(data: Mapping[str, Any]) -> set[str]:
    templates = data.get("templates", {})
    tasks = (task for task in data.get("tasks", {}).values() if isinstance(task, dict))
    used = set(_strings([task.get("extends", ()) for task in tasks]))
    return _with_those_below(used, lambda name: _strings(templates.get(name, {}).get("extends", ())))


def _with_those_below(found: set[str], below: Any) -> set[str]:
    todo = list(found)
    while todo:
        fresh = set(below(todo.pop())) - found
        found |= fresh
        todo += fresh
    return found


def _strings(value: Any) -> Iterator[str]:
    """Every text in some data, however deep."""
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            todo += one.values()
        elif isinstance(one, list | tuple):
            todo += one


def _names(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        try:
            yield from names(text)
        except TemplateError:
            # A description may have braces of its own.
            continue


def _strange_groups(project: Project) -> Iterator[Problem]:
    """Groups that a profile switches and no task is in."""
    groups = {task.group for task in project.tasks.values() if task.group}
    for name, profile in project.manifest.data.get("profiles", {}).items():
        for key in ("disable", "enable"):
            for at, group in enumerate(profile.get(key, ())):
                if group not in groups:
                    place = project.manifest.value("profiles", name, key, at)
                    message = f"profile `{name}` {key}s group `{group}`, and no task is in it"
                    yield Problem(message=message, place=place, hint=did_you_mean(group, groups))
