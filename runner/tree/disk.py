"""The working tree on this machine's disk."""

from __future__ import annotations

import os

from runner.error import Refusal, refuse
from runner.stamp import ABSENT, RACY, stamp, stamp_of
from runner.tree import Sight
from runner.tree.contents import Contents
from runner.tree.digest import Reader
from runner.tree.glob import find
from runner.tree.ignore import Ignore
from runner.tree.looking import Looking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from runner.result import Made
    from runner.tree import Seen, Wanted
    from runner.tree.glob import Found
    from runner.tree.memory import Memory


class Disk:
    """The files below `root`.

    `clock_ns` gives the time that the file system stamps with, in nanoseconds since the epoch. `memory` is where
    digests of an earlier run are, and where those of this one go. `base` has the `.trun` in which is staged what is to
    be restored: the root, unless said.
    """

    def __init__(
        self, root: str, *, algorithm: str, memory: Memory, clock_ns: Callable[[], int], base: str | None = None
    ) -> None:
        self._root = root
        self._base = root if base is None else base
        self._memory = memory
        self._contents = Contents(root, Reader(algorithm), memory, clock_ns)
        self._now = _Now(self._contents)

    def look(self, wanted: Wanted) -> Sight:
        """What is there now. *Raises*: Refusal for what cannot be read or is neither file, folder nor link."""
        now = self._now
        since_ns = self._contents.clock_ns()
        ignored = now.ignored(self._root) if wanted.respects_ignore else None
        if ignored is not None:
            since_ns = min(since_ns, now.ignored_since_ns)
        found = find(
            self._root,
            wanted.globs,
            ignored=ignored,
            leave_out=wanted.leave_out,
            even_ignored=wanted.even_ignored,
        )
        paths = [entry.path for entry in found.entries]
        if found.ways and wanted.respects_ignore:
            paths = sorted({*paths, *found.ways})
        changing = now.looking.fill(paths)
        if changing:
            raise _changing(changing[0])
        entries = tuple(filter(None, map(now.looking.seen.get, paths)))
        vanished = {path: RACY for path in paths if path not in now.looking.seen} if len(entries) < len(paths) else {}
        watched = self._watched(now, found, since_ns, entries)
        if ignored is not None:
            watched.update(dict.fromkeys(now.no_tops, ABSENT))
        return Sight(
            entries=entries,
            empty=tuple(folder for folder in found.empty if wanted.globs.covers(folder)),
            watched=tuple(sorted((watched | vanished).items())),
        )

    def _watched(self, now: _Now, found: Found, since_ns: int, entries: Iterable[Seen]) -> dict[str, str]:
        watched = dict.fromkeys(found.absent, ABSENT)
        for path in (*found.folders, *found.rules):
            watched[path] = now.stamp(path, since_ns)
        if now.looking.behind:
            for entry in entries:
                if entry.made.kind == "link":
                    watched.update(now.looking.behind.get(entry.path, ()))
        return watched

    def seen(self, path: str) -> Seen | None:
        """One path as it is now, None if there is nothing or a folder. *Raises*: as `look`."""
        looking = self._now.looking
        changing = looking.fill([path])
        if changing:
            raise _changing(path)
        return looking.seen.get(path)

    def moved(self, entries: Iterable[Seen]) -> list[str]:
        """Of what was seen before, the paths whose content is no longer the same, looked at anew.

        What cannot be read any more has moved, and so has what changes all the time.
        """
        doubtful = [entry for entry in entries if not self._stands(entry)]
        anew = Looking(self._contents)
        try:
            anew.fill(entry.path for entry in doubtful)
        except Refusal:
            pass  # one by one, to tell which
        return [entry.path for entry in doubtful if not _is_same(anew, entry)]

    def _stands(self, entry: Seen) -> bool:
        """Whether the stamp alone proves that it has not moved."""
        if entry.stamp == RACY or entry.made.kind != "file":
            return False
        try:
            return stamp_of(os.lstat(self._contents.start + entry.path)) == entry.stamp
        except OSError:
            return False

    def renew(self) -> None:
        """Something may have changed: what was seen is looked at again when it is next asked for."""
        self._now = _Now(self._contents)

    def open(self, path: str) -> int:
        """A descriptor to read a file below the root; no link on the way is followed. *Raises*: OSError."""
        from runner.tree.handles import open_file

        return open_file(self._root, path)

    def empty(self, folder: str) -> None:
        """Remove all that a folder below the root holds; links are removed, not followed. *Raises*: OSError."""
        from runner.tree.hands import empty

        try:
            empty(self._root, folder)
        finally:
            self.renew()

    def remove(self, outputs: Iterable[Made]) -> tuple[list[str], list[str]]:
        """Remove outputs that are as recorded, and folders that are empty then. Those removed, and those kept."""
        from runner.tree.hands import remove

        try:
            return remove(self._contents, outputs)
        finally:
            self.renew()

    def restore(self, outputs: Sequence[Made], owned: Sequence[str], fetch: Callable[[str, int], bool]) -> str | None:
        """Make outputs be as recorded. None when done, otherwise why not. *Raises*: OSError, perhaps half-way."""
        from runner.tree.restore import Restore

        try:
            return Restore(self._contents, outputs, owned, fetch).run(self._base)
        finally:
            self.renew()

    def close(self) -> None:
        """Keep what was learnt of contents for the next run. Never raises for a disk that cannot be written."""
        self._memory.close(lambda path: os.path.lexists(self._contents.start + path))


class _Now:
    """What was seen since the last `renew`: files, folders, and what git ignores."""

    def __init__(self, contents: Contents) -> None:
        self.looking = Looking(contents)
        self.no_tops: tuple[str, ...] = ()
        self.ignored_since_ns = 0
        self._contents = contents
        self._stamps: dict[str, str] = {}
        self._ignored: Ignore | None = None

    def ignored(self, root: str) -> Ignore:
        """What git ignores. *Why* once for all looks: many tasks ask, and few ignore files change."""
        if self._ignored is None:
            self.ignored_since_ns = self._contents.clock_ns()
            self._ignored = Ignore(root)
            tops = self._ignored.no_tops
            self.no_tops = tuple(path for path in tops if stamp(self._contents.start + path) == ABSENT)
        return self._ignored

    def stamp(self, path: str, since_ns: int) -> str:
        """The stamp of a folder or an ignore file, as it was when it was first looked at."""
        found = self._stamps.get(path)
        if found is None:
            found = self._contents.stamp(path, since_ns)
            # It was there when it was looked at: what vanished meanwhile may come back as it was.
            found = self._stamps[path] = RACY if found == ABSENT else found
        return found


def _is_same(anew: Looking, entry: Seen) -> bool:
    try:
        changing = anew.fill([entry.path])
    except Refusal:
        return False
    now = anew.seen.get(entry.path)
    return not changing and now is not None and now.value == entry.value


def _changing(path: str) -> Refusal:
    return refuse(f"`{path}` changes all the time: it cannot be read as a whole")
