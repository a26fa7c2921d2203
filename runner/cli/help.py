"""What the help says, as plain lines: of trun, from the table of options; of a task, from its declaration."""

from __future__ import annotations

from runner.cli.options import EXIT_CODES, OPTIONS, VARIABLES
from runner.cli.targets import metavar
from runner.error import columns, plain
from runner.task import Argv, File, Script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from runner.cli.options import Option
    from runner.request import ArgValue, Target
    from runner.task import Arg, Dep, Project, Task

WIDTH: Final = 80
LEFT_AT_MOST: Final = 26
USAGE: Final = "usage: trun [OPTIONS] [TARGET [ARGS]]... [-- REST]"
INTRODUCTION: Final = (
    "Runs tasks of the nearest tasks.toml or tasks.yaml, with all that they need, in parallel. "
    "Every bare word is a target, or an argument of the target before it; NAME=VALUE before the first "
    "target sets a var of the file; what follows -- goes to the last target."
)
HEADINGS: Final = (("run", "To run"), ("look", "To look"), ("keep", "To keep"))
CLOSING: Final = "`trun TARGET --help` tells what a target takes, `trun --list` which targets there are."


def overview(width: int = WIDTH) -> str:
    """What `trun --help` says."""
    blocks = [USAGE, "\n".join(wrapped(INTRODUCTION, width))]
    for section, heading in HEADINGS:
        rows = [(_typed(option), _told(option)) for option in OPTIONS if option.section == section and not option.later]
        blocks.append(block(heading, rows, width))
    blocks.append(block("Environment", [(variable, told) for variable, _, told in VARIABLES], width))
    blocks.append(block("Exit codes", EXIT_CODES, width))
    blocks.append("\n".join(wrapped(CLOSING.replace("`", ""), width)))
    return "\n\n".join(blocks) + "\n"


def task_help(project: Project, targets: Sequence[Target], width: int = WIDTH) -> str:
    """What `trun TARGET --help` says: of each task once, what it is for and what it takes."""
    names = dict.fromkeys(target.name for target in targets)
    return "\n\n".join(of_task(project.tasks[name], width) for name in names)


def of_task(task: Task, width: int = WIDTH) -> str:
    """What one task is for and takes."""
    first = f"{task.name}: {_one_line(task.desc)}" if task.desc else task.name
    blocks = ["\n".join(wrapped(first, width, "  ")), "\n".join(wrapped(usage(task), width, " " * 7))]
    args = sorted(task.args.values(), key=lambda arg: not arg.positional)
    if args:
        blocks.append(block("Arguments", [(typed(arg), told(arg)) for arg in args], width))
    rows = [("aliases", ", ".join(task.aliases)), ("deps", ", ".join(map(_dep, task.deps)))]
    facts = [fact for fact in rows if fact[1]]
    if facts:
        blocks.append("\n".join(line for left, right in facts for line in wrapped(f"{left}: {right}", width, "  ")))
    return "\n\n".join(blocks)


def usage(task: Task) -> str:
    """How a task is typed, with all that it takes."""
    args = sorted(task.args.values(), key=lambda arg: not arg.positional)
    words = ["usage: trun", task.name, *map(_in_usage, args)]
    return " ".join(words + ["[-- REST]"] * takes_rest(task))


def takes_rest(task: Task) -> bool:
    """Whether what follows `--` reaches the command."""
    from runner.template import TemplateError, names

    try:
        return any("rest" in names(text) for text in _texts(task))
    except TemplateError:
        return False


def _texts(task: Task) -> Iterator[str]:
    for step in task.steps:
        if isinstance(step, Script):
            yield step.text
        elif isinstance(step, Argv):
            yield from step.words
        elif isinstance(step, File):
            yield step.path
        else:
            yield from (value for value in step.args.values() if isinstance(value, str))


def _in_usage(arg: Arg) -> str:
    more = "..." if arg.multiple else ""
    if arg.positional:
        word = metavar(arg)
    elif arg.type == "bool":
        word = f"{arg.option}/--no-{arg.option[2:]}"
    else:
        word = f"{arg.option} {metavar(arg)}"
    return f"{word}{more}" if arg.required else f"[{word}]{more}"


def typed(arg: Arg) -> str:
    """How an argument is typed."""
    letter = f"-{arg.short}, " if arg.short else ""
    if arg.type == "bool":
        return f"{letter}{arg.option}/--no-{arg.option[2:]}"
    option = f"{letter}{arg.option} {metavar(arg)}"
    return f"{metavar(arg)} or {option}" if arg.positional else option


def told(arg: Arg) -> str:
    """What an argument is for and what it accepts."""
    facts = "; ".join(_facts(arg))
    return " ".join(filter(None, (_one_line(arg.help), f"({facts})" if facts else "")))


def _facts(arg: Arg) -> Iterator[str]:
    if arg.type not in ("string", "bool"):
        yield arg.type
    if arg.choices:
        yield f"one of {', '.join(arg.choices)}"
    if arg.pattern is not None:
        yield f"matching {arg.pattern}"
    if arg.min is not None:
        yield f"at least {arg.min:g}"
    if arg.max is not None:
        yield f"at most {arg.max:g}"
    if arg.multiple:
        yield "may be repeated"
    if arg.required:
        yield "required"
    if arg.default is not None:
        yield f"default {_shown(arg.default)}"
    if arg.env is not None:
        yield f"variable {arg.env}"


def _shown(value: ArgValue) -> str:
    from runner.template import posix

    return posix(value) if isinstance(value, str) else " ".join(map(posix, value or ())) or "none"


def _dep(dep: Dep) -> str:
    args = ", ".join(f"{name}={value}" for name, value in dep.args.items())
    return f"{dep.task} ({args})" if args else dep.task


def _typed(option: Option) -> str:
    indent = "" if option.letter else "    "
    return indent + option.typed


def _told(option: Option) -> str:
    return f"{option.help}: {', '.join(option.choices)}" if option.choices else option.help


def _one_line(text: str) -> str:
    return " ".join(text.split())


def block(heading: str, rows: Sequence[tuple[str, str]], width: int = WIDTH) -> str:
    """A heading, and below it what is typed on the left and what it means on the right."""
    left_columns = min(max(columns(left) for left, _ in rows), LEFT_AT_MOST) + 4
    lines = [heading]
    for left, right in rows:
        start = "  " + plain(left)
        texts = wrapped(right, width - left_columns)
        if texts and columns(start) + 2 <= left_columns:
            start += " " * (left_columns - columns(start)) + texts.pop(0)
        lines += [start, *(" " * left_columns + text for text in texts)]
    return "\n".join(lines)


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """The text in lines of at most so many columns, if its words allow; all but the first are indented."""
    lines: list[str] = []
    for word in plain(text).split():
        if lines and columns(lines[-1]) + 1 + columns(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append((indent if lines else "") + word)
    return lines
