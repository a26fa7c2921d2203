"""Signals to a trun that runs one command: handed on, nothing left, nothing kept, and trun dies by them."""

from __future__ import annotations

import os
import signal
from signal import SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGTERM, Signals
from subprocess import DEVNULL

import pytest

from tests.kit.puppet import Puppets
from tests.kit.space import Space
from tests.kit.terminal import CTRL_C

GRACE_S = 0.3


def words(puppets: Puppets, *options: str) -> tuple[str, ...]:
    return ("--exec", *options, "--", *puppets.argv("a"))


@pytest.mark.parametrize("signum", [SIGINT, SIGTERM, SIGHUP, SIGQUIT], ids=lambda signum: signum.name)
def test_a_signal_is_handed_on_and_trun_dies_by_it(space: Space, puppets: Puppets, signum: Signals) -> None:
    trun = space.start(*words(puppets), grace_s=GRACE_S)
    puppet = puppets.arrive("a")
    puppet.catch(signum)
    stubborn = puppet.spawn("below", ignoring=(SIGINT, SIGTERM, SIGHUP, SIGQUIT))
    trun.signal(signum)
    assert puppet.caught() == signum
    ran = trun.wait()
    assert ran.signal == signum
    assert ran.stdout == ""
    assert "Traceback" not in ran.stderr
    stubborn.gone()
    space.marked.none_left(2)


def test_what_an_interrupted_command_exits_with_is_not_kept(space: Space, puppets: Puppets) -> None:
    trun = space.start(*words(puppets))
    puppet = puppets.arrive("a")
    puppet.catch(SIGTERM)
    trun.signal(SIGTERM)
    assert puppet.caught() == SIGTERM
    puppet.exit(0)
    assert trun.wait().signal == SIGTERM
    again = space.start(*words(puppets))
    puppets.arrive("a").exit(4)
    assert again.wait().code == 4


def test_ctrl_c_reaches_the_command_once(space: Space, puppets: Puppets) -> None:
    terminal = space.terminal()
    trun = space.start(*words(puppets), terminal=terminal)
    puppet = puppets.arrive("a")
    puppet.catch(SIGINT)
    terminal.type(CTRL_C)
    assert puppet.caught() == SIGINT
    puppet.exit(130)
    assert trun.wait().signal == SIGINT
    assert puppet.pending == []
    assert b"Traceback" not in terminal.screen


def test_a_second_signal_kills_at_once(space: Space, puppets: Puppets) -> None:
    trun = space.start(*words(puppets))
    puppet = puppets.arrive("a")
    puppet.catch(SIGTERM)
    trun.signal(SIGTERM)
    assert puppet.caught() == SIGTERM
    trun.signal(SIGTERM)
    puppet.gone()
    assert trun.wait().signal == SIGTERM
    space.marked.none_left(2)


def test_nothing_outlives_a_trun_that_is_killed_and_the_next_one_runs_it(space: Space, puppets: Puppets) -> None:
    trun = space.start(*words(puppets, "--outputs", "made"))
    puppets.arrive("a").spawn("below", session=True)
    space.write({"made": "half"})
    trun.signal(SIGKILL)
    assert trun.wait().signal == SIGKILL
    space.marked.none_left(2)
    again = space.start(*words(puppets, "--outputs", "made"))
    puppet = puppets.arrive("a")
    space.write({"made": "whole"})
    puppet.exit(0)
    again.wait().ok()


def test_who_waits_for_another_can_be_interrupted(space: Space, puppets: Puppets) -> None:
    first = space.start(*words(puppets))
    puppet = puppets.arrive("a")
    second = space.start("-v", *words(puppets))
    space.wires.until(lambda: b"waits for process" in second.stderr, "the second one waits")
    second.signal(SIGTERM)
    assert second.wait().signal == SIGTERM
    puppet.exit(3)
    assert first.wait().code == 3


def test_who_waits_for_one_that_is_killed_runs_it(space: Space, puppets: Puppets) -> None:
    first = space.start(*words(puppets))
    puppets.arrive("a")
    second = space.start("-v", *words(puppets))
    space.wires.until(lambda: b"waits for process" in second.stderr, "the second one waits")
    first.signal(SIGKILL)
    puppets.arrive("a").exit(5)
    assert second.wait().code == 5


@pytest.mark.parametrize("signum", [SIGTERM, SIGKILL, signal.SIGSEGV], ids=lambda signum: signum.name)
def test_a_command_that_dies_by_a_signal_kills_nobody_else(space: Space, puppets: Puppets, signum: Signals) -> None:
    trun = space.start(*words(puppets))
    puppets.arrive("a").die(signum)
    ran = trun.wait()
    assert (ran.code, ran.signal, ran.stderr) == (128 + signum, None, "")


def test_a_limit_of_time_ends_it_and_nothing_is_kept(space: Space) -> None:
    for _ in range(2):
        ran = space.run("--exec", "--timeout", "50ms", "--", "sleep", "60")
        assert ran.code == 1
        assert ran.stderr.startswith("error: the command took longer than ")
    space.marked.none_left(2)


def test_a_process_that_it_leaves_is_ended_and_told_of(space: Space, puppets: Puppets) -> None:
    trun = space.start(*words(puppets))
    puppet = puppets.arrive("a")
    puppet.spawn("below", session=True, orphan=True)
    puppet.exit(0)
    ran = trun.wait().ok()
    (line,) = ran.stderr.splitlines()
    assert line.startswith("warning: ")
    assert "left" in line
    space.marked.none_left(2)


def test_a_command_has_no_terminal_to_read_from(space: Space, puppets: Puppets) -> None:
    terminal = space.terminal()
    trun = space.start(*words(puppets), terminal=terminal)
    puppet = puppets.arrive("a")
    assert puppet.facts()["fds"][0] == os.devnull
    puppet.exit(0)
    assert trun.wait().code == 0


def test_a_closed_standard_output_harms_nothing(space: Space, puppets: Puppets) -> None:
    trun = space.start(*words(puppets), stderr=DEVNULL)
    puppet = puppets.arrive("a")
    trun.hang_up()
    puppet.write("told\n")
    puppet.exit(3)
    assert trun.wait().code == 3
    assert (space.run(*words(puppets)).code, puppets.unseen) == (3, [])
