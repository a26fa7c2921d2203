"""One look at many paths: each is stated once, and read only if its stamp is not known."""

from __future__ import annotations

import os
import stat

from runner.result import Made
from runner.stamp import NOWHERE, stamp_of
from runner.tree import Seen
from runner.tree.contents import OWNER_EXECUTES
from runner.tree.glob import refuse_kind
from runner.tree.ignore import unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Final

    from runner.tree.contents import Contents, Unread

TRIES: Final = 5
# What stat says of a file takes more room than all that is kept of it.
AT_ONCE: Final = 4_096


class Looking:
    """What was seen since something may have changed, by path; `behind` is what must not move behind its links."""

    def __init__(self, contents: Contents) -> None:
        self.seen: dict[str, Seen] = {}
        self.behind: dict[str, tuple[tuple[str, str], ...]] = {}
        self._contents = contents

    def fill(self, paths: Iterable[str]) -> list[str]:
        """Look at those of the paths that were not looked at; those that change all the time are given back.

        What is not there, and folders, are not among `seen` then. *Raises*: Refusal for what cannot be read.
        """
        left = [path for path in paths if path not in self.seen]
        for _ in range(TRIES):
            if not left:
                break
            left = self._round(left)
        return left

    def _round(self, paths: Iterable[str]) -> list[str]:
        """Looks at each path once, and gives those back that moved meanwhile."""
        since_ns = self._contents.clock_ns()
        known = self._contents.memory.get
        start = self._contents.start
        lstat = os.lstat
        again: list[str] = []
        unread: list[Unread] = []
        others: list[tuple[str, os.stat_result]] = []
        for path in paths:
            try:
                found = lstat(start + path)
            except OSError as error:
                if error.errno in NOWHERE:
                    continue
                raise unreadable(path, error) from None
            if found.st_mode & 0o170000 != stat.S_IFREG:
                others.append((path, found))
                continue
            stamp = stamp_of(found)
            digest = known(path, stamp)
            if digest is None:
                unread.append((path, found, stamp))
                if len(unread) == AT_ONCE:
                    again += self._read(unread, since_ns)
                    unread = []
            else:
                self.seen[path] = file_seen(path, found, digest, stamp)
        again += self._read(unread, since_ns)
        return again + [path for path, found in others if not self._other(path, found, since_ns)]

    def _read(self, unread: Sequence[Unread], since_ns: int) -> list[str]:
        if not unread:
            return []
        again = []
        for (path, found, _), read in zip(unread, self._contents.read(unread, since_ns), strict=True):
            if isinstance(read, tuple):
                self.seen[path] = file_seen(path, found, *read)
            elif read is None or read.errno in NOWHERE:
                again.append(path)
            else:
                raise unreadable(path, read)
        return again

    def _other(self, path: str, found: os.stat_result, since_ns: int) -> bool:
        """Looks at what is no file; False if it moved meanwhile."""
        if stat.S_ISDIR(found.st_mode):
            return True
        if not stat.S_ISLNK(found.st_mode):
            raise refuse_kind(path, found.st_mode)
        from runner.tree.links import Behind

        behind = Behind(self._contents, path, since_ns)
        seen = behind.seen(found)
        if seen is None:
            return False
        self.seen[path] = seen
        self.behind[path] = tuple(behind.watched)
        return True


def file_seen(path: str, found: os.stat_result, digest: str, stamp: str) -> Seen:
    """One look at a file."""
    is_executable = bool(found.st_mode & OWNER_EXECUTES)
    return Seen(
        path=path,
        value=("x:" if is_executable else "f:") + digest,
        stamp=stamp,
        made=Made(path=path, digest=digest, size_bytes=found.st_size, is_executable=is_executable),
    )
