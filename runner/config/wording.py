"""What a validator finds wrong in a file, said as one would say it to a colleague."""

from __future__ import annotations

from itertools import islice

from runner.config.accept import token
from runner.config.naming import ENTRIES, inside, name
from runner.error import did_you_mean
from runner.noun import noun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any, Final, Protocol

    from runner.config.accept import Compiler
    from runner.manifest import KeyPath

    class Finding(Protocol):
        """One error of a validator: which keyword of which schema refused which value; `context`: of each branch."""

        validator: Any
        validator_value: Any
        instance: Any
        schema: Any
        context: Any
        absolute_path: Any
        relative_schema_path: Any


# Definitions of the schema that have a word of their own.
VALUES: Final = {"duration": 'a duration such as "30s"', "size": 'a size such as "20GB"'}
NAMES: Final = {
    "name": "a name",
    "member_name": "the name of a member",
    "placeholder": "a name for `{{…}}`",
    "variable": "the name of a variable",
}
KINDS: Final = {
    "string": "a string",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a table",
}
# What other tools call it, where no likeness of spelling would lead to it.
ELSEWHERE: Final = {
    "cmds": "run",
    "command": "run",
    "commands": "run",
    "script": "run",
    "steps": "run",
    "sources": "inputs",
    "generates": "outputs",
    "targets": "outputs",
    "depends": "deps",
    "depends_on": "deps",
    "dependsOn": "deps",
    "dependencies": "deps",
    "needs": "deps",
    "description": "desc",
    "doc": "desc",
    "summary": "desc",
    "environment": "env",
    "cwd": "dir",
    "workdir": "dir",
    "aliases": "alias",
    "variables": "vars",
    "dotenv": "project.dotenv",
}
BOOLEANS: Final = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false"}
SHOWN_AT_MOST: Final = 40
# To find the nearest known word takes half a millisecond.
UNKNOWN_AT_MOST: Final = 100


@noun
class Fault:
    """One thing that is wrong, and where: at the key at the end of the path, or at its value."""

    path: KeyPath
    message: str
    is_key: bool = False
    hint: str | None = None


class Wording:
    """Faults from the findings of a validator, for one schema."""

    def __init__(self, schema: Mapping[str, Any], compiler: Compiler) -> None:
        self.schema = schema
        self.compiler = compiler
        # The validator hands over the very objects of the schema, so a definition is known again.
        self.definitions = {id(part): key for key, part in schema["definitions"].items()}

    def faults(self, findings: Iterable[Finding], data: Mapping[str, Any]) -> list[Fault]:
        """Every fault once, without those that only follow from another."""
        made: dict[tuple[KeyPath, str], Fault] = {}
        for finding in findings:
            for leaf in self.leaves(finding):
                for fault in self.told(leaf, data):
                    made.setdefault((fault.path, fault.message), fault)
        return list(made.values())

    def leaves(self, finding: Finding) -> Iterator[Finding]:
        """The finding, or of one about branches, those of the branch that was most likely meant."""
        if finding.validator != "anyOf":
            yield finding
            return
        branches: list[list[Finding]] = [[] for _ in finding.validator_value]
        for below in finding.context:
            branches[int(below.relative_schema_path[0])].append(below)
        kind = type(finding.instance)
        fitting = [
            sorted(self.leaves_of(found), key=lambda leaf: -len(leaf.absolute_path))
            for found, branch in zip(branches, finding.validator_value, strict=True)
            if kind in self.compiler.table(branch)
        ]
        yield from min(fitting, key=len) if fitting else [finding]

    def leaves_of(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """The leaves of several."""
        for finding in findings:
            yield from self.leaves(finding)

    def told(self, finding: Finding, data: Mapping[str, Any]) -> Iterator[Fault]:
        """The faults that a finding stands for."""
        path = tuple(finding.absolute_path)
        value = finding.instance
        if isinstance(value, str) and isinstance(_at(data, path), dict):
            yield self.bad_name(finding, path)
        elif finding.validator == "additionalProperties":
            known = finding.schema.get("properties", {})
            unknown = (key for key in value if key not in known)
            for key in islice(unknown, UNKNOWN_AT_MOST):
                yield self.unknown(path, value, key, finding.schema)
        elif finding.validator == "required":
            lacking = [key for key in finding.validator_value if key not in value]
            taken = {self.meant(key, finding.schema) for key in value}
            yield from (
                Fault(path=path, message=f"{name(path)} needs `{key}`")
                for key in lacking
                if f"did you mean `{key}`?" not in taken
            )
        elif finding.validator == "uniqueItems":
            yield _twice(path, value)
        else:
            yield self.bad_value(finding, path)

    def bad_name(self, finding: Finding, path: KeyPath) -> Fault:
        """A key that cannot be one."""
        key = finding.instance
        definition = self.definitions.get(id(finding.schema), "")
        what = (
            f"the name of a {ENTRIES[str(path[0])]}" if len(path) == 1 and path[0] in ENTRIES else NAMES.get(definition)
        )
        message = f"`{_cut(key)}` cannot be {what or f'a key{inside(path)}'}"
        return Fault(path=(*path, key), is_key=True, message=message, hint=_rule(finding.schema))

    def unknown(self, path: KeyPath, table: Mapping[str, Any], key: str, schema: Mapping[str, Any]) -> Fault:
        """A key that no schema knows."""
        hint = self.meant(key, schema)
        if hint is None and not path and isinstance(table[key], str | list | dict):
            hint = f"if it is a task, it stands in `tasks`: `tasks.{_cut(key)}`"
        return Fault(path=(*path, key), is_key=True, message=f"unknown key `{_cut(key)}`{inside(path)}", hint=hint)

    def meant(self, key: str, schema: Mapping[str, Any]) -> str | None:
        """The hint for an unknown key: its name elsewhere, one table further down, or what is spelled alike."""
        known = schema.get("properties", {})
        if ELSEWHERE.get(key, "").partition(".")[0] in known:
            return f"did you mean `{ELSEWHERE[key]}`?"
        return self.deeper(key, schema) or did_you_mean(key, known)

    def deeper(self, key: str, schema: Mapping[str, Any]) -> str | None:
        """The hint for a key that is known one table further down."""
        for above, below in schema.get("properties", {}).items():
            if key in self.compiler.resolved(below).get("properties", {}):
                return f"did you mean `{above}.{key}`?"
        return None

    def bad_value(self, finding: Finding, path: KeyPath) -> Fault:
        """A value of a wrong type, or one that is out of bounds."""
        value, schema = finding.instance, finding.schema
        bound = finding.validator_value
        match finding.validator:
            case "minLength" | "minItems" | "minProperties" if not value:
                return Fault(path=path, message=f"{name(path)} must not be empty")
            case "minItems" | "minProperties":
                return Fault(path=path, message=f"{name(path)} must have at least {bound} entries")
            case "maxItems" | "maxProperties":
                message = f"{name(path)} must have at most {bound} {'entry' if bound == 1 else 'entries'}"
                return Fault(path=path, message=message)
            case "pattern" | "not" | "maxLength" if self.definitions.get(id(schema)) in NAMES:
                message = f"{_shown(value)} cannot be {NAMES[self.definitions[id(schema)]]}"
                return Fault(path=path, message=message, hint=_rule(schema))
        wanted = self.wanted(schema)
        hint = self.hint(value, schema, wanted)
        if finding.validator == "pattern" or wanted[0] in VALUES.values():
            hint = hint or _rule(schema)
            if "examples" not in schema:
                return Fault(path=path, message=f"{_shown(value)} cannot be {name(path)}", hint=hint)
        return Fault(path=path, message=f"{name(path)} must be {_or(wanted)}, not {_shown(value)}", hint=hint)

    def wanted(self, schema: Mapping[str, Any]) -> list[str]:
        """What a value may be, in words, each once."""
        schema = self.compiler.resolved(schema)
        definition = self.definitions.get(id(schema), "")
        if definition in VALUES:
            return [VALUES[definition]]
        if "enum" in schema:
            return [_shown(value) for value in schema["enum"]]
        if "anyOf" in schema:
            return list(dict.fromkeys(word for branch in schema["anyOf"] for word in self.wanted(branch)))
        kinds = schema.get("type", [])
        words = [_kind(kind, schema) for kind in ([kinds] if isinstance(kinds, str) else kinds)]
        if "pattern" in schema and definition not in NAMES and schema.get("examples"):
            words = [f"{words[0]} such as {_shown(schema['examples'][0])}"]
        return words

    def hint(self, value: Any, schema: Mapping[str, Any], wanted: Sequence[str]) -> str | None:
        """What would make the value right, where that is plain."""
        kinds = self.compiler.table(schema).keys()
        if isinstance(value, str):
            return _hint_for_text(value, schema, kinds)
        if isinstance(value, bool) or dict in kinds:
            return None
        if isinstance(value, int) and VALUES["duration"] in wanted:
            return f'{value} seconds are `"{value}s"`'
        if isinstance(value, int | float) and str in kinds and VALUES["size"] not in wanted:
            return f'put it in quotes: `"{value}"`'
        return None


def _hint_for_text(value: str, schema: Mapping[str, Any], kinds: Iterable[type]) -> str | None:
    if "enum" in schema:
        found = did_you_mean(value, [known for known in schema["enum"] if isinstance(known, str)])
        return found.replace("`", '`"', 1).replace("`?", '"`?') if found else None
    if bool in kinds and value.lower() in BOOLEANS:
        return f"write `{BOOLEANS[value.lower()]}`, without quotes"
    if int in kinds and value.isdecimal():
        return f"write `{int(value)}`, without quotes"
    if list in kinds and len(value) <= SHOWN_AT_MOST:
        return f"write a list: `[{_shown(value)}]`"
    return None


def _rule(schema: Mapping[str, Any]) -> str | None:
    """What a schema says of a name, as a hint."""
    said = str(schema.get("description", "")).removesuffix(".")
    return said[:1].lower() + said[1:] if said else None


def _twice(path: KeyPath, value: Sequence[Any]) -> Fault:
    seen = set()
    for at, entry in enumerate(value):
        known = token(entry)
        if known in seen:
            return Fault(path=(*path, at), message=f"{name(path)} has {_shown(entry)} twice")
        seen.add(known)
    raise AssertionError("BUG: the validator found an entry twice that is there once")


def _at(data: Any, path: KeyPath) -> Any:
    for part in path:
        data = data[part]
    return data


def _kind(kind: str, schema: Mapping[str, Any]) -> str:
    if kind != "integer":
        return KINDS[kind]
    least, most = schema.get("minimum", -(10**17)), schema.get("maximum", 10**17)
    if most < 10**17:
        return f"an integer from {least} to {most}"
    return f"an integer >= {least}" if least > -(10**17) else "an integer"


def _or(words: Sequence[str]) -> str:
    if len(words) > 1:
        words = ["a boolean" if word == KINDS["boolean"] else word for word in words]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _shown(value: object) -> str:
    """A value as it is written in a file, or what it is where that would be long."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{_cut(escaped)}"'
    if isinstance(value, list):
        return "a list"
    return "a table" if isinstance(value, dict) else str(value)


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_AT_MOST else text[:SHOWN_AT_MOST] + "…"
