"""What is wrong with a text that is no YAML, in words for people."""

from __future__ import annotations

from runner.config import Span
from runner.config.naming import cut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    # Message, span, hint.
    Told = tuple[str, Span, str | None]

QUOTES: Final = "put it in quotes"
NO_ESCAPE: Final = "a backslash is written `\\\\`; between '…' nothing is an escape"
SAME_COLUMN: Final = "what belongs together begins in the same column"


def fault(text: str, error: Any) -> Told:
    """What the parser's error says. *Why* by its wording: the parser tells its errors apart in no other way."""
    if hasattr(error, "character"):
        at = error.position
        shown = ascii(text[at])[1:-1]
        return (
            f"the character `{shown}` has no place here",
            Span(start=at, end=at + 1),
            "write it as an escape, in double quotes",
        )
    broken = _Broken(text, error)
    for part, explain in EXPLAINED.items():
        if part in broken.said:
            return explain(broken)
    return f"this is not YAML: {broken.said}", broken.here(), None


class _Broken:
    """One syntax error: `at` is where the parser stood, `start` where it began what it was reading."""

    def __init__(self, text: str, error: Any) -> None:
        self.text = text
        self.said = str(error.problem)
        self.doing = str(error.context or "")
        self.at = min(error.problem_mark.index, len(text)) if error.problem_mark else 0
        self.start = min(error.context_mark.index, len(text)) if error.context_mark else self.at

    def here(self, width: int = 1) -> Span:
        return Span(start=self.at, end=self.at + width)

    def before(self) -> str:
        """What stands before on the same line."""
        return self.text[self.text.rfind("\n", 0, self.at) + 1 : self.at]

    def word(self) -> str:
        rest = self.text[self.at :].partition("\n")[0].partition(" #")[0].rstrip()
        return cut(rest)

    def started(self) -> Span:
        rest = self.text[self.start :].partition("\n")[0]
        return Span(start=self.start, end=self.start + (1 if rest[:1] in "[{" else len(rest)))

    def colon(self) -> Told:
        if ": " in self.before():
            return "a second `:` in one line", self.here(), "text with `: ` in it goes in quotes"
        return "a key cannot begin here", Span(start=self.at - len(self.before().lstrip()), end=self.at), SAME_COLUMN

    def character(self) -> Told:
        char = self.text[self.at]
        if char == "\t":
            width = len(self.text[self.at :]) - len(self.text[self.at :].lstrip("\t"))
            what = "a tab cannot stand here" if self.before().strip() else "a tab cannot indent a line"
            return what, self.here(width), "use spaces"
        return f"text cannot begin with `{char}`", self.here(max(1, len(self.word()))), QUOTES

    def separator(self) -> Told:
        what, closing = ("list", "]") if "sequence" in self.doing else ("table", "}")
        if self.at >= len(self.text.rstrip()) or "stream end" in self.said or self.text[self.at] == ":":
            return f"the {what} that begins here is not closed", self.started(), None
        word = self.word()
        return f"expected `,` or `{closing}`, not `{word}`", self.here(len(word)), None

    def open_string(self) -> Told:
        return "the string that begins here is not closed", self.started(), None

    def escape(self) -> Told:
        start = self.text.rfind("\\", 0, self.at + 1)
        return f"`{self.text[start : start + 2]}` is not an escape", Span(start=start, end=start + 2), NO_ESCAPE

    def digits(self) -> Told:
        start = self.text.rfind("\\", 0, self.at + 1)
        wanted = {"x": 2, "u": 4, "U": 8}.get(self.text[start + 1 : start + 2], 0)
        message = f"`{self.text[start : start + 2]}` wants {wanted} hexadecimal digits of a character"
        return message, Span(start=start, end=start + 2), NO_ESCAPE

    def stray(self) -> Told:
        word = self.word()
        if self.before().strip():
            return f"expected the end of the line, not `{word}`", self.here(len(word)), None
        what = "list" if "collection" in self.doing or "sequence" in self.doing else "table"
        line = self.text.count("\n", 0, self.start) + 1
        return f"`{word}` does not belong to the {what} that begins in line {line}", self.here(len(word)), SAME_COLUMN

    def no_colon(self) -> Told:
        return "expected `:` after the key", self.started(), None

    def no_value(self) -> Told:
        if self.at >= len(self.text):
            return "a value is missing at the end of the file", self.here(), None
        return f"expected a value, not `{self.text[self.at]}`", self.here(), None

    def dash(self) -> Told:
        return (
            "an entry of a list cannot begin here",
            self.here(),
            "a list begins on a line of its own, or is written `[…]`",
        )

    def second(self) -> Told:
        word = self.word()
        if not word:
            return "the file ends too early", self.here(), None
        return f"`{word}` does not belong to what stands above", self.here(len(word)), SAME_COLUMN

    def anchor(self) -> Told:
        if "directive" in self.doing:
            return "this is no directive", self.started(), None
        return "a name is missing after `&` or `*`", Span(start=self.start, end=self.start + 1), QUOTES

    def block(self) -> Told:
        return "after `|` or `>` the text begins on the next line", self.here(), None

    def tag(self) -> Told:
        word = self.word()
        return "tags are not allowed", self.here(len(word)), "a tasks file has plain values only"


EXPLAINED: Final[dict[str, Callable[[_Broken], Told]]] = {
    "URI": _Broken.tag,
    "codec": _Broken.tag,
    "mapping values are not allowed": _Broken.colon,
    "that cannot start any token": _Broken.character,
    "expected ',' or": _Broken.separator,
    "found unexpected end of stream": _Broken.open_string,
    "found unexpected document separator": _Broken.open_string,
    "unknown escape character": _Broken.escape,
    # The parser's own spelling.
    "hexdecimal": _Broken.digits,
    "expected <block end>": _Broken.stray,
    "could not find expected ':'": _Broken.no_colon,
    "expected the node content": _Broken.no_value,
    "sequence entries are not allowed": _Broken.dash,
    "expected '<document start>'": _Broken.second,
    "expected alphabetic or numeric": _Broken.anchor,
    "chomping or indentation": _Broken.block,
    "expected a comment or a line break": _Broken.block,
    "indentation indicator in the range": _Broken.block,
    "tag": _Broken.tag,
}
