"""What is measured: each question a project, what is asked of every tool, and what trun wants to reach."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .project import Project, chain, log, side_by_side, single
from .tools import Tool, Verb

LOG_BYTES = 300_000_000
MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """trun's time at most so many times a peer's."""

    over: str
    at_most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """trun's time, or the memory of all its processes, at most this."""

    what: str  # "wall_s" or "own_bytes", as in Summary
    at_most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One table. `project` is given a scale, 1 for the real size; `runs` are timed, `weighings` are for memory;
    `before` is done in a tool's folder before each run; with `floors` the bare interpreter is a row too."""

    name: str
    title: str
    project: Callable[[float], Project]
    verb: Verb = "run"
    jobs: int = 2
    runs: int = 11
    weighings: int = 0
    before: Callable[[Tool, Path], None] | None = None
    counted: bool = False
    floors: bool = False
    goals: tuple[Goal | Limit, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)


def sized(count: int, scale: float) -> int:
    """`count` at that scale, never fewer than 3."""
    return max(3, round(count * scale))


def forget(tool: Tool, folder: Path) -> None:
    """Remove what the tool keeps between runs: the next one is its first."""
    for name in tool.state:
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).unlink(missing_ok=True)


NO_PROCESS = {
    "go-task": "its shell is built in: `true` starts no process",
    "make -rR": "starts /usr/bin/true without a shell, as the line has nothing for one",
}

QUESTIONS = (
    Question(
        name="tiny",
        title="One task, `true`",
        project=lambda scale: single(),
        runs=31,
        floors=True,
        weighings=3,
        notes=NO_PROCESS,
    ),
    Question(
        name="true",
        title="1,000 independent tasks, each `true`, -j2",
        project=lambda scale: side_by_side(sized(1_000, scale)),
        weighings=2,
        goals=(
            Goal(over="ninja", at_most=1.5),
            Goal(over="make -rR", at_most=1.0),
            Goal(over="just", at_most=1.0),
        ),
        notes=NO_PROCESS,
    ),
    Question(
        name="exec",
        title="1,000 independent tasks, each a process of its own: `/bin/echo >/dev/null`, -j2",
        project=lambda scale: side_by_side(sized(1_000, scale), "/bin/echo >/dev/null"),
        runs=5,
        notes={"go-task": "its shell is built in: one start each, where the others start sh, which becomes echo"},
    ),
    Question(
        name="list-first",
        title="List of 1,000 tasks, the first time (what the tool remembers was removed)",
        project=lambda scale: side_by_side(sized(1_000, scale), described=True),
        verb="list",
        floors=True,
        before=forget,
        goals=(Goal(over="python -I -S", at_most=6.0),),
        notes={"ninja": "has no descriptions to list"},
    ),
    Question(
        name="list",
        title="List of 1,000 tasks, again",
        project=lambda scale: side_by_side(sized(1_000, scale), described=True),
        verb="list",
        floors=True,
        goals=(Goal(over="python -I -S", at_most=3.0),),
        notes={"ninja": "has no descriptions to list"},
    ),
    Question(
        name="plan-chain",
        title="Plan of a chain of 10,000",
        project=lambda scale: chain(sized(10_000, scale)),
        verb="plan",
        floors=True,
        runs=5,
        weighings=2,
        goals=(Limit(what="wall_s", at_most=2.0), Limit(what="own_bytes", at_most=150 * MIB)),
    ),
    Question(
        name="plan-wide",
        title="Plan of 10,000 side by side",
        project=lambda scale: side_by_side(sized(10_000, scale)),
        verb="plan",
        floors=True,
        runs=5,
        weighings=2,
        goals=(Limit(what="wall_s", at_most=2.0), Limit(what="own_bytes", at_most=150 * MIB)),
    ),
    Question(
        name="run-chain",
        title="Run of a chain of 10,000, each `true`, -j2",
        project=lambda scale: chain(sized(10_000, scale)),
        runs=3,
        weighings=1,
        goals=(Limit(what="own_bytes", at_most=150 * MIB),),
        notes=NO_PROCESS,
    ),
    Question(
        name="run-wide",
        title="Run of 10,000 side by side, each `true`, -j2",
        project=lambda scale: side_by_side(sized(10_000, scale)),
        runs=3,
        weighings=1,
        goals=(Goal(over="ninja", at_most=1.5), Limit(what="own_bytes", at_most=150 * MIB)),
        notes=NO_PROCESS,
    ),
    Question(
        name="log",
        title="A log of 300 MB, in lines of 100 bytes, through one task into a pipe",
        project=lambda scale: log(sized(LOG_BYTES, scale)),
        runs=5,
        weighings=2,
        counted=True,
        goals=(Limit(what="own_bytes", at_most=100_000_000),),
        notes={
            "make -rR": "hands its own standard output to the task: nothing passes through it",
            "just": "the same",
            "go-task": "the same",
            "ninja": "holds the whole log until the task has ended",
        },
    ),
)


def chosen(words: list[str]) -> list[Question]:
    """The questions that `words` name, by name or by its first part (`list`, `plan`, `run`); all without words.

    *Raises* ValueError for a word that names none.
    """
    found: list[Question] = []
    for word in words:
        named = [question for question in QUESTIONS if question.name == word or question.name.startswith(f"{word}-")]
        if not named:
            raise ValueError(f"`{word}` is not one of: {', '.join(question.name for question in QUESTIONS)}")
        found += [question for question in named if question not in found]
    return found or list(QUESTIONS)
