"""Typed arguments: what was typed or declared to checked, canonical text."""

from __future__ import annotations

from runner.error import did_you_mean
from runner.noun import noun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from runner.request import ArgValue
    from runner.task import Arg, Task

TRUE = ("true", "yes", "on", "1")
FALSE = ("false", "no", "off", "0")


class ArgumentError(ValueError):
    """A value that an argument does not take; whoever knows the place turns it into a refusal."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


@noun
class Stand:
    """Where the person stands and where the task works: what a path is taken from and handed over relative to."""

    cwd: str
    dir: str


def canonical(arg: Arg, text: str, stand: Stand | None = None) -> str:
    """The one text for a value: two ways to write it make one node and one key.

    *Raises*: ArgumentError, naming the argument, what was given and what is taken.
    """
    value = _typed(arg, text, stand)
    if arg.choices and value not in arg.choices:
        listed = ", ".join(f"`{choice}`" for choice in arg.choices)
        raise ArgumentError(f"`{arg.name}` must be one of {listed}, not `{text}`", did_you_mean(text, arg.choices))
    if arg.pattern is not None:
        import re

        if not re.fullmatch(arg.pattern, value):
            raise ArgumentError(f"`{arg.name}` must match `{arg.pattern}`, and `{text}` does not")
    return value


def _typed(arg: Arg, text: str, stand: Stand | None) -> str:
    if arg.type == "int":
        return _number(arg, text, int, "an integer")
    if arg.type == "float":
        return _number(arg, text, float, "a number")
    if arg.type == "bool":
        return _bool(arg, text)
    if arg.type == "path" and stand is not None:
        return _path(text, stand)
    return text


def _number(arg: Arg, text: str, kind: Callable[[str], float], name: str) -> str:
    try:
        value = kind(text) if len(text) <= 40 else None
    except ValueError:
        value = None
    if value is None or value != value or value in (float("inf"), float("-inf")):
        raise ArgumentError(f"`{arg.name}` must be {name}, not `{text}`")
    if arg.min is not None and value < arg.min:
        raise ArgumentError(f"`{arg.name}` must be at least {arg.min:g}, not `{text}`")
    if arg.max is not None and value > arg.max:
        raise ArgumentError(f"`{arg.name}` must be at most {arg.max:g}, not `{text}`")
    return str(value)


def _bool(arg: Arg, text: str) -> str:
    lowered = text.lower()
    if lowered in TRUE:
        return "true"
    if lowered in FALSE:
        return "false"
    raise ArgumentError(f"`{arg.name}` must be `true` or `false`, not `{text}`")


def _path(text: str, stand: Stand) -> str:
    import posixpath

    if text.startswith("/"):
        return text
    return posixpath.relpath(posixpath.join(stand.cwd, text), stand.dir)


def arg_words(arg: Arg, value: ArgValue) -> ArgValue:
    """What the template gives for a value: with `flag` the flag too, and nothing where it is unset."""
    if arg.type == "bool":
        if arg.flag is None:
            return value
        return (arg.flag,) if value == "true" else None
    if value is None or arg.flag is None:
        return value
    texts = (value,) if isinstance(value, str) else value
    return tuple(word for text in texts for word in (arg.flag, text))


def defaults(task: Task, environ: Mapping[str, str]) -> dict[str, ArgValue]:
    """The value that each argument has when nothing is typed.

    *Raises*: ArgumentError for a variable whose value the argument does not take.
    """
    found: dict[str, ArgValue] = {}
    for arg in task.args.values():
        value = arg.default
        if arg.env is not None and arg.env in environ:
            value = canonical(arg, environ[arg.env])
            value = (value,) if arg.multiple else value
        elif value is None and arg.type == "bool":
            value = "false"
        elif value is None and arg.multiple:
            value = ()
        found[arg.name] = value
    return found


def missing(task: Task, values: Mapping[str, ArgValue]) -> list[Arg]:
    """The required arguments that have no value."""
    return [arg for arg in task.args.values() if arg.required and values.get(arg.name) in (None, ())]


def unknown(task: Task, given: Iterable[str]) -> ArgumentError | None:
    """The error for a name that the task does not declare as an argument."""
    for name in given:
        if name not in task.args:
            if not task.args:
                return ArgumentError(f"task `{task.name}` takes no arguments, so not `{name}`")
            return ArgumentError(f"task `{task.name}` has no argument `{name}`", did_you_mean(name, task.args))
    return None
