"""A span of a text to the line, column and width that a person is told."""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache

from runner.config import Span
from runner.error import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from collections.abc import Mapping
    from typing import Final

    from runner.manifest import KeyPath

# Problems carry their line; twenty copies of a line of a megabyte would be a burden.
LINE_CARRIED_AT_MOST: Final = 4096


def place(file: str, text: str, span: Span) -> Place:
    """The place of a span; one of several lines is told by its first, a very long line without its text."""
    starts = line_starts(text)
    line = bisect_right(starts, span.start)
    begin = starts[line - 1]
    end = starts[line] - 1 if line < len(starts) else len(text)
    width = max(1, min(span.end, end) - span.start)
    carried = text[begin:end] if end - begin <= LINE_CARRIED_AT_MOST else ""
    return Place(file=file, line=line, column=span.start - begin + 1, width=width, text=carried)


def span_at(found: Mapping[KeyPath, tuple[int, int, int, int]], path: KeyPath, *, key: bool) -> Span:
    """The span of a value or a key, or of the deepest part of the path that is there.

    `found` holds for each path where its key begins and ends, and where its value does.
    """
    while path and path not in found:
        path, key = path[:-1], True
    if not path:
        return Span(start=0, end=0)
    start, end, value_start, value_end = found[path]
    return Span(start=start, end=end) if key else Span(start=value_start, end=value_end)


@lru_cache(maxsize=2)
def line_starts(text: str) -> array[int]:
    """Where each line of a text begins, in four bytes a line."""
    from array import array

    starts = array("I", [0])
    at = text.find("\n")
    while at >= 0:
        starts.append(at + 1)
        at = text.find("\n", at + 1)
    return starts
