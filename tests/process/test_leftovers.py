"""What tasks leave behind, what they inherit, and what becomes of all that when something is killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.kit.process import state_of
from tests.kit.puppet import Puppets
from tests.kit.space import Space


def test_a_process_that_is_left_does_not_hold_the_run_and_ends_with_it(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="", b='deps = ["a"]'))
    trun = space.start("--json", "b")
    a = puppets.arrive("a")
    left = a.spawn("left")
    a.write("last words\n")
    a.exit()
    b = puppets.arrive("b")
    left.ask("ping")  # it may live as long as the run
    b.exit()
    ran = trun.wait().ok()
    left.gone(1)
    assert ran.statuses == {"a": "ran", "b": "ran"}
    assert ran.output("a") == "last words\n"
    assert any(str(left.pid) in event["message"] for event in ran.of("warning"))


def test_a_process_that_is_left_in_a_session_of_its_own_is_told_and_ended(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a=""))
    trun = space.start("--json", "a")
    a = puppets.arrive("a")
    left = a.spawn("left", session=True, orphan=True)
    a.exit()
    ran = trun.wait().ok()
    left.gone(1)
    told = [event["message"] for event in ran.of("warning")]
    assert any(str(left.pid) in message and "`a`" in message for message in told), told
    space.marked.none_left(2)


def test_a_process_that_is_left_is_ended_politely(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a=""))
    trun = space.start("--json", "a")
    a = puppets.arrive("a")
    left = a.spawn("left", session=True)
    left.catch(signal.SIGTERM)
    a.exit()
    assert left.caught() == signal.SIGTERM
    left.exit()
    trun.wait().ok()


def test_a_process_that_is_left_and_deaf_is_killed(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a=""))
    trun = space.start("--json", "a")
    a = puppets.arrive("a")
    left = a.spawn("left", session=True, orphan=True, ignoring=(signal.SIGTERM, signal.SIGHUP), closing=(0, 1, 2))
    a.exit()
    trun.wait(10).ok()
    left.gone(1)


def test_what_is_left_of_a_failed_task_ends_too(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a=""))
    trun = space.start("--json", "a")
    a = puppets.arrive("a")
    left = a.spawn("left")
    a.exit(1)
    assert trun.wait().code == 1
    left.gone(1)


def test_what_writes_for_ever_does_not_hold_the_run(space: Space) -> None:
    space.tasks('[tasks]\na = "yes & echo mine"\n')
    ran = space.run("a", limit_s=10)
    assert ran.returncode == 0
    assert "mine" in ran.stdout
    space.marked.none_left(2)


def test_detach_lets_live_on_what_a_task_leaves(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="detach = true", b='deps = ["a"]'))
    trun = space.start("--json", "b")
    a = puppets.arrive("a")
    same_group = a.spawn("same group")
    daemon = a.spawn("daemon", session=True, orphan=True, closing=(0, 1, 2))
    a.exit()
    puppets.arrive("b").exit()
    ran = trun.wait().ok()
    assert not ran.of("warning")
    same_group.ask("ping")
    daemon.ask("ping")
    space.marked.none_left(2, same_group.pid, daemon.pid)  # and nothing of trun itself


def test_what_lives_on_may_go_on_writing(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="detach = true"))
    trun = space.start("--json", "a")
    a = puppets.arrive("a")
    daemon = a.spawn("daemon", session=True, orphan=True, ignoring=(signal.SIGPIPE,))
    a.exit()
    trun.wait().ok()
    daemon.ask("ping")


def test_a_task_that_detaches_ends_with_the_run_while_it_runs_itself(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="detach = true"))
    trun = space.start("--json", "a")
    a = puppets.arrive("a")
    trun.signal(signal.SIGTERM)
    a.gone(3)
    assert trun.wait(3).statuses == {"a": "cancelled"}
    space.marked.none_left(2)


def test_what_was_detached_lives_on_after_an_interrupt_of_the_run(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="detach = true", b='deps = ["a"]'))
    trun = space.start("--json", "b")
    a = puppets.arrive("a")
    daemon = a.spawn("daemon", session=True, orphan=True, closing=(0, 1, 2))
    a.exit()
    puppets.arrive("b")
    trun.signal(signal.SIGINT)
    assert trun.wait().signal == signal.SIGINT
    daemon.ask("ping")
    space.marked.none_left(2, daemon.pid)


def test_a_killed_trun_ends_a_detaching_task_that_runs(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="detach = true"))
    trun = space.start("--json", "a")
    a = puppets.arrive("a")
    trun.signal(signal.SIGKILL)
    a.gone(2)
    space.marked.none_left(2)


def test_a_task_that_closes_its_output_early_is_waited_for(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="", b='deps = ["a"]', c=""))
    trun = space.start("--json", "-j2", "b", "c")
    a, c = puppets.arrive("a"), puppets.arrive("c")
    a.ask("close", 1)
    a.ask("close", 2)
    c.write("x\n")
    trun.until_event("task_output", "c")
    assert not [event for event in trun.events if event["event"] == "task_ended"]
    a.exit()
    puppets.arrive("b").exit()
    c.exit()
    trun.wait().ok()


def test_what_a_task_wrote_last_is_never_lost(space: Space) -> None:
    space.tasks("[tasks]\na = \"head -c 60000 /dev/zero | tr '\\\\0' x; echo end\"\n")
    for _ in range(5):
        assert space.events("a").ok().output("a") == "x" * 60000 + "end\n"


def test_what_a_task_wrote_last_is_not_lost_where_another_holds_its_pipe(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a=""))
    trun = space.start("--json", "a")
    a = puppets.arrive("a")
    a.spawn("left", session=True)
    a.write("y" * 50000)
    a.exit()
    assert trun.wait().ok().output("a") == "y" * 50000


# The reaper


def test_a_killed_reaper_fails_what_ran_and_leaves_nothing(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="", b='deps = ["a"]'))
    trun = space.start("--json", "b")
    a = puppets.arrive("a")
    below = a.spawn("below", session=True, orphan=True)
    reaper = a.facts()["ppid"]
    assert reaper != trun.pid, "then this test has to be thought over"
    os.kill(reaper, signal.SIGKILL)
    ran = trun.wait(10)
    assert ran.code == 1
    assert ran.statuses == {"a": "failed", "b": "skipped"}
    assert "Traceback" not in ran.stderr
    a.gone(2)
    below.gone(2)
    space.marked.none_left(2)


def test_with_keep_going_a_killed_reaper_does_not_hang_the_run(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="", b="", c=""))
    trun = space.start("--json", "-k", "-j1", "a", "b", "c")
    first = puppets.any_of("a", "b", "c")
    os.kill(first.facts()["ppid"], signal.SIGKILL)
    first.gone(2)
    while not trun.is_over:
        for puppet in [one for one in puppets.present if not one.is_busy]:
            puppet.exit()
        space.wires.turn(0.05)
    assert trun.wait().code == 1
    space.marked.none_left(2)


# What is inherited


def allowed_fds(facts: dict[str, object]) -> set[int]:
    """The standard streams, and what MAKEFLAGS names."""
    env = facts["env"]
    assert isinstance(env, dict)
    _, _, auth = str(env.get("MAKEFLAGS", "")).partition("--jobserver-auth=")
    auth = auth.split()[0] if auth else ""
    return {0, 1, 2} | {int(fd) for fd in auth.split(",") if fd.isdigit()}


def test_no_descriptor_of_the_caller_reaches_a_task(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="", b="interactive = true"))
    files = [os.open(space.root / "tasks.toml", os.O_RDONLY) for _ in range(20)]
    high = os.dup2(files[0], 200)
    try:
        trun = space.start("--json", "-j1", "a", "b", pass_fds=(*files, high))
        for _ in range(2):
            puppet = puppets.any_of("a", "b")
            facts = puppet.facts()
            assert set(facts["fds"]) <= allowed_fds(facts), (puppet.name, facts["fds"])
            puppet.exit()
        trun.wait().ok()
    finally:
        for fd in (*files, high):
            os.close(fd)


def test_no_descriptor_of_one_task_reaches_another(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="", b="", c="detach = true"))
    trun = space.start("--json", "-j3", "a", "b", "c")
    three = [puppets.arrive(name) for name in "abc"]
    pipes = []
    for puppet in three:
        facts = puppet.facts()
        assert set(facts["fds"]) <= allowed_fds(facts)
        assert facts["fds"][0] == "/dev/null"
        pipes += [facts["fds"][1], facts["fds"][2]]
    assert len(set(pipes)) == 6
    for puppet in three:
        puppet.exit()
    trun.wait().ok()


def test_a_task_has_a_process_group_of_its_own(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="", b=""))
    trun = space.start("--json", "-j2", "a", "b")
    a, b = puppets.arrive("a"), puppets.arrive("b")
    facts = {puppet.name: puppet.facts() for puppet in (a, b)}
    assert facts["a"]["pgid"] == a.pid
    assert facts["b"]["pgid"] == b.pid
    a.exit()
    b.exit()
    trun.wait().ok()


def test_limits_and_umask_are_as_the_caller_has_them(space: Space) -> None:
    space.tasks('[tasks]\na = "umask; ulimit -n; ulimit -c"\n')
    ran = space.events("a", preexec_fn=_limits).ok()
    assert ran.output("a").split() == ["0027", "300", "0"]


def _limits() -> None:
    import resource

    os.umask(0o27)
    resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def test_few_descriptors_are_enough_for_many_tasks(space: Space) -> None:
    space.tasks("[tasks]\n" + "".join(f't{n} = "echo {n}"\n' for n in range(100)))
    ran = space.events("-j50", *(f"t{n}" for n in range(100)), preexec_fn=_few_descriptors)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert set(ran.statuses.values()) == {"ran"}


def _few_descriptors() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))


def test_a_run_leaves_no_file_behind(space: Space) -> None:
    space.tasks('[tasks]\na = "echo x"\nb = "false"\n')
    before = {path.name for path in space.root.iterdir()} | {".trun"}
    space.events("-k", "a", "b")
    space.run("--output", "grouped", "-k", "a", "b")
    assert not list(space.temporary.iterdir())
    assert {path.name for path in space.root.iterdir()} <= before


def test_nothing_of_trun_stays_when_it_has_ended(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a=""))
    trun = space.start("a")
    puppet = puppets.arrive("a")
    reaper = puppet.facts()["ppid"]
    puppet.exit()
    trun.wait().ok()
    assert state_of(reaper) == ""
    assert space.marked.alive() == {}


def test_stopped_from_outside_a_task_goes_on_when_it_is_continued(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="", b=""))
    trun = space.start("--json", "-j2", "a", "b")
    a, b = puppets.arrive("a"), puppets.arrive("b")
    os.kill(a.pid, signal.SIGSTOP)
    space.wires.until_seen(lambda: state_of(a.pid) == "T", "stop of `a`")
    b.write("x\n")
    trun.until_event("task_output", "b")
    os.kill(a.pid, signal.SIGCONT)
    a.exit()
    b.exit()
    trun.wait().ok()


def test_a_stopped_task_is_ended_all_the_same(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a=""))
    trun = space.start("--json", "a")
    a = puppets.arrive("a")
    os.kill(a.pid, signal.SIGSTOP)
    space.wires.until_seen(lambda: state_of(a.pid) == "T", "stop of `a`")
    trun.signal(signal.SIGTERM)
    a.gone(3)
    assert trun.wait(3).signal == signal.SIGTERM


def test_the_program_is_found_on_the_path_of_its_task(space: Space) -> None:
    space.tasks('[tasks.a]\ncmd = ["mine"]\nenv = { PATH = "bin:/usr/bin:/bin" }\n')
    space.write({"bin/mine": "#!/bin/sh\necho mine > got\n"})
    Path(space.root / "bin/mine").chmod(0o755)
    space.run("a").ok()
    assert space.read("got") == "mine\n"
