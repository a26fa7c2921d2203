"""A terminal to sit at: keys are typed, the screen is read, and it can be closed."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import termios
from pathlib import Path
from typing import Any

from tests.kit.process import trun_argv
from tests.kit.puppet import Puppet, Puppets
from tests.kit.wires import Wires, read_all

CTRL_C = b"\x03"
CTRL_BACKSLASH = b"\x1c"
CTRL_Z = b"\x1a"
CTRL_D = b"\x04"


class Terminal:
    """A pseudo-terminal of 24 lines and 100 columns."""

    def __init__(self, wires: Wires) -> None:
        self.wires = wires
        self.master, self.slave = os.openpty()
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        os.set_blocking(self.master, False)
        self.screen = bytearray()
        self.is_closed = False
        wires.add(self.master, self._read)
        wires.tells(lambda: f"terminal: {bytes(self.screen)!r}")

    def _read(self) -> None:
        data, may_come = read_all(self.master)
        self.screen += data
        if not may_come:
            self.wires.remove(self.master)

    def type(self, keys: bytes) -> None:
        """Type keys."""
        os.write(self.master, keys)

    def shows(self, text: str) -> None:
        """Wait until the screen has shown this text."""
        self.wires.until(lambda: text.encode() in self.screen, f"{text!r} on the terminal")

    @property
    def foreground(self) -> int:
        """The process group that the keys go to."""
        return os.tcgetpgrp(self.master)

    @property
    def modes(self) -> list[Any]:
        """Input, output, control and local modes."""
        return termios.tcgetattr(self.slave)[:4]

    def resize(self, lines: int, columns: int) -> None:
        """Make the window another size."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def hang_up(self) -> None:
        """Close the window."""
        if not self.is_closed:
            self.is_closed = True
            self.wires.remove(self.master)
            os.close(self.master)
            os.close(self.slave)


class Shell:
    """What sits between a terminal and trun: starts it in the foreground, sees it stop, and brings it back."""

    def __init__(self, puppets: Puppets, terminal: Terminal, environ: dict[str, str], cwd: Path) -> None:
        self.terminal = terminal
        self.environ = environ
        self.cwd = cwd
        self.pid = 0
        self.process = subprocess.Popen(
            puppets.argv("shell"),
            stdin=terminal.slave,
            stdout=terminal.slave,
            stderr=terminal.slave,
            start_new_session=True,
            env=environ,
        )
        self.puppet: Puppet = puppets.arrive("shell")
        self.puppet.ask("take_seat")

    def start(self, args: list[str], grace_s: float | None = None) -> int:
        """Start trun in the foreground; all that it writes goes to the terminal. Its pid."""
        return self._start(trun_argv(*args, grace_s=grace_s), in_front=True)

    def start_behind(self, args: list[str]) -> int:
        """Start trun in the background, as `trun … &` does."""
        return self._start(trun_argv(*args), in_front=False)

    def _start(self, argv: list[str], *, in_front: bool) -> int:
        self.pid = self.puppet.ask("start_job", argv, self.environ, str(self.cwd), in_front)
        self.puppet.send("await_job")
        return self.pid

    def stopped(self) -> int:
        """Wait until it has stopped; by which signal."""
        word, number = self.puppet.answer()
        assert word == "stopped", f"it ended with {number} instead"
        return int(number)

    def resume(self) -> None:
        """`fg`."""
        self.puppet.ask("foreground_job")
        self.puppet.send("await_job")

    def ended(self) -> int:
        """Wait until it has ended; its exit code, or the negative number of the signal."""
        word, number = self.puppet.answer()
        assert word == "ended", f"it was stopped by {number} instead"
        return int(number)

    def close(self) -> None:
        """End the shell."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
