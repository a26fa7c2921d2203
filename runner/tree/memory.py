"""The digests of files as they were read before, by the stamp that each had."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from zlib import crc32

from runner.premises import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from io import BufferedReader
    from typing import Final

# A block of lines begins with this, the length and the checksum of what follows, and how many lines a rewritten file
# began with. No line of a block does.
_HEAD: Final = b"=1 "
_LINES_OF_A_BLOCK: Final = 4096
_LINE_AT_MOST_BYTES: Final = 1 << 16
_BLOCK_AT_MOST_BYTES: Final = 1 << 26
DIGEST_DIGITS: Final = 64
FEW: Final = 1_000


class Memory:
    """What is known of the files of a project; kept in one file, to which many processes add at once.

    `troubles` says why it could not be kept. A file that is damaged, foreign or cannot be read is as good as none.
    *Why* one text for stamp and digest: a hundred thousand are read at each start, and few of them are asked for.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.troubles: list[str] = []
        self._known: dict[str, str] | None = None
        self._new: set[str] = set()
        self._lines = 0  # of the file, in sound blocks
        self._kept = 0  # those that it had when it was last rewritten

    def get(self, path: str, stamp: str) -> str | None:
        """The digest of a file whose stamp is this one, if it was read before."""
        known = self._known
        if known is None:
            known = self._loaded()
        found = known.get(path)
        if found is None or found[DIGEST_DIGITS:] != stamp:
            return None
        return found[:DIGEST_DIGITS]

    def put(self, path: str, stamp: str, digest: str) -> None:
        """Remember a digest. The stamp has to prove something: see `stamp.was_settled`."""
        known = self._known if self._known is not None else self._loaded()
        known[path] = digest + stamp
        self._new.add(path)

    def close(self, is_there: Callable[[str], bool] = lambda path: True) -> None:
        """Keep what was learnt. Where that cannot be, nothing is lost but time.

        `is_there` tells whether a path still exists: where many were learnt since, those that vanished are forgotten.
        """
        if not self._new or self._known is None:
            return
        try:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            count = len(self._known)
            if count > 2 * self._kept + FEW and self._kept:
                self._known = {path: found for path, found in self._known.items() if is_there(path)}
                self._rewrite()
            elif self._lines + len(self._new) > 2 * count + FEW or not self._lines:
                self._rewrite()
            else:
                self._append()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            self.troubles.append(f"`{shown(self.path)}` cannot be written: {reason}; files will be read again")
        self._new.clear()

    def _append(self) -> None:
        """One write: what other processes add at the same time lands before it or behind it."""
        known = self._known or {}
        data = b"".join(_blocks(sorted(path for path in self._new if path in known), known, 0))
        how = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        fd = os.open(self.path, how, 0o644)
        try:
            os.write(fd, b"\n" + data)
        finally:
            os.close(fd)
        self._lines += len(self._new)

    def _rewrite(self) -> None:
        """Beside, then renamed. What others added since it was read is lost, and read again."""
        known = self._known or {}
        beside = f"{self.path}.{os.getpid()}"
        with suppress(FileNotFoundError):
            os.unlink(beside)
        fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        try:
            with os.fdopen(fd, "wb") as file:
                file.writelines(_blocks(sorted(known), known, len(known)))
            os.rename(beside, self.path)
        except BaseException:
            with suppress(OSError):
                os.unlink(beside)
            raise
        self._lines = self._kept = len(known)

    def _loaded(self) -> dict[str, str]:
        known: dict[str, str] = {}
        self._known = known
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
            with os.fdopen(fd, "rb") as file:
                if stat.S_ISREG(os.fstat(fd).st_mode):
                    self._read(file, known)
        except OSError:
            pass
        return known

    def _read(self, file: BufferedReader, known: dict[str, str]) -> None:
        while line := file.readline(_LINE_AT_MOST_BYTES):
            if not line.startswith(_HEAD):
                continue
            at = file.tell()
            body, kept = _body(file, line)
            if body is None:
                # The next block may begin within what this one says to be its own.
                file.seek(at)
                continue
            self._kept = max(self._kept, kept)
            for one in body.decode("utf-8", "surrogateescape").split("\n"):
                found, _, path = one.partition("\t")
                known[path if "\\" not in path else _unescaped(path)] = found
                self._lines += 1


def _body(file: BufferedReader, head: bytes) -> tuple[bytes | None, int]:
    """The lines under a head, if they are whole; and how many the file began with."""
    try:
        size, checksum, kept = map(int, head[len(_HEAD) :].split())
    except ValueError:
        return None, 0
    if not 0 <= size <= _BLOCK_AT_MOST_BYTES:
        return None, 0
    body = file.read(size)
    return (body, kept) if len(body) == size and crc32(body) == checksum else (None, 0)


def _blocks(paths: list[str], known: dict[str, str], kept: int) -> Iterator[bytes]:
    for at in range(0, len(paths), _LINES_OF_A_BLOCK):
        body = "\n".join(_lines(paths[at : at + _LINES_OF_A_BLOCK], known)).encode("utf-8", "surrogateescape")
        yield b"%s%d %d %d\n%s\n" % (_HEAD, len(body), crc32(body), kept, body)


def _lines(paths: Iterable[str], known: dict[str, str]) -> Iterator[str]:
    for path in paths:
        yield f"{known[path]}\t{path if path.isprintable() and chr(92) not in path else _escaped(path)}"


def _escaped(path: str) -> str:
    return path.replace("\\", "\\\\").replace("\n", "\\n")


def _unescaped(path: str) -> str:
    # No path has a NUL.
    return path.replace("\\\\", "\0").replace("\\n", "\n").replace("\0", "\\")
