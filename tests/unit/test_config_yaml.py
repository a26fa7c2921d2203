"""YAML files: the same plain data as TOML gives, and where everything stands."""

from __future__ import annotations

from typing import Any

import pytest

from runner.config import Span, yaml
from runner.config.source import VALUES_AT_MOST
from runner.config.yaml import EVENTS_AT_MOST, SIZE_AT_MOST_BYTES
from runner.error import Problem, Refusal

KeyPath = tuple[str | int, ...]


def parsed(text: str | bytes) -> dict[str, Any]:
    return yaml.parse(text if isinstance(text, bytes) else text.encode(), "tasks.yaml")


def refused(text: str) -> list[Problem]:
    with pytest.raises(Refusal) as caught:
        parsed(text)
    return list(caught.value.problems)


def message(text: str) -> str:
    (problem,) = refused(text)
    return problem.message


def cut(text: str, span: Span) -> str:
    return text[span.start : span.end]


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "{}", "null", "\ufeff"])
def test_an_empty_file_is_an_empty_table(text: str) -> None:
    assert parsed(text) == {}


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("true", True),
        ("False", False),
        ("TRUE", True),
        ("12", 12),
        ("-3", -3),
        ("+4", 4),
        ("0", 0),
        ("0x1F", 31),
        ("0o17", 15),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("-0.0", -0.0),
        ("yes", "yes"),
        ("on", "on"),
        ("n", "n"),
        ("12:30", "12:30"),
        ("2024-01-31", "2024-01-31"),
        ("1_000", "1_000"),
        ("1.2.3", "1.2.3"),
        ("0b11", "0b11"),
        (".", "."),
        ("-", None),
        ("+", "+"),
        ("tRue", "tRue"),
        ("nULL", "nULL"),
        ("<<", "<<"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("web:build", "web:build"),
        ('"^build"', "^build"),
        ("https://example.com/#x", "https://example.com/#x"),
    ],
)
def test_a_word_is_what_yaml_1_2_says(word: str, value: object) -> None:
    if value is None:
        assert message(f"a: {word}") == "an entry of a list cannot begin here"
        return
    made = parsed(f"a: {word}\nb: [{word}]")
    assert made == {"a": value, "b": [value]}
    assert type(made["a"]) is type(value)


def test_names_of_members_need_no_quotes_in_a_list() -> None:
    assert parsed("deps: [web:build, //root, lint*]") == {"deps": ["web:build", "//root", "lint*"]}


def test_blocks_and_quotes_are_text() -> None:
    text = "a: |\n  x: 1\n   y\nb: >-\n  two\n  lines\nc: 'it''s'\nd: \"tab\\tend\"\ne: plain\n  text\n"
    assert parsed(text) == {"a": "x: 1\n y\n", "b": "two lines", "c": "it's", "d": "tab\tend", "e": "plain text"}


def test_a_block_that_looks_like_a_number_is_text() -> None:
    assert parsed("a: |\n  12\nb: |-\n  true\n") == {"a": "12\n", "b": "true"}


def test_line_ends_of_windows_and_a_byte_order_mark_are_accepted() -> None:
    assert parsed(b"\xef\xbb\xbfa: 1\r\nb:\r\n  - x\r\n") == {"a": 1, "b": ["x"]}


def test_the_directive_of_yaml_1_2_is_accepted() -> None:
    assert parsed("%YAML 1.2\n---\na: 1\n...\n") == {"a": 1}


# ---- aliases and merges


def test_an_alias_is_the_value_of_its_anchor() -> None:
    assert parsed("a: &x [1, {b: c}]\nd: *x\n") == {"a": [1, {"b": "c"}], "d": [1, {"b": "c"}]}


def test_an_anchor_may_be_given_anew() -> None:
    assert parsed("a: &x 1\nb: *x\nc: &x 2\nd: *x\n") == {"a": 1, "b": 1, "c": 2, "d": 2}


def test_own_keys_win_over_merged_ones_wherever_they_stand() -> None:
    text = "d: &d {x: 1, y: 2}\na:\n  y: 3\n  <<: *d\nb:\n  <<: *d\n  y: 3\n"
    assert parsed(text)["a"] == parsed(text)["b"] == {"x": 1, "y": 3}


def test_of_several_merged_tables_the_first_wins() -> None:
    text = "a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc:\n  <<: [*a, *b, {z: 3}]\n"
    assert parsed(text)["c"] == {"x": 1, "y": 2, "z": 3}


def test_a_merged_table_may_have_merged_another() -> None:
    text = "a: &a {x: 1}\nb: &b\n  <<: *a\n  y: 2\nc:\n  <<: *b\n"
    assert parsed(text)["c"] == {"x": 1, "y": 2}


def test_a_quoted_merge_key_is_a_key() -> None:
    assert parsed('a: {"<<": 1}') == {"a": {"<<": 1}}


def test_what_is_merged_leaves_its_source_alone() -> None:
    assert parsed("a: &a {x: 1}\nb:\n  <<: *a\n  y: 2\n")["a"] == {"x": 1}


def laughs(levels: int) -> str:
    first = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    aliases = (", ".join([f"*a{level - 1}"] * 10) for level in range(1, levels))
    return first + "".join(f"a{level}: &a{level} [{row}]\n" for level, row in enumerate(aliases, 1))


def test_aliases_may_not_make_a_small_file_large() -> None:
    assert parsed(laughs(3))
    assert message(laughs(9)) == f"with its aliases the file has more than {VALUES_AT_MOST:,} values"


def test_merges_may_not_make_a_small_file_large() -> None:
    base = "".join(f"  k{number}: 1\n" for number in range(500))
    text = f"base: &base\n{base}" + "".join(f"t{number}:\n  <<: *base\n" for number in range(300))
    assert message(text) == f"with its aliases the file has more than {VALUES_AT_MOST:,} values"


def test_aliases_count_towards_nesting() -> None:
    assert message("a: &a [1]\nb: " + "[" * 32 + "*a" + "]" * 32) == "nested more than 32 levels deep"
    assert parsed("a: &a [1]\nb: " + "[" * 31 + "*a" + "]" * 31)


# ---- limits


def test_nesting_is_32_levels_at_most() -> None:
    assert parsed("a: " + "[" * 32 + "]" * 32)
    assert message("a: " + "[" * 33 + "]" * 33) == "nested more than 32 levels deep"
    block = "".join("  " * depth + "a:\n" for depth in range(40))
    assert message(block) == "nested more than 32 levels deep"


def test_a_file_has_a_size_at_most_and_the_other_format_is_named() -> None:
    (problem,) = refused("#" * (SIZE_AT_MOST_BYTES + 1))
    assert problem.message == f"`tasks.yaml` is larger than {SIZE_AT_MOST_BYTES >> 10} KiB, the most that is read"
    assert problem.hint == "a `tasks.toml` may have 1,024 KiB"


@pytest.mark.slow
def test_a_file_has_only_so_many_values() -> None:
    assert message("a: [" + "1," * EVENTS_AT_MOST + "]") == f"more than {EVENTS_AT_MOST:,} keys and values"


def test_all_that_is_wrong_is_told_at_once_and_in_order() -> None:
    text = "tasks:\n  a:\n  1: x\n  b: !t y\n  b: z\n  c: 010\n"
    assert [(problem.message, problem.place and problem.place.line) for problem in refused(text)] == [
        ("task `a` has no value", 2),
        ("the key `1` is a number, not text", 3),
        ("the tag `!t` is not allowed", 4),
        ("task `b` is given twice, first in line 4", 5),
        ("`010` is octal for some readers, and not for others", 6),
    ]


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system", "!!python/name:os.system", "!!map", "!x", "!"])
def test_no_tag_is_taken(tag: str) -> None:
    assert message(f"a: {tag} [id]") == f"the tag `{tag}` is not allowed"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('"\\0"', "a NUL character has no place in a tasks file"),
        ('"\\ud800"', "an escape is half of a character"),
        ('"\\udc00\\ud800"', "an escape is half of a character"),
        ('"\\UFFFFFFFF"', "the next escape, tag or directive is not YAML"),
        ('"\\U00110000"', "the next escape, tag or directive is not YAML"),
        ("!%zz x", "tags are not allowed"),
        ("!%FF x", "tags are not allowed"),
    ],
)
def test_escapes_that_are_no_characters_are_refused(text: str, told: str) -> None:
    assert message(f"a: {text}") == told


def test_the_pairs_of_escapes_that_json_has_are_one_character() -> None:
    assert parsed('{"a": "\\ud83d\\ude00", "\\ud83d\\ude00": 1}') == {"a": "😀", "😀": 1}


def test_a_directive_for_another_yaml_is_refused() -> None:
    assert message("%YAML 1.3\n---\na: 1") == "the next escape, tag or directive is not YAML"


# ---- where things stand

TEXT = """\
# a comment
top: x   # after
"quoted key": {sub: 5}
tasks:
  build:
    deps:
      - a
      - {task: b, args: {x: [1, 2]}}
      - 'c'
    run: |
      cc -o app
      ./app
    # the end
  fmt: [cargo fmt]
base: &base
  timeout: 5
other:
  <<: [*base, {retry: 1}]
same: *base
"""

PLACES: list[tuple[KeyPath, str, str]] = [
    (("top",), "top", "x"),
    (("quoted key",), '"quoted key"', "{sub: 5}"),
    (("quoted key", "sub"), "sub", "5"),
    (("tasks",), "tasks", TEXT[TEXT.index("build:") : TEXT.index("\nbase")]),
    (("tasks", "build", "deps", 0), "a", "a"),
    (("tasks", "build", "deps", 1), "{task: b, args: {x: [1, 2]}}", "{task: b, args: {x: [1, 2]}}"),
    (("tasks", "build", "deps", 1, "args", "x", 1), "2", "2"),
    (("tasks", "build", "deps", 2), "'c'", "'c'"),
    (("tasks", "build", "run"), "run", "|\n      cc -o app\n      ./app\n"),
    (("tasks", "fmt"), "fmt", "[cargo fmt]"),
    (("tasks", "fmt", 0), "cargo fmt", "cargo fmt"),
    (("base",), "base", "&base\n  timeout: 5"),
    (("other", "timeout"), "timeout", "5"),
    (("other", "retry"), "retry", "1"),
    (("same",), "base", "&base\n  timeout: 5"),
    (("same", "timeout"), "timeout", "5"),
    (("same", "nothing"), "base", "base"),
]


@pytest.mark.parametrize(("path", "key", "value"), PLACES)
def test_keys_and_values_are_found(path: KeyPath, key: str, value: str) -> None:
    assert parsed(TEXT)
    assert cut(TEXT, yaml.locate(TEXT, path, key=True)) == key
    assert cut(TEXT, yaml.locate(TEXT, path)) == value


def test_of_a_path_that_is_not_there_the_deepest_part_is_told() -> None:
    assert cut(TEXT, yaml.locate(TEXT, ("tasks", "build", "nothing"))) == "build"
    assert yaml.locate(TEXT, ("nothing",)) == Span(start=0, end=0)
