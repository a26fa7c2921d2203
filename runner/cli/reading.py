"""What was typed after each target to checked arguments; what is missing is asked for, or refused."""

from __future__ import annotations

import posixpath

from runner.argument import ArgumentError, Stand, canonical, unknown
from runner.cli.line import problem_of, variable_place
from runner.cli.targets import metavar
from runner.error import Problem, Refusal
from runner.noun import replace
from runner.request import Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from runner.cli.line import Line
    from runner.cli.targets import Aim
    from runner.request import Ambient, ArgValue
    from runner.task import Arg, Project, Task

ASKED_AT_MOST: Final = 3


class Reading:
    """The targets of one line in one project: `take` each, `demand` what they need, then ask for `targets`."""

    def __init__(self, line: Line, project: Project, ambient: Ambient) -> None:
        self.line = line
        self.project = project
        self.ambient = ambient
        self.problems: list[Problem] = []
        # Which of those taken lacks what.
        self.absent: list[tuple[int, Arg]] = []
        self._taken: list[tuple[Task, Aim | None, Target]] = []

    def take(self, task: Task, aim: Aim) -> None:
        """One task that a word names, with what was said to it."""
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
        self._taken.append((task, aim, Target(name=task.name, args=values, rest=aim.rest)))

    def take_default(self) -> bool:
        """What a bare `trun` runs, if the file says so."""
        name = self.project.default
        task = self.project.named(name) if name is not None else None
        if task is None:
            return False
        self._taken.append((task, None, Target(name=task.name)))
        return True

    def take_all(self) -> None:
        """Every task that is not hidden and needs nothing said: what a tag picks from."""
        for task in self.project.tasks.values():
            if not task.hidden and not any(arg.required and arg.default in (None, ()) for arg in task.args.values()):
                self._taken.append((task, None, Target(name=task.name)))

    def demand(self) -> None:
        """Looks for required arguments without a value; a variable that gives a bad one is a problem."""
        environ = self.ambient.environ
        for at, (task, aim, target) in enumerate(self._taken):
            for arg in task.args.values():
                if arg.name in target.args or (aim is not None and arg.name in aim.filled):
                    continue
                if arg.env is not None and arg.env in environ:
                    try:
                        canonical(arg, environ[arg.env])
                    except ArgumentError as error:
                        self._wrong(problem_of(error, variable_place(arg.env, environ[arg.env])))
                elif arg.required and arg.default in (None, ()):
                    self.absent.append((at, arg))

    @property
    def can_ask(self) -> bool:
        """Whether there is somebody to ask."""
        return self.ambient.ask is not None and self.ambient.stdin_is_terminal

    def missing(self) -> list[Problem]:
        """What is wrong when nobody can be asked for what is absent."""
        return [self._missing(*self._taken[at][:2], arg) for at, arg in self.absent]

    def _missing(self, task: Task, aim: Aim | None, arg: Arg) -> Problem:
        choices = ", one of " + ", ".join(f"`{choice}`" for choice in arg.choices) if arg.choices else ""
        return Problem(
            message=f"task `{task.name}` needs `{arg.name}`{choices}",
            place=self.line.place(aim.at) if aim else None,
            hint=f"write `trun {task.name} {typed_as(arg)}`",
        )

    def targets(self) -> tuple[Target, ...]:
        """The targets, in order. *Raises*: Refusal for an argument that nobody gives when asked."""
        made = [target for _, _, target in self._taken]
        for at, arg in self.absent:
            value = self._asked(self._taken[at][0], arg)
            if value is None:
                raise Refusal(self._missing(*self._taken[at][:2], arg))
            made[at] = replace(made[at], args={**made[at].args, arg.name: value})
        return tuple(made)

    def _asked(self, task: Task, arg: Arg) -> ArgValue:
        """What a person says when asked; None for nothing that can be taken."""
        assert self.ambient.ask is not None
        complaint = ""
        for _ in range(ASKED_AT_MOST):
            answer = self.ambient.ask(complaint + question(task, arg)).strip()
            complaint = ""
            try:
                texts = answer.split() if arg.multiple else [answer] * bool(answer)
                values = tuple(canonical(arg, text, self._stand(task)) for text in texts)
            except ArgumentError as error:
                complaint = f"{error}\n"
                continue
            if values:
                return values if arg.multiple else values[0]
        return None

    def _stand(self, task: Task) -> Stand:
        folder = posixpath.join(self.project.root, task.dir.lstrip("/"))
        return Stand(cwd=self.ambient.cwd, dir=posixpath.normpath(folder))

    def _wrong(self, problem: Problem) -> None:
        # The tasks of one glob often say the same.
        if problem not in self.problems:
            self.problems.append(problem)


def typed_as(arg: Arg) -> str:
    """An argument as it is typed."""
    if arg.positional:
        return metavar(arg)
    return arg.option if arg.type == "bool" else f"{arg.option} {metavar(arg)}"


def question(task: Task, arg: Arg) -> str:
    """How a person is asked for an argument."""
    choices = f" ({', '.join(arg.choices)})" if arg.choices else ""
    told = f", {arg.help}" if arg.help else ""
    return f"{task.name} needs {arg.name}{choices}{told}: "
