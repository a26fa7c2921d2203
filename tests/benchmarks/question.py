"""The nouns of what is measured: a question, and what trun wants to reach in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .project import Project
from .scenes import Anyhow, Stage
from .tools import Verb

MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """trun's time at most so many times a peer's, and `plus_s` on top; the peer's in this question, or in `of`."""

    over: str
    at_most: float = 1.0
    plus_s: float = 0.0
    of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """trun's time, or the memory of all its processes, at most this."""

    what: str  # "wall_s" or "own_bytes", as in Summary
    at_most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One table. `project` is given a scale, 1 for the real size; `runs` are timed, `weighings` are for memory.

    `stage` says what is so before each run and checked after it; `room` names the folder of the project, shared by
    questions that name the same; `floors` are rows that no tool is; `tools`, if any, the only ones that are asked.
    *Units*: a run of more than `limit_s` is given up; after `spend_s` a tool has run often enough, `runs` or not.
    """

    name: str
    title: str
    project: Callable[[float], Project]
    verb: Verb = "run"
    jobs: int = 2
    runs: int = 11
    weighings: int = 0
    stage: Stage = Anyhow
    room: str = ""
    counted: bool = False
    floors: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    goals: tuple[Goal | Limit, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    column: str = ""  # what the table of anchors calls it
    is_large: bool = False
    limit_s: float = 60.0
    spend_s: float = 15.0


def sized(count: int, scale: float) -> int:
    """`count` at that scale, never fewer than 3."""
    return max(3, round(count * scale))
