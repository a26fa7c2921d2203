"""Signals: whichever comes, from wherever, everything ends, and trun dies by it."""

from __future__ import annotations

import signal
from signal import SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGTERM, Signals

import pytest

from tests.kit.process import Started
from tests.kit.puppet import Puppet, Puppets
from tests.kit.space import Space
from tests.kit.terminal import CTRL_BACKSLASH, CTRL_C

ALL = (SIGINT, SIGTERM, SIGHUP, SIGQUIT)
BELOW = ["nothing", "stubborn", "session", "daemon"]
GRACE_S = 0.3


def begin(space: Space, puppets: Puppets, below: str, **more: object) -> tuple[Started, Puppet]:
    """A trun with a running task, another one that needs it, and perhaps a difficult process below."""
    space.tasks(puppets.tasks(a="", b='deps = ["a"]'))
    trun = space.start("--json=events", "b", grace_s=GRACE_S, **more)  # type: ignore[arg-type]
    puppet = puppets.arrive("a")
    if below == "stubborn":
        puppet.spawn("below", ignoring=ALL)
    elif below == "session":
        puppet.spawn("below", session=True, ignoring=ALL)
    elif below == "daemon":
        puppet.spawn("below", session=True, orphan=True, ignoring=ALL, closing=(0, 1, 2))
    return trun, puppet


@pytest.mark.parametrize("below", BELOW)
@pytest.mark.parametrize("signum", ALL, ids=lambda signum: signum.name)
def test_a_signal_by_pid_ends_all_and_trun_dies_by_it(
    space: Space, puppets: Puppets, signum: Signals, below: str
) -> None:
    trun, _ = begin(space, puppets, below)
    trun.signal(signum)
    ran = trun.wait()
    assert ran.signal == signum
    space.marked.none_left(2)
    assert ran.statuses == {"a": "cancelled", "b": "cancelled"}
    assert ran.ended("a")["signal"] == signum
    assert ran.events[-1]["exit_code"] == 128 + signum
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("below", BELOW)
@pytest.mark.parametrize(
    ("key", "signum"), [(CTRL_C, SIGINT), (CTRL_BACKSLASH, SIGQUIT)], ids=["ctrl-c", "ctrl-backslash"]
)
def test_a_key_of_the_terminal_ends_all_and_trun_dies_by_it(
    space: Space, puppets: Puppets, key: bytes, signum: Signals, below: str
) -> None:
    terminal = space.terminal()
    trun, _ = begin(space, puppets, below, terminal=terminal)
    terminal.type(key)
    ran = trun.wait()
    assert ran.signal == signum
    space.marked.none_left(2)
    assert ran.statuses == {"a": "cancelled", "b": "cancelled"}
    assert b"Traceback" not in terminal.screen


@pytest.mark.parametrize("below", BELOW)
def test_the_closing_of_its_terminal_ends_all(space: Space, puppets: Puppets, below: str) -> None:
    terminal = space.terminal()
    trun, _ = begin(space, puppets, below, terminal=terminal)
    terminal.hang_up()
    ran = trun.wait()
    assert ran.signal == SIGHUP
    space.marked.none_left(2)
    assert ran.statuses == {"a": "cancelled", "b": "cancelled"}


@pytest.mark.parametrize("below", BELOW)
def test_the_closing_of_the_terminal_of_its_shell_ends_all(space: Space, puppets: Puppets, below: str) -> None:
    space.tasks(puppets.tasks(a=""))
    terminal = space.terminal()
    shell = space.shell(terminal)
    shell.start(["a"], grace_s=GRACE_S)
    puppet = puppets.arrive("a")
    if below != "nothing":
        puppet.spawn("below", session=below != "stubborn", orphan=below == "daemon", ignoring=ALL)
    terminal.hang_up()
    space.marked.none_left(3)


@pytest.mark.parametrize("below", BELOW)
def test_nothing_outlives_a_trun_that_is_killed(space: Space, puppets: Puppets, below: str) -> None:
    trun, _ = begin(space, puppets, below)
    trun.signal(SIGKILL)
    space.marked.none_left(2)
    assert trun.wait().signal == SIGKILL


@pytest.mark.parametrize("signum", ALL, ids=lambda signum: signum.name)
def test_the_same_signal_is_handed_on_once(space: Space, puppets: Puppets, signum: Signals) -> None:
    space.tasks(puppets.tasks(a="", b=""))
    trun = space.start("--json", "-j2", "a", "b")
    a, b = puppets.arrive("a"), puppets.arrive("b")
    below = a.spawn("below")
    for puppet in (a, b, below):
        puppet.catch(*ALL)
    trun.signal(signum)
    for puppet in (a, b, below):
        assert puppet.caught() == signum
    b.write("still here\n")
    trun.until_event("task_output", "b", "still here")
    for puppet in (below, a, b):
        puppet.ask("ping")
        assert puppet.pending == []
        puppet.exit(0)
    ran = trun.wait()
    assert ran.signal == signum
    assert ran.statuses == {"a": "cancelled", "b": "cancelled"}


def test_a_key_reaches_a_task_once(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a=""))
    terminal = space.terminal()
    trun = space.start("a", terminal=terminal)
    a = puppets.arrive("a")
    a.catch(*ALL)
    terminal.type(CTRL_C)
    assert a.caught() == SIGINT
    a.write("still here\n")
    terminal.shows("still here")
    assert a.pending == []
    a.exit(3)
    assert trun.wait().signal == SIGINT


def test_what_a_task_writes_while_it_ends_is_told(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a=""))
    trun = space.start("--json", "a")
    a = puppets.arrive("a")
    a.catch(SIGTERM)
    trun.signal(SIGTERM)
    a.caught()
    a.write("cleaning up\n")
    a.exit(0)
    assert "cleaning up" in trun.wait().output("a")


@pytest.mark.parametrize("second", ALL, ids=lambda signum: signum.name)
def test_a_second_signal_kills_at_once(space: Space, puppets: Puppets, second: Signals) -> None:
    space.tasks(puppets.tasks(a='finally = ": > never"'))
    trun = space.start("--json", "a")
    a = puppets.arrive("a")
    a.catch(*ALL)
    below = a.spawn("below", session=True, ignoring=ALL)
    trun.signal(SIGINT)
    a.caught()
    trun.signal(second)
    a.gone(3)
    below.gone(3)
    ran = trun.wait(3)
    assert ran.signal in (SIGINT, second)
    assert ran.statuses == {"a": "cancelled"}
    assert ran.ended("a")["signal"] == SIGKILL
    assert not space.has("never")


def test_a_second_ctrl_c_kills_at_once(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a=""))
    terminal = space.terminal()
    trun = space.start("a", terminal=terminal)
    a = puppets.arrive("a")
    a.catch(SIGINT)
    terminal.type(CTRL_C)
    a.caught()
    terminal.type(CTRL_C)
    a.gone(3)
    assert trun.wait(3).signal == SIGINT
    space.marked.none_left(2)


def test_nothing_new_starts_after_a_signal(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="priority = 1", b="", c='deps = ["a"]'))
    trun = space.start("--json", "-j1", "a", "b", "c")
    a = puppets.arrive("a")
    a.catch(SIGTERM)
    trun.signal(SIGTERM)
    a.caught()
    a.exit(0)
    ran = trun.wait()
    assert ran.order == ["a"]
    assert ran.statuses == {"a": "cancelled", "b": "cancelled", "c": "cancelled"}


def test_what_had_ended_before_a_signal_keeps_its_status(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="", b='deps = ["a"]'))
    trun = space.start("--json", "b")
    puppets.arrive("a").exit()
    puppets.arrive("b")
    trun.signal(SIGTERM)
    assert trun.wait().statuses == {"a": "ran", "b": "cancelled"}


def test_an_ignored_hangup_stays_ignored(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a=""))
    trun = space.start("--json", "a", preexec_fn=lambda: signal.signal(SIGHUP, signal.SIG_IGN))
    a = puppets.arrive("a")
    assert SIGHUP in a.facts()["ignored"]
    assert SIGTERM not in a.facts()["ignored"]
    trun.signal(SIGHUP)
    a.write("still here\n")
    trun.until_event("task_output", "a", "still here")
    a.exit()
    trun.wait().ok()


def test_an_ignored_interrupt_stays_ignored(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a=""))
    trun = space.start("--json", "a", preexec_fn=lambda: signal.signal(SIGINT, signal.SIG_IGN))
    a = puppets.arrive("a")
    assert SIGINT in a.facts()["ignored"]
    trun.signal(SIGINT)
    a.write("still here\n")
    trun.until_event("task_output", "a", "still here")
    trun.signal(SIGTERM)
    assert trun.wait().signal == SIGTERM


def signal_masks(status: str) -> dict[str, int]:
    """What /proc tells of signals, but for the two that glibc keeps to itself and ignores in whatever it spawns."""
    fields = dict(line.split(":\t") for line in status.splitlines() if line.startswith(("SigBlk", "SigIgn", "SigCgt")))
    assert len(fields) == 3
    return {name: int(mask, 16) & ~(0b11 << 31) for name, mask in fields.items()}


@pytest.mark.parametrize("key", ["", "interactive = true", "detach = true"], ids=["plain", "interactive", "detach"])
def test_a_task_begins_with_the_ordinary_signals(space: Space, key: str) -> None:
    space.tasks(f'[tasks.a]\n{key}\nrun = "exec cat /proc/self/status > got"\n')
    space.run("a").ok()
    assert signal_masks(space.read("got")) == {"SigBlk": 0, "SigIgn": 0, "SigCgt": 0}


def test_a_var_that_takes_long_gives_way_to_a_signal(space: Space, puppets: Puppets) -> None:
    space.tasks(f'[vars]\nv = {{ cmd = {puppets.run("var")[6:]} }}\n[tasks]\na = "echo {{{{v}}}}"\n')
    trun = space.start("--json", "a")
    puppets.arrive("var")
    trun.signal(SIGINT)
    ran = trun.wait(5)
    assert ran.signal == SIGINT
    assert ran.statuses == {"a": "cancelled"}
    space.marked.none_left(2)


def test_a_finally_that_hangs_gives_way_to_a_second_signal(space: Space, puppets: Puppets) -> None:
    space.tasks(f"[tasks.a]\n{puppets.cmd('a')}\nfinally = {puppets.run('last')[6:]}\n")
    trun = space.start("--json", "a")
    puppets.arrive("a")
    trun.signal(SIGINT)
    last = puppets.arrive("last")
    trun.signal(SIGINT)
    last.gone(3)
    assert trun.wait(3).signal == SIGINT


def test_a_finally_that_hangs_is_killed_after_the_grace_time(space: Space, puppets: Puppets) -> None:
    space.tasks(f"[tasks.a]\n{puppets.cmd('a')}\nfinally = {puppets.run('last')[6:]}\n")
    trun = space.start("--json", "a", grace_s=GRACE_S)
    puppets.arrive("a")
    trun.signal(SIGINT)
    puppets.arrive("last").gone(5)
    assert trun.wait(3).signal == SIGINT


@pytest.mark.slow
def test_the_grace_time_is_ten_seconds(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a=""))
    trun = space.start("--json", "a")
    a = puppets.arrive("a")
    a.ignore(SIGTERM)
    trun.signal(SIGTERM)
    ran = trun.wait(20)
    assert ran.signal == SIGTERM
    assert 9.5 < ran.events[-1]["time"] - ran.of("task_started")[0]["time"] < 13


@pytest.mark.slow
@pytest.mark.parametrize("signum", [SIGINT, SIGTERM, SIGHUP, SIGKILL], ids=lambda signum: signum.name)
def test_a_signal_at_any_moment_leaves_nothing_behind(space: Space, signum: Signals) -> None:
    space.tasks('[tasks]\na = "exec sleep 60"\nb = "setsid sleep 60 & exec sleep 60"\n')
    for moment in range(40):
        trun = space.start("--json=events", "-j2", "a", "b")
        space.wires.pass_by(moment * 0.01)
        trun.signal(signum)
        ran = trun.wait(5)
        space.marked.none_left(2)
        if "Traceback" in ran.stderr and "/runner/" not in ran.stderr:
            continue  # the interpreter itself, before trun's first line
        assert ran.signal == signum, f"after {moment * 10} ms: {ran!r}"
        assert "Traceback" not in ran.stderr, f"after {moment * 10} ms: {ran!r}"
