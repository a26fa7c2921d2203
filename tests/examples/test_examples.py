"""Every example keeps to the schema and to its README; hello, in both formats, says hello."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from tests.examples.copied import EXAMPLES, ROOT, Copy

NAMES = ["hello", "hello-yaml", "python-lib", "polyglot", "parallel", "portable"]
HELLOS = pytest.mark.parametrize("copy", ["hello", "hello-yaml"], indirect=True)


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


@pytest.mark.parametrize("name", NAMES)
def test_the_file_keeps_to_the_schema(name: str) -> None:
    schema = json.loads((ROOT / "schema" / "tasks.schema.json").read_text(encoding="utf-8"))
    found = jsonschema.Draft7Validator(schema).iter_errors(tasks_file(name))
    assert [f"{list(error.absolute_path)}: {error.message}" for error in found] == []


def test_every_example_is_tested_here() -> None:
    assert sorted(path.parent.name for path in EXAMPLES.glob("*/tasks.*ml")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_trun_understands_every_command_line_of_the_readme(name: str, tmp_path: Path) -> None:
    lines = readme_lines(name)
    assert len(lines) >= 4
    copy = Copy(name, tmp_path)
    for line in lines:
        trun, *words = shlex.split(line, comments=True)
        assert trun == "trun"
        looks = {"--list", "--graph", "--help", "-n", "--why", "--lock"} & set(words)
        copy.trun(*([] if looks else ["-n"]), *words, events=False).ok()
    assert not (copy.path / "out").exists()


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
