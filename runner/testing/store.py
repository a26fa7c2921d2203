"""A store in memory, that counts what is asked of it."""

from __future__ import annotations

import os

from runner.digest import hasher, is_digest
from runner.store import StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.result import Record


def _blobs_of(record: Record) -> Iterator[tuple[str, int]]:
    yield from ((made.digest, made.size_bytes) for made in record.outputs if made.kind == "file")
    if record.log:
        yield record.log, record.log_bytes


class FakeStore:
    """Keeps results as long as it lives. A test may change both `records`, by key, and `blobs`, by digest.

    `found`, `fetched`, `put_in` and `kept` hold what was asked for, in order. While `trouble` says something, nothing
    can be kept.
    """

    def __init__(self, algorithm: str = "blake3") -> None:
        self.algorithm = algorithm
        self.trouble = ""
        self.troubles: list[str] = []
        self.records: dict[str, Record] = {}
        self.blobs: dict[str, bytes] = {}
        self.found: list[str] = []
        self.fetched: list[str] = []
        self.put_in: list[str] = []
        self.kept: list[str] = []
        self.is_closed = False

    def find(self, key: str) -> Record | None:
        """The record under a key, if there is a sound one."""
        self.found.append(key)
        record = self.records.get(key)
        if record is None:
            return None
        if record.key != key:
            self._set_aside(self.records, key, "the record of another key")
            return None
        if any(self._size_bytes(digest) not in (None, size_bytes) for digest, size_bytes in _blobs_of(record)):
            self._set_aside(self.records, key, "a file of it has another size")
            return None
        return record

    def fetch(self, digest: str, to: int) -> bool:
        """Write a blob to a descriptor, if it is there and sound."""
        self.fetched.append(digest)
        if not self._is_sound(digest):
            return False
        data = memoryview(self.blobs[digest])
        try:
            while data:
                data = data[os.write(to, data) :]
        except OSError:
            return False
        return True

    def has(self, record: Record) -> bool:
        """Whether every blob of a record is there and sound."""
        return all(self._is_sound(digest) and self._size_bytes(digest) == size for digest, size in _blobs_of(record))

    def put(self, source: int) -> tuple[str, int]:
        """Keep what a descriptor still gives."""
        pieces = []
        try:
            while piece := os.read(source, 1 << 20):
                pieces.append(piece)
        except OSError as error:
            raise StoreError("what is to be kept cannot be read") from error
        data = b"".join(pieces)
        digest = hasher(self.algorithm)(data).hexdigest()
        self._check()
        self.put_in.append(digest)
        self.blobs[digest] = data
        return digest, len(data)

    def keep(self, record: Record) -> None:
        """Keep a record whose blobs were all put before."""
        self._check()
        if any(self._size_bytes(digest) != size_bytes for digest, size_bytes in _blobs_of(record)):
            raise StoreError(f"a file of the result of `{record.task}` was never put")
        self.kept.append(record.key)
        self.records[record.key] = record

    def close(self) -> None:
        """Nothing more is kept."""
        self.is_closed = True

    def _check(self) -> None:
        assert not self.is_closed, "BUG: used after the end"
        if self.trouble:
            raise StoreError(self.trouble)

    def _size_bytes(self, digest: str) -> int | None:
        return len(self.blobs[digest]) if digest in self.blobs else None

    def _is_sound(self, digest: str) -> bool:
        if not is_digest(digest) or digest not in self.blobs:
            return False
        if hasher(self.algorithm)(self.blobs[digest]).hexdigest() != digest:
            self._set_aside(self.blobs, digest, "not what its name says")
            return False
        return True

    def _set_aside(self, where: dict[str, bytes] | dict[str, Record], name: str, why: str) -> None:
        del where[name]
        self.troubles.append(f"`{name}` is damaged ({why}) and was set aside")
