"""One result on its way back from a cache: its files, what was written, and the book that is kept of it."""

from __future__ import annotations

import os

from runner.history import frames_in
from runner.settle import UNCHANGED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO, Final

    from runner.outputs import Outputs
    from runner.result import Status, Stream
    from runner.settle import Verdict
    from runner.task import Node

# A log up to this size has room in memory until it was told.
IN_MEMORY_BYTES: Final = 1 << 22


class Restoring:
    """Brings one result back: `restore`, then tell what was `written`, then `record`. Entered as a context.

    `status` is what is told of the node then: a failure that was kept has failed again.
    """

    def __init__(self, outputs: Outputs, node: Node, verdict: Verdict) -> None:
        assert verdict.record is not None, "BUG: restored without a record"
        assert verdict.key is not None, "BUG: restored without a key"
        self.outputs = outputs
        self.node = node
        self.verdict = verdict
        self.record_of = verdict.record
        self.key = verdict.key
        self.status: Status = "failed" if verdict.record.exit_code else "restored"
        self._log: BinaryIO | None = None

    def __enter__(self) -> Restoring:
        """From here on, what was known of the node is no longer so; it is `record` that says what is."""
        if not self.is_there:
            self.outputs.forget(self.node)
        return self

    def __exit__(self, *_: object) -> None:
        """What was written is of no more use."""
        if self._log is not None:
            self._log.close()

    @property
    def is_there(self) -> bool:
        """Whether all of its files are in place already, and the book says so."""
        last = self.verdict.last
        return self.verdict.reasons == (UNCHANGED,) and last is not None and last.outputs == self.record_of.outputs

    def restore(self) -> str | None:
        """Fetch what was written, and bring the files into the tree. None when done, else why that could not be."""
        try:
            self._log = _room(self.record_of.log_bytes) if self.record_of.log else None
        except OSError as error:
            return f"there is no room for its log: {error.strerror}"
        log = self._log.fileno() if self._log is not None else -1
        if self.is_there:
            return self.outputs.fetch_log(self.record_of, log)
        try:
            return self.outputs.restore(self.node, self.verdict, log)
        except OSError as error:
            return f"`{error.filename or self.node.name}` cannot be written: {error.strerror}"

    def written(self) -> Iterator[tuple[Stream, bytes]]:
        """All that the command wrote when it ran, in that order; nothing where that is not wanted."""
        if self._log is not None and self.node.task.cache.logs:
            self._log.seek(0)
            yield from frames_in(self._log)

    def record(self) -> None:
        """Keep book of it."""
        if not self.is_there:
            self.outputs.record_restored(self.node, self.key, self.record_of)


def _room(size_bytes: int) -> BinaryIO:
    """A file without a name. *Why* not a temporary one in any case: importing that costs more than a short command."""
    if size_bytes <= IN_MEMORY_BYTES and hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("trun-log"), "w+b")
    from tempfile import TemporaryFile

    return TemporaryFile(prefix="trun-log-")
