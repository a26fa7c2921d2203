"""Typer's app, made from the table of options: for `--help`, for completion, and to hold our own parser to account."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from runner.argument import ArgumentError
from runner.cli.help import HEADINGS, WIDTH, overview
from runner.cli.options import ALL_CORES, LETTERS, LONG, OPTIONS, Option, clashes, fields, is_number, value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

# What an option says whose value is left out, in a form that typer takes as a value.
BARE = "\0"


class Refused(Exception):
    """Typer, or what we made of it, does not take the line."""


def make_app(tell: Callable[[dict[str, Any]], Any] = dict) -> typer.Typer:
    """The app; `tell` is called with what a line says."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

    def trun(**values: Any) -> Any:
        return tell(values)

    # Typer reads what a command takes from its signature.
    words = Annotated[list[str], typer.Argument(metavar="[TARGET [ARGS]]...")]
    parameters = [_parameter(option) for option in OPTIONS if not option.later and option.field != "help"]
    parameters.append(inspect.Parameter("words", inspect.Parameter.KEYWORD_ONLY, default=[], annotation=words))
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
        kind = list[Any] if option.repeatable else Any
        declared = typer.Option(
            *words, help=option.help, metavar=option.metavar, parser=_converter(option), rich_help_panel=panel
        )
        default = [] if option.repeatable else None
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
    """Typer's command with our words: an optional value only after `=`, and help laid out by us."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """*Why*: click would let an option with an optional value eat the target after it."""
        end = args.index("--") if "--" in args else len(args)
        plain = list(_spelled_out(args[:end]))
        return super().parse_args(ctx, [*plain, *args[end:]])

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Prints the help itself: a formatter knows no colours."""
        show_help()


def _spelled_out(words: Sequence[str]) -> Iterator[str]:
    """The same words with each option on its own, and no value left out."""
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word.startswith("--"):
            pieces = [word]
        elif word.startswith("-") and len(word) > 1:
            pieces = list(_letters(word))
        else:
            yield word
            continue
        yield from pieces[:-1]
        option = LONG.get(pieces[-1]) or (LETTERS.get(pieces[-1][1:]) if pieces[-1][:2] != "--" else None)
        following = words[at] if at < len(words) else None
        yield pieces[-1]
        if option is None or option.kind == "flag":
            continue
        ...
