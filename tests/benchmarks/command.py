"""The command: words to questions, questions to tables."""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import shutil
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from .anchors import anchored, judged, ratios, times
from .floors import FLOORS
from .measure import Case, Failed, Sample, Summary, interleave, summary, timed, weighed
from .question import Question
from .questions import QUESTIONS, chosen
from .results import Answers, Results
from .rooms import Rooms, Row
from .sheet import sheet
from .table import Table, as_markdown, as_text
from .tools import Absent, Found, Tool
from .tools.known import floors, runners
from .tools.sources import Given
from .tools.trun import Trun

CHECKOUT = Path(__file__).resolve().parents[2]
CACHE = CHECKOUT / ".trun" / "bench"
RESULTS = CACHE / "results.json"
ANCHORS = "anchors"
QUICK_SCALE = 0.01
LEGEND = (
    "ms: the median of the runs; x trun, bare, python, walk, cp: how many times that one's median (bare: python -I -S);"
    " own MiB: the tool's processes together; largest MiB: the largest process, its tasks' among them"
)


def main(words: Sequence[str]) -> int:
    """Measure what `words` ask for and print it; 2 if they make no sense."""
    asked = options().parse_args(words)
    if asked.quick:
        asked.scale, asked.runs = QUICK_SCALE, asked.runs or 1
    try:
        questions = wanted_questions(asked)
        tools = wanted_tools(asked.tools, python_of(shlex.split(asked.trun)))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    rows = [Row(tool=tool, found=find(tool, asked.trun)) for tool in tools]
    print(world(rows, markdown=asked.markdown), flush=True)
    answers = measure_all(questions, rows, asked)
    if ANCHORS in asked.what:
        summarise(questions, answers, asked)
    return 0


def options() -> argparse.ArgumentParser:
    """What may be typed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="trun and its peers, as ratios")
    names = ", ".join(question.name for question in QUESTIONS)
    parser.add_argument(
        "what",
        nargs="*",
        help=f"{names}; the first part of a name; {ANCHORS}: those with a goal, summed up; all without",
    )
    parser.add_argument("--runs", type=int, metavar="N", help="timed runs of each (each question has its own number)")
    parser.add_argument("--scale", type=float, default=1.0, metavar="F", help="sizes times F, for a quick look")
    parser.add_argument("--quick", action="store_true", help="small sizes, one run each: whether it works, no figures")
    parser.add_argument("--large", action="store_true", help="with the questions that need gigabytes of files")
    parser.add_argument("--tools", default="", metavar="A,B", help="only these, by name; the floors stay")
    parser.add_argument("--recall", action="store_true", help="add what earlier runs found of the other tools")
    parser.add_argument("--trun", default="", metavar="COMMAND", help="the trun to measure, if not this environment's")
    parser.add_argument("--no-memory", action="store_true", help="leave out the runs that weigh")
    parser.add_argument("--markdown", action="store_true", help="tables in markdown")
    return parser


def wanted_questions(asked: argparse.Namespace) -> list[Question]:
    """What the words name; large ones only if they are asked for.

    *Raises* ValueError for a word that names none.
    """
    words = [word for word in asked.what if word != ANCHORS]
    named = chosen(words) if words or ANCHORS not in asked.what else []
    if ANCHORS in asked.what:
        named += [question for question in anchored(QUESTIONS) if question not in named]
    return [question for question in named if asked.large or not question.is_large]


def wanted_tools(names: str, python: str) -> list[Tool]:
    """The tools of those names, all without any, and the floors.

    *Raises* ValueError for a name that none has.
    """
    known = {tool.name: tool for tool in runners()}
    wanted = [name.strip() for name in names.split(",")] if names else list(known)
    for name in wanted:
        if name not in known:
            raise ValueError(f"`{name}` is not one of: {', '.join(known)}")
    return [*(known[name] for name in wanted), *floors(python)]


def find(tool: Tool, trun: str) -> Found | Absent:
    """The tool, from where the command line says or from its own source."""
    CACHE.mkdir(parents=True, exist_ok=True)
    if trun and tool.name == Trun.name:
        return Given(words=tuple(shlex.split(trun))).find(CACHE)
    return tool.source.find(CACHE)


def python_of(words: Sequence[str]) -> str:
    """The Python of the environment that the measured trun is in."""
    beside = Path(words[0]).absolute().parent / "python" if words else Path(sys.executable)
    return str(beside) if beside.exists() else sys.executable


def measure_all(questions: Sequence[Question], rows: Sequence[Row], asked: argparse.Namespace) -> dict[str, Answers]:
    """Each question in turn, its table printed and its answers kept; what was recalled is in none of them."""
    results, versions = Results.at(RESULTS), versions_of(rows)
    answers: dict[str, Answers] = {}
    top = Path(tempfile.mkdtemp(prefix="trun-bench-"))
    rooms = Rooms(top=top)
    try:
        for question in questions:
            found = answer(question, rows, rooms, asked)
            answers[question.name] = found
            show(sheet(question, found, asked.scale, answers), asked)
            if asked.scale == 1.0:
                results.keep(question.name, found, versions, datetime.now(UTC).isoformat(timespec="seconds"))
            if not any(other.room == question.room != "" for other in questions[questions.index(question) + 1 :]):
                shutil.rmtree(top / (question.room or question.name), ignore_errors=True)
    finally:
        shutil.rmtree(top, ignore_errors=True)
    return answers


def summarise(questions: Sequence[Question], answers: dict[str, Answers], asked: argparse.Namespace) -> None:
    """The two tables over all questions, and every goal."""
    earlier = Results.at(RESULTS) if asked.recall else Results(path=RESULTS)
    kept = {question.name: earlier.recalled(question.name, answers[question.name]) for question in questions}
    together = {question.name: {**answers[question.name], **kept[question.name]} for question in questions}
    recalled = {name: set(of) for name, of in kept.items()}
    columns = anchored(questions)
    show(times(columns, together, recalled), asked)
    show(ratios(columns, together), asked)
    small = "" if asked.scale == 1.0 else f" (sizes x {asked.scale:g}: these say nothing of the real ones)"
    goals = "\n".join(f"- {line}" for line in judged(columns, together, recalled))
    print(f"\nGoals{small}\n{goals}", flush=True)


def show(table: Table, asked: argparse.Namespace) -> None:
    """Print it in the form that was asked for."""
    print("\n" + (as_markdown(table) if asked.markdown else as_text(table)), flush=True)


def answer(question: Question, rows: Sequence[Row], rooms: Rooms, asked: argparse.Namespace) -> Answers:
    """Prepare, measure in turn, weigh."""
    project = question.project(asked.scale)
    results: dict[str, Summary | Failed] = {}
    cases: list[Case] = []
    asked_rows = [row for row in rows if is_asked(row.tool, question)]
    for row in asked_rows:
        case = rooms.case(row, question, project)
        if isinstance(case, Failed):
            results[row.tool.name] = case
        else:
            cases.append(case)
    results |= measured(cases, question, asked)
    for row in asked_rows:
        rooms.learn(row.tool, question, results[row.tool.name])
    return {row.tool.name: results[row.tool.name] for row in asked_rows}


def is_asked(tool: Tool, question: Question) -> bool:
    """Whether the tool has a row in that table."""
    if tool.name in FLOORS:
        return tool.name in question.floors
    return not question.tools or tool.name in question.tools


def measured(cases: Sequence[Case], question: Question, asked: argparse.Namespace) -> dict[str, Summary | Failed]:
    """One run to warm up, the timed ones, then the weighed ones; each in turn."""
    warm = interleave(cases, 1, timed)
    able = [case for case in cases if not isinstance(warm[case.name], Failed)]
    times = warm | interleave(able, asked.runs or question.runs, timed)
    weights = interleave(able, 0 if asked.no_memory else question.weighings, weighed)
    return {name: together(taken, weights.get(name, [])) for name, taken in times.items()}


def together(times: list[Sample] | Failed, weights: list[Sample] | Failed) -> Summary | Failed:
    """One summary: time from the timed runs, memory from those that were weighed."""
    if isinstance(times, Failed):
        return times
    return weights if isinstance(weights, Failed) else summary(times, weights)


def versions_of(rows: Sequence[Row]) -> dict[str, str]:
    """The version of each tool that is there."""
    return {row.tool.name: row.found.version for row in rows if isinstance(row.found, Found)}


def world(rows: Sequence[Row], *, markdown: bool) -> str:
    """The machine, its load, and the versions: what a ratio is worth depends on them."""
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    lines = [f"{platform.system()} {platform.machine()}, {cores} cores, load {load:.2f}", LEGEND]
    if load > cores / 2:
        lines.append("this machine is busy with something else: `cpu ms` can be compared, `ms` hardly")
    for row in rows:
        had = row.found.version if isinstance(row.found, Found) else f"absent: {row.found.reason}"
        lines.append(f"{row.tool.name}: {had}")
    return "\n".join(f"- {line}" for line in lines) if markdown else "\n".join(lines)
