"""Makes the pages of the reference that a schema, a table of options or the code itself tells already.

`python docs/generate.py` writes them; a test asserts that what is committed is what this makes.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP))

from runner.cli.options import EXIT_CODES, OPTIONS, VARIABLES, Option  # noqa: E402
from tests.test_architecture import MODULES, RANKS  # noqa: E402

Schema = Mapping[str, Any]

MADE = "<!-- Made by docs/generate.py from {}: change that, then run `trun docs`. -->\n"
NOT_YET = "*Not available yet.*"
# Tables of the file that have a section of their own below, each with its heading.
OWN_SECTION = {
    "task_table": "A task",
    "arg": "An argument: `args.NAME`",
    "when": "`when`",
    "for_each": "`for_each`",
    "ready": "`ready`",
    "call": "A task with arguments",
    "profile": "`[profiles.NAME]`",
    "run_table": "`[run]`",
    "cache_table": "`[cache]`",
    "remote_table": "`[remote]`",
}
# Texts that are of a certain form; a section at the end says which.
KINDS = [
    *("name", "member_name", "placeholder", "variable", "variable_glob", "task_name", "glob", "duration", "size"),
    *("value", "env_value", "instance_value", "shell", "script"),
]
# Other names for the same.
SAME = {"tag": "name", "group": "name", "profile_name": "name", "template_name": "name", "pool_name": "name"}


def link(heading: str) -> str:
    """The anchor that Markdown renderers make of a heading."""
    kept = [char for char in heading.lower() if char.isalnum() or char in " -_"]
    return "#" + "".join(kept).strip().replace(" ", "-")


def toml(value: Any) -> str:
    """A value as it stands in a TOML file, on one line."""
    match value:
        case bool():
            return "true" if value else "false"
        case dict():
            return "{ " + ", ".join(f"{toml_key(key)} = {toml(below)}" for key, below in value.items()) + " }"
        case list():
            return "[" + ", ".join(map(toml, value)) + "]"
        case str() if "\\" in value and "'" not in value:
            return f"'{value}'"
        case _:
            return json.dumps(value, ensure_ascii=False)


def toml_key(key: str) -> str:
    """A key, quoted where it has to be."""
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else json.dumps(key)


def cell(text: str) -> str:
    """A text that can stand in a table."""
    return text.replace("|", "\\|").replace("\n", " ")


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Rows as a table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(map(cell, line)) + " |\n" for line in lines)


class Reference:
    """Tells of one schema."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.definitions: Mapping[str, Schema] = schema["definitions"]

    def named(self, schema: Schema) -> str | None:
        """The definition that a schema is, if it is nothing but one."""
        if len(schema.get("anyOf", ())) == 1:
            return self.named(schema["anyOf"][0])
        ref: str | None = schema.get("$ref")
        return ref.rpartition("/")[2] if ref else None

    def resolved(self, schema: Schema) -> Schema:
        """What stands behind a reference, with what is said beside it."""
        name = self.named(schema)
        if name is None:
            return schema
        beside = {key: value for key, value in schema.items() if key not in ("$ref", "anyOf")}
        return {**self.resolved(self.definitions[name]), **beside}

    def shape(self, schema: Schema) -> str:
        """What a value looks like, in a few words."""
        name = self.named(schema)
        name = SAME.get(name or "", name)
        if name in OWN_SECTION:
            return f"[table]({link(OWN_SECTION[name])})"
        if name in KINDS:
            return f"[{name.replace('_', ' ')}]({link(kind_heading(name))})"
        schema = self.resolved(schema)
        if "anyOf" in schema:
            return " or ".join(dict.fromkeys(self.shape(branch) for branch in schema["anyOf"]))
        return self._plain_shape(schema)

    def _plain_shape(self, schema: Schema) -> str:
        if "enum" in schema:
            return " ".join(f"`{toml(value)}`" for value in schema["enum"])
        if "const" in schema:
            return f"`{toml(schema['const'])}`"
        said = schema["type"]
        if said == "array":
            return f"list of {self.shape(schema['items'])}"
        if said == "object":
            other = schema.get("additionalProperties")
            return f"table: name to {self.shape(other)}" if isinstance(other, dict) else "table"
        words = {"boolean": "`true` or `false`", "null": "nothing"}
        return " or ".join(words.get(one, one) for one in ([said] if isinstance(said, str) else said))

    def meaning(self, schema: Schema) -> str:
        """What a key is for, with its default and an example."""
        later = NOT_YET if schema.get("$comment") == "later" else ""
        whole = self.resolved(schema)
        told = whole.get("description", "")
        default = f"Default: `{toml(whole['default'])}`." if "default" in whole and "Default:" not in told else ""
        # The section of a kind has examples of its own.
        found = schema.get("examples") if self.named(schema) in KINDS else whole.get("examples")
        example = f"Such as `{toml(found[0])}`." if found else ""
        return " ".join(filter(None, (later, told, default, example)))

    def is_later(self, name: str) -> bool:
        """Whether all that refer to a definition are keys for later."""
        found = [*self._marks(self.schema, name, "")]
        return bool(found) and all(mark == "later" for mark in found)

    def _marks(self, part: Any, name: str, mark: str) -> Iterator[str]:
        """What is said of being for later wherever a definition is referred to."""
        if isinstance(part, list):
            for below in part:
                yield from self._marks(below, name, mark)
        elif isinstance(part, dict):
            mark = part.get("$comment", mark) if "type" in part or "anyOf" in part or "$ref" in part else mark
            if str(part.get("$ref", "")).rpartition("/")[2] == name:
                yield mark
            for below in part.values():
                yield from self._marks(below, name, mark)

    def inner(self, schema: Schema) -> Iterator[Schema]:
        """The tables with keys that a value may be and that have no section of their own."""
        if self.named(schema) in OWN_SECTION:
            return
        whole = self.resolved(schema)
        if whole.get("properties"):
            yield whole
        for branch in whole.get("anyOf", ()):
            yield from self.inner(branch)
        for key in ("items", "additionalProperties"):
            if isinstance(whole.get(key), dict):
                yield from self.inner(whole[key])

    def rows(self, schema: Schema, prefix: str = "") -> Iterator[tuple[str, ...]]:
        """The keys of a table, those of small tables within it after theirs."""
        for key, below in schema.get("properties", {}).items():
            yield (f"`{prefix}{key}`", self.shape(below), self.meaning(below))
            for inner in self.inner(below):
                yield from self.rows(inner, f"{prefix}{key}.")


def kind_heading(name: str) -> str:
    """The heading of a kind of value."""
    return f"Kind: {name.replace('_', ' ')}"


def tasks_file() -> str:
    """docs/reference/tasks-file.md"""
    schema = json.loads((TOP / "schema" / "tasks.schema.json").read_text(encoding="utf-8"))
    reference = Reference(schema)
    parts = [MADE.format("schema/tasks.schema.json"), "# The tasks file\n", FILE_INTRODUCTION]
    parts += ["## The tables of the file\n", table(("key", "value", "meaning"), list(top_rows(reference)))]
    project = schema["properties"]["project"]
    parts += ["## `[project]`\n", table(("key", "value", "meaning"), list(reference.rows(project)))]
    for name, heading in OWN_SECTION.items():
        whole = schema["definitions"][name]
        parts.append(f"## {heading}\n")
        parts.append(f"{NOT_YET} " * reference.is_later(name) + whole["description"] + "\n")
        parts.append(table(("key", "value", "meaning"), list(reference.rows(whole))))
        if name == "for_each":
            names = whole["additionalProperties"]
            rows: list[tuple[str, ...]] = [("`NAME`", reference.shape(names), names["description"])]
            for inner in reference.inner(names):
                rows += reference.rows(inner, "NAME.")
            parts[-1] += "".join(table((), rows).splitlines(keepends=True)[2:])
    parts += ["## Kinds of values\n", KINDS_INTRODUCTION]
    for name in KINDS:
        whole = schema["definitions"][name]
        parts += [f"### {kind_heading(name)}\n", reference.meaning(whole) + "\n"]
    return "\n".join(parts)


def top_rows(reference: Reference) -> Iterator[tuple[str, ...]]:
    """The tables at the top of a file."""
    for key, below in reference.schema["properties"].items():
        yield (f"`{key}`", reference.shape(below), reference.meaning(below))


FILE_INTRODUCTION = """\
`tasks.toml`, else `tasks.yaml`, else `tasks.yml`, found by walking up from the current folder; two of them side by side
are an error. Both formats have the same model and the same schema, `schema/tasks.schema.json`. Nothing in the file runs
when it is read.

Keys that are marked *Not available yet* belong to the format already: they are checked like all others, and then
refused with ``not available yet in this version of trun``, so that no file means less than it says.

An unknown key is an error everywhere, with the nearest known one. A file of more than 1 MiB, nesting deeper than 32,
and integers of more than 18 digits are refused before anything is made of them.
"""

KINDS_INTRODUCTION = "Texts and values that several keys take.\n"


def command_line() -> str:
    """docs/reference/command-line.md"""
    parts = [MADE.format("runner/cli/options.py"), "# The command line\n", LINE_INTRODUCTION]
    for section, heading in (("run", "To run"), ("look", "To look"), ("keep", "To keep")):
        rows = [option_row(option) for option in OPTIONS if option.section == section and not option.later]
        parts += [f"## {heading}\n", table(("option", "meaning"), rows)]
    later = [option_row(option) for option in OPTIONS if option.later]
    parts += ["## Not available yet\n", LATER_INTRODUCTION, table(("option", "meaning"), later)]
    parts += ["## Environment\n", table(("variable", "meaning"), [(f"`{name}`", told) for name, _, told in VARIABLES])]
    parts += ["## Exit codes\n", table(("code", "meaning"), [*EXIT_CODES]), LINE_END]
    return "\n".join(parts).replace("\n\n\n", "\n\n")


def option_row(option: Option) -> tuple[str, str]:
    """An option, and all that its line in the table says."""
    more = []
    if option.choices:
        more.append("One of " + ", ".join(f"`{choice}`" for choice in option.choices) + ".")
    if option.later_choices:
        more.append("Not available yet: " + ", ".join(f"`{choice}`" for choice in option.later_choices) + ".")
    if option.repeatable and option.kind == "value":
        more.append("May be given several times.")
    return f"`{option.typed}`", " ".join([f"{option.help[0].upper()}{option.help[1:]}.", *more])


LINE_INTRODUCTION = """\
`trun [OPTIONS] [TARGET [ARGS]]… [-- REST]`

- Every bare word is a target, or an argument of the target before it. No task name is ever taken by a built-in: what
  trun can do besides running is an option in front of the same targets.
- Options may stand anywhere before `--`, but after a target that target's own arguments come first
  (`trun release --version 1.0.0` is the task's version). Only `--help` is reserved.
- An option whose value is optional takes it after `=` only, so that it never eats a target; `-j` takes the next word
  if that is a number.
- `NAME=VALUE` before the first target sets a var that the file declares.
- What stands after `--` is `{{rest}}` of the last target.
- Without a target the task of `[project] default` runs; without that, the tasks are listed. `--graph`, `--show`,
  `--check` and `--list` then tell of everything.
"""

LATER_INTRODUCTION = """\
These are known, and refused with exit code 2: ``not available yet in this version of trun``.
"""

LINE_END = """
A run that was ended by a signal dies by that signal, which a shell shows as 130, 143 or 129.
"""


def events() -> str:
    """docs/reference/events.md"""
    schema = json.loads((TOP / "schema" / "events.schema.json").read_text(encoding="utf-8"))
    reference = Reference(schema)
    parts = [MADE.format("schema/events.schema.json"), "# Events\n", schema["description"] + "\n", EVENTS_INTRODUCTION]
    for branch in schema["anyOf"]:
        name = str(reference.named(branch))
        event = schema["definitions"][name]
        rows = []
        for row in reference.rows(event):
            field = row[0].strip("`")
            is_sure = "." in field or field in event["required"]
            rows.append((row[0], row[1], row[2] if is_sure else f"Where it is known or needed. {row[2]}"))
        parts += [f"## `{name}`\n", event["description"] + "\n", table(("field", "value", "meaning"), rows)]
    return "\n".join(parts)


EVENTS_INTRODUCTION = """\
`--json` writes them to standard output, and everything for people to standard error; `--json=FILE` writes them to a
file and leaves the text for people where it was. A task without a command of its own ends `fresh`, or `skipped` when
one that it needs failed.

`trun --list --json`, `--show --json`, `--why --json`, `--graph --format json`, `--runs --json` and
`--cache WHAT --json` write one JSON document each, by `schema/views.schema.json`.
"""


def the_map() -> str:
    """docs/map.md"""
    parts = [MADE.format("the captions in runner/ and the ranks in tests/test_architecture.py"), "# Map of the code\n"]
    parts.append(MAP_INTRODUCTION)
    missing: list[str] = []
    for rank, rooms in RANKS.items():
        rows = [row for room in rooms for row in room_rows(room, rooms)]
        missing += [room.removesuffix(".*") for room in rooms if not any(within(name, room) for name in MODULES)]
        parts += [f"## Rank {rank}\n", table(("file", "what it is"), rows)]
    rest = ", ".join(f"`{room}`" for room in dict.fromkeys(missing))
    parts += ["## Drawn, and not built yet\n", f"The table of ranks has a place for these already: {rest}.\n"]
    return "\n".join(parts)


def within(name: str, room: str) -> bool:
    """Whether a module belongs to a room, or to the ways of a seam."""
    return name.startswith(room[:-1]) if room.endswith(".*") else name == room or name.startswith(f"{room}.")


def room_rows(room: str, rooms: list[str]) -> Iterator[tuple[str, str]]:
    """A file, or the files of a folder, with their captions; the ways of a seam stand at their own rank."""
    seams = {other.removesuffix(".*") for others in RANKS.values() for other in others if other.endswith(".*")}
    for name, path in MODULES.items():
        is_way_elsewhere = room in seams and name != room
        if within(name, room) and not is_way_elsewhere:
            caption = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            yield f"`{path.relative_to(TOP).as_posix()}`", caption.splitlines()[0]


MAP_INTRODUCTION = """\
A file is a step, a folder is a seam: its `__init__.py` holds the protocol and nothing else, its other files are the
ways through it. An import may only point down, from a higher rank to a lower one; `tests/test_architecture.py` holds
this. The captions are the files' own.
"""

PAGES = {
    "reference/tasks-file.md": tasks_file,
    "reference/command-line.md": command_line,
    "reference/events.md": events,
    "map.md": the_map,
}


def main() -> None:
    """Write all pages that are made."""
    for name, make in PAGES.items():
        (TOP / "docs" / name).write_text(make(), encoding="utf-8")
        print(f"docs/{name}")


if __name__ == "__main__":
    main()
