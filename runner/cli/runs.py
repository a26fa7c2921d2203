"""`--runs` and `--log`: earlier runs, and what the targets wrote the last time."""

from __future__ import annotations

import os
import time

from runner.error import EXIT_DONE, columns, refuse
from runner.history import Logged, frames, is_of, last_logs, logs, runs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any, Final

    from runner.history import RunSummary
    from runner.report.clean import Shown
    from runner.request import Ambient, Request
    from runner.result import Stream

    # The descriptor of each stream, and what its bytes go through on their way there, if anything.
    Ways = Mapping[Stream, tuple[int, Shown | None]]

HEADINGS: Final = ("run", "began", "targets", "result", "counts", "took")
STATUSES: Final = ("ran", "restored", "fresh", "failed", "timed_out", "skipped", "cancelled")
TARGETS_AT_MOST: Final = 40


def run_list(folder: str, request: Request) -> str:
    """The runs that are kept below a project's `.trun`, the newest first; with targets, those that they were in."""
    found = list(told_runs(folder, [target.name for target in request.targets]))
    if request.json is not None:
        return document(found)
    if not found:
        return "no runs are kept\n" if not request.targets else "no run with these targets is kept\n"
    rows = [HEADINGS, *map(_row, found)]
    widths = [max(columns(row[at]) for row in rows) for at in range(len(HEADINGS))]
    return "".join(_line(row, widths) for row in rows)


def told_runs(folder: str, targets: Sequence[str]) -> Iterator[RunSummary]:
    """The runs of targets, or all of them."""
    for run in runs(folder):
        nodes = (*run.targets, *(node.task for node in run.nodes))
        if not targets or any(is_of(node, target) for target in targets for node in nodes):
            yield run


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (cell + " " * (width - columns(cell)) for cell, width in zip(row, widths, strict=True))
    return "  ".join(cells).rstrip() + "\n"


def _row(run: RunSummary) -> tuple[str, ...]:
    from runner.report.wording import duration, one_line

    targets = one_line(" ".join(run.targets))
    if len(targets) > TARGETS_AT_MOST:
        targets = targets[: TARGETS_AT_MOST - 1] + "…"
    counts = [f"{run.counts[name]} {name.replace('_', ' ')}" for name in STATUSES if run.counts.get(name)]
    took = duration(run.duration_s) if run.state == "ended" else ""
    return run.run, moment(run.time), targets, result(run), ", ".join(counts), took


def moment(time_s: float) -> str:
    """A time as people here write it. *Units*: seconds since the epoch."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time_s))
    except (OverflowError, ValueError, OSError):
        return "?"


def result(run: RunSummary) -> str:
    """How a run ended, in a word or two."""
    from runner.report.wording import signal_name

    if run.exit_code is None:
        return run.state
    if run.exit_code > 128:
        return signal_name(run.exit_code - 128)
    return {0: "done", 1: "failed"}.get(run.exit_code, f"exit {run.exit_code}")


def document(found: Iterable[RunSummary]) -> str:
    """The runs as one JSON document on one line, as the schema of views has it."""
    import json

    return json.dumps({"v": 1, "view": "runs", "runs": [_told(run) for run in found]}) + "\n"


def _told(run: RunSummary) -> dict[str, Any]:
    keys = ("run", "state", "time", "targets", "profiles", "jobs", "exit_code", "duration_s", "saved_s")
    return {key: getattr(run, key) for key in keys} | {
        "counts": dict(run.counts),
        "critical_path": run.critical_path,
        "tasks": [
            {
                "task": node.task,
                "status": node.status,
                "reasons": node.reasons,
                "key": node.key,
                "exit_code": node.exit_code,
                "signal": node.signal,
                "started": node.started,
                "ended": node.ended,
                "duration_s": node.duration_s,
                "cpu_s": node.cpu_s,
                "max_rss_bytes": node.max_rss_bytes,
                "log_bytes": node.log_bytes,
            }
            for node in run.nodes
        ],
    }


def show_logs(folder: str, request: Request, ambient: Ambient) -> int:
    """Write what the targets wrote the last time, each stream to where it belongs, in its order; without targets what
    all tasks of the last run did. The exit code. *Raises*: Refusal where nothing is kept of a target.
    """
    from runner.report.wording import one_line

    found = wanted(folder, [target.name for target in request.targets])
    is_several = len(found) > 1
    for logged in found:
        if is_several:
            gap = "" if logged is found[0] else "\n"
            _tell(1, f"{gap}== {one_line(logged.task)}: {ending(logged)} ==")
        if logged.path is not None:
            copy_log(logged, ways(ambient))
        elif not is_several:
            _tell(2, f"`{one_line(logged.task)}` wrote nothing ({ending(logged)})")
    return EXIT_DONE


def wanted(folder: str, targets: Sequence[str]) -> list[Logged]:
    """The logs that are asked for. *Raises*: Refusal."""
    if not targets:
        last = next(iter(runs(folder)), None)
        if last is None:
            raise refuse("no runs are kept", hint="a run that only finds everything fresh leaves nothing behind")
        return [logged for logged in logs(last) if logged.path is not None]
    found = []
    for target in dict.fromkeys(targets):
        last_ones = last_logs(folder, target)
        if not last_ones:
            raise refuse(f"no log of `{target}` is kept", hint="`trun --runs` lists the runs that are kept")
        found += last_ones
    return list({logged.task: logged for logged in found}.values())


def ending(logged: Logged) -> str:
    """How the node of a log ended, how long it took, and when that was."""
    from runner.report.wording import duration, signal_name

    ended = logged.ended
    how: str = logged.run.state if ended is None else ended.status.replace("_", " ")
    if ended is not None and ended.signal is not None:
        how = f"killed by {signal_name(ended.signal)}"
    elif ended is not None and ended.exit_code and ended.status == "failed":
        how = f"exit {ended.exit_code}"
    took = f", {duration(ended.duration_s)}" if ended is not None and ended.duration_s else ""
    return f"{how}{took}, {moment(logged.run.time)}"


def ways(ambient: Ambient) -> Ways:
    """Where the streams go. What would drive a terminal gets to none."""
    from runner.report.clean import Shown

    def shown(is_terminal: bool) -> Shown | None:
        return Shown(b"", b"", has_colour=True) if is_terminal else None

    return {"stdout": (1, shown(ambient.stdout_is_terminal)), "stderr": (2, shown(ambient.stderr_is_terminal))}


def copy_log(logged: Logged, to: Ways) -> None:
    """Write a log out. *Raises*: Refusal where it cannot be read any more."""
    try:
        for stream, data in frames(str(logged.path)):
            fd, shown = to[stream]
            _write(fd, data if shown is None else shown.feed(data))
    except BrokenPipeError:
        raise
    except OSError as error:
        raise refuse(f"the log of `{logged.task}` cannot be read: {error.strerror}") from None
    for fd, shown in to.values():
        if shown is not None:
            _write(fd, shown.end())
    if logged.ended is not None and logged.ended.lost_bytes:
        _tell(2, f"warning: the last {logged.ended.lost_bytes:,} bytes are missing: there was no room for them")


def _tell(fd: int, text: str) -> None:
    _write(fd, f"{text}\n".encode("utf-8", "backslashreplace"))


def _write(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]
