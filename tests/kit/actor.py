"""The program that a puppet's task runs: it connects back to the test and does what it is told.

Started as `python -I -S actor.py SOCKET NAME`; it imports nothing that is not compiled in, so it is there within 15 ms.
Each order is a marshalled tuple: a method's name and its arguments. Each is answered with `("done", result)` or
`("wrong", text)`; a signal that was asked to be caught is told as `("caught", number)`.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]
import _socket
import marshal
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CHUNK = b"x" * 65535 + b"\n"


class Actor:
    """Does one order after the other."""

    def __init__(self, sock: _socket.socket) -> None:
        self.sock = sock
        self.job = 0

    def tell(self, *message: Any) -> None:
        body = marshal.dumps(message)
        self.sock.sendall(len(body).to_bytes(4, "little") + body)

    def receive(self, wanted: int) -> bytes:
        data = b""
        while len(data) < wanted:
            more = self.sock.recv(wanted - len(data))
            if not more:
                os._exit(99)  # the test is gone
            data += more
        return data

    def perform(self) -> None:
        """Take orders for ever."""
        while True:
            order = marshal.loads(self.receive(int.from_bytes(self.receive(4), "little")))
            try:
                result = getattr(self, "do_" + order[0])(*order[1:])
            except Exception as error:
                self.tell("wrong", f"{type(error).__name__}: {error}")
            else:
                self.tell("done", result)

    # What it is

    def do_facts(self) -> dict[str, Any]:
        status = {}
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:
            for line in file:
                name, _, value = line.partition(":")
                status[name] = value.strip()
        fds = {}
        for name in os.listdir("/proc/self/fd"):
            try:
                fds[int(name)] = os.readlink(f"/proc/self/fd/{name}")
            except OSError:
                pass
        fds.pop(self.sock.fileno(), None)
        return {
            "pid": os.getpid(),
            "ppid": os.getppid(),
            "pgid": os.getpgrp(),
            "sid": os.getsid(0),
            "cwd": os.getcwd(),
            "env": dict(os.environ),
            "argv": sys.argv[1:],
            "fds": {fd: path for fd, path in fds.items() if not path.startswith("/proc/")},
            "ignored": [number for number in range(1, 32) if int(status["SigIgn"], 16) >> (number - 1) & 1],
            "blocked": [number for number in range(1, 32) if int(status["SigBlk"], 16) >> (number - 1) & 1],
            "umask": status.get("Umask", ""),
        }

    def do_ping(self) -> None:
        pass

    # Streams

    def do_write(self, fd: int, data: bytes) -> int:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        return len(data)

    def do_flood(self, fd: int, count: int) -> int:
        left = count
        while left > 0:
            left -= os.write(fd, CHUNK[-left:] if left < len(CHUNK) else CHUNK)
        return count

    def do_read(self, fd: int, count: int) -> bytes:
        return os.read(fd, count)

    def do_read_all(self, fd: int) -> bytes:
        data = b""
        while True:
            more = os.read(fd, 65536)
            if not more:
                return data
            data += more

    def do_open(self, path: str, flags: int) -> int:
        return os.open(path, flags)

    def do_close(self, fd: int) -> None:
        os.close(fd)

    # Signals and ends

    def do_catch(self, *numbers: int) -> None:
        for number in numbers:
            signal.signal(number, lambda caught, frame: self.tell("caught", caught))

    def do_ignore(self, *numbers: int) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)

    def do_exit(self, code: int) -> None:
        os._exit(code)

    def do_die(self, number: int) -> None:
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def do_burn(self, seconds: float) -> float:
        while time.process_time() < seconds:
            pass
        return time.process_time()

    def do_hold(self, count: int) -> None:
        self.held = b"x" * count

    # Children

    def do_spawn(
        self, name: str, session: bool, orphan: bool, ignored: tuple[int, ...], closed: tuple[int, ...]
    ) -> int:
        """Another actor below this one."""
        pid = os.fork()
        if pid:
            if orphan:
                os.waitpid(pid, 0)
            return pid
        try:
            if session:
                os.setsid()
            if orphan and os.fork():
                os._exit(0)
            for number in ignored:
                signal.signal(number, signal.SIG_IGN)
            for fd in closed:
                os.close(fd)
            os.execv(sys.executable, [sys.executable, "-I", "-S", __file__, sys.argv[1], name])
        finally:
            os._exit(98)

    # A terminal

    def do_modes(self, fd: int) -> list[Any]:
        import termios

        return termios.tcgetattr(fd)[:4]

    def do_echo_off(self, fd: int) -> None:
        import termios

        found = termios.tcgetattr(fd)
        found[3] &= ~(termios.ECHO | termios.ICANON)
        termios.tcsetattr(fd, termios.TCSANOW, found)

    def do_foreground(self, fd: int) -> int:
        return os.tcgetpgrp(fd)

    def do_take_seat(self) -> None:
        """Be what a shell is at its terminal: the leader of a session, deaf to the keys."""
        import fcntl
        import termios

        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
            signal.signal(number, signal.SIG_IGN)

    def do_start_job(self, argv: list[str], env: dict[str, str], cwd: str, in_front: bool) -> int:
        """Start a command as a shell does: in a group of its own, in the foreground unless it ends in `&`."""
        pid = os.fork()
        if pid:
            self.job = pid
            return pid
        try:
            os.setpgid(0, 0)
            if in_front:
                os.tcsetpgrp(0, os.getpid())
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            os.chdir(cwd)
            os.execve(argv[0], argv, env)
        finally:
            os._exit(97)

    def do_await_job(self) -> tuple[str, int]:
        """Until the job stops or ends; the terminal is then the shell's again."""
        _, status = os.waitpid(self.job, os.WUNTRACED)
        os.tcsetpgrp(0, os.getpgrp())
        if os.WIFSTOPPED(status):
            return "stopped", os.WSTOPSIG(status)
        return "ended", os.waitstatus_to_exitcode(status)

    def do_foreground_job(self) -> None:
        os.tcsetpgrp(0, self.job)
        os.killpg(self.job, signal.SIGCONT)


def main() -> None:
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    sock.connect(sys.argv[1])
    actor = Actor(sock)
    actor.tell("hello", sys.argv[2], os.getpid(), sys.argv[3:])
    actor.perform()


if __name__ == "__main__":
    main()
