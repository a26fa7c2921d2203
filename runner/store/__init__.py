"""The seam to whatever keeps results: records by key, and the content of files by its digest."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from runner.result import Record

    class Store(Protocol):
        """Keeps results. Whatever is missing, damaged or cannot be had is a miss, never an error."""

        def find(self, key: str) -> Record | None:
            """The record under a key, if there is a sound one; it counts as used now. Its blobs may be missing."""

        def has(self, record: Record) -> bool:
            """Whether every blob of a record is there and sound."""

        def fetch(self, digest: str, to: int) -> bool:
            """Write a blob to a descriptor and verify it. False if there is none or it is not what its name says.

            What was written then is worth nothing.
            """

        def put(self, source: int) -> tuple[str, int]:
            """Keep the content of a descriptor, from where it stands. Its digest and size in bytes.

            *Raises*: StoreError where it cannot be kept.
            """

        def keep(self, record: Record) -> None:
            """Keep a record whose blobs were all put before. *Raises*: StoreError where it cannot be kept."""


class StoreError(Exception):
    """Something could not be kept; the message says what and why, for a warning."""
