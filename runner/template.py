"""`{{name}}`: the only interpolation, and how what it gives is quoted for the shell that will read it."""

from __future__ import annotations

from functools import lru_cache

from runner.noun import noun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Final

    from runner.request import ArgValue

# Interpolation is bounded: vars that double each other would fill the memory.
RESULT_CHARS_AT_MOST: Final = 1 << 20


class TemplateError(ValueError):
    """A placeholder that cannot be filled; whoever knows the place turns it into a refusal."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


@noun
class Placeholder:
    """One `{{name}}` or `{{name|raw}}`. *Units*: `column` counts characters from 0 in the template."""

    name: str
    is_raw: bool
    column: int


if TYPE_CHECKING:
    Part = str | Placeholder


@lru_cache(maxsize=4096)
def parse(text: str) -> tuple[Part, ...]:
    """The literal texts and the placeholders of a template, in order.

    *Raises*: TemplateError for braces that do not close, or for anything but a name between them.
    """
    parts: list[Part] = []
    start = 0
    literal = ""
    while (opened := text.find("{{", start)) >= 0:
        literal += text[start:opened]
        if text.startswith("{{{{", opened):
            literal += "{{"
            start = opened + 4
            continue
        closed = text.find("}}", opened)
        if closed < 0:
            raise TemplateError("`{{` without its `}}`", "write `{{{{` for two literal braces")
        if literal:
            parts.append(literal)
            literal = ""
        parts.append(_placeholder(text[opened + 2 : closed], opened))
        start = closed + 2
    literal += text[start:]
    if literal:
        parts.append(literal)
    return tuple(parts)


def _placeholder(inner: str, column: int) -> Placeholder:
    name, bar, filter_ = (piece.strip() for piece in inner.partition("|"))
    if bar and filter_ != "raw":
        raise TemplateError(f"`{{{{{inner}}}}}`: the only filter is `raw`")
    if not name or not all(char.isalnum() or char in "_.-" for char in name):
        raise TemplateError(f"`{{{{{inner}}}}}` is not a name", "write `{{{{` for two literal braces")
    return Placeholder(name=name, is_raw=bool(bar), column=column)


def names(text: str) -> tuple[str, ...]:
    """The names that a template uses, in order."""
    if "{{" not in text:
        return ()
    return tuple(part.name for part in parse(text) if not isinstance(part, str))


def render(text: str, words: Mapping[str, ArgValue], quote: Callable[[str], str] | None = None) -> str:
    """The template with its placeholders filled: quoted where a shell reads it, bare text otherwise.

    A list becomes several words; an unset value and an empty list nothing.

    *Raises*: TemplateError for a name that `words` does not have, or a result that is far too long.
    """
    if "{{" not in text:
        return text
    made = "".join(part if isinstance(part, str) else _filled(part, words, quote) for part in parse(text))
    if len(made) > RESULT_CHARS_AT_MOST:
        raise TemplateError("the text is longer than 1 MiB after interpolation")
    return made


def _filled(part: Placeholder, words: Mapping[str, ArgValue], quote: Callable[[str], str] | None) -> str:
    if part.name not in words:
        raise unknown(part.name, words)
    value = words[part.name]
    if value is None:
        return ""
    texts = (value,) if isinstance(value, str) else value
    if part.is_raw or quote is None:
        return " ".join(texts)
    return " ".join(quote(text) for text in texts)


def render_words(text: str, words: Mapping[str, ArgValue]) -> list[str]:
    """One word of an argv with its placeholders filled; one that is nothing but a list becomes as many words."""
    parts = parse(text) if "{{" in text else (text,)
    if len(parts) == 1 and isinstance(parts[0], Placeholder) and parts[0].name in words:
        value = words[parts[0].name]
        if not isinstance(value, str):
            return list(value or ())
    return [render(text, words)]


def unknown(name: str, known: Iterable[str]) -> TemplateError:
    """The error for a name that nothing defines."""
    from runner.error import did_you_mean

    if name.startswith("env."):
        return TemplateError(f"`{{{{{name}}}}}`: the variable `{name[4:]}` is not set")
    return TemplateError(f"unknown name `{{{{{name}}}}}`", did_you_mean(name, known))


def quoting(shell: tuple[str, ...]) -> Callable[[str], str]:
    """How a value is quoted for a shell, told by the name of its program.

    *Raises*: TemplateError from what is returned, for a shell whose quoting is not known.
    """
    name = shell[0].replace("\\", "/").rpartition("/")[2].lower().removesuffix(".exe") if shell else ""
    if name in ("sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "busybox", "yash"):
        return posix
    if name in ("pwsh", "powershell"):
        return powershell
    if name == "cmd":
        return cmd

    def refused(_: str) -> str:
        raise TemplateError(f"how `{name}` quotes is not known", "write `{{name|raw}}` and quote it yourself")

    return refused


SAFE: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-")


def posix(text: str) -> str:
    """One word for a POSIX shell. *Source*: POSIX.1-2017, Shell Command Language, 2.2."""
    if text and SAFE.issuperset(text):
        return text
    return "'" + text.replace("'", "'\"'\"'") + "'"


def powershell(text: str) -> str:
    """One word for PowerShell, to which typographic quotes are apostrophes too. *Source*: about_Quoting_Rules."""
    for mark in "'‘’‚‛":
        text = text.replace(mark, mark * 2)
    return f"'{text}'"


def cmd(text: str) -> str:
    """One word for cmd.exe: quoted for the program, then every character that cmd reads escaped for cmd.

    *Raises*: TemplateError for a line break, which cmd cannot be given.
    """
    if "\n" in text or "\r" in text:
        raise TemplateError("a value with a line break cannot be given to `cmd`")
    quoted = ""
    slashes = 0
    for char in text:
        if char == '"':
            quoted += "\\" * slashes + '\\"'
        else:
            quoted += char
        slashes = slashes + 1 if char == "\\" else 0
    quoted = f'"{quoted}{chr(92) * slashes}"'
    return "".join("^" + char if char in '()%!^"<>&|' else char for char in quoted)
