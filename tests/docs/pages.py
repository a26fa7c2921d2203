"""A page of the documentation as its fenced blocks, and what each block claims."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^( *)(```+|~~~+)(.*)$")
# The first line of a block that is a file: a comment that is nothing but its name.
NAMED = re.compile(r"^(?:#|//) ((?:[\w.-]+/)*(?:[\w.-]*\.\w+|Makefile))$")
VARYING = "..."
# What a run prints of times differs from run to run.
TIME = re.compile(r"\b(?:\d+m)?\d+(?:\.\d+)?s\b")
NUMBER = re.compile(r"\d[\d,.]*")


@dataclass(frozen=True, kw_only=True)
class Block:
    """One fenced block: where it begins, what stands after the fence, its text."""

    page: str
    line: int
    info: tuple[str, ...]
    text: str

    @property
    def kind(self) -> str:
        return self.info[0] if self.info else ""

    @property
    def file(self) -> str | None:
        """The file that the block is, if its first line says so."""
        found = NAMED.match(self.text.partition("\n")[0])
        return found.group(1) if found and self.kind not in ("console", "sh") else None

    @property
    def where(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True, kw_only=True)
class Said:
    """A command and what the page says that it prints."""

    command: str
    lines: tuple[str, ...]


def pages() -> list[Path]:
    return [TOP / "README.md", TOP / "CONTRIBUTING.md", *sorted((TOP / "docs").rglob("*.md"))]


def name_of(page: Path) -> str:
    return page.relative_to(TOP).as_posix()


def blocks(name: str, text: str) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    lines = iter(enumerate(text.split("\n"), start=1))
    for number, line in lines:
        opened = FENCE.match(line)
        if opened is None:
            continue
        indent, fence, info = opened.groups()
        assert not indent, f"{name}:{number}: a fenced block begins at the margin, or nothing would look at it"
        inner = []
        for _, below in lines:
            if below.rstrip() == fence:
                break
            inner.append(below)
        else:
            raise AssertionError(f"{name}:{number}: the block is not closed")
        yield Block(page=name, line=number, info=tuple(info.split()), text="".join(f"{one}\n" for one in inner))


def session(block: Block) -> Iterator[Said]:
    """The commands of a console block, each with what it prints."""
    command = ""
    lines: list[str] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            if command:
                yield Said(command=command, lines=tuple(lines))
            command, lines = line[2:], []
        else:
            assert command, f"{block.where}: output before the first `$ command`"
            lines.append(line)
    assert command, f"{block.where}: no `$ command`"
    yield Said(command=command, lines=tuple(lines))


def pattern(line: str, *, loose: bool) -> re.Pattern[str]:
    """A line of a page as what it may be in a run: `...` is anything, times differ, loosely all numbers do."""
    varying = r"[\d,.]+" if loose else None
    made = ""
    for part in re.split(r"(\.\.\.|\b(?:\d+m)?\d+(?:\.\d+)?s\b|\d[\d,.]*\d|\d|#{2,})", line):
        if part == VARYING:
            made += ".*"
        elif TIME.fullmatch(part):
            made += r"(?:\d+m)?\d+(?:\.\d+)?s"
        elif varying and NUMBER.fullmatch(part):
            made += varying
        elif loose and part.startswith("##"):
            made += "#+"
        else:
            made += re.escape(part)
    return re.compile(made)


def agrees(said: Sequence[str], printed: Sequence[str], *, is_ordered: bool = True, loose: bool = False) -> bool:
    """Whether what was printed is what the page says, where a line `...` stands for any lines."""
    if is_ordered:
        return _in_order([*said], [*printed], loose=loose)
    # How far names are padded hangs on which tasks had begun.
    printed = [" ".join(line.split()) for line in printed]
    wanted = [pattern(" ".join(line.split()), loose=loose) for line in said if line != VARYING]
    # What is said most exactly finds its line first.
    wanted.sort(key=lambda one: (".*" in one.pattern, -len(one.pattern)))
    left = [*printed]
    for one in wanted:
        found = next((line for line in left if one.fullmatch(line)), None)
        if found is None:
            return False
        left.remove(found)
    return not left or VARYING in said


def _in_order(said: list[str], printed: list[str], *, loose: bool) -> bool:
    if not said:
        return not printed
    if said[0] == VARYING:
        return any(_in_order(said[1:], printed[at:], loose=loose) for at in range(len(printed) + 1))
    if not printed or not pattern(said[0], loose=loose).fullmatch(printed[0]):
        return False
    return _in_order(said[1:], printed[1:], loose=loose)
