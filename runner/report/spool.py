"""Room for text that must wait: some memory, then one unlinked temporary file, whatever the number of logs."""

from __future__ import annotations

from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

SLOT_BYTES = 64 * 1024
LOG_BYTES = 256 * 1024
TOTAL_BYTES = 8 * 1024 * 1024


class Spool:
    """The memory and the file that all logs of a run share.

    *Units*: `total_bytes` is what all logs together may hold in memory.
    *Why*: one file and not one a log, since thousands of failed logs may wait for the end of a run, and descriptors
    are few.
    """

    def __init__(self, total_bytes: int = TOTAL_BYTES) -> None:
        self.total_bytes = total_bytes
        self.held_bytes = 0
        self._file: BinaryIO | None = None
        self._slots = 0
        self._free: list[int] = []

    def log(self, memory_bytes: int = LOG_BYTES) -> Log:
        """A new, empty log."""
        return Log(self, memory_bytes)

    def close(self) -> None:
        """Give the file back; what is in it is gone."""
        if self._file is not None:
            self._file.close()
        self._file = None
        self._slots = 0
        self._free = []

    def _take_slot(self) -> int:
        if self._free:
            return self._free.pop()
        self._slots += 1
        return self._slots - 1

    def _give_slot(self, slot: int) -> None:
        self._free.append(slot)
        if len(self._free) == self._slots and self._file is not None:
            self._slots = 0
            self._free = []
            try:
                self._file.truncate(0)
            except OSError:
                pass  # the room is given back with the file

    def _put(self, slot: int, offset: int, data: bytes) -> None:
        if self._file is None:
            from tempfile import TemporaryFile

            self._file = TemporaryFile(buffering=0, prefix="trun-")  # noqa: SIM115 - it lives as long as the run
        self._file.seek(slot * SLOT_BYTES + offset)
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]

    def _get(self, slot: int, length: int) -> bytes:
        if self._file is None:
            return b""
        self._file.seek(slot * SLOT_BYTES)
        pieces = []
        while length > 0 and (piece := self._file.read(length)):
            pieces.append(piece)
            length -= len(piece)
        return b"".join(pieces)


class Log:
    """Bytes that go in at the end and come out at the beginning, as many as may come.

    `lost_bytes` is not 0 where neither memory nor disk had room: what came first is kept, and what came later is
    missing.
    """

    def __init__(self, spool: Spool, memory_bytes: int) -> None:
        self._spool = spool
        self._memory_bytes = memory_bytes
        # What is in the file comes before what is in memory. A slot belongs to one log; only the last may have room
        # left.
        self._slots: deque[tuple[int, int]] = deque()
        self._memory: deque[bytes] = deque()
        self._held_bytes = 0
        self._is_full = False
        self.lost_bytes = 0

    def __bool__(self) -> bool:
        return bool(self._memory or self._slots)

    def add(self, data: bytes) -> None:
        """Put bytes at the end: all of them or, where there is no room anywhere, none."""
        if self._is_full:
            self.lost_bytes += len(data)
        elif data:
            self._memory.append(data)
            self._hold(len(data))
            if self._held_bytes > self._memory_bytes or self._spool.held_bytes > self._spool.total_bytes:
                self._spill()

    def take(self) -> bytes:
        """The next bytes, about as many as one slot has; none at the end."""
        data = self._from_file() or self._from_memory()
        self._is_full = self._is_full and bool(self)
        return data

    def drop(self) -> None:
        """Forget all of it."""
        while self._slots:
            self._spool._give_slot(self._slots.popleft()[0])
        self._memory.clear()
        self._hold(-self._held_bytes)
        self._is_full = False
        self.lost_bytes = 0

    def _from_file(self) -> bytes:
        data = b""
        while self._slots and not data:
            slot, length = self._slots.popleft()
            try:
                data = self._spool._get(slot, length)
            except OSError:
                pass
            self.lost_bytes += length - len(data)
            self._spool._give_slot(slot)
        return data

    def _from_memory(self) -> bytes:
        pieces = []
        length = 0
        while self._memory and length < SLOT_BYTES:
            pieces.append(self._memory.popleft())
            length += len(pieces[-1])
        self._hold(-length)
        return b"".join(pieces)

    def _hold(self, more_bytes: int) -> None:
        self._held_bytes += more_bytes
        self._spool.held_bytes += more_bytes

    def _spill(self) -> None:
        """Move what is in memory to the file; where that cannot be, keep it and take no more."""
        data = b"".join(self._memory)
        done = 0
        try:
            while done < len(data):
                done += self._spill_some(data, done)
        except OSError:
            self._is_full = True
        self._memory = deque([data[done:]] if done < len(data) else [])
        self._hold(-done)

    def _spill_some(self, data: bytes, start: int) -> int:
        filled = SLOT_BYTES
        if self._slots:
            slot, filled = self._slots[-1]
        is_new = filled == SLOT_BYTES
        if is_new:
            slot, filled = self._spool._take_slot(), 0
        piece = data[start : start + SLOT_BYTES - filled]
        try:
            self._spool._put(slot, filled, piece)
        except OSError:
            if is_new:
                self._spool._give_slot(slot)
            raise
        if not is_new:
            self._slots.pop()
        self._slots.append((slot, filled + len(piece)))
        return len(piece)
