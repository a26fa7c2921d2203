"""A temporary project: write files, run trun in it, look at what it did."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.kit.process import MARK, Marked, Ran, Started, trun_argv
from tests.kit.puppet import Puppet, Puppets
from tests.kit.terminal import Shell, Terminal
from tests.kit.wires import LIMIT_S, Wires


class Space:
    """A project folder, and everything that a test does in it. Nothing of what it started outlives it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "project"
        self.root.mkdir()
        self.home = folder / "home"
        self.home.mkdir()
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.wires = Wires()
        self.puppets = Puppets(self.wires)
        self.mark = uuid.uuid4().hex
        self.marked = Marked(self.wires, self.mark)
        self.started: list[Started] = []
        self.puppets.is_in_vain = lambda: bool(self.started) and all(one.is_over for one in self.started)
        self._shells: list[Shell] = []
        self._terminals: list[Terminal] = []

    @property
    def environ(self) -> dict[str, str]:
        """The environment that trun is started in: nothing of the test's own but where programs are."""
        return {
            "PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)]),
            "HOME": str(self.home),
            "USER": "somebody",
            "LOGNAME": "somebody",
            "TMPDIR": str(self.temporary),
            "LANG": "C.UTF-8",
            MARK: self.mark,
        }

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Write files below the project's folder, and the folders that they need."""
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content)

    def tasks(self, text: str) -> None:
        """Write `tasks.toml`."""
        self.write({"tasks.toml": text})

    def read(self, name: str) -> str:
        """The text of a file of the project."""
        return (self.root / name).read_text(encoding="utf-8", errors="surrogateescape")

    def has(self, name: str) -> bool:
        """True if the project has such a file."""
        return os.path.lexists(self.root / name)

    def start(
        self,
        *args: str,
        env: Mapping[str, str | None] | None = None,
        cwd: str | Path = ".",
        grace_s: float | None = None,
        terminal: Terminal | None = None,
        **more: Any,
    ) -> Started:
        """A trun that runs. With a terminal it is the leader of a session there, as in a window of its own.

        A variable of `env` that is None is not set. What else is said goes to subprocess.Popen.
        """
        environ = {name: value for name, value in {**self.environ, **(env or {})}.items() if value is not None}
        seat = terminal.slave if terminal is not None else None
        streams: dict[str, Any] = {
            "stdin": seat if seat is not None else subprocess.DEVNULL,
            "stdout": seat if seat is not None else subprocess.PIPE,
            "stderr": seat if seat is not None else subprocess.PIPE,
        }
        if seat is not None:
            streams |= {"start_new_session": True, "preexec_fn": _control_terminal}
        folder = self.root / cwd
        process = subprocess.Popen(
            trun_argv(*args, grace_s=grace_s),
            cwd=folder,
            env={"PWD": str(folder), **environ},
            **(streams | more),
        )
        file = next((folder / arg[7:] for arg in args if arg.startswith("--json=")), None)
        found = Started(self.wires, process, file, "--json" in args and process.stdout is not None)
        self.started.append(found)
        return found

    def run(self, *args: str, limit_s: float = LIMIT_S, **more: Any) -> Ran:
        """A trun that has run; with `--json` among the words its events are read."""
        return self.start(*args, **more).wait(limit_s)

    def events(self, *args: str, **more: Any) -> Ran:
        """A trun that has run, with its events."""
        return self.run("--json", *args, **more)

    def terminal(self) -> Terminal:
        """A terminal."""
        found = Terminal(self.wires)
        self._terminals.append(found)
        return found

    def shell(self, terminal: Terminal) -> Shell:
        """A shell with job control at a terminal."""
        found = Shell(self.puppets, terminal, self.environ, self.root)
        self._shells.append(found)
        return found

    def kill(self, pid: int, signum: int) -> None:
        """Signal a process that this space started, and no other."""
        assert pid in self.marked.alive(), f"{pid} is none of ours"
        os.kill(pid, signum)

    def only(self, trun: Started, *puppets: Puppet) -> None:
        """Assert that of the tasks of a trun just these run.

        *Why this proves it*: each puppet writes a word, and trun tells of it in its events. What it had started before
        that, it told before.
        """
        for puppet in puppets:
            word = uuid.uuid4().hex
            puppet.write(word + "\n")
            trun.until_event("task_output", text=word)
        running = [event["task"] for event in trun.events if event["event"] == "task_started"]
        for event in trun.events:
            if event["event"] in ("task_ended", "task_retried") and event["task"] in running:
                running.remove(event["task"])
        assert sorted(running) == sorted(puppet.name for puppet in puppets)

    def close(self) -> None:
        """End all that this started."""
        for started in self.started:
            started.close()
        for shell in self._shells:
            shell.close()
        for terminal in self._terminals:
            terminal.hang_up()
        self.puppets.close()
        with suppress(OSError):
            self.marked.kill()
        self.wires.close()


def _control_terminal() -> None:
    """In the child: the terminal at standard input controls this session."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
