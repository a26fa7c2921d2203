"""A project fit to be shown to anybody: without the values of the caller's environment and of dotenv files."""

from __future__ import annotations

from runner.argument import arg_words, canonical
from runner.command import FOUND, Commands, lenient
from runner.expand import ANYTHING, Expansion, Words
from runner.noun import replace
from runner.template import quoting, render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Final

    from runner.request import ArgValue
    from runner.task import Arg, Node, Task

# What is told instead of a value.
SET: Final = "(set)"
UNSET: Final = "(unset)"
CALLER: Final = "environment"


class Unsaid(dict[str, str]):
    """Variables whose values a tasks file says; every other one is what stands for it in a template."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return f"{{{{env.{name}}}}}"


class Veil:
    """The commands, the words and the variables of nodes, with `{{env.NAME}}` for each value that may be a secret."""

    def __init__(self, expansion: Expansion, given: Mapping[str, str]) -> None:
        self.environ = expansion.ambient.environ
        project = expansion.project
        dotenv = tuple((source, _unsaid(layer)) for source, layer in project.dotenv)
        ambient = replace(expansion.ambient, environ=_unsaid(self.environ))
        self.expansion = Expansion(replace(project, dotenv=dotenv), ambient, given)
        self.expansion.env = Unsaid(self.expansion.env)
        self.commands = Commands(self.expansion)
        self._dotenv = {source for source, _ in dotenv}

    def args(self, node: Node) -> dict[str, ArgValue]:
        """The values of a node's arguments, None for those without one."""
        return {
            name: SET if self._is_caller(node, arg) else self._value(node, arg) for name, arg in node.task.args.items()
        }

    def _value(self, node: Node, arg: Arg) -> ArgValue:
        value = node.args.get(arg.name)
        # An outline has the name of its task, whatever its arguments are.
        is_outline = node.name == node.task.name and arg.required and value == ANYTHING
        return None if is_outline else value

    def _is_caller(self, node: Node, arg: Arg) -> bool:
        """Whether a value is the default that the caller's environment gives, as far as that can be told."""
        if arg.env is None or arg.env not in self.environ:
            return False
        value = canonical(arg, self.environ[arg.env])
        return node.args.get(arg.name) == ((value,) if arg.multiple else value)

    def words(self, node: Node) -> Words:
        """What names stand for in a node's texts; what nobody has said yet stays as it is written."""
        own = {name: node.words[name] for name in ("task", "dir", "rest")}
        late = {name: f"{{{{{name}}}}}" for name in (*self.expansion.pending, *FOUND)}
        found: dict[str, ArgValue] = {**late, **self.expansion.known, **own}
        for name, arg in node.task.args.items():
            value = self._value(node, arg)
            is_open = self._is_caller(node, arg) or (arg.required and value in (None, ()))
            found[name] = f"{{{{{name}}}}}" if is_open else arg_words(arg, value)
        return Words(found, self.expansion.env)

    def command(self, node: Node) -> list[str]:
        """The steps of a node as a person would type them."""
        with self.expansion.placed(*node.task.path, node.task.body):
            return self.commands.shown(node, self.words(node))

    def text(self, node: Node, key: str, text: str | None) -> str:
        """The text of a key such as `confirm` with its names filled in; of a command, quoted as its shell gets it."""
        quote = lenient(quoting(node.task.shell)) if key in ("finally", "probes") else None
        with self.expansion.placed(*node.task.path, key):
            return render(text or "", self.words(node), quote)

    def environment(self, node: Node) -> tuple[list[tuple[str, str, str]], int]:
        """The variables declared for a node, each with its value and where that is said; how many others it sees.

        Of those that a cached task takes from the caller it is told whether they are set.
        """
        seen = self.commands.variables.seen(node, self.words(node))
        taken = dict(self._taken(node.task)) if node.task.is_cached else {}
        declared = [(name, UNSET, source) for name, source in taken.items() if name not in seen]
        others = 0
        for name, (value, source) in seen.items():
            if source == CALLER and name in taken:
                declared.append((name, SET, taken[name]))
            elif source == CALLER:
                others += 1
            elif source in self._dotenv:
                declared.append((name, SET, source))
            elif source != "trun":
                declared.append((name, value, "the task" if source.startswith("task ") else source))
        return sorted(declared), others

    def _taken(self, task: Task) -> Iterator[tuple[str, str]]:
        """What a task takes from the caller, and by which key. The last one counts: in both is in the key."""
        for source, patterns in (("pass_env", task.pass_env), ("uses_env", task.uses_env)):
            for pattern in patterns:
                # A glob stands for the names that there are, and for itself where there are none.
                for name in self.commands.variables.callers([pattern]) or [pattern]:
                    yield name, source


def _unsaid(layer: Mapping[str, str]) -> dict[str, str]:
    return {name: f"{{{{env.{name}}}}}" for name in layer}
