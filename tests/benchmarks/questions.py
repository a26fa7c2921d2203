"""What is measured of commands: each question a project, what is asked of every tool, what trun wants to reach."""

from __future__ import annotations

from .file_questions import FILE_QUESTIONS
from .floors import INTERPRETERS
from .project import chain, log, side_by_side, single
from .question import MIB, Goal, Limit, Question, sized
from .scenes import Forgotten

LOG_BYTES = 300_000_000

NO_PROCESS = {
    "go-task": "its shell is built in: `true` starts no process",
    "make -rR": "starts /usr/bin/true without a shell, as the line has nothing for one",
}

COMMAND_QUESTIONS = (
    Question(
        name="tiny",
        title="One task, `true`",
        column="tiny",
        project=lambda scale: single(),
        runs=31,
        floors=INTERPRETERS,
        weighings=3,
        notes=NO_PROCESS,
    ),
    Question(
        name="true",
        title="1,000 independent tasks, each `true`, -j2",
        column="1000 true",
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
        column="list first",
        title="List of 1,000 tasks, the first time (what the tool remembers was removed)",
        project=lambda scale: side_by_side(sized(1_000, scale), described=True),
        verb="list",
        floors=INTERPRETERS,
        stage=Forgotten,
        goals=(Goal(over="python -I -S", at_most=6.0),),
        notes={"ninja": "has no descriptions to list"},
    ),
    Question(
        name="list",
        title="List of 1,000 tasks, again",
        column="list",
        project=lambda scale: side_by_side(sized(1_000, scale), described=True),
        verb="list",
        floors=INTERPRETERS,
        goals=(Goal(over="python -I -S", at_most=3.0),),
        notes={"ninja": "has no descriptions to list"},
    ),
    Question(
        name="plan-chain",
        title="Plan of a chain of 10,000",
        project=lambda scale: chain(sized(10_000, scale)),
        verb="plan",
        floors=INTERPRETERS,
        runs=5,
        weighings=2,
        goals=(Limit(what="wall_s", at_most=2.0), Limit(what="own_bytes", at_most=150 * MIB)),
    ),
    Question(
        name="plan-wide",
        title="Plan of 10,000 side by side",
        project=lambda scale: side_by_side(sized(10_000, scale)),
        verb="plan",
        floors=INTERPRETERS,
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
        column="log",
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

QUESTIONS = (*COMMAND_QUESTIONS, *FILE_QUESTIONS)


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
