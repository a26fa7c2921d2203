"""A folder of one's own below `.trun`, for what is to be swapped into the tree; it goes when its process goes."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from zlib import crc32

from runner import premises
from runner.locks import lock
from runner.tree.clear import remove_entry
from runner.tree.contents import OWNER_EXECUTES
from runner.tree.handles import NO_FOLLOW, Handles, lstat_at, open_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

STAGE: Final = "stage"
_COPY_BYTES: Final = 1 << 20
A_DAY_S: Final = 86_400
_CREATE: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)


class Stage:
    """The folder, open as `folder`. Its entries have numbers for names; `close` is owed, and removes it.

    Whoever makes one removes those of dead processes. *Why* a lock tells them apart, and no number of a process: in
    another container, or on another host, numbers mean others.
    """

    def __init__(self, root: str) -> None:
        premises.prepare(root)
        self._name = ""
        self._path = f"{premises.NAME}/{STAGE}"
        self._handles = Handles(root)
        try:
            self._all = self._handles.folder(self._path, make_folder)
            self.folder = self._made()
            self._remove_stale()
        except BaseException:
            self._handles.close()
            raise

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove it. What cannot be removed now is by whoever comes next."""
        try:
            remove_entry(self._all, self._name, f"{self._path}/{self._name}")
        except OSError:
            pass
        finally:
            os.close(self.folder)
            self._handles.close()

    def create(self, name: str, *, is_executable: bool) -> int:
        """A descriptor of a new file, with the mode that an output has. *Raises*: OSError."""
        return os.open(name, _CREATE, 0o755 if is_executable else 0o644, dir_fd=self.folder)

    def move(self, name: str, folder: int, to: str) -> None:
        """Swap an entry into an open folder, over what is no folder there. *Raises*: OSError."""
        os.rename(name, to, src_dir_fd=self.folder, dst_dir_fd=folder)

    def copy(self, name: str, folder: int, to: str) -> None:
        """The same for a folder on another file system: beside, then renamed. *Raises*: OSError.

        *Why* always the same name beside: what a killed process left is replaced by who does its work again.
        """
        beside = f".trun-{crc32(os.fsencode(to)):08x}"
        remove_entry(folder, beside, beside)
        try:
            self._copied(name, folder, beside)
            os.rename(beside, to, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(OSError):
                os.unlink(beside, dir_fd=folder)
            raise

    def _copied(self, name: str, folder: int, beside: str) -> None:
        found = os.stat(name, dir_fd=self.folder, follow_symlinks=False)
        if stat.S_ISLNK(found.st_mode):
            os.symlink(os.readlink(name, dir_fd=self.folder), beside, dir_fd=folder)
            return
        source = os.open(name, os.O_RDONLY | os.O_CLOEXEC | NO_FOLLOW, dir_fd=self.folder)
        try:
            to = os.open(beside, _CREATE, 0o755 if found.st_mode & OWNER_EXECUTES else 0o644, dir_fd=folder)
            with os.fdopen(to, "wb") as file:
                while data := os.read(source, _COPY_BYTES):
                    file.write(data)
        finally:
            os.close(source)

    def _made(self) -> int:
        """The folder, locked. Another process may take it for a stale one before it is: then there is another."""
        while True:
            self._name = f"{os.getpid()}-{os.urandom(8).hex()}"
            os.mkdir(self._name, 0o700, dir_fd=self._all)
            try:
                fd = open_folder(self._all, self._name, f"{self._path}/{self._name}")
            except FileNotFoundError:
                continue
            try:
                if _locked(fd) is not False and lstat_at(self._all, self._name) is not None:
                    return fd
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)

    def _remove_stale(self) -> None:
        for name in os.listdir(self._all):
            if name == self._name:
                continue
            try:
                fd = open_folder(self._all, name, name)
            except OSError:
                continue
            try:
                if _locked(fd) or self._is_older(fd):
                    remove_entry(self._all, name, f"{self._path}/{name}")
            except OSError:
                pass
            finally:
                os.close(fd)

    def _is_older(self, fd: int) -> bool:
        """Whether it was left a day ago, where locks tell nothing."""
        return _locked(fd) is None and os.fstat(fd).st_mtime + A_DAY_S < os.fstat(self.folder).st_mtime


def _locked(fd: int) -> bool | None:
    """Takes the lock of a folder. False if somebody else has it, None where there are no locks."""
    try:
        return lock(fd, waits=False)
    except OSError:
        return None


def make_folder(above: int, name: str, path: str) -> int:
    """A handle of a folder, made if there is none. *Raises*: OSError with the path."""
    try:
        return open_folder(above, name, path)
    except FileNotFoundError:
        pass
    try:
        os.mkdir(name, dir_fd=above)
    except FileExistsError:
        pass
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None
    return open_folder(above, name, path)
