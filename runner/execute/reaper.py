"""The small process that starts every task, measures it, and outlives trun just long enough to end it.

It runs as `python -I -S` with nothing imported that is not compiled in, because what a child's `ru_maxrss` begins at is
the size of the process that started it. It adopts orphans, so whatever a task starts, in whichever session, stays below
it. When trun's end of the socket closes, for whatever reason, all of that is killed.

*Source*: prctl(2) PR_SET_CHILD_SUBREAPER, getrusage(2), posix_spawn(3).
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]
import _socket
import os
import select
import sys

from runner.execute import group
from runner.execute.wire import Frames, frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    # The number of variables that many commands share, and what one says over them.
    Variables = tuple[int, dict[str, str]]

SOCKET_FD = 3
JOBSERVER_FDS = (4, 5)
FIRST_OTHER_FD = 6
RSS_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024
# Descriptors that come over a socket are inherited by every child unless this is said.
CLOSED_ON_EXEC = getattr(_socket, "MSG_CMSG_CLOEXEC", 0)
POLL_MS = 50
SWEEP_MS = 10
TELL_AT_MOST = 20
# What this process ignores so that a terminal's keys reach it through trun only; its children get the default again.
IGNORED = ("SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGPIPE", "SIGXFSZ")


class Reaper:
    """The state of the reaper: which groups run, and which of them trun waits for to the last member."""

    def __init__(self, sock: _socket.socket, *, kept_ignored: set[int], leaves: bool) -> None:
        self.sock = sock
        self.leaves = leaves
        self.pids: dict[int, int] = {}
        self.running: dict[int, int] = {}
        self.groups: dict[int, int] = {}
        self.watched: set[int] = set()
        self.fds: list[int] = []
        self.frames = Frames()
        self.defaults = [int(getattr(signal, name)) for name in IGNORED]
        self.defaults = [signum for signum in self.defaults if signum not in kept_ignored]
        self.empty = os.open(os.devnull, os.O_RDONLY)
        self.envs: dict[int, dict[bytes, bytes]] = {}
        self.is_over = False

    def receive(self) -> None:
        """Do what trun says; its silence for good means that it is dead."""
        try:
            data, ancillary, _, _ = self.sock.recvmsg(65536, 1024, CLOSED_ON_EXEC)
        except OSError:
            data, ancillary = b"", []
        for _, _, raw in ancillary:
            self.fds += memoryview(raw[: len(raw) // 4 * 4]).cast("i")
        if not CLOSED_ON_EXEC:
            for fd in self.fds:
                os.set_inheritable(fd, False)
        if not data:
            self.abandon()
            return
        for message in self.frames.feed(data):
            getattr(self, "on_" + message[0])(*message[1:])

    def on_env(self, number: int, env: dict[str, str]) -> None:
        """Variables that commands from here on name by a number; earlier ones are not named any more."""
        self.envs = {number: {os.fsencode(name): os.fsencode(value) for name, value in env.items()}}

    def on_run(self, number: int, program: str, argv: list[str], env: Variables, cwd: str) -> None:
        """Start a command with the two descriptors that came with the message as its output."""
        out, err = self.fds[:2]
        del self.fds[:2]
        actions = [(os.POSIX_SPAWN_DUP2, self.empty, 0), (os.POSIX_SPAWN_DUP2, out, 1), (os.POSIX_SPAWN_DUP2, err, 2)]
        self.start(number, (program, argv, env, cwd), actions)
        os.close(out)
        os.close(err)

    def on_own(self, number: int, program: str, argv: list[str], env: Variables, cwd: str) -> None:
        """Start a command on trun's own standard streams, and give it the terminal if that is one."""
        pid = self.start(number, (program, argv, env, cwd), [])
        if pid:
            self.on_hand(number)

    def on_hand(self, number: int) -> None:
        """Put a command's group into the foreground of the terminal, and wake it."""
        pid = self.running.get(number)
        if pid is None:
            return
        try:
            os.tcsetpgrp(0, pid)
        except OSError:
            pass  # no terminal: then there is nothing to hand over
        # It may have asked for the terminal before it had it, and been stopped for that.
        group.signal_group(pid, signal.SIGCONT)

    def start(self, number: int, command: tuple[str, list[str], Variables, str], actions: list[Any]) -> int:
        """Spawn in a process group of its own; a failure is an answer."""
        program, argv, (shared, own), cwd = command
        env = {**self.envs[shared], **{os.fsencode(name): os.fsencode(value) for name, value in own.items()}}
        try:
            os.chdir(cwd)
            pid = os.posix_spawn(program, argv, env, file_actions=actions, setpgroup=0, setsigdef=self.defaults)
        except OSError as error:
            self.send("unstarted", number, error.errno or 0)
            return 0
        self.pids[pid] = number
        self.running[number] = pid
        self.groups[number] = pid
        return pid

    def on_signal(self, number: int, signum: int) -> None:
        """Signal the group of a command, and tell when its last member is gone."""
        pid = self.groups.get(number)
        if pid is not None:
            group.signal_group(pid, signum)
            group.signal_group(pid, signal.SIGCONT)
            self.watched.add(number)

    def on_forget(self, number: int) -> None:
        """Trun has no further question about a command."""
        self.groups.pop(number, None)
        self.watched.discard(number)

    def on_tree(self, signum: int) -> None:
        """Signal all that is below."""
        group.signal_each(group.below(os.getpid()), signum)

    def on_end(self, signum: int, grace_ms: int) -> None:
        """End what is left, politely first, say what it was, and be gone."""
        left = [] if self.leaves else self.children()
        told = [(group.task_of(pid), group.told(pid)) for pid in left[:TELL_AT_MOST]]
        if left:
            self.sweep(signum, grace_ms)
        self.send("swept", told)
        self.is_over = True

    def abandon(self) -> None:
        """Trun is gone: nothing that it started may stay."""
        self.is_over = True
        for pid in self.running.values():
            group.signal_group(pid, signal.SIGKILL)
        if not self.leaves:
            self.sweep(signal.SIGKILL, 0)

    def sweep(self, signum: int, grace_ms: int) -> None:
        """Signal all that is below, and after the grace time kill until nothing is there."""
        group.signal_each(self.children(), signum)
        group.signal_each(self.children(), signal.SIGCONT)
        waited_ms = 0
        while True:
            self.reap()
            left = self.children()
            if not left:
                return
            if waited_ms >= grace_ms:
                group.signal_each(left, signal.SIGKILL)
            select.poll().poll(SWEEP_MS)
            waited_ms += SWEEP_MS

    def children(self) -> list[int]:
        """All that is below; without /proc, the members of the groups that were started."""
        if os.path.isdir("/proc/self"):
            return group.below(os.getpid())
        return [pid for pid in self.running.values() if group.is_there(pid)]

    def reap(self) -> None:
        """Tell of every task that ended or stopped; orphans are buried without a word."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                break
            if pid == 0:
                break
            number = self.pids.get(pid)
            if number is None:
                continue
            if os.WIFSTOPPED(status):
                self.send("stopped", number, os.WSTOPSIG(status))
                continue
            del self.pids[pid], self.running[number]
            left = [group.told(other) for other in group.members(pid)[:TELL_AT_MOST]] if group.is_there(pid) else []
            cpu_s = usage.ru_utime + usage.ru_stime
            self.send("exit", number, status, cpu_s, usage.ru_maxrss * RSS_UNIT_BYTES, left)
            if not left:
                self.groups.pop(number, None)
                self.watched.discard(number)
        self.watch()

    def watch(self) -> None:
        """Tell of each watched group that has lost its last member."""
        for number in [*self.watched]:
            pid = self.groups.get(number)
            if pid is None or (number not in self.running and not group.is_there(pid)):
                self.on_forget(number)
                self.send("gone", number)

    def send(self, *message: object) -> None:
        """Tell trun; if it is gone, receive() will see it."""
        try:
            self.sock.sendall(frame(*message))
        except OSError:
            pass


def serve(words: list[str]) -> None:
    """Be the reaper: on descriptor 3, until trun says that it is over or is gone."""
    kept_ignored = {int(word) for word in words[0].split(",") if word}
    keeps_jobserver = words[1] == "jobserver"
    os.closerange(FIRST_OTHER_FD if keeps_jobserver else SOCKET_FD + 1, 1 << 20)
    for fd in JOBSERVER_FDS if keeps_jobserver else ():
        os.set_inheritable(fd, True)
    os.set_inheritable(SOCKET_FD, False)
    for name in IGNORED:
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    group.adopt_orphans()
    reaper = Reaper(_socket.socket(fileno=SOCKET_FD), kept_ignored=kept_ignored, leaves=words[2] == "leaves")
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    loop(reaper, wake)


def loop(reaper: Reaper, wake: int) -> None:
    """Listen to trun and to the kernel in turn."""
    poll = select.poll()
    poll.register(SOCKET_FD, select.POLLIN)
    poll.register(wake, select.POLLIN)
    while not reaper.is_over:
        for fd, _ in poll.poll(POLL_MS if reaper.watched else None):
            if fd == SOCKET_FD:
                reaper.receive()
            else:
                os.read(wake, 4096)
        if not reaper.is_over:
            reaper.reap()
    os._exit(0)
