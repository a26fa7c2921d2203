"""How `--why` shows what changed: old and new, so that the difference is seen."""

from __future__ import annotations

import pytest

from runner.cli.why import both
from runner.key import Change

LONG = "x" * 300


def told(label: str, old: str | None, new: str | None) -> list[str]:
    return [line.strip() for line in both(Change(label=label, old=old, new=new))]


@pytest.mark.parametrize(
    ("label", "value", "shown"),
    [
        ("env A", "=1", "1"),
        ("env A", "=", ""),
        ("env A", "==x", "=x"),
        ("uses_env A", "unset", "unset"),
        ("input a", "f:00ff", "file 00ff"),
        ("input a", "x:00ff", "executable file 00ff"),
        ("input a", "l:b:f:00ff", "link to b, file 00ff"),
        ("input a", "l:b:-", "link to b"),
        ("input a", "l:b", "link to b"),
        ("shell", "sh\0-eu\0-c", "sh -eu -c"),
        ("command", "make\nmake all", "make\\nmake all"),
        ("command", "7:echo a ,6:echo b,", "[echo a , echo b]"),
        ("command", "16:3:git,7:version,,", "[[git, version]]"),
        ("command", "3: it is no list", "3: it is no list"),
        ("arg files", "1:a,2:bc,", "[a, bc]"),
        ("command", "echo \x1b[2J", "echo \\x1b[2J"),
    ],
)
def test_a_value_is_shown_as_it_was_said(label: str, value: str, shown: str) -> None:
    assert told(label, None, value) == [f"new  {shown}".strip()]
    assert told(label, value, None) == [f"old  {shown}".strip()]


def test_a_long_value_is_cut() -> None:
    assert told("command", None, LONG) == [f"new  {'x' * 199}…"]
    assert told("command", f"a{LONG}", f"b{LONG}") == [f"old  a{'x' * 198}…", f"new  b{'x' * 198}…"]


def test_of_two_long_values_the_place_is_shown_where_they_part() -> None:
    assert told("command", f"{LONG} old", f"{LONG} new") == [f"old  …{'x' * 39} old", f"new  …{'x' * 39} new"]
    assert told("command", f"{LONG} a", LONG) == [f"old  …{'x' * 40} a", f"new  …{'x' * 40}"]
