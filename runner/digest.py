"""Bytes to the digest that names them: BLAKE3, or SHA-256 where others have to understand it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final, Protocol

    class Hasher(Protocol):
        """Takes bytes in pieces."""

        def update(self, data: bytes | bytearray | memoryview, /) -> object:
            """Take some more."""

        def hexdigest(self) -> str:
            """The digest of all that was taken, as 64 lowercase hexadecimal digits."""

    Hash = Callable[[bytes], Hasher]

ALGORITHMS: Final = ("blake3", "sha256")
HEX: Final = frozenset("0123456789abcdef")


def hasher(algorithm: str) -> Hash:
    """The constructor of an algorithm's hashers. *Why* by name: only what is used is loaded."""
    if algorithm == "blake3":
        from blake3 import blake3

        return blake3
    from hashlib import sha256

    return sha256


def is_digest(text: str) -> bool:
    """Whether a text is a digest as written here. What comes from outside is never a path unless it is."""
    return len(text) == 64 and HEX.issuperset(text)
