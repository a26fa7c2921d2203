"""What is measured of files: N x M is N tasks of M files each, in layers."""

from __future__ import annotations

from collections.abc import Callable

from .floors import BARE, COPY, ENVIRONMENT, FIND, INTERPRETERS, WALK
from .project import Project, copying, layered
from .question import MIB, Goal, Limit, Question, sized
from .scenes import Edited, First, Fresh, Restored

# Those that remember results, those that also bring them back, and those that trun is to leave far behind.
CACHING = ("mise", "mise cached", "turbo", "nx", "moon", "wireit", "go-task", "doit", "ntask", "pytask")
STORING = ("mise cached", "turbo", "nx", "moon", "wireit", "ntask")
FAR = ("turbo", "mise", "go-task", "nx", "wireit", "moon")
LOOKING = (*INTERPRETERS, WALK, FIND)

SHELL = {
    "go-task": "its shell is built in: one process a task, where the others start sh as well",
    "turbo": "starts npm for each task that runs",
    "pytask": "one task at a time: side by side needs a plug-in",
}
PRIMED = {"turbo": "its first run, outside the time, has a stand-in for npm, which alone takes 0.1 s a task or more"}


def ahead(tools: tuple[str, ...], at_most: float = 1.0) -> tuple[Goal, ...]:
    """trun's time at most so many times that of each of them."""
    return tuple(Goal(over=tool, at_most=at_most) for tool in tools)


def files(count: int, each: int) -> Callable[[float], Project]:
    """The project of that size, given a scale."""
    return lambda scale: layered(sized(count, scale), sized(each, scale))


def far() -> tuple[Goal, ...]:
    """From 1,000 tasks on: four times ahead of most, ahead of the others that cache and of make."""
    near = tuple(tool for tool in CACHING if tool not in FAR)
    return (*ahead(FAR, 0.25), *ahead(near), *ahead(("make -rR",)))


def fresh(count: int, each: int, *goals: Goal | Limit, runs: int = 11) -> Question:
    """Nothing has changed."""
    return Question(
        name=f"fresh-{count}x{each}",
        title=f"{count:,} tasks of {each} files each, up to date, -j2",
        column=f"fresh {count}x{each}",
        project=files(count, each),
        room=f"{count}x{each}",
        verb="build",
        stage=Fresh,
        floors=LOOKING,
        runs=runs,
        weighings=1,
        goals=goals,
        notes=PRIMED,
        limit_s=120.0,
    )


def edited(count: int, each: int, *goals: Goal | Limit) -> Question:
    """One file of a task that nobody follows was edited: one task runs."""
    return Question(
        name=f"edit-{count}x{each}",
        title=f"{count:,} tasks of {each} files each, one file edited, one task to run, -j2",
        column=f"edit {count}x{each}",
        project=files(count, each),
        room=f"{count}x{each}",
        verb="build",
        stage=Edited,
        floors=(WALK,),
        goals=goals,
        notes=SHELL,
        limit_s=120.0,
    )


FILE_QUESTIONS = (
    # First the first run: it leaves the project up to date for the questions after it.
    Question(
        name="first-1000x10",
        title="1,000 tasks of 10 files each, the first run, -j2; what each tool stores is stored",
        column="first 1000x10",
        project=files(1_000, 10),
        room="1000x10",
        verb="build",
        stage=First,
        runs=3,
        goals=(*ahead(STORING), Goal(over="make -rR", at_most=1.5)),
        notes=SHELL,
        limit_s=240.0,
    ),
    fresh(10, 10, *ahead(CACHING), runs=21),
    fresh(100, 10, *ahead(CACHING), Goal(over=ENVIRONMENT, plus_s=0.010)),
    fresh(1_000, 10, *far()),
    fresh(1_000, 100, *far(), Goal(over=WALK, at_most=1.3), Limit(what="own_bytes", at_most=60_000_000), runs=7),
    edited(100, 10, *ahead(CACHING)),
    edited(1_000, 10, *far(), Goal(over="trun", of="fresh-1000x10", plus_s=0.100)),
    Question(
        name="restore",
        title="1,000 files of 4 KiB and one of 100 MiB, outputs of one task, deleted: brought back",
        column="restore",
        project=lambda scale: copying(sized(1_000, scale), 4_096, sized(100 * MIB, scale)),
        verb="restore",
        stage=Restored,
        floors=(COPY, BARE),
        runs=7,
        goals=(Goal(over=COPY, at_most=2.5), Goal(over="turbo")),
        notes={"ntask": "restores hard links into its cache, which an edit in place would spoil"},
    ),
    Question(
        name="grow-tasks",
        title="10,000 tasks of 10 files each, up to date, -j2",
        column="fresh 10000x10",
        project=files(10_000, 10),
        room="10000x10",
        verb="build",
        stage=Fresh,
        tools=("trun", "ninja", "make -rR"),
        floors=LOOKING,
        runs=5,
        weighings=1,
        goals=(Goal(over="trun", of="fresh-1000x10", at_most=12.0),),
        limit_s=240.0,
    ),
    Question(
        name="grow-files",
        title="1,000 tasks of 1,000 files each, up to date, -j2",
        column="fresh 1000x1000",
        project=files(1_000, 1_000),
        room="1000x1000",
        verb="build",
        stage=Fresh,
        tools=("trun",),
        floors=LOOKING,
        runs=3,
        weighings=1,
        goals=(Goal(over="trun", of="fresh-1000x100", at_most=12.0),),
        is_large=True,
        limit_s=600.0,
    ),
)
