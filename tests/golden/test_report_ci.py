"""Folds and fences in the logs of CI systems, verbatim."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.report import Look
from runner.report.ci import Fenced, GitHub, GitLab, fold_of, unguessable
from runner.report.full import Full
from runner.report.group import Grouped
from runner.report.line import Lines
from runner.report.spool import Spool
from tests.kit.scripted import Paper, Script, failing_run, tokens, words

if TYPE_CHECKING:
    from runner.report.ci import Fold


def github() -> GitHub:
    counted = tokens()
    return GitHub(lambda: next(counted))


def folded(fold: Fold) -> tuple[Script, Paper]:
    paper = Paper()
    return Script(Grouped(paper, Spool(), words(), fold)), paper


def test_github_folds_each_task_but_what_failed() -> None:
    script, paper = folded(github())
    failing_run(script)
    assert paper.text == (
        "::group::✓ codegen  1.2s\n"
        "reading a.proto\n"
        "reading b.proto\n"
        "::endgroup::\n"
        "::group::! lint  exit 1, allowed  1.2s\n"
        "E501 line too long\n"
        "::endgroup::\n"
        "✗ test[3.11,pg]  exit 1  2.3s\n"
        "- deploy  skipped: needs test[3.11,pg]\n"
        "warning: `api`: left a process running: 4711 (sleep 60)\n"
        "::group::✓ api  2.9s\n"
        "Compiling api\n"
        "::endgroup::\n"
        "✗ test[3.11,pg]  exit 1  2.3s\n"
        "..F\n"
        "FAILED test_pay.py\n"
        "✗ test[3.11,pg] failed: exit 1 after 2.3s\n"
        "  2 ran · 1 fresh · 1 failed · 1 failed as allowed · 1 skipped · 4.1s\n"
    )


def test_gitlab_folds_with_sections() -> None:
    script, paper = folded(GitLab())
    script.begin("test[3.11,pg]", "b")
    script.out("test[3.11,pg]", "ok\n")
    script.at = 2.0
    script.end("test[3.11,pg]", duration_s=2.0)
    assert paper.text == (
        "\x1b[0Ksection_start:1767225602:trun_1___test_3_11_pg___2_0s[collapsed=true]\r\x1b[0K✓ test[3.11,pg]  2.0s\n"
        "ok\n"
        "\x1b[0Ksection_end:1767225602:trun_1___test_3_11_pg___2_0s\r\x1b[0K\n"
    )


def test_commands_for_github_in_a_log_are_fenced() -> None:
    script, paper = folded(github())
    script.begin("a")
    script.out("a", "fine\n::set-output name=x::1\n  ::error::no\nfine::too\n\u3000::add-path::/tmp\n")
    script.out("a", "late ##[error]old style")
    script.end("a", duration_s=0.1)
    assert paper.text == (
        "::group::✓ a  0.1s\n"
        "fine\n"
        "::stop-commands::token1\n"
        "::set-output name=x::1\n"
        "  ::error::no\n"
        "::token1::\n"
        "fine::too\n"
        "::stop-commands::token2\n"
        "\u3000::add-path::/tmp\n"
        "late ##[error]old style\n"
        "::token2::\n"
        "::endgroup::\n"
    )


def test_a_command_hidden_by_control_characters_is_fenced() -> None:
    script, paper = folded(github())
    script.begin("a")
    script.out("a", b"50%\r::error::x\n\x00\x1b[2K::error::y\n\x1b]0;\x07#\x01#[group]z\n")
    script.end("a", "failed", exit_code=1)
    script.reporter.close()
    log = paper.text.partition("::stop-commands::token1\n")[2].partition("::token1::\n")[0]
    assert log == "::error::x\n::error::y\n##[group]z\n"


def test_the_prefixed_way_fences_the_old_style_that_counts_anywhere_in_a_line() -> None:
    paper = Paper()
    script = Script(Lines(Fenced(paper, github()), words()))
    script.begin("a")
    script.out("a", "::error::x\n##[error]y\n")
    assert paper.text == "a │ ::error::x\n::stop-commands::token1\na │ ##[error]y\n::token1::\n"


def test_a_title_cannot_end_its_line() -> None:
    assert GitHub().open("50%\n::error", 0.0) == b"::group::50%25%0A::error\n"


def test_sections_of_a_tasks_own_are_no_sections_any_more() -> None:
    script, paper = folded(GitLab())
    script.begin("a")
    script.out("a", "\x1b[0Ksection_start:1:mine\r\x1b[0KMine\n\x1b[0Ksection_end:1:trun_1\r\x1b[0K\n")
    script.end("a", duration_s=0.1)
    assert paper.text.count("section_") == 2
    assert "\nMine\n" in paper.text


def test_the_full_way_leaves_what_runs_here_and_fences_what_is_replayed() -> None:
    out, err = Paper(), Paper()
    script = Script(Full(out, err, words(Look()), github()))
    script.begin("here", "replayed")
    script.start("here")
    script.out("here", "::error::mine\n")
    script.end("here", duration_s=0.1)
    script.out("replayed", "::err")
    script.out("replayed", "or::theirs\nplain")
    script.end("replayed", "restored")
    assert out.text == ("::error::mine\n::stop-commands::token1\n::error::theirs\n::token1::\nplain\n")
    assert err.text == "✓ here  0.1s\n✓ replayed  restored\n"


def test_a_token_is_never_the_same() -> None:
    found = {unguessable() for _ in range(20)}
    assert len(found) == 20
    assert {len(token) for token in found} == {32}


def test_the_systems_that_fold() -> None:
    assert isinstance(fold_of("github"), GitHub)
    assert isinstance(fold_of("gitlab"), GitLab)
    assert fold_of(None) is None
