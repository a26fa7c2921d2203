"""The peak memory of a tool's own processes, those of its tasks left out, as /proc tells it."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Self

# Set for each run: it finds the tool's processes also when one has left the session or lost its parent.
MARK = "TRUN_BENCH_MARK"
PROC = Path("/proc")
SETTLED = 4  # looks after which a process is taken to stay


class Watch:
    """Looks at the processes that run the same program as `root` does, and carry the mark.

    *Why* the same program: it tells the tool and its helpers from the commands of its tasks. *Why* several looks, and
    equal ones once: between vfork and exec a task's process is its parent's very memory under another pid.
    """

    def __init__(self, root: int, launcher: int, mark: str) -> None:
        self.root = root
        self.launcher = launcher
        self.mark = f"{MARK}={mark}".encode()
        self.program = ""
        self.looks: dict[int, int] = {}
        self.peak_bytes = 0

    @classmethod
    def on(cls, root: int, launcher: int, mark: str) -> Self | None:
        """A watch, where there is a /proc to look at."""
        return cls(root, launcher, mark) if (PROC / "self/status").exists() else None

    def look(self) -> None:
        """Add up what the tool's processes have had at most until now; keep the largest sum."""
        self.program = program_of(self.root) or self.program
        same = (pid for pid in pids() if pid != self.launcher and program_of(pid) == self.program)
        now = [pid for pid in same if self.program and self.carries(pid)]
        self.looks = {pid: self.looks.get(pid, 0) + 1 for pid in now}
        settled = [pid for pid, looks in self.looks.items() if pid == self.root or looks >= SETTLED]
        total = sum(high_water_bytes(memory) for memory in {memory_of(pid) for pid in settled})
        self.peak_bytes = max(self.peak_bytes, total)

    def carries(self, pid: int) -> bool:
        """Whether that process was started by this run."""
        return pid in self.looks or has_mark(pid, self.mark)


def has_mark(pid: int, mark: bytes) -> bool:
    """Whether that process was given the mark (`NAME=value`) in its environment."""
    try:
        return mark in (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def end_marked(mark: str) -> None:
    """End what a run has left behind, daemons say: every process that carries its mark."""
    if not (PROC / "self/status").exists():
        return
    for pid in pids():
        if has_mark(pid, f"{MARK}={mark}".encode()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def pids() -> list[int]:
    """Every process there is."""
    return [int(name) for name in os.listdir(PROC) if name.isdigit()]


def program_of(pid: int) -> str:
    """The file that process runs; nothing if it is gone or not ours to know."""
    try:
        return os.readlink(PROC / str(pid) / "exe")
    except OSError:
        return ""


def memory_of(pid: int) -> bytes:
    """What the system says of that process's memory; nothing if it is gone."""
    try:
        return memory_in((PROC / str(pid) / "status").read_bytes())
    except OSError:
        return b""


def memory_in(status: bytes) -> bytes:
    """The `Vm…` lines of a status file: none for a process that has ended, equal ones for one memory under two pids."""
    return b"\n".join(line for line in status.split(b"\n") if line.startswith(b"Vm"))


def high_water_bytes(memory: bytes) -> int:
    """The most resident memory that `Vm…` lines tell of."""
    for line in memory.split(b"\n"):
        if line.startswith(b"VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
