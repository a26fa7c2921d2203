"""What the files of a project hold: from the memory, or read."""

from __future__ import annotations

import os
import stat

from runner.stamp import ABSENT, NOWHERE, RACY, stamp_of, was_settled
from runner.tree.ignore import unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final

    from runner.tree.digest import Reader
    from runner.tree.memory import Memory

    # A path, its stat and its stamp.
    Unread = tuple[str, os.stat_result, str]

OWNER_EXECUTES: Final = 0o100


class Contents:
    """What the files of a project hold: from the memory, or read. All paths are from the root.

    `written` is what this process itself wrote, by path and stamp: it need not be read to be known, though the stamp
    proves nothing to later runs yet.
    """

    def __init__(self, root: str, reader: Reader, memory: Memory, clock_ns: Callable[[], int]) -> None:
        self.start = root if root.endswith("/") else f"{root}/"
        self.reader = reader
        self.memory = memory
        self.clock_ns = clock_ns
        self.written: dict[str, tuple[str, str]] = {}

    def lstat(self, path: str) -> os.stat_result | None:
        """What stat says of a path itself, None where there is nothing. *Raises*: Refusal."""
        try:
            return os.lstat(self.start + path)
        except OSError as error:
            if error.errno in NOWHERE:
                return None
            raise unreadable(path or ".", error) from None

    def stat(self, path: str) -> os.stat_result | None:
        """What stat says of what a path leads to, None where there is nothing. *Raises*: Refusal."""
        try:
            return os.stat(self.start + path)
        except OSError as error:
            if error.errno in NOWHERE:
                return None
            raise unreadable(path or ".", error) from None

    def read(
        self, unread: Sequence[Unread], since_ns: int, *, follows: bool = False
    ) -> list[tuple[str, str] | OSError | None]:
        """Of each file the digest, and the stamp as it may be relied upon; None or why where it could not be read."""
        found: list[tuple[str, str] | OSError | None] = [None] * len(unread)
        asked = []
        for at, (path, _, stamp) in enumerate(unread):
            written = self.written.get(path)
            if written is not None and written[0] == stamp:
                found[at] = written[1], RACY
            else:
                asked.append(at)
        files = [(self.start + unread[at][0], unread[at][1]) for at in asked]
        for at, digest in zip(asked, self.reader.digests(files, follows=follows), strict=True):
            found[at] = self._learnt(unread[at], digest, since_ns) if isinstance(digest, str) else digest
        return found

    def _learnt(self, one: Unread, digest: str, since_ns: int) -> tuple[str, str]:
        path, found, stamp = one
        if not was_settled(found, since_ns):
            return digest, RACY
        self.memory.put(path, stamp, digest)
        return digest, stamp

    def stamp(self, path: str, since_ns: int) -> str:
        """The stamp of a path to be watched, `RACY` if it proves nothing of what was seen there from `since_ns` on."""
        found = self.lstat(path)
        if found is None:
            return ABSENT
        if not stat.S_ISLNK(found.st_mode):
            return stamp_of(found) if was_settled(found, since_ns) else RACY
        return link_stamp(found, self.stat(path), since_ns)


def link_stamp(found: os.stat_result, target: os.stat_result | None, since_ns: int) -> str:
    """The stamp of a link and what it points to, as `stamp.stamp` gives it, or `RACY`."""
    if not was_settled(found, since_ns) or (target is not None and not was_settled(target, since_ns)):
        return RACY
    return f"{stamp_of(found)}>{ABSENT if target is None else stamp_of(target)}"
