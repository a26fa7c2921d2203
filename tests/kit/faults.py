"""Faults on purpose: a command run with one of its system calls failing, or killed in it, for each call in turn."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

TOP = Path(__file__).resolve().parent.parent.parent
ERRORS = ("EIO", "ENOSPC", "EMFILE", "EACCES", "EROFS", "EDQUOT")
KILL = "KILL"
# Asking for these paths tells where in a trace the part begins and ends that is tried.
BEGIN, END = "/begin-of-faults", "/end-of-faults"
# Calls for memory, threads, signals, time and the end: they fail in the interpreter, if at all.
LEFT_OUT = {"mmap", "munmap", "mremap", "mprotect", "madvise", "brk", "futex", "exit", "exit_group", "getpid", "gettid"}
LEFT_OUT |= {"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "sched_yield", "sched_getaffinity"}
LEFT_OUT |= {"clock_gettime", "clock_nanosleep", "restart_syscall", "getrandom", "getuid", "geteuid", "uname"}
MARKS = "import os\ndef mark(path):\n    try: os.stat(path)\n    except OSError: pass\n"


@functools.cache
def has_strace() -> bool:
    """Whether faults can be injected here."""
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-f", "-qq", "-o", os.devnull, "true"], capture_output=True).returncode == 0


def need_strace() -> None:
    """Skip the test where there is no strace; in CI there is one."""
    if not has_strace():
        if os.environ.get("CI"):
            pytest.fail("strace is missing or may not trace, and CI has it")
        pytest.skip("needs strace, and leave to trace")


@dataclass(frozen=True)
class Call:
    """One system call between the marks: the `number`th of its name in its process, from the start."""

    name: str
    number: int
    shown: str


@dataclass(frozen=True)
class Fault:
    """A call that fails with this error, once or from then on, or in which the process is killed."""

    call: Call
    error: str
    lasts: bool = False

    def __str__(self) -> str:
        return f"{self.error}{'+' if self.lasts else ''} at {self.call.shown}"

    @property
    def rule(self) -> str:
        """It, as strace is told."""
        what = f"signal={self.error}" if self.error == KILL else f"error={self.error}"
        return f"inject={self.call.name}:{what}:when={self.call.number}{'+' if self.lasts else ''}"


@dataclass(frozen=True)
class Struck:
    """A run with a fault: how it ended, and whether the fault came."""

    code: int
    stderr: str
    is_hit: bool

    @property
    def is_killed(self) -> bool:
        """Whether it was killed."""
        return self.code == -9


class Struckable:
    """A command that does the same calls each time. *Why* a fixed hash seed and no bytecode: both change the calls."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        self.argv = list(argv)
        self.env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(TOP), "PYTHONHASHSEED": "0", **(env or {})}
        self.env["PYTHONDONTWRITEBYTECODE"] = "1"

    def calls(self, cwd: Path) -> list[Call]:
        """All system calls between the marks, in order, from a run in which nothing fails."""
        trace, done = self._run(cwd, [])
        assert f'"{END}"' in trace, done.stderr
        seen: Counter[str] = Counter()
        found: list[Call] = []
        is_inside = False
        for name, line in _lines(trace):
            seen[name] += 1
            is_inside = is_inside and f'"{END}"' not in line
            if is_inside and name not in LEFT_OUT:
                found.append(Call(name, seen[name], f"{name} {seen[name]}: {line[:100]}"))
            is_inside = is_inside or f'"{BEGIN}"' in line
        assert found, "no call between the marks"
        return found

    def strike(self, fault: Fault, cwd: Path) -> Struck:
        """A run in which this call fails."""
        # The filter lets all other calls pass at full speed; but with it strace 6.1 injects no signal.
        fast = [] if fault.error == KILL else ["--seccomp-bpf"]
        trace, done = self._run(cwd, [*fast, "-e", f"trace={fault.call.name}", "-e", fault.rule])
        return Struck(done.returncode, done.stderr, "(INJECTED)" in trace or "killed by SIGKILL" in trace)

    def _run(self, cwd: Path, options: list[str]) -> tuple[str, subprocess.CompletedProcess[str]]:
        log = cwd.with_name(f"{cwd.name}.strace")
        strace = ["strace", "-f", "-s", "120", "-o", str(log), *options, "--"]
        done = subprocess.run([*strace, *self.argv], cwd=cwd, env=self.env, capture_output=True, text=True, timeout=60)
        return log.read_text(errors="replace"), done


def python(code: str) -> Struckable:
    """A Python text that can import the runner, and says `mark(BEGIN)` and `mark(END)` around what is to be tried."""
    return Struckable([sys.executable, "-c", f"{MARKS}BEGIN, END = {BEGIN!r}, {END!r}\n{code}"])


def faults(calls: Iterable[Call], errors: Iterable[str] = ERRORS) -> Iterator[Fault]:
    """Every way in which every call may go wrong: each error once and for ever, and a kill."""
    for call in calls:
        for error in errors:
            yield Fault(call, error)
            yield Fault(call, error, lasts=True)
        yield Fault(call, KILL)


def each(points: Iterable[Fault], tried: Callable[[Fault], None]) -> int:
    """Try all of them, several at once; how many they were. The first that fails is raised, by its name."""

    def one(fault: Fault) -> None:
        try:
            tried(fault)
        except BaseException as error:
            error.add_note(f"with {fault}")
            raise

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return sum(1 for _ in pool.map(one, points))


def _lines(trace: str) -> Iterator[tuple[str, str]]:
    """The name and the text of each call of a trace of one process."""
    pids = {line.split(" ", 1)[0] for line in trace.splitlines()}
    assert len(pids) == 1, f"calls are counted for one process, here are {len(pids)}"
    for line in trace.splitlines():
        text = line.split(" ", 1)[1].lstrip()
        name, bracket, _ = text.partition("(")
        if bracket and name.isidentifier():
            yield name, text
