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
# What may not be said of a table that is looked at in part.
WHOLE: Final = frozenset(("required", "minProperties", "maxProperties"))


def check(data: Mapping[str, Any], *, locate: Locate, file: str, text: str) -> list[Problem]:
    """All that the schema does not allow in a file, in the order of the file; nothing for a right one."""
    if _accepts()(data):
        return []
    from runner.config.wording import Wording

    compiler = Compiler(_schema(TASKS))
    wording = Wording(_schema(TASKS), compiler)
    faults = wording.faults(_findings(_refused(data, _schema(TASKS), compiler)), data)
    # In the order of the data an anchor comes before its aliases, and is the one to be told of.
    faults.sort(key=lambda fault: _position(data, fault.path))
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


def _position(data: Any, path: KeyPath) -> list[int]:
    position = []
    for part in path:
        position.append(part if isinstance(part, int) else list(data).index(part))
        data = data[part]
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


def _refused(data: Mapping[str, Any], schema: Mapping[str, Any], compiler: Compiler, deep: int = 2) -> dict[str, Any]:
    """The entries of a table that are not right, and of those that are tables, again only such entries.

    *Why*: the validator needs a second for 4,000 tasks, and most of them are right.
    """
    made = {}
    for key, value in data.items():
        below = schema.get("properties", {}).get(key, schema.get("additionalProperties", False))
        if compiler.accepts(below, value) and compiler.accepts(schema.get("propertyNames", True), key):
            continue
        inner = compiler.resolved(below) if below else {}
        may_be_thinned = deep > 1 and inner.get("type") == "object" and WHOLE.isdisjoint(inner)
        made[key] = _refused(value, inner, compiler, deep - 1) if may_be_thinned and type(value) is dict else value
    return made


def _findings(data: Mapping[str, Any]) -> Iterator[Finding]:
    """What the validator finds, but not more than can be of use."""
    from itertools import islice

    from jsonschema import Draft7Validator
    from jsonschema.validators import extend

    types = Draft7Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
    validator = extend(Draft7Validator, {"uniqueItems": _unique}, type_checker=types)  # type: ignore[no-untyped-call]
    return islice(validator(_schema(TASKS)).iter_errors(data), FINDINGS_AT_MOST)


def _unique(_: object, wanted: bool, value: object, __: object) -> Iterator[Exception]:
    """As the validator has it, but in linear time."""
    from jsonschema import ValidationError

    if wanted and isinstance(value, list) and len(set(map(token, value))) != len(value):
        yield ValidationError("not unique")


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
