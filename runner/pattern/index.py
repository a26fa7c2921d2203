"""All outputs of a project, asked at once: who feeds these inputs, which outputs collide, whose is this path."""

from __future__ import annotations

from runner.noun import noun
from runner.pattern.overlap import feeds_one, is_within, meets
from runner.pattern.spelling import is_at_or_below
from runner.pattern.texts import Texts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from typing import Final

    from runner.pattern import Glob, Globs
    from runner.pattern.spelling import Spelling

FEW: Final = 8  # entries that are looked at one by one


@noun
class Feed:
    """An edge from files: the owner of `output` comes before who has `input`."""

    owner: str
    output: Glob
    input: Glob


@noun
class Collision:
    """Two outputs of different owners that could be the same path, or nested; in the order of declaration."""

    owner: str
    output: Glob
    other_owner: str
    other_output: Glob


class Entry:
    """One alternative of one output, with its place among the outputs."""

    __slots__ = ("glob", "number", "owner", "spelling")

    def __init__(self, number: int, owner: str, glob: Glob, spelling: Spelling) -> None:
        self.number = number
        self.owner = owner
        self.glob = glob
        self.spelling = spelling


class OutputIndex:
    """The outputs by the text that stands before their first wildcard, and after the last.

    *Why*: two patterns only have a path in common if the one's beginning is a beginning of the other's, and likewise
    their ends. So a question costs a few look-ups and few candidates, however many tasks there are.
    """

    def __init__(self, outputs: Iterable[tuple[str, Glob]]) -> None:
        self._entries = [
            Entry(number, owner, glob, spelling)
            for number, (owner, glob) in enumerate(outputs)
            for spelling in glob.spellings
        ]
        self._files: dict[str, list[Entry]] = {}
        folders: dict[str, list[Entry]] = {}
        for entry in self._entries:
            shelf = self._files if entry.spelling.is_file else folders
            shelf.setdefault(entry.spelling.base, []).append(entry)
        self._paths = Texts(self._files)
        self._paths_backwards = Texts(path[::-1] for path in self._files)
        self._folders = {base: _Shelf(entries) for base, entries in folders.items()}
        self._answered: dict[str, list[Entry]] = {}  # for wide patterns that many tasks share

    def feeding(self, inputs: Globs) -> list[Feed]:
        """The edges that these inputs make, one for each output, in their order; those of one's own outputs too."""
        found: dict[int, Feed] = {}
        for at, glob in enumerate(inputs.globs):
            if glob.is_negated:
                continue
            cuts = [later for later in inputs.globs[at + 1 :] if later.is_negated]
            for spelling in glob.spellings:
                for entry in self._feeding_one(spelling):
                    if entry.number not in found and not (cuts and _is_cut(entry.spelling, spelling, cuts)):
                        found[entry.number] = Feed(owner=entry.owner, output=entry.glob, input=glob)
        return [found[number] for number in sorted(found)]

    def collisions(self) -> Iterator[Collision]:
        """Each pair of outputs that two owners may not have, as it is found: take as many as are told."""
        told: set[tuple[int, int]] = set()
        for entry, other in self._near_pairs():
            pair = (min(entry.number, other.number), max(entry.number, other.number))
            if entry.owner != other.owner and pair not in told and meets(entry.spelling, other.spelling):
                told.add(pair)
                yield _collision(entry, other)

    def owners(self, path: str) -> list[str]:
        """Whose outputs the path is among, in their order, each once."""
        found = sorted((entry.number, entry.owner) for entry in self.makers(path))
        return list(dict.fromkeys(owner for _, owner in found))

    def besides(self, owners: Collection[str]) -> Besides:
        """The paths that somebody else than these owners makes: to be left out of the inputs that span them."""
        return Besides(self, owners)

    def makers(self, path: str) -> Iterator[Entry]:
        """The outputs that match the path."""
        for above in _upwards(path):
            yield from self._files.get(above, ())
            shelf = self._folders.get(above)
            if shelf is not None:
                yield from (entry for entry in shelf.leading_to(path) if entry.spelling.matches(path))

    def coverers(self, folder: str) -> Iterator[Entry]:
        """The outputs that match all below the folder."""
        for above in _upwards(folder):
            yield from self._files.get(above, ())
            shelf = self._folders.get(above)
            if shelf is not None:
                begun = shelf.leading_to(folder + "/" if folder else "")
                yield from (entry for entry in begun if entry.spelling.covers(folder))

    def is_near(self, folder: str) -> bool:
        """Whether outputs begin at the folder or above it, so that any path in there may be one of theirs."""
        return any(above in self._folders or above in self._files for above in _upwards(folder))

    def is_file(self, path: str) -> bool:
        """Whether some output names just this path."""
        return path in self._files

    def _feeding_one(self, input: Spelling) -> Iterator[Entry]:
        for above in _upwards(input.base):
            yield from self._files.get(above, ())
            shelf = self._folders.get(above)
            if shelf is not None:
                near = shelf.all() if input.is_file and above == input.base else shelf.near(input)
                yield from (entry for entry in near if feeds_one(entry.spelling, input))
        if input.is_named:
            yield from self._files_like(input)
            return
        key = str(input)
        if key not in self._answered:
            self._answered[key] = list(self._files_like(input))
        yield from self._answered[key]

    def _files_like(self, input: Spelling) -> Iterator[Entry]:
        """The files that match, sought by the pattern's beginning or its end, whichever leaves fewer."""
        start = input.base + "/" if input.is_file else input.start
        end = "" if input.is_file else _end(input)[::-1]
        if self._paths.count(start) <= self._paths_backwards.count(end):
            paths = self._paths.starting_with(start)
        else:
            paths = (path[::-1] for path in self._paths_backwards.starting_with(end))
        for path in paths:
            if input.matches(path):
                yield from self._files[path]

    def _near_pairs(self) -> Iterator[tuple[Entry, Entry]]:
        """Pairs whose beginnings and ends agree."""
        open_: list[_Ends] = []
        for here in sorted(_by_start(self._entries).items()):
            start, entries = here
            while open_ and not start.startswith(open_[-1].start):
                open_.pop()
            open_.append(_Ends(start, entries))
            for entry in entries:
                for ends in open_:
                    yield from ((entry, other) for other in ends.near(entry.spelling))


class Besides:
    """The paths that an output of somebody else matches."""

    def __init__(self, index: OutputIndex, owners: Collection[str]) -> None:
        self._index = index
        self._owners = owners
        self._near: dict[str, bool] = {}  # most folders are nobody's, and then a look at the path alone will do

    def matches(self, path: str) -> bool:
        """Whether somebody else makes the path."""
        folder = path.rpartition("/")[0]
        near = self._near.get(folder)
        if near is None:
            near = self._near[folder] = self._index.is_near(folder)
        if not near and not self._index.is_file(path):
            return False
        return any(entry.owner not in self._owners for entry in self._index.makers(path))

    def covers(self, folder: str) -> bool:
        """Whether somebody else makes all that is below the folder."""
        return any(entry.owner not in self._owners for entry in self._index.coverers(folder))


class _Shelf:
    """Entries by what stands before their first wildcard."""

    __slots__ = ("_ends", "_starts")

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._ends = {start: _Ends(start, found) for start, found in _by_start(entries).items()}
        self._starts = Texts(self._ends)

    def all(self) -> Iterator[Entry]:
        """Every one."""
        for ends in self._ends.values():
            yield from ends.entries

    def near(self, spelling: Spelling) -> Iterator[Entry]:
        """Those that could have a path in common with it."""
        for start in self._starts.near(spelling.start):
            yield from self._ends[start].near(spelling)

    def leading_to(self, text: str) -> Iterator[Entry]:
        """Those whose beginning the text begins with."""
        for start in self._starts.leading_to(text):
            yield from self._ends[start].entries


class _Ends:
    """Entries that begin alike, by what stands after their last wildcard, read backwards."""

    __slots__ = ("_at", "_texts", "entries", "start")

    def __init__(self, start: str, entries: list[Entry]) -> None:
        self.start = start
        self.entries = entries
        self._texts: Texts | None = None
        self._at: dict[str, list[Entry]] = {}

    def near(self, spelling: Spelling) -> Iterator[Entry]:
        """Those that could end as it does."""
        if len(self.entries) <= FEW:
            yield from self.entries
            return
        if self._texts is None:
            for entry in self.entries:
                # What may turn out to be a folder ends in whatever lies in there.
                end = "" if entry.spelling.is_file else _end(entry.spelling)
                self._at.setdefault(end[::-1], []).append(entry)
            self._texts = Texts(self._at)
        for text in self._texts.near(_end(spelling)[::-1]):
            yield from self._at[text]


def _is_cut(output: Spelling, input: Spelling, cuts: Sequence[Glob]) -> bool:
    """Whether a later `!pattern` takes away what the two have in common."""
    if output.is_file and not is_at_or_below(input.base, output.base):
        return any(cut.matches(output.base) for cut in cuts)
    return any(is_within(side, one) for side in (output, input) for cut in cuts for one in cut.spellings)


def _collision(a: Entry, b: Entry) -> Collision:
    first, second = (a, b) if a.number < b.number else (b, a)
    return Collision(owner=first.owner, output=first.glob, other_owner=second.owner, other_output=second.glob)


def _by_start(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.spelling.start, []).append(entry)
    return found


def _end(spelling: Spelling) -> str:
    """The text after the last wildcard, without a slash before it; of a file, its path."""
    end: list[str] = []
    for part in reversed(spelling.parts):
        if not isinstance(part, str):
            return "/".join(end if part is None else [part.tail, *end])
        end.insert(0, part)
    return "/".join(end)


def _upwards(path: str) -> Iterator[str]:
    """The path itself and each folder above it, the root last."""
    yield path
    while path:
        path = path.rpartition("/")[0]
        yield path
