"""What becomes of a run when a task fails, is slow, is tried again, or must be cleaned up after."""

from __future__ import annotations

import signal

import pytest

from tests.kit.puppet import Puppets
from tests.kit.space import Space

THREE = (
    '[tasks]\nbad = "exit 3"\n[tasks.user]\ndeps = ["bad"]\nrun = "true"\n[tasks.top]\ndeps = ["user"]\nrun = "true"\n'
)


def test_who_needs_a_failed_task_is_skipped(space: Space) -> None:
    space.tasks(THREE)
    ran = space.events("top")
    assert ran.code == 1
    assert ran.statuses == {"bad": "failed", "user": "skipped", "top": "skipped"}
    assert ran.ended("bad")["exit_code"] == 3
    assert any("bad" in reason for reason in ran.ended("user")["reasons"])


def test_after_a_failure_nothing_new_starts_and_what_runs_may_finish(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="", b="", c='deps = ["b"]', d="priority = -1"))
    trun = space.start("--json", "-j2", "a", "c", "d")
    a, b = puppets.arrive("a"), puppets.arrive("b")
    a.exit(1)
    trun.until_event("task_ended", "a")
    space.only(trun, b)
    b.exit()
    ran = trun.wait()
    assert ran.code == 1
    assert ran.statuses == {"a": "failed", "b": "ran", "c": "skipped", "d": "skipped"}
    assert ran.events[-1]["counts"]["skipped"] == 2


def test_keep_going_runs_all_that_does_not_need_the_failed_one(space: Space) -> None:
    space.tasks(THREE + '[tasks.other]\nrun = "true"\npriority = -1\n[tasks.third]\ndeps = ["other"]\nrun = "true"\n')
    ran = space.events("-k", "-j1", "top", "third")
    assert ran.code == 1
    assert ran.statuses == {"bad": "failed", "user": "skipped", "top": "skipped", "other": "ran", "third": "ran"}


@pytest.mark.parametrize("words", [["--keep-going=2"], ["-k=2"]])
def test_keep_going_until_so_many_failures(space: Space, words: list[str]) -> None:
    space.tasks("[tasks]\n" + "".join(f'[tasks.t{n}]\nrun = "false"\npriority = {-n}\n' for n in range(5)))
    ran = space.events(*words, "-j1", *(f"t{n}" for n in range(5)))
    assert ran.code == 1
    assert ran.statuses == {"t0": "failed", "t1": "failed", "t2": "skipped", "t3": "skipped", "t4": "skipped"}


def test_keep_going_never_takes_the_next_word(space: Space) -> None:
    space.tasks('[tasks]\na = "false"\nb = "true"\n')
    assert set(space.events("-k", "a", "b").statuses) == {"a", "b"}


def test_the_file_can_say_keep_going(space: Space) -> None:
    space.tasks('[run]\nkeep_going = true\n[tasks.a]\nrun = "false"\npriority = 1\n[tasks.b]\nrun = "true"\n')
    assert space.events("-j1", "a", "b").statuses == {"a": "failed", "b": "ran"}


def test_a_task_that_a_signal_ended_has_failed_by_that_signal(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a=""))
    trun = space.start("--json", "a")
    puppets.arrive("a").die(signal.SIGSEGV)
    ran = trun.wait()
    assert ran.code == 1
    ended = ran.ended("a")
    assert (ended["status"], ended["exit_code"], ended["signal"]) == ("failed", None, signal.SIGSEGV)


def test_a_command_that_is_not_there_fails_its_task_by_name(space: Space) -> None:
    space.tasks('[tasks.a]\ncmd = ["no-such-program", "x"]\n')
    ran = space.events("a")
    assert ran.code == 1
    assert ran.statuses == {"a": "failed"}
    assert "`no-such-program`" in str(ran.ended("a")["reasons"])


def test_a_file_that_may_not_be_run_fails_its_task_by_name(space: Space) -> None:
    space.tasks('[tasks.a]\ncmd = ["./plain", "x"]\n')
    space.write({"plain": "no program"})
    ran = space.events("a")
    assert ran.statuses == {"a": "failed"}
    assert "`./plain`" in str(ran.ended("a")["reasons"])


def test_a_program_in_another_format_fails_its_task_by_name(space: Space) -> None:
    space.tasks('[tasks.a]\ncmd = ["./odd"]\n')
    space.write({"odd": b"\x7fELF no it is not"})
    (space.root / "odd").chmod(0o755)
    ran = space.events("a")
    assert ran.code == 1
    assert ran.statuses == {"a": "failed"}
    assert "`./odd`" in str(ran.ended("a")["reasons"])


def test_a_folder_that_is_not_there_fails_its_task_by_name(space: Space) -> None:
    space.tasks('[tasks.a]\ndir = "gone"\nrun = "true"\n')
    ran = space.events("a")
    assert ran.code == 1
    assert "gone" in str(ran.ended("a")["reasons"])


def test_an_allowed_failure_fails_neither_the_run_nor_who_needs_it(space: Space) -> None:
    space.tasks('[tasks.a]\nallow_failure = true\nrun = "exit 4"\n[tasks.b]\ndeps = ["a"]\nrun = "true"\n')
    ran = space.events("b").ok()
    assert ran.statuses == {"a": "failed", "b": "ran"}
    assert ran.ended("a")["exit_code"] == 4


def test_an_allowed_failure_stops_nothing_else(space: Space) -> None:
    space.tasks('[tasks.a]\nallow_failure = true\nrun = "exit 4"\npriority = 1\n[tasks.b]\nrun = "true"\n')
    assert space.events("-j1", "a", "b").ok().statuses == {"a": "failed", "b": "ran"}


# Tried again


def test_a_failing_task_is_tried_again(space: Space) -> None:
    space.tasks('[tasks.a]\nretry = 2\nrun = "echo x >> log; test $(wc -l < log) -eq 3"\n')
    ran = space.events("a").ok()
    assert [event["attempt"] for event in ran.of("task_started", "a")] == [1, 2, 3]
    retried = ran.of("task_retried", "a")
    assert [(event["attempt"], event["of"]) for event in retried] == [(1, 3), (2, 3)]
    assert ran.ended("a")["status"] == "ran"
    assert ran.ended("a")["exit_code"] == 0


def test_it_fails_when_all_attempts_have(space: Space) -> None:
    space.tasks('[tasks.a]\nretry = 1\nrun = "echo x >> log; exit 5"\n')
    ran = space.events("a")
    assert ran.code == 1
    assert ran.ended("a")["exit_code"] == 5
    assert space.read("log") == "x\nx\n"


def test_the_time_between_attempts_grows(space: Space) -> None:
    space.tasks('[tasks.a]\nretry = { count = 3, delay = "10ms", backoff = 3.0 }\nrun = "false"\n')
    delays = [event["delay_s"] for event in space.events("a").of("task_retried")]
    assert delays == pytest.approx([0.01, 0.03, 0.09])


def test_the_time_between_attempts_is_waited(space: Space) -> None:
    space.tasks('[tasks.a]\nretry = { count = 1, delay = "60ms" }\nrun = "false"\n')
    ran = space.events("a")
    first, second = ran.of("task_started")
    retried = ran.of("task_retried")[0]
    assert second["time"] - retried["time"] >= 0.055
    assert first["time"] < retried["time"]


def test_only_the_exit_codes_that_are_named_are_tried_again(space: Space) -> None:
    space.tasks(
        '[tasks.flaky]\nretry = { count = 2, exit_codes = [75] }\nrun = "exit 75"\n'
        '[tasks.wrong]\nretry = { count = 2, exit_codes = [75] }\nrun = "exit 1"\n'
    )
    ran = space.events("-k", "flaky", "wrong")
    assert ran.order.count("flaky") == 3
    assert ran.order.count("wrong") == 1


def test_all_steps_are_tried_again(space: Space) -> None:
    space.tasks(
        '[tasks.a]\nretry = 1\nrun = ["echo one >> log", "echo two >> log; test -e flag || { : > flag; exit 1; }"]\n'
    )
    space.run("a").ok()
    assert space.read("log") == "one\ntwo\none\ntwo\n"


def test_a_task_between_attempts_gives_way_to_an_interrupt(space: Space) -> None:
    space.tasks('[tasks.a]\nretry = { count = 5, delay = "1h" }\nrun = "false"\n')
    trun = space.start("--json", "a")
    trun.until_event("task_retried", "a")
    trun.signal(signal.SIGINT)
    ran = trun.wait(limit_s=5)
    assert ran.signal == signal.SIGINT
    assert ran.order == ["a"]


# Out of time


def test_a_task_that_takes_too_long_is_ended(space: Space) -> None:
    space.tasks('[tasks.slow]\ntimeout = "100ms"\nrun = "exec sleep 60"\n[tasks.user]\ndeps = ["slow"]\nrun = "true"\n')
    ran = space.events("user")
    assert ran.code == 1
    assert ran.statuses == {"slow": "timed_out", "user": "skipped"}
    assert ran.ended("slow")["signal"] == signal.SIGTERM


def test_a_task_that_takes_too_long_may_clean_up(space: Space) -> None:
    space.tasks(
        """[tasks.slow]\ntimeout = "1s"\nrun = "trap 'echo bye > log; exit 0' TERM; while :; do sleep 0.01; done"\n"""
    )
    ran = space.events("slow")
    assert ran.code == 1
    assert ran.statuses == {"slow": "timed_out"}
    assert space.read("log") == "bye\n"


def test_all_that_a_slow_task_started_is_ended_with_it(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(slow='timeout = "2s"'))
    trun = space.start("--json", "slow")
    slow = puppets.arrive("slow")
    below = slow.spawn("below")
    below.gone()
    slow.gone()
    assert trun.wait().statuses == {"slow": "timed_out"}


def test_a_task_deaf_to_the_end_of_its_time_is_killed_after_the_grace_time(space: Space) -> None:
    space.tasks("""[tasks.slow]\ntimeout = "1s"\nrun = "trap '' TERM; exec sleep 60"\n""")
    ran = space.events("slow", grace_s=0.1)
    assert ran.statuses == {"slow": "timed_out"}
    assert ran.ended("slow")["signal"] == signal.SIGKILL


def test_a_step_that_ends_after_its_time_was_up_is_not_followed_by_another(space: Space) -> None:
    space.tasks(
        """[tasks.slow]\ntimeout = "1s"\n"""
        """run = ["trap 'exit 0' TERM; while :; do sleep 0.01; done", "echo never > log"]\n"""
    )
    assert space.events("slow").statuses == {"slow": "timed_out"}
    assert not space.has("log")


def test_a_timeout_is_for_all_steps_together(space: Space) -> None:
    space.tasks('[tasks.slow]\ntimeout = "1s"\nrun = ["sleep 0.6", "sleep 0.6", "echo never > log"]\n')
    assert space.events("slow").statuses == {"slow": "timed_out"}
    assert not space.has("log")


def test_each_attempt_has_the_whole_time(space: Space) -> None:
    space.tasks('[tasks.a]\ntimeout = "800ms"\nretry = 1\nrun = "test -e again || { : > again; exec sleep 60; }"\n')
    ran = space.events("a").ok()
    assert ran.statuses == {"a": "ran"}
    assert ran.of("task_retried")[0]["why"] == "timed out"


def test_the_whole_run_can_be_bounded(space: Space) -> None:
    space.tasks(
        '[tasks.a]\nrun = "exec sleep 60"\n[tasks.b]\ndeps = ["a"]\nrun = "true"\n[tasks.c]\n'
        'run = "true"\npriority = 1\n'
    )
    ran = space.events("--timeout", "1s", "-j2", "b", "c")
    assert ran.code == 1
    assert ran.statuses == {"a": "timed_out", "b": "skipped", "c": "ran"}
    assert ran.ended("a")["signal"] == signal.SIGTERM


def test_a_run_in_time_is_not_touched_by_its_bound(space: Space) -> None:
    space.tasks('[tasks]\na = "true"\n')
    space.run("--timeout", "1h", "a", limit_s=10).ok()


# Afterwards


@pytest.mark.parametrize(("line", "code"), [("true", 0), ("exit 3", 1), ("no-such-program-at-all", 1)])
def test_finally_runs_after_success_and_failure(space: Space, line: str, code: int) -> None:
    space.tasks(f'[tasks.a]\nrun = "{line}"\nfinally = "echo done > after"\n')
    assert space.run("a").code == code
    assert space.read("after") == "done\n"


def test_finally_runs_after_all_attempts(space: Space) -> None:
    space.tasks('[tasks.a]\nretry = 1\nrun = "echo try >> log; false"\nfinally = "echo finally >> log"\n')
    assert space.run("a").code == 1
    lines = space.read("log").split()
    assert lines[-1] == "finally"
    assert lines.count("try") == 2


def test_finally_runs_after_a_timeout(space: Space) -> None:
    space.tasks('[tasks.a]\ntimeout = "100ms"\nrun = "exec sleep 60"\nfinally = "echo done > after"\n')
    assert space.events("a").statuses == {"a": "timed_out"}
    assert space.read("after") == "done\n"


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_finally_runs_after_an_interrupt(space: Space, puppets: Puppets, signum: signal.Signals) -> None:
    space.tasks(puppets.tasks(a='finally = "echo done > after"', b='deps = ["a"]\nfinally = "echo never > never"'))
    trun = space.start("--json", "b")
    puppets.arrive("a")
    trun.signal(signum)
    ran = trun.wait()
    assert ran.signal == signum
    assert ran.statuses == {"a": "cancelled", "b": "cancelled"}
    assert space.read("after") == "done\n"
    assert not space.has("never")


def test_finally_runs_before_who_needs_the_task(space: Space) -> None:
    space.tasks('[tasks.a]\nrun = "true"\nfinally = "echo a >> log"\n[tasks.b]\ndeps = ["a"]\nrun = "echo b >> log"\n')
    space.run("b").ok()
    assert space.read("log") == "a\nb\n"


def test_finally_of_a_task_that_never_began_does_not_run(space: Space) -> None:
    space.tasks(
        '[tasks.a]\nrun = "false"\n[tasks.b]\ndeps = ["a"]\nrun = "true"\nfinally = ": > never"\n'
        '[tasks.c]\nwhen = { env = "NOWHERE_SET" }\nrun = "true"\nfinally = ": > never"\n'
    )
    space.run("-k", "b", "c")
    assert not space.has("never")


def test_finally_runs_once_where_a_step_fails(space: Space) -> None:
    space.tasks('[tasks.a]\nrun = ["echo one >> log", "false", "echo three >> log"]\nfinally = "echo end >> log"\n')
    assert space.run("a").code == 1
    assert space.read("log") == "one\nend\n"


def test_the_time_of_finally_is_not_what_the_command_used_up(space: Space) -> None:
    space.tasks('[tasks.a]\ntimeout = "400ms"\nrun = "exec sleep 60"\nfinally = "sleep 0.2; echo done > after"\n')
    space.run("a")
    assert space.read("after") == "done\n"
