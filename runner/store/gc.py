"""A cache kept within its size and age: least recently used first, and nothing that anybody needs.

*Why* no other process loses anything by it. Let `now` be a moment before the first record is read.

1. A record that was read keeps all blobs that it names, whatever their age.
2. A record that was not read was kept after `now`. Its writer had put each of its blobs before, and `put` makes a blob
   young: it writes it, or sets its time. A blob goes only if it is older than `now` less the grace, so none of that
   record goes, unless more than the grace passed between `put` and `keep`. For the same reason nothing depends on the
   order in which blobs and records are listed.
3. Between a look at a file and its removal its time may change: `put` finds the blob there, `find` uses the record. So
   a file is moved away first, then looked at, and put back if it is no longer the one that was meant (`take_away`).
   Whoever comes after the move finds nothing, which is a miss, or writes it anew, and then the new one stays.
4. A reader that has opened a blob reads on; one that found a record just before it went may miss a blob: a miss.
5. A record that was written anew under the same key since it was read: its old blobs are kept once too often, its new
   ones are young.
6. A collector that is killed leaves at most one file moved away that should have been put back: a miss.
7. Two collectors could undo (1), one reading while the other has a record moved away: hence the lock.
8. A record that cannot be read may name anything: then no blob goes at all.
"""

from __future__ import annotations

import os

from runner.noun import noun
from runner.store.layout import (
    BAD,
    LOCK,
    RECORDS,
    TEMPORARY,
    USAGE,
    File,
    Names,
    blob_path,
    blob_rooms,
    blobs,
    entries,
    is_file,
    is_made_up,
    records,
    remove,
    room_bytes,
    take_away,
)
from runner.store.record import SIZE_AT_MOST_BYTES, Flaw, blobs_of, decode
from runner.store.stream import read_up_to
from runner.store.writer import MIB, Writer, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

# What was written or used so recently stays, whatever the limits say.
GRACE_S: Final = 3600
TEMPORARY_FOR_S: Final = 3600
BAD_FOR_S: Final = 7 * 86400
# Collecting goes on to this share of the limit, so that the next run is not the next to collect.
SHARE_KEPT: Final = 0.8
EVERY_S: Final = 86400
# Where nothing can be freed yet, it is not tried at the end of each run.
AT_MOST_EVERY_S: Final = 600


@noun
class Collected:
    """What a collection did.

    *Units*: `freed_bytes` and `kept_bytes` as the disk counts them, in whole blocks. `is_busy` says that another
    process is collecting; `trouble` why it could not be done, or not to the end.
    """

    freed_bytes: int = 0
    kept_bytes: int = 0
    records: int = 0
    blobs: int = 0
    leftovers: int = 0
    is_busy: bool = False
    trouble: str = ""


def due(folder: str, max_bytes: int, now_s: float) -> bool:
    """Whether it is worth collecting: a day has passed, or about more than the limit has been written. Two stats."""
    try:
        last_s = os.stat(f"{folder}/{LOCK}").st_mtime
        is_full = os.stat(f"{folder}/{USAGE}").st_size * MIB > max_bytes
    except OSError:
        return os.access(f"{folder}/{RECORDS}", os.W_OK)
    passed_s = abs(now_s - last_s)
    return passed_s > EVERY_S or (is_full and passed_s > AT_MOST_EVERY_S)


def collect(folder: str, max_bytes: int, max_age_s: float, now_s: float) -> Collected:
    """Remove what the limits leave no room for; another collector at work means nothing to do.

    `now_s` is a moment before the call, by the clock that writers go by. May be interrupted anywhere.
    """
    collection = _Collection(folder, now_s)
    try:
        lock = os.open(f"{folder}/{LOCK}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            if not _is_locked(lock):
                return Collected(is_busy=True)
            collection.run(max_bytes, max_age_s)
            os.utime(lock, (now_s, now_s))
        finally:
            os.close(lock)
    except (FileNotFoundError, NotADirectoryError):
        return collection.result()  # there is no cache, or no longer
    except OSError as error:
        return collection.result(f"the cache `{folder}` cannot be collected: {reason(error)}")
    return collection.result()


def _is_locked(lock: int) -> bool:
    from fcntl import LOCK_EX, LOCK_NB, flock

    try:
        flock(lock, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks: a cache that is never collected would be worse than a miss
        pass
    return True


class _Kept:
    """A record that stays so far: which file it is, and the blobs that it needs."""

    __slots__ = ("digests", "inode", "mtime_ns", "path", "size_bytes")

    def __init__(self, file: File) -> None:
        self.path = file.path
        self.inode = file.found.st_ino
        self.mtime_ns = file.found.st_mtime_ns
        self.size_bytes = file.found.st_size
        self.digests: tuple[bytes, ...] = ()

    def is_still(self, found: os.stat_result) -> bool:
        """Whether it was neither used nor written anew since."""
        return (found.st_ino, found.st_mtime_ns) == (self.inode, self.mtime_ns)


class _Collection:
    """One collection: what is kept so far, who needs each blob, and what was removed."""

    def __init__(self, folder: str, now_s: float) -> None:
        self.folder = folder
        self.now_s = now_s
        self._names = Names()
        self._writer = Writer(folder)
        self._kept: list[_Kept] = []
        # How many records need each blob, by the bytes of its digest, which take half the room.
        self._needed: dict[bytes, int] = {}
        self._kept_bytes = 0
        self._freed_bytes = 0
        self._records = 0
        self._blobs = 0
        self._leftovers = 0

    def run(self, max_bytes: int, max_age_s: float) -> None:
        """All of it. *Raises*: OSError, where a record cannot be read: nobody knows then what it needs."""
        os.makedirs(f"{self.folder}/{TEMPORARY}", exist_ok=True)
        before_s = self.now_s - max(max_age_s, GRACE_S)
        for file in records(self.folder):
            if file.found.st_mtime > before_s or not self._remove_record(_Kept(file)):
                self._read(file)
        for algorithm, _ in blob_rooms(self.folder):
            self._sweep(algorithm)
        if self._kept_bytes > max_bytes:
            self._evict(int(max_bytes * SHARE_KEPT))
        self._tidy(TEMPORARY, TEMPORARY_FOR_S)
        self._tidy(BAD, BAD_FOR_S)
        self._tell_usage()

    def result(self, trouble: str = "") -> Collected:
        """What was done so far."""
        return Collected(
            freed_bytes=self._freed_bytes,
            kept_bytes=self._kept_bytes,
            records=self._records,
            blobs=self._blobs,
            leftovers=self._leftovers,
            trouble=trouble,
        )

    def _read(self, file: File) -> None:
        """Count what a record needs. One that is damaged needs nothing more, and is set aside."""
        digests = _needs(file)
        if digests is None:
            self._writer.set_aside(file.path, file.found, self.now_s)
            return
        kept = _Kept(file)
        kept.digests = tuple([bytes.fromhex(digest) for digest in digests])
        for digest in kept.digests:
            self._needed[digest] = self._needed.get(digest, 0) + 1
        self._kept.append(kept)
        self._kept_bytes += room_bytes(kept.size_bytes)
        if file.found.st_mtime > self.now_s + EVERY_S:
            os.utime(file.path, (self.now_s, self.now_s))  # a clock was wrong: it would never grow old

    def _sweep(self, algorithm: str) -> None:
        """Remove blobs that no record needs."""
        for file in blobs(self.folder, algorithm):
            if bytes.fromhex(file.name) in self._needed or not self._remove_blob(file.path, file.found):
                self._kept_bytes += room_bytes(file.found.st_size)

    def _evict(self, goal_bytes: int) -> None:
        """Remove the records that were not used for the longest time, with the blobs that only they need."""
        self._kept.sort(key=lambda kept: kept.mtime_ns)
        young_ns = int((self.now_s - GRACE_S) * 1e9)
        for kept in self._kept:
            if self._kept_bytes <= goal_bytes or kept.mtime_ns > young_ns:
                return
            if not self._remove_record(kept):
                continue
            self._kept_bytes -= room_bytes(kept.size_bytes)
            for digest in kept.digests:
                self._needed[digest] -= 1
                if not self._needed[digest]:
                    self._kept_bytes -= self._drop(digest.hex())

    def _drop(self, digest: str) -> int:
        freed_bytes = 0
        for algorithm, _ in blob_rooms(self.folder):
            path = blob_path(self.folder, algorithm, digest)
            try:
                found = os.lstat(path)
            except FileNotFoundError:
                continue
            if self._remove_blob(path, found):
                freed_bytes += room_bytes(found.st_size)
        return freed_bytes

    def _remove_record(self, kept: _Kept) -> bool:
        """True if it is gone; False if it was used or written anew since it was listed."""
        is_gone = self._remove(kept.path, kept.size_bytes, kept.is_still)
        self._records += is_gone
        return is_gone

    def _remove_blob(self, path: str, found: os.stat_result) -> bool:
        """True if it is gone; False if it is too young to be."""
        before_s = self.now_s - GRACE_S
        if found.st_mtime > before_s or not is_file(found):
            return False
        is_gone = self._remove(path, found.st_size, lambda found: found.st_mtime <= before_s)
        self._blobs += is_gone
        return is_gone

    def _remove(self, path: str, size_bytes: int, is_meant: Callable[[os.stat_result], bool]) -> bool:
        moved = f"{self.folder}/{TEMPORARY}/{self._names.temporary()}"
        try:
            if not take_away(path, moved, is_meant):
                return False
        except FileNotFoundError:
            return True
        os.unlink(moved)
        self._freed_bytes += room_bytes(size_bytes)
        return True

    def _tidy(self, name: str, kept_for_s: float) -> None:
        """Remove what writers that were killed have left, and what was bad long ago."""
        for entry, found in entries(f"{self.folder}/{name}"):
            if not is_made_up(entry.name) or found.st_mtime > self.now_s - kept_for_s:
                continue
            try:
                remove(entry.path)
            except FileNotFoundError:
                continue
            self._leftovers += 1
            self._freed_bytes += room_bytes(found.st_size)

    def _tell_usage(self) -> None:
        usage = os.open(f"{self.folder}/{USAGE}", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            os.ftruncate(usage, self._kept_bytes // MIB)
        finally:
            os.close(usage)


def _needs(file: File) -> set[str] | None:
    """The blobs that a record needs, None if it is damaged. *Raises*: OSError.

    A record of another version needs some of the digests that it mentions.
    """
    if not is_file(file.found):
        return None
    try:
        source = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return set()
    try:
        data = read_up_to(source, SIZE_AT_MOST_BYTES + 1)
    finally:
        os.close(source)
    record = decode(data, file.name)
    if not isinstance(record, Flaw):
        return {digest for digest, _ in blobs_of(record)}
    if not record.is_foreign:
        return None
    import re

    return set(re.findall(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])", data.decode("latin-1")))
