"""What `--runs` and `--log` tell of later: each run in a folder of its own, with all that its nodes wrote."""

from __future__ import annotations

import os

from runner.event import RunEnded, RunStarted, TaskEnded, TaskOutput, TaskStarted
from runner.history import (
    DID,
    DOCUMENT,
    LOG_ENDING,
    VERSION,
    frame,
    is_running,
    kept,
    log_head,
    runs_folder,
)
from runner.locks import lock
from runner.premises import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.event import Event
    from runner.result import Stream

KEPT_RUNS = 50
# What waits in memory to be written: of one node, and of all together.
LOG_BYTES = 64 * 1024
TOTAL_BYTES = 4 * 1024 * 1024
# A frame says its length in eight digits.
FRAME_AT_MOST_BYTES = 1 << 30


class _Log:
    """What a node wrote: some of it in the file, the rest still in memory."""

    def __init__(self, task: str, name: str) -> None:
        self.task = task
        self.name = name
        self.waiting: list[tuple[Stream, bytes]] = []
        self.waiting_bytes = 0
        self.bytes = 0
        self.lost_bytes = 0
        # How long the file is, None before it is made.
        self.size_bytes: int | None = None

    def take(self) -> list[bytes]:
        """What waits, as frames: what one stream wrote in one go is in one of them."""
        told: list[bytes] = [] if self.size_bytes is not None else [log_head(self.task)]
        at = 0
        while at < len(self.waiting):
            stream = self.waiting[at][0]
            pieces, length = [], 0
            while at < len(self.waiting) and self.waiting[at][0] == stream and length < FRAME_AT_MOST_BYTES:
                pieces.append(self.waiting[at][1])
                length += len(pieces[-1])
                at += 1
            told += [frame(stream, length), *pieces]
        self.waiting = []
        self.waiting_bytes = 0
        return told


class Recorded:
    """Keeps a run below a project's `.trun`, and of earlier ones as many as are wanted.

    Its folder is made when a node writes something, or else at the end, if any node did something. `troubles` are texts
    for warnings; after the first no more logs are kept.
    """

    def __init__(self, folder: str, keep_runs: int = KEPT_RUNS) -> None:
        self.troubles: list[str] = []
        self._folder = folder
        self._keep_runs = keep_runs
        self._path: str | None = None
        self._lock_fd = -1
        self._began: RunStarted | None = None
        self._started: dict[str, list[float]] = {}
        self._ended: list[TaskEnded] = []
        self._logs: dict[str, _Log] = {}
        self._dirty: dict[str, _Log] = {}
        self._waiting_bytes = 0
        self._did_something = False

    def tell(self, event: Event) -> None:
        """Keep the event."""
        match event:
            case TaskOutput():
                self._output(event)
            case TaskStarted():
                self._started.setdefault(event.task, []).append(event.time)
            case TaskEnded():
                self._ended.append(event)
                self._did_something = self._did_something or (event.status in DID and event.has_command)
                if event.task in self._dirty:
                    self._write(self._dirty[event.task])
            case RunStarted():
                self._began = event
            case RunEnded():
                self._end(event)

    def tick(self, _: float) -> None:
        """Write what waits, so that it is there if trun is killed."""
        self._write_all()

    def close(self) -> None:
        """Write what waits, and remove the oldest runs. A second call does nothing."""
        self._write_all()
        fd, self._lock_fd = self._lock_fd, -1
        try:
            if fd >= 0:
                os.close(fd)
        except OSError:
            pass  # it is closed all the same
        if self._path is not None:
            self._remove_old()
        self._path = None
        self._began = None

    def log_of(self, node: str) -> str | None:
        """The path of all that a node has written in this run; None where that is nothing, or was not kept whole."""
        log = self._logs.get(node)
        if log is None:
            return None
        self._write(log)
        return os.path.join(self._path, log.name) if self._path is not None and log.lost_bytes == 0 else None

    def _output(self, event: TaskOutput) -> None:
        if not event.data:
            return
        log = self._logs.get(event.task)
        if log is None:
            log = self._logs[event.task] = _Log(event.task, f"{len(self._logs)}{LOG_ENDING}")
        size_bytes = len(event.data)
        log.waiting.append((event.stream, event.data))
        log.waiting_bytes += size_bytes
        self._waiting_bytes += size_bytes
        self._dirty[event.task] = log
        if log.waiting_bytes >= LOG_BYTES:
            self._write(log)
        elif self._waiting_bytes >= TOTAL_BYTES:
            self._write_all()

    def _write_all(self) -> None:
        for log in list(self._dirty.values()):
            self._write(log)

    def _write(self, log: _Log) -> None:
        self._dirty.pop(log.task, None)
        size_bytes = log.waiting_bytes
        self._waiting_bytes -= size_bytes
        data = log.take()
        if not size_bytes:
            return
        if self.troubles or log.lost_bytes:
            log.lost_bytes += size_bytes
            return
        try:
            self._append(log, data)
            log.bytes += size_bytes
        except OSError as error:
            log.lost_bytes += size_bytes
            self._trouble(error)

    def _append(self, log: _Log, data: list[bytes]) -> None:
        """*Why* the file is not kept open: a thousand nodes may write at once, and descriptors are few."""
        path = os.path.join(self._made(), log.name)
        how = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(path, how, 0o644), "wb", buffering=0) as file:
            try:
                for piece in data:
                    rest = memoryview(piece)
                    while rest:
                        rest = rest[file.write(rest) or 0 :]
            except OSError:
                # Half a frame would make what may follow unreadable.
                file.truncate(log.size_bytes or 0)
                raise
        log.size_bytes = (log.size_bytes or 0) + sum(map(len, data))

    def _made(self, *, begins: bool = True) -> str:
        """The run's folder. *Raises*: OSError where it cannot be made."""
        if self._path is not None:
            return self._path
        assert self._began is not None, "BUG: output before the run began"
        path = os.path.join(runs_folder(self._folder), self._began.run)
        os.makedirs(path, exist_ok=True)
        self._lock_fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        # Who asks whether it is locked has it for an instant.
        lock(self._lock_fd)
        self._path = path
        if begins:
            self._document({})
        return path

    def _end(self, event: RunEnded) -> None:
        if self._path is None and not self._did_something and not self._logs:
            return
        self._write_all()
        told = {name: getattr(event, name) for name in ("exit_code", "critical_path", "saved_s", "duration_s")}
        try:
            self._made(begins=False)
            self._document({**told, "counts": dict(event.counts), "nodes": list(map(self._node, self._ended))})
        except OSError as error:
            self._trouble(error)

    def _document(self, more: dict[str, Any]) -> None:
        """Write what is known of the run, as a whole or not at all."""
        import json

        began = self._began
        assert began is not None
        assert self._path is not None
        told = {"v": VERSION, "time": began.time, "targets": began.targets, "profiles": began.profiles, **more}
        text = json.dumps({**told, "jobs": began.jobs}, separators=(",", ":"))
        beside = os.path.join(self._path, f"{DOCUMENT}.new")
        with open(beside, "w", encoding="ascii") as file:
            file.write(text)
        os.rename(beside, os.path.join(self._path, DOCUMENT))

    def _node(self, event: TaskEnded) -> dict[str, Any]:
        """A node as the document has it: only what is not as it mostly is."""
        told: dict[str, Any] = {"task": event.task, "status": event.status, "ended": event.time}
        for name in ("reasons", "key", "exit_code", "signal", "duration_s", "cpu_s", "max_rss_bytes", "is_allowed"):
            value = getattr(event, name)
            if not (value is None or value is False or value == ()):
                told[name] = value
        if not event.has_command:
            told["has_command"] = False
        if event.task in self._started:
            told["started"] = self._started[event.task]
        log = self._logs.get(event.task)
        if log is not None and log.size_bytes is not None:
            told |= {"log": log.name, "log_bytes": log.bytes, "lost_bytes": log.lost_bytes}
        return told

    def _remove_old(self) -> None:
        for name in kept(self._folder)[max(0, self._keep_runs) :]:
            path = os.path.join(runs_folder(self._folder), name)
            if not is_running(path):
                _remove(path)

    def _trouble(self, error: OSError) -> None:
        if not self.troubles:
            where = shown(runs_folder(self._folder))
            self.troubles.append(f"`{where}` cannot be written: {error.strerror}; this run's logs are not kept")


def _remove(folder: str) -> None:
    """Remove a run; what somebody else removes meanwhile is gone all the same."""
    try:
        for name in os.listdir(folder):
            os.unlink(os.path.join(folder, name))
        os.rmdir(folder)
    except OSError:
        pass
