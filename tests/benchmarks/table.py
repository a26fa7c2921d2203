"""Tables as text and as markdown, and the figures in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of cells under a title, and the lines to be read with them. The first column is text, the others figures."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def as_text(table: Table) -> str:
    """Columns padded with blanks, for a terminal."""
    widths = [max(len(cell) for cell in column) for column in zip(table.columns, *table.rows, strict=True)]
    lines = [padded(cells, widths) for cells in (table.columns, *table.rows)]
    rule = "-" * max(len(line) for line in lines)
    return "\n".join([table.title, rule, lines[0], rule, *lines[1:], *(f"  {note}" for note in table.notes)])


def as_markdown(table: Table) -> str:
    """A table of GitHub's markdown."""
    rule = ["---", *["---:" for _ in table.columns[1:]]]
    lines = [f"| {' | '.join(cells)} |" for cells in (table.columns, rule, *table.rows)]
    notes = [f"- {note}" for note in table.notes]
    return "\n".join([f"### {table.title}", "", *lines, *(["", *notes] if notes else [])])


def padded(cells: Sequence[str], widths: Sequence[int]) -> str:
    """The first cell flush left, the others flush right."""
    figures = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
    return "  ".join([cells[0].ljust(widths[0]), *figures]).rstrip()


def milliseconds(time_s: float) -> str:
    """`4.1`, `52`, `1,060`: two figures at least, never more than they are worth."""
    time_ms = time_s * 1000
    return f"{time_ms:.1f}" if time_ms < 10 else f"{time_ms:,.0f}"


def mebibytes(size_bytes: int | None) -> str:
    """`8.1`, or nothing where it was not looked at."""
    return "" if size_bytes is None else f"{size_bytes / (1 << 20):,.1f}"


def ratio(of: float, over: float | None) -> str:
    """`1.31`, or nothing where there is nothing to divide by."""
    return f"{of / over:,.2f}" if over else ""
