"""Runs as scripts: events one after the other, on a clock that only moves when told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from runner.event import (
    RunEnded,
    RunStarted,
    TaskEnded,
    TaskOutput,
    TaskPlanned,
    TaskReady,
    TaskRetried,
    TaskStarted,
    Warned,
)
from runner.report import Look
from runner.report.wording import Wording

if TYPE_CHECKING:
    from runner.event import Event
    from runner.report import Reporter

BEGAN = 1767225600.0
PLAIN = Look()
COLOUR = Look(has_colour=True)


class Paper:
    """A page that keeps what is written, piece by piece."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, data: bytes) -> None:
        if data:
            self.pieces.append(data)

    @property
    def data(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def text(self) -> str:
        return self.data.decode()


class Script:
    """Tells a reporter events; `at` is seconds since the run began."""

    def __init__(self, reporter: Reporter) -> None:
        self.reporter = reporter
        self.at = 0.0

    @property
    def now(self) -> float:
        return BEGAN + self.at

    def wait(self, seconds: float) -> None:
        """Let time pass, with a tick every tenth of a second."""
        end = self.at + seconds
        while self.at < end - 1e-6:
            self.at = min(end, self.at + 0.1)
            if hasattr(self.reporter, "tick"):
                self.reporter.tick(self.now)

    def begin(self, *tasks: str, targets: tuple[str, ...] = ("check",)) -> None:
        self.tell(
            RunStarted(
                time=self.now, run="r1", targets=targets, jobs=4, profiles=(), root="/srv/shop", total=len(tasks)
            )
        )
        for task in tasks:
            self.tell(TaskPlanned(time=self.now, task=task, would="run", reasons=("not cached",)))

    def start(self, task: str, command: str = "true", **more: Any) -> None:
        self.tell(TaskReady(time=self.now, task=task))
        self.tell(TaskStarted(time=self.now, task=task, command=command, **more))

    def out(self, task: str, data: str | bytes) -> None:
        raw = data.encode() if isinstance(data, str) else data
        self.tell(TaskOutput(time=self.now, task=task, stream="stdout", data=raw))

    def err(self, task: str, data: str | bytes) -> None:
        raw = data.encode() if isinstance(data, str) else data
        self.tell(TaskOutput(time=self.now, task=task, stream="stderr", data=raw))

    def retry(self, task: str, why: str = "exit 1", delay_s: float = 0.0) -> None:
        self.tell(TaskRetried(time=self.now, task=task, attempt=1, of=3, delay_s=delay_s, why=why))

    def warn(self, message: str, task: str | None = None) -> None:
        self.tell(Warned(time=self.now, message=message, task=task))

    def end(self, task: str, status: Any = "ran", **more: Any) -> None:
        self.tell(TaskEnded(time=self.now, task=task, status=status, **more))

    def over(self, exit_code: int = 0, critical_path: tuple[str, ...] = (), saved_s: float = 0.0) -> None:
        self.tell(
            RunEnded(
                time=self.now,
                exit_code=exit_code,
                counts={},
                critical_path=critical_path,
                saved_s=saved_s,
                duration_s=self.at,
            )
        )
        self.reporter.close()

    def tell(self, event: Event) -> None:
        self.reporter.tell(event)


def failing_run(script: Script) -> None:
    """Six nodes and a group: one fails, one is allowed to, one is skipped for it, one is a group."""
    script.begin("codegen", "lint", "test[3.11,pg]", "api", "docs", "deploy", "check")
    script.start("codegen", "buf generate")
    script.start("lint", "ruff check")
    script.out("codegen", "reading a.proto\nreading ")
    script.err("lint", "\x1b[33mE501\x1b[0m line too long\n")
    script.at = 1.2
    script.out("codegen", "b.proto\n")
    script.end("codegen", duration_s=1.2, exit_code=0)
    script.end("lint", "failed", duration_s=1.2, exit_code=1, is_allowed=True)
    script.start("test[3.11,pg]", "pytest -q")
    script.start("api", "cargo build")
    script.end("docs", "fresh")
    script.out("test[3.11,pg]", "..F\nFAILED test_pay.py")
    script.out("api", "Compiling api\n")
    script.at = 3.5
    script.end("test[3.11,pg]", "failed", duration_s=2.3, exit_code=1)
    script.end("deploy", "skipped", reasons=("needs test[3.11,pg]",))
    script.end("check", "skipped", reasons=("needs test[3.11,pg]",), has_command=False)
    script.warn("left a process running: 4711 (sleep 60)", "api")
    script.at = 4.1
    script.end("api", duration_s=2.9, exit_code=0)
    script.over(exit_code=1, critical_path=("codegen", "api"))


def words(look: Look = PLAIN, level: int = 0) -> Wording:
    return Wording(look, level)


def tokens() -> Iterator[str]:
    """Tokens that can be guessed, for tests only."""
    number = 0
    while True:
        number += 1
        yield f"token{number}"
