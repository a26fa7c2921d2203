"""An exact look at a TOML text that might hurt the parser: keys, nesting, numbers, and how much there is."""

from __future__ import annotations

import re

from runner.config import Span
from runner.config.place import place
from runner.config.source import (
    DIGITS_AT_MOST,
    KEY_PARTS_AT_MOST,
    NESTING_AT_MOST,
    STRUCTURES_AT_MOST,
    TOO_DEEP,
    VALUES_AT_MOST,
)
from runner.error import refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from runner.error import Refusal

# Possessive throughout, so that nothing is looked at twice. A quote that opens no whole string is a token by itself:
# there the parser stops, and so does this.
TOKEN: Final = re.compile(
    r"""[ \t]*+("{3}(?:[^"\\]++|\\.|"{1,2}+(?!"))*+"{3,5}|'{3}(?:[^']++|'{1,2}+(?!'))*+'{3,5}"""
    r"""|"(?!"")(?:[^"\\\n]++|\\[^\n])*+"|'(?!'')[^'\n]*+'|\#[^\n]*+|[\w+-]++|\n|[^\s])""",
    re.DOTALL,
)
NUMBER: Final = re.compile(r"[+-]?(?:0[xob])?([0-9a-fA-F_]++)$")
NUMBER_CHARACTERS_AT_MOST: Final = 64


def refuse_what_hurts(text: str, file: str) -> None:
    """Nothing, for a text that is within the limits. *Raises*: Refusal with the first place that is not."""
    scan = _Scan(text, file)
    for found in TOKEN.finditer(text):
        start, end = found.span(1)
        first = text[start]
        if first in "\"'" and (end - start == 1):
            return
        if first != "#":
            scan.take(first, start, end)
    scan.take("\n", len(text), len(text))


class _Scan:
    """What has been seen so far; `previous` is the first character of the token before, at first a line's end."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.previous = "\n"
        self.number: tuple[int, int] | None = None
        self.header = False
        self.depth = self.dots = self.weight = self.values = self.key_start = 0

    def take(self, first: str, start: int, end: int) -> None:
        if self.number is not None:
            self.settle_number(first)
        if first in "[{":
            self.open(start)
        elif first in "]}":
            self.depth -= 1
            self.end_key()
        elif first == ".":
            self.dot(start)
        elif first in "=,\n":
            self.values += first != "\n"
            self.end_key()
            self.header = self.header and first != "\n"
            if self.values > VALUES_AT_MOST:
                raise self.refusal(f"more than {VALUES_AT_MOST:,} keys and values", start, end)
        elif self.previous != ".":
            self.key_start = start
        if end - start > DIGITS_AT_MOST and (first.isdigit() or first in "+-" or self.previous == "."):
            self.number = (start, end)
            self.before_number = self.previous
        self.previous = first

    def open(self, start: int) -> None:
        if self.depth == 0 and self.previous == "\n":
            self.header = True
        self.depth += 1
        self.grow(1, start)
        if self.depth > NESTING_AT_MOST:
            raise self.refusal(TOO_DEEP, start, start + 1)

    def dot(self, start: int) -> None:
        self.dots += 1
        self.grow(2 if self.header else 1, start)
        if self.dots >= KEY_PARTS_AT_MOST:
            raise self.refusal(f"a key of more than {KEY_PARTS_AT_MOST} parts", self.key_start, start)

    def end_key(self) -> None:
        # The header of a table below another costs what its dots cost.
        if self.header and self.dots:
            self.weight -= 1
        self.dots = 0

    def grow(self, weight: int, start: int) -> None:
        self.weight += weight
        if self.weight > STRUCTURES_AT_MOST:
            raise self.refusal(f"more than {STRUCTURES_AT_MOST:,} tables and lists", start, start + 1)

    def settle_number(self, following: str) -> None:
        """Now that it is known that the long word before is a value, not a key."""
        assert self.number is not None
        start, end = self.number
        self.number = None
        if following in "=." and self.before_number != ".":
            return
        word = NUMBER.match(self.text, start, end)
        if word is None or self.header:
            return
        if self.before_number in "=,[" and len(word.group(1).replace("_", "")) > DIGITS_AT_MOST:
            raise self.refusal(f"an integer has at most {DIGITS_AT_MOST} digits", start, end)
        if end - start > NUMBER_CHARACTERS_AT_MOST:
            raise self.refusal("a number that is too long", start, end)

    def refusal(self, message: str, start: int, end: int) -> Refusal:
        return refuse(message, place(self.file, self.text, Span(start=start, end=end)))
