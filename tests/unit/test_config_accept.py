"""The schema as a predicate, keyword by keyword."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft7Validator

from runner.config.accept import KNOWN, Compiler, acceptor

Schema = dict[str, Any]

VALUES: list[object] = [
    *("", "a", "ab", "abc", "1", "äöü", True, False, 0, 1, -1, 2, 10, 0.5, 1.5, 2.5, -0.5),
    *([], [1], [1, 2], [1, 1], [True, 1], ["a", "a"], [[1], [1]], [{"a": 1}, {"a": 1}], [{"a": 1}, {"a": True}]),
    *({}, {"a": 1}, {"b": "x"}, {"a": "x", "b": 1}, {"ab": 1, "c": []}, {"a": {"a": {"a": "x"}}}, [[], ["a"]]),
]

SCHEMAS: list[Schema] = [
    {},
    {"type": "string"},
    {"type": "integer"},
    {"type": "number"},
    {"type": "boolean"},
    {"type": "array"},
    {"type": "object"},
    {"type": ["string", "integer"]},
    {"enum": ["a", 1, [1], {"a": 1}, False]},
    {"const": True},
    {"const": 1},
    {"const": "a"},
    {"const": {"a": 1}},
    {"minLength": 2},
    {"maxLength": 1},
    {"minLength": 1, "maxLength": 2},
    {"pattern": "^a"},
    {"pattern": "b", "minLength": 3},
    {"minimum": 1},
    {"maximum": 1},
    {"minimum": 0, "maximum": 1.5, "type": "number"},
    {"minItems": 1},
    {"minItems": 2},
    {"maxItems": 1},
    {"uniqueItems": True},
    {"uniqueItems": False},
    {"items": {"type": "integer"}},
    {"items": {"type": "array", "items": {"type": "string"}}},
    {"items": False},
    {"minProperties": 1},
    {"minProperties": 2},
    {"maxProperties": 1},
    {"required": ["a"]},
    {"required": ["a", "b"]},
    {"properties": {"a": {"type": "integer"}}},
    {"properties": {"a": {"type": "integer"}}, "additionalProperties": False},
    {"properties": {"a": True, "b": False}},
    {"additionalProperties": {"type": "integer"}},
    {"patternProperties": {"^a": {"type": "integer"}, "b$": {"minimum": 2}}},
    {
        "properties": {"ab": {"maximum": 0}},
        "patternProperties": {"b": {"type": "integer"}},
        "additionalProperties": False,
    },
    {"propertyNames": {"maxLength": 1}},
    {"propertyNames": False},
    {"propertyNames": {"enum": ["a"]}},
    {"anyOf": [{"type": "string"}, {"minimum": 1}]},
    {"anyOf": [{"type": "string", "minLength": 2}, {"type": "string", "pattern": "1"}, {"type": "array"}]},
    {"anyOf": [{"const": "a"}], "type": "string"},
    {"not": {"type": "string"}},
    {"not": {"pattern": "a"}},
    {"type": "string", "not": {"pattern": "a"}},
    {"not": {}},
    {"not": {"type": "object", "required": ["a"]}},
    {"$ref": "#/definitions/deep", "definitions": {"deep": {"additionalProperties": {"$ref": "#/definitions/deep"}}}},
    {
        "definitions": {
            "leaf": {"type": "string"},
            "tree": {"anyOf": [{"$ref": "#/definitions/leaf"}, {"type": "array"}]},
        },
        "additionalProperties": {"$ref": "#/definitions/tree"},
    },
    {
        "anyOf": [{"$ref": "#/definitions/node"}],
        "definitions": {"node": {"type": "object", "properties": {"a": {"$ref": "#/definitions/node"}}}},
    },
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_it_says_what_a_validator_says(schema: Schema) -> None:
    accepts = acceptor(schema)
    validator = Draft7Validator(schema)
    said = {repr(value): accepts(value) for value in VALUES}
    assert said == {repr(value): validator.is_valid(value) for value in VALUES}
    # Twice, since tables and strings are remembered.
    assert said == {repr(value): accepts(value) for value in VALUES}


def test_every_keyword_that_it_knows_is_tried() -> None:
    used = {keyword for schema in SCHEMAS for keyword in schema} | {"$ref"}
    assert used >= KNOWN


def test_a_fraction_without_a_fraction_is_no_integer() -> None:
    assert not acceptor({"type": "integer"})(1.0)
    assert acceptor({"type": "number"})(1.0)


def test_what_a_tasks_file_cannot_have_is_never_right() -> None:
    for value in (None, b"x", (1,), {1}, object()):
        assert not acceptor({})(value)
        assert not acceptor({"items": {}})([value])


@pytest.mark.parametrize("keyword", ["if", "oneOf", "allOf", "contains", "format", "multipleOf", "dependencies"])
def test_a_keyword_that_it_does_not_know_is_told(keyword: str) -> None:
    with pytest.raises(ValueError, match=f"BUG: the schema uses {keyword}, which is not implemented"):
        acceptor({keyword: 1})(1)


def test_items_as_a_list_are_told() -> None:
    with pytest.raises(ValueError, match="BUG"):
        acceptor({"items": [{"type": "string"}]})(["a"])


def test_parts_that_no_value_reaches_are_not_compiled() -> None:
    schema = {
        "properties": {"a": {"type": "string"}, "b": {"$ref": "#/definitions/missing"}},
        "additionalProperties": {"oneOf": []},
    }
    assert acceptor(schema)({"a": "x"})
    with pytest.raises(KeyError):
        acceptor(schema)({"b": "x"})


def test_equal_lists_of_tables_are_found_in_linear_time() -> None:
    accepts = acceptor({"uniqueItems": True})
    many: list[object] = [{"task": str(number)} for number in range(20_000)]
    assert accepts(many)
    assert not accepts([*many, {"task": "7"}])


def test_a_schema_behind_references_is_found() -> None:
    root: Schema = {
        "definitions": {"a": {"anyOf": [{"$ref": "#/definitions/b"}]}, "b": {"type": "string"}},
        "$ref": "#/definitions/a",
    }
    assert Compiler(root).resolved(root) is root["definitions"]["b"]
