"""The cache in a folder: records below `ac`, blobs below `cas`, shared by any number of processes and clones."""

from __future__ import annotations

import errno
import os

from runner.digest import hasher, is_digest
from runner.stamp import stamp_of, was_settled
from runner.store import StoreError
from runner.store.layout import blob_path, is_file, record_path
from runner.store.record import SIZE_AT_MOST_BYTES, Flaw, blobs_of, decode, encode
from runner.store.stream import SMALL_BYTES, pump, read_up_to, write_all
from runner.store.writer import Writer, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from runner.result import Record

# A link in the place of a file is not followed, a FIFO there holds nobody up.
FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
# A record that was used this recently is not touched again: collecting goes by hours.
TOUCHED_FOR_S: Final = 600
# What opening says of something that is no file: a link, a socket, a device without a driver.
WRONG_KINDS: Final = (errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.EISDIR, errno.ENODEV)


class Local:
    """Keeps results in a folder. `troubles` has a line for each bad file that was met, for a warning.

    *Why* no lock and no fsync: every file is complete before it has its name, and is verified whenever it is read; so
    what a crash or a stranger spoils is a miss.
    """

    def __init__(self, folder: str, *, algorithm: str = "blake3", clock: Callable[[], float]) -> None:
        self.folder = folder
        self.algorithm = algorithm
        self.troubles: list[str] = []
        self._clock = clock
        self._hash = hasher(algorithm)
        self._writer = Writer(folder)
        # Blobs that could not be read, though they are there: the next `put` writes them anew.
        self._doubtful: set[str] = set()
        # The stamps of blobs that were found to be sound.
        self._sound: dict[str, str] = {}

    def find(self, key: str) -> Record | None:
        """The record under a key, if there is a sound one; it counts as used now.

        One that names a size that its blob has not cannot be restored: it is set aside.
        """
        if not is_digest(key):
            return None
        path = record_path(self.folder, key)
        try:
            opened = self._open(path)
            if opened is None:
                return None
            source, found = opened
            try:
                record = self._believed(decode(read_up_to(source, SIZE_AT_MOST_BYTES + 1), key), path, found)
                if record is not None:
                    self._touch(source, found)
                return record
            finally:
                os.close(source)
        except OSError:
            return None

    def fetch(self, digest: str, to: int) -> bool:
        """Write a blob to a descriptor and verify it. False if it is missing, damaged, or cannot be read or written."""
        return self._read(digest, lambda piece: write_all(to, piece))

    def has(self, record: Record) -> bool:
        """Whether every blob of a record is there and sound. Those read once are not read again while they stand."""
        return all(self._is_sound(digest, size_bytes) for digest, size_bytes in blobs_of(record))

    def put(self, source: int) -> tuple[str, int]:
        """Keep the content of a descriptor, from where it stands. Its digest and size in bytes.

        *Raises*: StoreError where it cannot be read or kept.
        """
        try:
            data = read_up_to(source, SMALL_BYTES + 1)
        except OSError as error:
            raise _unreadable(error) from error
        if len(data) > SMALL_BYTES:
            return self._put_long(source, data)
        digest = self._hash(data).hexdigest()
        path = blob_path(self.folder, self.algorithm, digest)
        if not self._is_kept(digest, path, len(data)):
            self._writer.write(path, data)
            self._doubtful.discard(digest)
        return digest, len(data)

    def keep(self, record: Record) -> None:
        """Keep a record whose blobs were all put before.

        *Raises*: StoreError where it cannot be kept, or a blob of it is gone: the folder may have been replaced.
        """
        try:
            data = encode(record, self.algorithm)
        except ValueError as error:
            raise StoreError(f"the result of `{record.task}` cannot be kept: {error}") from error
        for digest, size_bytes in blobs_of(record):
            if not self._there(digest, size_bytes):
                raise StoreError(
                    f"the result of `{record.task}` is not kept: a file of it left the cache `{self.folder}`"
                )
        self._writer.write(record_path(self.folder, record.key), data)

    def close(self) -> None:
        """Tell how much was written, so that a collection comes when it is due."""
        self._writer.tell_usage()

    def _put_long(self, source: int, start: bytes) -> tuple[str, int]:
        digest, size_bytes = "", 0

        def content(to: int) -> tuple[str, int]:
            nonlocal digest, size_bytes
            try:
                about_bytes = os.fstat(source).st_size
                digest, size_bytes = pump(source, self._hash, about_bytes, self._writer.into(to), start)
            except OSError as error:
                raise _unreadable(error) from error
            path = blob_path(self.folder, self.algorithm, digest)
            return ("" if self._is_kept(digest, path, size_bytes) else path), size_bytes

        self._writer.fill(content)
        self._doubtful.discard(digest)
        return digest, size_bytes

    def _is_kept(self, digest: str, path: str, size_bytes: int) -> bool:
        """Whether a blob need not be written. Then it is as young as one that was: no collection takes it before the
        record that will name it."""
        if digest in self._doubtful or self._there(digest, size_bytes) is None:
            return False
        now_s = self._clock()
        try:
            os.utime(path, (now_s, now_s), follow_symlinks=False)
        except OSError:
            return False
        return True

    def _there(self, digest: str, size_bytes: int) -> os.stat_result | None:
        """A blob of that size, if there is one. Whether it is sound is another question."""
        try:
            found = os.lstat(blob_path(self.folder, self.algorithm, digest))
        except OSError:
            return None
        return found if is_file(found) and found.st_size == size_bytes else None

    def _is_sound(self, digest: str, size_bytes: int) -> bool:
        found, now_ns = self._there(digest, size_bytes), int(self._clock() * 1e9)
        if found is None:
            return False
        if self._sound.get(digest) == stamp_of(found):
            return True
        if not self._read(digest, len):
            return False
        if was_settled(found, now_ns):
            self._sound[digest] = stamp_of(found)
        return True

    def _read(self, digest: str, take: Callable[[bytes | memoryview], object]) -> bool:
        """Hand on a blob and verify it; a small one is verified first."""
        if not is_digest(digest):
            return False
        path = blob_path(self.folder, self.algorithm, digest)
        try:
            opened = self._open(path)
            if opened is None:
                return False
            source, found = opened
            try:
                if found.st_size > SMALL_BYTES:
                    is_sound = pump(source, self._hash, found.st_size, take)[0] == digest
                else:
                    data = read_up_to(source, SMALL_BYTES + 1)
                    is_sound = self._hash(data).hexdigest() == digest
                    if is_sound:
                        take(data)
            finally:
                os.close(source)
        except OSError:
            self._doubtful.add(digest)
            return False
        if not is_sound:
            self._set_aside(path, found, "not what its name says")
        return is_sound

    def _open(self, path: str) -> tuple[int, os.stat_result] | None:
        """A file that is there, to be read. What is there but no file is set aside. *Raises*: OSError."""
        try:
            source = os.open(path, FLAGS)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno not in WRONG_KINDS or is_file(found := os.lstat(path)):
                raise
        else:
            try:
                found = os.fstat(source)
            except OSError:
                os.close(source)
                raise
            if is_file(found):
                return source, found
            os.close(source)
        self._set_aside(path, found, "not a file")
        return None

    def _believed(self, record: Record | Flaw, path: str, found: os.stat_result) -> Record | None:
        if isinstance(record, Flaw):
            if not record.is_foreign:
                self._set_aside(path, found, record.reason)
            return None
        for digest, size_bytes in blobs_of(record):
            try:
                blob = os.lstat(blob_path(self.folder, self.algorithm, digest))
            except OSError:
                continue
            if blob.st_size != size_bytes:
                self._set_aside(path, found, "a file of it has another size")
                return None
        return record

    def _touch(self, source: int, found: os.stat_result) -> None:
        now_s = self._clock()
        if abs(now_s - found.st_mtime) > TOUCHED_FOR_S:
            try:
                os.utime(source, (now_s, now_s))
            except OSError:  # somebody else's, or read-only: it ages a little too fast
                pass

    def _set_aside(self, path: str, found: os.stat_result, why: str) -> None:
        self._doubtful.add(os.path.basename(path))
        is_done = self._writer.set_aside(path, found, self._clock())
        if is_done is not None:
            self.troubles.append(f"`{path}` is damaged ({why}) and {'was' if is_done else 'cannot be'} set aside")


def _unreadable(error: OSError) -> StoreError:
    return StoreError(f"what is to be kept cannot be read: {reason(error)}")
