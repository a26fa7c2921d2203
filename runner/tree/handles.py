"""Folders below a root, opened one below the other: no link on the way is ever followed, whoever puts one there."""

from __future__ import annotations

import errno
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    # A descriptor of a folder in which `name` is opened as a folder; the path is for messages.
    Step = Callable[[int, str, str], int]

FOLDER: Final = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_DIRECTORY", 0)
NO_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)
_FILE: Final = os.O_RDONLY | os.O_CLOEXEC | NO_FOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
# What opening a folder says of a file, and of a link that may not be followed.
NO_FOLDER: Final = (errno.ENOTDIR, errno.ELOOP, errno.EMLINK)


def named(error: OSError, path: str) -> OSError:
    """The same error, of the path as people know it."""
    return OSError(error.errno, error.strerror, path)


def parts(path: str) -> list[str]:
    """The names of a path below the root. *Raises*: OSError for a path that could lead elsewhere."""
    names = path.split("/")
    if not path or "\0" in path or not {"", ".", ".."}.isdisjoint(names):
        raise OSError(errno.EINVAL, "not a path below the root", path)
    return names


class Handles:
    """The folder that was asked for last, and those above it, held open. `close` is owed."""

    def __init__(self, root: str) -> None:
        self._root = os.open(root, FOLDER)
        self._held: list[tuple[str, int]] = []

    def __enter__(self) -> Handles:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all."""
        self._back_to(0)
        os.close(self._root)

    def folder(self, path: str, step: Step | None = None) -> int:
        """A descriptor of a folder, `""` being the root; good until the next call. *Raises*: OSError.

        `step` opens a folder in another; what it does where there is none is its own affair.
        """
        names = parts(path) if path else []
        shared = 0
        while shared < min(len(names), len(self._held)) and self._held[shared][0] == names[shared]:
            shared += 1
        self._back_to(shared)
        for at in range(shared, len(names)):
            above = self._held[-1][1] if self._held else self._root
            opened = (step or open_folder)(above, names[at], "/".join(names[: at + 1]))
            self._held.append((names[at], opened))
        return self._held[-1][1] if self._held else self._root

    def _back_to(self, count: int) -> None:
        while len(self._held) > count:
            os.close(self._held.pop()[1])


def open_folder(above: int, name: str, path: str) -> int:
    """A folder in an open one; a link is none. *Raises*: OSError with the path."""
    try:
        return os.open(name, FOLDER | NO_FOLLOW, dir_fd=above)
    except OSError as error:
        raise named(error, path) from None


def open_file(root: str, path: str) -> int:
    """A descriptor to read a file below the root. *Raises*: OSError, also for what is no file."""
    parts(path)
    folder, name = split(path)
    with Handles(root) as handles:
        try:
            fd = os.open(name, _FILE, dir_fd=handles.folder(folder))
        except OSError as error:
            raise named(error, path) from None
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "not a file", path)
    return fd


def split(path: str) -> tuple[str, str]:
    """The folder that a path is in, and its name there."""
    folder, _, name = path.rpartition("/")
    return folder, name


def lstat_at(folder: int, name: str) -> os.stat_result | None:
    """What stat says of an entry of an open folder, None if there is none. *Raises*: OSError."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
