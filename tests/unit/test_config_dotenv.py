"""Dotenv files, in the dialect that the tools have in common."""

from __future__ import annotations

import pytest

from runner.config.dotenv import parse
from runner.error import Refusal


def values(text: str, **given: str) -> dict[str, str]:
    return parse(text, ".env", given)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=1", "1"),
        ("A=", ""),
        ("A=   ", ""),
        ("A = b", "b"),
        ("export A=b", "b"),
        ("export\tA=b", "b"),
        ("  A=b", "b"),
        ("A=two words  ", "two words"),
        ("A=b # comment", "b"),
        ("A=b#c", "b#c"),
        ("A=#c", "#c"),
        ("A= # c", ""),
        ("A=b=c", "b=c"),
        ("A=b'c\"d", "b'c\"d"),
        ("A='b # c' # d", "b # c"),
        ("A='$B\\n'", "$B\\n"),
        ('A="b # c"', "b # c"),
        ('A="a\\nb\\tc\\rd"', "a\nb\tc\rd"),
        ('A="\\"\\\\\\$"', '"\\$'),
        ('A="C:\\dir"', "C:\\dir"),
        ("A=C:\\new", "C:\\new"),
        ("A=\\$B", "$B"),
        ("A='x'#c", "x"),
        ('A="x"', "x"),
        ("A=''", ""),
        ('A=""', ""),
        ("A='a\nb'", "a\nb"),
        ('A="a\n  b"', "a\n  b"),
        ("A=$(id)", "$(id)"),
        ("A=`id`", "`id`"),
        ("A=a$", "a$"),
        ("A=a$1", "a$1"),
        ("A=100%", "100%"),
        ("A=ä€", "ä€"),
    ],
)
def test_a_value_is(line: str, value: str) -> None:
    assert values(line) == {"A": value}
    assert values(f"# first\n\n{line}\nB=2\n") == {"A": value, "B": "2"}


def test_the_later_of_two_wins() -> None:
    assert values("A=1\nA=2") == {"A": "2"}


def test_names_may_have_dots_and_dashes() -> None:
    assert values("a.b-c=1\n_=2") == {"a.b-c": "1", "_": "2"}


def test_line_ends_of_windows_and_a_byte_order_mark_are_accepted() -> None:
    assert values("\ufeffA=1\r\nB='x'\r\n\r\n#c\r\nC=\r\n") == {"A": "1", "B": "x", "C": ""}


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ("$X", "x"),
        ("${X}", "x"),
        ("${X}y$X", "xyx"),
        ("${X:-d}", "x"),
        ("${X-d}", "x"),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${NONE:-d e}", "d e"),
        ("${NONE-d}", "d"),
        ("${NONE:-}", ""),
        ("$NONE-", "-"),
        ("\\${X}", "${X}"),
        ("$X.y", "x.y"),
        ("$X_", ""),
    ],
)
def test_a_reference_is_replaced(reference: str, value: str) -> None:
    assert values(f"X=x\nEMPTY=\nA={reference}")["A"] == value
    assert values(f'X=x\nEMPTY=\nA="{reference}"')["A"] == value
    assert values(f"X=x\nEMPTY=\nA='{reference}'")["A"] == reference


def test_what_the_caller_gives_wins_over_what_stands_above() -> None:
    assert values("X=file\nA=$X", X="caller") == {"X": "file", "A": "caller"}
    assert values("A=$HOME/bin", HOME="/home/me") == {"A": "/home/me/bin"}


def test_what_stands_below_is_not_known_yet() -> None:
    assert values("A=$X\nX=1") == {"A": "", "X": "1"}


def test_a_value_may_grow_out_of_itself() -> None:
    assert values("P=a\nP=$P:b\nP=${P}:c") == {"P": "a:b:c"}


def test_references_are_not_replaced_twice() -> None:
    assert values("A='$B'\nB=1\nC=$A") == {"A": "$B", "B": "1", "C": "$B"}


def test_values_that_grow_beyond_all_use_are_refused() -> None:
    text = "A=" + "x" * 100 + "\n" + "A=$A$A\n" * 60
    with pytest.raises(Refusal, match="the values are longer than 1 MiB in all"):
        values(text)


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(Refusal) as caught:
        values("A B=1\nfoo\nC='x' y\nD=${}\nE=ok\nF=\"x")
    assert [problem.place and problem.place.line for problem in caught.value.problems] == [1, 2, 3, 4, 6]


def test_of_thousands_of_faults_a_hundred_are_told() -> None:
    with pytest.raises(Refusal) as caught:
        values("x\n" * 5000)
    assert len(caught.value.problems) == 100
