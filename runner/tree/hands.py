"""Removal from the tree: of all that a folder holds, and of outputs that are still as they were recorded."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from runner.stamp import stamp_of
from runner.tree.clear import clear, open_to_change
from runner.tree.contents import OWNER_EXECUTES
from runner.tree.handles import NO_FOLDER, Handles, lstat_at, parts, split
from runner.tree.recorded import above

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.result import Made
    from runner.tree.contents import Contents


def empty(root: str, folder: str) -> None:
    """Remove all that a folder below the root holds, if there is one. *Raises*: OSError, also where a link is one."""
    path = folder.rstrip("/")
    parts(path)
    inside, name = split(path)
    with Handles(root) as handles:
        try:
            fd = open_to_change(handles.folder(inside), name, path)
        except FileNotFoundError:
            return
        try:
            clear(fd, path)
        finally:
            os.close(fd)


def remove(contents: Contents, outputs: Iterable[Made]) -> tuple[list[str], list[str]]:
    """Remove outputs that are as recorded, and folders that are empty then. The paths removed, and those kept."""
    removed: list[str] = []
    kept: list[str] = []
    with Handles(contents.start) as handles:
        # Backwards: what is in a folder comes before the folder.
        for made in sorted(outputs, key=lambda made: made.path.split("/"), reverse=True):
            gone = _removed(contents, handles, made)
            if gone is not None:
                (removed if gone else kept).append(made.path)
        _remove_empty(handles, {folder for path in removed for folder in above(path)})
    return removed[::-1], kept[::-1]


def _removed(contents: Contents, handles: Handles, made: Made) -> bool | None:
    """Whether one output was removed; None if it was not there."""
    try:
        parts(made.path)
        folder, name = split(made.path)
        at = handles.folder(folder)
        found = lstat_at(at, name)
        if found is None:
            return None
        if not _is_as_recorded(contents, at, name, made, found):
            return False
        (os.rmdir if made.kind == "folder" else os.unlink)(name, dir_fd=at)
    except FileNotFoundError:
        return None
    except OSError as error:
        # Behind a link, or a file, nothing is of ours.
        return None if error.errno in NO_FOLDER and not os.path.lexists(contents.start + made.path) else False
    return True


def _is_as_recorded(contents: Contents, at: int, name: str, made: Made, found: os.stat_result) -> bool:
    if made.kind == "folder":
        return stat.S_ISDIR(found.st_mode)
    if made.kind == "link":
        return stat.S_ISLNK(found.st_mode) and os.readlink(name, dir_fd=at) == made.target
    if not stat.S_ISREG(found.st_mode) or bool(found.st_mode & OWNER_EXECUTES) != made.is_executable:
        return False
    stamp = stamp_of(found)
    digest = contents.memory.get(made.path, stamp)
    if digest is None:
        (read,) = contents.read([(made.path, found, stamp)], contents.clock_ns())
        digest = read[0] if isinstance(read, tuple) else None
    again = lstat_at(at, name)
    return digest == made.digest and again is not None and stamp_of(again) == stamp


def _remove_empty(handles: Handles, folders: Iterable[str]) -> None:
    for path in sorted(folders, key=lambda path: path.split("/"), reverse=True):
        folder, name = split(path)
        with suppress(OSError):  # it holds something, or is not ours to remove
            os.rmdir(name, dir_fd=handles.folder(folder))
