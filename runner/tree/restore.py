"""Outputs as they were recorded, brought into the tree: all of them staged and verified, then swapped in."""

from __future__ import annotations

import errno
import os
import stat

from runner.pattern.spelling import is_at_or_below
from runner.stamp import NOWHERE, stamp_of
from runner.tree.clear import DENIED, let_owner_change, open_to_change, remove_entry
from runner.tree.contents import OWNER_EXECUTES
from runner.tree.handles import NO_FOLDER, Handles, lstat_at, named, open_folder, split
from runner.tree.recorded import above, fault
from runner.tree.stage import Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from runner.result import Made
    from runner.tree.contents import Contents, Unread


class Restore:
    """One restore. `owned` are the folders that hold exactly what was recorded afterwards; the rest is left alone.

    Inside owned folders whatever is in the way is replaced. Elsewhere only a file, a link or an empty folder in the
    place of an output is: what the task does not own may be somebody's work.
    """

    def __init__(
        self, contents: Contents, outputs: Sequence[Made], owned: Sequence[str], fetch: Callable[[str, int], bool]
    ) -> None:
        self._contents = contents
        self._start = contents.start
        self._outputs = sorted(outputs, key=_in_order)
        self._owned = tuple(folder.strip("/") for folder in owned)
        self._fetch = fetch
        self._recorded = {made.path for made in outputs if made.kind == "folder"}
        self._replaced: set[str] = set()  # owned folders that are something else now

    def run(self, base: str) -> str | None:
        """None when done; otherwise why not, and nothing was touched. *Raises*: OSError, perhaps half-way.

        `base` is the folder whose `.trun` has room for what is staged; it may be on another file system.
        """
        wrong = fault(self._outputs) or self._blocked()
        if wrong is not None:
            return wrong
        wanted = {str(number): made for number, made in enumerate(self._wanted())}
        if wanted:
            with Stage(base) as stage:
                for name, made in wanted.items():
                    if not self._stage(stage, name, made):
                        return f"the content of `{made.path}` is missing or damaged"
                with Handles(self._start) as handles:
                    for name, made in wanted.items():
                        self._swap(stage, handles, name, made)
        self._remove_strays()
        return None

    def _is_ours(self, path: str) -> bool:
        """Whether a path is an owned folder, or in one."""
        return any(is_at_or_below(path, folder) for folder in self._owned)

    def _blocked(self) -> str | None:
        """What is in the way and may not be replaced."""
        folders = {folder for made in self._outputs for folder in above(made.path)}
        folders.update(self._owned, *(above(folder) for folder in self._owned))
        for folder in sorted(folders):
            found = self._lstat(folder)
            if found is None or stat.S_ISDIR(found.st_mode):
                continue
            is_link = stat.S_ISLNK(found.st_mode)
            if is_link and self._leaves(folder):
                return f"`{folder}` is a link that leads out of the project"
            if not self._is_ours(folder):
                return f"`{folder}` is {'a link' if is_link else 'no folder'}, where a folder has to be"
            self._replaced.add(folder)
        return next(filter(None, map(self._held_folder, self._outputs)), None)

    def _leaves(self, link: str) -> bool:
        root = os.path.realpath(self._start)
        return not is_at_or_below(os.path.realpath(self._start + link).strip("/"), root.strip("/"))

    def _held_folder(self, made: Made) -> str | None:
        """A message if a folder that holds something is where something else has to be, and none that we own."""
        if made.kind == "folder" or self._is_ours(made.path):
            return None
        found = self._lstat(made.path)
        if found is None or not stat.S_ISDIR(found.st_mode) or not os.listdir(self._start + made.path):
            return None
        return f"`{made.path}` is a folder that holds something, where a {made.kind} has to be"

    def _lstat(self, path: str) -> os.stat_result | None:
        """What is there, if it can be told; a folder of ours that keeps it from us is opened up later."""
        try:
            return os.lstat(self._start + path)
        except OSError as error:
            if error.errno in NOWHERE or (error.errno in DENIED and self._is_ours(split(path)[0])):
                return None
            raise named(error, path) from None

    def _wanted(self) -> list[Made]:
        """The outputs that are not as recorded."""
        since_ns = self._contents.clock_ns()
        lost = []
        asked: list[tuple[Made, Unread]] = []
        for made in self._outputs:
            found = None if self._replaced.intersection(above(made.path)) else self._lstat(made.path)
            if found is None or not self._could_be_right(made, found):
                lost.append(made)
            elif made.kind == "file":
                stamp = stamp_of(found)
                known = self._contents.memory.get(made.path, stamp)
                if known is None:
                    asked.append((made, (made.path, found, stamp)))
                elif known != made.digest:
                    lost.append(made)
        reads = self._contents.read([one for _, one in asked], since_ns)
        lost += [made for (made, _), read in zip(asked, reads, strict=True) if not _is(read, made.digest)]
        return sorted(lost, key=_in_order)

    def _could_be_right(self, made: Made, found: os.stat_result) -> bool:
        """All but the content of a file."""
        if made.kind == "folder":
            return stat.S_ISDIR(found.st_mode)
        if made.kind == "link":
            return stat.S_ISLNK(found.st_mode) and os.readlink(self._start + made.path) == made.target
        is_executable = bool(found.st_mode & OWNER_EXECUTES)
        return stat.S_ISREG(found.st_mode) and found.st_size == made.size_bytes and is_executable == made.is_executable

    def _stage(self, stage: Stage, name: str, made: Made) -> bool:
        """Everything that an output is, under a name of the stage; False if its content cannot be had."""
        if made.kind == "folder":
            return True
        if made.kind == "link":
            os.symlink(made.target, name, dir_fd=stage.folder)
            return True
        fd = stage.create(name, is_executable=made.is_executable)
        try:
            return self._fetch(made.digest, fd) and os.fstat(fd).st_size == made.size_bytes
        finally:
            os.close(fd)

    def _swap(self, stage: Stage, handles: Handles, name: str, made: Made) -> None:
        folder, last = split(made.path)
        to = handles.folder(folder, self._step)
        if made.kind == "folder":
            os.close(self._step(to, last, made.path))
            return
        there = lstat_at(to, last)
        if there is not None and stat.S_ISDIR(there.st_mode):
            self._remove(to, last, made.path)
        try:
            self._willing(to, made.path, lambda: stage.move(name, to, last))
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            self._willing(to, made.path, lambda: stage.copy(name, to, last))
        if made.kind == "file":
            found = lstat_at(to, last)
            if found is not None:
                self._contents.written[made.path] = stamp_of(found), made.digest

    def _remove(self, folder: int, name: str, path: str) -> None:
        """What is in the way: all of it if it is ours, else only an empty folder."""
        if self._is_ours(path):
            remove_entry(folder, name, path)
        else:
            self._willing(folder, path, lambda: os.rmdir(name, dir_fd=folder))

    def _step(self, folder: int, name: str, path: str) -> int:
        """A handle of a folder, which is made if there is none; if it is ours, also in the place of something else."""
        is_ours = self._is_ours(path)
        try:
            return (open_to_change if is_ours else open_folder)(folder, name, path)
        except FileNotFoundError:
            pass
        except OSError as error:
            if error.errno not in NO_FOLDER or not (is_ours or path in self._recorded):
                raise
            remove_entry(folder, name, path)
        self._willing(folder, path, lambda: os.mkdir(name, dir_fd=folder))
        return open_folder(folder, name, path)

    def _willing(self, folder: int, path: str, change: Callable[[], None]) -> None:
        """Change something in an open folder; in one that is ours also if it is read-only. *Raises*: OSError."""
        try:
            change()
        except OSError as error:
            if error.errno not in DENIED or not self._is_ours(split(path)[0]) or not let_owner_change(folder):
                raise named(error, path) from None
            self._willing(folder, path, change)

    def _remove_strays(self) -> None:
        """What owned folders hold and was not recorded."""
        leaves = {made.path for made in self._outputs if made.kind != "folder"}
        folders = {folder for made in self._outputs for folder in above(made.path)} | self._recorded
        with Handles(self._start) as handles:
            for owned in self._owned:
                for folder, path, is_folder in self._in(handles, owned, folders):
                    if (path not in folders) if is_folder else (path not in leaves):
                        remove_entry(folder, split(path)[1], path)
                if owned not in folders:
                    self._remove_owned(handles, owned)

    def _in(self, handles: Handles, owned: str, folders: set[str]) -> Iterator[tuple[int, str, bool]]:
        """All that an owned folder holds, not entering what is no recorded folder: the handle that it is in, path, and
        whether it is a folder."""
        todo = [owned]
        while todo:
            folder = todo.pop()
            try:
                at = handles.folder(folder, self._existing)
                with os.scandir(at) as entries:
                    listed = [(f"{folder}/{entry.name}", entry.is_dir(follow_symlinks=False)) for entry in entries]
            except OSError as error:
                if error.errno in (errno.ENOENT, *NO_FOLDER):
                    continue
                raise named(error, folder) from None
            for path, is_folder in listed:
                yield at, path, is_folder
            todo += [path for path, is_folder in listed if is_folder and path in folders]

    def _existing(self, folder: int, name: str, path: str) -> int:
        return (open_to_change if self._is_ours(path) else open_folder)(folder, name, path)

    def _remove_owned(self, handles: Handles, owned: str) -> None:
        """An owned folder of which nothing was recorded was not there."""
        folder, name = split(owned)
        try:
            at = handles.folder(folder)
            found = lstat_at(at, name)
            if found is not None and stat.S_ISDIR(found.st_mode):
                os.rmdir(name, dir_fd=at)
            else:
                remove_entry(at, name, owned)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.EBUSY, *DENIED):
                raise named(error, owned) from None


def _in_order(made: Made) -> list[str]:
    return made.path.split("/")


def _is(read: tuple[str, str] | OSError | None, digest: str) -> bool:
    return isinstance(read, tuple) and read[0] == digest
