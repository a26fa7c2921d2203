"""One run of one command, and runs of many in turn: A B C, B C A, so that a drift of the machine hits all alike."""

from __future__ import annotations

import os
import secrets
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .memory import MARK, Watch

LAUNCH = Path(__file__).with_name("launch.py")
RUN_LIMIT_S = 300.0
LOOK_EVERY_S = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What to type where: one row of a table. `before` is done before each run, outside its time."""

    name: str
    argv: tuple[str, ...]
    folder: Path
    before: Callable[[], None] | None = None
    counted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What one run took. `own_bytes` is of the tool's processes together, and only looked at when asked for."""

    wall_s: float
    cpu_s: float
    largest_bytes: int
    printed_bytes: int
    own_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A run that did not end well, and its last words."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The middle of several runs. `largest_bytes` is the largest process waited for, `own_bytes` as in Sample."""

    runs: int
    wall_s: float
    low_s: float
    high_s: float
    cpu_s: float
    printed_bytes: int
    largest_bytes: int | None = None
    own_bytes: int | None = None


Result = Sample | Failed


def interleave(cases: Sequence[Case], rounds: int, once: Callable[[Case], Result]) -> dict[str, list[Sample] | Failed]:
    """The samples of each case by name; the order turns by one each round, and a case that fails drops out."""
    taken: dict[str, list[Sample] | Failed] = {case.name: [] for case in cases}
    for number in range(rounds):
        shift = number % len(cases)
        for case in [*cases[shift:], *cases[:shift]]:
            so_far = taken[case.name]
            if isinstance(so_far, Failed):
                continue
            result = once(case)
            if isinstance(result, Failed):
                taken[case.name] = result
            else:
                so_far.append(result)
    return taken


def summary(times: Sequence[Sample], weights: Sequence[Sample] = ()) -> Summary:
    """Medians of the timed runs, the least that they printed, the most memory of the weighed ones."""
    walls = [sample.wall_s for sample in times]
    own = [sample.own_bytes for sample in weights if sample.own_bytes]
    return Summary(
        runs=len(times),
        wall_s=statistics.median(walls),
        low_s=min(walls),
        high_s=max(walls),
        cpu_s=statistics.median(sample.cpu_s for sample in times),
        printed_bytes=min(sample.printed_bytes for sample in times),
        largest_bytes=max((sample.largest_bytes for sample in weights), default=None),
        own_bytes=max(own, default=None),
    )


def timed(case: Case) -> Result:
    """Run `case` once for its time, with nobody looking."""
    return run(case, watched=False)


def weighed(case: Case) -> Result:
    """Run `case` once for its memory: all its processes are looked at while it runs, so its time means little."""
    return run(case, watched=True)


def run(case: Case, *, watched: bool) -> Result:
    """Start the launcher on `case`, wait for it, and read its numbers."""
    if case.before is not None:
        case.before()
    errors = case.folder / ".errors"
    mark = secrets.token_hex(8)
    how, sink = "fork" if watched else "spawn", "count" if case.counted else "null"
    launcher = subprocess.Popen(
        [sys.executable, "-I", "-S", "-E", str(LAUNCH), how, sink, str(errors), "--", *case.argv],
        cwd=case.folder,
        env=environment(case, mark),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with launcher:
        try:
            own_bytes = look_until_done(launcher, mark) if watched else None
            told, _ = launcher.communicate(timeout=RUN_LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(launcher.pid, signal.SIGKILL)
            return Failed(reason=f"not done after {RUN_LIMIT_S:.0f} s")
    return read(told, errors, own_bytes)


def read(told: str, errors: Path, own_bytes: int | None) -> Result:
    """The launcher's last line as a sample, or what went wrong."""
    numbers = [int(word) for word in told.splitlines()[-1].split()] if told else []
    if len(numbers) != 6:
        return Failed(reason="could not be started")
    wall_ns, status, user_ns, system_ns, largest_kib, printed_bytes = numbers
    code = os.waitstatus_to_exitcode(status)
    if code != 0:
        words = errors.read_text(encoding="utf-8", errors="replace").split("\n")
        said = next((line.strip() for line in words if line.strip()), "it said nothing")
        return Failed(reason=f"ended with {code}: {said[:160]}")
    return Sample(
        wall_s=wall_ns / 1e9,
        cpu_s=(user_ns + system_ns) / 1e9,
        largest_bytes=largest_kib * 1024,
        printed_bytes=printed_bytes,
        own_bytes=own_bytes,
    )


def look_until_done(launcher: subprocess.Popen[str], mark: str) -> int | None:
    """The most memory that the tool's own processes had together at one look; None where /proc does not tell."""
    assert launcher.stdout is not None
    watch = Watch.on(int(launcher.stdout.readline()), launcher.pid, mark)
    if watch is None:
        return None
    deadline_s = time.monotonic() + RUN_LIMIT_S
    while launcher.poll() is None:
        if time.monotonic() > deadline_s:
            raise subprocess.TimeoutExpired(launcher.args, RUN_LIMIT_S)
        watch.look()
        time.sleep(LOOK_EVERY_S)
    return watch.peak_bytes


def environment(case: Case, mark: str) -> dict[str, str]:
    """The same small world for every tool: nobody's settings, no jobserver from above, no colour, no CI."""
    kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TMPDIR", "USER") if name in os.environ}
    base = {"PATH": os.defpath, "HOME": str(case.folder), "TERM": "dumb", "SHELL": "/bin/sh", MARK: mark}
    return kept | base
