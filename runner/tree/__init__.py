"""The working tree: what is there, by content, and how it is changed without harm."""

from __future__ import annotations

from runner.noun import noun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Protocol

    from runner.pattern import Globs
    from runner.result import Made

    class Paths(Protocol):
        """A set of paths that knows its folders: Globs, or what others make."""

        def matches(self, path: str) -> bool:
            """Whether the path is in it."""

        def covers(self, folder: str) -> bool:
            """Whether all below the folder surely is."""


@noun
class Wanted:
    """Which paths are looked for; all from the root. The meanings are those of `tree.glob.find`.

    `even_ignored` count where git ignores them, `leave_out` never does. `respects_ignore` is False for outputs, which
    count whatever git says of them.
    """

    globs: Globs
    even_ignored: Globs | None = None
    leave_out: Paths | None = None
    respects_ignore: bool = True


@noun
class Seen:
    """One look at one path: kind, content, and the stamp that it had before it was read.

    `value` says all of it that counts, as one text: `f:<digest>` of a file, `x:<digest>` of an executable one,
    `l:<text>:<what it points to>` of a link, the text with `%`, `:` and control characters escaped. `made` is the same
    as an output is recorded. `stamp` covers all that was looked at: of a link also what it points to (of a folder there
    that folder alone: what is in it is in `Sight.watched`). It is `stamp.RACY`, which no path ever has, where the path
    had changed so short a time before that it may have changed again unseen.
    """

    path: str
    value: str
    stamp: str
    made: Made


@noun
class Sight:
    """What a look at the tree saw, sorted by path.

    `empty` are folders that hold nothing, below folders that the globs name as a whole. `watched` is all that must not
    move for the answer to stand: each path with its stamp (those of entries not included): folders that were read,
    ignore files that counted, what links lead to, and what must stay absent, with the stamp of what is not there. While
    `stamp.stamp` of all of these and of the entries is as it says here, the same look gives the same. Stamps may be
    `stamp.RACY`, as those of entries.
    """

    entries: tuple[Seen, ...]
    empty: tuple[str, ...] = ()
    watched: tuple[tuple[str, str], ...] = ()


if TYPE_CHECKING:

    class Tree(Protocol):
        """The files of a project. What was seen is remembered until `renew`; content by its stamp, for ever."""

        def look(self, wanted: Wanted) -> Sight:
            """What is there now. *Raises*: Refusal for what cannot be read or is neither file, folder nor link."""

        def seen(self, path: str) -> Seen | None:
            """One path as it is now, None if there is nothing or a folder. *Raises*: as `look`."""

        def moved(self, entries: Iterable[Seen]) -> list[str]:
            """Of what was seen before, the paths whose content is no longer the same, looked at anew."""

        def renew(self) -> None:
            """Something may have changed: what was seen is looked at again when it is next asked for."""

        def open(self, path: str) -> int:
            """A descriptor to read a file below the root; no link on the way is followed. *Raises*: OSError."""

        def empty(self, folder: str) -> None:
            """Remove all that a folder below the root holds; links are removed, not followed. *Raises*: OSError."""

        def remove(self, outputs: Iterable[Made]) -> tuple[list[str], list[str]]:
            """Remove outputs that are as recorded, and folders that are empty then. Those removed, and those kept
            because they are something else now."""

        def restore(
            self, outputs: Sequence[Made], owned: Sequence[str], fetch: Callable[[str, int], bool]
        ) -> str | None:
            """Make outputs be as recorded: all staged and verified first, then swapped in.

            What is right already is not touched; what is not recorded leaves the `owned` folders. None when done;
            otherwise what could not be had, and the tree is as it was.
            *Raises*: OSError where the tree cannot be written; then it may be half done.
            """

        def close(self) -> None:
            """Keep what was learnt of contents for the next run. Never raises for a disk that cannot be written."""
