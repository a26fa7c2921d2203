"""The bottom of a terminal: a few rows that are redrawn in place, below lines that stay."""

from __future__ import annotations

from runner.noun import noun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner.report.outlet import Outlet

# *Source*: xterm's control sequences; synchronized output (mode 2026) is ignored by terminals that do not know it.
BEGIN_SYNC = "\x1b[?2026h"
END_SYNC = "\x1b[?2026l"
ERASE_BELOW = "\x1b[J"
ERASE_LINE = "\x1b[K"

PENDING_BYTES = 64 * 1024


@noun
class Row:
    """One row of the status. *Units*: `width` in columns, which the colours in `text` do not count to."""

    text: str
    width: int


class Screen:
    """A page whose lines scroll by above the rows. Nothing is written until `show`, `wipe`, or there is much of it.

    The cursor rests at the end of the last row. It is not hidden and no mode is set, so that there is nothing to put
    back.
    """

    def __init__(self, outlet: Outlet, size: Callable[[], tuple[int, int]]) -> None:
        self._outlet = outlet
        self._size = size
        self._rows: Sequence[Row] = ()
        self._columns = 0
        self._pending: list[bytes] = []
        self._pending_bytes = 0

    @property
    def is_busy(self) -> bool:
        """True while the terminal has not taken what it was given: then a new status would only add to that."""
        return self._outlet.is_waiting

    def write(self, data: bytes) -> None:
        """Take whole lines, to be written above the rows."""
        if data:
            self._pending.append(data)
            self._pending_bytes += len(data)
            if self._pending_bytes >= PENDING_BYTES:
                self.show(self._rows)

    def show(self, rows: Sequence[Row]) -> None:
        """Write what is pending, and these rows below it, in one piece."""
        columns = self._size()[0]
        is_redrawn = bool(self._pending) or len(rows) != len(self._rows) or columns != self._columns
        text = self._taken()
        if is_redrawn:
            before, after = self._erased(columns), _joined(rows)
        else:
            before, after = "", self._changed(rows)
        self._rows, self._columns = tuple(rows), columns
        drawn = before.encode() + text + after.encode("utf-8", "surrogateescape")
        if drawn:
            is_status = bool(before or after)
            self._outlet.write(BEGIN_SYNC.encode() + drawn + END_SYNC.encode() if is_status else drawn)

    def wipe(self) -> None:
        """Write what is pending, and leave nothing of the rows."""
        self.show(())

    def _taken(self) -> bytes:
        text = b"".join(self._pending)
        self._pending.clear()
        self._pending_bytes = 0
        return text

    def _erased(self, columns: int) -> str:
        """From the end of the last row to the beginning of the first, and nothing below it any more."""
        if not self._rows:
            return ""
        # A terminal that became narrower has wrapped the rows: most do, and count so.
        lines = sum(max(1, -(-row.width // max(1, columns))) for row in self._rows)
        if lines == 1:
            return "\r" + ERASE_LINE
        # The first line apart: tmux keeps in its history what is erased from the very top of the screen.
        return f"\r\x1b[{lines - 1}A{ERASE_LINE}\n{ERASE_BELOW}\x1b[A"

    def _changed(self, rows: Sequence[Row]) -> str:
        """What rewrites the rows that differ, and no others."""
        differ = [at for at, (old, new) in enumerate(zip(self._rows, rows, strict=True)) if old != new]
        if not differ:
            return ""
        last = len(rows) - 1
        up = last - differ[0]
        parts = [f"\x1b[{up}A" if up else ""]
        at = differ[0]
        for row in differ:
            parts.append("\r" + "\n" * (row - at) + rows[row].text + ERASE_LINE)
            at = row
        if at < last:
            parts.append("\r" + "\n" * (last - at) + f"\x1b[{rows[last].width}C" * bool(rows[last].width))
        return "".join(parts)


def _joined(rows: Sequence[Row]) -> str:
    return "\r\n".join(row.text for row in rows)
