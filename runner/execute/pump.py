"""The reaper's other end: sends it commands, and carries what they write to where it goes."""

from __future__ import annotations

import errno
import fcntl
import os
import selectors
import signal
import socket
import sys
from array import array

from runner.execute import group
from runner.execute.wire import Frames, frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from runner.result import Action, Sink, Stream

READ_BYTES = 65536
PIPE_BYTES = 1 << 20
# Reads of one descriptor before the others have their turn.
READS_A_TURN = 8
HIGH_FD = 64
LOW_FD = 8
BURYINGS_AT_MOST = 1000
# The pids of the reapers of this process: the only children that it has by itself.
REAPERS: set[int] = set()


class Running:
    """One command from its start to the last byte that it wrote."""

    __slots__ = (
        "action",
        "fds",
        "gone",
        "left",
        "number",
        "on_change",
        "sink",
        "stop_signal",
        "trouble",
        "usage",
        "wait_status",
    )

    def __init__(self, number: int, action: Action, sink: Sink, on_change: Callable[[], None]) -> None:
        self.number = number
        self.action = action
        self.sink = sink
        self.on_change = on_change
        self.fds: dict[int, Stream] = {}
        self.wait_status: int | None = None
        self.usage: tuple[float, int] | None = None
        self.left: list[str] = []
        self.gone = False
        self.trouble: int | None = None
        self.stop_signal: int | None = None

    @property
    def is_over(self) -> bool:
        """True once the command itself has ended, or could not be started."""
        return self.wait_status is not None or self.trouble is not None


class Pump:
    """A reaper process, the pipes of what it runs, and one selector over them all.

    *Why one selector*: a task of the event loop for each pipe costs more than starting a process does.
    """

    def __init__(self, environ: Mapping[str, str], *, leaves: bool, jobserver_fds: Sequence[int] = ()) -> None:
        self.selector = selectors.DefaultSelector()
        self.commands: dict[int, Running] = {}
        self.by_fd: dict[int, Running] = {}
        self.frames = Frames()
        self.swept: list[tuple[str | None, str]] | None = None
        self.is_dead = False
        self._number = 0
        self._envs: list[Mapping[str, str]] = []
        self._unwatched: list[Running] = []
        self._watched: set[int] = set()
        self.sock, self.pid = start_reaper(environ, leaves=leaves, jobserver_fds=jobserver_fds)
        self.selector.register(self.sock, selectors.EVENT_READ)

    def fileno(self) -> int:
        """The selector's own descriptor: readable whenever turn() has something to do."""
        return self.selector.fileno()

    def start(self, action: Action, program: str, sink: Sink, on_change: Callable[[], None]) -> Running:
        """Have a command started; what becomes of it is told through `on_change`."""
        self._number += 1
        running = Running(self._number, action, sink, on_change)
        self.commands[running.number] = running
        message = (running.number, program, list(action.argv), (self._env(action.env), dict(action.own)), action.cwd)
        if action.owns_terminal:
            self._send(frame("own", *message))
            return running
        out, out_end = os.pipe()
        err, err_end = os.pipe()
        for fd, stream in ((out, "stdout"), (err, "stderr")):
            os.set_blocking(fd, False)
            running.fds[fd] = stream  # type: ignore[assignment]
            self.by_fd[fd] = running
        self._unwatched.append(running)
        self._send(frame("run", *message), (out_end, err_end))
        os.close(out_end)
        os.close(err_end)
        return running

    @property
    def has_unwatched(self) -> bool:
        """True while there are pipes that turn() does not see yet."""
        return bool(self._unwatched)

    def watch(self) -> None:
        """Let turn() see the pipes of all that has been started by now.

        *Why not at the start*: most commands of a large graph are over, and their pipes read, before anybody could
        have seen a line come; watching costs as much as all the rest of the bookkeeping.
        """
        for running in self._unwatched:
            for fd in running.fds:
                self.selector.register(fd, selectors.EVENT_READ)
                self._watched.add(fd)
        self._unwatched.clear()

    def _env(self, env: Mapping[str, str]) -> int:
        """The number by which the reaper knows these variables; they are sent once."""
        if self._envs and self._envs[-1] is env:
            return len(self._envs)
        self._envs.append(env)
        self._send(frame("env", len(self._envs), dict(env)))
        return len(self._envs)

    def signal(self, running: Running, signum: int) -> None:
        """Signal the group of a command; `gone` tells when its last member is."""
        self._send(frame("signal", running.number, int(signum)))

    def hand_terminal(self, running: Running) -> None:
        """Put the command's group into the foreground again."""
        self._send(frame("hand", running.number))

    def signal_tree(self, signum: int) -> None:
        """Signal everything that was ever started and is still there."""
        self._send(frame("tree", int(signum)))

    def end(self, signum: int, grace_s: float) -> None:
        """Have what is left ended; `swept` then says what it was."""
        self._send(frame("end", int(signum), int(grace_s * 1000)))

    def _send(self, data: bytes, fds: tuple[int, ...] = ()) -> None:
        """To the reaper, which reads at once: a wait here is one for the processor."""
        if self.is_dead:
            return
        try:
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", fds))] if fds else []
            sent = self.sock.sendmsg([data], ancillary)
            if sent < len(data):
                self.sock.sendall(data[sent:])
        except OSError:
            self._die()

    def turn(self) -> None:
        """Do all that can be done now: read what was written, hear what the reaper says."""
        for key, _ in self.selector.select(0):
            if key.fileobj is self.sock:
                self._hear()
            else:
                running = self.by_fd.get(key.fd)
                if running is not None:
                    self.read(running, key.fd)

    def read(self, running: Running, fd: int, turns: int = READS_A_TURN) -> bool:
        """Carry what a pipe holds to its sink. True if there may be more."""
        for _ in range(turns):
            try:
                data = os.read(fd, READ_BYTES)
            except BlockingIOError:
                return False
            except OSError:
                data = b""
            if not data:
                self._close(running, fd)
                if running.is_over:
                    running.on_change()
                return False
            running.sink(running.fds[fd], data)
            if len(data) < READ_BYTES:
                return False
        return True

    def drain(self, running: Running) -> None:
        """Carry all that the pipes of a command hold by now: what it wrote itself is in them when it has ended."""
        for fd in [*running.fds]:
            # A process that it left may go on writing for ever: no more than a full pipe is its own.
            self.read(running, fd, turns=2 * PIPE_BYTES // READ_BYTES)

    def forget(self, running: Running) -> None:
        """No more is wanted of a command; what it left behind writes to nobody."""
        for fd in [*running.fds]:
            self._close(running, fd)
        self.commands.pop(running.number, None)
        if running.left:
            self._send(frame("forget", running.number))

    def _close(self, running: Running, fd: int) -> None:
        if fd in self._watched:
            self._watched.remove(fd)
            self.selector.unregister(fd)
        del running.fds[fd], self.by_fd[fd]
        os.close(fd)

    def _hear(self) -> None:
        try:
            data = self.sock.recv(READ_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._die()
            return
        for message in self.frames.feed(data):
            self._heard(message)

    def _heard(self, message: tuple[Any, ...]) -> None:
        if message[0] == "swept":
            self.swept = message[1]
            return
        running = self.commands.get(message[1])
        if running is None:
            return
        match message:
            case ("exit", _, status, cpu_s, rss_bytes, left):
                running.wait_status, running.usage, running.left = status, (cpu_s, rss_bytes), left
                running.gone = not left
            case ("unstarted", _, number):
                running.trouble, running.gone = number, True
            case ("gone", _):
                running.gone = True
            case ("stopped", _, signum):
                running.stop_signal = signum
        running.on_change()

    def _die(self) -> None:
        """The reaper is gone, which nothing but a kill can do: whatever ran is lost."""
        if self.is_dead:
            return
        self.is_dead = True
        if self.swept is None:
            self.swept = []
            self.bury()
        self.selector.unregister(self.sock)
        self.sock.close()
        for running in [*self.commands.values()]:
            if not running.is_over:
                running.wait_status = signal.SIGKILL
            running.gone = True
            running.on_change()

    def bury(self) -> None:
        """Kill what the reaper would have ended: it is below this process now, which adopts orphans too."""
        # Its socket closes before the kernel hands its children over, so a look before it is buried may miss them.
        try:
            os.waitpid(self.pid, 0)
        except ChildProcessError:
            pass
        for _ in range(BURYINGS_AT_MOST):
            orphans = [pid for pid, parent in group.parents().items() if parent == os.getpid() and pid not in REAPERS]
            if not orphans:
                return
            for pid in orphans:
                group.signal_each([pid, *group.below(pid)], signal.SIGKILL)
                try:
                    os.waitpid(pid, 0)
                except ChildProcessError:
                    pass

    def close(self) -> None:
        """Let go of the reaper and wait until it is gone."""
        self._die()
        for running in [*self.commands.values()]:
            self.forget(running)
        self.selector.close()
        try:
            os.waitpid(self.pid, 0)
        except ChildProcessError:
            pass
        REAPERS.discard(self.pid)


def start_reaper(
    environ: Mapping[str, str], *, leaves: bool, jobserver_fds: Sequence[int]
) -> tuple[socket.socket, int]:
    """Our end of a socket to a new reaper, and its pid."""
    ours, its = socket.socketpair()
    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    code = f"import sys; sys.path.append({package!r}); from runner.execute.reaper import serve; serve(sys.argv[1:])"
    ignored = [
        signum for signum in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM) if is_ignored(signum)
    ]
    argv = [sys.executable, "-I", "-S", "-c", code, ",".join(str(int(signum)) for signum in ignored)]
    argv += ["jobserver" if jobserver_fds else "alone", "leaves" if leaves else "ends"]
    # Above all that the reaper expects, so that no dup2 overwrites what a later one copies.
    high = [_above(fd) for fd in (its.fileno(), *jobserver_fds)]
    actions = [(os.POSIX_SPAWN_DUP2, fd, 3 + at) for at, fd in enumerate(high)]
    try:
        pid = os.posix_spawn(sys.executable, argv, environ, file_actions=actions, setpgroup=0)
    finally:
        for fd in high:
            os.close(fd)
        its.close()
    REAPERS.add(pid)
    return ours, pid


def _above(fd: int) -> int:
    """A copy of a descriptor above those that the reaper expects; where few are allowed, as far above as may be."""
    try:
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, HIGH_FD)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, LOW_FD)


def is_ignored(signum: int) -> bool:
    """True if the signal was ignored when trun was started, as nohup does: then it stays so."""
    return signal.getsignal(signum) is signal.SIG_IGN
