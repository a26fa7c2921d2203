"""Equal projects in the words of each tool, held; and that each tool takes them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .command import CACHE
from .files import different, digests, lay, wrong
from .measure import Case, Failed, Sample, timed
from .project import Folder, Project, Step, chain, copying, layered, log, side_by_side
from .question import Question
from .rooms import Rooms, Row, settle, surroundings
from .scenes import Edited, First, Fresh, Restored, Stage
from .tools import Absent, Ask, Found, Tool, Verb
from .tools.doit import Doit
from .tools.just import Just
from .tools.known import floors, runners
from .tools.make import Make
from .tools.mise import Mise
from .tools.moon import Moon
from .tools.ninja import Ninja
from .tools.ntask import NTask
from .tools.nx import Nx
from .tools.pytask import Pytask
from .tools.sources import NPM, Given, System
from .tools.task import GoTask
from .tools.trun import Trun
from .tools.turbo import Turbo
from .tools.wireit import Wireit

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
            'version: "3"\nsilent: true\nrun: once\ntasks:\n  a:\n    desc: "What a does"\n    cmds: ["echo $HOME"]\n'
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


# The smallest layered project: `b` reads a file of its own and what `a` makes.
MADE = Project(
    steps=(
        Step(name="a", command="make a", inputs=("src/a/*.txt",), outputs=("out/a.txt",)),
        Step(name="b", command="make b", inputs=("src/b/*.txt", "out/a.txt"), outputs=("out/b.txt",)),
        Step(name="all", deps=("b",)),
    ),
    goal="all",
    folders=(Folder(path="src/a", count=1, size_bytes=9), Folder(path="src/b", count=2, size_bytes=9)),
)


@pytest.mark.parametrize(
    ("tool", "file", "said"),
    [
        (
            Ninja(),
            "build.ninja",
            "build out/b.txt: command src/b/f00001.txt src/b/f00002.txt out/a.txt\n  cmd = make b",
        ),
        (Ninja(), "build.ninja", "build all: phony out/b.txt\n"),
        (Make(), "Makefile", "out/b.txt: src/b/*.txt out/a.txt\n\t@make b\n.PHONY: all\n"),
        (
            GoTask(),
            "Taskfile.yml",
            '    deps: ["a"]\n    sources: ["src/b/*.txt", "out/a.txt"]\n    generates: ["out/b',
        ),
        (Trun(), "tasks.toml", '[tasks.b]\nrun = "make b"\ninputs = ["src/b/*.txt", "out/a.txt"]\noutputs = ["out/b'),
        (Doit(), "dodo.py", "('b', '', 'make b', [], ['src/b/*.txt', 'out/a.txt'], ['out/b.txt'])"),
        (NTask(), "tasks.py", "@task(deps=[a])\n@cached(inputs=['src/b/*.txt'], outputs=['out/b.txt'])\ndef b():\n"),
        (Pytask(), "task_steps.py", "('b', 'make b', [Path('src/b/f00001.txt').absolute(), Path('src/b/f00002.txt')"),
        (Mise(), "mise.toml", 'depends = ["a"]\nrun = "make b"\nsources = ["src/b/*.txt", "out/a.txt"]\noutputs = ['),
        (Moon(), "moon.yml", '"script": "make b", "inputs": ["src/b/*.txt"], "outputs": ["out/b.txt"]}'),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_files_in_the_words_of_each_tool(tool: Tool, file: str, said: str, tmp_path: Path) -> None:
    tool.write(MADE, tmp_path)
    assert said in (tmp_path / file).read_text(encoding="utf-8")


def test_files_in_the_words_of_tools_that_write_json(tmp_path: Path) -> None:
    told = {}
    for tool, file in ((Turbo(), "turbo.json"), (Wireit(), "package.json"), (Nx(), "project.json")):
        tool.write(MADE, tmp_path)
        told[tool.name] = json.loads((tmp_path / file).read_text(encoding="utf-8"))
    assert told["turbo"]["tasks"]["b"] == {"dependsOn": ["a"], "inputs": ["src/b/*.txt"], "outputs": ["out/b.txt"]}
    assert told["wireit"]["wireit"]["b"] == {
        "dependencies": ["a"],
        "command": "make b",
        "files": ["src/b/*.txt"],
        "output": ["out/b.txt"],
    }
    assert told["nx"]["targets"]["b"]["inputs"] == [
        "{workspaceRoot}/src/b/*.txt",
        {"dependentTasksOutputFiles": "out/a.txt"},
    ]


def here(tool: Tool) -> Found:
    found = tool.source.find(CACHE)
    if isinstance(found, Absent):
        if os.environ.get("CI"):
            pytest.fail(f"{tool.name} is {found.reason}, and CI has every tool")
        pytest.skip(f"{tool.name} is {found.reason}")
    return found


def each(tools: list[Tool]) -> list[object]:
    return [
        pytest.param(tool, id=tool.name, marks=[] if tool.name in ("make -rR", "trun") else pytest.mark.slow)
        for tool in tools
    ]


@pytest.mark.parametrize("tool", each([tool for tool in runners() if tool.name != "pytask"]))
def test_each_tool_takes_its_format_and_does_the_steps_in_order(tool: Tool, tmp_path: Path) -> None:
    found = here(tool)
    steps = [Step(name="x1", command='echo "made in $PWD" > x1.made')]
    steps += [Step(name=f"x{n}", command=f"cat x{n - 1}.made > x{n}.made", deps=(f"x{n - 1}",)) for n in (2, 3)]
    project = Project(steps=(*steps, Step(name="all", deps=("x3",))), goal="all")
    settle(tool, found, project, tmp_path)
    verbs: tuple[Verb, ...] = ("plan", "list", "run")
    for verb in verbs:
        assert not list(tmp_path.glob("*.made")), f"{tool.name} has run commands to {verb}"
        words = tool.words(Ask(verb=verb, project=project))
        if words is not None:
            env = surroundings(tool, found, tmp_path)
            asked = Case(name=tool.name, argv=(*found.words, *words), folder=tmp_path, env=env)
            assert isinstance(timed(asked), Sample), timed(asked)
    assert (tmp_path / "x3.made").read_text(encoding="utf-8") == f"made in {tmp_path}\n"


def asked_of(tool: Tool, rooms: Rooms, stage: Stage, verb: Verb, project: Project) -> Sample | Failed:
    question = Question(
        name="files", room="files", title="", project=lambda scale: project, verb=verb, stage=stage, limit_s=60.0
    )
    case = rooms.case(Row(tool=tool, found=here(tool)), question, project)
    return case if isinstance(case, Failed) else timed(case)


BUILDING = [tool for tool in runners() if tool.words(Ask(verb="build", project=MADE))]
STORING = [tool for tool in BUILDING if tool.words(Ask(verb="restore", project=MADE))]


@pytest.mark.slow
@pytest.mark.parametrize("tool", each(BUILDING))
def test_each_tool_builds_what_is_missing_and_nothing_twice_and_one_task_after_an_edit(
    tool: Tool, tmp_path: Path
) -> None:
    rooms, project = Rooms(top=tmp_path), layered(12, 2)
    for stage in (First, First, Fresh, Fresh, Edited, Edited, Fresh):
        result = asked_of(tool, rooms, stage, "build", project)
        assert isinstance(result, Sample), (stage.__name__, result)


@pytest.mark.slow
@pytest.mark.parametrize("tool", each(STORING))
def test_each_tool_that_stores_outputs_brings_them_back(tool: Tool, tmp_path: Path) -> None:
    rooms, project = Rooms(top=tmp_path), copying(5, 100, 10_000)
    for _ in range(2):
        result = asked_of(tool, rooms, Restored, "restore", project)
        assert isinstance(result, Sample), result


def test_a_layer_reads_two_outputs_of_the_one_below() -> None:
    project = layered(20, 3)
    steps = {step.name: step for step in project.steps}
    assert steps["t00005"].inputs == ("src/t00005/*.txt",)
    assert steps["t00009"].inputs == ("src/t00009/*.txt", "out/t00004.txt", "out/t00005.txt")
    assert steps["t00010"].inputs == ("src/t00010/*.txt", "out/t00005.txt", "out/t00001.txt")
    assert steps["all"].deps == ("t00016", "t00017", "t00018", "t00019", "t00020")
    assert project.after(steps["t00009"]) == ("t00004", "t00005")
    assert project.own(steps["t00009"]) == ["src/t00009/*.txt"]
    assert len(project.reads(steps["t00009"])) == 5


def test_what_a_command_leaves_is_what_is_expected_of_it(tmp_path: Path) -> None:
    project = layered(7, 2, size_bytes=50)
    lay(project, tmp_path)
    for step in project.steps:
        subprocess.run(["sh", "-c", step.command], cwd=tmp_path, check=True)
    assert wrong(digests(project, {}), tmp_path) == ""
    assert (tmp_path / "ran").read_text().split() == ["1", "2", "3", "4", "5", "6", "7"]
    assert wrong(digests(project, {"src/t00007/f00001.txt": 1}), tmp_path) == "`out/t00007.txt` has wrong content"
    (tmp_path / "out/t00001.txt").unlink()
    assert wrong(digests(project, {}), tmp_path) == "`out/t00001.txt` is missing"


def test_copies_are_compared_for_what_is_missing_and_strays_and_content(tmp_path: Path) -> None:
    project = copying(2, 10, 20)
    lay(project, tmp_path)
    subprocess.run(["sh", "-c", project.steps[0].command], cwd=tmp_path, check=True)
    assert different(tmp_path / "seed", tmp_path / "out") == ""
    (tmp_path / "out/small/f00001.txt").write_bytes(b"other")
    assert different(tmp_path / "seed", tmp_path / "out") == "`small/f00001.txt` has wrong content"
    (tmp_path / "out/stray").touch()
    (tmp_path / "out/large/f00001.txt").unlink()
    assert different(tmp_path / "seed", tmp_path / "out") == "`large/f00001.txt` is missing"


# Tools that are had, and tools that are not


def test_a_program_that_is_not_there_is_absent_with_the_reason(tmp_path: Path) -> None:
    assert System(program="no-such-program").find(tmp_path) == Absent(reason="`no-such-program` is not on the PATH")
    assert Given(words=("/no/such",)).find(tmp_path) == Absent(reason="`/no/such` is not a program")


def test_what_npm_has_put_elsewhere_is_absent_with_the_reason(tmp_path: Path) -> None:
    source = NPM(package="@scope/some", program="some/bin")
    (tmp_path / "npm/node_modules/@scope/some").mkdir(parents=True)
    (tmp_path / "npm/node_modules/@scope/some/package.json").write_text('{"version": "1.2"}', encoding="utf-8")
    assert source.find(tmp_path) == Absent(reason="the package @scope/some has no `some/bin` for this platform")
    (tmp_path / "npm/node_modules/some").mkdir()
    (tmp_path / "npm/node_modules/some/bin").touch()
    assert source.find(tmp_path) == Found(words=(str(tmp_path / "npm/node_modules/some/bin"),), version="1.2")


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
