"""What is said of a line that cannot be read: every text of `command_line_errors.txt`, verbatim."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from runner.cli.words import parse
from runner.error import Refusal
from runner.manifest import Manifest
from runner.noun import replace
from runner.request import Ambient
from runner.task import Arg, Project, Task

MANIFEST = Manifest(path="/shop/tasks.toml", root="/shop", shown="tasks.toml", data={}, locate=lambda path, key: None)
WORLD = Ambient(environ={}, cwd="/shop", os="linux", arch="x86_64", cpus=8, clock=lambda: 0.0)


def task(name: str, *args: Arg, **more: Any) -> Task:
    return Task(name=name, path=("tasks", name), args={arg.name: arg for arg in args}, **more)


TASKS = [
    task(
        "test",
        Arg(name="pattern", short="k", flag="-k"),
        Arg(name="cov", type="bool"),
        Arg(name="level", type="int", min=1, max=9, env="TEST_LEVEL"),
        Arg(name="ratio", type="float"),
        aliases=("unit",),
    ),
    task(
        "deploy",
        Arg(name="env", choices=("staging", "prod"), required=True, positional=True),
        Arg(name="version", pattern=r"\d+\.\d+"),
    ),
    task("ship", Arg(name="to_host", required=True), Arg(name="really", type="bool", required=True)),
    task("lint-py", Arg(name="fix", type="bool")),
    task("lint-c"),
    task("_secret", hidden=True),
]
PROJECT = Project(manifest=MANIFEST, root="/shop", tasks={task.name: task for task in TASKS}, vars={"registry": "x"})


def sessions() -> Iterator[tuple[str, str]]:
    """What is typed after a `$`, and what is said then."""
    text = Path(__file__).with_name("command_line_errors.txt").read_text(encoding="utf-8")
    for block in text.split("\n\n"):
        typed, _, told = block.strip("\n").partition("\n")
        if typed.startswith("$ "):
            yield typed.removeprefix("$ "), told


SESSIONS = dict(sessions())


def told_of(line: str, project: Project = PROJECT, **world: Any) -> str:
    before, _, words = f" {line}".partition(" trun")
    environ = dict(word.split("=", 1) for word in shlex.split(before))
    with pytest.raises(Refusal) as refused:
        parse(shlex.split(words), project, replace(WORLD, environ=environ, **world))
    assert refused.value.exit_code == 2
    return str(refused.value)


@pytest.mark.parametrize(("line", "told"), SESSIONS.items(), ids=list(SESSIONS))
def test_a_line_that_cannot_be_read_is_refused_in_these_words(line: str, told: str) -> None:
    assert told_of(line) == told


def test_a_line_break_in_a_word_does_not_break_the_line_that_is_shown() -> None:
    expected = r"""
    error: unknown target `$'a\nb'`
      command line:1:6
        1 | trun $'a\nb'
          |      ^^^^^^^
    """
    assert told_of("trun 'a\nb'") == dedent(expected).strip("\n")


def test_the_default_may_lack_an_argument_too() -> None:
    expected = """
    error: task `deploy` needs `env`, one of `staging`, `prod`
      hint: write `trun deploy ENV`
    """
    assert told_of("trun", replace(PROJECT, default="deploy")) == dedent(expected).strip("\n")


def test_who_is_asked_three_times_in_vain_is_told_how_to_type_it() -> None:
    answers = iter(["nowhere", "", " "])
    told = told_of("trun deploy", stdin_is_terminal=True, ask=lambda question: next(answers))
    assert told == SESSIONS["trun deploy"]
    assert not list(answers)


def test_after_twenty_problems_the_rest_are_counted() -> None:
    assert told_of("trun" + " -x" * 22).endswith("\nerror: and 2 more")
