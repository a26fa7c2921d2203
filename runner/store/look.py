"""What is in a cache: figures, records, what is bad in it; and removing all of it."""

from __future__ import annotations

import errno
import os

from runner.digest import ALGORITHMS, hasher
from runner.error import refuse
from runner.noun import noun
from runner.store.layout import (
    BAD,
    BLOBS,
    BUCKETS,
    IGNORE,
    IGNORE_TEXT,
    LOCK,
    RECORDS,
    TAG,
    TEMPORARY,
    USAGE,
    blob_path,
    blob_rooms,
    blobs,
    entries,
    is_cache,
    is_file,
    is_made_up,
    records,
    remove,
    room_bytes,
)
from runner.store.record import SIZE_AT_MOST_BYTES, Flaw, blobs_of, decode
from runner.store.stream import pump, read_up_to
from runner.store.writer import Writer, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from runner.result import Record
    from runner.store.layout import File

# Not being able to read for these says nothing of the file.
OUR_OWN: Final = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


@noun
class Stats:
    """How much a cache holds.

    *Units*: `bytes` as the disk counts them, in whole blocks; `oldest_s` and `newest_s` when the record that was not
    used for the longest time, and the one used last, were used: seconds since the epoch, None where there is none.
    `bad` counts what was set aside.
    """

    records: int = 0
    blobs: int = 0
    bytes: int = 0
    bad: int = 0
    oldest_s: float | None = None
    newest_s: float | None = None


@noun
class Entry:
    """One record, as a list shows it. *Units*: `size_bytes` of its outputs and log; `used_s` since the epoch."""

    record: Record
    size_bytes: int
    used_s: float


@noun
class Finding:
    """One thing that is wrong with a cache: a file, what it is (`record`, `blob`) and what is the matter with it."""

    path: str
    kind: str
    reason: str
    is_set_aside: bool


def stats(folder: str) -> Stats:
    """What a cache holds; nothing where there is none. *Raises*: OSError where it cannot be read."""
    used_s: list[float] = []
    size_bytes = blob_count = 0
    for file in records(folder):
        used_s.append(file.found.st_mtime)
        size_bytes += room_bytes(file.found.st_size)
    for algorithm, _ in blob_rooms(folder):
        for file in blobs(folder, algorithm):
            blob_count += 1
            size_bytes += room_bytes(file.found.st_size)
    return Stats(
        records=len(used_s),
        blobs=blob_count,
        bytes=size_bytes,
        bad=sum(is_made_up(entry.name) for entry, _ in entries(f"{folder}/{BAD}")),
        oldest_s=min(used_s, default=None),
        newest_s=max(used_s, default=None),
    )


def listed(folder: str) -> Iterator[Entry]:
    """Each sound record, the one that was used last first. It changes nothing. *Raises*: OSError for its folders."""
    for file in sorted(records(folder), key=lambda file: file.found.st_mtime, reverse=True):
        record = _read(file)
        if not isinstance(record, Flaw):
            size_bytes = sum(dict(blobs_of(record)).values())
            yield Entry(record=record, size_bytes=size_bytes, used_s=file.found.st_mtime)


def verify(folder: str, now_s: float) -> Iterator[Finding]:
    """All that is damaged or missing, as it is found and set aside; so a second time finds nothing more.

    Records of other versions of trun are left alone. *Raises*: OSError where it cannot be gone through.
    *Why* blobs first: one that is set aside is missing then, and so is each record that needs it.
    """
    writer = Writer(folder)
    rooms = [algorithm for algorithm, _ in blob_rooms(folder)]
    for algorithm in rooms:
        for file in blobs(folder, algorithm):
            yield from _judged(writer, file, "blob", _blob_flaw(file, algorithm), now_s)
    for file in records(folder):
        record = _read(file)
        if isinstance(record, Flaw):
            why = "" if record.is_foreign else record.reason
        else:
            why = _missing(folder, rooms, record)
        yield from _judged(writer, file, "record", why, now_s)


def clear(folder: str) -> tuple[int, int]:
    """How many files and bytes were removed: all of the cache, and nothing that trun did not make.

    *Raises*: Refusal for a folder that is no cache of trun; OSError where something cannot be removed.
    *Why* records first: whoever reads meanwhile finds a miss, not half a result.
    """
    if not os.path.lexists(folder):
        return 0, 0
    if not is_cache(folder):
        raise refuse(
            f"`{folder}` is no cache of trun, so nothing was removed", hint=f"a cache has a file `{TAG}` in it"
        )
    removed = [_removed(file.path, file.found) for file in records(folder) if is_file(file.found)]
    for algorithm, _ in blob_rooms(folder):
        removed += [_removed(file.path, file.found) for file in blobs(folder, algorithm) if is_file(file.found)]
    for name in (TEMPORARY, BAD):
        made_up = [(entry.path, found) for entry, found in entries(f"{folder}/{name}") if is_made_up(entry.name)]
        removed += [_removed(path, found) for path, found in made_up]
    for name in (LOCK, USAGE, TAG, IGNORE):
        path = f"{folder}/{name}"
        if os.path.lexists(path) and (name != IGNORE or _is_ours(path)):
            removed.append(_removed(path, os.lstat(path)))
    _remove_empty(folder)
    return len(removed), sum(removed)


def _is_ours(path: str) -> bool:
    """Whether an ignore file is the one that a new cache gets."""
    try:
        with open(path, "rb") as file:
            return file.read(len(IGNORE_TEXT) + 1) == IGNORE_TEXT
    except OSError:
        return False


def _read(file: File) -> Record | Flaw:
    """*Raises*: OSError where it is we that cannot read."""
    if not is_file(file.found):
        return Flaw(reason="not a file")
    try:
        source = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return decode(read_up_to(source, SIZE_AT_MOST_BYTES + 1), file.name)
        finally:
            os.close(source)
    except OSError as error:
        return Flaw(reason=_unreadable(error))


def _blob_flaw(file: File, algorithm: str) -> str:
    """What is wrong with a blob, "" for nothing. *Raises*: OSError where it is we that cannot read."""
    if not is_file(file.found):
        return "not a file"
    try:
        source = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            digest, _ = pump(source, hasher(algorithm), file.found.st_size, len)
        finally:
            os.close(source)
    except OSError as error:
        return _unreadable(error)
    return "" if digest == file.name else "not what its name says"


def _unreadable(error: OSError) -> str:
    if error.errno in OUR_OWN:
        raise error
    return f"cannot be read: {reason(error)}"


def _missing(folder: str, rooms: list[str], record: Record) -> str:
    for digest, size_bytes in blobs_of(record):
        sizes_bytes = [_size_bytes(blob_path(folder, algorithm, digest)) for algorithm in rooms]
        if size_bytes not in sizes_bytes:
            what = "has another size" if any(size is not None for size in sizes_bytes) else "is missing"
            return f"its blob `{digest}` {what}"
    return ""


def _size_bytes(path: str) -> int | None:
    try:
        return os.lstat(path).st_size
    except OSError:
        return None


def _judged(writer: Writer, file: File, kind: str, why: str, now_s: float) -> Iterator[Finding]:
    """The finding, if there is something to find, and nobody else has removed or mended it meanwhile."""
    if why:
        is_done = writer.set_aside(file.path, file.found, now_s)
        if is_done is not None:
            yield Finding(path=file.path, kind=kind, reason=why, is_set_aside=is_done)


def _removed(path: str, found: os.stat_result) -> int:
    try:
        remove(path)
    except FileNotFoundError:
        return 0
    return room_bytes(found.st_size)


def _remove_empty(folder: str) -> None:
    rooms = [f"{BLOBS}/{algorithm}" for algorithm in ALGORITHMS]
    buckets = [f"{room}/{number:02x}" for room in (RECORDS, *rooms) for number in range(BUCKETS)]
    for name in (*buckets, RECORDS, *rooms, BLOBS, TEMPORARY, BAD, ""):
        try:
            os.rmdir(f"{folder}/{name}")
        except OSError:  # not there, or with something in it that is not ours
            pass
