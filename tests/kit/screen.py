"""A small model of a terminal: what is on the screen and what has scrolled away. What it does not know is an error."""

from __future__ import annotations

import re

from wcwidth import wcwidth

SEQUENCE = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])")


class Screen:
    """Cells, a cursor and a history. Wide characters take two cells, the second of which is empty."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self.lines: list[list[str]] = [[]]
        self.row = 0
        self.column = 0
        self.history: list[str] = []
        self.is_synchronized = False
        self.wraps = 0

    def feed(self, text: str) -> None:
        at = 0
        while at < len(text):
            found = SEQUENCE.match(text, at)
            if found is not None:
                self._sequence(*found.groups())
                at = found.end()
                continue
            char = text[at]
            at += 1
            if char == "\n":
                # As a terminal in its ordinary mode shows it: a new line begins on the left.
                self.column = 0
                self._down()
            elif char == "\r":
                self.column = 0
            else:
                assert char.isprintable() or char in "\u200d\ufe0f", f"not text: {char!r}"
                self._put(char)

    @property
    def rows(self) -> list[str]:
        """The screen without its empty end."""
        shown = ["".join(line).rstrip() for line in self.lines]
        while shown and not shown[-1]:
            shown.pop()
        return shown

    @property
    def everything(self) -> list[str]:
        """What has scrolled away, then the screen."""
        return [*self.history, *self.rows]

    def _sequence(self, private: str, parameters: str, final: str) -> None:
        match private, parameters, final:
            case "", _, "m":
                pass
            case "?", "2026", "h":
                assert not self.is_synchronized
                self.is_synchronized = True
            case "?", "2026", "l":
                assert self.is_synchronized
                self.is_synchronized = False
            case "", count, "A":
                self.row = max(0, self.row - int(count or 1))
            case "", count, "C":
                self.column = min(self.width - 1, self.column + int(count or 1))
            case "", "", "K":
                del self.lines[self.row][self.column :]
            case "", "", "J":
                if (self.row, self.column) == (0, 0):
                    # tmux does so: a screen that is erased from its top goes to the history.
                    self.history += self.rows
                del self.lines[self.row][self.column :]
                del self.lines[self.row + 1 :]
            case _:
                raise AssertionError(f"unknown: CSI {private}{parameters}{final}")

    def _put(self, char: str) -> None:
        width = wcwidth(char)
        if width <= 0:
            return
        if self.column + width > self.width:
            self.wraps += 1
            self.column = 0
            self._down()
        line = self.lines[self.row]
        line += [" "] * (self.column + width - len(line))
        line[self.column : self.column + width] = [char, *[""] * (width - 1)]
        self.column += width

    def _down(self) -> None:
        self.row += 1
        while len(self.lines) <= self.row:
            self.lines.append([])
        while len(self.lines) > self.height:
            self.history.append("".join(self.lines.pop(0)).rstrip())
            self.row -= 1
