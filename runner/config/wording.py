"""What a validator finds wrong in a file, said as one would say it to a colleague."""

from __future__ import annotations

from itertools import islice

from runner.config.accept import token
from runner.config.hints import for_key, for_value, rule
from runner.config.naming import ENTRIES, cut, inside, name, shown, shown_key
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
DURATION: Final = 'a duration such as "30s"'
VALUES: Final = {"duration": DURATION, "size": 'a size such as "20GB"'}
NAMES: Final = {
    "name": "a name",
    "member_name": "a name",
    "placeholder": "a name for `{{…}}`",
    "variable": "the name of a variable",
}
KINDS: Final = {
    "integer": "an integer",
    "string": "a string",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a table",
}
# The schema bounds every number by what all JSON readers can hold: not worth a word.
UNBOUNDED: Final = 10**17
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
            list(self.leaves_of(found))
            for found, branch in zip(branches, finding.validator_value, strict=True)
            if len(branches) == 1 or kind in self.compiler.table(branch)
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
            taken = {for_key(key, finding.schema, self.compiler) for key in value}
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
        what = NAMES.get(definition, f"a key{inside(path)}")
        if len(path) == 1 and path[0] in ENTRIES:
            what = f"the name of a {ENTRIES[str(path[0])]}"
        message = f"{shown_key(key)} cannot be {what}"
        return Fault(path=(*path, key), is_key=True, message=message, hint=rule(finding.schema))

    def unknown(self, path: KeyPath, table: Mapping[str, Any], key: str, schema: Mapping[str, Any]) -> Fault:
        """A key that no schema knows."""
        hint = for_key(key, schema, self.compiler)
        if hint is None and not path and isinstance(table[key], str | list | dict):
            hint = f"if it is a task, it stands in `tasks`: `tasks.{cut(key)}`"
        return Fault(path=(*path, key), is_key=True, message=f"unknown key {shown_key(key)}{inside(path)}", hint=hint)

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
                message = f"{shown(value)} cannot be {NAMES[self.definitions[id(schema)]]}"
                return Fault(path=path, message=message, hint=rule(schema))
        wanted = self.wanted(schema)
        hint = for_value(value, schema, self.compiler)
        if wanted[0] in VALUES.values():
            hint = f'{value} seconds are `"{value}s"`' if wanted[0] == DURATION and type(value) is int else rule(schema)
        elif finding.validator in ("pattern", "not", "maxLength") and "examples" not in schema:
            return Fault(path=path, message=f"{shown(value)} cannot be {name(path)}", hint=rule(schema))
        return Fault(path=path, message=f"{name(path)} must be {_or(wanted)}, not {shown(value)}", hint=hint)

    def wanted(self, schema: Mapping[str, Any]) -> list[str]:
        """What a value may be, in words, each once."""
        schema = self.compiler.resolved(schema)
        definition = self.definitions.get(id(schema), "")
        if definition in VALUES:
            return [VALUES[definition]]
        if "enum" in schema:
            return [shown(value) for value in schema["enum"]]
        if "anyOf" in schema:
            return list(dict.fromkeys(word for branch in schema["anyOf"] for word in self.wanted(branch)))
        kinds = schema.get("type", [])
        words = [_kind(kind, schema) for kind in ([kinds] if isinstance(kinds, str) else kinds)]
        if "pattern" in schema and definition not in NAMES and schema.get("examples"):
            words = [f"{words[0]} such as {shown(schema['examples'][0])}"]
        return words


def _twice(path: KeyPath, value: Sequence[Any]) -> Fault:
    seen = set()
    for at, entry in enumerate(value):
        known = token(entry)
        if known in seen:
            return Fault(path=(*path, at), message=f"{name(path)} has {shown(entry)} twice")
        seen.add(known)
    raise AssertionError("BUG: the validator found an entry twice that is there once")


def _at(data: Any, path: KeyPath) -> Any:
    for part in path:
        data = data[part]
    return data


def _kind(kind: str, schema: Mapping[str, Any]) -> str:
    word = KINDS[kind]
    if kind not in ("integer", "number"):
        return word
    least, most = schema.get("minimum", -UNBOUNDED), schema.get("maximum", UNBOUNDED)
    if most < UNBOUNDED:
        return f"{word} from {least} to {most}"
    return f"{word} >= {least}" if least > -UNBOUNDED else word


def _or(words: Sequence[str]) -> str:
    if len(words) > 1:
        words = ["a boolean" if word == KINDS["boolean"] else word for word in words]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
