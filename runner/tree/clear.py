"""Removal of all that a folder holds, by handles: links are removed and never followed, whoever puts them there."""

from __future__ import annotations

import errno
import os
import stat

from runner.tree.handles import FOLDER, NO_FOLDER, NO_FOLLOW, lstat_at, named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

OWNER_MAY: Final = 0o700
DENIED: Final = (errno.EACCES, errno.EPERM)


class _Level:
    """One folder on the way down: its path, which it is, and the folders in it that are still there."""

    __slots__ = ("below", "ident", "path")

    def __init__(self, path: str, ident: tuple[int, int], below: list[str]) -> None:
        self.path = path
        self.ident = ident
        self.below = below


def clear(folder: int, path: str) -> None:
    """Remove all in an open folder. *Raises*: OSError with the path of what cannot be removed.

    Folders that may not be written are made writable where they are ours. What is mounted below is left alone: it is
    somebody's on purpose. *Why* two handles at any depth, and a way back by `..`: a tree can be deeper than a process
    may have files open. That the way back leads to where one came from is looked at.
    """
    at = os.dup(folder)
    try:
        levels = [_level(at, path)]
        while True:
            level = levels[-1]
            if level.below:
                at = _down(at, level)
                levels.append(_level(at, f"{level.path}/{level.below[-1]}"))
                continue
            levels.pop()
            if not levels:
                return
            at = _up(at, levels[-1])
            _remove_folder(at, levels[-1].below.pop(), level.path)
    finally:
        os.close(at)


def remove_entry(folder: int, name: str, path: str) -> None:
    """Remove one entry of an open folder, whatever it is. *Raises*: OSError with the path."""
    found = lstat_at(folder, name)
    if found is None:
        return
    if not stat.S_ISDIR(found.st_mode):
        _unlink(folder, name, path)
        return
    below = open_to_change(folder, name, path)
    try:
        if os.fstat(below).st_dev != os.fstat(folder).st_dev:
            raise _mounted(path)
        clear(below, path)
    finally:
        os.close(below)
    _remove_folder(folder, name, path)


def open_to_change(above: int, name: str, path: str) -> int:
    """A handle of a folder, made readable for its owner if it is not. *Raises*: OSError with the path."""
    try:
        return os.open(name, FOLDER | NO_FOLLOW, dir_fd=above)
    except OSError as error:
        if error.errno not in DENIED:
            raise named(error, path) from None
    try:
        _let_owner_in(above, name)
        return os.open(name, FOLDER | NO_FOLLOW, dir_fd=above)
    except OSError as error:
        raise named(error, path) from None


def let_owner_change(folder: int) -> bool:
    """Make an open folder writable for its owner; False if it was, or cannot be made so."""
    mode = stat.S_IMODE(os.fstat(folder).st_mode)
    if mode & OWNER_MAY == OWNER_MAY:
        return False
    try:
        os.fchmod(folder, mode | OWNER_MAY)
    except OSError:
        return False
    return True


def _let_owner_in(above: int, name: str) -> None:
    """*Why* by a handle: a mode set by name could land on what a link leads to."""
    if os.chmod in os.supports_follow_symlinks:
        os.chmod(name, OWNER_MAY, dir_fd=above, follow_symlinks=False)
        return
    handle = os.open(name, os.O_PATH | FOLDER | NO_FOLLOW, dir_fd=above)
    try:
        os.chmod(f"/proc/self/fd/{handle}", OWNER_MAY)
    finally:
        os.close(handle)


def _level(folder: int, path: str) -> _Level:
    """Removes what is no folder, and gives back what is left."""
    found = os.fstat(folder)
    below = []
    try:
        with os.scandir(folder) as entries:
            listed = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    except OSError as error:
        raise named(error, path) from None
    for name, is_folder in listed:
        if is_folder:
            below.append(name)
        else:
            _unlink(folder, name, f"{path}/{name}")
    return _Level(path, (found.st_dev, found.st_ino), below)


def _down(at: int, level: _Level) -> int:
    name = level.below[-1]
    path = f"{level.path}/{name}"
    try:
        below = open_to_change(at, name, path)
    except OSError as error:
        if error.errno not in (errno.ENOENT, *NO_FOLDER):
            raise
        raise OSError(errno.EBUSY, "changed while it was being removed", path) from None
    if os.fstat(below).st_dev != level.ident[0]:
        os.close(below)
        raise _mounted(path)
    os.close(at)
    return below


def _up(at: int, level: _Level) -> int:
    try:
        above = os.open("..", FOLDER, dir_fd=at)
    except OSError as error:
        raise named(error, level.path) from None
    found = os.fstat(above)
    if (found.st_dev, found.st_ino) != level.ident:
        os.close(above)
        raise OSError(errno.EBUSY, "changed while it was being removed", level.path)
    os.close(at)
    return above


def _unlink(folder: int, name: str, path: str) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        pass
    except OSError as error:
        if error.errno not in DENIED or not let_owner_change(folder):
            raise named(error, path) from None
        _unlink(folder, name, path)


def _remove_folder(folder: int, name: str, path: str) -> None:
    try:
        os.rmdir(name, dir_fd=folder)
    except FileNotFoundError:
        pass
    except OSError as error:
        if error.errno not in DENIED or not let_owner_change(folder):
            raise named(error, path) from None
        _remove_folder(folder, name, path)


def _mounted(path: str) -> OSError:
    return OSError(errno.EBUSY, "is on another file system", path)
