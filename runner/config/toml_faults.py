"""What is wrong with a text that is no TOML, in words for people: as many faults as can be told apart."""

from __future__ import annotations

import re

from runner.config import Span
from runner.config.naming import cut, name, shown_key
from runner.config.place import line_starts, place
from runner.config.toml_places import Reader
from runner.error import SHOWN_AT_MOST, Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

STATEMENT: Final = re.compile(r"""^(?:\[|[A-Za-z0-9_."'-]+[ \t]*=)""", re.MULTILINE)
HEADER: Final = re.compile(r"^\[", re.MULTILINE)
ANY: Final = re.compile(r"[^\n]")
WORD: Final = re.compile(r"[^\n,\]}\#]*")
SAID: Final = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)$", re.DOTALL)
# Every round reads all of the text: a long one gets fewer, so that a refusal takes no longer than a second.
READ_AT_MOST_CHARACTERS: Final = 1_500_000

LONG_QUOTES: Final = ('"""', "'''")
NOTHING: Final = ("null", "none", "nil", "~")
OTHER_KEYS: Final = "a key with other characters than letters, digits, `_` and `-` goes in quotes"
NO_ESCAPE: Final = "a backslash is written `\\\\`; between '…' nothing is an escape"
BOOLEANS: Final = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false"}


def faults(text: str, file: str, loads: Callable[[str], object]) -> list[Problem]:
    """The first syntax error, and those after it that are not its consequence."""
    problems: list[Problem] = []
    left = text
    resumed = 0
    for _ in range(min(SHOWN_AT_MOST, 1 + READ_AT_MOST_CHARACTERS // (len(text) + 1))):
        try:
            loads(left)
            break
        except ValueError as error:
            fault = _Fault(left, str(error))
        if fault.span.start < resumed:
            break
        problems.append(Problem(message=fault.message, place=place(file, text, fault.span), hint=fault.hint))
        start, resumed = fault.statement_start, fault.resume()
        if resumed <= start:
            break
        left = left[:start] + ANY.sub(" ", left[start:resumed]) + left[resumed:]
    return problems


class _Fault:
    """One syntax error: `message`, `span`, `hint`.

    `at` is where the parser stood, `reader` what was read well up to there.
    """

    def __init__(self, text: str, said: str) -> None:
        self.text = text
        self.said, self.at = _said(text, said)
        self.reader = Reader(text[: self.at])
        self.reader.read()
        # What cannot begin a statement has not been read as one.
        self.statement_start = self.at if self.said.startswith("Invalid statement") else self.reader.statement
        self.hint: str | None = None
        self.is_open_string = False
        self.span = Span(start=self.at, end=self.at + 1)
        self.message = self.explain()

    def explain(self) -> str:
        """The message; sets the span and the hint where there is something better than where the parser stood."""
        for beginning, explain in EXPLAINED.items():
            if self.said.startswith(beginning):
                return explain(self)
        return f"this is not TOML: {self.said[:1].lower()}{self.said[1:]}"

    def resume(self) -> int:
        """From where on the text may be looked at again; 0 for nowhere."""
        if self.is_open_string and self.text.startswith(LONG_QUOTES, self.span.start):
            return 0
        line_end = self.text.find("\n", self.at)
        if line_end < 0:
            return 0
        if self.text.startswith("[", self.statement_start):
            found = HEADER.search(self.text, self.at)
            return found.start() if found else 0
        if self.reader.opened or self.is_open_string:
            found = STATEMENT.search(self.text, self.at)
            return found.start() if found else 0
        return line_end

    def word(self, start: int) -> str:
        """What stands there, up to where a value ends."""
        found = WORD.match(self.text, start)
        return found.group().rstrip() if found else ""

    def cover(self, start: int, width: int) -> None:
        self.span = Span(start=start, end=start + max(1, width))

    # One method for each thing that the parser says.

    def value(self) -> str:
        if self.reader.opened and self.is_at_a_statement():
            return self.unclosed()
        word = self.word(self.at)
        if word and not word[0].isprintable():
            return self.control()
        if word:
            return self.not_a_value(self.at, word)
        following = self.text[self.at : self.at + 1]
        if following in ("", "\n", "#"):
            self.cover(self.at, 1)
            return f"the value of {name(self.reader.doing)} is missing"
        return f"a value is missing before `{following}`"

    def not_a_value(self, start: int, word: str) -> str:
        self.cover(start, len(word))
        lower = word.lower()
        shown = cut(word)
        if lower in BOOLEANS:
            self.hint = f"write `{BOOLEANS[lower]}`"
        elif lower in NOTHING:
            self.hint = "leave the key out"
        elif word[0] == "0" and word.isdigit():
            self.hint = f'a number has no zeros in front; as text it is `"{shown}"`'
        elif '"' not in word and "\\" not in word:
            self.hint = f'text goes in quotes: `"{shown}"`'
        return f"`{shown}` is not a TOML value"

    def line_end(self) -> str:
        entry = self.reader.found.get(self.reader.doing)
        if entry is not None and not self.text.startswith("[", self.reader.statement):
            start = entry[2]
            written = self.text[start : self.at]
            if written[:1] not in ("'", '"', "[", "{") and self.text[self.at - 1] not in " \t":
                return self.not_a_value(start, self.word(start))
            if written[:1] == '"':
                self.hint = 'inside "…" a quote is written `\\"`'
        word = self.text[self.at :].partition("\n")[0].partition(" #")[0].rstrip() or self.text[self.at]
        self.cover(self.at, len(word))
        return f"expected the end of the line, not `{cut(word)}`"

    def equals(self) -> str:
        key = str(self.reader.doing[-1]) if self.reader.doing else ""
        following = self.text[self.at : self.at + 1]
        if self.reader.opened and not following:
            return self.unclosed()
        if following == ":":
            self.hint = f"TOML writes `{key} = …`"
        elif following.isalnum() and following.isascii():
            whole = (
                self.text[self.reader.statement : self.at] + self.text[self.at :].partition("\n")[0].partition("=")[0]
            )
            self.hint = f'a key with a space in it goes in quotes: `"{cut(whole.strip())}"`'
        elif not following.isascii():
            self.hint = OTHER_KEYS
        return f"expected `=` after the key {shown_key(key)}"

    def key_part(self) -> str:
        following = self.text[self.at : self.at + 1]
        if following and (ord(following) > 127 or following in "$@/*"):
            self.hint = OTHER_KEYS
        if self.reader.opened and not following:
            return self.unclosed()
        return f"expected a key, not {_shown(following)}"

    def statement(self) -> str:
        following = self.text[self.at : self.at + 1]
        if following and ord(following) > 127:
            self.hint = OTHER_KEYS
        return f"expected a key or a `[table]`, not {_shown(following)}"

    def bracket(self) -> str:
        closing = "]]" if self.said.startswith("Expected ']]'") else "]"
        return f"expected `{closing}` at the end of the table's name"

    def unclosed(self) -> str:
        bracket = self.reader.opened[-1]
        what, closing = ("list", "]") if self.text[bracket] == "[" else ("table", "}")
        if self.is_at_a_statement():
            self.cover(bracket, 1)
            return f"the {what} that begins here is not closed"
        word = self.word(self.at) or self.text[self.at]
        self.cover(self.at, len(word))
        return f"expected `,` or `{closing}`, not `{cut(word)}`"

    def is_at_a_statement(self) -> bool:
        return self.at >= len(self.text) or STATEMENT.match(self.text, self.at) is not None

    def string(self) -> str:
        if self.said.endswith("character '\\n'") or not self.said.startswith(("Illegal", "Found")):
            self.is_open_string = True
            start = self.reader.at
            self.cover(start, len(self.text[start:].partition("\n")[0]))
            if not self.text.startswith(LONG_QUOTES, start):
                self.hint = 'text of several lines goes between `"""` and `"""`'
            return "the string that begins here is not closed"
        return self.control()

    def control(self) -> str:
        shown = ascii(self.text[self.at])[1:-1]
        if self.said.startswith("Illegal"):
            self.hint = f"write `\\u{ord(self.text[self.at]):04x}`"
        return f"the control character `{shown}` has no place here"

    def escape(self) -> str:
        start = self.text.rfind("\\", 0, self.at)
        self.cover(start, min(2, self.at - start))
        self.hint = NO_ESCAPE
        return f"`{self.text[start : start + 2]}` is not an escape"

    def digits(self) -> str:
        start = self.text.rfind("\\", 0, self.at)
        self.cover(start, 2)
        wanted = {"x": 2, "u": 4, "U": 8}[self.text[start + 1]]
        self.hint = NO_ESCAPE
        return f"`{self.text[start : start + 2]}` wants {wanted} hexadecimal digits of a character"

    def date(self) -> str:
        word = self.word(self.at)
        self.cover(self.at, len(word))
        return f"`{cut(word)}` is not a date"

    def twice(self) -> str:
        path = self.reader.doing
        entry = self.reader.found.get(path)
        if entry is not None:
            self.cover(entry[0], entry[1] - entry[0])
        if self.reader.opened:
            return f"{name(path)} is given twice"
        before = Reader(self.text[: self.reader.statement])
        before.read()
        told = path
        while told and told not in before.found:
            told = told[:-1]
        line = self.text.count("\n", 0, before.found[told][0]) + 1 if told else 0
        if told == path or not told:
            return f"{name(path)} is given twice, first in line {line}"
        return f"{name(told)} is complete in line {line} and takes no more keys"


EXPLAINED: Final[dict[str, Callable[[_Fault], str]]] = {
    "Invalid value": _Fault.value,
    "Expected newline": _Fault.line_end,
    "Expected '='": _Fault.equals,
    "Invalid initial character": _Fault.key_part,
    "Invalid statement": _Fault.statement,
    "Expected ']": _Fault.bracket,
    "Unclosed": _Fault.unclosed,
    "Unterminated": _Fault.string,
    'Expected "': _Fault.string,
    "Illegal character": _Fault.string,
    "Found invalid character": _Fault.string,
    "Unescaped": _Fault.escape,
    "Invalid hex": _Fault.digits,
    "Escaped character": _Fault.digits,
    "Invalid date": _Fault.date,
    "Cannot": _Fault.twice,
    "Duplicate": _Fault.twice,
}


def _said(text: str, said: str) -> tuple[str, int]:
    """The parser's message without its place, and the place. The attributes for it are newer than Python 3.11."""
    found = SAID.match(said)
    if found is None:
        return said, 0
    if found[2] is None:
        return found[1], len(text)
    return found[1], line_starts(text)[int(found[2]) - 1] + int(found[3]) - 1


def _shown(char: str) -> str:
    return {"": "the end of the file", "\n": "the end of the line"}.get(char, f"`{char}`")
