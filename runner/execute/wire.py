"""The frames that trun and its reaper exchange: a length, then a marshalled tuple.

*Why*: both ends are the same interpreter, so `marshal` is exact and costs no import; a stream keeps frames of any size.
"""

from __future__ import annotations

import marshal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LENGTH_BYTES = 4


def frame(*message: Any) -> bytes:
    """A message as bytes to be sent."""
    body = marshal.dumps(message)
    return len(body).to_bytes(LENGTH_BYTES, "little") + body


class Frames:
    """Takes bytes as they come and gives the messages that are complete."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> list[tuple[Any, ...]]:
        """The messages that the bytes complete."""
        self._bytes += data
        found = []
        start = 0
        while len(self._bytes) - start >= LENGTH_BYTES:
            end = start + LENGTH_BYTES + int.from_bytes(self._bytes[start : start + LENGTH_BYTES], "little")
            if len(self._bytes) < end:
                break
            found.append(marshal.loads(self._bytes[start + LENGTH_BYTES : end]))
            start = end
        del self._bytes[:start]
        return found
