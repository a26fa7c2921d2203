"""Which variables a node's commands see, each with its value and where that was said."""

from __future__ import annotations

from runner.pattern.segment import PatternError, segment
from runner.template import names, render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Final

    from runner.expand import Expansion
    from runner.request import ArgValue
    from runner.task import Node, Task

# What a cached task sees of the caller without declaring it: where programs are, who one is, whether to use colours.
BASE: Final = ("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "SHELL", "TERM")
COLOURS: Final = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLORTERM")
# So that two people get one result.
LOCALE: Final = {"LANG": "C.UTF-8"}
CALLER: Final = "environment"
# The nodes that a command runs below, one a line: a trun below a trun must not wait for itself.
STACK: Final = "TRUN_STACK"

if TYPE_CHECKING:
    # Each variable with its value and where that was said.
    Sourced = Mapping[str, tuple[str, str]]


class Variables:
    """The variables of one project in one world.

    An uncached task sees all of the caller's; a cached one only what is declared, since all else would be left out of
    its key. `extra` are variables that trun itself sets for every command, such as the jobserver's.
    """

    def __init__(self, expansion: Expansion, extra: Mapping[str, str]) -> None:
        self.expansion = expansion
        self.project = expansion.project
        self.ambient = expansion.ambient
        self.extra = extra
        # Where values are templates: what comes from the caller or from dotenv is what it is.
        self.templated = {source for source, _ in self.project.env_layers}
        self._layered: dict[bool, dict[str, tuple[str, str]]] = {}
        self._plain: dict[bool, dict[str, str]] = {}
        self._templates: bool | None = None

    def extend(self, extra: Mapping[str, str]) -> None:
        """More that trun itself sets, from now on."""
        self.extra = {**self.extra, **extra}
        self._layered.clear()
        self._plain.clear()

    def layers(self, *, is_strict: bool = False) -> Sourced:
        """What every command sees, with its source: dotenv, the caller, `[env]`, profiles; the last one wins.

        `is_strict` leaves out of the caller's what a cached task does not see.
        """
        if is_strict not in self._layered:
            found = {name: (value, "trun") for name, value in LOCALE.items()} if is_strict else {}
            for source, layer in reversed(self.project.dotenv):
                found.update({name: (value, source) for name, value in layer.items()})
            seen = (*BASE, *COLOURS) if is_strict else tuple(self.ambient.environ)
            callers = ((name, self.ambient.environ.get(name)) for name in seen)
            found.update({name: (value, CALLER) for name, value in callers if value is not None})
            for source, layer in reversed(self.project.env_layers):
                found.update({name: (value, source) for name, value in layer.items()})
            found.update({name: (value, "trun") for name, value in self.extra.items()})
            self._layered[is_strict] = found
        return self._layered[is_strict]

    def seen(self, node: Node, words: Mapping[str, ArgValue]) -> dict[str, tuple[str, str]]:
        """Each variable that the node's commands see, with its value and where that was said."""
        found = dict(self.layers(is_strict=node.task.is_cached))
        if node.task.is_cached:
            found.update(self._declared(node.task, found))
        for name, (value, source) in found.items():
            if "{{" in value and source in self.templated:
                with self.expansion.placed():
                    found[name] = (render(value, words), source)
        for name, value in node.task.env.items():
            with self.expansion.placed(*node.task.path, "env", name):
                found[name] = (render(value, words), f"task {node.task.name}")
        return {**found, **{name: (value, "trun") for name, value in self.own(node).items()}}

    def _declared(self, task: Task, found: Sourced) -> Iterable[tuple[str, tuple[str, str]]]:
        """What the caller sets and the task declares, but where the file itself says otherwise."""
        for name in self.callers(task.uses_env + task.pass_env):
            if found.get(name, ("", CALLER))[1] not in (*self.templated, *(["trun"] if name in self.extra else [])):
                yield name, (self.ambient.environ[name], CALLER)

    def visible(self, task: Task) -> set[str]:
        """The names of all that a task's commands see."""
        named = self.callers(task.uses_env + task.pass_env) if task.is_cached else ()
        return {*self.layers(is_strict=task.is_cached), *named, *task.env, "TRUN_TASK", STACK}

    def callers(self, patterns: Iterable[str]) -> list[str]:
        """The variables of the caller that these names, or globs over names, stand for; sorted."""
        environ = self.ambient.environ
        found: set[str] = set()
        for pattern in patterns:
            if not is_glob(pattern):
                found.update([pattern] if pattern in environ else ())
                continue
            test = matcher(pattern)
            found.update(name for name in environ if test(name))
        return sorted(found)

    def plain(self, node: Node, words: Mapping[str, ArgValue]) -> Mapping[str, str]:
        """The variables alone, but for trun's own; one object for all nodes that say nothing of their own."""
        task = node.task
        if task.env or self.has_templates() or (task.is_cached and (task.uses_env or task.pass_env)):
            return {name: value for name, (value, _) in self.seen(node, words).items()}
        if task.is_cached not in self._plain:
            layers = self.layers(is_strict=task.is_cached)
            self._plain[task.is_cached] = {name: value for name, (value, _) in layers.items()}
        return self._plain[task.is_cached]

    def own(self, node: Node) -> dict[str, str]:
        """What trun says to the commands of one node."""
        above = self.ambient.environ.get(STACK)
        here = stacked(self.project.root, node.name)
        return {"TRUN_TASK": node.name, STACK: f"{above}\n{here}" if above else here}

    def has_templates(self) -> bool:
        """Whether a variable that every command sees has names in it."""
        if self._templates is None:
            layers = self.layers().values()
            self._templates = any("{{" in value and source in self.templated for value, source in layers)
        return self._templates

    def late(self) -> set[str]:
        """The vars that variables of every command name and only a run can know."""
        pending = self.expansion.pending
        found: set[str] = set()
        for value, source in self.layers().values():
            if "{{" in value and source in self.templated:
                found.update(name for name in names(value) if name in pending)
        return found

    def fixed(self) -> dict[str, str]:
        """What every command sees, but for what has names in it."""
        layers = self.layers().items()
        return {name: value for name, (value, source) in layers if "{{" not in value or source not in self.templated}


def is_glob(name: str) -> bool:
    """Whether the name of a variable is a glob over names."""
    return any(char in name for char in "*?[")


def matcher(pattern: str) -> Callable[[str], bool]:
    """Tells which names a glob over names stands for; one that is none stands for itself."""
    try:
        part = segment(pattern)
    except PatternError:
        return pattern.__eq__
    return part.__eq__ if isinstance(part, str) else part.matches


def stacked(root: str, name: str) -> str:
    """A node as it is told to what runs below it."""
    return f"{root!a} {name!a}"
