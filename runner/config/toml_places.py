"""Where the keys and values of a TOML text stand: a second, small reader, for texts in which something is wrong."""

from __future__ import annotations

import re
from functools import lru_cache

from runner.config.place import span_at
from runner.config.source import NESTING_AT_MOST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from runner.config import Span
    from runner.manifest import KeyPath

    Piece = tuple[str, int, int]

BLANK: Final = re.compile(r"(?:[ \t\r\n]++|\#[^\n]*+)*+")
SPACE: Final = re.compile(r"[ \t]*+")
PART: Final = re.compile(r"""([A-Za-z0-9_-]++|"(?:[^"\\\n]++|\\[^\n])*+"|'[^'\n]*+')[ \t]*+""")
SCALAR: Final = re.compile(
    r"""\"{3}(?:[^"\\]++|\\.|"{1,2}+(?!"))*+"{3,5}|'{3}(?:[^']++|'{1,2}+(?!'))*+'{3,5}"""
    r"""|"(?!"")(?:[^"\\\n]++|\\[^\n])*+"|'(?!'')[^'\n]*+'|[^\s,\]}\#"'\[{=](?:[^\n,\]}\#]*[^\s,\]}\#])?""",
    re.DOTALL,
)
ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|(.))")
ESCAPED: Final = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b"}


def span(text: str, path: KeyPath, *, key: bool = False) -> Span:
    """The span of a value or a key, or of the deepest part of the path that is there."""
    return span_at(_read(text).found, path, key=key)


@lru_cache(maxsize=1)
def _read(text: str) -> Reader:
    reader = Reader(text)
    reader.read()
    return reader


class Lost(Exception):
    """The text is not TOML from here on."""


class Reader:
    """Reads on to the end of the text, or to where it is no TOML any more.

    `found` has for each path where its key and its value stand: four numbers. `at` is how far it came; `statement`
    where the statement there begins, `opened` the brackets that are open there, `doing` the path that is being read.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.statement = 0
        self.opened: list[int] = []
        self.doing: KeyPath = ()
        self.found: dict[KeyPath, tuple[int, int, int, int]] = {}
        self.table: KeyPath = ()
        self.last_entry: dict[KeyPath, int] = {}

    def read(self) -> None:
        """Fill `found`."""
        try:
            while self.more():
                self.statement = self.at
                if self.text[self.at] == "[":
                    self.header()
                else:
                    self.pair(self.table)
        except Lost:
            return

    def more(self) -> bool:
        """Whether there is more text after spaces, line ends and comments, which are skipped."""
        self.at = BLANK.match(self.text, self.at).end()  # type: ignore[union-attr]
        return self.at < len(self.text)

    def header(self) -> None:
        """Read `[table]` or `[[list of tables]]`."""
        is_list = self.text.startswith("[[", self.at)
        self.at += 2 if is_list else 1
        *above, last = self.key()
        path: KeyPath = ()
        for name, start, end in above:
            path = self.entered((*path, name), start, end)
        name, start, end = last
        path = (*path, name)
        self.doing = path
        if is_list:
            self.note(path, start, end)
            self.last_entry[path] = entry = self.last_entry.get(path, -1) + 1
            path = (*path, entry)
        # A header is where a table is told, also one that dotted keys or deeper headers began.
        self.found[path] = (start, end, start, end)
        self.table = path
        self.take("]]" if is_list else "]")

    def entered(self, path: KeyPath, start: int, end: int) -> KeyPath:
        """The path of a table on the way; of a list of tables its last entry."""
        self.note(path, start, end)
        return (*path, self.last_entry[path]) if path in self.last_entry else path

    def note(self, path: KeyPath, start: int, end: int) -> None:
        """Remember a table by the first place where it is named."""
        self.found.setdefault(path, (start, end, start, end))

    def pair(self, table: KeyPath) -> None:
        """Read `key = value`, which stands in this table."""
        *above, (name, start, end) = self.key()
        for part in above:
            table = self.entered((*table, part[0]), *part[1:])
        self.doing = path = (*table, name)
        self.take("=")
        self.at = SPACE.match(self.text, self.at).end()  # type: ignore[union-attr]
        value_start = self.at
        self.value(path)
        self.found[path] = (start, end, value_start, self.at)

    def key(self) -> list[Piece]:
        """Read the parts of a key: each as a name, with where it stands."""
        pieces = []
        while True:
            self.at = SPACE.match(self.text, self.at).end()  # type: ignore[union-attr]
            found = PART.match(self.text, self.at)
            if found is None:
                raise Lost
            start, end = found.span(1)
            pieces.append((_name(self.text[start:end]), start, end))
            self.at = found.end()
            if not self.text.startswith(".", self.at):
                return pieces
            self.at += 1

    def take(self, expected: str) -> None:
        """Go over what must stand here. *Raises*: Lost."""
        if not self.text.startswith(expected, self.at):
            raise Lost
        self.at += len(expected)

    def value(self, path: KeyPath) -> None:
        """Read one value. *Raises*: Lost."""
        first = self.text[self.at : self.at + 1]
        if first == "[":
            self.several(path, "]")
        elif first == "{":
            self.several(path, "}")
        else:
            found = SCALAR.match(self.text, self.at)
            if found is None:
                raise Lost
            self.at = found.end()

    def several(self, path: KeyPath, closing: str) -> None:
        """The entries of a list, or the pairs of a table in braces."""
        if len(self.opened) > 2 * NESTING_AT_MOST:
            raise Lost
        self.opened.append(self.at)
        self.at += 1
        entry = 0
        while self.more() and self.text[self.at] != closing:
            if closing == "}":
                self.pair(path)
            else:
                start = self.at
                self.value((*path, entry))
                self.found[(*path, entry)] = (start, self.at, start, self.at)
                entry += 1
            if self.more() and self.text[self.at] == ",":
                self.at += 1
            elif self.text[self.at : self.at + 1] != closing:
                raise Lost
        self.take(closing)
        self.opened.pop()


def _name(written: str) -> str:
    if written[0] == "'":
        return written[1:-1]
    if written[0] != '"':
        return written
    return ESCAPE.sub(_unescaped, written[1:-1])


def _unescaped(found: re.Match[str]) -> str:
    digits = found[1] or found[2] or found[3]
    return chr(min(int(digits, 16), 0x10FFFF)) if digits else ESCAPED.get(found[4], found[4])
