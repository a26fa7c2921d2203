"""How many columns a text takes on a terminal, and how to cut it to fit."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# Shows the character before it as a picture two columns wide, where a terminal can.
PICTURE = "\ufe0f"
ELLIPSIS = "…"


def columns(text: str) -> int:
    """The most columns that any terminal takes for the text.

    *Why*: terminals disagree about joined emoji: some draw one picture, some all its parts. Only the larger number is
    sure not to wrap.
    """
    if text.isascii():
        return len(text)
    return sum(_widths(text))


def clip(text: str, limit: int, is_unicode: bool = True) -> str:
    """The text, or as much of its beginning as fits with a mark that something is missing."""
    if columns(text) <= limit:
        return text
    mark = _mark(limit, is_unicode)
    return _first(text, limit - len(mark)) + mark


def clip_middle(text: str, limit: int, is_unicode: bool = True) -> str:
    """The text, or its beginning and its end: names that differ at the end stay apart."""
    if columns(text) <= limit:
        return text
    mark = _mark(limit, is_unicode)
    tail = _first(text[::-1], (limit - len(mark)) // 2)[::-1]
    return _first(text, limit - len(mark) - columns(tail)) + mark + tail


def pad(text: str, width: int) -> str:
    """The text with spaces behind it up to a width."""
    return text + " " * (width - columns(text))


def _mark(limit: int, is_unicode: bool) -> str:
    return (ELLIPSIS if is_unicode else "..")[: max(0, limit)]


def _first(text: str, limit: int) -> str:
    taken = 0
    for at, width in enumerate(_widths(text)):
        taken += width
        if taken > limit:
            # Never end on a joiner: it would join what comes after the cut.
            return text[:at].rstrip("\u200d")
    return text


def _widths(text: str) -> Iterator[int]:
    from wcwidth import wcwidth  # its tables are worth loading only where somebody writes more than ASCII

    last = 0
    for char in text:
        if char == PICTURE:
            width = 1 if last == 1 else 0
        elif char.isascii():
            width = 1 if char.isprintable() else 0
        else:
            width = max(0, wcwidth(char))
        yield width
        last = width
