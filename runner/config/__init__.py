"""Bytes of a tasks file to plain data, and from a key path back to the text: what a format must be able to do."""

from __future__ import annotations

from runner.noun import noun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from runner.manifest import KeyPath
else:
    Protocol = object


@noun
class Span:
    """A piece of a text. *Units*: characters from its beginning; `end` is the first one after it."""

    start: int
    end: int


class Locate(Protocol):
    """`Format.locate`, without its format."""

    def __call__(self, text: str, path: KeyPath, *, key: bool = False) -> Span:
        """Where a value or a key stands."""


class Format(Protocol):
    """A way to write a tasks file. A module with these two functions is one."""

    def parse(self, data: bytes, file: str) -> dict[str, Any]:
        """The file as dicts, lists, strings, integers, finite floats and booleans, whatever the format.

        *Raises*: Refusal with all that can be told at once, for what is no such file or goes beyond a limit.
        """

    def locate(self, text: str, path: KeyPath, *, key: bool = False) -> Span:
        """Where the value at the end of the path stands, or with `key` its key.

        `text` is what `source.decoded` gave and `parse` accepted. An entry of a list has no key: its value is told. Of
        a path that is not there, the deepest part that is.
        """
