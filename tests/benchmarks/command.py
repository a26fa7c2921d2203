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
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .measure import Case, Failed, Sample, Summary, interleave, summary, timed, weighed
from .questions import QUESTIONS, Question, chosen
from .sheet import sheet
from .table import Table, as_markdown, as_text
from .tools import Absent, Ask, Found, Tool
from .tools.known import floors, runners
from .tools.python import Interpreter
from .tools.sources import Given
from .tools.trun import Trun

CHECKOUT = Path(__file__).resolve().parents[2]
CACHE = CHECKOUT / ".trun" / "bench"
LEGEND = (
    "ms: the median of the runs; x trun, bare, python: how many times that one's median (bare: python -I -S);"
    " own MiB: the tool's processes together; largest MiB: the largest process, its tasks' among them"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A tool with what finding it gave."""

    tool: Tool
    found: Found | Absent


def main(words: Sequence[str]) -> int:
    """Measure what `words` ask for and print it; 2 if they make no sense."""
    asked = options().parse_args(words)
    try:
        questions = chosen(asked.what)
        tools = wanted_tools(asked.tools, python_of(shlex.split(asked.trun)))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    rows = [Row(tool=tool, found=find(tool, asked.trun)) for tool in tools]
    print(world(rows, markdown=asked.markdown), flush=True)
    room = Path(tempfile.mkdtemp(prefix="trun-bench-"))
    try:
        for question in questions:
            table = answer(question, rows, room, asked)
            print("\n" + (as_markdown(table) if asked.markdown else as_text(table)), flush=True)
    finally:
        shutil.rmtree(room, ignore_errors=True)
    return 0


def options() -> argparse.ArgumentParser:
    """What may be typed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="trun and its peers, as ratios")
    names = ", ".join(question.name for question in QUESTIONS)
    parser.add_argument("what", nargs="*", help=f"{names}; or the first part of a name; all without")
    parser.add_argument("--runs", type=int, metavar="N", help="timed runs of each (each question has its own number)")
    parser.add_argument("--scale", type=float, default=1.0, metavar="F", help="sizes times F, for a quick look")
    parser.add_argument("--tools", default="", metavar="A,B", help="only these, by name; the floors stay")
    parser.add_argument("--trun", default="", metavar="COMMAND", help="the trun to measure, if not this environment's")
    parser.add_argument("--no-memory", action="store_true", help="leave out the runs that weigh")
    parser.add_argument("--markdown", action="store_true", help="tables in markdown")
    return parser


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


def answer(question: Question, rows: Sequence[Row], room: Path, asked: argparse.Namespace) -> Table:
    """Prepare, measure in turn, weigh, and lay it out."""
    ask = Ask(verb=question.verb, project=question.project(asked.scale), jobs=question.jobs)
    results: dict[str, Summary | Failed] = {}
    cases: list[Case] = []
    for row in rows:
        if isinstance(row.tool, Interpreter) and not question.floors:
            continue
        case = prepared(row, question, ask, room)
        if isinstance(case, Failed):
            results[row.tool.name] = case
        else:
            cases.append(case)
    results |= measured(cases, question, asked)
    ordered = {row.tool.name: results[row.tool.name] for row in rows if row.tool.name in results}
    return sheet(question, ordered, asked.scale)


def prepared(row: Row, question: Question, ask: Ask, room: Path) -> Case | Failed:
    """A folder with the project in the tool's format and what to type there, or why not."""
    if isinstance(row.found, Absent):
        return Failed(reason=f"absent: {row.found.reason}")
    words = row.tool.words(ask)
    if words is None:
        return Failed(reason=f"has no {question.verb}")
    folder = room / question.name / row.tool.name.replace(" ", "_")
    folder.mkdir(parents=True)
    row.tool.write(ask.project, folder)
    return Case(
        name=row.tool.name,
        argv=(*row.found.words, *words),
        folder=folder,
        before=partial(question.before, row.tool, folder) if question.before else None,
        counted=question.counted,
    )


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
