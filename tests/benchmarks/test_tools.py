"""Equal projects in the words of each tool, held; and that each tool takes them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .command import CACHE
from .measure import Case, Sample, timed
from .project import Project, Step, chain, log, side_by_side
from .tools import Absent, Ask, Found, Tool
from .tools.just import Just
from .tools.known import floors, runners
from .tools.make import Make
from .tools.ninja import Ninja
from .tools.sources import Given, System
from .tools.task import GoTask
from .tools.trun import Trun

THREE = Project(
    steps=(
        Step(name="a", command="echo $HOME", desc="What a does"),
        Step(name="b", command="true"),
        Step(name="all", deps=("a", "b")),
    ),
    goal="all",
)


def case(name: str, folder: Path = Path(), *argv: str) -> Case:
    return Case(name=name, argv=argv, folder=folder)


# Projects


def test_a_chain_has_each_step_after_the_one_before_it() -> None:
    assert [(step.name, step.deps) for step in chain(3).steps] == [
        ("t00001", ()),
        ("t00002", ("t00001",)),
        ("t00003", ("t00002",)),
    ]
    assert chain(3).goal == "t00003"


def test_side_by_side_only_the_last_step_has_deps() -> None:
    project = side_by_side(2, described=True)
    assert [step.deps for step in project.steps] == [(), (), ("t00001", "t00002")]
    assert project.steps[1].desc == "What step 2 is for"


def test_the_log_has_lines_of_a_hundred_bytes() -> None:
    done = subprocess.run(["sh", "-c", log(250).steps[0].command], capture_output=True, check=True)
    assert [len(line) for line in done.stdout.splitlines(keepends=True)] == [100, 100, 50]


def test_a_step_refuses_what_no_format_escapes() -> None:
    with pytest.raises(ValueError, match=r"a step cannot say '\{\{': x"):
        Step(name="x", command="echo {{y}}")


# Formats


@pytest.mark.parametrize(
    ("tool", "file", "text"),
    [
        (
            Ninja(),
            "build.ninja",
            "rule command\n  command = $cmd\n  description = $out\n\n"
            "build a: command\n  cmd = echo $$HOME\nbuild b: command\n  cmd = true\nbuild all: phony a b\n",
        ),
        (
            Make(),
            "Makefile",
            ".PHONY: a\na: \n\t@echo $$HOME\n.PHONY: b\nb: \n\t@true\n.PHONY: all\nall: a b\n",
        ),
        (
            Just(),
            "justfile",
            "# What a does\na:\n    @echo $HOME\n\nb:\n    @true\n\n[parallel]\nall: a b\n",
        ),
        (
            GoTask(),
            "Taskfile.yml",
            'version: "3"\nsilent: true\ntasks:\n  a:\n    desc: "What a does"\n    cmds: ["echo $HOME"]\n'
            '  b:\n    cmds: ["true"]\n  all:\n    deps: ["a", "b"]\n',
        ),
        (
            Trun(),
            "tasks.toml",
            '[tasks]\nb = "true"\n\n[tasks.a]\ndesc = "What a does"\nrun = "echo $HOME"\n'
            '\n[tasks.all]\ndeps = ["a", "b"]\n',
        ),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_a_project_in_the_words_of_each_tool(tool: Tool, file: str, text: str, tmp_path: Path) -> None:
    tool.write(THREE, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [file]
    assert (tmp_path / file).read_text(encoding="utf-8") == text


FROM_PYPI = [Ninja(), Just(), GoTask()]


@pytest.mark.parametrize(
    "tool",
    [*(pytest.param(tool, marks=pytest.mark.slow) for tool in FROM_PYPI), Make(), Trun()],
    ids=lambda tool: tool.name,
)
def test_each_tool_takes_its_format_and_does_the_steps_in_order(tool: Tool, tmp_path: Path) -> None:
    found = tool.source.find(CACHE)
    if isinstance(found, Absent):
        if os.environ.get("CI"):
            pytest.fail(f"{tool.name} is {found.reason}, and CI has every tool")
        pytest.skip(f"{tool.name} is {found.reason}")
    steps = [Step(name="x1", command='echo "made in $HOME" > x1.made')]
    steps += [Step(name=f"x{n}", command=f"cat x{n - 1}.made > x{n}.made", deps=(f"x{n - 1}",)) for n in (2, 3)]
    project = Project(steps=(*steps, Step(name="all", deps=("x3",))), goal="all")
    tool.write(project, tmp_path)
    for verb in ("plan", "list", "run"):
        assert not list(tmp_path.glob("*.made")), f"{tool.name} has run commands to {verb}"
        words = tool.words(Ask(verb=verb, project=project))
        if words is not None:
            assert isinstance(timed(case(tool.name, tmp_path, *found.words, *words)), Sample)
    assert (tmp_path / "x3.made").read_text(encoding="utf-8") == f"made in {tmp_path}\n"


# Tools that are had, and tools that are not


def test_a_program_that_is_not_there_is_absent_with_the_reason(tmp_path: Path) -> None:
    assert System(program="no-such-program").find(tmp_path) == Absent(reason="`no-such-program` is not on the PATH")
    assert Given(words=("/no/such",)).find(tmp_path) == Absent(reason="`/no/such` is not a program")


def test_a_program_that_cannot_tell_its_version_is_absent_with_its_last_words(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho first >&2\necho 'no module' >&2\nexit 3\n", encoding="utf-8")
    broken.chmod(0o755)
    assert Given(words=(str(broken),)).find(tmp_path) == Absent(reason="`--version` ended with 3: no module")


def test_a_program_that_is_there_tells_its_version(tmp_path: Path) -> None:
    found = Given(words=(sys.executable,)).find(tmp_path)
    assert found == Found(words=(sys.executable,), version=f"Python {sys.version.split()[0]}")


def test_no_two_rows_have_one_name() -> None:
    names = [tool.name for tool in [*runners(), *floors(sys.executable)]]
    assert len(names) == len(set(names))
