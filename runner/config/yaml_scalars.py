"""What a plain word of YAML is: text, a number, a boolean, or nothing.

*Source*: YAML 1.2.2, the core schema (10.3.2): `yes`, `on`, `12:30` and dates are text. A number that begins with a
zero, which older readers take for octal, is refused.
"""

from __future__ import annotations

import re

from runner.config.naming import cut
from runner.config.source import DIGITS_AT_MOST, NUL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

NOTHING: Final = object()
NOTHINGS: Final = frozenset(("", "~", "null", "Null", "NULL"))
BOOLEANS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
INTEGER: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
UNDEFINED: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
NUMBER_BEGINS: Final = frozenset("0123456789+-.")
TAG: Final = "tag:yaml.org,2002:"

if TYPE_CHECKING:
    # A value, or NOTHING; what is wrong with it, and a hint.
    Read = tuple[Any, str | None, str | None]


def value_of(text: str) -> Read:
    """What a word without quotes stands for."""
    if text[:1] in NUMBER_BEGINS and text:
        return _number(text)
    if text in NOTHINGS:
        return NOTHING, None, None
    return BOOLEANS.get(text, text), None, None


def _number(text: str) -> Read:
    quoted = f'put it in quotes: `"{cut(text)}"`'
    if INTEGER.fullmatch(text):
        digits = text.lstrip("+-")
        if len(digits) > DIGITS_AT_MOST:
            return 0, f"an integer has at most {DIGITS_AT_MOST} digits", "put it in quotes"
        if digits[0] == "0" and digits.isdecimal() and len(digits) > 1:
            return 0, f"`{cut(text)}` is octal for some readers, and not for others", quoted
        return int(text, 0), None, None
    if FLOAT.fullmatch(text):
        value = float(text)
        if value - value == 0:
            return value, None, None
    elif not UNDEFINED.fullmatch(text):
        return text, None, None
    return 0, "infinite and undefined numbers have no use here", None


def text_of(text: str) -> tuple[str, str | None]:
    """The text of a word with quotes, and what is wrong with it. JSON's pairs of escapes are made one character."""
    if "\0" in text:
        return text, NUL
    if text.isascii():
        return text, None
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16"), None
    except UnicodeDecodeError:
        return "", "an escape is half of a character"


def is_merge(event: Any) -> bool:
    """Whether an event is the key `<<`."""
    return type(event).__name__ == "ScalarEvent" and event.value == "<<" and bool(event.implicit[0])


def shown_tag(tag: object) -> str:
    """A tag as it is written."""
    text = str(tag)
    return cut(f"!!{text.removeprefix(TAG)}" if text.startswith(TAG) else text)
