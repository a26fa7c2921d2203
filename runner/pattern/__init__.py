"""Globs as values: normalised, matched in linear time; touches no disk.

| written | stands for |
|---|---|
| `*` `?` `[abc]` `[a-z]` `[!a]` `[[:digit:]]` | a run of characters, one, one of a class; never a slash |
| `**` | as a whole segment: any number of folders, also none; at the end: everything below |
| `{a,b}` | either, as if the pattern were written out twice |
| `\\x` | the character itself |
| `/a` | from the project's root |
| `a/` | everything below the folder; so does `a`, if that is a folder |
| `!a` | in a list: not these; the last pattern that matches decides |

Wildcards match names with a leading dot like any other, but nothing ever reaches into `.git` or `.trun`. Paths are
relative to the project's root, with slashes; bytes that are no UTF-8 are surrogates, a newline is a character.
"""

from __future__ import annotations

from runner.pattern.segment import PatternError as PatternError
from runner.pattern.spelling import Spelling, is_at_or_below, spellings_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Final

SHOWN_AT_MOST: Final = 100  # characters of a pattern, in a message


class Glob:
    """One pattern, as written and as it stands from the project's root."""

    __slots__ = ("is_negated", "spellings", "text")

    def __init__(self, text: str, spellings: tuple[Spelling, ...], *, is_negated: bool = False) -> None:
        self.text = text
        self.spellings = spellings
        self.is_negated = is_negated

    @staticmethod
    def of(text: str, dir: str = "", outside: Sequence[str] = ()) -> Glob:
        """The glob that `text` means in the folder `dir`.

        `outside` names folders above the root, as `../data`, that a pattern may reach.
        *Raises*: PatternError for a pattern that is malformed, leaves the project, or reaches into `.git` or `.trun`.
        """
        is_negated = text.startswith("!")
        body = text[1:] if is_negated else text
        try:
            spellings = spellings_of(body, dir, outside)
            if not is_negated:
                _refuse_hidden(spellings)
        except PatternError as error:
            raise PatternError(_about(text, str(error)), error.hint) from None
        return Glob(text, spellings, is_negated=is_negated)

    def __repr__(self) -> str:
        return f"Glob({'!' * self.is_negated}{' '.join(self.normal)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Glob) and self.is_negated == other.is_negated and self.normal == other.normal

    def __hash__(self) -> int:
        return hash(self.normal)

    @property
    def normal(self) -> tuple[str, ...]:
        """The pattern from the root, one for each alternative: the same however it was written."""
        return tuple(map(str, self.spellings))

    @property
    def is_folder(self) -> bool:
        """Whether it was written as a folder, with a trailing slash."""
        return all(spelling.is_folder for spelling in self.spellings)

    @property
    def is_literal(self) -> bool:
        """Whether it has no wildcard."""
        return all(spelling.is_named for spelling in self.spellings)

    @property
    def base(self) -> str:
        """The folder above the first wildcard; of a literal, the path itself."""
        bases = [spelling.base for spelling in self.spellings]
        shared = bases[0]
        while not all(is_at_or_below(base, shared) for base in bases):
            shared = shared.rpartition("/")[0]
        return shared

    def matches(self, path: str) -> bool:
        """Whether the path is one of these, whatever the negation."""
        for spelling in self.spellings:  # noqa: SIM110  (any() takes three times as long)
            if spelling.matches(path):
                return True
        return False

    def covers(self, folder: str) -> bool:
        """Whether all below the folder matches; False also where that is hard to tell."""
        return any(spelling.covers(folder) for spelling in self.spellings)


class Globs:
    """An ordered list of globs: of those that match a path, the last decides.

    `named` are those without a wildcard, to be looked at one by one; `bases` the folders, none inside another, that
    hold all that the others match.
    """

    __slots__ = ("bases", "globs", "is_plain", "named")

    def __init__(self, globs: Iterable[Glob]) -> None:
        self.globs = tuple(globs)
        self.is_plain = not any(glob.is_negated for glob in self.globs)
        wanted = [spelling for glob in self.globs if not glob.is_negated for spelling in glob.spellings]
        self.named = tuple(spelling for spelling in wanted if spelling.is_named)
        self.bases = minimal(spelling.base for spelling in wanted if not spelling.is_named)

    def __repr__(self) -> str:
        return f"Globs({', '.join(glob.text for glob in self.globs)})"

    def __bool__(self) -> bool:
        return bool(self.globs)

    def matches(self, path: str) -> bool:
        """Whether the path is among them."""
        for glob in reversed(self.globs):
            if glob.matches(path):
                return not glob.is_negated
        return False

    def matcher(self) -> Callable[[str], bool]:
        """`matches`, to be asked of many paths: of a list of one pattern, that pattern's own test."""
        if len(self.globs) == 1 and self.is_plain and len(self.globs[0].spellings) == 1:
            return self.globs[0].spellings[0].matches
        return self.matches

    def could_be_below(self, folder: str) -> bool:
        """False only if nothing below the folder can match: then nobody needs to look there."""
        for glob in reversed(self.globs):
            if glob.is_negated:
                if glob.covers(folder):
                    return False
            elif any(spelling.could_be_below(folder) for spelling in glob.spellings):
                return True
        return False

    def covers(self, folder: str) -> bool:
        """Whether all below the folder matches; False also where that is hard to tell."""
        for glob in reversed(self.globs):
            if glob.is_negated and any(spelling.could_be_below(folder) for spelling in glob.spellings):
                return False
            if not glob.is_negated and glob.covers(folder):
                return True
        return False


def minimal(folders: Iterable[str]) -> tuple[str, ...]:
    """The folders without those that lie in another of them, sorted."""
    kept: list[str] = []
    for folder in sorted(set(folders), key=_in_order):
        if not kept or not is_at_or_below(folder, kept[-1]):
            kept.append(folder)
    return tuple(kept)


def _in_order(folder: str) -> tuple[bool, list[str]]:
    return folder[:2] != "..", folder.split("/") if folder else []


def _about(text: str, message: str) -> str:
    """The message, with the pattern where it does not name it; a monstrous one is cut."""
    if f"`{text}`" in message:
        return message if len(text) <= SHOWN_AT_MOST else message.replace(text, f"{text[:SHOWN_AT_MOST]}…")
    return f"{message}: `{text if len(text) <= SHOWN_AT_MOST else text[:SHOWN_AT_MOST] + '…'}`"


def _refuse_hidden(spellings: Iterable[Spelling]) -> None:
    for spelling in spellings:
        for name in (".git", ".trun"):
            if name in spelling.parts:
                raise PatternError(f"no pattern reaches into `{name}`")
