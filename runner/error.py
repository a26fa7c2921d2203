"""Every way trun refuses: message, place, hint, exit code."""

from __future__ import annotations

from runner.noun import noun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Final

EXIT_DONE: Final = 0
EXIT_TASK_FAILED: Final = 1
EXIT_REFUSED: Final = 2
EXIT_STRICT: Final = 3
EXIT_BUG: Final = 70

SHOWN_AT_MOST: Final = 20
LINE_SHOWN_AT_MOST: Final = 120


@noun
class Place:
    """A span of one line of a file that a person wrote.

    *Units*: `line` and `column` count from 1, in characters; `width` is at least 1; `text` is the whole line.
    """

    file: str
    line: int
    column: int
    width: int = 1
    text: str = ""


@noun
class Problem:
    """One thing that is wrong: what, where, and at most one hint."""

    message: str
    place: Place | None = None
    hint: str | None = None


class Refusal(Exception):
    """The request or the file is wrong: all that is wrong with it, and the exit code that says so."""

    def __init__(self, *problems: Problem, exit_code: int = EXIT_REFUSED) -> None:
        super().__init__(*problems)
        self.problems = problems
        self.exit_code = exit_code

    def __str__(self) -> str:
        return render(self.problems)


def refuse(message: str, place: Place | None = None, hint: str | None = None) -> Refusal:
    """A refusal with one problem, to be raised."""
    return Refusal(Problem(message=message, place=place, hint=hint))


def render(problems: Sequence[Problem], kind: str = "error") -> str:
    """What a person reads: each problem with its line and a caret; after twenty, how many more."""
    blocks = [_block(problem, kind) for problem in problems[:SHOWN_AT_MOST]]
    more = len(problems) - SHOWN_AT_MOST
    if more > 0:
        blocks.append(f"{kind}: and {more} more")
    return "\n".join(blocks)


def _block(problem: Problem, kind: str) -> str:
    lines = [f"{kind}: {plain(problem.message)}"]
    if problem.place is not None:
        lines += _shown(problem.place)
    if problem.hint:
        lines.append(f"  hint: {plain(problem.hint)}")
    return "\n".join(lines)


def _shown(place: Place) -> list[str]:
    head = f"  {plain(place.file)}:{place.line}:{place.column}"
    if not place.text:
        return [head]
    start, text = _window(place)
    before = text[: place.column - 1 - start]
    under = text[len(before) : len(before) + place.width]
    number = str(place.line)
    return [
        head,
        f"    {number} | {_drawn(text)}",
        f"    {' ' * len(number)} | {' ' * columns(_drawn(before))}{'^' * max(1, columns(_drawn(under)))}",
    ]


def _window(place: Place) -> tuple[int, str]:
    """The part of a long line that is around the column, and where it starts."""
    text = place.text.rstrip("\r\n")
    if len(text) <= LINE_SHOWN_AT_MOST:
        return 0, text
    start = max(0, min(place.column - 1 - LINE_SHOWN_AT_MOST // 3, len(text) - LINE_SHOWN_AT_MOST))
    return start, text[start : start + LINE_SHOWN_AT_MOST]


def _drawn(text: str) -> str:
    return plain(text.replace("\t", "    "))


def plain(text: str) -> str:
    """The text with what would drive a terminal spelled out: a file may not colour, move or clear anything."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\n" else ascii(char)[1:-1] for char in text)


def columns(text: str) -> int:
    """How many terminal columns a text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that somebody who wrote `word` most likely meant, if one is near enough."""
    from difflib import get_close_matches

    found = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """The hint for an unknown word."""
    found = nearest(word, known)
    return f"did you mean `{found}`?" if found else None
