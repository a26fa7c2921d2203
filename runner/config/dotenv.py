r"""Dotenv files: lines of `NAME=value`, in the dialect that compose, just and dotenv for Node have in common.

`export` may stand in front. Without quotes a value ends with the line or before ` #`, and the spaces around it go.
Between single quotes nothing is special; between double quotes `\n \r \t \" \\ \$` are escapes, any other backslash
stays. Quoted values may run over several lines. `$NAME`, `${NAME}` and `${NAME:-text}` are replaced outside single
quotes, by what the caller gives, then by what stands above, then by nothing. No command is ever run: `$(…)` stays.

*Why* the replacing: compose, just and go-task do it, and one file serves all of them. Who wants a `$` writes `\$` or
single quotes, there as here. A variable of the caller goes first, as it does when the tasks run.
"""

from __future__ import annotations

import re

from runner.config import Span
from runner.config.place import place
from runner.error import Problem, Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

NOTHING_GIVEN: Final[Mapping[str, str]] = {}
SIZE_AT_MOST_CHARACTERS: Final = 1 << 20
BLANK: Final = re.compile(r"(?:[ \t\r\f\v\n]++|\#[^\n]*+)*+")
NAME: Final = re.compile(r"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*+)[ \t]*+=[ \t]*+")
SINGLE: Final = re.compile(r"'([^']*+)'")
DOUBLE: Final = re.compile(r'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
BARE: Final = re.compile(r"(?:[^\n \t\r]++|[ \t\r]++(?!\#)(?=[^\n \t\r]))*+")
REST: Final = re.compile(r"[ \t\r]*+(?:\#[^\n]*+)?(?=\n|\Z)")
# An escape or a reference; in a reference a name, and what stands for an unset or empty one.
SPECIAL: Final = re.compile(
    r"\\(.)|\$(?:\{([A-Za-z_][A-Za-z0-9_.-]*?)(?:(:?-)([^}$\n]*+))?\}|([A-Za-z_][A-Za-z0-9_]*+)|(\{))", re.DOTALL
)
PROBLEMS_AT_MOST: Final = 100
REFERENCES: Final = "only `${NAME}` and `${NAME:-text}` are replaced; a `$` by itself is written `\\$`"
ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$"}
BARE_ESCAPES: Final = {"$": "$"}


def parse(text: str, file: str, given: Mapping[str, str] = NOTHING_GIVEN) -> dict[str, str]:
    """The variables of a file, of two with one name the later. *Raises*: Refusal with all that is wrong in it."""
    reader = _Reader(text.removeprefix("\ufeff").replace("\r\n", "\n"), file, given)
    reader.read()
    if reader.problems:
        raise Refusal(*reader.problems)
    return reader.values


class _Reader:
    """Reads on from `at`, line by line."""

    def __init__(self, text: str, file: str, given: Mapping[str, str]) -> None:
        self.text = text
        self.file = file
        self.given = given
        self.values: dict[str, str] = {}
        self.problems: list[Problem] = []
        self.at = 0
        self.size = 0

    def read(self) -> None:
        while self.skip(BLANK) < len(self.text) and len(self.problems) < PROBLEMS_AT_MOST:
            start = self.at
            name = NAME.match(self.text, start)
            if name is None:
                self.no_name(start)
            else:
                self.at = name.end()
                self.values[name[1]] = self.value()

    def skip(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return self.at

    def value(self) -> str:
        start = self.at
        quote = self.text[start : start + 1]
        if quote == "#" and self.text[start - 1] in " \t":
            return ""
        if quote not in ("'", '"'):
            self.skip(BARE)
            return self.expanded(start, self.at, BARE_ESCAPES)
        found = (SINGLE if quote == "'" else DOUBLE).match(self.text, start)
        if found is None:
            line = self.end_line(start)
            self.wrong(f"the `{quote}` that begins here is not closed", start, line)
            self.at = len(self.text)
            return ""
        self.at = found.end()
        if REST.match(self.text, self.at) is None:
            rest = self.at
            end = self.end_line(rest)
            self.wrong("expected the end of the line after the quoted value", rest, end)
        else:
            self.skip(REST)
        return found[1] if quote == "'" else self.expanded(*found.span(1), ESCAPES)

    def expanded(self, start: int, end: int, escapes: Mapping[str, str]) -> str:
        raw = self.text[start:end]
        if "\\" not in raw and "$" not in raw:
            return self.counted(raw, start)

        def replaced(found: re.Match[str]) -> str:
            if found[1] is not None:
                return escapes.get(found[1], found[0])
            if found[6] is not None:
                at = start + found.start()
                self.wrong("this is not a reference to a variable", at, at + 2, REFERENCES)
                return ""
            return self.counted(self.looked_up(found), start)

        return self.counted(SPECIAL.sub(replaced, raw), start)

    def looked_up(self, found: re.Match[str]) -> str:
        name = found[2] or found[5]
        value = self.given.get(name, self.values.get(name))
        if value is None or (not value and found[3] == ":-"):
            return found[4] or ""
        return value

    def counted(self, value: str, start: int) -> str:
        """The value, unless references to references have grown beyond all use."""
        self.size += len(value)
        if self.size <= 2 * SIZE_AT_MOST_CHARACTERS:
            return value
        if self.size - len(value) <= 2 * SIZE_AT_MOST_CHARACTERS:
            self.wrong("the values are longer than 1 MiB in all", start, self.end_line(start))
        return ""

    def no_name(self, start: int) -> None:
        end = self.end_line(start)
        line = self.text[start:end].rstrip()
        name = line.partition("=")[0].strip()
        if "=" not in line:
            self.wrong("expected `NAME=value`", start, start + len(line))
        elif name:
            self.wrong(f"`{name[:40]}` cannot be the name of a variable", start, start + len(name))
        else:
            self.wrong("a name is missing before the `=`", start, start + 1)

    def end_line(self, start: int) -> int:
        """Go to the end of the line."""
        end = self.text.find("\n", start)
        self.at = end if end >= 0 else len(self.text)
        return self.at

    def wrong(self, message: str, start: int, end: int, hint: str | None = None) -> None:
        if len(self.problems) < PROBLEMS_AT_MOST:
            at = place(self.file, self.text, Span(start=start, end=max(end, start + 1)))
            self.problems.append(Problem(message=message, place=at, hint=hint))
