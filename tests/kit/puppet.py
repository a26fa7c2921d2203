"""The test's side of puppets: tasks whose every act is told by the test, so that order and overlap are assertions."""

from __future__ import annotations

import json
import marshal
import os
import shlex
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.kit.wires import LIMIT_S, Wires

ACTOR = Path(__file__).with_name("actor.py")


class Puppet:
    """One task, or a process that one spawned. It does nothing by itself and ends only when told or killed."""

    def __init__(self, puppets: Puppets, sock: socket.socket) -> None:
        self._puppets = puppets
        self._sock = sock
        self._data = bytearray()
        self._answers: list[tuple[str, Any]] = []
        self._caught: list[int] = []
        self._awaited = 0
        self.name = ""
        self.pid = 0
        self.args: list[str] = []
        self.is_gone = False

    def __repr__(self) -> str:
        return f"{self.name} (pid {self.pid}{', gone' if self.is_gone else ''})"

    def hear(self) -> None:
        """Take what the process says."""
        try:
            data = self._sock.recv(65536)
        except BlockingIOError:
            return
        except ConnectionResetError:
            data = b""
        if not data:
            self.is_gone = True
            self._puppets.wires.remove(self._sock.fileno())
            return
        self._data += data
        while len(self._data) >= 4:
            end = 4 + int.from_bytes(self._data[:4], "little")
            if len(self._data) < end:
                return
            self._heard(*marshal.loads(bytes(self._data[4:end])))
            del self._data[:end]

    def _heard(self, word: str, *rest: Any) -> None:
        if word == "hello":
            self.name, self.pid, self.args = rest
        elif word == "caught":
            self._caught.append(rest[0])
        else:
            self._answers.append((word, rest[0]))

    def send(self, *order: Any) -> None:
        """Give an order without waiting for its answer."""
        body = marshal.dumps(order)
        self._sock.setblocking(True)
        self._sock.sendall(len(body).to_bytes(4, "little") + body)
        self._sock.setblocking(False)
        self._awaited += 1

    def answer(self, limit_s: float = LIMIT_S) -> Any:
        """The answer to the oldest order that has none yet."""
        self._puppets.wires.until(lambda: bool(self._answers) or self.is_gone, f"an answer of {self!r}", limit_s)
        assert self._answers, f"{self!r} is gone before it answered"
        self._awaited -= 1
        word, result = self._answers.pop(0)
        assert word == "done", f"{self!r}: {result}"
        return result

    def ask(self, *order: Any) -> Any:
        """Give an order and wait for its answer."""
        assert not self._awaited, f"{self!r} has not answered its last order yet"
        self.send(*order)
        return self.answer()

    @property
    def is_busy(self) -> bool:
        """True while an order has no answer: what it does may block for ever."""
        return self._awaited > len(self._answers)

    def facts(self) -> dict[str, Any]:
        """What the process knows of itself: pid, pgid, sid, cwd, env, argv, fds, ignored, blocked."""
        found: dict[str, Any] = self.ask("facts")
        return found

    def write(self, text: str | bytes, fd: int = 1) -> None:
        """Have it write, to its standard output unless said."""
        self.ask("write", fd, text.encode() if isinstance(text, str) else text)

    def spawn(
        self,
        name: str,
        *,
        session: bool = False,
        orphan: bool = False,
        ignoring: tuple[int, ...] = (),
        closing: tuple[int, ...] = (),
    ) -> Puppet:
        """Another puppet as a child: perhaps in a session of its own, an orphan at once, or deaf to signals."""
        self.ask("spawn", name, session, orphan, tuple(map(int, ignoring)), tuple(closing))
        return self._puppets.arrive(name)

    def catch(self, *signals: int) -> None:
        """From now on it lives through these signals and tells of them: see caught()."""
        self.ask("catch", *map(int, signals))

    def caught(self) -> int:
        """The next signal that it told of."""
        self._puppets.wires.until(lambda: bool(self._caught) or self.is_gone, f"a signal at {self!r}")
        assert self._caught, f"{self!r} is gone without having caught a signal"
        return self._caught.pop(0)

    @property
    def pending(self) -> list[int]:
        """Signals that it told of and that nobody asked for yet."""
        return list(self._caught)

    def ignore(self, *signals: int) -> None:
        """From now on it is deaf to these signals."""
        self.ask("ignore", *map(int, signals))

    def exit(self, code: int = 0) -> None:
        """Have it end, and wait until it has."""
        self.send("exit", code)
        self.gone()

    def die(self, signum: int) -> None:
        """Have it end by a signal, and wait until it has."""
        self.send("die", int(signum))
        self.gone()

    def gone(self, limit_s: float = LIMIT_S) -> None:
        """Wait until the process has ended."""
        self._puppets.wires.until(lambda: self.is_gone, f"the end of {self!r}", limit_s)

    def close(self) -> None:
        """Let go of the process, which ends by that."""
        self._puppets.wires.remove(self._sock.fileno())
        self._sock.close()


class Puppets:
    """Where puppets arrive. As a task they are written with run() or cmd()."""

    def __init__(self, wires: Wires) -> None:
        self.wires = wires
        self._folder = tempfile.mkdtemp(prefix="puppets-")
        self.address = os.path.join(self._folder, "s")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.address)
        self._listener.listen(256)
        self._listener.setblocking(False)
        self._all: list[Puppet] = []
        self._taken: list[Puppet] = []
        # True once nothing is left that could send another one.
        self.is_in_vain: Callable[[], bool] = lambda: False
        wires.add(self._listener.fileno(), self._accept)
        wires.tells(lambda: f"puppets: {self._all}, of which taken: {self._taken}")

    def argv(self, name: str, *more: str) -> list[str]:
        """The words that start a puppet."""
        return [sys.executable, "-I", "-S", str(ACTOR), self.address, name, *more]

    def sh(self, name: str) -> str:
        """The words that start a puppet, as one line for a shell."""
        return shlex.join(self.argv(name))

    def run(self, name: str) -> str:
        """`run = …` with a puppet; the shell makes room for it."""
        return f"run = {json.dumps('exec ' + self.sh(name))}"

    def cmd(self, name: str, *more: str) -> str:
        """`cmd = […]` with a puppet, and words that it tells of in `args`."""
        return f"cmd = {json.dumps(self.argv(name, *more))}"

    def tasks(self, **more: str) -> str:
        """A tasks file with a puppet for each name: `tasks(a="", b='deps = ["a"]')`. `_` in a name is `-`."""
        blocks = []
        for name, keys in more.items():
            task = name.replace("_", "-")
            blocks.append(f"[tasks.{task}]\n{self.cmd(task)}\n{keys}\n")
        return "\n".join(blocks)

    def _accept(self) -> None:
        sock, _ = self._listener.accept()
        sock.setblocking(False)
        puppet = Puppet(self, sock)
        self._all.append(puppet)
        self.wires.add(sock.fileno(), puppet.hear)

    def _waiting(self, name: str) -> Puppet | None:
        return next((one for one in self._all if one.name == name and one not in self._taken), None)

    def arrive(self, name: str, limit_s: float = LIMIT_S) -> Puppet:
        """The next puppet of this name, once it is there."""
        return self.any_of(name, limit_s=limit_s)

    def any_of(self, *names: str, limit_s: float = LIMIT_S) -> Puppet:
        """The first puppet that is there of several names."""
        found: list[Puppet] = []

        def is_there() -> bool:
            found[:] = [one for name in names if (one := self._waiting(name)) is not None]
            if found or self.present or not self.is_in_vain():
                return bool(found)
            self.wires.turn(0)  # one may have knocked just before
            return not self.present

        self.wires.until(is_there, f"puppet {' or '.join(names)}", limit_s)
        assert found, "\n".join([f"nobody is left who could send {' or '.join(names)}", *self.wires.report()])
        self._taken.append(found[0])
        return found[0]

    @property
    def present(self) -> list[Puppet]:
        """All puppets that have come and not gone."""
        return [puppet for puppet in self._all if not puppet.is_gone]

    @property
    def unseen(self) -> list[str]:
        """The names of those that came and were never waited for."""
        return [puppet.name or "?" for puppet in self._all if puppet not in self._taken]

    def close(self) -> None:
        """Let go of all of them."""
        for puppet in self._all:
            puppet.close()
        self.wires.remove(self._listener.fileno())
        self._listener.close()
        shutil.rmtree(self._folder, ignore_errors=True)
