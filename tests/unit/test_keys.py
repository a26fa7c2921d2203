"""The keys of the schema and the fields of the nouns, matched both ways."""

from __future__ import annotations

import json
from typing import Any

from runner.config.schema import schema_text
from runner.declare import PLAIN, READ_APART
from runner.task import Arg, Settings, Task, When

SCHEMA: dict[str, Any] = json.loads(schema_text("tasks"))
MADE_BY_OTHERS = {"name", "path", "steps", "body", "other_platforms", "deps", "dropped", "args", "disabled"}


def keys(definition: dict[str, Any]) -> dict[str, Any]:
    """The properties of a definition, or of its branch that is a table."""
    if "properties" in definition:
        found: dict[str, Any] = definition["properties"]
        return found
    if "$ref" in definition:
        return keys(SCHEMA["definitions"][definition["$ref"].rpartition("/")[2]])
    for branch in definition.get("anyOf", ()):
        inner = keys(branch)
        if inner:
            return inner
    return {}


def now(properties: dict[str, Any]) -> set[str]:
    return {key for key, value in properties.items() if value.get("$comment") != "later"}


def fields(noun: type) -> set[str]:
    return set(noun._fields)  # type: ignore[attr-defined]


def test_every_key_of_a_task_is_read_and_every_key_that_is_read_is_one() -> None:
    assert now(keys(SCHEMA["properties"]["tasks"]["additionalProperties"])) == {*PLAIN, *READ_APART}


def test_every_field_of_a_task_is_filled_and_every_key_fills_one() -> None:
    assert {field for field, _ in PLAIN.values()} | MADE_BY_OTHERS == fields(Task)


def test_arguments_conditions_and_settings_have_the_fields_that_the_schema_has() -> None:
    task = keys(SCHEMA["properties"]["tasks"]["additionalProperties"])
    assert now(keys(task["args"]["additionalProperties"])) | {"name"} == fields(Arg)
    assert now(keys(task["when"])) == fields(When)
    assert now(keys(SCHEMA["properties"]["run"])) == fields(Settings)
