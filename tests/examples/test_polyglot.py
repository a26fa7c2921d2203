"""polyglot is built by the compilers that are here, and its programs agree."""

from __future__ import annotations

import re

import pytest

from tests.examples.copied import Copy, example, is_there

# What each language of polyglot wants, as its `when` asks.
LANGUAGES = {
    "c": ["cc", "--version"],
    "rust": ["cargo", "--version"],
    "go": ["go", "version"],
    "node": ["node", "--version"],
}


def languages() -> dict[str, str]:
    """How each language's task should end here."""
    there = {name: is_there(name, command) for name, command in LANGUAGES.items()} | {"python": True}
    return {name: "ran" if found else "skipped" for name, found in there.items()}


@pytest.mark.slow
@example("polyglot")
def test_five_languages_give_one_answer(copy: Copy) -> None:
    copy.git("init", "-q")
    copy.git("add", "-A")
    copy.git("commit", "-qm", "all")
    wanted = languages()
    ran = copy.trun("-j5").ok()
    assert ran.statuses == wanted | {"gen": "ran", "compare": "ran"}
    assert (ran.order[0], ran.order[-1]) == ("gen", "compare")
    assert max(map(len, ran.together())) >= 2
    for language, status in wanted.items():
        row = rf"\b{language} +" + ("22 of 22 +[0-9,]+ " if status == "ran" else "was not built")
        assert re.search(row, ran.text), ran.text
    programs = sum(status == "ran" for status in wanted.values())
    assert f"{programs} program" in ran.text
    assert "one answer to each of 100,022 questions" in ran.text
    assert copy.git("status", "--porcelain", "--", "examples") == ""


@pytest.mark.slow
@example("polyglot")
def test_a_tag_takes_the_compiled_languages_and_what_they_read(copy: Copy) -> None:
    wanted = languages()
    ran = copy.trun("-t", "compiled").ok()
    assert ran.statuses == {"gen": "ran", "c": wanted["c"], "rust": wanted["rust"], "go": wanted["go"]}
    assert not (copy.path / "out" / "python").exists()


@example("polyglot")
def test_a_missing_compiler_is_told_and_the_rest_is_compared(copy: Copy) -> None:
    copy.only_python()
    ran = copy.trun().ok()
    assert ran.statuses == dict.fromkeys(LANGUAGES, "skipped") | dict.fromkeys(("gen", "python", "compare"), "ran")
    for language in LANGUAGES:
        assert ran.skipped_and_told(language)
        assert re.search(rf"\b{language} +was not built, and is left out", ran.text)
    assert "1 program, one answer to each of 100,022 questions" in ran.text


@example("polyglot")
def test_a_program_that_rounds_wrongly_fails_the_comparison(copy: Copy) -> None:
    copy.only_python()
    copy.edit("python/__main__.py", "+ 0.5)", "+ 0.1)")
    ran = copy.trun()
    assert ran.code == 1
    assert ran.statuses["compare"] == "failed"
    assert "python says 26.2 mile kilometre: 42.164812, not 42.164813" in ran.text


@example("polyglot")
def test_the_graph_shows_edges_that_no_task_declares(copy: Copy) -> None:
    text = copy.trun("--graph", "--format", "dot", events=False).ok().out
    assert "deps" not in (copy.path / "tasks.toml").read_text(encoding="utf-8")
    for language in (*LANGUAGES, "python"):
        assert re.search(rf'"{language}"', text), text
    assert text.count("->") >= 10
