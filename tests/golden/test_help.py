"""What `--help` says of trun and of tasks: the texts of `help.txt` and `help_of_tasks.txt`, verbatim."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.cli.app import show_help
from runner.cli.help import overview, task_help
from runner.manifest import Manifest
from runner.request import Ambient, Target
from runner.task import Arg, Argv, Dep, Project, Script, Task

HERE = Path(__file__).parent
MANIFEST = Manifest(path="/shop/tasks.toml", root="/shop", shown="tasks.toml", data={}, locate=lambda path, key: None)
TASKS = [
    Task(
        name="test",
        path=("tasks", "test"),
        desc="Unit tests,\none task for each service",
        aliases=("t", "unit"),
        args={
            "pattern": Arg(name="pattern", short="k", flag="-k", help="only the tests that match"),
            "cov": Arg(name="cov", type="bool", default="true", help="measure coverage"),
            "level": Arg(
                name="level",
                type="int",
                min=1,
                max=9,
                default="3",
                env="TEST_LEVEL",
                help="how far to look into what is there, which may take a very long time",
            ),
        },
    ),
    Task(
        name="deploy",
        path=("tasks", "deploy"),
        desc="Deploy one version",
        steps=(Script(text="./deploy {{env}} {{files}} {{version}} {{only}} {{rest}}"),),
        deps=(Dep(task="check"), Dep(task="build", args={"env": "prod"}), Dep(task="lint*")),
        args={
            "dry_run": Arg(name="dry_run", type="bool", short="d"),
            "version": Arg(name="version", pattern=r"\d+\.\d+\.\d+", required=True),
            "only": Arg(name="only", multiple=True, default=("web", "the api")),
            "to": Arg(name="to", multiple=True, required=True),
            "env": Arg(name="env", choices=("staging", "prod"), required=True, positional=True, help="where to"),
            "files": Arg(name="files", type="path", positional=True, multiple=True),
        },
    ),
    Task(name="clean", path=("tasks", "clean"), steps=(Argv(words=("rm", "-r", "out", "{{rest}}")),)),
    Task(name="loud", path=("tasks", "loud"), desc="\x1b[31mred\x1b[0m"),
]
PROJECT = Project(manifest=MANIFEST, root="/shop", tasks={task.name: task for task in TASKS})


def world(*, is_terminal: bool = False, **environ: str) -> Ambient:
    return Ambient(
        environ=environ, cwd="/", os="linux", arch="x86_64", cpus=2, clock=lambda: 0.0, stdout_is_terminal=is_terminal
    )


def of(*names: str) -> str:
    return task_help(PROJECT, [Target(name=name) for name in names])


def test_the_help_of_trun_is_this() -> None:
    assert overview() == (HERE / "help.txt").read_text()


def test_the_help_of_tasks_is_this() -> None:
    assert of("test", "deploy", "clean") + "\n" == (HERE / "help_of_tasks.txt").read_text()


def test_a_task_named_twice_is_told_of_once() -> None:
    assert of("clean", "test", "clean") == of("clean", "test")


def test_a_description_drives_no_terminal() -> None:
    assert "\x1b" not in of("loud")
    assert "\\x1b[31mred" in of("loud")


@pytest.mark.parametrize("width", [60, 70, 80, 100])
def test_help_keeps_to_its_width(width: int) -> None:
    lines = [*overview(width).splitlines(), *task_help(PROJECT, [Target(name="test")], width).splitlines()]
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize(
    ("ambient", "is_coloured"),
    [
        (world(), False),
        (world(is_terminal=True), True),
        (world(is_terminal=True, NO_COLOR="1"), False),
        (world(is_terminal=True, TERM="dumb"), False),
        (world(FORCE_COLOR="1"), True),
    ],
)
def test_typer_prints_the_help_and_colours_it_on_a_terminal_only(
    ambient: Ambient, is_coloured: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert show_help(ambient) == 0
    told = capsys.readouterr()
    assert told.err == ""
    assert ("\x1b[" in told.out) == is_coloured
    assert plain(told.out) == overview()


def plain(text: str) -> str:
    first, *others = text.split("\x1b[")
    return first + "".join(other.partition("m")[2] for other in others)
