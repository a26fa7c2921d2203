"""The files that globs match, found without looking where none can be."""

from __future__ import annotations

import errno
import os
import stat

from runner.error import refuse
from runner.noun import noun
from runner.pattern.spelling import is_at_or_below
from runner.stamp import NOWHERE
from runner.tree.ignore import Level, Rules, unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Final, Literal

    from runner.error import Refusal
    from runner.pattern import Globs
    from runner.pattern.spelling import Spelling
    from runner.tree import Paths
    from runner.tree.ignore import Ignore


_KINDS: Final = {stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
HIDDEN: Final = (".git", ".trun")
# What a run writes at its end: a wildcard that met it would find something new each time.
LOCK: Final = "tasks.lock"
# Where the rules of ignore files do not matter: what is named counts in any case.
_FREE: Final = Level(Rules(()), "", None)


class Entry:
    """A path that was found. A link is one as a link, whatever it points to."""

    __slots__ = ("kind", "path")

    def __init__(self, path: str, kind: Literal["file", "link"]) -> None:
        self.path = path
        self.kind = kind

    def __repr__(self) -> str:
        return f"Entry({self.path!r}, {self.kind!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Entry) and (self.path, self.kind) == (other.path, other.kind)

    def __hash__(self) -> int:
        return hash((self.path, self.kind))


@noun
class Found:
    """What a look at the tree saw; all paths are relative to the root, and sorted.

    `ways` are links to folders that no glob names but below which one could match: nobody follows them here, yet what
    they point to may count. `folders` were read, so that their stamps tell of new entries, `empty` are those of them
    that hold nothing at all; `absent` is what was asked for and must stay absent for the answer to stand; `rules` are
    the ignore files that counted.
    """

    entries: tuple[Entry, ...]
    ways: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


def find(
    root: str,
    globs: Globs,
    *,
    ignored: Ignore | None = None,
    leave_out: Paths | None = None,
    even_ignored: Globs | None = None,
) -> Found:
    """The files and links below `root` that the globs match.

    `ignored` leaves out what git ignores, but for what a glob names without a wildcard and what `even_ignored` matches;
    `leave_out` is left out in any case. Folders that a glob names are entered even through a link, those that a
    wildcard meets are not, so that loops end.
    *Raises*: Refusal for a folder that cannot be read, and for a FIFO, a socket or a device that a glob matches.
    """
    walk = _Walk(root, globs, ignored, leave_out, even_ignored)
    for base in globs.bases:
        walk.base(base)
    for spelling in globs.named:
        walk.named(spelling)
    return walk.found()


class _Walk:
    """One look at the tree, as it goes on."""

    def __init__(
        self, root: str, globs: Globs, ignored: Ignore | None, leave_out: Paths | None, even_ignored: Globs | None
    ) -> None:
        self.root = root
        self.globs = globs
        self.ignored = ignored
        self.leave_out = leave_out
        self.even_ignored = even_ignored
        self.files: set[str] = set()
        self.links: set[str] = set()
        self.ways: set[str] = set()
        self.absent: set[str] = set()
        self.empty: set[str] = set()
        self.read: dict[str, Level | None] = {}  # folders, and the rules that held there; None in an ignored one

    def found(self) -> Found:
        """All that was seen."""
        paths = sorted(self.files | self.links if self.links else self.files)
        there, missing = self._rules()
        return Found(
            entries=tuple(Entry(path, "link" if path in self.links else "file") for path in paths),
            ways=tuple(sorted(self.ways)),
            folders=tuple(sorted(self.read)),
            empty=tuple(sorted(self.empty)),
            absent=tuple(sorted({*self.absent, *missing})),
            rules=tuple(sorted(there)),
        )

    def base(self, folder: str) -> None:
        """What a wildcard matches below a folder."""
        level = self._level(folder)
        if level is not None or self._could_be_below_ignored(folder):
            self._walk(folder, level)

    def named(self, spelling: Spelling) -> None:
        """What is named without a wildcard: a file or a link, even an ignored one, or a folder's tree."""
        path = spelling.base
        seen = self._lstat(path)
        if seen is None:
            self.absent.add(path)
        elif stat.S_ISDIR(seen.st_mode):
            self._named_folder(path)
        elif self.leave_out is not None and self.leave_out.matches(path):
            return
        elif spelling.is_folder:
            # `data/` may be a link to a folder; a file is none.
            if stat.S_ISLNK(seen.st_mode) and self.globs.could_be_below(path):
                self.links.add(path)
        elif self.globs.is_plain or self.globs.matches(path):
            self._take(path, seen.st_mode)

    def _named_folder(self, path: str) -> None:
        # An ignored folder that is named counts with all that is in it. Otherwise the rules hold below it.
        level = self._level(path) or _FREE
        left_out = self.leave_out is not None and self.leave_out.covers(path)
        if self.read.get(path) is None and not left_out and self.globs.could_be_below(path):
            self._walk(path, level)

    def _walk(self, start: str, level: Level | None) -> None:
        todo = [(start, level)]
        while todo:
            folder, held = todo.pop()
            self.read[folder] = held
            try:
                with os.scandir(os.path.join(self.root, folder)) as entries:
                    todo += self._folders_of(entries, folder, held)
            except OSError as error:
                # One that was found, and not only named, does exist: its path is too long to get there.
                is_too_deep = error.errno == errno.ENAMETOOLONG and folder != start
                if error.errno not in NOWHERE or is_too_deep:
                    raise unreadable(folder or ".", error) from None
                del self.read[folder]
                self.absent.add(folder)

    def _folders_of(
        self, entries: Iterable[os.DirEntry[str]], folder: str, level: Level | None
    ) -> list[tuple[str, Level | None]]:
        """Takes what matches, and gives the folders to go on with."""
        below = []
        start = folder + "/" if folder else ""
        matches = self.globs.matcher()
        is_free = level is _FREE and self.leave_out is None
        entry = None
        for entry in entries:
            name = entry.name
            path = start + name
            if name in HIDDEN or path == LOCK:
                continue
            if entry.is_dir(follow_symlinks=False):
                if self.globs.could_be_below(path) and not (self.leave_out and self.leave_out.covers(path)):
                    held = self._held(path, level)
                    if held is not None or self._could_be_below_ignored(path):
                        below.append((path, held))
            elif matches(path):
                if not (is_free or self._counts(path, level)):
                    continue
                if entry.is_file(follow_symlinks=False):
                    self.files.add(path)
                else:
                    self._take_other(path)
            elif entry.is_symlink() and self._is_way(entry, path) and self._counts(path, level):
                self.ways.add(path)
        if entry is None:
            self.empty.add(folder)
        return below

    def _level(self, folder: str) -> Level | None:
        """The rules that hold where a walk begins; None in an ignored folder."""
        if self.ignored is None or not is_at_or_below(folder, ""):
            return _FREE
        return self.ignored.level(folder)

    def _held(self, folder: str, level: Level | None) -> Level | None:
        if level is None or level is _FREE or self.ignored is None:
            return level
        return self.ignored.level(folder)

    def _counts(self, path: str, level: Level | None) -> bool:
        if self.leave_out is not None and self.leave_out.matches(path):
            return False
        if level is _FREE:
            return True
        if level is not None and self.ignored is not None and not self.ignored.ignores(level, path):
            return True
        return self.even_ignored is not None and self.even_ignored.matches(path)

    def _could_be_below_ignored(self, folder: str) -> bool:
        return self.even_ignored is not None and self.even_ignored.could_be_below(folder)

    def _is_way(self, entry: os.DirEntry[str], path: str) -> bool:
        try:
            return self.globs.could_be_below(path) and entry.is_dir()
        except OSError:  # a loop of links
            return False

    def _take_other(self, path: str) -> None:
        seen = self._lstat(path)
        if seen is not None:
            self._take(path, seen.st_mode)

    def _take(self, path: str, mode: int) -> None:
        kind = stat.S_IFMT(mode)
        if kind in _KINDS:
            raise refuse_kind(path, mode)
        (self.links if kind == stat.S_IFLNK else self.files).add(path)

    def _lstat(self, path: str) -> os.stat_result | None:
        try:
            return os.lstat(os.path.join(self.root, path))
        except OSError as error:
            if error.errno in NOWHERE:
                return None
            raise unreadable(path, error) from None

    def _rules(self) -> tuple[list[str], list[str]]:
        """The ignore files that count here, and those that would if they appeared in a folder that was not read."""
        if self.ignored is None:
            return [], []
        asked = self.ignored.asked
        folders = self._unread_above()
        paths = [*self.ignored.above, *map(_ignore_file, [*folders, *self.read])]
        there = [path for path in paths if asked.get(path)]
        return there, [path for path in (*self.ignored.above, *map(_ignore_file, folders)) if asked.get(path) is False]

    def _unread_above(self) -> set[str]:
        """The folders above those that were looked at, whose stamps tell of nothing."""
        starts = [*self.globs.bases, *(spelling.base for spelling in self.globs.named if spelling.base in self.read)]
        found: set[str] = set()
        for folder in starts:
            while folder and folder not in found:
                found.add(folder)
                folder = folder.rpartition("/")[0]
        return {"", *found} - set(self.read)


def refuse_kind(path: str, mode: int) -> Refusal:
    """A refusal of what can be neither input nor output, by its mode."""
    kind = _KINDS.get(stat.S_IFMT(mode), "something else")
    return refuse(f"`{path}` is {kind}: only files, folders and links can be inputs and outputs")


def _ignore_file(folder: str) -> str:
    return f"{folder}/.gitignore" if folder else ".gitignore"
