"""Files into a cache: written beside, then swapped in; the folder is made when something is first written."""

from __future__ import annotations

import os
from contextlib import suppress

from runner.store import StoreError
from runner.store.layout import (
    BAD,
    IGNORE,
    IGNORE_TEXT,
    LOCK,
    RECORDS,
    TAG,
    TAG_TEXT,
    TEMPORARY,
    USAGE,
    Names,
    room_bytes,
    take_away,
)
from runner.store.stream import write_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
# Nobody means to write to what is kept; who does it by mistake is told.
MODE: Final = 0o444
USAGE_STEP_BYTES: Final = 64 << 20
MIB: Final = 1 << 20


def reason(error: OSError) -> str:
    """What went wrong, as part of a sentence."""
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]


class Writer:
    """Writes the files of one cache; safe beside any number of others, in threads as in processes."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._names = Names()
        self._new_bytes = 0

    def write(self, path: str, data: bytes) -> None:
        """A file with this content at its place. *Raises*: StoreError."""

        def content(to: int) -> tuple[str, int]:
            write_all(to, data)
            return path, len(data)

        self.fill(content)

    def fill(self, content: Callable[[int], tuple[str, int]]) -> None:
        """A file with what is written to a descriptor, at the place that is known then; nowhere if that is "".

        *Raises*: StoreError; what was begun is gone then.
        """
        try:
            to, beside = self._begin()
            try:
                try:
                    path, size_bytes = content(to)
                finally:
                    os.close(to)
                if path:
                    self._swap_in(beside, path)
                    self.note(size_bytes)
                else:
                    os.unlink(beside)
            except BaseException:
                _drop(beside)
                raise
        except OSError as error:
            raise self._failed(error) from error

    def into(self, to: int) -> Callable[[bytes | memoryview], None]:
        """Writes pieces to a descriptor that `fill` gave. *Raises*: StoreError."""

        def write(piece: bytes | memoryview) -> None:
            try:
                write_all(to, piece)
            except OSError as error:
                raise self._failed(error) from error

        return write

    def set_aside(self, path: str, seen: os.stat_result, now_s: float) -> bool | None:
        """Put a bad file out of the way. False if it cannot be done, None if it is another one, or gone, by now.

        *Why* the look at what it is: another process may have put a good one there since.
        """
        bad = f"{self.folder}/{BAD}/{self._names.bad(path)}"
        same = _identity(seen)
        try:
            try:
                is_done = take_away(path, bad, lambda found: _identity(found) == same)
            except FileNotFoundError:
                os.makedirs(f"{self.folder}/{BAD}", exist_ok=True)
                is_done = take_away(path, bad, lambda found: _identity(found) == same)
            if is_done:
                os.utime(bad, (now_s, now_s), follow_symlinks=False)  # its week begins
            return is_done or None
        except FileNotFoundError:
            return None
        except OSError:
            return False

    def note(self, size_bytes: int) -> None:
        """So much was written, for the estimate of what the cache holds."""
        self._new_bytes += room_bytes(size_bytes)
        if self._new_bytes >= USAGE_STEP_BYTES:
            self.tell_usage()

    def tell_usage(self) -> None:
        """Add what was written to the estimate. Nothing depends on it but when the next collection is."""
        grown, self._new_bytes = -(-self._new_bytes // MIB), 0
        if not grown:
            return
        try:
            usage = os.open(f"{self.folder}/{USAGE}", os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            try:
                os.write(usage, b"." * grown)
            finally:
                os.close(usage)
        except OSError:
            pass

    def _failed(self, error: OSError) -> StoreError:
        return StoreError(f"the cache `{self.folder}` cannot be written: {reason(error)}")

    def _begin(self) -> tuple[int, str]:
        beside = f"{self.folder}/{TEMPORARY}/{self._names.temporary()}"
        try:
            return os.open(beside, FLAGS, MODE), beside
        except FileNotFoundError:
            self._make()
            return os.open(beside, FLAGS, MODE), beside

    def _make(self) -> None:
        """The folder, with what tells backup programs and us what it is.

        *Why* the folder for temporary files last: it is what is missed first, so what was half made is made whole.
        """
        is_new = not os.path.lexists(self.folder)
        os.makedirs(f"{self.folder}/{RECORDS}", exist_ok=True)
        if is_new:
            # One that lies in a project is none of its inputs.
            with suppress(FileExistsError), open(f"{self.folder}/{IGNORE}", "xb") as file:
                file.write(IGNORE_TEXT)
        for name in (LOCK, USAGE):
            os.close(os.open(f"{self.folder}/{name}", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666))
        tag = os.open(f"{self.folder}/{TAG}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            if TAG_TEXT.startswith(os.read(tag, len(TAG_TEXT) + 1)):  # else it is another tool's
                os.lseek(tag, 0, os.SEEK_SET)
                write_all(tag, TAG_TEXT)
        finally:
            os.close(tag)
        os.makedirs(f"{self.folder}/{TEMPORARY}", exist_ok=True)

    def _swap_in(self, beside: str, path: str) -> None:
        try:
            os.rename(beside, path)
        except FileNotFoundError:
            bucket = os.path.dirname(path)
            try:
                os.mkdir(bucket)
            except OSError:
                os.makedirs(bucket, exist_ok=True)
            os.rename(beside, path)
        except IsADirectoryError:  # damage that a file cannot replace
            os.makedirs(f"{self.folder}/{BAD}", exist_ok=True)
            os.rename(path, f"{self.folder}/{BAD}/{self._names.bad(path)}")
            os.rename(beside, path)


def _drop(beside: str) -> None:
    try:
        os.unlink(beside)
    except OSError:
        pass


def _identity(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
