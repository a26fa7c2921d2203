"""Colours: a few SGR sequences, and a stable colour for each name."""

from __future__ import annotations

RESET = "\x1b[0m"

# What a colour means. The sixteen basic colours follow the theme of the terminal, so they can be read in dark and in
# light.
CODES = {"good": "32", "bad": "1;31", "warn": "33", "quiet": "2", "strong": "1"}

# Of the 256 those whose contrast is at least 3.6 against black and against white alike; neighbours differ, none is a
# plain red.
NAMES = (31, 133, 64, 130, 62, 29, 162, 100, 26, 97)


class Paint:
    """Colours text, or leaves it as it is; remembers which name has which colour."""

    def __init__(self, has_colour: bool) -> None:
        self.has_colour = has_colour
        self._given: dict[str, int] = {}

    def as_(self, meaning: str, text: str) -> str:
        """The text in the colour of a meaning."""
        return f"\x1b[{CODES[meaning]}m{text}{RESET}" if self.has_colour and text else text

    def name(self, name: str, text: str) -> str:
        """The text in the colour of a task: colours are given in the order in which tasks appear."""
        if not self.has_colour:
            return text
        # The instances of one task share its colour: that also bounds what is remembered by what people wrote.
        family = name.partition("[")[0].partition("{")[0]
        number = self._given.setdefault(family, len(self._given) % len(NAMES))
        return f"\x1b[38;5;{NAMES[number]}m{text}{RESET}"
