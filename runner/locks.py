"""Locks that many processes take on files; the kernel gives them back when a process dies."""

from __future__ import annotations

import errno
import os

from runner.premises import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

# What says that files cannot be locked here at all, as on some network file systems.
UNSUPPORTED: Final = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
NAME_DIGITS: Final = 32


def lock(fd: int, *, is_shared: bool = False, waits: bool = True) -> bool | None:
    """Lock an open file. False if somebody else has it and `waits` is False; None where there are no locks.

    A lock goes with the descriptor that it was taken on, and with all copies of that. *Source*: flock(2).
    """
    try:
        import fcntl
    except ImportError:  # pragma: no cover - Windows, untested
        return None
    how = (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | (0 if waits else fcntl.LOCK_NB)
    try:
        fcntl.flock(fd, how)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in UNSUPPORTED:
            return None
        raise
    return True


def unlock(fd: int) -> None:
    """Give the lock of an open file back."""
    try:
        import fcntl
    except ImportError:  # pragma: no cover - Windows, untested
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_UN)
    except OSError:
        pass  # there are no locks here, so it has none


def is_at(fd: int, path: str) -> bool:
    """Whether an open file is the one that has the name now."""
    try:
        found = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    ours = os.fstat(fd)
    return (found.st_dev, found.st_ino) == (ours.st_dev, ours.st_ino)


class NodeLock:
    """One node of a project, for one process at a time.

    `folder` is the project's `.trun`; `run` is told to who waits. `trouble` says why there is no lock where none can
    be; then it counts as taken, since a folder that cannot be written holds up nobody.
    """

    def __init__(self, folder: str, node: str, run: str = "") -> None:
        from runner.digest import hasher

        name = hasher("blake3")(os.fsencode(node)).hexdigest()[:NAME_DIGITS]
        self.path = os.path.join(folder, "locks", name)
        self.trouble: str | None = None
        self._run = run
        self._fd = -1

    def try_take(self) -> bool:
        """Take the lock, unless somebody else has it. Does not wait."""
        if self._fd >= 0:
            return True
        try:
            return self._try_take()
        except OSError as error:
            self.trouble = f"`{shown(self.path)}` cannot be locked: {error.strerror}"
            return True

    def _try_take(self) -> bool:
        while True:
            fd = self._open()
            try:
                taken = lock(fd, waits=False)
                if taken is None:
                    self.trouble = f"`{shown(self.path)}` cannot be locked here: two runs at once may do the same"
                # Who had it may have taken the file away between our opening and our locking it.
                is_ours = taken is not False and is_at(fd, self.path)
                if is_ours:
                    self._fd, fd = fd, -1
                    self._sign()
                if is_ours or taken is False:
                    return is_ours
            finally:
                if fd >= 0:
                    os.close(fd)

    def _open(self) -> int:
        how = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            return os.open(self.path, how, 0o644)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            return os.open(self.path, how, 0o644)

    def _sign(self) -> None:
        """Write who has it: for a message, so that it matters to nobody whether there was room."""
        try:
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"{os.getpid()} {self._run}\n".encode("utf-8", "surrogateescape"), 0)
        except OSError:
            pass

    def holder(self) -> tuple[int, str] | None:
        """The process that has it and its run, as far as that is known."""
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
            with os.fdopen(fd, "rb") as file:
                pid, _, run = file.read(1024).decode("utf-8", "surrogateescape").rstrip("\n").partition(" ")
            return int(pid), run
        except (OSError, ValueError):
            return None

    def release(self) -> None:
        """Give it back; a second call does nothing.

        *Why* the file may be removed: whoever opened it meanwhile and gets the lock sees that it has no name any more.
        """
        if self._fd < 0:
            return
        fd, self._fd = self._fd, -1
        try:
            try:
                if is_at(fd, self.path):
                    os.unlink(self.path)
            finally:
                os.close(fd)
        except OSError:
            pass
