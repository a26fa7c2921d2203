"""A node as resolved, on a sheet for people."""

from __future__ import annotations

from runner.declare import BYTES, BYTES_BINARY, SECONDS
from runner.draw.picture import one_line
from runner.error import columns, plain
from runner.task import Call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from runner.cli.shown import Shown
    from runner.request import ArgValue
    from runner.task import Retry, Task, When

    Row = tuple[str, Sequence[str]]

FOUND_AT_MOST: Final = 10
LABEL_COLUMNS: Final = 10
SOURCES_AT: Final = 40


def sheet(shown: Shown, *, is_whole: bool = False, color: bool = False) -> str:
    """All that is known of a node; `is_whole` tells every file, not only the first ones."""
    lines = [f"\x1b[1m{one_line(shown.node.name)}\x1b[0m" if color else one_line(shown.node.name)]
    for label, texts in _rows(shown, is_whole):
        start = f"  {label:<{LABEL_COLUMNS}}"
        for text in texts:
            # A script keeps its lines, below each other.
            for line in plain(text.replace("\t", "    ")).rstrip("\n").split("\n"):
                lines.append(f"{start}{line}".rstrip())
                start = " " * (LABEL_COLUMNS + 2)
    return "\n".join(lines) + "\n"


def _rows(shown: Shown, is_whole: bool) -> Iterator[Row]:
    task = shown.node.task
    yield from _about(task)
    yield "skipped", [shown.skipped] if shown.skipped else []
    yield "command", _steps(shown.command)
    yield "dir", [shown.node.dir or "."]
    yield "shell", [" ".join(shown.shell)] if shown.shell else []
    yield "cached", [_cached(task)] if task.steps else []
    yield "probes", shown.probes
    yield "args", [f"{name} = {_value(value)}" for name, value in shown.args.items()]
    yield "env", _variables(shown)
    for label, patterns, found in (
        ("inputs", shown.inputs, shown.inputs_found),
        ("outputs", shown.outputs, shown.outputs_found),
    ):
        yield label, [one_line(pattern) for pattern in patterns]
        yield "  found", _files(found, len(found) if is_whole else FOUND_AT_MOST) if patterns else []
    yield "deps", [one_line(name) for name in shown.deps]
    yield "follows", [one_line(f"{edge.to}   {edge.input} reads {edge.output}") for edge in shown.inferred]
    yield "after", task.after
    yield "when", _conditions(task.when) if task.when else []
    yield "confirm", [shown.confirm] if shown.confirm else []
    yield "finally", [shown.finally_] if shown.finally_ else []
    yield "also", list(_also(task))


def _about(task: Task) -> Iterator[Row]:
    yield "desc", [task.desc] if task.desc else []
    yield "alias", [", ".join(task.aliases)] if task.aliases else []
    yield "group", [task.group] if task.group else []
    yield "tags", [", ".join(task.tags)] if task.tags else []


def _cached(task: Task) -> str:
    """Whether results are kept, and how; or why not."""
    if not task.is_cached:
        if any(isinstance(step, Call) for step in task.steps):
            return "no: a step is another task"
        return "no: says the file" if task.cache.on is False else "no: declares no inputs"
    told = ["yes"]
    if task.expires_s is not None:
        told.append(f"for {measured(task.expires_s, SECONDS)}")
    names = {"failures too": task.cache.failures, "without its log": not task.cache.logs}
    names |= {"for all platforms": task.cache.portable, "on this machine only": not task.cache.remote}
    names["never restored: it works in place"] = task.in_place
    return ", ".join([*told, *(name for name, holds in names.items() if holds)])


def _steps(command: Sequence[str]) -> Sequence[str]:
    """The steps; numbered where there are several, since each may have several lines."""
    return command if len(command) < 2 else [f"{at}. {step}" for at, step in enumerate(command, start=1)]


def _value(value: ArgValue) -> str:
    if value is None:
        return "(unset)"
    return one_line(value) if isinstance(value, str) else f"[{', '.join(map(one_line, value))}]"


def _variables(shown: Shown) -> list[str]:
    """What is declared, with where it is said in a column of its own; what else is seen only by number."""
    texts = [one_line(f"{name}={value}") for name, value, _ in shown.env]
    widest = min(max(map(columns, texts), default=0), SOURCES_AT)
    told = [
        f"{text}{' ' * max(widest - columns(text), 0)}   {one_line(source)}"
        for text, (_, _, source) in zip(texts, shown.env, strict=True)
    ]
    return [*told, f"and {shown.others} from the environment"] if shown.others else told


def _files(found: Sequence[str], at_most: int) -> list[str]:
    if not found:
        return ["nothing"]
    more = [f"and {len(found) - at_most} more"] if len(found) > at_most else []
    return [*map(one_line, found[:at_most]), *more]


def _conditions(when: When) -> list[str]:
    """What must hold for the task to run."""
    lists = (("os", when.os), ("arch", when.arch), ("profile", when.profile))
    told = [f"{name} is {' or '.join(values)}" for name, values in lists if values]
    told += [
        f"{name} is {one_line(value)}" if value is not None else f"{name} is set" for name, value in when.env.items()
    ]
    told += [f"{one_line(path)} is there" for path in when.exists]
    return [*told, *([f"`{when.cmd}` ends with 0"] if when.cmd else [])]


def _also(task: Task) -> Iterator[str]:
    """How it is run, where that is not as usual."""
    if task.timeout_s is not None:
        yield f"timeout {measured(task.timeout_s, SECONDS)}"
    if task.retry.count:
        yield _retry(task.retry)
    for name in ("allow_failure", "detach", "exclusive", "interactive"):
        if getattr(task, name):
            yield name
    for pool, amount in task.pools.items():
        yield f"pool {pool}" + (f" = {amount}" if amount != 1 else "")
    if task.weight != 1:
        yield f"weight {task.weight}"
    if task.priority:
        yield f"priority {task.priority:g}"
    if task.memory_bytes:
        yield f"memory {measured(task.memory_bytes, {**BYTES, **BYTES_BINARY}).upper().replace('I', 'i')}"


def _retry(retry: Retry) -> str:
    said = f"retry {retry.count}, first after {measured(retry.delay_s, SECONDS)}"
    said += f", then {retry.backoff:g} times as long each time" if retry.count > 1 and retry.backoff != 1 else ""
    codes = ", ".join(map(str, retry.exit_codes))
    return f"{said}, on exit code {codes}" if codes else said


def measured(amount: float, units: dict[str, float] | dict[str, int]) -> str:
    """An amount in the largest unit of which it is a whole number, or else in the smallest."""
    ordered = sorted(units, key=lambda unit: units[unit], reverse=True)
    unit = next((unit for unit in ordered if amount >= units[unit] and amount % units[unit] == 0), ordered[-1])
    return f"{amount / units[unit]:.15g}{unit}"
