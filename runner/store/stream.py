"""Content from one descriptor to another, hashed on the way."""

from __future__ import annotations

from io import FileIO
from os import read, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from runner.digest import Hash, Hasher

# Up to here a file is read in one go; from there on its pieces are reused, and hashing drops the interpreter's lock.
SMALL_BYTES: Final = 1 << 20
PIECE_BYTES: Final = 1 << 20
# From here on several threads hash: 10 ms instead of 18 for 100 MiB on two cores, nothing gained below.
WIDE_BYTES: Final = 16 << 20
WIDE_PIECE_BYTES: Final = 4 << 20


def read_up_to(source: int, size_bytes: int) -> bytes:
    """What a descriptor still gives, but no more than so many bytes. *Raises*: OSError."""
    data = read(source, min(size_bytes, 1 << 16))
    if len(data) == size_bytes or not data:
        return data
    pieces = [data]
    left = size_bytes - len(data)
    while left and (data := read(source, min(left, SMALL_BYTES))):
        pieces.append(data)
        left -= len(data)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def write_all(to: int, data: bytes | memoryview) -> None:
    """Every byte is written. *Raises*: OSError."""
    done = write(to, data)
    if done < len(data):
        rest = memoryview(data)[done:]
        while rest:
            rest = rest[write(to, rest) :]


def pump(
    source: int, hash_: Hash, size_bytes: int, take: Callable[[bytes | memoryview], object], start: bytes = b""
) -> tuple[str, int]:
    """Hand on `start` and all that a descriptor still gives, piece by piece. The digest and the size of it.

    `size_bytes` is about how much that is, to choose how to go about it. *Raises*: OSError, and what `take` does.
    """
    is_wide = size_bytes >= WIDE_BYTES
    hasher = _wide(hash_) if is_wide else hash_(b"")
    total = len(start)
    if start:
        hasher.update(start)
        take(start)
    space = memoryview(bytearray(WIDE_PIECE_BYTES if is_wide else PIECE_BYTES))
    with FileIO(source, closefd=False) as file:
        while count := file.readinto(space):
            piece = space[:count]
            hasher.update(piece)
            take(piece)
            total += count
    return hasher.hexdigest(), total


def _wide(hash_: Hash) -> Hasher:
    """A hasher of several threads, where the algorithm has such."""
    threads = getattr(hash_, "AUTO", None)
    if threads is None:
        return hash_(b"")
    return hash_(b"", max_threads=threads)  # type: ignore[call-arg]
