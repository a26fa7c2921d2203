"""Tasks files against slow and obvious counterparts: places, the schema as a predicate, one model from two formats."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from jsonschema.validators import extend

from runner.config import Span, toml, yaml
from runner.config.accept import acceptor
from runner.config.schema import check, schema_text
from runner.config.source import is_plain, oddities

TOP = Path(__file__).resolve().parent.parent.parent
KeyPath = tuple[str | int, ...]
Data = dict[str, Any]

EXAMPLES: list[Data] = [
    tomllib.loads((TOP / name).read_text(encoding="utf-8"))
    for name in ("tasks.toml.example", "tests/data/product_example.toml")
]
SCHEMA: Data = json.loads(schema_text("tasks"))
INTEGERS = Draft7Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
VALIDATOR = extend(Draft7Validator, type_checker=INTEGERS)  # type: ignore[no-untyped-call]

TEXTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufeff\ufffe\uffff\u2028\u2029")
) | st.sampled_from(
    [
        "",
        "a\nb",
        "'''",
        '"""',
        '"',
        "\\",
        "# no",
        "] }",
        "tab\there",
        " x ",
        "a: b",
        "- x",
        "true",
        "12",
        "*a",
        "&a",
        "{{x}}",
    ]
)
KEYS = st.text("abc-_1", min_size=1, max_size=3) | TEXTS.filter(lambda text: text != "<<")
LEAVES = (
    TEXTS | st.booleans() | st.integers(-(10**18) + 1, 10**18 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.recursive(
    LEAVES, lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS, below, max_size=3), max_leaves=8
)
TABLES = st.dictionaries(KEYS, VALUES, max_size=4)


# ---- a writer of TOML that likes variety


class Writer:
    """Writes a table in one of the many ways that it can be written."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def either(self, *ways: str) -> str:
        return self.random.choice(ways)

    def space(self) -> str:
        return self.either("", " ", "  ", "\t")

    def gap(self) -> str:
        """What may stand between the entries of a list."""
        return self.either("", " ", "\n", "\n\t# [a, comment = {\n", " # }\n\n")

    def quoted(self, text: str) -> str:
        # TOML has no pairs of surrogates.
        return json.dumps(text, ensure_ascii=max(text, default="") < "\uffff" and self.random.random() < 0.5)

    def key(self, key: str) -> str:
        ways = [self.quoted(key)]
        if key and key.replace("-", "").replace("_", "").isalnum() and key.isascii():
            ways.append(key)
        if "'" not in key and key.isprintable():
            ways.append(f"'{key}'")
        return self.either(*ways)

    def value(self, value: Any) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            entries = [self.gap() + self.value(entry) + self.gap() for entry in value]
            last = self.either("", ",") if entries else ""
            return "[" + ",".join(entries) + last + self.gap() + "]"
        if isinstance(value, dict):
            pairs = [
                f"{self.space()}{self.key(key)}{self.space()}={self.space()}{self.value(below)}"
                for key, below in value.items()
            ]
            return "{" + ",".join(pairs) + self.space() + "}"
        return str(value)

    def text(self, text: str) -> str:
        ways = [self.quoted(text), '"""\n' + text.replace("\\", "\\\\").replace('"', '\\"') + '"""']
        if "'" not in text and text.isprintable():
            ways += [f"'{text}'", f"'''{text}'''"]
        return self.either(*ways)

    def table(self, table: Data, path: tuple[str, ...] = ()) -> str:
        """The keys of a table, then the tables below it under headers of their own."""
        lines, below = [], []
        for key, value in table.items():
            if isinstance(value, dict) and self.random.random() < 0.6:
                below.append((key, value))
            elif isinstance(value, dict) and value and self.random.random() < 0.5:
                name = self.key(key)
                lines += [
                    f"{name}{self.space()}.{self.space()}{self.key(sub)} = {self.value(deep)}"
                    for sub, deep in value.items()
                ]
            else:
                pair = f"{self.key(key)}{self.space()}={self.space()}{self.value(value)}"
                lines.append(self.space() + pair + self.either("", " # x = 1"))
        for key, value in below:
            header = ".".join(f"{self.space()}{self.key(part)}{self.space()}" for part in (*path, key))
            lines += ["", f"[{header}]{self.either('', ' # [y]')}", self.table(value, (*path, key))]
        return "\n".join(lines)


def paths(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Every path in a value, with what stands there."""
    if path:
        yield path, value
    if isinstance(value, dict | list):
        for key, below in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(below, (*path, key))


def cut(text: str, span: Span) -> str:
    return text[span.start : span.end]


def read_back(text: str, span: Span) -> Any:
    return toml.loads(f"x = {cut(text, span)}")["x"]


def as_key(text: str, span: Span) -> str:
    (key,) = toml.loads(f"{cut(text, span)} = 1")
    return key


def places_are_right(text: str, data: Data) -> None:
    for path, value in paths(data):
        span = toml.locate(text, path)
        if isinstance(path[-1], str):
            key = toml.locate(text, path, key=True)
            assert as_key(text, key) == path[-1]
            if span == key:
                # A table without braces is told by its name.
                assert isinstance(value, dict | list)
                continue
            assert key.end <= span.start
        elif cut(text, span).startswith(tuple("abc-_1")) and isinstance(value, dict):
            continue
        assert read_back(text, span) == value


@given(TABLES, st.randoms(use_true_random=False))
def test_toml_places_are_right_however_a_table_is_written(data: Data, random: Random) -> None:
    text = Writer(random).table(data)
    assert toml.parse(text.encode(), "tasks.toml") == data
    places_are_right(text, data)


@given(TABLES, st.booleans())
def test_toml_places_are_right_in_what_a_library_writes(data: Data, multiline: bool) -> None:
    text = tomli_w.dumps(data, multiline_strings=multiline)
    made = toml.parse(text.encode(), "tasks.toml")
    for path, value in paths(made):
        span = toml.locate(text, path)
        if isinstance(value, str | bool | int | float):
            assert read_back(text, span) == value


@pytest.mark.parametrize("name", ["tasks.toml.example", "tests/data/product_example.toml"])
def test_toml_places_are_right_in_real_files(name: str) -> None:
    text = (TOP / name).read_text(encoding="utf-8")
    places_are_right(text, toml.parse(text.encode(), name))


# ---- one model from two formats


@given(TABLES)
def test_yaml_reads_json_as_toml_reads_toml(data: Data) -> None:
    text = json.dumps(data, ensure_ascii=False)
    assert yaml.parse(text.encode(), "tasks.yaml") == data
    assert json.dumps(yaml.parse(text.encode(), "tasks.yaml")) == json.dumps(data)


@given(TABLES, st.booleans())
def test_yaml_places_are_right(data: Data, indented: bool) -> None:
    text = json.dumps(data, indent=2 if indented else None, ensure_ascii=False)
    yaml.parse(text.encode(), "tasks.yaml")
    for path, value in paths(data):
        assert json.loads(cut(text, yaml.locate(text, path))) == value
        if isinstance(path[-1], str):
            assert json.loads(cut(text, yaml.locate(text, path, key=True))) == path[-1]


@given(TABLES)
def test_yaml_reads_what_a_library_writes(data: Data) -> None:
    from io import StringIO

    from ruamel.yaml import YAML

    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    out = StringIO()
    writer.dump(data, out)
    assert yaml.parse(out.getvalue().encode(), "tasks.yaml") == data


@given(
    st.recursive(
        LEAVES | st.floats() | st.integers() | st.dates() | st.none(),
        lambda below: st.lists(below) | st.dictionaries(KEYS, below),
    )
)
def test_data_is_plain_when_nothing_in_it_is_odd(value: Any) -> None:
    data = {"a": value}
    assert is_plain(data) == (not list(oddities(data)))


# ---- the schema as a predicate

WORDS = st.sampled_from(
    ["", "x", "5s", "10GB", "a b", "-x", "12", "linux", "full", "read", "string", "^a", "@lock", "Ünï", "a\n"]
)
SMALL = st.recursive(
    WORDS | st.booleans() | st.sampled_from([0, 1, -1, 2, 70000, 0.5, 1.0, 1.5, 10**17]),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(WORDS | st.sampled_from(["task", "glob", "args", "cmd", "count", "path"]), below, max_size=3)
    ),
    max_leaves=5,
)


def mutated(data: Data, random: Random, value: Any) -> Data:
    """A document with one thing changed, renamed, taken out or put in."""
    made = deepcopy(data)
    path, _ = random.choice(list(paths(made)))
    above: Any = made
    for part in path[:-1]:
        above = above[part]
    last: Any = path[-1]
    match random.randrange(4):
        case 0:
            above[last] = value
        case 1:
            del above[last]
        case 2 if isinstance(above, dict):
            above[random.choice(["x", "nope", "run", "-", "", "env", "task", "glob"])] = value
        case _ if isinstance(above, dict):
            above[random.choice(["inputz", "a b", "12", "desc"])] = above.pop(last)
        case _:
            above.insert(random.randrange(len(above) + 1), value)
    return made


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(EXAMPLES), st.lists(SMALL, min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_the_acceptor_agrees_with_the_validator_on_changed_documents(
    data: Data, values: list[Any], random: Random
) -> None:
    for value in values:
        data = mutated(data, random, value)
    accepts = acceptor(SCHEMA)(data)
    assert accepts == VALIDATOR(SCHEMA).is_valid(data)
    text = tomli_w.dumps(data)
    problems = check(data, locate=toml.locate, file="tasks.toml", text=text)
    assert bool(problems) != accepts
    for problem in problems:
        assert problem.place is not None
        assert problem.place.line <= text.count("\n") + 1


SIMPLE = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["string", "integer", "number", "boolean", "array", "object", ["string", "array"]]),
        "enum": st.lists(SMALL, min_size=1, max_size=3),
        "const": SMALL,
        "minLength": st.integers(0, 3),
        "maxLength": st.integers(0, 3),
        "pattern": st.sampled_from(["^a", "x", "[0-9]$", "^$"]),
        "minimum": st.integers(-1, 2),
        "maximum": st.integers(-1, 2),
        "minItems": st.integers(0, 2),
        "maxItems": st.integers(0, 2),
        "uniqueItems": st.booleans(),
        "required": st.lists(WORDS, max_size=2, unique=True),
        "minProperties": st.integers(0, 2),
        "maxProperties": st.integers(0, 2),
    },
)
SCHEMAS = st.recursive(
    SIMPLE,
    lambda below: st.builds(
        lambda one, other: {**one, **other},
        SIMPLE,
        st.fixed_dictionaries(
            {},
            optional={
                "items": below | st.booleans(),
                "properties": st.dictionaries(WORDS, below, max_size=2),
                "patternProperties": st.dictionaries(st.sampled_from(["^a", "x"]), below, max_size=2),
                "additionalProperties": below | st.booleans(),
                "propertyNames": below | st.booleans(),
                "anyOf": st.lists(below, min_size=1, max_size=3),
                "not": below,
            },
        ),
    ),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(SCHEMAS, st.lists(SMALL, min_size=1, max_size=5))
def test_the_acceptor_agrees_with_the_validator_on_any_schema(schema: Data, values: list[Any]) -> None:
    accepts = acceptor(schema)
    validator = VALIDATOR(schema)
    for value in values:
        assert accepts(value) == validator.is_valid(value), (schema, value)
