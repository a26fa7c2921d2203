"""A tasks file against the schema: what is right, what is told, and what only later versions know."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runner.config import toml
from runner.config.accept import Compiler
from runner.config.schema import check, later_keys, schema_text
from runner.config.wording import NAMES, VALUES
from runner.error import Problem

TOP = Path(__file__).resolve().parent.parent.parent
WRONG = [
    [part.strip() for part in line.split("|", 1)]
    for line in (TOP / "tests" / "data" / "schema_wrong.txt").read_text(encoding="utf-8").splitlines()[1:]
]


def checked(text: str) -> list[Problem]:
    return check(toml.parse(text.encode(), "tasks.toml"), locate=toml.locate, file="tasks.toml", text=text)


def later(text: str) -> list[Problem]:
    return later_keys(toml.parse(text.encode(), "tasks.toml"), locate=toml.locate, file="tasks.toml", text=text)


def messages(text: str) -> list[str]:
    return [problem.message for problem in checked(text)]


@pytest.mark.parametrize("path", ["tasks.toml.example", "tests/data/product_example.toml"])
def test_a_right_file_has_no_problems(path: str) -> None:
    assert checked((TOP / path).read_text(encoding="utf-8")) == []


def test_an_empty_file_is_right() -> None:
    assert checked("") == []
    assert later("") == []


@pytest.mark.parametrize(("path", "text"), WRONG, ids=[f"{at}: {path}" for at, (path, _) in enumerate(WRONG)])
def test_each_fault_is_told_once_and_at_its_place(path: str, text: str) -> None:
    from runner.error import Refusal

    try:
        problems = checked(text)
    except Refusal as refusal:
        # Integers that are too long are refused before.
        problems = list(refusal.problems)
    (problem,) = problems
    place = problem.place
    assert place is not None
    assert text.splitlines()[place.line - 1] == place.text
    told = place.text[place.column - 1 : place.column - 1 + place.width]
    assert told
    assert told in text


def test_problems_come_in_the_order_of_the_file() -> None:
    text = (
        "".join(f"[{table}.x]\nnope = 1\n" for table in ("templates", "profiles", "tasks"))
        + "[env]\nA = []\n[run]\njobs = 0\n"
    )
    assert [problem.place and problem.place.line for problem in checked(text)] == [2, 4, 6, 8, 10]


def test_a_wrong_task_among_a_thousand_right_ones_is_told_alone() -> None:
    text = "".join(f'[tasks.t{number}]\nrun = "x"\n' for number in range(1000)) + "[tasks.last]\nrun = 5\n"
    assert messages(text) == ["`run` of task `last` must be a string, a list or a table, not 5"]


def test_of_thousands_of_faults_some_are_told() -> None:
    text = "[tasks]\n" + "".join(f"t{number} = {number}\n" for number in range(5000))
    assert len(checked(text)) == 200
    assert len(checked("".join(f"nope{number} = 1\n" for number in range(5000)))) == 100


def test_keys_for_later_are_told_in_the_order_of_the_file() -> None:
    text = '[profiles.p]\nremote.url = "x"\n[tasks.a]\nservice = true\nrun = "x"\n'
    text += 'for_each = { x = ["y"] }\n[project]\nmembers = []\n'
    told = [(problem.message, problem.place and problem.place.line) for problem in later(text)]
    assert told == [
        ("`remote` is not available yet in this version of trun", 2),
        ("`service` is not available yet in this version of trun", 4),
        ("`for_each` is not available yet in this version of trun", 6),
        ("`members` is not available yet in this version of trun", 8),
    ]


def test_words_that_only_look_like_keys_for_later_are_none() -> None:
    text = '[vars]\nremote = "x"\n[env]\nfor_each = "y"\n[tasks.cache]\nrun = "x"\nenv.probes = "1"\n'
    text += '[globs]\nmembers = ["*"]\n'
    assert checked(text) == []
    assert later(text) == []


def test_the_public_schemas_are_found() -> None:
    for name in ("tasks", "events"):
        assert json.loads(schema_text(name))["$schema"] == "http://json-schema.org/draft-07/schema#"


def test_a_schema_inside_the_package_comes_before_the_one_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from runner.config import schema

    package = tmp_path / "site-packages" / "runner"
    (package / "config").mkdir(parents=True)
    (package / "_schema").mkdir()
    (package / "_schema" / "views.schema.json").write_text("{}")
    monkeypatch.setattr(schema, "__file__", str(package / "config" / "schema.py"))
    schema_text.cache_clear()
    try:
        assert schema_text("views") == "{}"
    finally:
        schema_text.cache_clear()


def test_every_definition_that_has_a_word_of_its_own_is_there() -> None:
    root: dict[str, Any] = json.loads(schema_text("tasks"))
    assert root["definitions"].keys() >= VALUES.keys() | NAMES.keys()
    assert "patternProperties" not in schema_text("tasks"), "`config/schema.py` does not think of them"
    # Compiling each of them shows that no keyword is unknown.
    compiler = Compiler(root)
    for definition in root["definitions"].values():
        assert compiler.table(definition)


DEAR: tuple[str, ...] = (
    "jsonschema",
    "ruamel",
    "typing",
    "inspect",
    "dataclasses",
    "difflib",
    "tempfile",
    "runner.config.wording",
)
DEAR += ("runner.config.toml_places", "runner.config.toml_faults", "runner.config.toml_limits", "runner.config.yaml")

RIGHT = f"""
import sys
sys.path[:0] = {[str(TOP), *(path for path in sys.path if path.endswith("site-packages"))]!r}
from runner.config import toml
from runner.config.schema import check, later_keys
text = open("tests/data/product_example.toml").read()
data = toml.parse(text.encode(), "x")
assert check(data, locate=toml.locate, file="x", text=text) == []
assert later_keys({{"tasks": {{"a": "true"}}}}, locate=toml.locate, file="x", text="") == []
print(*(name for name in {DEAR!r} if name in sys.modules))
"""


def test_a_right_file_is_checked_without_what_is_dear() -> None:
    # Without site, so that nothing that the environment preloads is taken for ours.
    done = subprocess.run([sys.executable, "-S", "-c", RIGHT], check=True, cwd=TOP, capture_output=True, text=True)
    assert done.stdout.split() == []
