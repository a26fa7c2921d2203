"""A JSON Schema as a predicate: right or wrong, quickly, so that a right file never loads a validator.

Each schema becomes a table from the type of a value to what else must hold for it. `anyOf` is then mostly settled
before a value is seen, and one look-up tells a wrong type. Schemas are compiled when a value first needs them.

*Source*: JSON Schema draft-07, of which it knows the keywords in KNOWN. Two things are narrower, as a person expects:
1.0 is not an integer, and values are of the six types that tasks files have, so null is never right.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping
    from typing import Any, Final

    Test = Callable[[Any], bool]
    # What must hold for values of a type; types that are not there are refused.
    Table = dict[type, Test]

TYPES: Final = (str, int, float, bool, dict, list)
TYPES_BY_NAME: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (),
}
VALUES: Final = ("type", "enum", "const", "anyOf", "not", "$ref")
STRINGS: Final = ("minLength", "maxLength", "pattern")
NUMBERS: Final = ("minimum", "maximum")
LISTS: Final = ("items", "minItems", "maxItems", "uniqueItems")
PROPERTIES: Final = ("properties", "patternProperties", "additionalProperties")
OBJECTS: Final = (*PROPERTIES, "propertyNames", "required", "minProperties", "maxProperties")
KNOWN: Final = frozenset((*VALUES, *STRINGS, *NUMBERS, *LISTS, *OBJECTS))
# These say nothing about what is right; `$schema` and `definitions` stand at the top only.
SILENT: Final = frozenset(("$schema", "$id", "$comment", "title", "description", "default", "examples", "definitions"))


def acceptor(schema: Mapping[str, Any]) -> Callable[[object], bool]:
    """A function that says whether a value follows the schema. *Raises*: ValueError for a keyword it does not know."""
    compiler = Compiler(schema)
    return lambda value: compiler.accepts(schema, value)


def anything(_: object) -> bool:
    """True: nothing more must hold."""
    return True


class Compiler:
    """Makes tables of the parts of one schema."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root
        # By identity, which holds because `root` keeps every part of the schema alive.
        self.compiled: dict[int, Table] = {}

    def accepts(self, schema: Mapping[str, Any] | bool, value: object) -> bool:
        """Whether a value follows a part of the schema."""
        test = self.table(schema).get(type(value))
        return test is not None and test(value)

    def resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """What stands behind references, and behind `anyOf` with one branch."""
        while True:
            if "$ref" in schema:
                schema = self._target(schema["$ref"])
            elif len(schema.get("anyOf", ())) == 1:
                schema = schema["anyOf"][0]
            else:
                return schema

    def table(self, schema: Mapping[str, Any] | bool) -> Table:
        """What the schema asks of each type."""
        if isinstance(schema, bool):
            return dict.fromkeys(TYPES, anything) if schema else {}
        if id(schema) not in self.compiled:
            self.compiled[id(schema)] = self._table(schema)
        return self.compiled[id(schema)]

    def _table(self, schema: Mapping[str, Any]) -> Table:
        if "$ref" in schema:
            return self.table(self._target(schema["$ref"]))
        unknown = schema.keys() - KNOWN - SILENT
        if unknown:
            raise ValueError(f"BUG: the schema uses {', '.join(sorted(unknown))}, which is not implemented")
        table = {kind: test for kind, test in self._own(schema).items() if kind in self._types(schema)}
        if "anyOf" in schema:
            table = both(table, either([self.table(branch) for branch in schema["anyOf"]]))
        if "not" in schema:
            table = both(table, inverse(self.table(schema["not"])))
        return table

    def _target(self, ref: str) -> Any:
        target: Any = self.root
        for part in ref.removeprefix("#/").split("/"):
            target = target[part]
        return target

    def _types(self, schema: Mapping[str, Any]) -> tuple[type, ...]:
        said = schema.get("type", list(TYPES_BY_NAME))
        names = [said] if isinstance(said, str) else said
        return tuple(kind for name in names for kind in TYPES_BY_NAME[name])

    def _own(self, schema: Mapping[str, Any]) -> Table:
        """What the keywords ask that speak of one type, and `enum` and `const`."""
        number = all_of(_numbers(schema))
        table = {
            str: all_of(_strings(schema)),
            int: number,
            float: number,
            bool: anything,
            dict: all_of(self._objects(schema)),
            list: all_of(self._lists(schema)),
        }
        if "const" in schema:
            table = both(table, _one_of([schema["const"]]))
        if "enum" in schema:
            table = both(table, _one_of(schema["enum"]))
        return table

    def _objects(self, schema: Mapping[str, Any]) -> list[Test]:
        tests: list[Test] = []
        if "minProperties" in schema:
            tests.append(_at_least(schema["minProperties"]))
        if "maxProperties" in schema:
            tests.append(_at_most(schema["maxProperties"]))
        if "required" in schema:
            tests.append(frozenset(schema["required"]).issubset)
        if "propertyNames" in schema:
            tests.append(_every_key(self.table(schema["propertyNames"]).get(str, _nothing)))
        if any(keyword in schema for keyword in PROPERTIES):
            tests.append(_every_property(_Properties(self, schema)))
        return tests

    def _lists(self, schema: Mapping[str, Any]) -> list[Test]:
        tests: list[Test] = []
        if "minItems" in schema:
            tests.append(_at_least(schema["minItems"]))
        if "maxItems" in schema:
            tests.append(_at_most(schema["maxItems"]))
        if "items" in schema:
            if not isinstance(schema["items"], dict | bool):
                raise ValueError("BUG: the schema uses a list of items, which is not implemented")
            tests.append(_every_entry(self, schema["items"]))
        if schema.get("uniqueItems", False):
            tests.append(_is_unique)
        return tests


class _Properties(dict[str, "Table"]):
    """The table for each property, compiled when a document first has it."""

    def __init__(self, compiler: Compiler, schema: Mapping[str, Any]) -> None:
        super().__init__()
        self.compiler = compiler
        self.named = schema.get("properties", {})
        self.patterns = [
            (re.compile(pattern).search, sub) for pattern, sub in schema.get("patternProperties", {}).items()
        ]
        self.additional = schema.get("additionalProperties", True)
        self.other: Table | None = None

    def __missing__(self, key: str) -> Table:
        wanted = [self.named[key]] if key in self.named else []
        wanted += [sub for search, sub in self.patterns if search(key)]
        if not wanted:
            # Not kept by the key: there may be as many keys as there are tasks.
            if self.other is None:
                self.other = self.compiler.table(self.additional)
            return self.other
        table = self.compiler.table(wanted[0])
        for sub in wanted[1:]:
            table = both(table, self.compiler.table(sub))
        self[key] = table
        return table


class _Remembered(dict[str, bool]):
    """What a test said of short strings: durations and tags are the same few in a thousand tasks."""

    def __init__(self, test: Test) -> None:
        super().__init__()
        self.test = test

    def __missing__(self, text: str) -> bool:
        said = self.test(text)
        if len(text) <= 64 and len(self) < 4096:
            self[text] = said
        return said


def all_of(tests: list[Test]) -> Test:
    """One test that asks for all of them."""
    if not tests:
        return anything
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        first, second = tests
        return lambda value: first(value) and second(value)
    return lambda value: all(test(value) for test in tests)


def both(one: Table, other: Table) -> Table:
    """What both tables ask."""
    return {
        kind: all_of([test for test in (one[kind], other[kind]) if test is not anything])
        for kind in one
        if kind in other
    }


def either(tables: list[Table]) -> Table:
    """What at least one of the tables asks; a type that one of them knows needs no look at the others."""
    made: Table = {}
    for kind in TYPES:
        tests = [table[kind] for table in tables if kind in table]
        if tests:
            made[kind] = anything if anything in tests else _any_of(tests)
    return made


def inverse(table: Table) -> Table:
    """What the table does not ask."""
    return {kind: _not(table[kind]) if kind in table else anything for kind in TYPES if table.get(kind) is not anything}


def token(value: Any) -> Hashable:
    """Something that is equal for equal values, and can be put in a set. As JSON has it, true is not 1, but 1.0 is."""
    if isinstance(value, bool):
        return (bool, value)
    if isinstance(value, list):
        return (list, *map(token, value))
    if isinstance(value, dict):
        return (dict, frozenset((key, token(below)) for key, below in value.items()))
    hashable: Hashable = value
    return hashable


def _nothing(_: object) -> bool:
    return False


def _any_of(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    return lambda value: any(test(value) for test in tests)


def _not(test: Test) -> Test:
    return lambda value: not test(value)


def _at_least(number: int) -> Test:
    return bool if number == 1 else lambda value: len(value) >= number


def _at_most(number: int) -> Test:
    return lambda value: len(value) <= number


def _numbers(schema: Mapping[str, Any]) -> list[Test]:
    tests: list[Test] = []
    if "minimum" in schema:
        tests.append(_not_below(schema["minimum"]))
    if "maximum" in schema:
        tests.append(_not_above(schema["maximum"]))
    return tests


def _not_below(least: float) -> Test:
    return lambda value: bool(value >= least)


def _not_above(most: float) -> Test:
    return lambda value: bool(value <= most)


def _strings(schema: Mapping[str, Any]) -> list[Test]:
    tests: list[Test] = []
    if "minLength" in schema:
        tests.append(_at_least(schema["minLength"]))
    if "maxLength" in schema:
        tests.append(_at_most(schema["maxLength"]))
    if "pattern" in schema:
        search = re.compile(schema["pattern"]).search
        tests.append(_Remembered(lambda text: search(text) is not None).__getitem__)
    return tests


def _one_of(values: list[object]) -> Table:
    """What a list of values asks."""
    tokens = frozenset(map(token, values))
    table: Table = dict.fromkeys(TYPES, lambda value: token(value) in tokens)
    table[str] = tokens.__contains__
    return table


def _every_key(test: Test) -> Test:
    return lambda value: all(map(test, value))


def _every_property(tables: _Properties) -> Test:
    def accept(value: dict[str, object]) -> bool:
        for key, below in value.items():
            test = tables[key].get(type(below))
            if test is None or not (test is anything or test(below)):
                return False
        return True

    return accept


def _every_entry(compiler: Compiler, items: Mapping[str, Any] | bool) -> Test:
    table: Table | None = None

    def accept(value: list[object]) -> bool:
        nonlocal table
        if not value:
            return True
        if table is None:
            table = compiler.table(items)
        for below in value:
            test = table.get(type(below))
            if test is None or not (test is anything or test(below)):
                return False
        return True

    return accept


def _is_unique(value: list[object]) -> bool:
    return len(set(map(token, value))) == len(value)
