"""The YAML format: YAML 1.2 without tags, to the same plain data as TOML gives.

Values are made from the parser's events, not by its constructors: so nothing in a file can make an object, limits hold
while it is read, and every key and value is known with its place.
"""

from __future__ import annotations

from functools import lru_cache

from runner.config import Span
from runner.config.naming import cut, name
from runner.config.place import place, span_at
from runner.config.source import NESTING_AT_MOST, TOO_DEEP, VALUES_AT_MOST, decoded
from runner.config.yaml_scalars import NOTHING, is_merge, shown_tag, text_of, value_of
from runner.error import Problem, Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Final, NoReturn

    from runner.manifest import KeyPath

# The parser is written in Python: a quarter of a megabyte, or so many events, takes it the better part of a second.
SIZE_AT_MOST_BYTES: Final = 256 << 10
EVENTS_AT_MOST: Final = 30_000
FAULTS_AT_MOST: Final = 100


def parse(data: bytes, file: str) -> dict[str, Any]:
    """The file as plain data. *Raises*: Refusal with the first syntax error, or all values that have no place in it."""
    text = decoded(data, file, SIZE_AT_MOST_BYTES, "a `tasks.toml` may have 1,024 KiB")
    reader = _read(text)
    if reader.faults:
        problems = (
            Problem(message=said, place=place(file, text, span), hint=hint) for said, span, hint in reader.faults
        )
        raise Refusal(*problems)
    return reader.data


def locate(text: str, path: KeyPath, *, key: bool = False) -> Span:
    """Where a value or a key stands; what came by an alias or a merge, where it was written."""
    reader = _read(text)
    return span_at(reader.found, reader.origin(path), key=key)


@lru_cache(maxsize=1)
def _read(text: str) -> _Reader:
    # Kept, because whoever asks for a place has just parsed, and it takes long.
    reader = _Reader(text)
    reader.read()
    return reader


class _Stop(Exception):
    """Something after which there is no use in reading on."""


class _Anchor:
    """What an alias stands for: its value, where that is, how many values are in it, and how deeply they are nested."""

    def __init__(self, value: Any, path: KeyPath, values: int, height: int) -> None:
        self.value = value
        self.path = path
        self.values = values
        self.height = height


class _Reader:
    """`data`, or `faults`: message, span, hint.

    `found` has for each path where its key and its value stand, `brought` for paths that are there by an alias or a
    merge the path that they came from.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.data: dict[str, Any] = {}
        self.found: dict[KeyPath, tuple[int, int, int, int]] = {}
        self.brought: dict[KeyPath, KeyPath] = {}
        self.faults: list[tuple[str, Span, str | None]] = []
        self.anchors: dict[str, _Anchor | None] = {}
        self.values = 0
        self.height = 0
        self.end = 0

    def read(self) -> None:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError

        self.events = self.counted(YAML(typ="safe", pure=True).parse(self.text), YAMLError)
        try:
            self.stream()
        except _Stop:
            return

    def counted(self, events: Iterator[Any], broken: type[Exception]) -> Iterator[Any]:
        """The parser's events, while they are not too many and not too much is wrong."""
        for _ in range(EVENTS_AT_MOST):
            try:
                event = next(events, None)
            except broken as error:
                from runner.config.yaml_faults import fault

                self.faults.append(fault(self.text, error))
                raise _Stop from None
            except (ValueError, ArithmeticError, LookupError, AssertionError):
                # The parser's own slips, on escapes beyond Unicode, on tags and on directives.
                self.faults.append(("the next escape, tag or directive is not YAML", self.rest_of_line(), None))
                raise _Stop from None
            if event is None:
                return
            if len(self.faults) >= FAULTS_AT_MOST:
                raise _Stop
            yield event
        self.faults.append((f"more than {EVENTS_AT_MOST:,} keys and values", self.rest_of_line(), None))
        raise _Stop

    def rest_of_line(self) -> Span:
        """What follows the last value that was read."""
        end = self.text.find("\n", self.end)
        return Span(start=self.end, end=end if end >= 0 else len(self.text))

    def stream(self) -> None:
        documents = 0
        for event in self.events:
            kind = type(event).__name__
            if kind == "DocumentStartEvent":
                documents += 1
                if documents > 1:
                    self.stop("a second document begins here, and a tasks file has only one", event)
            elif kind not in ("StreamStartEvent", "StreamEndEvent", "DocumentEndEvent"):
                value = self.node(event, (), 0)
                if isinstance(value, dict):
                    self.data = value
                elif value is not NOTHING:
                    self.stop(f"a tasks file is a table of keys, not {_what(value)}", event)

    def node(self, event: Any, path: KeyPath, depth: int) -> Any:
        """One value, whose first event has been taken; NOTHING where there is none. Notes `values`, `height`, `end`."""
        kind = type(event).__name__
        self.end = event.end_mark.index
        self.height = 0
        self.values += 1
        if kind == "AliasEvent":
            return self.alias(event, path, depth)
        if event.tag is not None:
            hint = "a tasks file has plain values only"
            self.faults.append((f"the tag `{shown_tag(event.tag)}` is not allowed", self.span(event), hint))
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        before = self.values
        if kind == "ScalarEvent":
            value = self.scalar(event)
        elif depth > NESTING_AT_MOST:
            self.stop(TOO_DEEP, event)
        elif kind == "SequenceStartEvent":
            value = self.sequence(event, path, depth)
        else:
            value = self.mapping(event, path, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchor(value, path, 1 + self.values - before, self.height)
        return value

    def alias(self, event: Any, path: KeyPath, depth: int) -> Any:
        known = self.anchors.get(event.anchor)
        if known is None:
            anchor = cut(event.anchor)
            where = f"stands inside its own `&{anchor}`" if event.anchor in self.anchors else "is not defined above"
            self.stop(f"`*{anchor}` {where}", event)
        self.brought[path] = known.path
        self.values += known.values
        self.height = known.height
        if self.values > VALUES_AT_MOST:
            self.stop(f"with its aliases the file has more than {VALUES_AT_MOST:,} values", event)
        if depth + known.height - 1 > NESTING_AT_MOST:
            self.stop(TOO_DEEP, event)
        return known.value

    def scalar(self, event: Any) -> Any:
        if event.tag is not None or not event.implicit[0]:
            value, message = text_of(event.value)
            if message is not None:
                self.faults.append((message, self.span(event), None))
            return value
        value, message, hint = value_of(event.value)
        if message is not None:
            self.faults.append((message, self.span(event), hint))
        return value

    def sequence(self, event: Any, path: KeyPath, depth: int) -> list[Any]:
        made: list[Any] = []
        end, height = self.end, 0
        while True:
            below = next(self.events)
            if type(below).__name__ == "SequenceEndEvent":
                self.close(event, below, end, height)
                return made
            entry = (*path, len(made))
            value = self.present(self.node(below, entry, depth + 1), entry, below)
            self.found[entry] = (below.start_mark.index, self.end, below.start_mark.index, self.end)
            end, height = self.end, max(height, self.height)
            made.append(value)

    def mapping(self, event: Any, path: KeyPath, depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        merged: list[tuple[KeyPath, dict[str, Any]]] = []
        lines: dict[str, int] = {}
        end, height = self.end, 0
        while True:
            key_event = next(self.events)
            if type(key_event).__name__ == "MappingEndEvent":
                self.close(event, key_event, end, height)
                return self.with_merged(made, merged, path)
            key = self.key(key_event, path, depth)
            key_end = self.end
            here = (*path, key)
            if key in lines:
                message = f"{name(here)} is given twice, first in line {lines[key]}"
                self.faults.append((message, self.span(key_event), None))
            lines.setdefault(key, key_event.start_mark.line + 1)
            below = next(self.events)
            value = self.node(below, here, depth + 1)
            self.found[here] = (key_event.start_mark.index, key_end, below.start_mark.index, self.end)
            end, height = self.end, max(height, self.height)
            if is_merge(key_event):
                merged += self.merged(value, here, below)
            else:
                made[key] = self.present(value, here, key_event)

    def with_merged(
        self, made: dict[str, Any], merged: list[tuple[KeyPath, dict[str, Any]]], path: KeyPath
    ) -> dict[str, Any]:
        """The table and what `<<` brought: its own keys first, then those of the first that has them."""
        for source, other in merged:
            for key, value in other.items():
                if key not in made:
                    made[key] = value
                    self.brought[(*path, key)] = (*source, key)
        return made

    def origin(self, path: KeyPath) -> KeyPath:
        """Where what stands at a path was written."""
        for length in range(1, len(path) + 1):
            if path[:length] in self.brought:
                # Anchors stand above their aliases, so this comes to an end.
                return self.origin((*self.brought[path[:length]], *path[length:]))
        return path

    def close(self, event: Any, closing: Any, end: int, height: int) -> None:
        """Where a collection ends: at its bracket, or with the last thing in it."""
        self.end = closing.end_mark.index if event.flow_style else end
        self.height = height + 1

    def key(self, event: Any, path: KeyPath, depth: int) -> str:
        hint = None
        value = event.value if is_merge(event) else self.node(event, (*path, ""), depth + 1)
        if isinstance(value, str) and type(event).__name__ == "ScalarEvent":
            return value
        span = self.span(event)
        if value is NOTHING:
            message = "a key is missing before the `:`"
        elif type(event).__name__ == "ScalarEvent":
            written = cut(self.text[span.start : span.end])
            message, hint = f"the key `{written}` is {_what(value)}, not text", f'put it in quotes: `"{written}"`'
        else:
            message = f"{_what(value)} cannot be a key" if not isinstance(value, str) else "an alias cannot be a key"
        self.faults.append((message, span, hint))
        return self.text[span.start : span.end]

    def merged(self, value: Any, path: KeyPath, event: Any) -> list[tuple[KeyPath, dict[str, Any]]]:
        """The tables that `<<` brings, with their paths."""
        if isinstance(value, dict):
            return [(path, value)]
        if isinstance(value, list) and all(isinstance(one, dict) for one in value):
            return [((*path, at), one) for at, one in enumerate(value)]
        self.faults.append(("`<<` takes a table, or a list of tables", self.span(event), "as in `<<: *defaults`"))
        return []

    def present(self, value: Any, path: KeyPath, event: Any) -> Any:
        if value is not NOTHING:
            return value
        self.faults.append(
            (f"{name(path)} has no value", self.span(event), 'leave it out, or write `""` for an empty text')
        )
        return ""

    def span(self, event: Any) -> Span:
        return Span(start=event.start_mark.index, end=event.end_mark.index)

    def stop(self, message: str, event: Any) -> NoReturn:
        self.faults.append((message, self.span(event), None))
        raise _Stop


def _what(value: Any) -> str:
    kinds = {dict: "a table", list: "a list", str: "a text", bool: "a boolean", int: "a number", float: "a number"}
    return kinds[type(value)]
