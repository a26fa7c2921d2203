"""Lines in one file that many processes add to: each proves that it is whole, and can be struck out for good.

A line is struck out by writing over its checksum, in place: that takes no room on a full disk, and a file that loses
its end does not lose what was struck out before. Where a line is damaged, all before it is void: that it was struck out
may be what was lost.
"""

from __future__ import annotations

import errno
import os
import stat
from zlib import crc32

from runner.locks import is_at, lock, unlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Final

    # Where a line is in the file, and all of it but its end.
    Line = tuple[int, bytes]

SUM_BYTES: Final = 8
STRUCK: Final = b"-" * SUM_BYTES


class Journal:
    """The file, and how much of it was read. `header` is its first line; a file with another one is foreign.

    All but `stands`, `has_moved` and `close` want the lock that `hold` takes, and `add` and `strike` that all news were
    read under it. `is_damaged` is set once a line was found that is not whole. *Raises*: OSError, all of them.
    """

    def __init__(self, path: str, header: str) -> None:
        self.path = path
        self.is_damaged = False
        self.is_foreign = False
        self.has_locks = True
        self._header = f"{header}\n".encode()
        self._fd = -1
        # How far it was read; and whether that is the end of a line.
        self._end = 0
        self._is_whole = True
        self._is_unread = True

    @property
    def size_bytes(self) -> int:
        """How much of the file was read."""
        return self._end

    def hold(self, *, makes: bool = False, is_shared: bool = False, waits: bool = True) -> bool:
        """Lock the file that has the name now. False where there is none, or where that would mean to wait."""
        while True:
            if self._fd < 0 and not self._open(makes):
                return False
            taken = lock(self._fd, is_shared=is_shared, waits=waits)
            if taken is False:
                return False
            self.has_locks = taken is True
            if is_at(self._fd, self.path):
                return True
            self.close()

    def let_go(self) -> None:
        """Give the lock back."""
        if self._fd >= 0:
            unlock(self._fd)

    def close(self) -> None:
        """Close the file. Never raises: what may not have arrived proves by its checksum whether it has."""
        fd, self._fd = self._fd, -1
        try:
            if fd >= 0:
                os.close(fd)
        except OSError:
            pass  # it is closed all the same
        self._is_unread = True

    def _open(self, makes: bool) -> bool:
        how = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | (os.O_CREAT if makes else 0)
        try:
            fd = os.open(self.path, how, 0o644)
        except FileNotFoundError:
            if not makes:
                return False
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            fd = os.open(self.path, how, 0o644)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise OSError(errno.ENXIO, "not a file")
        self._fd = fd
        return True

    def has_moved(self) -> bool:
        """Whether there may be news."""
        try:
            found = os.stat(self.path, follow_symlinks=False)
        except FileNotFoundError:
            return self._fd >= 0
        return self._fd < 0 or self._is_unread or found.st_size != self._end or not is_at(self._fd, self.path)

    def news(self) -> tuple[bool, list[Line]]:
        """The lines added since the last time that stand, and whether all that was known before is void."""
        size = os.fstat(self._fd).st_size
        is_void = self._is_unread or size < self._end
        start = 0 if is_void else self._end
        data = _read(self._fd, start, size)
        self._end = start + len(data)
        self._is_whole = data.endswith(b"\n") if data else is_void or self._is_whole
        self.is_foreign = self._is_unread = False
        if start == 0 and data:
            self.is_foreign = self._is_unread = not data.startswith(self._header)
            if self.is_foreign:
                return True, []
            start, data = len(self._header), data[len(self._header) :]
        return self._sound(start, data, is_void)

    def _sound(self, at: int, data: bytes, is_void: bool) -> tuple[bool, list[Line]]:
        found: list[Line] = []
        for line in data.split(b"\n"):
            mark = line[:SUM_BYTES]
            if line and mark != STRUCK:
                if mark == b"%08x" % crc32(line[SUM_BYTES:]):
                    found.append((at, line))
                else:
                    self.is_damaged = is_void = True
                    found.clear()
            at += len(line) + 1
        return is_void, found

    def stands(self, line: Line) -> bool:
        """Whether a line that was read has not been struck out since, by whomever. *Raises*: OSError."""
        at, text = line
        return self._fd >= 0 and os.pread(self._fd, SUM_BYTES, at) == text[:SUM_BYTES]

    def strike(self, at: int) -> None:
        """Strike the line out that is there."""
        if os.pwrite(self._fd, STRUCK, at) < SUM_BYTES:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def add(self, *bodies: bytes) -> None:
        """Add lines, all of them or none. They hold no newline."""
        data = b"".join(map(_summed, bodies))
        if self._end == 0:
            data = self._header + data
        elif not self._is_whole:
            data = b"\n" + data
        if not self.has_locks:
            self._append(data)
        elif os.pwrite(self._fd, data, self._end) < len(data):
            os.ftruncate(self._fd, self._end)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _append(self, data: bytes) -> None:
        """Where nothing can be locked, the end is where the kernel says; a torn line makes all before it void."""
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if os.write(fd, data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(fd)

    def clear(self) -> None:
        """Take all out, also what is foreign."""
        os.ftruncate(self._fd, 0)
        self._end = 0
        self._is_whole = True
        self.is_foreign = False

    def rewrite(self, lines: Iterable[bytes]) -> None:
        """Put a file in its place that holds these lines of it alone; it is closed then."""
        beside = f"{self.path}.new"
        fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(self._header)
                file.writelines(line + b"\n" for line in lines)
            os.rename(beside, self.path)
        except OSError:
            os.unlink(beside)
            raise
        self.close()


def _summed(body: bytes) -> bytes:
    text = b"\t" + body
    return b"%08x%b\n" % (crc32(text), text)


def _read(fd: int, start: int, end: int) -> bytes:
    """What is in a file between two places, as far as it goes."""
    pieces = []
    while start < end and (piece := os.pread(fd, end - start, start)):
        pieces.append(piece)
        start += len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def joined(texts: Sequence[str]) -> bytes:
    """Texts as the body of a line."""
    text = "\t".join(texts)
    if "\\" in text or "\n" in text or text.count("\t") >= len(texts):
        text = "\t".join(map(_escaped, texts))
    return text.encode("utf-8", "surrogateescape")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    return "\\".join(part.replace("\\t", "\t").replace("\\n", "\n") for part in text.split("\\\\"))


def fields(line: bytes) -> list[str]:
    """The texts of a line, without its checksum."""
    text = line.decode("utf-8", "surrogateescape")
    found = text.split("\t")[1:]
    return list(map(_unescaped, found)) if "\\" in text else found


def told(line: bytes) -> tuple[str, str]:
    """What a line is of, and the name that it begins with: its first two texts, where there are more."""
    parts = line.split(b"\t", 3)
    if len(parts) < 4:
        return "", ""
    return parts[1].decode("ascii", "replace"), _unescaped(parts[2].decode("utf-8", "surrogateescape"))
