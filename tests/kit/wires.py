"""One place that a test waits at: sockets, pipes and ends of processes, until what it waits for is so."""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Callable
from contextlib import suppress

# Longer than anything here takes on a machine that does much else; only a test that fails waits for it.
LIMIT_S = 30.0


class Wires:
    """Descriptors, each with what is to be done when it can be read."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._to_be_told: list[Callable[[], str]] = []

    def add(self, fd: int, on_readable: Callable[[], None]) -> None:
        """From now on do this whenever the descriptor can be read."""
        self._selector.register(fd, selectors.EVENT_READ, on_readable)

    def remove(self, fd: int) -> None:
        """Look at the descriptor no longer."""
        with suppress(KeyError):
            self._selector.unregister(fd)

    def tells(self, what: Callable[[], str]) -> None:
        """Have this told where a wait is in vain."""
        self._to_be_told.append(what)

    def turn(self, limit_s: float) -> None:
        """Do what can be done, waiting so long for it at most."""
        for key, _ in self._selector.select(max(limit_s, 0)):
            if key.fd in self._selector.get_map():
                key.data()

    def until(self, is_so: Callable[[], bool], what: str, limit_s: float = LIMIT_S) -> None:
        """Wait until it is so. *Raises*: AssertionError that names what was waited for, with all that is known."""
        deadline = time.monotonic() + limit_s
        while not is_so():
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise AssertionError("\n".join([f"waited {limit_s:g} s in vain for {what}", *self.report()]))
            self.turn(left_s)

    def until_seen(self, is_so: Callable[[], bool], what: str, limit_s: float = LIMIT_S) -> None:
        """The same for what nobody tells of, such as the state of a process: looked at again and again."""
        deadline = time.monotonic() + limit_s
        while not is_so():
            assert time.monotonic() < deadline, "\n".join([f"saw in {limit_s:g} s no {what}", *self.report()])
            self.turn(0.01)

    def pass_by(self, seconds: float) -> None:
        """Let time pass, for a test that has to hit any moment of a run; nothing is expected to happen in it."""
        deadline = time.monotonic() + seconds
        while (left_s := deadline - time.monotonic()) > 0:
            self.turn(left_s)

    def report(self) -> list[str]:
        """All that is known, for a person to find out what is wrong."""
        return [tell() for tell in self._to_be_told]

    def close(self) -> None:
        """Look at nothing any longer."""
        self._selector.close()


def read_all(fd: int) -> tuple[bytes, bool]:
    """What a descriptor that does not block holds, and whether more may come."""
    data = bytearray()
    while True:
        try:
            more = os.read(fd, 1 << 20)
        except BlockingIOError:
            return bytes(data), True
        except OSError:  # a terminal that nobody has open any more
            return bytes(data), False
        if not more:
            return bytes(data), False
        data += more
