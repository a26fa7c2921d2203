"""trun as a process: started, watched, signalled, and found again with all that it started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.kit.wires import LIMIT_S, Wires, read_all

MARK = "KIT_MARK"

# trun as a user starts it; and with another time between the first signal and the kill, which is 10 s.
TRUN = [sys.executable, "-m", "runner.main"]
HURRIED = """
import sys
from runner.execute.local import Local
assert "grace_s" in Local.__init__.__kwdefaults__, "where is the grace time now?"
Local.__init__.__kwdefaults__["grace_s"] = {grace_s}
from runner.main import main
sys.exit(main())
"""


def trun_argv(*args: str, grace_s: float | None = None) -> list[str]:
    """The words that start trun."""
    start = TRUN if grace_s is None else [sys.executable, "-c", HURRIED.format(grace_s=grace_s)]
    return [*start, *args]


class Ran:
    """A run of trun that is over."""

    def __init__(self, stdout: bytes, stderr: bytes, returncode: int, events: list[dict[str, Any]]) -> None:
        self.raw_stdout = stdout
        self.raw_stderr = stderr
        self.stdout = stdout.decode("utf-8", "surrogateescape")
        self.stderr = stderr.decode("utf-8", "surrogateescape")
        self.returncode = returncode
        self.code = returncode if returncode >= 0 else None
        self.signal = signal.Signals(-returncode) if returncode < 0 else None
        self.events = events

    def __repr__(self) -> str:
        return f"Ran(returncode={self.returncode})\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}\n---"

    def ok(self) -> Ran:
        """Itself, if it went well."""
        assert self.returncode == 0, repr(self)
        return self

    def refused(self) -> Ran:
        """Itself, if the request was refused: exit code 2, a word on why, and nothing run."""
        assert self.returncode == 2, repr(self)
        assert self.stderr.startswith("error: "), repr(self)
        assert not self.of("task_started"), repr(self)
        return self

    def of(self, event: str, task: str | None = None) -> list[dict[str, Any]]:
        """The events of one kind, perhaps of one task."""
        return [one for one in self.events if one["event"] == event and task in (None, one.get("task"))]

    def ended(self, task: str) -> dict[str, Any]:
        """How a task ended; there is exactly one such event."""
        found = self.of("task_ended", task)
        assert len(found) == 1, f"{len(found)} ends of `{task}`: {self!r}"
        return found[0]

    @property
    def statuses(self) -> dict[str, str]:
        """How each task ended."""
        return {event["task"]: event["status"] for event in self.of("task_ended")}

    @property
    def order(self) -> list[str]:
        """The tasks as they were started, each attempt."""
        return [event["task"] for event in self.of("task_started")]

    def output(self, task: str, stream: str | None = None) -> str:
        """All that a task wrote."""
        found = self.of("task_output", task)
        return "".join(event["text"] for event in found if stream in (None, event["stream"]))


class Started:
    """A trun that may still run."""

    def __init__(self, wires: Wires, process: subprocess.Popen[bytes], events: Path | None, is_json: bool) -> None:
        self.wires = wires
        self.process = process
        self.pid = process.pid
        self.stdout = bytearray()
        self.stderr = bytearray()
        self.is_over = False
        self._file = events
        self._is_json = is_json
        self._parsed = 0
        self._events: list[dict[str, Any]] = []
        self._pidfd = os.pidfd_open(process.pid)
        wires.add(self._pidfd, self._end)
        self._pipes = [(pipe, kept) for pipe, kept in self._streams() if pipe is not None]
        for pipe, kept in self._pipes:
            os.set_blocking(pipe, False)
            wires.add(pipe, self._reader(pipe, kept))
        wires.tells(lambda: f"trun {'is over' if self.is_over else 'runs'}: {self._so_far()!r}")

    def _streams(self) -> list[tuple[int | None, bytearray]]:
        out, err = self.process.stdout, self.process.stderr
        return [(out.fileno() if out else None, self.stdout), (err.fileno() if err else None, self.stderr)]

    def _reader(self, pipe: int, kept: bytearray) -> Callable[[], None]:
        def read() -> None:
            data, may_come = read_all(pipe)
            kept.extend(data)
            if not may_come:
                self.wires.remove(pipe)

        return read

    def _end(self) -> None:
        self.wires.remove(self._pidfd)
        self.process.wait()
        for pipe, kept in self._pipes:
            kept.extend(read_all(pipe)[0])
        self.is_over = True

    def read_no_more(self) -> None:
        """From now on nobody reads what it writes, and the pipes fill."""
        for pipe, _ in self._pipes:
            self.wires.remove(pipe)

    def read_again(self) -> None:
        """Somebody reads again."""
        for pipe, kept in self._pipes:
            self.wires.add(pipe, self._reader(pipe, kept))

    def hang_up(self) -> None:
        """Close our ends: who writes now gets SIGPIPE."""
        self.read_no_more()
        self._pipes = []
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def _so_far(self) -> Ran:
        code = self.process.returncode
        return Ran(bytes(self.stdout), bytes(self.stderr), 0 if code is None else code, self.events)

    @property
    def events(self) -> list[dict[str, Any]]:
        """What `--json` told so far."""
        if self._file is not None:
            # A pipe would be waited for, and a device may have no end.
            data = self._file.read_bytes() if self._file.is_file() else b""
            return [json.loads(line) for line in data[: data.rfind(b"\n") + 1].splitlines()]
        if self._is_json:
            end = self.stdout.rfind(b"\n") + 1
            for line in bytes(self.stdout[self._parsed : end]).splitlines():
                self._events.append(json.loads(line))
            self._parsed = end
        return self._events

    def until_event(self, event: str, task: str | None = None, text: str = "") -> dict[str, Any]:
        """Wait for an event that was told on standard output."""
        found: list[dict[str, Any]] = []

        def is_told() -> bool:
            told = (one for one in self.events if one["event"] == event and task in (None, one.get("task")))
            found[:] = [one for one in told if text in one.get("text", one.get("message", ""))]
            return bool(found) or self.is_over

        self.wires.until(is_told, f"event `{event}` of `{task}` with {text!r}")
        assert found, f"over without event `{event}` of `{task}`: {self._so_far()!r}"
        return found[0]

    def signal(self, signum: int) -> None:
        """Signal trun alone, by its pid."""
        assert not self.is_over, "it is over already"
        os.kill(self.pid, signum)

    def wait(self, limit_s: float = LIMIT_S) -> Ran:
        """What it was, once it is over."""
        self.wires.until(lambda: self.is_over, "the end of trun", limit_s)
        return self._so_far()

    def peak_bytes(self) -> int:
        """The most memory that trun has had so far."""
        for line in Path(f"/proc/{self.pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("trun is gone")

    def close(self) -> None:
        """End it, if it still runs."""
        if not self.is_over:
            self.wires.remove(self._pidfd)
            self.process.kill()
            self.process.wait()
        os.close(self._pidfd)
        for pipe, _ in self._pipes:
            self.wires.remove(pipe)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


class Marked:
    """All processes that have a mark in their environment: what a trun started, in whichever group or session."""

    def __init__(self, wires: Wires, mark: str) -> None:
        self.wires = wires
        self.mark = mark
        self._entry = f"{MARK}={mark}".encode()

    def alive(self) -> dict[int, str]:
        """Their pids, with their command lines; one that is dead and unburied is not alive."""
        found = {}
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            try:
                environ = Path(f"/proc/{name}/environ").read_bytes()
                if self._entry in environ.split(b"\0"):
                    found[int(name)] = Path(f"/proc/{name}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
        return found

    def none_left(self, limit_s: float, *but: int) -> None:
        """Wait until none is alive but those named. *Raises*: AssertionError that names the others."""
        while left := {pid: line for pid, line in self.alive().items() if pid not in but}:
            pid = next(iter(left))
            try:
                fd = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            ended: list[bool] = []
            self.wires.add(fd, lambda ended=ended: ended.append(True))  # type: ignore[misc]
            try:
                self.wires.until(lambda ended=ended: bool(ended), f"the end of {left}", limit_s)  # type: ignore[misc]
            finally:
                self.wires.remove(fd)
                os.close(fd)

    def kill(self) -> None:
        """Kill what is left of them, one by one."""
        for pid in self.alive():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def state_of(pid: int) -> str:
    """What a process does: `R` runs, `S` sleeps, `T` is stopped, `Z` is dead and unburied, empty where it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
    except OSError:
        return ""
