"""One way to write a glob out: parsed, normalised, and the quickest test for it."""

from __future__ import annotations

from runner.pattern.segment import NEVER, PatternError, Segment, aligned, char_class, segment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Final, TypeAlias

    from runner.pattern.segment import Part

    Parts: TypeAlias = tuple[Part | None, ...]  # None is `**`: any number of segments

EXPANDED_AT_MOST: Final = 1_000
WRITTEN_OUT_AT_MOST: Final = 1 << 16  # characters of all alternatives of a pattern
LENGTH_AT_MOST: Final = 1_024  # of a pattern with wildcards: intersecting two takes the product of their lengths

ANYTHING: Final = Segment("*", [[], []])
TREE: Final = (None, ANYTHING)


class Spelling:
    """One of the alternatives of a glob, written out: the segments that a path must have.

    `base` is the folder above the first wildcard, `start` all that stands before it; of a pattern without one, `base`
    is the path itself. Without a wildcard and a trailing slash it names a file or, should it be one, a folder's tree.
    """

    __slots__ = ("_test", "base", "depth", "is_folder", "is_named", "parts", "start", "ups")

    def __init__(self, parts: Parts, *, is_named: bool, is_folder: bool) -> None:
        self.parts = parts
        self.is_named = is_named
        self.is_folder = is_folder
        self.depth = len(parts) if is_named and not is_folder else _depth(parts)
        self.base = "/".join(map(str, parts[: self.depth]))
        self.start = _start(parts, self.depth, self.base)
        self.ups = _ups(self.base)
        self._test: Callable[[str], bool] | None = None

    def __str__(self) -> str:
        """The pattern from the root; `Glob.of("/" + …)` gives the same one again."""
        if self.is_named:
            return _escaped(self.base) + "/" * self.is_folder
        return "/".join(
            "**" if part is None else _escaped(part) if isinstance(part, str) else part.text for part in self.parts
        )

    @property
    def is_file(self) -> bool:
        """Whether it names one path, without a wildcard and without a trailing slash."""
        return self.is_named and not self.is_folder

    def matches(self, path: str) -> bool:
        """Whether the path has this form."""
        if (".git" in path or ".trun" in path or ".." in path or not path) and not self._may_reach(path):
            return False
        test = self._test
        if test is None:
            test = self._test = _test(self)
        return test(path)

    def could_be_below(self, folder: str) -> bool:
        """False only if nothing below the folder can match."""
        if is_at_or_below(self.base, folder):
            return True
        parts = self.below()
        if parts[self.depth] is None:
            return is_at_or_below(folder, self.base)
        return any(at < len(parts) for at in _reached(parts, folder))

    def covers(self, folder: str) -> bool:
        """Whether all below the folder matches; False also where that is hard to tell."""
        parts = self.below()
        return parts[-2:] == TREE and len(parts) - 2 in _reached(parts, folder)

    def below(self) -> Parts:
        """The parts; of a file, those of the tree that it would be if it were a folder."""
        return (*self.parts, *TREE) if self.is_file else self.parts

    def _may_reach(self, path: str) -> bool:
        return NEVER.isdisjoint(path.split("/")[self.ups :])


def spellings_of(body: str, dir: str, outside: Sequence[str]) -> tuple[Spelling, ...]:
    """The alternatives of a pattern without its `!`.

    *Raises*: PatternError for what no path can be, what is malformed, and what leaves the project.
    """
    _refuse_impossible(body)
    if not any(char in body for char in "*?[{}\\"):
        return (_named(body, dir, outside),)
    if len(body) > LENGTH_AT_MOST:
        raise PatternError(f"a pattern with wildcards may have {LENGTH_AT_MOST:,} characters, not {len(body):,}")
    alternatives = expanded(body)
    if "" in alternatives:
        raise PatternError("an empty alternative names nothing")
    if sum(map(len, alternatives)) > WRITTEN_OUT_AT_MOST:
        raise PatternError(f"the alternatives of a pattern may have {WRITTEN_OUT_AT_MOST:,} characters in all")
    return tuple(_spelled(one, dir, outside) for one in alternatives)


def _refuse_impossible(body: str) -> None:
    if not body:
        raise PatternError("an empty pattern names nothing")
    if "\0" in body or not (body.isascii() or _is_encodable(body)):
        raise PatternError("a pattern holds a character that no path can have")


def _is_encodable(text: str) -> bool:
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def expanded(text: str) -> list[str]:
    """The text with its braces written out, each alternative once.

    *Raises*: PatternError where braces do not match, and above a thousand alternatives.
    """
    outer: list[tuple[list[str], list[str]]] = []
    done: list[str] = []
    begun = [""]
    for piece in _pieces(text):
        if piece == "{":
            outer.append((done, begun))
            done, begun = [], [""]
        elif piece in ("}", ",") and outer:
            done = [*done, *begun]
            begun = [""]
            if piece == "}":
                inner = done
                done, before = outer.pop()
                _bound(text, len(inner) * len(before))
                begun = [start + end for start in before for end in inner]
        elif piece == "}":
            raise PatternError(f"`}}` was never opened in `{text}`", "write `\\}` for the character itself")
        else:
            begun = [start + piece for start in begun]
        _bound(text, len(done) + len(begun))
    if outer:
        raise PatternError(f"`{{` is never closed in `{text}`", "write `\\{` for the character itself")
    return list(dict.fromkeys(begun))


def segments(text: str) -> list[str]:
    """The text cut at its slashes, but for those within a class."""
    found = [""]
    for piece in _pieces(text, stops="/"):
        if piece in ("/", "\\/"):
            found.append("")
        else:
            found[-1] += piece
    return found


def _pieces(text: str, stops: str = "{},") -> Iterator[str]:
    """The text in order, in runs: classes and escaped characters whole, each stop by itself."""
    at = begun = 0
    while at < len(text):
        end = at
        if text[at] == "[":
            _, end = char_class(text, at)
        elif text[at] == "\\":
            end = at + 2
        elif text[at] in stops:
            end = at + 1
        if end > at:
            if at > begun:
                yield text[begun:at]
            yield text[at:end]
            at = begun = end
        else:
            at += 1
    if at > begun:
        yield text[begun:]


def _bound(text: str, count: int) -> None:
    if count > EXPANDED_AT_MOST:
        raise PatternError(f"`{text}` stands for more than {EXPANDED_AT_MOST:,} patterns")


def _named(body: str, dir: str, outside: Sequence[str]) -> Spelling:
    """The spelling of a text without wildcards."""
    names = body.split("/")
    if dir or "" in names or "." in names or ".." in names:
        parts = _normal(names, "" if body.startswith("/") else dir, outside)
    else:
        parts = tuple(names)
    is_folder = names[-1] in ("", ".", "..")
    return Spelling((*parts, *TREE) if is_folder else parts, is_named=True, is_folder=is_folder)


def _spelled(body: str, dir: str, outside: Sequence[str]) -> Spelling:
    """The spelling of a text whose braces are gone."""
    written = [_part(name) for name in segments(body)]
    parts = _normal(written, "" if body.startswith("/") else dir, outside)
    is_named = all(isinstance(part, str) for part in parts)
    is_folder = written[-1] in ("", ".", "..")
    if is_folder or parts[-1] is None:
        parts = (*parts, ANYTHING) if parts and parts[-1] is None else (*parts, *TREE)
    return Spelling(parts, is_named=is_named, is_folder=is_folder)


def _part(text: str) -> Part | None:
    if text in ("*", "**"):
        return ANYTHING if text == "*" else None
    part = segment(text)
    if isinstance(part, Segment) and part.is_doubled:
        raise PatternError(f"`**` is only a part of `{text}`", "`**` stands for whole folders, as in `**/*.c`")
    return part


def _normal(written: Sequence[Part | None], dir: str, outside: Sequence[str]) -> Parts:
    """The parts from the root, without empty ones, dots and repeated `**`."""
    parts: list[Part | None] = [*dir.split("/")] if dir else []
    for part in written:
        if part == "..":
            _up(parts)
        elif part not in ("", ".") and not (part is None and parts and parts[-1] is None):
            parts.append(part)
    base = "/".join(map(str, parts[: _depth(parts)])) if parts and parts[0] == ".." else ""
    if base and not any(is_at_or_below(base, folder) for folder in outside):
        raise PatternError("the pattern leaves the project")
    return tuple(parts)


def _up(parts: list[Part | None]) -> None:
    if not parts or parts[-1] == "..":
        parts.append("..")
    elif isinstance(parts[-1], str):
        parts.pop()
    else:
        raise PatternError("`..` follows a wildcard")


def _depth(parts: Sequence[Part | None]) -> int:
    """How many plain names stand before the first wildcard."""
    depth = 0
    for part in parts:
        if not isinstance(part, str):
            break
        depth += 1
    return depth


def _start(parts: Parts, depth: int, base: str) -> str:
    if depth == len(parts):
        return base
    first = parts[depth]
    return (base + "/" if base else "") + (first.head if isinstance(first, Segment) else "")


def _escaped(name: str) -> str:
    return "".join("\\" + char if char in "\\*?[]{}" else char for char in name)


def _test(spelling: Spelling) -> Callable[[str], bool]:
    """The quickest test for paths of one form, `..` and hidden folders apart."""
    base = spelling.base
    start = base + "/" if base else ""
    skipped = len(start)
    if spelling.is_file:
        return lambda path: path == base or path.startswith(start)
    rest = spelling.parts[spelling.depth :]
    if rest == TREE:
        return lambda path: path.startswith(start)
    last = rest[-1]
    if len(rest) == 1 and isinstance(last, Segment):
        matches = last.matches
        return lambda path: path.startswith(start) and path.find("/", skipped) < 0 and matches(path[skipped:])
    if len(rest) == 2 and rest[0] is None and isinstance(last, Segment) and last.is_suffix:
        tail = last.tail
        return lambda path: path.startswith(start) and path.endswith(tail)
    groups = grouped(rest)
    return lambda path: path.startswith(start) and aligned(groups, path[skipped:].split("/"), _is)


def grouped(parts: Sequence[Part | None]) -> list[list[Part]]:
    """The parts cut at each `**`."""
    groups: list[list[Part]] = [[]]
    for part in parts:
        if part is None:
            groups.append([])
        else:
            groups[-1].append(part)
    return groups


def _is(part: Part, name: str) -> bool:
    return part == name if isinstance(part, str) else part.matches(name)


def _fits(part: Part | None, name: str) -> bool:
    if isinstance(part, str):
        return part == name
    return name not in NEVER and (part is None or part.matches(name))


def _reached(parts: Parts, folder: str) -> set[int]:
    """How far into the parts the names of a folder can lead."""
    reached = {0}
    for name in folder.split("/") if folder else ():
        here = (at for at in _onward(parts, reached) if at < len(parts) and _fits(parts[at], name))
        reached = {at + (parts[at] is not None) for at in here}
    return _onward(parts, reached)


def _onward(parts: Parts, reached: Iterable[int]) -> set[int]:
    """The places with those that a `**` without any folder leads on to."""
    found = set()
    for at in reached:
        found.add(at)
        while at < len(parts) and parts[at] is None:
            at += 1
            found.add(at)
    return found


def _ups(base: str) -> int:
    count = 0
    while base == ".." or base.startswith("../"):
        base = base[3:]
        count += 1
    return count


def is_at_or_below(path: str, folder: str) -> bool:
    """Whether the path is the folder or lies in it."""
    return path == folder or (path.startswith(folder + "/") if folder else path != ".." and path[:3] != "../")
