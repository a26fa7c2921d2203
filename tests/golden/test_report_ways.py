"""What people read, verbatim, in every way of telling."""

from __future__ import annotations

from runner.report import Look
from runner.report.full import Full
from runner.report.group import Grouped
from runner.report.line import Lines
from runner.report.planned import Planned
from runner.report.quiet import Quiet
from runner.report.spool import Spool
from tests.kit.scripted import COLOUR, PLAIN, Paper, Script, failing_run, words


def prefixed(look: Look = PLAIN, level: int = 0) -> tuple[Script, Paper]:
    paper = Paper()
    return Script(Lines(paper, words(look, level))), paper


def grouped(level: int = 0, only_bad: bool = False) -> tuple[Script, Paper]:
    paper = Paper()
    return Script(Grouped(paper, Spool(), words(level=level), only_bad=only_bad)), paper


def test_prefixed_shows_each_line_with_its_task_and_each_end() -> None:
    script, paper = prefixed()
    failing_run(script)
    assert paper.text == (
        "codegen │ reading a.proto\n"
        "lint    │ E501 line too long\n"
        "codegen │ reading b.proto\n"
        "✓ codegen  1.2s\n"
        "! lint  exit 1, allowed  1.2s\n"
        "test[3.11,pg] │ ..F\n"
        "api           │ Compiling api\n"
        "test[3.11,pg] │ FAILED test_pay.py\n"
        "✗ test[3.11,pg]  exit 1  2.3s\n"
        "- deploy  skipped: needs test[3.11,pg]\n"
        "warning: `api`: left a process running: 4711 (sleep 60)\n"
        "✓ api  2.9s\n"
        "✗ test[3.11,pg] failed: exit 1 after 2.3s\n"
        "  2 ran · 1 fresh · 1 failed · 1 failed as allowed · 1 skipped · 4.1s\n"
    )


def test_prefixed_in_a_locale_without_unicode_is_ascii_but_for_what_tasks_write() -> None:
    script, paper = prefixed(Look(is_unicode=False))
    script.begin("a", "b")
    script.start("a")
    script.out("a", "grün\n")
    script.end("a", duration_s=0.1)
    script.end("b", "failed", exit_code=2, duration_s=0.1)
    script.over(1)
    assert paper.text == (
        "a | grün\n+ a  0.1s\nx b  exit 2  0.1s\nx b failed: exit 2 after 0.1s\n  1 ran, 1 failed, 0.0s\n"
    )


def test_prefixed_in_colour_gives_each_task_its_own() -> None:
    script, paper = prefixed(COLOUR)
    script.begin("a", "b", "a[2]")
    for task in ("a", "b", "a[2]"):
        script.start(task)
        script.out(task, "\x1b[1mbold\x1b[0m\n")
    script.end("a", duration_s=0.5)
    assert paper.text == (
        "\x1b[38;5;31ma\x1b[0m \x1b[2m│\x1b[0m \x1b[1mbold\x1b[0m\x1b[0m\n"
        "\x1b[38;5;133mb\x1b[0m \x1b[2m│\x1b[0m \x1b[1mbold\x1b[0m\x1b[0m\n"
        "\x1b[38;5;31ma[2]\x1b[0m \x1b[2m│\x1b[0m \x1b[1mbold\x1b[0m\x1b[0m\n"
        "\x1b[32m✓\x1b[0m a  \x1b[2m0.5s\x1b[0m\n"
    )


def test_a_long_name_stands_out_and_moves_nobody() -> None:
    script, paper = prefixed()
    script.begin("a", "build{env=production,version=1.0.2}", "deploy{to=" + "x" * 60 + "}")
    script.out("a", "1\n")
    script.out("build{env=production,version=1.0.2}", "2\n")
    script.out("deploy{to=" + "x" * 60 + "}", "3\n")
    script.out("a", "4\n")
    assert paper.text == (
        "a │ 1\nbuild{env=production,version=1.0.2} │ 2\ndeploy{to=xxxxxxxxxx…xxxxxxxxxxxxxxxxxx} │ 3\na │ 4\n"
    )


def test_a_name_cannot_drive_a_terminal_or_begin_a_line() -> None:
    script, paper = prefixed()
    name = "say{text=\x1b[2J\n::error}"
    script.begin(name)
    script.out(name, "hi\n")
    script.end(name, "failed", exit_code=1)
    assert paper.text == "say{text=\\x1b[2J\\n::error} │ hi\n✗ say{text=\\x1b[2J\\n::error}  exit 1\n"


def test_lines_of_parallel_tasks_are_never_torn() -> None:
    script, paper = prefixed()
    script.begin("a", "b")
    for _ in range(3):
        for piece in ("on", "e line\nan", "other\n"):
            for task in ("a", "b"):
                script.out(task, piece)
                script.err(task, piece)
    lines = paper.text.splitlines()
    assert len(lines) == 24
    assert set(lines) == {"a │ one line", "b │ one line", "a │ another", "b │ another"}


def test_verbose_tells_commands_costs_and_reasons() -> None:
    script, paper = prefixed(level=1)
    script.begin("gen", "api", "all")
    script.start("gen", "buf generate\nbuf lint")
    script.end("gen", duration_s=1.0, cpu_s=0.9, max_rss_bytes=212_000_000, reasons=("input changed: a.proto",))
    script.end("api", "fresh", reasons=("nothing changed",))
    script.end("all", "fresh", has_command=False)
    script.at = 1.0
    script.over()
    assert paper.text == (
        "gen │ $ buf generate\ngen │ $ buf lint\n"
        "✓ gen  1.0s  cpu 0.9s  212 MB  (input changed: a.proto)\n"
        "✓ api  fresh  (nothing changed)\n"
        "✓ all  fresh\n"
        "✓ 1 ran · 1 fresh · 1.0s\n"
    )


def test_a_line_says_why_as_far_as_that_is_news() -> None:
    why = ("`a.c` changed", "`b.c` is new", "variable `CC` changed")
    for level, told in ((0, "`a.c` changed, +2 more"), (1, "; ".join(why))):
        script, paper = prefixed(level=level)
        script.begin("gen", "api", "lint", "docs")
        script.end("gen", duration_s=1.0, reasons=why)
        script.end("api", "restored", reasons=("output `api` is missing",))
        script.end("lint", duration_s=1.0, reasons=("not cached",))
        script.end("docs", "failed", exit_code=1, reasons=("declared output `docs/` was not made",))
        script.over(1)
        assert paper.text.splitlines()[:4] == [
            f"✓ gen  1.0s  ({told})",
            "✓ api  restored  (output `api` is missing)",
            "✓ lint  1.0s" + "  (not cached)" * level,
            "✗ docs  exit 1: declared output `docs/` was not made",
        ]


def test_one_q_leaves_what_tasks_write_and_what_failed() -> None:
    script, paper = prefixed(level=-1)
    script.begin("a", "b")
    script.out("a", "hello\n")
    script.end("a", duration_s=1.0)
    script.end("b", duration_s=1.0)
    script.over()
    assert paper.text == "a │ hello\n"
    script, paper = prefixed(level=-1)
    script.begin("a", "b", "c")
    script.end("a", duration_s=1.0)
    script.end("b", "failed", exit_code=3, duration_s=1.0)
    script.end("c", "skipped", reasons=("needs b",))
    script.over(1)
    assert paper.text == ("✗ b  exit 3  1.0s\n✗ b failed: exit 3 after 1.0s\n  1 ran · 1 failed · 1 skipped · 0.0s\n")


def test_a_retry_is_told_after_what_the_attempt_wrote() -> None:
    script, paper = prefixed()
    script.begin("a")
    script.start("a")
    script.out("a", "no luck")
    script.retry("a", "exit 1", delay_s=2.0)
    script.start("a", attempt=2)
    script.out("a", "luck")
    script.end("a", duration_s=3.0)
    assert paper.text == "a │ no luck\n↻ a  exit 1, again in 2.0s (attempt 2 of 3)\na │ luck\n✓ a  3.0s\n"


def test_hundreds_of_skipped_tasks_are_counted_and_not_listed() -> None:
    script, paper = prefixed()
    script.begin(*(f"t{number}" for number in range(501)))
    script.end("t0", "failed", exit_code=1, duration_s=0.1)
    for number in range(1, 501):
        script.end(f"t{number}", "skipped", reasons=("needs t0",))
    script.over(1)
    lines = paper.text.splitlines()
    assert len(lines) == 1 + 10 + 2
    assert lines[-1] == "  1 failed · 500 skipped · 0.0s"


def test_grouped_shows_each_task_in_one_piece_and_failed_ones_last_and_once() -> None:
    script, paper = grouped()
    failing_run(script)
    assert paper.text == (
        "✓ codegen  1.2s\n"
        "  reading a.proto\n"
        "  reading b.proto\n"
        "! lint  exit 1, allowed  1.2s\n"
        "  E501 line too long\n"
        "✗ test[3.11,pg]  exit 1  2.3s\n"
        "- deploy  skipped: needs test[3.11,pg]\n"
        "warning: `api`: left a process running: 4711 (sleep 60)\n"
        "✓ api  2.9s\n"
        "  Compiling api\n"
        "✗ test[3.11,pg]  exit 1  2.3s\n"
        "  ..F\n"
        "  FAILED test_pay.py\n"
        "✗ test[3.11,pg] failed: exit 1 after 2.3s\n"
        "  2 ran · 1 fresh · 1 failed · 1 failed as allowed · 1 skipped · 4.1s\n"
    )


def test_grouped_ends_with_the_log_of_what_failed_first() -> None:
    script, paper = grouped()
    script.begin("a", "b", "c")
    for task in ("a", "b", "c"):
        script.out(task, f"log of {task}\n")
        script.end(task, "failed", exit_code=1)
    script.over(1)
    assert [line for line in paper.text.splitlines() if "log" in line] == ["  log of b", "  log of c", "  log of a"]
    assert paper.text.endswith("  log of a\n✗ a failed first: exit 1\n  then b, c\n  3 failed · 0.0s\n")


def test_grouped_keeps_the_retries_of_a_task_in_its_block() -> None:
    script, paper = grouped()
    script.begin("a", "b")
    script.out("a", "no luck")
    script.retry("a")
    script.out("b", "b\n")
    script.end("b", duration_s=0.1)
    script.out("a", "luck")
    script.end("a", duration_s=0.3)
    assert paper.text == ("✓ b  0.1s\n  b\n✓ a  0.3s\n  no luck\n  ↻ a  exit 1, again (attempt 2 of 3)\n  luck\n")


def test_grouped_shows_what_it_holds_when_the_run_breaks_off() -> None:
    script, paper = grouped()
    script.begin("a", "b")
    script.out("a", "half")
    script.out("b", "bad\n")
    script.end("b", "failed", exit_code=1)
    script.reporter.close()
    script.reporter.close()
    assert paper.text == "✗ b  exit 1\n  half\n✗ b  exit 1\n  bad\n"


def test_errors_shows_only_logs_of_failed_tasks_and_the_summary() -> None:
    script, paper = grouped(only_bad=True)
    failing_run(script)
    assert paper.text == (
        "warning: `api`: left a process running: 4711 (sleep 60)\n"
        "✗ test[3.11,pg]  exit 1  2.3s\n"
        "  ..F\n"
        "  FAILED test_pay.py\n"
        "✗ test[3.11,pg] failed: exit 1 after 2.3s\n"
        "  2 ran · 1 fresh · 1 failed · 1 failed as allowed · 1 skipped · 4.1s\n"
    )


def test_errors_of_one_good_task_is_one_line() -> None:
    script, paper = grouped(only_bad=True)
    script.begin("a")
    script.out("a", "hello\n")
    script.end("a", duration_s=0.4)
    script.over()
    assert paper.text == "✓ a  0.4s\n"


def test_full_keeps_every_byte_and_both_streams_apart() -> None:
    out, err = Paper(), Paper()
    script = Script(Full(out, err, words()))
    script.begin("a", "b")
    script.start("a")
    script.out("a", b"\x00\xff\x1b[2J\r50%\r")
    script.err("a", b"\x1b]0;title\x07no newline")
    script.end("a", duration_s=0.2)
    script.end("b", "failed", exit_code=1)
    script.over(1)
    assert out.data == b"\x00\xff\x1b[2J\r50%\r"
    assert err.data.decode() == (
        "\x1b]0;title\x07no newline\n✓ a  0.2s\n✗ b  exit 1\n✗ b failed: exit 1\n  1 ran · 1 failed · 0.0s\n"
    )


def test_full_on_a_terminal_begins_its_own_lines_anew() -> None:
    terminal = Paper()
    script = Script(Full(terminal, terminal, words(Look(is_terminal=True))))
    script.begin("a", "b")
    script.out("a", "no newline")
    script.end("a", duration_s=0.2)
    script.out("b", "newline\n")
    script.end("b", duration_s=0.2)
    assert terminal.text == "no newline\n✓ a  0.2s\nnewline\n✓ b  0.2s\n"


def test_quiet_tells_failures_and_nothing_else() -> None:
    paper = Paper()
    failing_run(Script(Quiet(paper, words())))
    assert paper.text == "✗ test[3.11,pg]  exit 1  2.3s\n"


def test_quiet_says_nothing_of_a_good_run() -> None:
    paper = Paper()
    script = Script(Quiet(paper, words()))
    script.begin("a")
    script.start("a")
    script.out("a", "hello\n")
    script.warn("odd")
    script.end("a")
    script.over()
    assert paper.text == ""


def test_quiet_says_what_ended_a_run_in_which_nothing_failed() -> None:
    paper = Paper()
    script = Script(Quiet(paper, words()))
    script.begin("a")
    script.end("a", "cancelled", reasons=("interrupted",))
    script.over(130)
    assert paper.text == "✗ interrupted by SIGINT\n"


def test_a_plan_tells_what_would_become_of_each_node() -> None:
    paper = Paper()
    script = Script(Planned(paper, words()))
    script.begin("gen", "api")
    script.reporter.close()
    assert paper.text == "run      gen  not cached\nrun      api  not cached\n2 run\n"
