"""Where text leaves the process: a descriptor that may be slow, blocked or closed without harm to any task.

A pipe or a terminal that nobody reads must not stop the loop, and must not be made non-blocking for the shell and the
tasks that share it. So it is opened anew, which gives a file description of our own; where that cannot be, it is
polled first.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from runner.report.spool import Spool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    # Writes some of the bytes and says how many; BlockingIOError where none would go.
    Send = Callable[[memoryview], int]

QUEUE_BYTES = 1024 * 1024
FLUSHED_AT_ONCE_BYTES = 1024 * 1024
# POSIX: a pipe that polls as writable takes this much without blocking. Linux takes more, macOS no more than this.
POLLED_AT_ONCE_BYTES = 512


class Outlet:
    """Takes bytes at once, and gives them to a descriptor as fast as that takes them, in order.

    `is_closed` is True once nobody can read it any more (EPIPE, EIO, ENOSPC and their like): what is written then is
    dropped.
    """

    def __init__(self, fd: int, spool: Spool, owns_fd: bool = False) -> None:
        self._queue = spool.log(QUEUE_BYTES)
        self._head = memoryview(b"")
        self._closers: list[Callable[[], None]] = [lambda: os.close(fd)] if owns_fd else []
        self._given = fd
        self._fd = fd
        self.is_closed = False
        # All that was written, for who wants to say it again.
        self.heard: bytes | None = None
        try:
            self._send = self._way(fd)
        except OSError:
            self._send = _refuse
            self.is_closed = True

    @property
    def is_waiting(self) -> bool:
        """True while something waits for the descriptor to take it."""
        return bool(self._head or self._queue)

    @property
    def lost_bytes(self) -> int:
        """How many bytes found no room to wait in, neither in memory nor on disk."""
        return self._queue.lost_bytes

    def fileno(self) -> int:
        """The descriptor to wait for until it can be written."""
        return self._fd

    def size(self) -> tuple[int, int]:
        """Columns and lines of the terminal as it is now; what is usual where it is none."""
        try:
            found = os.get_terminal_size(self._given)
        except OSError:
            return 80, 24
        return found.columns or 80, found.lines or 24

    def write(self, data: bytes) -> None:
        """Send what goes out at once, and keep the rest."""
        if self.is_closed or not data:
            return
        if self.heard is not None:
            self.heard += data
        if self.is_waiting:
            self._queue.add(data)
            # Whoever writes much gives the descriptor its chance without waiting for the loop to do so.
            self.flush_some()
            return
        rest = self._sent(memoryview(data))
        if rest:
            self._queue.add(bytes(rest))

    def flush_some(self) -> None:
        """Send what waits, as much as goes out at once, but no more than a part, so that the loop gets its turn."""
        budget = FLUSHED_AT_ONCE_BYTES
        while self.is_waiting and not self.is_closed and budget > 0:
            if not self._head:
                self._head = memoryview(self._queue.take())
            before = len(self._head)
            self._head = self._sent(self._head)
            budget -= before - len(self._head)
            if self._head:
                return

    def drain(self, idle_s: float | None = None) -> bool:
        """Wait until all is sent, and say whether it is; a signal handler that raises ends the wait.

        *Units*: `idle_s` bounds the wait for a descriptor that takes nothing at all; None waits for ever.
        """
        while self.is_waiting and not self.is_closed:
            if not _is_writable(self._fd, idle_s):
                return False
            self.flush_some()
        return not self.is_closed

    def close(self) -> None:
        """Forget what waits and give back what was opened; a descriptor that is not owned stays open."""
        self.is_closed = True
        self._mute()
        while self._closers:
            # The descriptor is gone in any case, and what was to be said is said.
            with suppress(OSError):
                self._closers.pop()()

    def _sent(self, data: memoryview) -> memoryview:
        """What is left of the data when the descriptor takes no more."""
        try:
            while data:
                data = data[self._send(data) :]
        except BlockingIOError:
            return data
        except OSError:
            self.is_closed = True
            self._mute()
            return memoryview(b"")
        return data

    def _mute(self) -> None:
        self._head = memoryview(b"")
        self._queue.drop()

    def _way(self, fd: int) -> Send:
        mode = os.fstat(fd).st_mode
        if not _is_for_writing(fd):
            raise OSError("open for reading only")
        if stat.S_ISSOCK(mode):
            return self._by_socket(fd)
        if stat.S_ISFIFO(mode) or os.isatty(fd):
            return self._by_own_description(fd) or self._by_poll
        # A regular file (whose offset all who share it move) and /dev/null never block.
        return lambda data: os.write(fd, data)

    def _by_own_description(self, fd: int) -> Send | None:
        path = f"/proc/self/fd/{fd}" if os.path.exists(f"/proc/self/fd/{fd}") else _terminal_of(fd)
        if path is None:
            return None
        try:
            own = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError:
            return None  # a terminal of another user (after `su`), a kernel without /proc
        self._fd = own
        self._closers.append(lambda: os.close(own))
        return lambda data: os.write(own, data)

    def _by_socket(self, fd: int) -> Send:
        import socket

        own = socket.socket(fileno=os.dup(fd))
        self._closers.append(own.close)
        flags = socket.MSG_DONTWAIT | getattr(socket, "MSG_NOSIGNAL", 0)
        return lambda data: own.send(data, flags)

    def _by_poll(self, data: memoryview) -> int:
        if not _is_writable(self._fd, 0):
            raise BlockingIOError
        return os.write(self._fd, data[:POLLED_AT_ONCE_BYTES])


def both_outlets(out_fd: int, err_fd: int, spool: Spool) -> tuple[Outlet, Outlet]:
    """The outlets of standard output and standard error: the same one where both lead to one place, to keep order."""
    out = Outlet(out_fd, spool)
    return out, out if _is_same(out_fd, err_fd) else Outlet(err_fd, spool)


def outlet_to_file(path: str, spool: Spool) -> Outlet:
    """An outlet to a file that is begun anew. *Raises*: OSError if it cannot be opened."""
    # Non-blocking, so that a named pipe without a reader is an error and not a run that never begins.
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK | os.O_NOCTTY
    return Outlet(os.open(path, flags, 0o666), spool, owns_fd=True)


def _refuse(data: memoryview) -> int:
    raise BrokenPipeError


def _is_for_writing(fd: int) -> bool:
    """False for a descriptor that was opened for reading: opening it anew would give what its owner withheld."""
    try:
        from fcntl import F_GETFL, fcntl
    except ImportError:
        return True
    return fcntl(fd, F_GETFL) & os.O_ACCMODE != os.O_RDONLY


def _is_same(one: int, other: int) -> bool:
    try:
        first, second = os.fstat(one), os.fstat(other)
    except OSError:
        return False
    shared = stat.S_ISFIFO(first.st_mode) or stat.S_ISSOCK(first.st_mode) or os.isatty(one)
    return shared and (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino)


def _terminal_of(fd: int) -> str | None:
    try:
        return os.ttyname(fd)
    except OSError:
        return None


def _is_writable(fd: int, wait_s: float | None) -> bool:
    import select

    try:
        poll = select.poll()
    except AttributeError:  # Windows: only sockets can be polled, and there only they are
        return bool(select.select([], [fd], [], wait_s)[1])
    poll.register(fd, select.POLLOUT)
    return bool(poll.poll(None if wait_s is None else wait_s * 1000))
