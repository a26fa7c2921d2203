"""Frozen, slotted, keyword-only records, without what importing dataclasses costs.

*Why*: `dataclasses` imports `inspect`, which takes longer than starting the interpreter; a run that finds everything up
to date may not pay that. A type checker sees a frozen, keyword-only dataclass.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeVar, dataclass_transform

    _T = TypeVar("_T")

    @dataclass_transform(frozen_default=True, kw_only_default=True)
    def noun(cls: type[_T]) -> type[_T]:
        """A record class from annotated fields: frozen, slotted, keyword-only, compared and hashed by value."""

else:

    def noun(cls):
        """A record class from annotated fields: frozen, slotted, keyword-only, compared and hashed by value."""
        names = tuple(cls.__dict__.get("__annotations__", ()))  # noqa: RUF063 - `inspect` is what this does without
        defaults = {name: cls.__dict__[name] for name in names if name in cls.__dict__}
        dropped = {"__dict__", "__weakref__", *defaults}
        body = {key: value for key, value in cls.__dict__.items() if key not in dropped}
        body["__slots__"] = names
        body.setdefault("__setattr__", _frozen)
        body.setdefault("__delattr__", _frozen)
        body.setdefault("__eq__", _equal)
        body.setdefault("__hash__", _hash)
        body.setdefault("__repr__", _repr)
        body["_fields"] = names
        body["_defaults"] = defaults
        made = type(cls)(cls.__name__, cls.__bases__, body)
        made.__init__ = _init(made, names, defaults)
        return made

    def _init(made, names, defaults):
        # The slots' own setters are the one way past the frozen __setattr__, and the fastest.
        scope = {f"_set_{name}": getattr(made, name).__set__ for name in names}
        scope.update({f"_default_{name}": value for name, value in defaults.items()})
        wanted = ", ".join(f"{name}=_default_{name}" if name in defaults else name for name in names)
        lines = "".join(f"\n    _set_{name}(self, {name})" for name in names) or "\n    pass"
        exec(f"def __init__(self{', *, ' + wanted if wanted else ''}):{lines}", scope)
        return scope["__init__"]


def _frozen(self: object, name: str, *_: object) -> None:
    raise AttributeError(f"`{type(self).__name__}.{name}` is frozen")


def _values(self: Any) -> tuple[object, ...]:
    return tuple(getattr(self, name) for name in self._fields)


def _equal(self: Any, other: object) -> bool:
    return type(self) is type(other) and _values(self) == _values(other)


def _hash(self: Any) -> int:
    return hash((type(self), _values(self)))


def _repr(self: Any) -> str:
    """Only what differs from the defaults, so that an assertion that fails can be read."""
    shown = []
    for name in self._fields:
        value = getattr(self, name)
        if name not in self._defaults or self._defaults[name] != value:
            shown.append(f"{name}={value!r}")
    return f"{type(self).__name__}({', '.join(shown)})"


def replace(record: _T, **changes: Any) -> _T:
    """The same record with some fields changed."""
    kept: Mapping[str, Any] = {name: getattr(record, name) for name in record._fields}  # type: ignore[attr-defined]
    return type(record)(**{**kept, **changes})
