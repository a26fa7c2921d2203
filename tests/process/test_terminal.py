"""trun at a terminal: Ctrl-Z, tasks that own the terminal, and tasks that want it and may not have it."""

from __future__ import annotations

import signal
from signal import SIGINT, SIGKILL, SIGTERM

from tests.kit.process import state_of
from tests.kit.puppet import Puppets
from tests.kit.space import Space
from tests.kit.terminal import CTRL_C, CTRL_Z


def test_ctrl_z_stops_all_and_fg_brings_all_back(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="", b=""))
    shell = space.shell(space.terminal())
    trun = shell.start(["-j2", "a", "b"])
    a, b = puppets.arrive("a"), puppets.arrive("b")
    all_of_them = [a, b, a.spawn("below"), b.spawn("elsewhere", session=True)]
    shell.terminal.type(CTRL_Z)
    shell.stopped()
    assert state_of(trun) == "T"
    for puppet in all_of_them:
        space.wires.until_seen(lambda pid=puppet.pid: state_of(pid) == "T", f"stop of {puppet}")  # type: ignore[misc]
    shell.resume()
    for puppet in reversed(all_of_them):
        puppet.ask("ping")
        puppet.exit()
    assert shell.ended() == 0


def test_ctrl_z_twice_works_as_once(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a=""))
    shell = space.shell(space.terminal())
    shell.start(["a"])
    a = puppets.arrive("a")
    for _ in range(2):
        shell.terminal.type(CTRL_Z)
        shell.stopped()
        space.wires.until_seen(lambda: state_of(a.pid) == "T", "stop of `a`")
        shell.resume()
        a.ask("ping")
    shell.terminal.type(CTRL_C)
    assert shell.ended() == -SIGINT


def test_a_trun_that_is_killed_while_it_is_stopped_leaves_nothing(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a=""))
    shell = space.shell(space.terminal())
    trun = shell.start(["a"])
    a = puppets.arrive("a")
    below = a.spawn("below", session=True)
    shell.terminal.type(CTRL_Z)
    shell.stopped()
    space.wires.until_seen(lambda: state_of(below.pid) == "T", "stop of `below`")
    shell.resume()
    a.ask("ping")
    shell.terminal.type(CTRL_Z)
    shell.stopped()
    space.kill(trun, SIGKILL)
    a.gone(2)
    below.gone(2)


def test_a_signal_that_came_while_it_was_stopped_counts_when_it_goes_on(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a=""))
    shell = space.shell(space.terminal())
    trun = shell.start(["a"])
    a = puppets.arrive("a")
    shell.terminal.type(CTRL_Z)
    shell.stopped()
    space.kill(trun, SIGTERM)
    shell.resume()
    a.gone(3)
    assert shell.ended() == -SIGTERM


def test_a_stop_by_pid_stops_the_tasks(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a=""))
    trun = space.start("--json", "a")
    a = puppets.arrive("a")
    trun.signal(signal.SIGTSTP)
    space.wires.until_seen(lambda: state_of(a.pid) == "T" and state_of(trun.pid) == "T", "stop of `a` and trun")
    trun.signal(signal.SIGCONT)
    a.ask("ping")
    a.exit()
    trun.wait().ok()


def test_the_time_of_a_task_does_not_run_out_while_it_is_stopped_by_hand(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a='retry = { count = 1, delay = "1ms" }'))
    shell = space.shell(space.terminal())
    shell.start(["a"])
    puppets.arrive("a").exit(1)
    second = puppets.arrive("a")
    shell.terminal.type(CTRL_Z)
    shell.stopped()
    shell.resume()
    second.exit()
    assert shell.ended() == 0


# A task that owns the terminal


def test_an_interactive_task_has_the_terminal_and_gives_it_back(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="interactive = true", b='deps = ["a"]'))
    terminal = space.terminal()
    shell = space.shell(terminal)
    before = terminal.modes
    trun = shell.start(["b"])
    a = puppets.arrive("a")
    facts = a.facts()
    assert facts["pgid"] == a.pid
    assert terminal.foreground == a.pid
    assert facts["fds"][0].startswith("/dev/pts/")
    assert facts["fds"][2].startswith("/dev/pts/")
    a.send("read", 0, 100)
    terminal.type(b"typed\n")
    assert a.answer() == b"typed\n"
    a.ask("echo_off", 0)
    assert terminal.modes != before
    a.exit()
    b = puppets.arrive("b")
    assert terminal.foreground == trun
    assert terminal.modes == before
    b.exit()
    assert shell.ended() == 0
    assert terminal.modes == before


def test_a_killed_interactive_task_leaves_the_terminal_as_it_was(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="interactive = true"))
    terminal = space.terminal()
    shell = space.shell(terminal)
    before = terminal.modes
    shell.start(["a"])
    a = puppets.arrive("a")
    a.ask("echo_off", 0)
    a.die(SIGKILL)
    assert shell.ended() == 1
    assert terminal.modes == before


def test_an_interactive_task_that_is_out_of_time_leaves_the_terminal_as_it_was(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a='interactive = true\ntimeout = "2s"'))
    terminal = space.terminal()
    shell = space.shell(terminal)
    before = terminal.modes
    shell.start(["a"])
    a = puppets.arrive("a")
    a.ask("echo_off", 0)
    a.gone()
    assert shell.ended() == 1
    assert terminal.modes == before


def test_a_signal_by_pid_in_an_interactive_task_leaves_the_terminal_as_it_was(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="interactive = true"))
    terminal = space.terminal()
    shell = space.shell(terminal)
    before = terminal.modes
    trun = shell.start(["a"])
    a = puppets.arrive("a")
    a.ask("echo_off", 0)
    space.kill(trun, SIGTERM)
    a.gone(3)
    assert shell.ended() == -SIGTERM
    assert terminal.modes == before


def test_ctrl_c_in_an_interactive_task_ends_it_and_the_run(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="interactive = true", b="priority = -1"))
    terminal = space.terminal()
    shell = space.shell(terminal)
    shell.start(["-j1", "-k", "a", "b"])
    a = puppets.arrive("a")
    terminal.type(CTRL_C)
    a.gone(3)
    assert shell.ended() == -SIGINT
    assert puppets.unseen == []


def test_an_interactive_task_may_keep_ctrl_c_to_itself(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="interactive = true"))
    terminal = space.terminal()
    shell = space.shell(terminal)
    shell.start(["a"])
    a = puppets.arrive("a")
    a.catch(SIGINT)
    terminal.type(CTRL_C)
    assert a.caught() == SIGINT
    a.send("read", 0, 10)
    terminal.type(b"on\n")
    assert a.answer() == b"on\n"
    assert a.pending == []
    a.exit(0)
    assert shell.ended() == 0


def test_ctrl_c_in_an_interactive_task_does_not_reach_the_others(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="interactive = true", b=""))
    terminal = space.terminal()
    shell = space.shell(terminal)
    shell.start(["-j2", "a", "b"])
    a, b = puppets.arrive("a"), puppets.arrive("b")
    a.catch(SIGINT)
    b.catch(SIGINT)
    terminal.type(CTRL_C)
    a.caught()
    b.ask("ping")
    a.ask("ping")
    assert b.pending == []
    a.exit()
    b.exit()
    assert shell.ended() == 0


def test_ctrl_z_in_an_interactive_task_stops_trun_and_fg_goes_on(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="interactive = true"))
    terminal = space.terminal()
    shell = space.shell(terminal)
    before = terminal.modes
    shell.start(["a"])
    a = puppets.arrive("a")
    a.ask("echo_off", 0)
    raw = terminal.modes
    terminal.type(CTRL_Z)
    shell.stopped()
    space.wires.until_seen(lambda: state_of(a.pid) == "T", "stop of `a`")
    assert terminal.modes == before
    shell.resume()
    a.ask("ping")
    assert terminal.foreground == a.pid
    assert terminal.modes == raw
    a.send("read", 0, 10)
    terminal.type(b"x")
    assert a.answer() == b"x"
    a.exit()
    assert shell.ended() == 0
    assert terminal.modes == before


def test_ctrl_z_in_an_interactive_task_stops_the_other_tasks(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="interactive = true", b=""))
    shell = space.shell(space.terminal())
    shell.start(["-j2", "a", "b"])
    a, b = puppets.arrive("a"), puppets.arrive("b")
    shell.terminal.type(CTRL_Z)
    shell.stopped()
    space.wires.until_seen(lambda: state_of(b.pid) == "T", "stop of `b`")
    shell.resume()
    b.ask("ping")
    a.exit()
    b.exit()
    assert shell.ended() == 0


def test_two_interactive_tasks_have_the_terminal_in_turn(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="interactive = true", b="interactive = true"))
    terminal = space.terminal()
    shell = space.shell(terminal)
    shell.start(["-j2", "a", "b"])
    for _ in range(2):
        puppet = puppets.any_of("a", "b")
        assert terminal.foreground == puppet.pid
        puppet.exit()
    assert shell.ended() == 0


def test_an_interactive_task_without_a_terminal_reads_what_trun_was_given(space: Space, puppets: Puppets) -> None:
    import os

    space.tasks(puppets.tasks(a="interactive = true"))
    ours, theirs = os.pipe()
    trun = space.start("a", stdin=ours)
    os.close(ours)
    os.write(theirs, b"given\n")
    a = puppets.arrive("a")
    assert a.ask("read", 0, 100) == b"given\n"
    os.close(theirs)
    a.exit()
    trun.wait().ok()


def test_closing_the_terminal_ends_an_interactive_task(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="interactive = true"))
    terminal = space.terminal()
    trun = space.start("a", terminal=terminal)
    a = puppets.arrive("a")
    below = a.spawn("below", session=True, orphan=True)
    terminal.hang_up()
    a.gone(3)
    trun.wait(5)
    below.gone(3)
    space.marked.none_left(2)


def test_closing_the_terminal_ends_an_interactive_task_that_is_deaf_to_it(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="interactive = true"))
    terminal = space.terminal()
    trun = space.start("a", terminal=terminal, grace_s=0.3)
    a = puppets.arrive("a")
    a.ignore(signal.SIGHUP)
    terminal.hang_up()
    a.gone(3)
    trun.wait(5)
    space.marked.none_left(2)


# A task that wants what is not its own


def test_a_task_that_reads_from_the_terminal_is_told_and_fails(space: Space) -> None:
    space.tasks('[tasks]\na = "read x < /dev/tty; echo $x > got"\n')
    terminal = space.terminal()
    trun = space.start("--json=events", "a", terminal=terminal)
    ran = trun.wait(5)
    assert ran.code == 1
    assert ran.statuses == {"a": "failed"}
    assert "interactive" in ran.output("a")
    assert not space.has("got")
    terminal.shows("interactive")


def test_a_task_that_changes_the_terminal_is_told_and_fails(space: Space) -> None:
    space.tasks('[tasks]\na = "stty -echo < /dev/tty"\n')
    terminal = space.terminal()
    ran = space.start("--json=events", "a", terminal=terminal).wait(5)
    assert ran.statuses == {"a": "failed"}
    assert "interactive" in ran.output("a")


def test_a_task_may_write_to_the_terminal_itself(space: Space) -> None:
    space.tasks('[tasks]\na = "echo straight > /dev/tty"\n')
    terminal = space.terminal()
    assert space.start("a", terminal=terminal).wait(5).code == 0
    terminal.shows("straight")


def test_keys_typed_at_a_running_trun_reach_no_task(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a=""))
    terminal = space.terminal()
    trun = space.start("a", terminal=terminal)
    a = puppets.arrive("a")
    terminal.type(b"rm -rf\n")
    assert a.ask("read", 0, 10) == b""
    a.exit()
    trun.wait().ok()
