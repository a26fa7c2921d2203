"""All questions in two tables: each tool's time in each question, and how many times that trun takes; goals judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .measure import Failed, Summary
from .question import Goal, Question
from .results import Answers
from .sheet import FOLLOWED, verdicts
from .table import Table, mebibytes, milliseconds, ratio

MEMORY = ("fresh-1000x10", "fresh-1000x100")


def anchored(questions: Sequence[Question]) -> list[Question]:
    """The questions that have a column in these tables."""
    return [question for question in questions if question.column]


def times(questions: Sequence[Question], answers: Mapping[str, Answers], recalled: Mapping[str, set[str]]) -> Table:
    """A row a tool, a column a question: milliseconds, and the memory of the large ones."""
    weighed = [question for question in questions if question.name in MEMORY]
    rows = []
    for tool in names(answers):
        cells = [
            cell(answers[question.name].get(tool)) + ("*" if tool in recalled.get(question.name, ()) else "")
            for question in questions
        ]
        rows.append((tool, *cells, *(own(answers[question.name].get(tool)) for question in weighed)))
    columns = ("", *(question.column for question in questions), *(f"MiB {question.column}" for question in weighed))
    notes = ("* measured earlier, not in this run",) if any(recalled.values()) else ()
    return Table(title="Milliseconds, medians; own memory in MiB", columns=columns, rows=tuple(rows), notes=notes)


def ratios(questions: Sequence[Question], answers: Mapping[str, Answers]) -> Table:
    """The same as trun's time over the tool's: below 1, trun is ahead."""
    rows = []
    for tool in names(answers):
        cells = [over(answers[question.name], tool) for question in questions]
        rows.append((tool, *cells))
    columns = ("", *(question.column for question in questions))
    return Table(title="trun / tool: below 1 trun is ahead", columns=columns, rows=tuple(rows))


def judged(
    questions: Sequence[Question], answers: Mapping[str, Answers], recalled: Mapping[str, set[str]]
) -> list[str]:
    """Every goal with the question it belongs to: those met, those not measured, those missed.

    A star is behind each that compares trun with a figure of another day.
    """
    lines = []
    for question in questions:
        told = verdicts(question, answers[question.name], answers)
        for goal, line in zip(question.goals, told, strict=True):
            over = goal.over if isinstance(goal, Goal) else ""
            star = " *" if over in recalled.get(question.name, ()) else ""
            lines.append(f"{question.name}: {line.removeprefix('goal: ')}{star}")
    return sorted(lines, key=lambda line: ("NOT MET" in line, "not measured" in line))


def names(answers: Mapping[str, Answers]) -> list[str]:
    """Every tool that any question tells of, in the order they come."""
    return list(dict.fromkeys(tool for of in answers.values() for tool in of))


def cell(answer: Summary | Failed | None) -> str:
    """`24`, `> 60,000` for what was given up, `wrong` for what was, `-` for what it cannot, nothing if not asked."""
    if isinstance(answer, Summary):
        return milliseconds(answer.wall_s)
    if answer is None:
        return ""
    if answer.limit_s is not None:
        return f"> {milliseconds(answer.limit_s)}"
    return "wrong" if "wrong: " in answer.reason else "-"


def own(answer: Summary | Failed | None) -> str:
    """The memory of all its processes, where it was weighed."""
    return mebibytes(answer.own_bytes) if isinstance(answer, Summary) else ""


def over(answers: Answers, tool: str) -> str:
    """trun's time over that tool's; `< 0.01` where the tool was given up."""
    trun, other = answers.get(FOLLOWED), answers.get(tool)
    if not isinstance(trun, Summary):
        return ""
    if isinstance(other, Summary):
        return ratio(trun.wall_s, other.wall_s)
    if isinstance(other, Failed) and other.limit_s is not None:
        return f"< {ratio(trun.wall_s, other.limit_s)}"
    return ""
