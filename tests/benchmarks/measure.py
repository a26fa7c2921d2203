"""One run of one command, and runs of many in turn: A B C, B C A, so that a drift of the machine hits all alike."""

from __future__ import annotations

import os
import secrets
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .memory import MARK, Watch, end_marked

LAUNCH = Path(__file__).with_name("launch.py")
RUN_LIMIT_S = 300.0
LOOK_EVERY_S = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What to type where: one row of a table.

    `before` is done before each run and `after`, which tells what is wrong, after each that ended well, both outside
    its time. A run of more than `limit_s` is given up; once the runs have taken `spend_s` there are no more than three.
    """

    name: str
    argv: tuple[str, ...]
    folder: Path
    env: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[], None] | None = None
    after: Callable[[], str] | None = None
    counted: bool = False
    limit_s: float = RUN_LIMIT_S
    spend_s: float = float("inf")


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
    """A run that did not end well, and its last words; `limit_s` if it was given up after that long."""

    reason: str
    limit_s: float | None = None


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
            if isinstance(so_far, Failed) or is_spent(so_far, case):
                continue
            result = once(case)
            if isinstance(result, Failed):
                taken[case.name] = result
            else:
                so_far.append(result)
    return taken


def is_spent(samples: Sequence[Sample], case: Case) -> bool:
    """Whether those are enough: what takes long is run three times, what takes very long once."""
    taken_s = sum(sample.wall_s for sample in samples)
    return taken_s > case.spend_s and (len(samples) >= 3 or taken_s > 2 * case.spend_s)


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
            own_bytes = look_until_done(launcher, mark, case.limit_s) if watched else None
            told, _ = launcher.communicate(timeout=case.limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(launcher.pid, signal.SIGKILL)
            return Failed(reason=f"not done after {case.limit_s:.0f} s", limit_s=case.limit_s)
        except BaseException:  # interrupted: what runs is not to outlive us
            os.killpg(launcher.pid, signal.SIGKILL)
            raise
        finally:
            end_marked(mark)
    result = read(told, errors, own_bytes)
    trouble = case.after() if case.after is not None and isinstance(result, Sample) else ""
    return Failed(reason=f"wrong: {trouble}") if trouble else result


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


def look_until_done(launcher: subprocess.Popen[str], mark: str, limit_s: float) -> int | None:
    """The most memory that the tool's own processes had together at one look; None where /proc does not tell."""
    assert launcher.stdout is not None
    watch = Watch.on(int(launcher.stdout.readline()), launcher.pid, mark)
    if watch is None:
        return None
    deadline_s = time.monotonic() + limit_s
    while launcher.poll() is None:
        if time.monotonic() > deadline_s:
            raise subprocess.TimeoutExpired(launcher.args, limit_s)
        watch.look()
        time.sleep(LOOK_EVERY_S)
    return watch.peak_bytes


def environment(case: Case, mark: str) -> dict[str, str]:
    """The same small world for every tool: nobody's settings, no jobserver from above, no colour, no CI."""
    kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TMPDIR", "USER") if name in os.environ}
    base = {"PATH": os.defpath, "HOME": str(case.folder), "TERM": "dumb", "SHELL": "/bin/sh", MARK: mark}
    return kept | base | dict(case.env)
