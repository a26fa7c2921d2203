"""The digests of files, read once and whole, however many there are."""

from __future__ import annotations

import os

from runner.digest import hasher
from runner.stamp import stamp_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    # A digest; None for a file that moved while it was read; or why it cannot be read.
    Read = str | OSError | None

_OPEN: Final = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
NO_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)
SMALL_BYTES: Final = 1 << 18
CHUNK_BYTES: Final = 1 << 20
# Where there is less to read, starting threads takes longer.
WORTH_THREADS_BYTES: Final = 1 << 23
THREADS_AT_MOST: Final = 4


class Reader:
    """Reads files to digests of one algorithm."""

    def __init__(self, algorithm: str) -> None:
        self._hash = hasher(algorithm)

    def of(self, data: bytes) -> str:
        """The digest of some bytes."""
        return self._hash(data).hexdigest()

    def digest(self, path: str, found: os.stat_result, *, follows: bool = False) -> str | None:
        """The digest of a file that was `found`, if it still is when it has been read; else None. *Raises*: OSError.

        *Why*: no more is read than was found, so that a file which grows all the time is no trap.
        """
        fd = os.open(path, _OPEN if follows else _OPEN | NO_FOLLOW)
        try:
            size = found.st_size
            digest = self._small(fd, size) if size <= SMALL_BYTES else self._large(fd, size)
            return digest if stamp_of(os.fstat(fd)) == stamp_of(found) else None
        finally:
            os.close(fd)

    def _small(self, fd: int, size: int) -> str | None:
        data = os.read(fd, size + 1)
        while len(data) < size:
            more = os.read(fd, size + 1 - len(data))
            if not more:
                return None
            data += more
        return self._hash(data).hexdigest() if len(data) == size else None

    def _large(self, fd: int, size: int) -> str | None:
        digest = self._hash(b"")
        buffer = bytearray(CHUNK_BYTES)
        view = memoryview(buffer)
        left = size
        while left > 0:
            count = os.readv(fd, [view])
            if not count:
                return None
            left -= count
            digest.update(view[:count])
        return digest.hexdigest() if left == 0 else None

    def digests(self, files: Sequence[tuple[str, os.stat_result]], *, follows: bool = False) -> list[Read]:
        """The digests of many files, in order; of each what `digest` gives, or the OSError that it raises."""
        found: list[Read] = [None] * len(files)
        large = [at for at, (_, seen) in enumerate(files) if seen.st_size > SMALL_BYTES]
        if len(large) > 1 and sum(files[at][1].st_size for at in large) >= WORTH_THREADS_BYTES:
            self._beside(files, large, found, follows)
        else:
            self._into(files, iter(range(len(files))), found, follows)
        return found

    def _into(
        self, files: Sequence[tuple[str, os.stat_result]], which: Iterator[int], found: list[Read], follows: bool
    ) -> None:
        for at in which:
            try:
                found[at] = self.digest(*files[at], follows=follows)
            except OSError as error:
                found[at] = error

    def _beside(
        self, files: Sequence[tuple[str, os.stat_result]], large: list[int], found: list[Read], follows: bool
    ) -> None:
        """Large files in threads, small ones here: these wait for the interpreter, those for memory and disk."""
        from threading import Thread

        large.sort(key=lambda at: -files[at][1].st_size)
        small = sorted(set(range(len(files))).difference(large))
        queue = _Queue(large)
        count = min(THREADS_AT_MOST, os.cpu_count() or 1, len(large))
        threads = [
            Thread(target=self._worker, args=(files, queue, found, follows), daemon=True) for _ in range(count - 1)
        ]
        try:
            for thread in threads:
                thread.start()
            self._into(files, iter(small), found, follows)
            self._into(files, queue, found, follows)
            for thread in threads:
                thread.join()
        finally:
            queue.clear()
        if queue.broken is not None:
            raise queue.broken

    def _worker(
        self, files: Sequence[tuple[str, os.stat_result]], queue: _Queue, found: list[Read], follows: bool
    ) -> None:
        try:
            self._into(files, queue, found, follows)
        except BaseException as error:
            queue.broken = error


class _Queue:
    """What is still to be read, for several threads; `broken` is what ended one of them."""

    def __init__(self, waiting: list[int]) -> None:
        self._waiting = waiting[::-1]
        self.broken: BaseException | None = None

    def __iter__(self) -> _Queue:
        return self

    def __next__(self) -> int:
        try:
            return self._waiting.pop()
        except IndexError:
            raise StopIteration from None

    def clear(self) -> None:
        """Nobody goes on."""
        self._waiting.clear()
