"""What git's ignore files say of a path, in linear time."""

from __future__ import annotations

import os
import stat

from runner.error import refuse
from runner.pattern.segment import PatternError, Segment, aligned, segment
from runner.pattern.spelling import ANYTHING, grouped, segments
from runner.stamp import NOWHERE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

    from runner.error import Refusal
    from runner.pattern.segment import Part
    from runner.pattern.spelling import Parts

SIZE_AT_MOST_BYTES: Final = 1 << 20


class Line:
    """One pattern of an ignore file.

    *Source*: gitignore(5), and dir.c and wildmatch.c of git where that is silent. Patterns are bytes there, so a `?` is
    one byte; paths and lines are therefore compared as one character for each byte.
    """

    __slots__ = ("groups", "is_anchored", "is_folders_only", "is_negated", "parts")

    def __init__(self, text: str) -> None:
        self.is_negated = text.startswith("!")
        body = text[self.is_negated :]
        self.is_folders_only = body.endswith("/")
        body = body[: len(body) - self.is_folders_only]
        self.is_anchored = "/" in body
        self.parts = _parts(body.removeprefix("/")) if self.is_anchored else (segment(body),)
        self.groups = grouped(self.parts)

    def speaks_of(self, path: str, name: str) -> bool:
        """Whether the path, relative to the file's folder, has this form; `name` is its last part."""
        if not self.is_anchored:
            return _is(self.groups[0][0], name)
        return aligned(self.groups, path.split("/"), _is)


class _Table:
    """Lines that all speak of the same kind of path, by what makes them quick to look up."""

    __slots__ = ("_endings", "_names", "_others", "_paths", "_suffixed")

    def __init__(self, lines: Iterable[tuple[int, Line]]) -> None:
        self._names: dict[str, int] = {}  # for each name the last line that is just that
        self._paths: dict[str, int] = {}
        self._suffixed: list[tuple[str, int]] = []
        self._others: list[tuple[int, Line]] = []
        for at, line in lines:
            last = line.parts[-1]
            if all(isinstance(part, str) for part in line.parts):
                known = self._paths if line.is_anchored else self._names
                known["/".join(map(str, line.parts))] = at
            elif not line.is_anchored and isinstance(last, Segment) and last.is_suffix:
                self._suffixed.append((last.tail, at))
            else:
                self._others.append((at, line))
        self._endings = tuple(tail for tail, _ in self._suffixed)

    def last(self, path: str, name: str) -> int:
        """The number of the last line that speaks of the path, or -1."""
        last = self._names.get(name, -1)
        if self._paths:
            last = max(last, self._paths.get(path, -1))
        if name.endswith(self._endings):
            last = max(last, *(at for tail, at in self._suffixed if name.endswith(tail)))
        for at, line in self._others:
            if at > last and line.speaks_of(path, name):
                last = at
        return last


class Rules:
    """The lines of one ignore file.

    *Why*: nearly all lines are plain names or `*.x`. They are looked up together, so that a path that no line speaks of
    costs a few look-ups, however long the file is.
    """

    __slots__ = ("_files", "_folders", "_is_negated")

    def __init__(self, lines: Iterable[Line]) -> None:
        numbered = list(enumerate(lines))
        self._is_negated = [line.is_negated for _, line in numbered]
        self._folders = _Table(numbered)
        self._files = _Table(pair for pair in numbered if not pair[1].is_folders_only)

    def __bool__(self) -> bool:
        return bool(self._is_negated)

    def verdict(self, path: str, name: str, *, is_folder: bool) -> bool | None:
        """What the last line that speaks of the path says: ignored, not ignored, or nothing."""
        last = (self._folders if is_folder else self._files).last(path, name)
        return None if last < 0 else not self._is_negated[last]


class Level:
    """The rules that hold in a folder: its own, and below them those of the folders above it."""

    __slots__ = ("_above", "_rules", "_skipped")

    def __init__(self, rules: Rules, folder: str, above: Level | None) -> None:
        self._rules = rules
        self._skipped = len(folder) + 1 if folder else 0
        self._above: Level | None = above if above is None or above._rules else above._above

    def ignores(self, path: str, *, is_folder: bool) -> bool:
        """Whether the path, from the repository's top, is ignored, given that the folder that it is in is not."""
        name = path[path.rfind("/") + 1 :]
        level: Level | None = self
        while level is not None:
            said = level._rules.verdict(path[level._skipped :], name, is_folder=is_folder)
            if said is not None:
                return said
            level = level._above
        return False


class Ignore:
    """What git would leave out of the tree below `root`, by its rules alone.

    They are those of each `.gitignore` on the way down, from the top of the repository that the root is in, and of its
    `info/exclude`; a person's own global file does not count, since two people shall find the same inputs, and neither
    does what is in git's index. It is a snapshot: files are read when they are first needed, and not again.

    `asked` holds each ignore file that was looked for, relative to the root, and whether it is there; `above` those of
    them that do not lie in a folder below the root; `no_tops` are the `.git` that would make another folder the
    repository's top if they appeared.
    """

    def __init__(self, root: str) -> None:
        self.asked: dict[str, bool] = {}
        self._root = root
        self._levels: dict[str, Level | None] = {}
        top = _top(root)
        self._offset = "" if top is None else _octets(root[len(top) :].strip("/"))
        self.no_tops = _no_tops(root, self._offset if top is not None else None)
        base = self._base(top)
        if base is None:
            # A project that lies in an ignored folder is one of its own: the rules that ignore it say nothing of it.
            self._offset = ""
            base = self._with_file(Level(Rules(()), "", None), "")
        self._levels[""] = base
        self.above = tuple(path for path in self.asked if path != ".gitignore")

    def level(self, folder: str) -> Level | None:
        """The rules that hold in a folder below the root; None if the folder is ignored."""
        waiting = []
        here = folder
        while here not in self._levels:
            waiting.append(here)
            here = here.rpartition("/")[0]
        level = self._levels[here]
        for below in reversed(waiting):
            if level is not None:
                level = None if self.ignores(level, below, is_folder=True) else self._with_file(level, below)
            self._levels[below] = level
        return level

    def ignores(self, level: Level, path: str, *, is_folder: bool = False) -> bool:
        """Whether a path is ignored, given the rules of the folder that it is in."""
        if self._offset or not path.isascii():
            path = self._full(_octets(path))
        return level.ignores(path, is_folder=is_folder)

    def is_ignored(self, path: str, *, is_folder: bool = False) -> bool:
        """Whether a path is ignored, or lies in an ignored folder."""
        level = self.level(path.rpartition("/")[0])
        return level is None or self.ignores(level, path, is_folder=is_folder)

    def _full(self, path: str) -> str:
        return f"{self._offset}/{path}".rstrip("/") if self._offset else path

    def _base(self, top: str | None) -> Level | None:
        """The rules that hold at the root; None if the root is itself ignored."""
        level: Level | None = Level(Rules(()), "", None)
        if top is None:
            return self._with_file(Level(Rules(()), "", None), "")
        level = Level(self._read(_relative(_exclude(top), self._root), follows=True), "", None)
        names = self._offset.split("/") if self._offset else []
        for depth in range(len(names) + 1):
            above = "/".join(names[:depth])
            if depth and level.ignores(above, is_folder=True):
                return None
            level = self._added(level, "/".join([*[".."] * (len(names) - depth), ".gitignore"]), above)
        return level

    def _with_file(self, level: Level, folder: str) -> Level:
        path = f"{folder}/.gitignore" if folder else ".gitignore"
        return self._added(level, path, self._full(_octets(folder)))

    def _added(self, level: Level, path: str, folder: str) -> Level:
        rules = self._read(path)
        return Level(rules, folder, level) if rules else level

    def _read(self, path: str, *, follows: bool = False) -> Rules:
        content = _content(os.path.join(self._root, path), path, follows=follows)
        self.asked[path] = content is not None
        return rules(content) if content else Rules(())


def rules(content: bytes) -> Rules:
    """The rules of an ignore file. Lines that git would never match are left out."""
    found = []
    for raw in content.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        text = _trimmed(raw.removesuffix(b"\r").decode("latin-1").partition("\0")[0])
        if text and not text.startswith("#"):
            try:
                found.append(Line(text))
            except PatternError:
                continue
    return Rules(found)


def _trimmed(text: str) -> str:
    """The text without trailing spaces, but for one that a backslash protects."""
    bare = text.rstrip(" ")
    backslashes = len(bare) - len(bare.rstrip("\\"))
    return text[: len(bare) + 1] if backslashes % 2 else bare


def _parts(text: str) -> Parts:
    """The parts of an anchored line; two stars and more are `**` only as a whole segment.

    *Raises*: PatternError for what no path can have.
    """
    parts: list[Part | None] = []
    for name in segments(text):
        if not name:
            raise PatternError(f"no path has an empty name: `{text}`")
        is_deep = len(name) > 1 and not name.strip("*")
        if not (is_deep and parts and parts[-1] is None):
            parts.append(None if is_deep else segment(name))
    return (*parts, ANYTHING) if parts[-1] is None else tuple(parts)


def _is(part: Part, name: str) -> bool:
    return part == name if isinstance(part, str) else part.matches(name)


def _octets(path: str) -> str:
    """The path's bytes, a character for each."""
    return path if path.isascii() else os.fsencode(path).decode("latin-1")


def _top(root: str) -> str | None:
    """The folder of the repository that the root is in."""
    folder = root
    while not os.path.lexists(os.path.join(folder, ".git")):
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
    return folder


def _no_tops(root: str, offset: str | None) -> tuple[str, ...]:
    """Each `.git`, from the root, of a folder that is below the top; without one, of all folders above."""
    inside = root.strip("/") if offset is None else offset
    levels = len(inside.split("/")) if inside else 0
    return tuple("../" * up + ".git" for up in range(levels + (offset is None)))


def _exclude(top: str) -> str:
    """Where `info/exclude` is, also of a linked worktree or a submodule, whose `.git` is a file."""
    git = os.path.join(top, ".git")
    if os.path.isfile(git):
        said = _content(git, git, follows=True) or b""
        git = os.path.join(top, os.fsdecode(said.partition(b"gitdir:")[2].strip()))
        common = _content(os.path.join(git, "commondir"), git, follows=True) or b"."
        git = os.path.join(git, os.fsdecode(common.strip()))
    return os.path.normpath(os.path.join(git, "info", "exclude"))


def _relative(path: str, root: str) -> str:
    return os.path.relpath(path, root)


def _content(path: str, shown: str, *, follows: bool) -> bytes | None:
    """The bytes of a regular file; None if there is none. git reads no `.gitignore` through a link either."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | (0 if follows else getattr(os, "O_NOFOLLOW", 0))
    try:
        fd = os.open(path, flags)
        try:
            return _regular(fd, shown)
        finally:
            os.close(fd)
    except OSError as error:
        if error.errno in NOWHERE:
            return None
        raise unreadable(shown, error) from None


def _regular(fd: int, shown: str) -> bytes | None:
    seen = os.fstat(fd)
    if not stat.S_ISREG(seen.st_mode):
        return None
    if seen.st_size > SIZE_AT_MOST_BYTES:
        raise refuse(f"`{shown}` is larger than {SIZE_AT_MOST_BYTES >> 20} MiB")
    content = b""
    while chunk := os.read(fd, SIZE_AT_MOST_BYTES):
        content += chunk
    return content


def unreadable(path: str, error: OSError) -> Refusal:
    """A refusal that names what could not be read, and why."""
    return refuse(f"`{path}` cannot be read: {(error.strerror or str(error)).lower()}")
