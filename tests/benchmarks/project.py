"""Equal projects: one neutral description that every adapter writes in its own tool's format."""

from __future__ import annotations

from dataclasses import dataclass

# What no format escapes, so that an adapter only has to think of quotes, backslashes and `$`.
FORBIDDEN = ("\n", "{{", "}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One task: a line for the shell (or none: a group), and the steps before it."""

    name: str
    command: str = ""
    deps: tuple[str, ...] = ()
    desc: str = ""

    def __post_init__(self) -> None:
        for text in FORBIDDEN:
            if text in self.command or text in self.desc:
                raise ValueError(f"a step cannot say {text!r}: {self.name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Steps in an order in which they could run, and the one to ask for."""

    steps: tuple[Step, ...]
    goal: str


def single(command: str = "true") -> Project:
    """A project of one task."""
    return Project(steps=(Step(name="one", command=command),), goal="one")


def side_by_side(count: int, command: str = "true", *, described: bool = False) -> Project:
    """`count` tasks that know nothing of each other, and `all` that wants them."""
    steps = tuple(
        Step(name=numbered(number), command=command, desc=f"What step {number} is for" if described else "")
        for number in range(1, count + 1)
    )
    return Project(steps=(*steps, Step(name="all", deps=tuple(step.name for step in steps))), goal="all")


def chain(count: int, command: str = "true") -> Project:
    """`count` tasks, each after the one before it."""
    steps = tuple(
        Step(name=numbered(number), command=command, deps=(numbered(number - 1),) if number > 1 else ())
        for number in range(1, count + 1)
    )
    return Project(steps=steps, goal=numbered(count))


def log(size_bytes: int) -> Project:
    """One task that prints `size_bytes` in lines of 100."""
    return single(f"yes {'x' * 99} | head -c {size_bytes}")


def numbered(number: int) -> str:
    """The name of the step with that number; all of one length up to 99,999."""
    return f"t{number:05}"
