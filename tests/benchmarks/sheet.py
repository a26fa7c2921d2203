"""The answers to one question as a table: ratios, what could not be measured, and which goals are met."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import compress

from .measure import Failed, Summary
from .questions import Goal, Limit, Question
from .table import Table, mebibytes, milliseconds, ratio

FOLLOWED = "trun"
BARE = "python -I -S"
ENVIRONMENT = "python"

Answers = Mapping[str, Summary | Failed]

COLUMNS = ("", "ms", "least", "most", "cpu ms", "x trun", "x bare", "x python", "own MiB", "largest MiB", "MB printed")


def sheet(question: Question, answers: Answers, scale: float = 1.0) -> Table:
    """A row for each tool, columns that nobody fills left out, then the notes and the goals."""
    runs = max((answer.runs for answer in answers.values() if isinstance(answer, Summary)), default=0)
    size = "" if scale == 1.0 else f", sizes x {scale:g}"
    rows = [row(name, answer, answers, question) for name, answer in answers.items()]
    filled = [any(cells) for cells in zip(*rows, strict=True)]
    return Table(
        title=f"{question.name}: {question.title} (median of {runs}{size})",
        columns=tuple(compress(COLUMNS, filled)),
        rows=tuple(tuple(compress(cells, filled)) for cells in rows),
        notes=(*remarks(question, answers), *verdicts(question, answers)),
    )


def row(name: str, answer: Summary | Failed, answers: Answers, question: Question) -> tuple[str, ...]:
    """The cells of one tool; a dash where there is no figure."""
    if isinstance(answer, Failed):
        return (name, "-", *[""] * (len(COLUMNS) - 2))
    return (
        name,
        milliseconds(answer.wall_s),
        milliseconds(answer.low_s),
        milliseconds(answer.high_s),
        milliseconds(answer.cpu_s),
        *(ratio(answer.wall_s, wall_s(answers.get(other))) for other in (FOLLOWED, BARE, ENVIRONMENT)),
        mebibytes(answer.own_bytes),
        mebibytes(answer.largest_bytes),
        f"{answer.printed_bytes / 1e6:,.1f}" if question.counted else "",
    )


def wall_s(answer: Summary | Failed | None) -> float | None:
    """The time, if there is one."""
    return answer.wall_s if isinstance(answer, Summary) else None


def remarks(question: Question, answers: Answers) -> list[str]:
    """Why a row has no figures, and what a tool does otherwise."""
    failed = [f"{name}: {answer.reason}" for name, answer in answers.items() if isinstance(answer, Failed)]
    noted = [f"{name}: {note}" for name, note in question.notes.items() if isinstance(answers.get(name), Summary)]
    return failed + noted


def verdicts(question: Question, answers: Answers) -> list[str]:
    """One line for each goal: what was wanted, what was found."""
    return [verdict(goal, answers) for goal in question.goals]


def verdict(goal: Goal | Limit, answers: Answers) -> str:
    """`goal: trun at most 1.5 x ninja: 1.31, met`."""
    trun = answers.get(FOLLOWED)
    match goal:
        case Goal(over=over, at_most=at_most):
            wanted, peer = f"trun at most {at_most:g} x {over}", wall_s(answers.get(over))
            found = trun.wall_s / peer if isinstance(trun, Summary) and peer else None
            shown = f"{found:.2f}" if found is not None else ""
        case Limit(what="wall_s", at_most=at_most):
            wanted, found = f"trun under {at_most:g} s", wall_s(trun)
            shown = f"{found:.2f} s" if found is not None else ""
        case Limit(at_most=at_most):
            wanted = f"trun, all its processes, under {mebibytes(round(at_most))} MiB"
            found = trun.own_bytes if isinstance(trun, Summary) else None
            shown = mebibytes(found)
    if found is None:
        return f"goal: {wanted}: not measured"
    return f"goal: {wanted}: {shown}, {'met' if found <= at_most else 'NOT MET'}"
