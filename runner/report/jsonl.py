"""Events for machines: one JSON object a line, as schema/events.schema.json has it."""

from __future__ import annotations

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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.event import Event
    from runner.report import Page
    from runner.result import Stream

VERSION = 1

# The name of each event, and which of its fields are told as they are.
TOLD: dict[type, tuple[str, tuple[str, ...]]] = {
    RunStarted: ("run_started", ("run", "targets", "jobs", "profiles", "root", "total")),
    TaskPlanned: ("task_planned", ("would", "reasons")),
    TaskReady: ("task_ready", ()),
    TaskStarted: ("task_started", ("attempt", "command")),
    TaskRetried: ("task_retried", ("attempt", "of", "delay_s", "why")),
    TaskEnded: (
        "task_ended",
        ("status", "reasons", "key", "exit_code", "signal", "duration_s", "cpu_s", "max_rss_bytes", "outputs"),
    ),
    Warned: ("warning", ("message",)),
    RunEnded: ("run_ended", ("exit_code", "critical_path", "saved_s", "duration_s")),
}
STATUSES = ("ran", "fresh", "restored", "skipped", "failed", "timed_out", "cancelled")


class JsonLines:
    """Writes each event as a line. A character that two pieces of output share is told with the second."""

    def __init__(self, page: Page, version: str) -> None:
        import json

        self._page = page
        self._version = version
        self._encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
        self._carry: dict[tuple[str, Stream], bytes] = {}
        self._time = 0.0

    def tell(self, event: Event) -> None:
        """Write the event."""
        self._time = event.time
        if isinstance(event, TaskOutput):
            self._output(event)
            return
        if isinstance(event, TaskEnded | TaskRetried):
            self._rest(event.task)
        name, fields = TOLD[type(event)]
        told: dict[str, object] = {"v": VERSION, "event": name, "time": event.time}
        task = getattr(event, "task", None)
        if task is not None:
            told["task"] = task
        for field in fields:
            told[field] = getattr(event, field)
        if isinstance(event, TaskPlanned) and event.would is None:
            del told["would"], told["reasons"]
        if isinstance(event, RunStarted):
            told["version"] = self._version
        elif isinstance(event, RunEnded):
            told["counts"] = {status: event.counts.get(status, 0) for status in STATUSES}
        self._write(told)

    def close(self) -> None:
        """Write what waited for the rest of a character."""
        for task in {task for task, _ in self._carry}:
            self._rest(task)

    def _output(self, event: TaskOutput) -> None:
        key = (event.task, event.stream)
        data = self._carry.pop(key, b"") + event.data
        whole = len(data) - _unfinished(data)
        if whole < len(data):
            self._carry[key] = data[whole:]
        if whole:
            self._piece(event.task, event.stream, data[:whole])

    def _rest(self, task: str) -> None:
        streams: tuple[Stream, Stream] = ("stdout", "stderr")
        for stream in streams:
            data = self._carry.pop((task, stream), b"")
            if data:
                self._piece(task, stream, data)

    def _piece(self, task: str, stream: Stream, data: bytes) -> None:
        told: dict[str, object] = {
            "v": VERSION,
            "event": "task_output",
            "time": self._time,
            "task": task,
            "stream": stream,
        }
        try:
            told["text"] = data.decode()
        except UnicodeDecodeError:
            from binascii import b2a_base64

            told["text"] = data.decode("utf-8", "replace")
            told["base64"] = b2a_base64(data, newline=False).decode("ascii")
        self._write(told)

    def _write(self, told: dict[str, object]) -> None:
        # A path that is no UTF-8 has lone surrogates: as escapes they are JSON, and come back as the same bytes.
        self._page.write(self._encode(told).encode("utf-8", "backslashreplace") + b"\n")


def _unfinished(data: bytes) -> int:
    """How many bytes at the end are the beginning of a character that may still come."""
    for back in range(1, min(3, len(data)) + 1):
        byte = data[-back]
        if byte >= 0xC2 and byte < 0xF5:
            return back if back < (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4) else 0
        if byte < 0x80 or byte >= 0xC0:
            return 0
    return 0
