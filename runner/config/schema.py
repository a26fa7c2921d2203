"""Whether a tasks file follows the schema, and everything in it that does not, in words for people."""

from __future__ import annotations

from functools import lru_cache

from runner.config.accept import Compiler, acceptor, token
from runner.config.place import place
from runner.error import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any, Final

    from runner.config import Locate
    from runner.config.wording import Fault, Finding
    from runner.manifest import KeyPath

TASKS: Final = "tasks"
LATER: Final = "later"
# Of a file with ten thousand faults some are told, in time.
FINDINGS_AT_MOST: Final = 200


def check(data: Mapping[str, Any], *, locate: Locate, file: str, text: str) -> list[Problem]:
    """All that the schema does not allow in a file, in the order of the file; nothing for a right one."""
    if _accepts()(data):
        return []
    from runner.config.wording import Wording

    compiler = Compiler(_schema(TASKS))
    wording = Wording(_schema(TASKS), compiler)
    faults = wording.faults(_findings(data, compiler), data)
    # In the order of the data an anchor comes before its aliases, and is the one to be told of.
    positions = _Positions(data)
    faults.sort(key=lambda fault: positions.of(fault.path))
    if not faults:
        raise AssertionError("BUG: the acceptor refused a file that the validator accepts")
    return _told(faults, locate, file, text)


def later_keys(data: Mapping[str, Any], *, locate: Locate, file: str, text: str) -> list[Problem]:
    """The keys of a right file that the schema knows but this version of trun does not, in the order of the file."""
    later = _later()
    found = list(later.within(data, ())) if later is not None else []
    if not found:
        return []
    from runner.config.wording import Fault

    message = "`{}` is not available yet in this version of trun"
    return _told(
        [Fault(path=path, is_key=True, message=message.format(path[-1])) for path in found], locate, file, text
    )


@lru_cache(maxsize=4)
def schema_text(name: str) -> str:
    """The text of a public schema by its short name: `tasks`, `events`, `views`.

    *Why* two places: a wheel carries the schemas inside the package, a checkout has them beside it.
    """
    import os

    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    within = os.path.join(here, "_schema", f"{name}.schema.json")
    beside = os.path.join(os.path.dirname(here), "schema", f"{name}.schema.json")
    with open(within if os.path.exists(within) else beside, encoding="utf-8") as file:
        return file.read()


@lru_cache(maxsize=4)
def _schema(name: str) -> dict[str, Any]:
    import json

    made: dict[str, Any] = json.loads(schema_text(name))
    return made


@lru_cache(maxsize=1)
def _accepts() -> Callable[[object], bool]:
    return acceptor(_schema(TASKS))


class _Positions:
    """Which of two paths comes first in a document."""

    def __init__(self, data: Any) -> None:
        self.data = data
        self.numbered: dict[int, dict[str, int]] = {}

    def of(self, path: KeyPath) -> list[int]:
        """Something to sort paths by."""
        position, here = [], self.data
        for part in path:
            if isinstance(here, dict) and id(here) not in self.numbered:
                self.numbered[id(here)] = {key: number for number, key in enumerate(here)}
            position.append(part if isinstance(part, int) else self.numbered[id(here)][part])
            here = here[part]
        return position


def _told(faults: Iterable[Fault], locate: Locate, file: str, text: str) -> list[Problem]:
    """The faults as problems in the order of the file; what an alias brings to several places is told once."""
    found: dict[tuple[int, int, str | int], tuple[KeyPath, list[Problem]]] = {}
    for fault in faults:
        span = locate(text, fault.path, key=fault.is_key)
        path, told = found.setdefault((span.start, span.end, fault.path[-1] if fault.path else ""), (fault.path, []))
        if path == fault.path:
            told.append(Problem(message=fault.message, place=place(file, text, span), hint=fault.hint))
    return [problem for key in sorted(found, key=lambda key: key[:2]) for problem in found[key][1]]


def _findings(data: Mapping[str, Any], compiler: Compiler) -> Iterator[Finding]:
    """What the validator finds, but not more than can be of use."""
    from itertools import islice

    from jsonschema import Draft7Validator
    from jsonschema.validators import extend

    frugal = _Frugal(compiler)
    keywords = {
        "items": frugal.items,
        "additionalProperties": frugal.additional,
        "propertyNames": frugal.names,
        "anyOf": frugal.any_of,
        "uniqueItems": frugal.unique,
    }
    types = Draft7Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
    validator = extend(Draft7Validator, keywords, type_checker=types)  # type: ignore[no-untyped-call]
    return islice(validator(_schema(TASKS)).iter_errors(data), FINDINGS_AT_MOST)


class _Frugal:
    """The keywords that speak of many values, done as the validator does them, but only where something is wrong.

    *Why*: it needs a second for 4,000 right tasks, collects a hundred thousand findings before it tells the first of
    `anyOf`, goes through keys in another order each time, and compares tables in a list each with each. The schema has
    no `patternProperties`, so they are not thought of here.
    """

    def __init__(self, compiler: Compiler) -> None:
        self.compiler = compiler

    def items(self, validator: Any, schema: Any, value: object, _: object) -> Iterator[Finding]:
        if isinstance(value, list):
            for at, entry in enumerate(value):
                if not self.compiler.accepts(schema, entry):
                    yield from validator.descend(entry, schema, path=at)

    def additional(self, validator: Any, schema: Any, value: object, above: Mapping[str, Any]) -> Iterator[Finding]:
        if isinstance(value, dict):
            others = [key for key in value if key not in above.get("properties", {})]
            if schema is False and others:
                yield _found("unknown keys")
            for key in others if schema is not False else ():
                if not self.compiler.accepts(schema, value[key]):
                    yield from validator.descend(value[key], schema, path=key)

    def names(self, validator: Any, schema: Any, value: object, _: object) -> Iterator[Finding]:
        if isinstance(value, dict):
            for key in value:
                if not self.compiler.accepts(schema, key):
                    yield from validator.descend(key, schema)

    def any_of(self, validator: Any, branches: list[Any], value: object, _: object) -> Iterator[Finding]:
        from itertools import islice

        if any(self.compiler.accepts(branch, value) for branch in branches):
            return
        found: list[Finding] = []
        for at, branch in enumerate(branches):
            found += islice(validator.descend(value, branch, schema_path=at), FINDINGS_AT_MOST)
        yield _found("none of the branches", found)

    def unique(self, _: object, wanted: bool, value: object, __: object) -> Iterator[Finding]:
        if wanted and isinstance(value, list) and len(set(map(token, value))) != len(value):
            yield _found("not unique")


def _found(message: str, context: Iterable[Any] = ()) -> Any:
    from jsonschema import ValidationError

    return ValidationError(message, context=tuple(context))


class _Later:
    """Which keys of a table are for later, and where below it there may be more of them."""

    def __init__(self) -> None:
        self.keys: set[str] = set()
        self.named: dict[str, _Later] = {}
        self.other: _Later | None = None
        self.entries: _Later | None = None

    def within(self, value: Any, path: KeyPath) -> Iterator[KeyPath]:
        """The paths of the keys for later in a value."""
        if isinstance(value, list) and self.entries is not None:
            for at, entry in enumerate(value):
                yield from self.entries.within(entry, (*path, at))
        if not isinstance(value, dict):
            return
        for key in value.keys() & self.keys:
            yield (*path, key)
        if self.other is not None or not self.named.keys().isdisjoint(value):
            for key, below in value.items():
                deeper = self.named.get(key, self.other)
                if deeper is not None and key not in self.keys:
                    yield from deeper.within(below, (*path, key))


@lru_cache(maxsize=1)
def _later() -> _Later | None:
    return _later_in(_schema(TASKS), _schema(TASKS)["definitions"])


def _later_in(schema: Any, definitions: Mapping[str, Any]) -> _Later | None:
    """Where keys for later are within a schema, None if nowhere."""
    if not isinstance(schema, dict):
        return None
    if "$ref" in schema:
        return _later_in(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    made = _Later()
    for key, below in schema.get("properties", {}).items():
        if below.get("$comment") == LATER:
            made.keys.add(key)
        elif (deeper := _later_in(below, definitions)) is not None:
            made.named[key] = deeper
    made.other = _later_in(schema.get("additionalProperties"), definitions)
    made.entries = _later_in(schema.get("items"), definitions)
    for branch in schema.get("anyOf", ()):
        if (found := _later_in(branch, definitions)) is not None:
            made.keys |= found.keys
            made.named.update(found.named)
            made.other = made.other or found.other
            made.entries = made.entries or found.entries
    return made if made.keys or made.named or made.other or made.entries else None
