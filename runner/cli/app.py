"""Typer's app, made from the table of options: for help and completion, and to hold our parser to account."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from runner.argument import ArgumentError
from runner.cli.help import HEADINGS, WIDTH, overview
from runner.cli.options import ALL_CORES, LETTERS, LONG, OPTIONS, Option, clashes, fields, is_number, value_of
from runner.error import EXIT_DONE
from runner.noun import replace
from runner.request import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from runner.request import Ambient

NARROWEST = 60
# What stands for a value that is left out, since typer wants one.
BARE = "\0"
# Click's own, or the copy that newer typers bring along.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]


class Refused(Exception):
    """Typer does not take the line."""


def make_app(tell: Callable[[dict[str, Any]], Any] = dict) -> typer.Typer:
    """The app; `tell` is called with what a line says."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

    def trun(**values: Any) -> Any:
        return tell(values)

    # Typer reads what a command takes from its signature.
    words = Annotated[list[str] | None, typer.Argument(metavar="[TARGET [ARGS]]...")]
    parameters = [_parameter(option) for option in OPTIONS if not option.later and option.field != "help"]
    parameters.append(inspect.Parameter("words", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=words))
    trun.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    app.command(cls=_Command, context_settings={"help_option_names": ["--help", "-h"]})(trun)
    return app


def _parameter(option: Option) -> inspect.Parameter:
    words = [*option.names, *([f"-{option.letter}"] if option.letter else [])]
    panel = dict(HEADINGS)[option.section]
    kind: Any
    if option.kind == "flag":
        kind = int if option.repeatable else bool
        declared = typer.Option(*words, help=option.help, count=option.repeatable, rich_help_panel=panel)
        default: Any = 0 if option.repeatable else False
    else:
        # A list in any case: of several values typer would look at the last alone.
        kind = list[Any]
        declared = typer.Option(
            *words, help=option.help, metavar=option.metavar, parser=_converter(option), rich_help_panel=panel
        )
        default = []
    annotation = Annotated[kind, declared]
    return inspect.Parameter(_key(option), inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _key(option: Option) -> str:
    return option.name.strip("-").replace("-", "_") + "_"


def _converter(option: Option) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        if text == BARE:
            return option.sets
        if not text:
            raise typer.BadParameter("needs a value")
        try:
            return value_of(option, text)
        except ArgumentError as error:
            raise typer.BadParameter(str(error)) from None

    return convert


class _Command(TyperCommand):
    """Typer's command, with words read as we read them, and our help."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """*Why*: click would let an option whose value is optional eat the target after it."""
        end = args.index("--") if "--" in args else len(args)
        return super().parse_args(ctx, [*_spelled_out(args[:end]), *args[end:]])

    def get_help(self, ctx: Any) -> str:
        """The help as we lay it out; whether in colours, the world in `ctx.obj` says."""
        ctx.color = _wants_colour(ctx.obj)
        return _drawn(ctx.color)


def _spelled_out(words: Sequence[str]) -> Iterator[str]:
    """The same words with each letter on its own, and every value there."""
    left = list(words)
    while left:
        word = left.pop(0)
        name, mark, text = word.partition("=")
        if name in LONG:
            yield from _complete(LONG[name], name, text if mark else None, left)
        elif word.startswith("-") and len(word) > 1 and not word.startswith("--"):
            yield from _letters(word, left)
        else:
            yield word


def _letters(word: str, left: list[str]) -> Iterator[str]:
    for at in range(1, len(word)):
        option, after = LETTERS.get(word[at]), word[at + 1 :]
        if option is None:
            raise typer.BadParameter(f"no option -{word[at]}")
        is_value = option.kind == "value" or (option.kind == "number" and not after[:1].isalpha())
        if after and (is_value or after[0] == "="):
            yield from _complete(option, f"-{word[at]}", after.removeprefix("="), left)
            return
        yield from _complete(option, f"-{word[at]}", None, [] if after else left)


def _complete(option: Option, shown: str, given: str | None, left: list[str]) -> Iterator[str]:
    if option.kind == "flag":
        yield shown if given is None else f"{shown}={given}"
        return
    if given is None and option.kind == "values":
        if not left or _is_option_like(left[0]):
            raise typer.BadParameter(f"{shown} needs a value")
        while left and not _is_option_like(left[0]):
            yield f"{shown}={left.pop(0)}"
        return
    if given is None and option.kind == "value":
        if not left or _is_option_like(left[0]):
            raise typer.BadParameter(f"{shown} needs a value")
        given = left.pop(0)
    elif given is None:
        given = left.pop(0) if option.kind == "number" and left and is_number(left[0]) else BARE
    yield from [f"{shown}={given}"] if shown.startswith("--") else [shown, given]


def _is_option_like(word: str) -> bool:
    return word.startswith("-") and word != "-"


def parse_with_typer(argv: Sequence[str], cpus: int) -> dict[str, Any]:
    """The fields of the Request that typer makes of a line without a project.

    *Why*: two parsers that were made from one table must agree; a property test asks both.
    *Raises*: Refused.
    """
    end = argv.index("--") if "--" in argv else len(argv)
    command = typer.main.get_command(make_app())
    try:
        values = command.main(list(argv[:end]), prog_name="trun", standalone_mode=False)
    except UsageError as error:
        raise Refused(str(error)) from None
    words = values.pop("words") or ()
    said = [(option, value) for option in OPTIONS for value in _values(option, values.get(_key(option)))]
    if any(clashes([option for option, _ in said])):
        raise Refused("what does not go together")
    made = fields(said)
    if made.get("jobs") == ALL_CORES:
        made["jobs"] = cpus
    if made.pop("version", False):
        return {**made, "verb": "version"}
    if made.get("is_exec"):
        rest = tuple(argv[end + 1 :])
        if words or not rest:
            raise Refused("no command, or targets")
        return {**made, "command": rest}
    return {**made, **_targets(words, argv[end:])}


def _values(option: Option, value: Any) -> list[Any]:
    if option.kind == "flag":
        return [option.sets] * int(value or 0)
    return list(value or ())


def _targets(words: Sequence[str], rest: Sequence[str]) -> dict[str, Any]:
    names = list(words)
    given = {}
    while names and names[0].partition("=")[0].replace("-", "_").isidentifier() and "=" in names[0]:
        name, _, value = names.pop(0).partition("=")
        given[name] = value
    if rest and not names:
        raise Refused("-- without a target")
    targets = [Target(name=name) for name in names]
    if rest:
        targets[-1] = replace(targets[-1], rest=tuple(rest[1:]))
    return {"targets": tuple(targets), "vars": given}


def show_help(ambient: Ambient) -> int:
    """Prints what `trun --help` says, in colours on a terminal. The exit code."""
    typer.main.get_command(make_app()).main(["--help"], prog_name="trun", standalone_mode=False, obj=ambient)
    return EXIT_DONE


def _drawn(is_coloured: bool) -> str:
    """*Why*: rich knows what the terminal's colours are, and how wide it is."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, force_terminal=is_coloured, color_system="standard" if is_coloured else None)
    width = max(NARROWEST, min(WIDTH, console.width))
    with console.capture() as capture:
        for line in overview(width).splitlines():
            text = Text(line)
            for start, end, style in _styles(line):
                text.stylize(style, start, end)
            console.print(text, soft_wrap=True)
    return capture.get().rstrip("\n")


def _wants_colour(ambient: Ambient | None) -> bool:
    if ambient is None or ambient.environ.get("NO_COLOR"):
        return False
    is_able = ambient.stdout_is_terminal and ambient.environ.get("TERM") != "dumb"
    return is_able or bool(ambient.environ.get("FORCE_COLOR"))


def _styles(line: str) -> Iterator[tuple[int, int, str]]:
    """What is coloured in a line: a heading, and what is typed."""
    if line in ("Environment", "Exit codes", *dict(HEADINGS).values()):
        yield 0, len(line), "bold"
    elif line.startswith("usage:"):
        yield 0, len("usage:"), "bold"
    elif line.startswith("  ") and not line.startswith(" " * 8):
        start = len(line) - len(line.lstrip())
        yield start, len(line[:start] + line[start:].partition("  ")[0]), "cyan"
