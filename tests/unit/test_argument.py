from __future__ import annotations

import pytest

from runner.argument import ArgumentError, Stand, arg_words, canonical, defaults
from runner.task import Arg, Task


@pytest.mark.parametrize(
    ("arg", "text", "value"),
    [
        (Arg(name="n", type="int"), "007", "7"),
        (Arg(name="n", type="int"), "-3", "-3"),
        (Arg(name="n", type="float"), "1e3", "1000.0"),
        (Arg(name="n", type="bool"), "Yes", "true"),
        (Arg(name="n", type="bool"), "0", "false"),
        (Arg(name="n", choices=("a", "b")), "a", "a"),
        (Arg(name="n", pattern=r"\d+\.\d+"), "1.20", "1.20"),
        (Arg(name="n"), "any thing", "any thing"),
    ],
)
def test_a_value_has_one_text(arg: Arg, text: str, value: str) -> None:
    assert canonical(arg, text) == value


@pytest.mark.parametrize(
    ("arg", "text", "message"),
    [
        (Arg(name="n", type="int"), "x", "`n` must be an integer, not `x`"),
        (Arg(name="n", type="int"), "1.5", "`n` must be an integer, not `1.5`"),
        (Arg(name="n", type="int"), "9" * 50, "`n` must be an integer, not `" + "9" * 50 + "`"),
        (Arg(name="n", type="float"), "nan", "`n` must be a number, not `nan`"),
        (Arg(name="n", type="float"), "inf", "`n` must be a number, not `inf`"),
        (Arg(name="n", type="int", min=1), "0", "`n` must be at least 1, not `0`"),
        (Arg(name="n", type="int", max=8), "9", "`n` must be at most 8, not `9`"),
        (Arg(name="n", type="bool"), "perhaps", "`n` must be `true` or `false`, not `perhaps`"),
        (Arg(name="n", choices=("dev", "prod")), "prd", "`n` must be one of `dev`, `prod`, not `prd`"),
        (Arg(name="n", pattern=r"\d+"), "1a", r"`n` must match `\d+`, and `1a` does not"),
        (Arg(name="n", pattern=r"\d+"), "1\n", "`n` must match `\\d+`, and `1\n` does not"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(arg: Arg, text: str, message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        canonical(arg, text)
    assert str(caught.value) == message


def test_a_path_is_taken_from_where_one_stands_and_given_relative_to_the_task() -> None:
    arg = Arg(name="p", type="path")
    assert canonical(arg, "x.txt", Stand(cwd="/p/sub", dir="/p/web")) == "../sub/x.txt"
    assert canonical(arg, "../web/y", Stand(cwd="/p/sub", dir="/p/web")) == "y"
    assert canonical(arg, "/abs", Stand(cwd="/p/sub", dir="/p/web")) == "/abs"


@pytest.mark.parametrize(
    ("arg", "value", "words"),
    [
        (Arg(name="a"), "x", "x"),
        (Arg(name="a"), None, None),
        (Arg(name="a", flag="-k"), "x", ("-k", "x")),
        (Arg(name="a", flag="-k"), None, None),
        (Arg(name="a", flag="-k", multiple=True), ("x", "y"), ("-k", "x", "-k", "y")),
        (Arg(name="a", type="bool"), "true", "true"),
        (Arg(name="a", type="bool"), "false", "false"),
        (Arg(name="a", type="bool", flag="--cov"), "true", ("--cov",)),
        (Arg(name="a", type="bool", flag="--cov"), "false", None),
    ],
)
def test_what_the_template_gives(arg: Arg, value: str | tuple[str, ...] | None, words: object) -> None:
    assert arg_words(arg, value) == words


def test_defaults_come_from_the_file_or_from_a_variable() -> None:
    args = {
        "a": Arg(name="a", default="x"),
        "b": Arg(name="b", type="bool"),
        "c": Arg(name="c", multiple=True),
        "d": Arg(name="d", env="D", default="file"),
    }
    task = Task(name="t", path=("tasks", "t"), args=args)
    assert defaults(task, {}) == {"a": "x", "b": "false", "c": (), "d": "file"}
    assert defaults(task, {"D": "variable"})["d"] == "variable"
