"""The TOML format: guards that cost a right file next to nothing, then the parser."""

from __future__ import annotations

from runner.config import Span
from runner.config.source import KEY_PARTS_AT_MOST, STRUCTURES_AT_MOST, VALUES_AT_MOST, decoded, is_plain
from runner.error import Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    from runner.manifest import KeyPath

# A run of these is a number of many digits, or nothing worse than a hash in a string.
DIGITS: Final = bytes.maketrans(b"123456789abcdefABCDEF_", b"0" * 22)
LONG_NUMBER: Final = b"0" * 19
NUL_ESCAPES: Final = ("\\u0000", "\\U00000000", "\\x00")


def parse(data: bytes, file: str) -> dict[str, Any]:
    """The file as plain data. *Raises*: Refusal with all syntax errors, or all values that have no place in it."""
    text = decoded(data, file)
    if is_suspicious(data):
        from runner.config.toml_limits import refuse_what_hurts

        refuse_what_hurts(text, file)
    try:
        made = loads(text)
    except (RecursionError, ValueError) as error:
        raise _broken(text, file, error) from None
    if not is_plain(made) or any(escape in text for escape in NUL_ESCAPES):
        refuse_what_is_odd(made, text, file)
    return made


def loads(text: str) -> dict[str, Any]:
    """What the parser makes of a text. *Raises*: ValueError, RecursionError."""
    # The compiled one first: same functions, less than half the time.
    try:
        from tomli import loads as parser
    except ImportError:
        from tomllib import loads as parser
    return parser(text)


def locate(text: str, path: KeyPath, *, key: bool = False) -> Span:
    """Where a value or a key stands in a valid text; a table without braces is told by its name."""
    from runner.config.toml_places import span

    return span(text, path, key=key)


def is_suspicious(data: bytes) -> bool:
    """Whether a file might hold what takes the parser long: may be wrong about a harmless file, never about the other.

    *Why*: a dotted key of 10,000 parts takes the parser 400 MB, 20,000 headers as much, a number of 10,000 digits is
    quadratic. To know for certain takes longer than parsing.
    """
    many = data.count(b"[") + data.count(b"{") + data.count(b".")
    if many > STRUCTURES_AT_MOST // 2 or data.count(b"=") + data.count(b",") > VALUES_AT_MOST:
        return True
    if many >= KEY_PARTS_AT_MOST and any(line.count(b".") >= KEY_PARTS_AT_MOST for line in data.split(b"\n")):
        return True
    return LONG_NUMBER in data.translate(DIGITS)


def _broken(text: str, file: str, error: Exception) -> Exception:
    """What to raise for a text that the parser could not read."""
    refusal = _painful(text, file)
    if refusal is not None:
        return refusal
    if isinstance(error, RecursionError):
        return RecursionError("BUG: the parser found deep nesting where the exact look found none")
    from runner.config.toml_faults import faults

    return Refusal(*faults(text, file, loads))


def refuse_what_is_odd(made: dict[str, Any], text: str, file: str) -> None:
    """Nothing, for plain data. *Raises*: Refusal with the values that a tasks file may not hold."""
    from itertools import islice

    from runner.config.place import place
    from runner.config.source import oddities
    from runner.error import Problem

    refusal = _painful(text, file)
    if refusal is not None:
        raise refusal
    problems = []
    for path, message, hint in islice(oddities(made), 100):
        span = locate(text, path, key="\0" in str(path[-1]))
        problems.append(Problem(message=message, place=place(file, text, span), hint=hint))
    if problems:
        raise Refusal(*problems)


def _painful(text: str, file: str) -> Refusal | None:
    """The refusal of a text that is beyond a limit."""
    from runner.config.toml_limits import refuse_what_hurts

    try:
        refuse_what_hurts(text, file)
    except Refusal as refusal:
        return refusal
    return None
