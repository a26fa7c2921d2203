from __future__ import annotations

import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.template import TemplateError, cmd, names, parse, posix, powershell, quoting, render, render_words

WORDS = {"a": "x y", "many": ("one", "two three"), "none": None, "empty": (), "plain": "p"}


@pytest.mark.parametrize(
    ("text", "quoted", "bare"),
    [
        ("say {{a}}", "say 'x y'", "say x y"),
        ("say {{ a }}", "say 'x y'", "say x y"),
        ("say {{a|raw}}", "say x y", "say x y"),
        ("{{many}}", "one 'two three'", "one two three"),
        ("[{{none}}]", "[]", "[]"),
        ("[{{empty}}]", "[]", "[]"),
        ("{{plain}}{{plain}}", "pp", "pp"),
        ("{{{{ .Names }}", "{{ .Names }}", "{{ .Names }}"),
        ("{{{{{{plain}}", "{{p", "{{p"),
        ("no names }}", "no names }}", "no names }}"),
        ("${HOME} $X {x}", "${HOME} $X {x}", "${HOME} $X {x}"),
    ],
)
def test_a_template_is_filled(text: str, quoted: str, bare: str) -> None:
    assert render(text, WORDS, posix) == quoted
    assert render(text, WORDS) == bare


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("{{b}}", "unknown name `{{b}}`", None),
        ("{{plan}}", "unknown name `{{plan}}`", "did you mean `plain`?"),
        ("{{env.X}}", "`{{env.X}}`: the variable `X` is not set", None),
        ("{{a", "`{{` without its `}}`", "write `{{{{` for two literal braces"),
        ("{{a|upper}}", "`{{a|upper}}`: the only filter is `raw`", None),
        ("{{a b}}", "`{{a b}}` is not a name", "write `{{{{` for two literal braces"),
        ("{{}}", "`{{}}` is not a name", "write `{{{{` for two literal braces"),
    ],
)
def test_what_cannot_be_filled_is_refused(text: str, message: str, hint: str | None) -> None:
    with pytest.raises(TemplateError) as caught:
        render(text, WORDS, posix)
    assert (str(caught.value), caught.value.hint) == (message, hint)


def test_a_word_that_is_nothing_but_a_list_becomes_as_many_words() -> None:
    assert render_words("{{many}}", WORDS) == ["one", "two three"]
    assert render_words("{{none}}", WORDS) == []
    assert render_words("-{{many}}", WORDS) == ["-one two three"]
    assert render_words("{{a}}", WORDS) == ["x y"]


def test_the_result_is_bounded() -> None:
    with pytest.raises(TemplateError, match="longer than 1 MiB"):
        render("{{a}}{{a}}", {"a": "x" * (1 << 19) + "y"})


def test_names_are_told_in_order() -> None:
    assert names("{{b}} {{a|raw}} {{{{c}} {{b}}") == ("b", "a", "b")
    assert parse("plain") == ("plain",)


@given(st.text(alphabet=st.characters(exclude_characters="\0", codec="utf-8")))
def test_a_posix_word_reads_back_as_itself(text: str) -> None:
    assert shlex.split(posix(text)) == [text]


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize(
    "text", ["", " ", "a'b\"c", "$(id)`id`", "line\nbreak", "-n", "\\", "*", "ü ß 日本", "!x", "~"]
)
def test_a_real_shell_gets_the_word_as_it_is(shell: str, text: str) -> None:
    script = render("printf '[%s]' {{a}}", {"a": text}, quoting((shell, "-c")))
    assert subprocess.run([shell, "-c", script], capture_output=True, text=True, check=True).stdout == f"[{text}]"


def test_powershell_doubles_every_kind_of_apostrophe() -> None:
    assert powershell("it's ‘so’") == "'it''s ‘‘so’’'"


def test_cmd_escapes_what_cmd_and_the_program_read() -> None:
    assert cmd("a b&c") == '^"a b^&c^"'
    assert cmd('say "hi"') == '^"say \\^"hi\\^"^"'
    assert cmd("100%") == '^"100^%^"'
    with pytest.raises(TemplateError, match="line break"):
        cmd("a\nb")


def test_a_shell_that_is_not_known_wants_raw() -> None:
    assert quoting(("/usr/bin/bash", "-c"))("a b") == "'a b'"
    assert quoting(("C:\\pwsh.exe", "-c"))("a b") == "'a b'"
    with pytest.raises(TemplateError, match="how `fish` quotes is not known"):
        quoting(("fish", "-c"))("x")
