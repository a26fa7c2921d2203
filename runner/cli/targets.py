"""Targets on a line: which tasks a word names, and which of the words after it are arguments of those."""

from __future__ import annotations

from runner.cli.line import spelled
from runner.error import Problem, nearest
from runner.noun import noun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Final

    from runner.error import Place
    from runner.task import Arg, Project, Task

# A name has at most 200 bytes: a longer glob, with a star between any two characters, matches none.
GLOB_AT_MOST: Final = 401


class Names:
    """What a word can name in a project: a task by its name or alias, or several by a glob over names."""

    __slots__ = ("_aliases", "tasks")

    def __init__(self, project: Project) -> None:
        self.tasks = project.tasks
        self._aliases: dict[str, Task] | None = None

    @property
    def aliases(self) -> Mapping[str, Task]:
        """The tasks by their aliases; collected once a word is no task's name."""
        if self._aliases is None:
            self._aliases = {alias: task for task in self.tasks.values() for alias in task.aliases}
        return self._aliases

    def find(self, word: str) -> tuple[Task, ...]:
        """The tasks that a word names: an exact name wins over an alias, and that over a glob."""
        found = self.tasks.get(word) or self.aliases.get(word)
        if found is not None:
            return (found,)
        from runner.graph import is_glob, name_matches

        while "**" in word:
            word = word.replace("**", "*")
        if not is_glob(word) or len(word) > GLOB_AT_MOST:
            return ()
        return tuple(task for name, task in self.tasks.items() if not task.hidden and name_matches(word, name))

    def near(self, word: str) -> str | None:
        """The name or alias most likely meant by a word that is none; a hidden one only if no other is near."""
        shown = [name for name, task in self.tasks.items() if not task.hidden]
        return nearest(word, [*shown, *self.aliases]) or nearest(word, self.tasks)


@noun
class Said:
    """One value typed for an argument of a target, and where: the word, and how far into it."""

    name: str
    text: str
    at: int
    start: int = 0


class Aim:
    """A target while the words after it are read: what it names, what has been said to it, which places are open.

    What a glob names takes the arguments that any of its tasks declares, in the places of the first. After a name that
    is not known, `tasks` is what was probably meant, so that the words after it make no errors of their own.
    """

    __slots__ = ("at", "filled", "is_known", "rest", "said", "tasks", "word")

    def __init__(self, word: str, at: int, tasks: tuple[Task, ...], *, is_known: bool = True) -> None:
        self.word = word
        self.at = at
        self.tasks = tasks
        self.is_known = is_known
        self.said: list[Said] = []
        self.filled: set[str] = set()
        self.rest: tuple[str, ...] = ()

    def args(self) -> Iterator[Arg]:
        """What it takes."""
        for task in self.tasks:
            yield from task.args.values()

    def long(self, name: str) -> tuple[Arg, bool] | None:
        """The argument that a long option names, and whether it was the `--no-` of one."""
        for arg in self.args():
            if arg.option == name:
                return arg, False
        for arg in self.args():
            if arg.type == "bool" and "--no-" + arg.option[2:] == name:
                return arg, True
        return None

    def letter(self, letter: str) -> Arg | None:
        """The argument with that letter."""
        return next((arg for arg in self.args() if arg.short == letter), None)

    def place_for(self, word: str, names: Names) -> Arg | None:
        """The positional argument that a bare word fills, unless it is the next target.

        One that is required takes any word; all others leave a word alone that names a task.
        """
        for arg in self.tasks[0].args.values() if self.tasks else ():
            if not arg.positional or (arg.name in self.filled and not arg.multiple):
                continue
            if arg.required and arg.name not in self.filled:
                return arg
            return None if names.find(word) else arg
        return None

    def say(self, said: Said) -> None:
        """One more value."""
        self.filled.add(said.name)
        self.said.append(said)


def metavar(arg: Arg) -> str:
    """What stands for an argument's value in a usage line."""
    return arg.name.replace("_", "-").upper()


def stranger(word: str, place: Place, near: str | None, hint: str | None = None) -> Problem:
    """What is wrong with a word that names no task; `near` is the one that was probably meant."""
    from runner.graph import is_glob

    shown = spelled(word)
    return Problem(
        message=f"no task matches `{shown}`" if is_glob(word) else f"unknown target `{shown}`",
        place=place,
        hint=hint or (f"did you mean `{near}`?" if near else None),
    )
