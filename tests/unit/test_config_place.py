"""Spans as lines and columns, and paths as words."""

from __future__ import annotations

import pytest

from runner.config import Span
from runner.config.naming import dotted, inside, name, shown, shown_key
from runner.config.place import LINE_CARRIED_AT_MOST, place
from runner.error import Place

TEXT = "one\n\n  three = 'x'\nfour"


@pytest.mark.parametrize(
    ("start", "end", "line", "column", "width", "text"),
    [
        (0, 3, 1, 1, 3, "one"),
        (4, 4, 2, 1, 1, ""),
        (7, 12, 3, 3, 5, "  three = 'x'"),
        (15, 18, 3, 11, 3, "  three = 'x'"),
        (7, 23, 3, 3, 11, "  three = 'x'"),
        (19, 23, 4, 1, 4, "four"),
        (23, 24, 4, 5, 1, "four"),
        (3, 4, 1, 4, 1, "one"),
    ],
)
def test_a_span_is_a_line_a_column_and_a_width(
    start: int, end: int, line: int, column: int, width: int, text: str
) -> None:
    expected = Place(file="f", line=line, column=column, width=width, text=text)
    assert place("f", TEXT, Span(start=start, end=end)) == expected


def test_an_empty_text_has_a_place() -> None:
    assert place("f", "", Span(start=0, end=0)) == Place(file="f", line=1, column=1, width=1, text="")


def test_a_very_long_line_is_not_carried_along() -> None:
    text = "x" * LINE_CARRIED_AT_MOST
    assert place("f", text, Span(start=9, end=10)).text == text
    longer = place("f", text + "x", Span(start=9, end=10))
    assert (longer.text, longer.line, longer.column) == ("", 1, 10)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ((), "the file"),
        (("run", "jobs"), "`run.jobs`"),
        (("tasks",), "`tasks`"),
        (("tasks", "a"), "task `a`"),
        (("tasks", "a", 0), "a step of task `a`"),
        (("tasks", "a", "deps", 0), "an entry of `deps` of task `a`"),
        (("tasks", "a", "deps", 0, "args", "x"), "`deps.args.x` of task `a`"),
        (("templates", "t", "args", "x", "type"), "`args.x.type` of template `t`"),
        (("profiles", "p", "run", "jobs"), "`run.jobs` of profile `p`"),
        (("globs", "rust", 1), "an entry of `globs.rust`"),
        (("interpreters", ".R"), '`interpreters.".R"`'),
        ((0, 1), "an entry of the file"),
    ],
)
def test_a_path_has_a_name(path: tuple[str | int, ...], words: str) -> None:
    assert name(path) == words


def test_what_stands_at_the_top_is_inside_nothing() -> None:
    assert inside(()) == ""
    assert inside(("tasks", "a")) == " in task `a`"


def test_keys_that_are_not_bare_are_quoted() -> None:
    assert dotted(("a-b", "c_d", "e f", 3, "")) == 'a-b.c_d."e f".""'


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("a", '"a"'),
        ('say "hi"\\\n', '"say \\"hi\\"\\\\\\n"'),
        ("x" * 41, '"' + "x" * 40 + '…"'),
        (True, "true"),
        (3, "3"),
        (1.5, "1.5"),
        ([1], "a list"),
        ({}, "a table"),
    ],
)
def test_a_value_is_shown_as_it_is_written(value: object, written: str) -> None:
    assert shown(value) == written


def test_an_empty_key_is_seen() -> None:
    assert shown_key("") == '`""`'
    assert shown_key("k" * 50) == "`" + "k" * 40 + "…`"
