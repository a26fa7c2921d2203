"""The bytes of a tasks file to the text that its format reads, and what plain data may hold."""

from __future__ import annotations

from runner.config import Span
from runner.config.place import place
from runner.error import refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Final

    from runner.manifest import KeyPath

SIZE_AT_MOST_BYTES: Final = 1 << 20
NESTING_AT_MOST: Final = 32
DIGITS_AT_MOST: Final = 18
KEY_PARTS_AT_MOST: Final = 32
# What the TOML parser keeps beside the data for each table, list and dotted part is about a kilobyte.
STRUCTURES_AT_MOST: Final = 60_000
VALUES_AT_MOST: Final = 100_000
TOO_BIG: Final = 10**DIGITS_AT_MOST
NUL: Final = "a NUL character has no place in a tasks file"
TOO_DEEP: Final = f"nested more than {NESTING_AT_MOST} levels deep"


def decoded(data: bytes, file: str, at_most_bytes: int = SIZE_AT_MOST_BYTES, hint: str | None = None) -> str:
    r"""The text of a file: UTF-8, without a byte order mark, `\r\n` as `\n`.

    *Raises*: Refusal for a file that is too large, is no UTF-8, or has a NUL in it.
    """
    if len(data) > at_most_bytes:
        raise refuse(f"`{file}` is larger than {at_most_bytes >> 10:,} KiB, the most that is read", hint=hint)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_utf8(data, file, error.start + (3 if data.startswith(b"\xef\xbb\xbf") else 0)) from None
    if "\r\n" in text:
        text = text.replace("\r\n", "\n")
    if "\0" in text:
        at = text.index("\0")
        raise refuse(NUL, place(file, text, Span(start=at, end=at + 1)))
    return text


def _not_utf8(data: bytes, file: str, at: int) -> Exception:
    before = data[:at].decode("utf-8-sig").replace("\r\n", "\n")
    after = data[at : at + 200].decode("utf-8", "replace").partition("\n")[0]
    span = Span(start=len(before), end=len(before) + 1)
    hint = "save the file as UTF-8"
    return refuse(f"byte 0x{data[at]:02x} is not UTF-8", place(file, before + after, span), hint)


def is_plain(data: dict[str, Any]) -> bool:
    """Whether there is nothing in it that a tasks file may not hold, but for NUL: see `oddities`, which says where."""
    level: list[Any] = [data]
    for _ in range(NESTING_AT_MOST + 1):
        below: list[Any] = []
        for container in level:
            for value in container.values() if type(container) is dict else container:
                kind = type(value)
                if kind is dict or kind is list:
                    below.append(value)
                elif not (kind is str or kind is bool or _is_number(value)):
                    return False
        if not below:
            return True
        level = below
    return False


def _is_number(value: object) -> bool:
    # An infinite float, or none at all, is not itself less itself.
    return (type(value) is int and -TOO_BIG < value < TOO_BIG) or (type(value) is float and value - value == 0)


def oddities(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str, str | None]]:
    """Each value that a tasks file may not hold: where, what is wrong, and a hint; in the order of the data."""
    if isinstance(value, dict | list):
        if len(path) > NESTING_AT_MOST:
            yield path, TOO_DEEP, None
            return
        for key, below in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(key, str) and "\0" in key:
                yield (*path, key), NUL, None
            yield from oddities(below, (*path, key))
    elif isinstance(value, str):
        if "\0" in value:
            yield path, NUL, None
    elif isinstance(value, bool) or _is_number(value):
        return
    elif isinstance(value, int):
        yield path, f"an integer has at most {DIGITS_AT_MOST} digits", "put it in quotes"
    elif isinstance(value, float):
        yield path, "infinite and undefined numbers have no use here", None
    else:
        yield path, "dates and times are not used here", f'put it in quotes: `"{value}"`'
