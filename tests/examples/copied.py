"""An example in a folder of its own, what trun does there, and which tools are here."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
MADE = shutil.ignore_patterns("out", "gen", "target", "dist", "__pycache__", ".*_cache", ".trun")

# Where these are set trun writes for a CI system; what a person sees is tested here.
CI = ("CI", "GITHUB_ACTIONS", "GITLAB_CI")


class Ran:
    """A run of trun, its text and its events."""

    def __init__(self, done: subprocess.CompletedProcess[str], events: Path) -> None:
        self.code = done.returncode
        self.out = done.stdout
        self.text = done.stdout + done.stderr
        lines = events.read_text(encoding="utf-8").splitlines() if events.exists() else []
        self.events = [json.loads(line) for line in lines]

    def ok(self) -> Ran:
        """Itself, if it went well."""
        assert self.code == 0, self.text
        return self

    @property
    def statuses(self) -> dict[str, str]:
        """How each task ended."""
        return {event["task"]: event["status"] for event in self.events if event["event"] == "task_ended"}

    @property
    def order(self) -> list[str]:
        """The tasks as they were started."""
        return [event["task"] for event in self.events if event["event"] == "task_started"]

    def together(self) -> Iterator[set[str]]:
        """What was running, after each start."""
        running: set[str] = set()
        for event in self.events:
            if event["event"] == "task_started":
                running.add(event["task"])
                yield set(running)
            elif event["event"] == "task_ended":
                running.discard(event["task"])

    def skipped_and_told(self, task: str) -> bool:
        """Whether the task was left out, and a person is told so."""
        told = any(task in line and "skip" in line.lower() for line in self.text.splitlines())
        return self.statuses[task] == "skipped" and told


class Copy:
    """An example in a folder of its own, with the repository's .gitignore above it."""

    def __init__(self, name: str, base: Path) -> None:
        self.base = base
        self.path = base / "examples" / name
        shutil.copytree(EXAMPLES / name, self.path, ignore=MADE)
        shutil.copy(ROOT / ".gitignore", base / ".gitignore")
        self.env = {name: value for name, value in os.environ.items() if name not in CI and name[:5] != "TRUN_"}
        self.env["NO_COLOR"] = "1"
        self.env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

    def trun(self, *words: str, events: bool = True) -> Ran:
        """What trun does with these words."""
        log = self.base / "events.jsonl"
        log.unlink(missing_ok=True)
        argv = [sys.executable, "-m", "runner.main", *([f"--json={log}"] if events else []), *words]
        done = subprocess.run(
            argv, cwd=self.path, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300
        )
        return Ran(done, log)

    def only_python(self, *options: str) -> None:
        """Take away all tools but a shell, the plain commands and Python."""
        tools = self.base / "tools"
        tools.mkdir()
        for name in ("sh", "mkdir", "cp", "rm"):
            (tools / name).symlink_to(shutil.which(name) or pytest.fail(f"no {name} here"))
        python = tools / "python3"
        python.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, *options])} "$@"\n', encoding="utf-8")
        python.chmod(0o755)
        self.env["PATH"] = str(tools)

    def edit(self, file: str, old: str, new: str) -> None:
        """Put `new` in the place of `old`, which is there once."""
        text = (self.path / file).read_text(encoding="utf-8")
        assert text.count(old) == 1
        (self.path / file).write_text(text.replace(old, new), encoding="utf-8")

    def git(self, *words: str) -> str:
        """What git says."""
        argv = ["git", "-c", "user.name=t", "-c", "user.email=t@localhost", *words]
        return subprocess.run(argv, cwd=self.base, env=self.env, check=True, capture_output=True, text=True).stdout


def example(name: str) -> pytest.MarkDecorator:
    """Give the test a copy of this example."""
    return pytest.mark.parametrize("copy", [name], indirect=True)


def is_there(what: str, command: list[str]) -> bool:
    """Whether the tool works; in CI all of them must."""
    found = shutil.which(command[0]) is not None and subprocess.run(command, capture_output=True).returncode == 0
    if not found and os.environ.get("CI"):
        pytest.fail(f"{what} is missing, and CI has every tool: {shlex.join(command)}")
    return found
