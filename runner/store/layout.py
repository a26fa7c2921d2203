"""What lies where in the folder of a cache, and how one file leaves it without another being lost."""

from __future__ import annotations

import os
import stat

from runner.digest import ALGORITHMS, HEX, is_digest
from runner.noun import noun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Final

RECORDS: Final = "ac"
BLOBS: Final = "cas"
TEMPORARY: Final = "tmp"
BAD: Final = "bad"
# Held by whoever collects; its time is that of the last collection.
LOCK: Final = "lock"
# Its size in bytes is about how many MiB the cache holds: added to by writers, set by each collection.
USAGE: Final = "usage"
TAG: Final = "CACHEDIR.TAG"
IGNORE: Final = ".gitignore"
IGNORE_TEXT: Final = b"*\n"
# *Source*: the Cache Directory Tagging Specification. The second line tells our caches from those of others.
TAG_TEXT: Final = (
    b"Signature: 8a477f597d28d172789f06886806bc55\n# This folder is a cache of trun. It may be removed at any time.\n"
)
BUCKETS: Final = 256
BLOCK_BYTES: Final = 4096


@noun
class File:
    """One file of a cache, as the folder listed it. `name` is the key or the digest that it should be of."""

    path: str
    name: str
    found: os.stat_result


def record_path(folder: str, key: str) -> str:
    """Where the record of a key lies."""
    return f"{folder}/{RECORDS}/{key[:2]}/{key}"


def blob_path(folder: str, algorithm: str, digest: str) -> str:
    """Where the blob of a digest lies."""
    return f"{folder}/{BLOBS}/{algorithm}/{digest[:2]}/{digest}"


def records(folder: str) -> Iterator[File]:
    """All that has the place of a record, in any order. *Raises*: OSError where a folder cannot be read."""
    return _listed(f"{folder}/{RECORDS}")


def blobs(folder: str, algorithm: str) -> Iterator[File]:
    """All that has the place of a blob, in any order. *Raises*: OSError where a folder cannot be read."""
    return _listed(f"{folder}/{BLOBS}/{algorithm}")


def _listed(folder: str) -> Iterator[File]:
    for bucket, _ in entries(folder):
        if len(bucket.name) != 2 or not bucket.is_dir(follow_symlinks=False):
            continue
        for entry, found in entries(bucket.path):
            if is_digest(entry.name) and entry.name.startswith(bucket.name):
                yield File(path=entry.path, name=entry.name, found=found)


def entries(folder: str) -> Iterator[tuple[os.DirEntry[str], os.stat_result]]:
    """What a folder holds, with what stat says; what vanishes meanwhile is left out. *Raises*: OSError."""
    try:
        with os.scandir(folder) as found:
            listed = list(found)
    except FileNotFoundError:
        return
    for entry in listed:
        try:
            yield entry, entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue


def blob_rooms(folder: str) -> Iterator[tuple[str, str]]:
    """Each algorithm that has blobs here, and their folder."""
    for algorithm in ALGORITHMS:
        if os.path.isdir(f"{folder}/{BLOBS}/{algorithm}"):
            yield algorithm, f"{folder}/{BLOBS}/{algorithm}"


def is_cache(folder: str) -> bool:
    """Whether trun made this folder to be a cache."""
    try:
        with open(f"{folder}/{TAG}", "rb") as file:
            return file.read(len(TAG_TEXT) + 1) == TAG_TEXT
    except OSError:
        return False


def room_bytes(size_bytes: int) -> int:
    """About what a file of that size takes up on a disk."""
    return -(-size_bytes // BLOCK_BYTES) * BLOCK_BYTES


def is_file(found: os.stat_result) -> bool:
    """Whether it is a plain file."""
    return stat.S_ISREG(found.st_mode)


class Names:
    """Names that no other process on any host uses, for what is not in its place yet, or no longer."""

    __slots__ = ("_count", "_token")

    def __init__(self) -> None:
        self._count = 0
        self._token = ""

    def temporary(self) -> str:
        """A name for a temporary file."""
        return f"t-{self._unique()}"

    def bad(self, path: str) -> str:
        """A name for a bad file, that still tells which it was."""
        return f"b-{self._unique()}-{os.path.basename(path)}"

    def _unique(self) -> str:
        # The process is named because a fork has the same token; it is the only thing that could share one.
        self._token = self._token or os.urandom(8).hex()
        self._count += 1
        return f"{self._token}.{os.getpid()}.{self._count}"


def is_made_up(name: str) -> bool:
    """Whether `Names` made this name: nothing else in the folders for such may ever be removed."""
    kind, _, rest = name.partition("-")
    token, _, numbers = rest.partition("-")[0].partition(".")
    return kind in ("t", "b") and len(token) == 16 and HEX.issuperset(token) and numbers.replace(".", "").isdecimal()


def take_away(path: str, to: str, is_meant: Callable[[os.stat_result], bool]) -> bool:
    """Move a file elsewhere, if it is the one that is meant. False if it was not: then it is back in its place.

    *Raises*: OSError, FileNotFoundError where it is gone.
    *Why* move first and look then: whoever replaces or touches the file between a look and its removal would lose it.
    After the move nobody can reach it by its path, so the look is the last word.
    """
    os.rename(path, to)
    is_done = False
    try:
        is_done = is_meant(os.lstat(to))
    finally:
        if not is_done:
            _put_back(to, path)
    return is_done


def remove(path: str) -> None:
    """Nothing is there any more, be it what it was; links are not followed. *Raises*: OSError."""
    if not stat.S_ISDIR(os.lstat(path).st_mode):
        os.unlink(path)
        return
    from shutil import rmtree

    rmtree(path)


def _put_back(moved: str, path: str) -> None:
    """Back to its place, unless something newer is there already."""
    try:
        os.link(moved, path, follow_symlinks=False)
    except FileExistsError:
        pass
    except OSError:  # a file system without links
        os.rename(moved, path)
        return
    os.unlink(moved)
