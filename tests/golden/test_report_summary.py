"""The last lines of a run, verbatim."""

from __future__ import annotations

from typing import Any

import pytest

from runner.report.line import Lines
from runner.report.wording import duration, memory, signal_name
from tests.kit.scripted import Paper, Script, words


def last_lines(ends: list[tuple[str, str, dict[str, Any]]], level: int = 0, **over: Any) -> str:
    paper = Paper()
    script = Script(Lines(paper, words(level=level)))
    script.begin(*(task for task, _, _ in ends))
    for task, status, more in ends:
        script.end(task, status, **more)
    told = len(paper.data)
    script.at = over.pop("at", 4.1)
    script.over(**over)
    return paper.data[told:].decode()


RAN: dict[str, Any] = {"duration_s": 1.5, "exit_code": 0}


def test_one_good_task_has_said_it_all() -> None:
    assert last_lines([("a", "ran", RAN)]) == ""


def test_one_failed_task_has_said_it_all() -> None:
    assert last_lines([("a", "failed", {"exit_code": 1})], exit_code=1) == ""


def test_one_fresh_task_is_one_line() -> None:
    assert last_lines([("a", "fresh", {})]) == "✓ a  fresh\n"


def test_a_group_of_one_counts_as_one() -> None:
    assert last_lines([("a", "ran", RAN), ("all", "fresh", {"has_command": False})]) == ""


def test_a_group_of_none_has_nothing_to_do() -> None:
    assert last_lines([("all", "fresh", {"has_command": False})]) == "✓ check: nothing to do\n"


def test_a_good_run_is_counted_with_what_took_longest() -> None:
    ends = [("a", "ran", RAN), ("b", "ran", RAN), ("c", "fresh", {}), ("d", "restored", {})]
    assert last_lines(ends, critical_path=("a", "b"), saved_s=12.0) == (
        "✓ 2 ran · 1 restored · 1 fresh · 12.0s saved · 4.1s\n  critical path 3.0s: a 1.5s → b 1.5s\n"
    )


def test_a_long_critical_path_shows_its_longest() -> None:
    tasks = [f"t{number}" for number in range(9)]
    ends = [(task, "ran", {"duration_s": 1.0 + (number % 3)}) for number, task in enumerate(tasks)]
    assert last_lines(ends, critical_path=tuple(tasks)) == (
        "✓ 9 ran · 4.1s\n  critical path 18.0s: t1 2.0s → t2 3.0s → t4 2.0s → t5 3.0s → t8 3.0s and 4 more\n"
    )


def test_a_short_run_does_not_explain_itself() -> None:
    short = {"duration_s": 0.2}
    assert last_lines([("a", "ran", short), ("b", "ran", short)], critical_path=("a", "b")) == "✓ 2 ran · 4.1s\n"


@pytest.mark.parametrize(
    ("status", "facts", "told"),
    [
        ("failed", {"exit_code": 1, "duration_s": 2.3}, "✗ t failed: exit 1 after 2.3s\n"),
        ("failed", {"signal": 11, "duration_s": 2.3}, "✗ t failed: killed by SIGSEGV after 2.3s\n"),
        ("failed", {"signal": 99}, "✗ t failed: killed by signal 99\n"),
        ("timed_out", {"duration_s": 600.0}, "✗ t failed: timed out after 10m 00s\n"),
        ("failed", {"reasons": ("`out/` was not made",)}, "✗ t failed: `out/` was not made\n"),
        ("failed", {"exit_code": 0, "reasons": ("`finally` failed",)}, "✗ t failed: `finally` failed\n"),
        ("failed", {"exit_code": 1, "reasons": ("its step `x` failed",)}, "✗ t failed: exit 1: its step `x` failed\n"),
    ],
)
def test_what_failed_is_named_with_how(status: str, facts: dict[str, Any], told: str) -> None:
    first = last_lines([("t", status, facts), ("other", "ran", RAN)], exit_code=1).splitlines(keepends=True)[0]
    assert first == told


def test_what_failed_first_is_named_before_the_others() -> None:
    ends: list[tuple[str, str, dict[str, Any]]] = [("a", "ran", RAN)]
    ends += [(f"t{number}", "failed", {"exit_code": number + 1}) for number in range(9)]
    assert last_lines(ends, exit_code=1) == (
        "✗ t0 failed first: exit 1\n  then t1, t2, t3, t4, t5, and 3 more\n  1 ran · 9 failed · 4.1s\n"
    )


def test_an_interrupted_run_says_so_first() -> None:
    ends = [("a", "ran", RAN), ("b", "failed", {"exit_code": 1}), ("c", "cancelled", {"reasons": ("interrupted",)})]
    assert last_lines(ends, exit_code=130) == (
        "✗ interrupted by SIGINT\n✗ b failed: exit 1\n  1 ran · 1 failed · 1 cancelled · 4.1s\n"
    )


def test_a_run_that_somebody_declined_is_not_good() -> None:
    ends = [("a", "ran", RAN), ("b", "skipped", {"reasons": ("declined",)})]
    assert last_lines(ends, exit_code=1) == "✗ 1 ran · 1 skipped · 4.1s\n"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.0, "0.0s"), (0.04, "0.0s"), (9.96, "10.0s"), (59.94, "59.9s"), (59.96, "1m 00s"), (61.0, "1m 01s"),
        (3599.6, "1h 00m"), (3660.0, "1h 01m"), (90000.0, "25h 00m"), (-0.5, "0.0s"),
    ],
)  # fmt: skip
def test_spans_of_time(seconds: float, told: str) -> None:
    assert duration(seconds) == told


def test_amounts_of_memory() -> None:
    assert [memory(size) for size in (1, 1_500_000, 999_000_000, 1_300_000_000)] == ["1 MB", "2 MB", "999 MB", "1.3 GB"]


def test_signals_have_names_where_there_are_some() -> None:
    assert [signal_name(number) for number in (9, 15, 200)] == ["SIGKILL", "SIGTERM", "signal 200"]
