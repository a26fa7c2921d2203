"""What a line costs before anything is done: reading it loads none of the heavy libraries."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HEAVY = {
    "typer",
    "click",
    "rich",
    "anyio",
    "asyncio",
    "typing",
    "dataclasses",
    "inspect",
    "enum",
    "re",
    "json",
    "pathlib",
}
TOP = Path(__file__).resolve().parent.parent.parent


def loaded_by(code: str) -> set[str]:
    code = f"import sys; before = set(sys.modules)\n{code}\nprint(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=TOP)
    return {name.split(".")[0] for name in done.stdout.split()}


def test_reading_a_line_loads_nothing_heavy() -> None:
    loaded = loaded_by(
        "from runner.cli.words import first_asked, locate, parse\n"
        "from runner.request import Ambient\n"
        "world = Ambient(environ={}, cwd='/', os='linux', arch='x86_64', cpus=2, clock=float)\n"
        "assert first_asked(['--version']) == 'version'\n"
        "assert locate(['-C', 'a', 'b'], {}).directory == 'a'\n"
        "assert parse(['-kj4', '--timeout', '3s', 'a', '--', 'b'], None, world).jobs == 4"
    )
    assert "runner" in loaded
    assert not loaded & HEAVY


def test_the_help_of_a_task_loads_nothing_heavy() -> None:
    loaded = loaded_by(
        "from runner.cli.help import of_task\n"
        "from runner.task import Arg, Task\n"
        "task = Task(name='a', path=(), args={'b': Arg(name='b', default='c')})\n"
        "assert '--b' in of_task(task)"
    )
    assert "runner" in loaded
    assert not loaded & HEAVY
