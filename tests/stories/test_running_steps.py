"""Tasks of several steps, steps that are tasks, and nodes with arguments."""

from __future__ import annotations

import signal

from tests.kit.puppet import Puppets
from tests.kit.space import Space


def test_steps_run_in_turn_and_stop_at_the_first_failure(space: Space) -> None:
    space.tasks('[tasks]\na = ["echo 1 >> log", "echo 2 >> log; exit 7", "echo 3 >> log"]\n')
    ran = space.events("a")
    assert ran.code == 1
    assert ran.ended("a")["exit_code"] == 7
    assert space.read("log") == "1\n2\n"


def test_a_step_may_be_another_task(space: Space) -> None:
    space.tasks(
        '[tasks]\nb = "echo b >> log"\n[tasks.a]\nrun = ["echo before >> log", { task = "b" }, "echo after >> log"]\n'
    )
    ran = space.events("a").ok()
    assert space.read("log") == "before\nb\nafter\n"
    assert ran.statuses == {"a": "ran", "b": "ran"}


def test_a_task_that_calls_gives_its_slot_to_whom_it_calls(space: Space, puppets: Puppets) -> None:
    run = f'run = [{{ task = "b" }}, {"exec " + puppets.sh("a2")!r}]'
    space.tasks(f"[tasks.a]\n{run}\n[tasks.b]\n{puppets.cmd('b')}\n")
    trun = space.start("--json", "-j1", "a")
    puppets.arrive("b").exit()
    puppets.arrive("a2").exit()
    assert trun.wait().ok().statuses == {"a": "ran", "b": "ran"}


def test_an_exclusive_task_may_call_another(space: Space) -> None:
    space.tasks(
        '[tasks]\nb = "echo b >> log"\n'
        '[tasks.a]\nexclusive = true\nrun = [{ task = "b" }, "echo a >> log"]\n'
        '[tasks.c]\nexclusive = true\nrun = [{ task = "a" }, "echo c >> log"]\n'
    )
    space.run("-j1", "c").ok()
    assert space.read("log") == "b\na\nc\n"


def test_a_task_may_call_one_that_needs_its_own_pool(space: Space) -> None:
    space.tasks(
        '[pools]\ndb = 1\n[tasks.b]\npool = "db"\nrun = "true"\n[tasks.a]\npool = "db"\n'
        'run = [{ task = "b" }, "true"]\n'
    )
    assert space.events("a", limit_s=10).ok().statuses == {"a": "ran", "b": "ran"}


def test_many_callers_at_few_jobs_come_to_an_end(space: Space) -> None:
    calls = "".join(f'[tasks.c{n}]\nweight = 2\nrun = ["true", {{ task = "b{n % 3}" }}, "true"]\n' for n in range(12))
    space.tasks('[tasks]\nb0 = "echo x >> log"\nb1 = "echo x >> log"\nb2 = "echo x >> log"\n' + calls)
    ran = space.events("-j2", *(f"c{n}" for n in range(12))).ok()
    assert set(ran.statuses.values()) == {"ran"}
    assert space.read("log") == "x\n" * 3


def test_a_task_that_is_called_twice_runs_once(space: Space) -> None:
    space.tasks(
        '[tasks]\nb = "echo b >> log"\n'
        '[tasks.a]\nrun = [{ task = "b" }, { task = "b" }, "echo a >> log"]\n'
        '[tasks.c]\ndeps = ["b"]\nrun = [{ task = "b" }, "echo c >> log"]\n'
    )
    space.run("-j4", "a", "c").ok()
    assert sorted(space.read("log").split()) == ["a", "b", "c"]


def test_the_deps_of_a_called_task_come_first(space: Space) -> None:
    space.tasks(
        '[tasks]\nd = "echo d >> log"\n[tasks.b]\ndeps = ["d"]\nrun = "echo b >> log"\n'
        '[tasks.a]\nrun = ["echo a >> log", { task = "b" }]\n'
    )
    space.run("-j1", "a").ok()
    assert space.read("log") == "a\nd\nb\n"


def test_a_called_task_that_fails_fails_its_caller(space: Space) -> None:
    space.tasks('[tasks]\nb = "exit 9"\n[tasks.a]\nrun = [{ task = "b" }, "echo never > log"]\n')
    ran = space.events("a")
    assert ran.code == 1
    assert ran.statuses == {"a": "failed", "b": "failed"}
    assert not space.has("log")


def test_with_keep_going_a_called_task_that_fails_still_fails_its_caller(space: Space) -> None:
    space.tasks('[tasks]\nb = "exit 9"\n[tasks.a]\nrun = [{ task = "b" }, "echo never > log"]\n')
    ran = space.events("-k", "a")
    assert ran.statuses == {"a": "failed", "b": "failed"}


def test_a_called_task_whose_failure_is_allowed_holds_nobody_back(space: Space) -> None:
    space.tasks('[tasks.b]\nallow_failure = true\nrun = "exit 9"\n[tasks.a]\nrun = [{ task = "b" }, "echo on > log"]\n')
    assert space.events("a").ok().statuses == {"a": "ran", "b": "failed"}
    assert space.read("log") == "on\n"


def test_a_called_task_that_is_skipped_holds_nobody_back(space: Space) -> None:
    space.tasks(
        '[tasks.b]\nwhen = { env = "NOWHERE_SET" }\nrun = "exit 9"\n[tasks.a]\n'
        'run = [{ task = "b" }, "echo on > log"]\n'
    )
    assert space.events("a").ok().statuses == {"a": "ran", "b": "skipped"}


def test_a_task_behind_a_failed_step_is_skipped(space: Space) -> None:
    space.tasks('[tasks]\nb = "true"\n[tasks.a]\nrun = ["exit 2", { task = "b" }]\n')
    assert space.events("a").statuses == {"a": "failed", "b": "skipped"}


def test_a_failure_elsewhere_lets_a_caller_call_nobody_new(space: Space, puppets: Puppets) -> None:
    steps = f'[{"exec " + puppets.sh("a1")!r}, {{ task = "b" }}]'
    space.tasks(f"[tasks.a]\nrun = {steps}\n[tasks.b]\n{puppets.cmd('b')}\n[tasks.bad]\n{puppets.cmd('bad')}\n")
    trun = space.start("--json", "-j2", "a", "bad")
    first = puppets.arrive("a1")
    puppets.arrive("bad").exit(1)
    trun.until_event("task_ended", "bad")
    first.exit()
    ran = trun.wait()
    assert ran.code == 1
    assert ran.statuses["b"] == "skipped"
    assert ran.statuses["bad"] == "failed"
    assert "b" not in ran.order


def test_a_circle_of_calls_is_refused_before_anything_runs(space: Space) -> None:
    space.tasks('[tasks.a]\nrun = ["true", { task = "b" }]\n[tasks.b]\nrun = [{ task = "a" }]\n')
    ran = space.events("a").refused()
    assert "a" in ran.stderr
    assert "b" in ran.stderr


def test_a_circle_of_a_call_and_a_dep_is_refused_before_anything_runs(space: Space) -> None:
    space.tasks('[tasks.a]\nrun = ["true", { task = "b" }]\n[tasks.b]\ndeps = ["a"]\nrun = "true"\n')
    space.events("b").refused()


def test_an_interrupt_while_a_called_task_runs_cancels_both(space: Space, puppets: Puppets) -> None:
    space.tasks(f'[tasks.a]\nrun = [{{ task = "b" }}, "echo never > log"]\n[tasks.b]\n{puppets.cmd("b")}\n')
    trun = space.start("--json", "a")
    puppets.arrive("b")
    trun.signal(signal.SIGINT)
    ran = trun.wait()
    assert ran.signal == signal.SIGINT
    assert ran.statuses == {"a": "cancelled", "b": "cancelled"}
    assert not space.has("log")


# Nodes with arguments

BUILD = '[tasks.build]\nrun = "echo {{env}} >> log"\nargs.env = { default = "dev", choices = ["dev", "prod"] }\n'


def test_a_task_with_other_arguments_is_another_node(space: Space) -> None:
    space.tasks(
        BUILD + '[tasks.both]\ndeps = ["build", { task = "build", args = { env = "prod" } }]\nrun = "true"\n'
        '[tasks.again]\ndeps = [{ task = "build", args = { env = "prod" } }]\nrun = "true"\n'
    )
    ran = space.events("both", "again").ok()
    assert set(ran.statuses) == {"build", "build{env=prod}", "both", "again"}
    assert sorted(space.read("log").split()) == ["dev", "prod"]


def test_arguments_that_say_the_default_make_no_other_node(space: Space) -> None:
    space.tasks(BUILD + '[tasks.a]\ndeps = ["build", { task = "build", args = { env = "dev" } }]\nrun = "true"\n')
    assert set(space.events("a").ok().statuses) == {"build", "a"}
    assert space.read("log") == "dev\n"


def test_a_target_with_arguments_is_a_node_of_its_own(space: Space) -> None:
    space.tasks(BUILD)
    ran = space.events("build", "--env", "prod", "build").ok()
    assert set(ran.statuses) == {"build", "build{env=prod}"}


def test_a_step_may_pass_arguments(space: Space) -> None:
    space.tasks(BUILD + '[tasks.all]\nrun = [{ task = "build" }, { task = "build", args = { env = "prod" } }]\n')
    ran = space.events("all").ok()
    assert set(ran.statuses) == {"build", "build{env=prod}", "all"}
    assert space.read("log") == "dev\nprod\n"


def test_a_caller_hands_its_own_arguments_on(space: Space) -> None:
    space.tasks(
        BUILD
        + '[tasks.ship]\nargs.where = { default = "dev" }\nrun = [{ task = "build", args = { env = "{{where}}" } }]\n'
    )
    ran = space.events("ship", "--where", "prod").ok()
    assert space.read("log") == "prod\n"
    assert "build{env=prod}" in ran.statuses
