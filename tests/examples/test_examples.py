"""Each example, copied and run as its README says."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
NAMES = ["hello", "hello-yaml", "python-lib", "polyglot", "parallel"]
MADE = shutil.ignore_patterns("out", "gen", "target", "dist", "__pycache__", ".*_cache", ".trun")

# What each language of polyglot wants, as its `when` asks.
LANGUAGES = {
    "c": ["cc", "--version"],
    "rust": ["cargo", "--version"],
    "go": ["go", "version"],
    "node": ["node", "--version"],
}
# What each task of python-lib wants to import.
LIBRARY = {"lint": "ruff", "types": "mypy", "test": "pytest", "build": "build, hatchling"}
LIBRARY["release-check"] = LIBRARY["build"]


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


# Where these are set trun writes for a CI system; what a person sees is tested here.
CI = ("CI", "GITHUB_ACTIONS", "GITLAB_CI")


@pytest.fixture
def copy(request: pytest.FixtureRequest, tmp_path: Path) -> Copy:
    """The example that the test names."""
    return Copy(request.param, tmp_path)


def example(name: str) -> pytest.MarkDecorator:
    """Give the test a copy of this example."""
    return pytest.mark.parametrize("copy", [name], indirect=True)


def is_there(what: str, command: list[str]) -> bool:
    """Whether the tool works; in CI all of them must."""
    found = shutil.which(command[0]) is not None and subprocess.run(command, capture_output=True).returncode == 0
    if not found and os.environ.get("CI"):
        pytest.fail(f"{what} is missing, and CI has every tool: {shlex.join(command)}")
    return found


def languages() -> dict[str, str]:
    """How each language's task should end here."""
    there = {name: is_there(name, command) for name, command in LANGUAGES.items()} | {"python": True}
    return {name: "ran" if found else "skipped" for name, found in there.items()}


def library() -> dict[str, str]:
    """How each task of python-lib should end here."""
    there = {task: is_there(task, [sys.executable, "-c", f"import {names}"]) for task, names in LIBRARY.items()}
    return {task: "ran" if found else "skipped" for task, found in there.items()}


def tasks_file(name: str) -> dict[str, object]:
    """The example's file as plain data."""
    path = EXAMPLES / name / "tasks.toml"
    if path.exists():
        return tomllib.loads(path.read_text(encoding="utf-8"))
    data: dict[str, object] = YAML(typ="safe").load(path.with_suffix(".yaml"))
    return data


def readme_lines(name: str) -> list[str]:
    """The command lines of the README's sh blocks, without their comments."""
    text = (EXAMPLES / name / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


# every example


@pytest.mark.parametrize("name", NAMES)
def test_the_file_keeps_to_the_schema(name: str) -> None:
    schema = json.loads((ROOT / "schema" / "tasks.schema.json").read_text(encoding="utf-8"))
    found = jsonschema.Draft7Validator(schema).iter_errors(tasks_file(name))
    assert [f"{list(error.absolute_path)}: {error.message}" for error in found] == []


def test_every_example_is_tested_here() -> None:
    assert sorted(path.parent.name for path in EXAMPLES.glob("*/tasks.*")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_trun_understands_every_command_line_of_the_readme(name: str, tmp_path: Path) -> None:
    lines = readme_lines(name)
    assert len(lines) >= 4
    copy = Copy(name, tmp_path)
    for line in lines:
        trun, *words = shlex.split(line, comments=True)
        assert trun == "trun"
        looks = {"--list", "--graph", "--help", "-n"} & set(words)
        copy.trun(*([] if looks else ["-n"]), *words, events=False).ok()
    assert not (copy.path / "out").exists()


# hello

HELLOS = pytest.mark.parametrize("copy", ["hello", "hello-yaml"], indirect=True)


@HELLOS
def test_hello_greets_and_tells_the_day_before_it_takes_leave(copy: Copy) -> None:
    ran = copy.trun().ok()
    assert ran.statuses == {"today": "ran", "greet": "ran", "hello": "ran"}
    assert ran.order[-1] == "hello"
    assert "Hello, world!" in ran.text
    assert re.search(r"It is \w+day\.", ran.text)
    assert ran.text.index("Have a good day.") > ran.text.index("Hello, world!")


@HELLOS
def test_hello_takes_a_name_by_place_and_a_variable_before_it(copy: Copy) -> None:
    ran = copy.trun("greeting=Bonjour", "greet", "Ada").ok()
    assert "Bonjour, Ada!" in ran.text
    assert list(ran.statuses.values()) == ["ran"]


@HELLOS
def test_no_name_breaks_the_line_of_the_shell(copy: Copy) -> None:
    name = "O'Hara & $(touch owned) `touch owned`; touch owned"
    assert f"Hello, {name}!" in copy.trun("greet", "--name", name).ok().text
    assert not (copy.path / "owned").exists()


@HELLOS
def test_the_help_of_greet_tells_its_argument(copy: Copy) -> None:
    text = copy.trun("greet", "--help", events=False).ok().out
    assert "whom to greet" in text
    assert "world" in text


def test_both_formats_list_the_same_tasks(tmp_path: Path) -> None:
    lists = [Copy(name, tmp_path / name).trun("--list", events=False).ok().out for name in ("hello", "hello-yaml")]
    assert lists[0] == lists[1]
    assert "Greet somebody" in lists[0]


# python-lib


@pytest.mark.slow
@example("python-lib")
def test_the_library_is_checked_and_built_and_its_wheel_imports(copy: Copy) -> None:
    copy.git("init", "-q")
    copy.git("add", "-A")
    copy.git("commit", "-qm", "all")
    ran = copy.trun().ok()
    wanted = library()
    for task, status in wanted.items():
        assert ran.statuses[task] == status, ran.text
    if wanted["build"] == "ran":
        assert "lapse 0.3.0 is ready: its wheel imports, and says that 90m is 1 hour 30 minutes" in ran.text
        dist = sorted(path.name for path in (copy.path / "dist").iterdir())
        assert dist == ["lapse-0.3.0-py3-none-any.whl", "lapse-0.3.0.tar.gz"]
    assert copy.git("status", "--porcelain", "--", "examples") == ""


@pytest.mark.slow
@example("python-lib")
def test_the_release_check_builds_first_though_it_names_no_dep(copy: Copy) -> None:
    if library()["build"] != "ran":
        pytest.skip("build and hatchling are not installed")
    ran = copy.trun("release-check").ok()
    assert ran.order == ["build", "release-check"]


@pytest.mark.slow
@example("python-lib")
def test_the_pattern_becomes_a_flag_of_pytest(copy: Copy) -> None:
    ran = copy.trun("t", "-k", "nonsense").ok()
    assert list(ran.statuses.values()) == ["ran"]
    assert "1 passed, 35 deselected" in ran.text


@pytest.mark.slow
@example("python-lib")
def test_a_fault_in_the_library_fails_the_run_and_is_named(copy: Copy) -> None:
    copy.edit("src/lapse/units.py", "HOUR_S = 3_600", "HOUR_S = 3_601")
    ran = copy.trun("test")
    assert ran.code == 1
    assert list(ran.statuses.values()) == ["failed"]
    assert "test_a_length_of_time_is_read[1h 30m-5400]" in ran.text


@example("python-lib")
def test_without_its_tools_the_library_says_what_it_left_out(copy: Copy) -> None:
    copy.only_python("-S")
    ran = copy.trun().ok()
    assert {task for task, status in ran.statuses.items() if status == "skipped"} >= set(LIBRARY)
    assert all(ran.skipped_and_told(task) for task in LIBRARY)
    assert not (copy.path / "dist").exists()


# polyglot


@pytest.mark.slow
@example("polyglot")
def test_five_languages_give_one_answer(copy: Copy) -> None:
    copy.git("init", "-q")
    copy.git("add", "-A")
    copy.git("commit", "-qm", "all")
    wanted = languages()
    ran = copy.trun("-j5").ok()
    assert ran.statuses == wanted | {"gen": "ran", "compare": "ran"}
    assert (ran.order[0], ran.order[-1]) == ("gen", "compare")
    assert max(map(len, ran.together())) >= 2
    for language, status in wanted.items():
        row = rf"\b{language} +" + ("22 of 22 +[0-9,]+ " if status == "ran" else "was not built")
        assert re.search(row, ran.text), ran.text
    programs = sum(status == "ran" for status in wanted.values())
    assert f"{programs} program" in ran.text
    assert "one answer to each of 100,022 questions" in ran.text
    assert copy.git("status", "--porcelain", "--", "examples") == ""


@pytest.mark.slow
@example("polyglot")
def test_a_tag_takes_the_compiled_languages_and_what_they_read(copy: Copy) -> None:
    wanted = languages()
    ran = copy.trun("-t", "compiled").ok()
    assert ran.statuses == {"gen": "ran", "c": wanted["c"], "rust": wanted["rust"], "go": wanted["go"]}
    assert not (copy.path / "out" / "python").exists()


@example("polyglot")
def test_a_missing_compiler_is_told_and_the_rest_is_compared(copy: Copy) -> None:
    copy.only_python()
    ran = copy.trun().ok()
    assert ran.statuses == dict.fromkeys(LANGUAGES, "skipped") | dict.fromkeys(("gen", "python", "compare"), "ran")
    for language in LANGUAGES:
        assert ran.skipped_and_told(language)
        assert re.search(rf"\b{language} +was not built, and is left out", ran.text)
    assert "1 program, one answer to each of 100,022 questions" in ran.text


@example("polyglot")
def test_a_program_that_rounds_wrongly_fails_the_comparison(copy: Copy) -> None:
    copy.only_python()
    copy.edit("python/__main__.py", "+ 0.5)", "+ 0.1)")
    ran = copy.trun()
    assert ran.code == 1
    assert ran.statuses["compare"] == "failed"
    assert "python says 26.2 mile kilometre: 42.164812, not 42.164813" in ran.text


@example("polyglot")
def test_the_graph_shows_edges_that_no_task_declares(copy: Copy) -> None:
    text = copy.trun("--graph", "--format", "dot", events=False).ok().out
    assert "deps" not in (copy.path / "tasks.toml").read_text(encoding="utf-8")
    for language in (*LANGUAGES, "python"):
        assert re.search(rf'"{language}"', text), text
    assert text.count("->") >= 10


# parallel


def clashes(ran: Ran) -> list[set[str]]:
    """Moments at which the barrier or a pool did not hold."""
    big = {"report-twins", "report-gaps"}
    return [
        now
        for now in ran.together()
        if ("migrate" in now and len(now) > 1) or len(now & big) > 1 or sum(t.startswith("shard-") for t in now) > 3
    ]


@example("parallel")
def test_the_barrier_and_the_pools_hold_with_many_jobs(copy: Copy) -> None:
    ran = copy.trun("-j6").ok()
    assert set(ran.statuses.values()) == {"ran"}
    assert len(ran.statuses) == 15
    assert clashes(ran) == []
    assert max(map(len, ran.together())) >= 3
    assert re.search(r"migrate ran alone; of the other 12 tasks at most \d ran at once", ran.text)
    assert "1,991 pairs of twins" in ran.text
    assert "the longest gap is 148 after 2,010,733" in ran.text
    assert "5,512 of 21,930 primes found again" in ran.text
    assert sorted(path.name for path in (copy.path / "out").iterdir()) == [
        "log.txt",
        *(f"shard-{number}.json" for number in range(1, 7)),
    ]


@pytest.mark.slow
@example("parallel")
def test_a_weight_of_two_fills_two_jobs(copy: Copy) -> None:
    ran = copy.trun("-j2").ok()
    assert clashes(ran) == []
    for now in ran.together():
        assert sum(2 if task == "report-audit" else 1 for task in now) <= 2


@example("parallel")
def test_with_one_job_the_long_shard_goes_first(copy: Copy) -> None:
    ran = copy.trun("-j1", "-t", "shard").ok()
    assert set(ran.statuses) == {"begin", *(f"shard-{number}" for number in range(1, 7))}
    assert ran.order[:2] == ["begin", "shard-6"]
    assert max(map(len, ran.together())) == 1


@pytest.mark.slow
@example("parallel")
def test_a_tag_expression_takes_some_reports_and_all_they_need(copy: Copy) -> None:
    ran = copy.trun("-t", "report and not big").ok()
    needed = {"begin", "migrate", *(f"shard-{number}" for number in range(1, 7))}
    assert set(ran.statuses) == needed | {"report-digits", "report-audit"}


@pytest.mark.slow
@example("parallel")
def test_the_lock_goes_though_the_migration_fails(copy: Copy) -> None:
    copy.edit("work.py", "        path.unlink()\n", '        sys.exit(f"cannot remove {path}")\n')
    ran = copy.trun("-j4")
    assert ran.code == 1
    assert ran.statuses["migrate"] == "failed"
    assert ran.statuses["proof"] == "skipped"
    assert "cannot remove" in ran.text
    assert (copy.path / "out" / "shard-1.txt").exists()
    assert not (copy.path / "out" / "store.lock").exists()
