"""The command line as it was typed, so that an error can point at a word of it."""

from __future__ import annotations

from runner.error import Place, Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from runner.argument import ArgumentError

PROGRAM: Final = "trun"
SHOWN_AS: Final = "command line"


class Line:
    """The words after the program's name."""

    __slots__ = ("_columns", "_text", "words")

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)
        self._text = ""
        self._columns: list[int] = []

    def text(self) -> str:
        """The line as it could be typed again."""
        if not self._text:
            self._text = PROGRAM
            for word in map(quoted, self.words):
                self._columns.append(len(self._text) + 2)
                self._text += f" {word}"
        return self._text

    def place(self, at: int, start: int = 0, width: int | None = None) -> Place:
        """Where a word stands, or a part of it if the word is shown as it is."""
        text, shown = self.text(), quoted(self.words[at])
        if shown != self.words[at] or start >= len(shown):
            start, width = 0, None
        width = min(width or len(shown), len(shown) - start)
        return Place(file=SHOWN_AS, line=1, column=self._columns[at] + start, width=width, text=text)


def variable_place(name: str, value: str) -> Place:
    """Where the value of an environment variable stands."""
    shown = quoted(value)
    return Place(file="environment", line=1, column=len(name) + 2, width=len(shown), text=f"{name}={shown}")


def problem_of(error: ArgumentError, place: Place) -> Problem:
    """What is wrong with a value, now that its place is known."""
    return Problem(message=str(error), place=place, hint=error.hint)


def spelled(word: str) -> str:
    """A word as it stands in a message, on one line."""
    return word if word.isprintable() else quoted(word)


def quoted(word: str) -> str:
    """A word as a person types it to a shell, on one line whatever it holds."""
    if word.isprintable():
        from runner.template import posix

        return posix(word)
    return "$'" + "".join(_spelled(char) for char in word) + "'"


def _spelled(char: str) -> str:
    if char in "\\'":
        return "\\" + char
    if char.isprintable():
        return char
    code = ord(char)
    # A byte that is no UTF-8 travels as a lone surrogate.
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return {9: "\\t", 10: "\\n", 13: "\\r"}.get(code) or (f"\\x{code:02x}" if code < 0x80 else f"\\U{code:08x}")
