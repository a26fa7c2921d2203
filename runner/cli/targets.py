"""Targets: which tasks a word names, which words after it are its arguments, and what those say."""

from __future__ import annotations

import posixpath

from runner.argument import ArgumentError, Stand, canonical, unknown
from runner.cli.line import problem_of, variable_place
from runner.error import Problem, nearest
from runner.noun import noun
from runner.request import Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Final

    from runner.cli.line import Line
    from runner.request import Ambient, ArgValue
    from runner.task import Arg, Project, Task

ASKED_AT_MOST: Final = 3


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
        if not is_glob(word):
            return ()
        return tuple(task for name, task in self.tasks.items() if not task.hidden and matches(word, name))

    def near(self, word: str) -> str | None:
        """The name or alias that was most likely meant by a word that is none; a hidden one only if no other is near."""
        shown = [name for name, task in self.tasks.items() if not task.hidden]
        return nearest(word, [*shown, *self.aliases]) or nearest(word, self.tasks)


def is_glob(word: str) -> bool:
    """Whether a word is a glob over names; brackets are plain characters in it."""
    return "*" in word or "?" in word


def matches(glob: str, name: str) -> bool:
    """Whether a name fits a glob: `*` is any run of characters, `?` one, all else itself."""
    at = in_glob = resumed = 0
    star = -1
    while at < len(name):
        if in_glob < len(glob) and glob[in_glob] == "*":
            star, resumed = in_glob, at
            in_glob += 1
        elif in_glob < len(glob) and glob[in_glob] in ("?", name[at]):
            at += 1
            in_glob += 1
        elif star >= 0:
            # The last star takes one character more: an earlier one never has to, so this is never worse than n times m.
            resumed += 1
            at, in_glob = resumed, star + 1
        else:
            return False
    return not glob[in_glob:].strip("*")


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
        self.said.append(said)
        self.filled.add(said.name)


class Reading:
    """Makes targets of what was typed, for one line in one project, and collects what is wrong with it."""

    def __init__(self, line: Line, project: Project, ambient: Ambient, cwd: str) -> None:
        self.line = line
        self.root = project.root
        self.ambient = ambient
        self.cwd = cwd
        self.problems: list[Problem] = []

    def target(self, aim: Aim, task: Task) -> Target:
        """The target that a task becomes with what was said."""
        values: dict[str, ArgValue] = {}
        for said in aim.said:
            try:
                strange = unknown(task, [said.name])
                if strange is not None:
                    raise strange
                arg = task.args[said.name]
                value = canonical(arg, said.text, self._stand(task))
            except ArgumentError as error:
                self._wrong(problem_of(error, self.line.place(said.at, said.start)))
            else:
                before = values.get(said.name)
                values[said.name] = (*(before or ()), value) if arg.multiple else value
        return Target(name=task.name, args=values, rest=aim.rest)

    def absent(self, task: Task, target: Target, aim: Aim | None) -> list[Arg]:
        """The required arguments that have no value; a variable that gives a bad one is a problem."""
        environ = self.ambient.environ
        found = []
        for arg in task.args.values():
            if arg.name in target.args or (aim is not None and arg.name in aim.filled):
                continue
            if arg.env is not None and arg.env in environ:
                try:
                    canonical(arg, environ[arg.env])
                except ArgumentError as error:
                    self._wrong(problem_of(error, variable_place(arg.env, environ[arg.env])))
            elif arg.required and arg.default in (None, ()):
                found.append(arg)
        return found

    def ask(self, task: Task, arg: Arg) -> ArgValue:
        """What a person says when asked for an argument; None for nothing that could be taken."""
        assert self.ambient.ask is not None
        prompt = asking(task, arg)
        complaint = ""
        for _ in range(ASKED_AT_MOST):
            answer = self.ambient.ask(complaint + prompt).strip()
            try:
                texts = answer.split() if arg.multiple else [answer] * bool(answer)
                values = tuple(canonical(arg, text, self._stand(task)) for text in texts)
            except ArgumentError as error:
                complaint = f"{error}\n"
                continue
            if values:
                return values if arg.multiple else values[0]
        return None

    def missing(self, task: Task, arg: Arg, aim: Aim | None) -> None:
        """A required argument has no value, and nobody can be asked."""
        choices = ", one of " + ", ".join(f"`{choice}`" for choice in arg.choices) if arg.choices else ""
        typed = spelled(arg)
        self._wrong(
            Problem(
                message=f"task `{task.name}` needs `{arg.name}`{choices}",
                place=self.line.place(aim.at) if aim else None,
                hint=f"write `trun {aim.word if aim else task.name} {typed}`",
            )
        )

    def _stand(self, task: Task) -> Stand:
        folder = posixpath.join(self.root, task.dir.lstrip("/"))
        return Stand(cwd=self.cwd, dir=posixpath.normpath(folder))

    def _wrong(self, problem: Problem) -> None:
        # The tasks of one glob often say the same.
        if problem not in self.problems:
            self.problems.append(problem)


def metavar(arg: Arg) -> str:
    """What stands for an argument's value in a usage line."""
    return arg.name.replace("_", "-").upper()


def spelled(arg: Arg) -> str:
    """An argument as it is typed."""
    if arg.positional:
        return metavar(arg)
    if arg.type == "bool":
        return f"{arg.option}` or `--no-{arg.option[2:]}"
    return f"{arg.option} {metavar(arg)}"


def asking(task: Task, arg: Arg) -> str:
    """The question for an argument."""
    choices = f" ({', '.join(arg.choices)})" if arg.choices else ""
    told = f", {arg.help}" if arg.help else ""
    return f"{task.name} needs {arg.name}{choices}{told}: "
