"""TOML files: what is taken, what is refused before it hurts, and where everything stands."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from runner.config import Span, toml
from runner.config.source import SIZE_AT_MOST_BYTES
from runner.error import Problem, Refusal

KeyPath = tuple[str | int, ...]


def parsed(text: str | bytes) -> dict[str, Any]:
    return toml.parse(text if isinstance(text, bytes) else text.encode(), "tasks.toml")


def refused(text: str | bytes) -> list[Problem]:
    with pytest.raises(Refusal) as caught:
        parsed(text)
    assert caught.value.exit_code == 2
    return list(caught.value.problems)


def message(text: str | bytes) -> str:
    (problem,) = refused(text)
    return problem.message


def cut(text: str, span: Span) -> str:
    return text[span.start : span.end]


# ---- what is taken


def test_a_file_is_plain_data() -> None:
    text = '[tasks.a]\nrun = "x"\nretry = { count = 2 }\n[vars]\nn = 1_0\nf = 1.5\nb = true\nl = [1, "a", []]\n'
    assert parsed(text) == {
        "tasks": {"a": {"run": "x", "retry": {"count": 2}}},
        "vars": {"n": 10, "f": 1.5, "b": True, "l": [1, "a", []]},
    }


def test_an_empty_file_is_an_empty_table() -> None:
    assert parsed("") == {}


def test_a_byte_order_mark_is_accepted() -> None:
    assert parsed(b'\xef\xbb\xbfa = "\xc3\xa9"') == {"a": "é"}


def test_line_ends_of_windows_are_accepted_and_told_by_their_lines() -> None:
    assert parsed("a = 1\r\nb = '''x\r\ny'''\r\n") == {"a": 1, "b": "x\ny"}
    (problem,) = refused("a = 1\r\nb = x\r\n")
    assert problem.place is not None
    assert (problem.place.line, problem.place.column, problem.place.text) == (2, 5, "b = x")


def test_the_parser_of_the_standard_library_does_where_the_compiled_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tomli", None)
    assert parsed('a.b = ["x"]') == {"a": {"b": ["x"]}}
    assert message("a = 1\nb = \n") == "the value of `b` is missing"
    assert message("a = 1\nb = [") == "the list that begins here is not closed"


# ---- what is refused


def test_a_file_of_a_megabyte_is_read_and_one_byte_more_is_not() -> None:
    assert parsed("#" * SIZE_AT_MOST_BYTES) == {}
    assert message("#" * (SIZE_AT_MOST_BYTES + 1)) == "`tasks.toml` is larger than 1,024 KiB, the most that is read"


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_what_is_not_utf8_is_told_with_its_place(mark: bytes) -> None:
    (problem,) = refused(mark + b"a = 1\r\nb = '\xc3\xa9\xff'\nc = 1")
    assert problem.message == "byte 0xff is not UTF-8"
    assert problem.place is not None
    assert (problem.place.line, problem.place.column) == (2, 7)
    assert problem.place.text == "b = 'é\N{REPLACEMENT CHARACTER}'"


def test_keys_have_32_parts_at_most() -> None:
    assert parsed(".".join("a" * 32) + " = 1")
    assert parsed("[" + ".".join("a" * 32) + "]")
    assert message(".".join("a" * 33) + " = 1") == "a key of more than 32 parts"
    assert message("[" + " . ".join(['"a.b"'] * 33) + "]") == "a key of more than 32 parts"
    assert message("a = { " + ".".join("a" * 33) + " = 1 }") == "a key of more than 32 parts"


def test_dots_in_strings_and_comments_are_no_parts_of_keys() -> None:
    dots = ".".join("a" * 50)
    text = f'a = "{dots}" # {dots} = 1\nb = \'{dots}\'\nc = """\n{dots} = 1\n"""\n'
    assert toml.is_suspicious(text.encode())
    assert parsed(text) == {"a": dots, "b": dots, "c": f"{dots} = 1\n"}


def test_nesting_is_32_levels_at_most() -> None:
    assert parsed("a = " + "[" * 32 + "]" * 32)
    assert parsed(".".join("a" * 31) + " = [[]]")
    assert message(".".join("a" * 31) + " = [[[]]]") == "nested more than 32 levels deep"
    for depth in (33, 100, 399, 500, 100_000):
        assert message("a = " + "[" * depth + "]" * depth) == "nested more than 32 levels deep"
    assert message("a = " + "{ b = " * 40 + "1" + " }" * 40) == "nested more than 32 levels deep"


def test_integers_have_18_digits_at_most() -> None:
    assert parsed("a = 999999999999999999\nb = -999_999_999_999_999_999\nc = 0xffff") == {
        "a": 10**18 - 1,
        "b": 1 - 10**18,
        "c": 65535,
    }
    for number in ("1000000000000000000", "-1" + "0" * 18, "1" * 5000, "0b" + "1" * 70, "0x" + "f" * 16):
        assert message(f"a = [1, {number}]") == "an integer has at most 18 digits"


def test_a_long_row_of_digits_that_is_no_number_is_fine() -> None:
    digits = "1" * 40
    text = f"{digits} = \"{digits}\" # {digits}\n[x.{digits}]\ny = '''{digits}'''\nz = 0.{digits}\n"
    assert toml.is_suspicious(text.encode())
    assert parsed(text) == {digits: digits, "x": {digits: {"y": digits, "z": float("0." + digits)}}}


def test_a_fraction_of_a_thousand_digits_is_refused() -> None:
    assert message("a = 0." + "1" * 1000) == "a number that is too long"


def test_values_that_yaml_would_not_have_are_told_all_at_once() -> None:
    problems = refused("a = 2024-01-31\nb = [1, inf, nan]\nc = { d = 07:32:00 }\n")
    assert [(problem.message, problem.place and problem.place.line) for problem in problems] == [
        ("dates and times are not used here", 1),
        ("infinite and undefined numbers have no use here", 2),
        ("infinite and undefined numbers have no use here", 2),
        ("dates and times are not used here", 3),
    ]
    assert problems[0].hint == 'put it in quotes: `"2024-01-31"`'


def test_a_nul_is_refused_however_it_is_written() -> None:
    problems = refused('a = "\\u0000"\nb = ["\\x00", "\\U00000000"]\n"\\u0000" = 1\n')
    assert {problem.message for problem in problems} == {"a NUL character has no place in a tasks file"}
    assert [problem.place and (problem.place.line, problem.place.column) for problem in problems] == [
        (1, 5),
        (2, 6),
        (2, 14),
        (3, 1),
    ]
    assert parsed("a = '\\u0000'") == {"a": "\\u0000"}


def test_several_syntax_errors_are_told_at_once_and_none_that_follows_from_another() -> None:
    text = 'a = x\n[tasks.b]\nrun = "y\ndeps = ["z",\n  5 6,\n  "w"]\n[tasks.b]\nrun = 1\n[tasks.c]\nrun = \n'
    assert [(problem.place and problem.place.line) for problem in refused(text)] == [1, 3, 5, 7, 10]


def test_no_more_than_twenty_syntax_errors_are_looked_for() -> None:
    assert len(refused("a = x\n" * 100)) == 20


# ---- where things stand

TEXT = """\
# a comment with [brackets] and key = 1
top = 'x'   # after
"quoted key" . sub = 5
[tasks.build] # here
deps = ["a", { task = "b", args = { x = [1, 2] } }, # in between ]
  'c',
]
run = \"""
[tasks.no]
x = 1\"""
args.pattern = { flag = "-k", "sh\\u006frt" = 'k' }
args.pattern2.help = "h"
n = 1979 # a number
[[project.include]]
path = "p0"
[[project.include]]
path = "p1"
[project.include.more]
deep = true
[tasks]
fmt = ["cargo fmt"]
"""

PLACES: list[tuple[KeyPath, str, str]] = [
    (("top",), "top", "'x'"),
    (("quoted key",), '"quoted key"', '"quoted key"'),
    (("quoted key", "sub"), "sub", "5"),
    (("tasks",), "tasks", "tasks"),
    (("tasks", "build"), "build", "build"),
    (("tasks", "build", "deps"), "deps", TEXT[TEXT.index('["a"') : TEXT.index("\nrun")]),
    (("tasks", "build", "deps", 0), '"a"', '"a"'),
    (
        ("tasks", "build", "deps", 1),
        '{ task = "b", args = { x = [1, 2] } }',
        '{ task = "b", args = { x = [1, 2] } }',
    ),
    (("tasks", "build", "deps", 1, "args", "x"), "x", "[1, 2]"),
    (("tasks", "build", "deps", 1, "args", "x", 1), "2", "2"),
    (("tasks", "build", "deps", 2), "'c'", "'c'"),
    (("tasks", "build", "run"), "run", '"""\n[tasks.no]\nx = 1"""'),
    (("tasks", "build", "args"), "args", "args"),
    (("tasks", "build", "args", "pattern", "short"), '"sh\\u006frt"', "'k'"),
    (("tasks", "build", "args", "pattern2"), "pattern2", "pattern2"),
    (("tasks", "build", "args", "pattern2", "help"), "help", '"h"'),
    (("tasks", "build", "n"), "n", "1979"),
    (("project", "include", 1, "path"), "path", '"p1"'),
    (("project", "include", 1, "more", "deep"), "deep", "true"),
    (("tasks", "fmt", 0), '"cargo fmt"', '"cargo fmt"'),
]


@pytest.mark.parametrize(("path", "key", "value"), PLACES)
def test_keys_and_values_are_found(path: KeyPath, key: str, value: str) -> None:
    assert parsed(TEXT)
    assert cut(TEXT, toml.locate(TEXT, path, key=True)) == key
    assert cut(TEXT, toml.locate(TEXT, path)) == value


def test_each_entry_of_a_list_of_tables_is_found_at_its_own_header() -> None:
    first, second = (toml.locate(TEXT, ("project", "include", at)) for at in (0, 1))
    assert cut(TEXT, first) == cut(TEXT, second) == "include"
    assert TEXT.count("\n", 0, first.start) + 1 == 14
    assert TEXT.count("\n", 0, second.start) + 1 == 16


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (("tasks", "build", "nothing", "of", "this"), "build"),
        (("tasks", "build", "deps", 7), "deps"),
        (("nothing",), ""),
        ((), ""),
    ],
)
def test_of_a_path_that_is_not_there_the_deepest_part_is_told(path: KeyPath, told: str) -> None:
    assert cut(TEXT, toml.locate(TEXT, path)) == told


@pytest.mark.parametrize(
    "text",
    [
        'a = """a"" "x"""""\nb = 1',
        "a = '''a'' 'x'''''\nb = 1",
        'a = ""\nb = 1',
        "a = ''\nb = 1",
        'a = "\\"#"\nb = 1',
        "a = [ # ]\n]\nb = 1",
        "a = 2024-01-31 10:00:00 # x\nb = 1",
        "a = {}\nb = 1",
        "a.b.c = 1\na.d = 2\nb = 1",
        "a = [[], [ [1], ], ]\nb = 1",
    ],
)
def test_a_value_of_any_kind_is_gone_over(text: str) -> None:
    assert cut(text, toml.locate(text, ("b",), key=True)) == "b"
    assert cut(text, toml.locate(text, ("b",))) == "1"


def test_a_right_file_loads_nothing_for_wrong_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("toml_faults", "toml_places", "toml_limits"):
        monkeypatch.setitem(sys.modules, f"runner.config.{name}", None)
    assert parsed('[tasks.a]\nrun = "x"') == {"tasks": {"a": {"run": "x"}}}


def test_the_format_seam_is_what_both_modules_offer() -> None:
    from runner.config import Format, yaml

    def offered(form: Format) -> tuple[Callable[..., Any], Callable[..., Any]]:
        return form.parse, form.locate

    modules: list[ModuleType] = [toml, yaml]
    assert offered(toml) != offered(yaml)
    assert all(callable(module.parse) and callable(module.locate) for module in modules)
