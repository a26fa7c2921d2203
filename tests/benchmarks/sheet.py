"""The answers to one question as a table: ratios, what could not be measured, and which goals are met."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import compress

from .floors import BARE, COPY, ENVIRONMENT, WALK
from .measure import Failed, Summary
from .question import Goal, Limit, Question
from .table import Table, mebibytes, milliseconds, ratio

FOLLOWED = "trun"
COMPARED = {"x trun": FOLLOWED, "x bare": BARE, "x python": ENVIRONMENT, "x walk": WALK, "x cp": COPY}

Answers = Mapping[str, Summary | Failed]

COLUMNS = ("", "ms", "least", "most", "cpu ms", *COMPARED, "own MiB", "largest MiB", "MB printed")


def sheet(
    question: Question, answers: Answers, scale: float = 1.0, others: Mapping[str, Answers] | None = None
) -> Table:
    """A row for each tool, columns that nobody fills left out, then the notes and the goals.

    `others` are the answers to other questions, for goals that speak of one.
    """
    runs = max((answer.runs for answer in answers.values() if isinstance(answer, Summary)), default=0)
    size = "" if scale == 1.0 else f", sizes x {scale:g}"
    rows = [row(name, answer, answers, question) for name, answer in answers.items()]
    filled = [any(cells) for cells in zip(*rows, strict=True)]
    return Table(
        title=f"{question.name}: {question.title} (median of {runs}{size})",
        columns=tuple(compress(COLUMNS, filled)),
        rows=tuple(tuple(compress(cells, filled)) for cells in rows),
        notes=(*remarks(question, answers), *verdicts(question, answers, others or {})),
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
        *(ratio(answer.wall_s, wall_s(answers.get(other))) for other in COMPARED.values()),
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


def verdicts(question: Question, answers: Answers, others: Mapping[str, Answers]) -> list[str]:
    """One line for each goal: what was wanted, what was found."""
    return [verdict(goal, answers, others) for goal in question.goals]


def verdict(goal: Goal | Limit, answers: Answers, others: Mapping[str, Answers] | None = None) -> str:
    """`goal: trun at most 1.5 x ninja: 1.31, met`."""
    if isinstance(goal, Limit):
        return limited(goal, answers.get(FOLLOWED))
    trun = wall_s(answers.get(FOLLOWED))
    peer = (others or {}).get(goal.of, {}).get(goal.over) if goal.of else answers.get(goal.over)
    wanted = f"goal: trun at most {goal.at_most:g} x {goal.over}"
    wanted += f" in {goal.of}" if goal.of else ""
    wanted += f" + {goal.plus_s * 1000:g} ms" if goal.plus_s else ""
    if trun is None or peer is None:
        return f"{wanted}: not measured"
    if isinstance(peer, Failed):
        return f"{wanted}: {given_up(goal, trun, peer)}"
    met = trun <= peer.wall_s * goal.at_most + goal.plus_s
    found = f"{(trun - peer.wall_s) * 1000:+.1f} ms" if goal.plus_s else f"{trun / peer.wall_s:.2f}"
    return f"{wanted}: {found}, {'met' if met else 'NOT MET'}"


def given_up(goal: Goal, trun_s: float, peer: Failed) -> str:
    """A peer that took too long was beaten by as much at least; of one that failed otherwise nothing is known."""
    if peer.limit_s is not None and trun_s <= peer.limit_s * goal.at_most:
        return f"under {trun_s / peer.limit_s:.2f}, met (it was {peer.reason})"
    return "not measured"


def limited(limit: Limit, trun: Summary | Failed | None) -> str:
    """`goal: trun under 2 s: 0.31 s, met`."""
    if limit.what == "wall_s":
        wanted, found = f"trun under {limit.at_most:g} s", wall_s(trun)
        shown = f"{found:.2f} s" if found is not None else ""
    else:
        wanted = f"trun, all its processes, under {mebibytes(round(limit.at_most))} MiB"
        found = trun.own_bytes if isinstance(trun, Summary) else None
        shown = mebibytes(found)
    if found is None:
        return f"goal: {wanted}: not measured"
    return f"goal: {wanted}: {shown}, {'met' if found <= limit.at_most else 'NOT MET'}"
