"""The public contracts in schema/: what they say of themselves, what they take, and what they refuse."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError

TOP = Path(__file__).resolve().parent.parent.parent
NAMES = ["tasks", "events", "views"]
SCHEMAS: dict[str, Any] = {
    name: json.loads((TOP / "schema" / f"{name}.schema.json").read_text(encoding="utf-8")) for name in NAMES
}
TASKS = SCHEMAS["tasks"]
EXAMPLE = (TOP / "tasks.toml.example").read_text(encoding="utf-8")
DATA = TOP / "tests" / "data"
PRODUCT = (DATA / "product_example.toml").read_text(encoding="utf-8")

# The keywords that trun's own small validator compiles, and those that only tell.
APPLIED = {"$ref", "type", "enum", "const", "properties", "patternProperties", "propertyNames", "additionalProperties"}
APPLIED |= {"required", "items", "minItems", "maxItems", "uniqueItems", "minimum", "maximum", "minLength", "maxLength"}
APPLIED |= {"pattern", "anyOf", "not", "minProperties", "maxProperties"}
TOLD = {"definitions", "title", "description", "examples", "default", "$schema", "$id", "$comment"}

Found = tuple[str, dict[str, Any]]


def rows(name: str) -> list[str]:
    """The lines of a file of rows, without its caption."""
    return (DATA / name).read_text(encoding="utf-8").splitlines()[1:]


def samples(name: str) -> list[dict[str, Any]]:
    """The objects of a file of JSON lines."""
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


def below(schema: dict[str, Any], at: str = "#") -> Iterator[Found]:
    """The schema and every schema in it, with its JSON pointer."""
    yield at, schema
    for keyword in ("definitions", "properties", "patternProperties"):
        for key, inner in schema.get(keyword, {}).items():
            yield from below(inner, f"{at}/{keyword}/{key}")
    for keyword in ("items", "not", "propertyNames", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield from below(schema[keyword], f"{at}/{keyword}")
    for number, inner in enumerate(schema.get("anyOf", ())):
        yield from below(inner, f"{at}/anyOf/{number}")


def resolved(root: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """What a lone `$ref` means, or the schema itself."""
    while "$ref" in schema:
        schema = root["definitions"][schema["$ref"].removeprefix("#/definitions/")]
    return schema


def types(root: dict[str, Any], schema: dict[str, Any]) -> list[str]:
    """The JSON types that a schema takes."""
    schema = resolved(root, schema)
    if "anyOf" in schema:
        return [kind for branch in schema["anyOf"] for kind in types(root, branch)]
    said = schema["type"]
    return [said] if isinstance(said, str) else list(said)


def is_of(value: object, kinds: list[str]) -> bool:
    return any(Draft7Validator({"type": kind}).is_valid(value) for kind in kinds)


def keys_used(root: dict[str, Any], schema: dict[str, Any], value: Any) -> Iterator[int]:
    """The identities of the property schemas that a valid document makes use of."""
    schema = resolved(root, schema)
    for branch in schema.get("anyOf", ()):
        if is_of(value, types(root, branch)):
            yield from keys_used(root, branch, value)
    if isinstance(value, list):
        for item in value:
            yield from keys_used(root, schema.get("items", {}), item)
    if isinstance(value, dict) and "anyOf" not in schema:
        for key, inner in value.items():
            known = schema.get("properties", {}).get(key)
            if known is not None:
                yield id(known)
            yield from keys_used(root, known or schema.get("additionalProperties") or {}, inner)


def is_of_another_type(error: ValidationError) -> bool:
    """True where a shape does not fit because the value is of another type."""
    if error.relative_path or "propertyNames" in error.relative_schema_path:
        return False
    return error.validator == "type" or (
        error.validator == "anyOf" and all(is_of_another_type(inner) for inner in error.context or ())
    )


def failing(error: ValidationError) -> set[str]:
    """The key paths that an error is about: of a value with several shapes, the one whose type it has."""
    path = [str(part) for part in error.absolute_path]
    instance: Any = error.instance
    if "propertyNames" in error.absolute_schema_path:
        return {".".join([*path, instance])}
    if error.validator == "anyOf":
        others = {inner.schema_path[0] for inner in error.context or () if is_of_another_type(inner)}
        chosen = [inner for inner in error.context or () if inner.schema_path[0] not in others]
        return set().union(*(failing(inner) for inner in chosen)) or {".".join(path)}
    if error.validator == "additionalProperties" and isinstance(error.schema, dict):
        return {".".join([*path, key]) for key in set(instance) - set(error.schema.get("properties", ()))}
    if error.validator == "required":
        needed: Any = error.validator_value
        return {".".join([*path, key]) for key in needed if key not in instance}
    return {".".join(path)}


def refused(schema: dict[str, Any], document: Any) -> set[str]:
    """The key paths that a schema refuses in a document."""
    return set().union(*(failing(error) for error in Draft7Validator(schema).iter_errors(document)))


@pytest.fixture(params=NAMES)
def schema(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = SCHEMAS[request.param]
    return found


# ── what the schemas say of themselves


def test_the_meta_schema_accepts_each_schema(schema: dict[str, Any]) -> None:
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    Draft7Validator.check_schema(schema)


def test_only_keywords_occur_that_our_validator_compiles(schema: dict[str, Any]) -> None:
    assert {key for _, inner in below(schema) for key in inner} <= APPLIED | TOLD


def test_every_object_says_what_becomes_of_other_keys(schema: dict[str, Any]) -> None:
    silent = [
        at for at, inner in below(schema) if inner.get("type") == "object" and "additionalProperties" not in inner
    ]
    open_ = [at for at, inner in below(schema) if inner.get("additionalProperties") is True]
    assert (silent, open_) == ([], [])


def test_keys_are_listed_only_where_the_type_is_said(schema: dict[str, Any]) -> None:
    needs = {"properties": "object", "additionalProperties": "object", "items": "array", "pattern": "string"}
    loose = [
        (at, keyword)
        for at, inner in below(schema)
        for keyword, kind in needs.items()
        if keyword in inner and inner.get("type") != kind
    ]
    assert loose == []


def test_every_key_and_item_has_a_description(schema: dict[str, Any]) -> None:
    silent = []
    for at, inner in below(schema):
        spots = {f"{at}/properties/{key}": one for key, one in inner.get("properties", {}).items()}
        spots |= {f"{at}/{word}": inner[word] for word in ("items", "additionalProperties") if inner.get(word)}
        spots |= {f"{at}/definitions/{key}": one for key, one in inner.get("definitions", {}).items()}
        spots |= {f"{at}/anyOf/{number}": one for number, one in enumerate(inner.get("anyOf", ()))}
        silent += [spot for spot, one in spots.items() if not resolved(schema, one).get("description")]
    assert silent == []


def test_descriptions_are_sentences(schema: dict[str, Any]) -> None:
    texts = [(at, inner["description"]) for at, inner in below(schema) if "description" in inner]
    assert [at for at, text in texts if not text.endswith(".") or text != text.strip() or len(text) > 300] == []


def test_a_reference_stands_alone_so_that_no_editor_loses_a_description(schema: dict[str, Any]) -> None:
    assert [at for at, inner in below(schema) if "$ref" in inner and len(inner) > 1] == []


def test_every_definition_is_used_and_every_reference_leads_somewhere(schema: dict[str, Any]) -> None:
    used = {inner["$ref"] for _, inner in below(schema) if "$ref" in inner}
    assert used == {f"#/definitions/{name}" for name in schema["definitions"]}


def test_patterns_are_plain_enough_for_every_editor(schema: dict[str, Any]) -> None:
    patterns = [inner["pattern"] for _, inner in below(schema) if "pattern" in inner]
    for pattern in patterns:
        re.compile(pattern)
        assert "(?" not in pattern, f"{pattern}: no look-around, no named groups"
        assert not re.search(r"\\[ABZbBdDwW0-9]", pattern), f"{pattern}: not the same in all languages"


def test_defaults_and_examples_are_valid(schema: dict[str, Any]) -> None:
    wrong = []
    for at, inner in below(schema):
        samples = list(inner.get("examples", ()))
        samples += [inner["default"]] if "default" in inner else []
        whole = {**inner, "definitions": schema["definitions"]}
        wrong += [(at, sample) for sample in samples if not Draft7Validator(whole).is_valid(sample)]
    assert wrong == []


def test_the_shapes_of_a_value_differ_in_type() -> None:
    for at, inner in below(TASKS):
        kinds = types(TASKS, inner) if "anyOf" in inner else []
        assert len(kinds) == len(set(kinds)), at
        assert not {"integer", "number"} <= set(kinds), at


def test_numbers_have_at_most_18_digits() -> None:
    for at, inner in below(TASKS):
        said = inner.get("type", ())
        if {"integer", "number"} & set([said] if isinstance(said, str) else said):
            assert abs(inner["minimum"]) < 10**18, at
            assert inner["maximum"] < 10**18, at


# ── what the tasks file has

TABLES = {
    "project": "name default members needs outside dotenv shell hooks include min_version",
    "run": "jobs keep_going output color tui keep_runs jobserver",
    "cache": "dir max_size max_age digest failures",
    "remote": "url mode scope endpoint region instance team insecure token_env headers_env client_cert timeout sign "
    "execute jobs download",
}
TASK_KEYS = (
    "desc alias hidden tags group run cmd file dir shell deps deps_any after choose inputs outputs env uses_env "
    "pass_env probes args for_each extends when cache expires timeout retry allow_failure in_place detach exclusive "
    "pool weight priority memory service ready stop interactive confirm finally remote"
)
LATER = (
    "remote project.members project.needs project.hooks project.include run_table.tui task_table.deps_any "
    "task_table.choose task_table.for_each task_table.service task_table.ready task_table.stop task_table.remote "
    "profile.choose profile.remote"
)
ENUMS = {
    "platform_os": "linux macos windows",
    "task_table.stop.signal": "INT TERM HUP QUIT KILL USR1 USR2 WINCH",
    "arg.type": "string int float bool path",
    "run_table.output": "prefixed grouped errors full quiet",
    "run_table.color": "auto always never",
    "run_table.jobserver": "auto pipe fifo off",
    "cache_table.digest": "blake3 sha256",
    "remote_table.mode": "read-write read write off",
    "remote_table.download": "needed all none",
}
MAY_BE_EMPTY = (
    "task_table.desc arg.help shell.items task_table.cmd.items remote_table.instance remote_table.team "
    "task_table.remote.platform.additionalProperties"
)


def short(at: str) -> str:
    """A JSON pointer as the keys that a person would name."""
    keys = [part for part in at.split("/") if part not in ("#", "definitions", "properties", "anyOf")]
    return ".".join(key for key in keys if not key.isdecimal())


def keys_of(schema: dict[str, Any]) -> list[str]:
    found = resolved(TASKS, schema)
    while "properties" not in found:
        found = resolved(TASKS, found["anyOf"][0])
    return list(found["properties"])


def test_the_top_of_the_file_has_its_tables_in_order() -> None:
    tables = "project vars env globs tasks templates profiles run pools interpreters cache remote"
    assert keys_of(TASKS) == tables.split()


@pytest.mark.parametrize("table", TABLES)
def test_a_table_has_its_keys_in_order(table: str) -> None:
    assert keys_of(TASKS["properties"][table]) == TABLES[table].split()


def test_a_task_has_its_keys_in_order() -> None:
    assert keys_of({"$ref": "#/definitions/task_table"}) == TASK_KEYS.split()


def test_an_argument_has_its_keys_in_order() -> None:
    keys = "type default required choices pattern min max help short flag positional multiple env"
    assert keys_of({"$ref": "#/definitions/arg"}) == keys.split()


def test_the_keys_that_wait_for_their_code_are_marked() -> None:
    marked = [at for at, inner in below(TASKS) if inner.get("$comment") == "later"]
    assert sorted(short(at) for at in marked) == sorted(LATER.split())


def test_a_choice_of_words_is_that_of_the_contract() -> None:
    found = {short(at): " ".join(inner["enum"]) for at, inner in below(TASKS) if "enum" in inner}
    assert found == ENUMS


def test_only_some_texts_may_be_empty() -> None:
    texts = [(at, inner) for at, inner in below(TASKS) if inner.get("type") == "string" and not at.endswith("/not")]
    empty = [short(at) for at, inner in texts if not {"enum", "pattern", "minLength"} & set(inner)]
    assert sorted(empty) == sorted(MAY_BE_EMPTY.split())


# ── whole files


def test_the_example_of_the_contract_is_valid() -> None:
    assert refused(TASKS, tomllib.loads(PRODUCT)) == set()


def test_the_tour_is_valid() -> None:
    assert EXAMPLE.startswith("#:schema ")
    assert refused(TASKS, tomllib.loads(EXAMPLE)) == set()


def test_the_tour_shows_every_key() -> None:
    used = set(keys_used(TASKS, TASKS, tomllib.loads(EXAMPLE)))
    pointers = {
        f"{at}/properties/{key}": inner for at, one in below(TASKS) for key, inner in one.get("properties", {}).items()
    }
    assert [at for at, inner in pointers.items() if id(inner) not in used] == []


def test_the_tour_fits_a_window() -> None:
    assert [line for line in EXAMPLE.splitlines() if len(line) > 122] == []


# ── small ones: each shape that the contract names

RIGHT = ["", *rows("schema_right.txt"), f'tasks.{"x" * 200} = "true"']
WRONG = [(path.strip(), text) for path, _, text in (row.partition(" | ") for row in rows("schema_wrong.txt"))]
WRONG += [("tasks.", 'tasks."" = "true"'), ("tasks.x\n", 'tasks."x\\n" = "true"'), ("vars.a\n", 'vars."a\\n" = 1')]
WRONG += [
    ("interpreters..R\n", 'interpreters.".R\\n" = "R"'),
    ("remote.headers_env.A\n", 'remote.headers_env."A\\n" = "V"'),
]
WRONG += [(f"tasks.{'x' * 201}", f'tasks.{"x" * 201} = "true"')]
WRONG += [("project.name", f'project.name = "{"x" * 201}"')]


@pytest.mark.parametrize("text", RIGHT)
def test_a_right_file_is_accepted(text: str) -> None:
    assert refused(TASKS, tomllib.loads(text)) == set()


@pytest.mark.parametrize(("path", "text"), WRONG)
def test_a_wrong_file_is_refused_at_its_key(path: str, text: str) -> None:
    assert refused(TASKS, tomllib.loads(text)) == {path}


def test_a_number_is_no_boolean_and_a_boolean_no_number() -> None:
    assert refused(TASKS, {"tasks": {"x": {"hidden": 1, "weight": True}}}) == {"tasks.x.hidden", "tasks.x.weight"}


def test_a_date_of_toml_is_no_value() -> None:
    assert refused(TASKS, tomllib.loads("vars.day = 2026-01-31")) == {"vars.day"}


# ── events

EVENTS: dict[str, dict[str, Any]] = {one["event"]: one for one in samples("events.jsonl")}


def event(name: str, **other: Any) -> dict[str, Any]:
    return {**EVENTS[name], **other}


def definition(schema: dict[str, Any], name: str) -> dict[str, Any]:
    return {"$ref": f"#/definitions/{name}", "definitions": schema["definitions"]}


def test_the_events_are_those_of_the_contract() -> None:
    branches = [branch["$ref"].rpartition("/")[2] for branch in SCHEMAS["events"]["anyOf"]]
    assert branches == list(EVENTS)
    assert all(
        resolved(SCHEMAS["events"], {"$ref": f"#/definitions/{name}"})["properties"]["event"]["const"] == name
        for name in branches
    )


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_is_accepted(name: str) -> None:
    assert refused(SCHEMAS["events"], event(name)) == set()


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_is_closed_and_numbered(name: str) -> None:
    one = definition(SCHEMAS["events"], name)
    assert refused(one, event(name, extra=1)) == {"extra"}
    assert refused(one, event(name, v=2)) == {"v"}
    assert refused(one, event(name, time="now")) == {"time"}
    assert refused(one, {**event(name), "event": "other"}) == {"event"}


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_has_all_its_fields(name: str) -> None:
    optional = {
        "base64",
        "pid",
        "would",
        "reasons" if name == "task_planned" else "",
        "task" if name == "warning" else "",
    }
    one = definition(SCHEMAS["events"], name)
    for field in event(name):
        cut = {key: value for key, value in event(name).items() if key != field}
        assert refused(one, cut) == (set() if field in optional else {field})


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("run_started", "jobs", 0),
        ("task_planned", "would", "maybe"),
        ("task_started", "pid", 0),
        ("task_output", "stream", "stdin"),
        ("task_output", "base64", "no"),
        ("task_retried", "of", 1),
        ("task_ended", "status", "ok"),
        ("task_ended", "signal", "SIGKILL"),
        ("task_ended", "exit_code", 0.5),
        ("task_ended", "outputs", None),
        ("warning", "message", ""),
        ("run_ended", "counts.ran", {"fresh": 1}),
        ("run_ended", "critical_path", "build"),
    ],
)
def test_an_event_with_a_wrong_value_is_refused(name: str, field: str, value: Any) -> None:
    key = field.partition(".")[0]
    assert field in refused(definition(SCHEMAS["events"], name), event(name, **{key: value}))


# ── views

# What `--cache` writes has a form for each thing that is asked.
VIEWS: dict[str, dict[str, Any]] = {
    f"cache_{one['what']}" if one["view"] == "cache" else one["view"]: one for one in samples("views.jsonl")
}


def view(name: str, **other: Any) -> dict[str, Any]:
    return {**VIEWS[name], **other}


def test_the_views_are_those_that_exist() -> None:
    assert [branch["$ref"].rpartition("/")[2] for branch in SCHEMAS["views"]["anyOf"]] == list(VIEWS)


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_accepted(name: str) -> None:
    assert refused(SCHEMAS["views"], view(name)) == set()


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_closed_and_has_all_its_fields(name: str) -> None:
    one = definition(SCHEMAS["views"], name)
    assert refused(one, view(name, extra=1)) == {"extra"}
    assert refused(one, view(name, v=2)) == {"v"}
    for field in view(name):
        assert refused(one, {key: value for key, value in view(name).items() if key != field}) == {field}


@pytest.mark.parametrize(
    ("name", "body"),
    [
        *(("list", "tasks"), ("show", "targets"), ("graph", "nodes"), ("graph", "edges"), ("runs", "runs")),
        *(("why", "targets"), ("cache_list", "results"), ("cache_verify", "findings")),
    ],
)
def test_an_entry_of_a_view_is_closed_and_has_all_its_fields(name: str, body: str) -> None:
    one = definition(SCHEMAS["views"], name)
    entry = VIEWS[name][body][-1]
    assert refused(one, view(name, **{body: [{**entry, "extra": 1}]})) == {f"{body}.0.extra"}
    for field in set(entry) - {"input", "output"}:
        cut = {key: value for key, value in entry.items() if key != field}
        assert refused(one, view(name, **{body: [cut]})) == {f"{body}.0.{field}"}
