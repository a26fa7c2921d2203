"""One table of a tasks file to one Task: every shape that a key may have, made into one.

The schema has been checked before, so shapes are trusted here; what a schema cannot say is refused with its place.
"""

from __future__ import annotations

from runner import task as nouns
from runner.error import Refusal, refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Final

    from runner.manifest import KeyPath, Manifest
    from runner.request import ArgValue
    from runner.task import Arg, Caching, Dep, Retry, Step, Task, When

SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
BYTES: Final = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
BYTES_BINARY: Final = {"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40}
BODIES: Final = ("run", "cmd", "file")
MERGED: Final = ("env", "args")
DEFAULT_SHELL: Final = ("sh", "-eu", "-c")


def seconds(text: str) -> float:
    """A duration such as `"30s"`, `"10m"` or `"1.5h"`, in seconds. *Raises*: ValueError."""
    number = text.rstrip("mshd")
    return float(number) * SECONDS[text[len(number) :]]


def size_bytes(text: str) -> int:
    """A size such as `"20GB"` or `"512MiB"`, in bytes. *Raises*: ValueError, KeyError."""
    number = text.rstrip("kKmMgGtTiIbB ")
    unit = text[len(number) :].strip().lower() or "b"
    return int(float(number) * {**BYTES, **BYTES_BINARY}[unit])


def table(raw: Any) -> dict[str, Any]:
    """A task as a table: a string or a list is the `run` of a whole task."""
    return dict(raw) if isinstance(raw, dict) else {"run": raw}


def extended(raw: Mapping[str, Any], templates: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A task's table over its templates, left to right: `env` and `args` by their keys, everything else whole.

    A command takes the place of a template's command, whichever of `run`, `cmd` and `file` each says.
    """
    made: dict[str, Any] = {}
    for layer in (*templates, raw):
        if any(body in layer for body in BODIES):
            for body in BODIES:
                made.pop(body, None)
        for key, value in layer.items():
            made[key] = {**made.get(key, {}), **value} if key in MERGED else value
    made.pop("extends", None)
    return made


def texts(value: Any) -> tuple[str, ...]:
    """A string or a list of strings, as a tuple."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


class Declaring:
    """Reads tables of one manifest for one platform."""

    def __init__(self, manifest: Manifest, os: str, shell: tuple[str, ...] = DEFAULT_SHELL) -> None:
        self.manifest = manifest
        self.os = os
        self.shell = shell

    def task(self, name: str, raw: Mapping[str, Any], path: KeyPath) -> Task:
        """The task that a table declares. *Raises*: Refusal for what the schema cannot say."""
        made: dict[str, Any] = {"name": name, "path": path}
        if self.shell is not DEFAULT_SHELL:
            made["shell"] = self.shell
        for key, value in raw.items():
            plain = PLAIN.get(key)
            if plain is not None:
                field, converted = plain
                made[field] = value if converted is None else converted(value)
        if name.startswith("_"):
            made["hidden"] = True
        if "deps" in raw:
            deps = raw["deps"]
            made["deps"] = tuple(self.dep(dep, (*path, "deps", at)) for at, dep in enumerate(deps) if not _is_drop(dep))
            made["dropped"] = tuple(dep[1:] for dep in deps if _is_drop(dep))
        if "args" in raw:
            made["args"] = {key: self.arg(key, value, (*path, "args", key)) for key, value in raw["args"].items()}
        made["body"], made["steps"], made["other_platforms"] = self.steps(name, raw, path)
        return nouns.Task(**made)

    def steps(self, name: str, raw: Mapping[str, Any], path: KeyPath) -> tuple[str, tuple[Step, ...], tuple[str, ...]]:
        """Which key holds the command, its steps, and the platforms that have one where this one has none."""
        said = [body for body in BODIES if body in raw]
        if len(said) > 1:
            place = self.manifest.key(*path, said[1])
            raise refuse(f"task `{name}` has both `{said[0]}` and `{said[1]}`", place, "keep one of them")
        if not said:
            return "run", (), ()
        body = said[0]
        value = raw[body]
        if body == "cmd":
            return body, (nouns.Argv(words=tuple(value)),), ()
        if body == "file":
            return body, (nouns.File(path=value),), ()
        if isinstance(value, dict):
            if self.os not in value and "default" not in value:
                return body, (), tuple(value)
            value = value.get(self.os, value.get("default"))
        return body, tuple(_step(step) for step in ([value] if isinstance(value, str) else value)), ()

    def dep(self, raw: Any, path: KeyPath) -> Dep:
        """One entry of `deps`."""
        if isinstance(raw, str):
            return nouns.Dep(task=raw, path=path)
        return nouns.Dep(task=raw["task"], args=raw.get("args", {}), path=path)

    def arg(self, name: str, raw: Mapping[str, Any], path: KeyPath) -> Arg:
        """One declared argument. *Raises*: Refusal for a default or a pattern that cannot be."""
        from runner.argument import ArgumentError, canonical

        made = nouns.Arg(
            name=name,
            type=raw.get("type", "string"),
            required=raw.get("required", False),
            choices=tuple(_text(choice) for choice in raw.get("choices", ())),
            pattern=raw.get("pattern"),
            min=raw.get("min"),
            max=raw.get("max"),
            help=raw.get("help", ""),
            short=raw.get("short"),
            flag=raw.get("flag"),
            positional=raw.get("positional", False),
            multiple=raw.get("multiple", False),
            env=raw.get("env"),
        )
        if made.pattern is not None:
            self._compile(made.pattern, (*path, "pattern"))
        if "default" not in raw:
            return made
        try:
            default = arg_value(made, raw["default"], lambda text: canonical(made, text))
        except ArgumentError as error:
            raise refuse(str(error), self.manifest.value(*path, "default"), error.hint) from None
        from runner.noun import replace

        return replace(made, default=default)

    def _compile(self, pattern: str, path: KeyPath) -> None:
        import re

        try:
            re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            message = f"`{pattern}` is not a regular expression: {error}"
            raise Refusal(*refuse(message, self.manifest.value(*path)).problems) from None


def arg_value(arg: Arg, raw: Any, canonical: Any) -> ArgValue:
    """A value that a file gives for an argument, as canonical text."""
    if isinstance(raw, list):
        values = tuple(canonical(_text(value)) for value in raw)
        return values if arg.multiple else " ".join(values)
    value: str = canonical(_text(raw))
    return (value,) if arg.multiple else value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _entries(value: Any) -> Sequence[Any]:
    return [value] if isinstance(value, str | dict) else value or ()


def _is_drop(dep: Any) -> bool:
    return isinstance(dep, str) and dep.startswith("!")


def _step(raw: Any) -> Step:
    if isinstance(raw, str):
        return nouns.Script(text=raw)
    return nouns.Call(task=raw["task"], args=raw.get("args", {}))


def _input(raw: Any) -> nouns.Input:
    if isinstance(raw, str):
        return nouns.Input(text=raw)
    return nouns.Input(text=raw["glob"], ignored=raw.get("ignored", False))


def _output(raw: Any) -> nouns.Output:
    if isinstance(raw, str):
        return nouns.Output(text=raw)
    return nouns.Output(
        text=raw["path"] if "path" in raw else raw["glob"],
        keep=raw.get("keep", False),
        optional=raw.get("optional", False),
    )


def _when(raw: Any) -> When | None:
    if raw is None:
        return None
    env = raw.get("env", {})
    return nouns.When(
        os=texts(raw.get("os")),
        arch=texts(raw.get("arch")),
        env={key: _text(value) for key, value in env.items()} if isinstance(env, dict) else dict.fromkeys(texts(env)),
        exists=texts(raw.get("exists")),
        cmd=raw.get("cmd"),
        profile=texts(raw.get("profile")),
    )


def _retry(raw: Any) -> Retry:
    if isinstance(raw, int):
        return nouns.Retry(count=raw)
    return nouns.Retry(
        count=raw["count"],
        delay_s=seconds(raw["delay"]) if "delay" in raw else 1.0,
        backoff=raw.get("backoff", 2.0),
        exit_codes=tuple(raw.get("exit_codes", ())),
    )


def _pools(raw: Any) -> Mapping[str, int]:
    if raw is None:
        return {}
    if isinstance(raw, dict):
        return raw
    return dict.fromkeys(texts(raw), 1)


def _inputs(raw: Any) -> tuple[nouns.Input, ...]:
    return tuple(_input(entry) for entry in _entries(raw))


def _outputs(raw: Any) -> tuple[nouns.Output, ...]:
    return tuple(_output(entry) for entry in _entries(raw))


def _cache(raw: Any) -> Caching:
    return nouns.Caching(on=raw) if isinstance(raw, bool) else nouns.Caching(**raw)


def _env(raw: Mapping[str, Any]) -> dict[str, str]:
    return {name: _text(value) for name, value in raw.items()}


# The keys of a task that stand for themselves: the field that each fills, and how. The others are read by Declaring.
PLAIN: Final[dict[str, tuple[str, Callable[[Any], Any] | None]]] = {
    "desc": ("desc", None),
    "alias": ("aliases", texts),
    "hidden": ("hidden", None),
    "tags": ("tags", texts),
    "group": ("group", None),
    "dir": ("dir", None),
    "shell": ("shell", texts),
    "after": ("after", texts),
    "inputs": ("inputs", _inputs),
    "outputs": ("outputs", _outputs),
    "env": ("env", _env),
    "uses_env": ("uses_env", texts),
    "pass_env": ("pass_env", texts),
    "probes": ("probes", texts),
    "cache": ("cache", _cache),
    "expires": ("expires_s", seconds),
    "in_place": ("in_place", None),
    "when": ("when", _when),
    "timeout": ("timeout_s", seconds),
    "retry": ("retry", _retry),
    "allow_failure": ("allow_failure", None),
    "detach": ("detach", None),
    "exclusive": ("exclusive", None),
    "pool": ("pools", _pools),
    "weight": ("weight", None),
    "priority": ("priority", None),
    "memory": ("memory_bytes", size_bytes),
    "interactive": ("interactive", None),
    "confirm": ("confirm", None),
    "finally": ("finally_", None),
}
READ_APART: Final = (*BODIES, "deps", "args", "extends")
