"""Several at once: job slots shared with make below, trun below trun, many truns side by side."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys

import pytest

from tests.kit.puppet import Puppet, Puppets
from tests.kit.space import Space

TRUN = f"{sys.executable} -m runner.main"
needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="needs GNU make")


def makefile(puppets: Puppets, prefix: str, count: int = 4) -> str:
    """A Makefile with so many targets, each of them a puppet."""
    names = [f"{prefix}{n}" for n in range(count)]
    rules = "".join(f"{name}:\n\t@exec {puppets.sh(name)}\n" for name in names)
    return f"all: {' '.join(names)}\n.PHONY: all {' '.join(names)}\n{rules}"


def drain(space: Space, puppets: Puppets, names: list[str], at_once: int) -> None:
    """Let puppets arrive and end until all were there; so many run at once, and never one more."""
    left = list(names)
    running: list[Puppet] = []
    while left or running:
        while left and len(running) < at_once:
            puppet = puppets.any_of(*left)
            left.remove(puppet.name)
            running.append(puppet)
            assert len([one for one in puppets.present if one.name in names]) <= at_once
        running.pop(0).exit()


@needs_make
def test_make_below_shares_the_job_slots(space: Space, puppets: Puppets) -> None:
    space.write({"one.mk": makefile(puppets, "a"), "two.mk": makefile(puppets, "b")})
    space.tasks('[tasks]\none = "make -f one.mk"\ntwo = "make -f two.mk"\n')
    trun = space.start("--json", "-j3", "one", "two")
    drain(space, puppets, [f"{letter}{n}" for letter in "ab" for n in range(4)], 3)
    ran = trun.wait().ok()
    assert "warning" not in ran.output("one", "stderr") + ran.output("two", "stderr")


@needs_make
def test_one_make_alone_has_all_the_slots(space: Space, puppets: Puppets) -> None:
    space.write({"one.mk": makefile(puppets, "a", 6)})
    space.tasks('[tasks]\none = "make -f one.mk"\n')
    trun = space.start("--json", "-j4", "one")
    drain(space, puppets, [f"a{n}" for n in range(6)], 4)
    trun.wait().ok()


@needs_make
def test_a_task_gets_a_slot_back_that_make_had(space: Space, puppets: Puppets) -> None:
    space.write({"one.mk": makefile(puppets, "a", 3)})
    space.tasks('[tasks]\none = "make -f one.mk"\n' + puppets.tasks(gate="", late='deps = ["gate"]'))
    trun = space.start("--json", "-j3", "one", "late")
    gate = puppets.arrive("gate")
    made = [puppets.any_of("a0", "a1", "a2"), puppets.any_of("a0", "a1", "a2")]
    gate.exit()
    # Now one of the three slots is free, for the third of make or for the task: either way all come to their turn.
    while not trun.is_over:
        for puppet in [one for one in puppets.present if not one.is_busy]:
            puppet.exit()
        space.wires.turn(0.05)
    assert made
    assert set(trun.wait().ok().statuses.values()) == {"ran"}


@needs_make
def test_the_tokens_of_a_killed_make_are_not_lost(space: Space, puppets: Puppets) -> None:
    space.write({"one.mk": makefile(puppets, "a"), "two.mk": makefile(puppets, "b")})
    space.tasks(
        '[tasks.one]\nallow_failure = true\nrun = "exec make -f one.mk"\n[tasks.two]\ndeps = ["one"]\n'
        'run = "make -f two.mk"\n'
    )
    trun = space.start("--json", "-j3", "two")
    three = [puppets.any_of("a0", "a1", "a2", "a3") for _ in range(3)]
    space.kill(three[0].facts()["ppid"], signal.SIGKILL)
    for puppet in three:
        puppet.exit()
    drain(space, puppets, [f"b{n}" for n in range(4)], 3)
    assert trun.wait().ok().statuses == {"one": "failed", "two": "ran"}


@needs_make
def test_the_flags_of_a_make_above_are_kept(space: Space) -> None:
    space.tasks("[tasks]\na = 'echo \"[$MAKEFLAGS]\"'\n")
    flags = space.events("-j2", "a", env={"MAKEFLAGS": "ks -- X=1"}).ok().output("a")
    words = re.search(r"\[(.*)]", flags)
    assert words is not None
    assert words[1].split()[0] == "ks"
    assert "X=1" in words[1]
    assert "-j2" in words[1].split()


@needs_make
def test_one_job_lets_make_have_one(space: Space, puppets: Puppets) -> None:
    space.write({"one.mk": makefile(puppets, "a", 3)})
    space.tasks('[tasks]\none = "make -f one.mk"\n')
    trun = space.start("--json", "-j1", "one")
    drain(space, puppets, ["a0", "a1", "a2"], 1)
    trun.wait().ok()


def test_the_jobserver_can_be_off(space: Space) -> None:
    space.tasks('[run]\njobserver = "off"\n[tasks]\na = "env"\n')
    assert "MAKEFLAGS" not in space.events("a").ok().output("a")


# trun below trun


def test_trun_runs_below_trun(space: Space) -> None:
    space.tasks(f'[tasks]\nouter = "{TRUN} -q inner"\ninner = "echo inner > got"\n')
    space.run("-j1", "outer", limit_s=15).ok()
    assert space.read("got") == "inner\n"


def test_trun_runs_below_trun_in_another_project(space: Space) -> None:
    space.tasks(f'[tasks]\na = "{TRUN} -q -C other a"\n')
    space.write({"other/tasks.toml": '[tasks]\na = "echo other > got"\n'})
    space.run("a", limit_s=15).ok()
    assert space.read("other/got") == "other\n"


def test_a_task_that_runs_itself_is_refused(space: Space) -> None:
    space.tasks(f'[tasks]\na = "{TRUN} a"\n')
    ran = space.events("a", limit_s=15)
    assert ran.code == 1
    assert ran.ended("a")["exit_code"] == 2
    assert "`a`" in ran.output("a", "stderr")


def test_a_task_that_runs_what_needs_it_is_refused(space: Space) -> None:
    space.tasks(f'[tasks]\na = "{TRUN} b"\n[tasks.b]\ndeps = ["a"]\nrun = "true"\n')
    ran = space.events("a", limit_s=15)
    assert ran.code == 1
    assert ran.ended("a")["exit_code"] == 2


def test_an_interrupt_reaches_the_tasks_of_a_trun_below(space: Space, puppets: Puppets) -> None:
    space.tasks(f'[tasks.outer]\nrun = "exec {TRUN} -q inner"\n' + puppets.tasks(inner=""))
    trun = space.start("--json", "outer")
    inner = puppets.arrive("inner")
    inner.catch(signal.SIGINT)
    trun.signal(signal.SIGINT)
    assert inner.caught() == signal.SIGINT
    inner.exit()
    ran = trun.wait()
    assert ran.signal == signal.SIGINT
    assert ran.ended("outer")["signal"] == signal.SIGINT
    space.marked.none_left(2)


@pytest.mark.parametrize("which", ["outer", "inner"])
def test_a_killed_trun_leaves_nothing_of_a_trun_below(space: Space, puppets: Puppets, which: str) -> None:
    space.tasks(f'[tasks.outer]\nrun = "exec {TRUN} -q inner"\n' + puppets.tasks(inner="", other=""))
    trun = space.start("--json", "-j2", "-k", "outer", "other")
    inner, other = puppets.arrive("inner"), puppets.arrive("other")
    daemon = inner.spawn("daemon", session=True, orphan=True)
    if which == "outer":
        trun.signal(signal.SIGKILL)
    else:
        below = next(pid for pid, line in space.marked.alive().items() if "-q inner" in line and "runner.main" in line)
        space.kill(below, signal.SIGKILL)
    inner.gone(2)
    daemon.gone(2)
    if which == "inner":
        other.exit()
        assert trun.wait().statuses == {"outer": "failed", "other": "ran"}
    space.marked.none_left(2)


def test_a_trun_below_shares_the_job_slots(space: Space, puppets: Puppets) -> None:
    names = ["p0", "p1", "p2", "p3"]
    space.tasks(
        f'[tasks.outer]\nrun = "exec {TRUN} -q {" ".join(names)}"\n'
        + puppets.tasks(other="", **dict.fromkeys(names, ""))
    )
    trun = space.start("--json", "-j3", "outer", "other")
    other = puppets.arrive("other")
    drain(space, puppets, names, 2)
    other.exit()
    trun.wait().ok()


@needs_make
def test_trun_below_make_shares_its_job_slots(space: Space, puppets: Puppets) -> None:
    names = ["p0", "p1", "p2", "p3", "p4"]
    space.tasks(puppets.tasks(**dict.fromkeys(names, "")))
    rules = f"tasks:\n\t+@{TRUN} -q {' '.join(names)}\nother:\n\t@{puppets.sh('other')}\n"
    space.write({"Makefile": f"all: other tasks\n{rules}"})
    make = subprocess.Popen(["make", "-j2"], cwd=space.root, env=space.environ)
    other = puppets.arrive("other")
    drain(space, puppets, names[:3], 1)
    other.exit()
    drain(space, puppets, names[3:], 2)
    assert make.wait(20) == 0


@needs_make
@pytest.mark.parametrize("how", ["ends", "fails", "is interrupted"])
def test_all_slots_come_back_to_the_make_above(space: Space, puppets: Puppets, how: str) -> None:
    first, then = ["p0", "p1"], ["q0", "q1", "q2"]
    space.tasks(puppets.tasks(**dict.fromkeys(first, "")))
    rules = "".join(f"{name}: one\n\t@{puppets.sh(name)}\n" for name in then)
    space.write({"Makefile": f"all: {' '.join(then)}\none:\n\t-+@{TRUN} -q {' '.join(first)}\n{rules}"})
    make = subprocess.Popen(["make", "-j2"], cwd=space.root, env=space.environ, stderr=subprocess.DEVNULL)
    running = [puppets.arrive(name) for name in first]
    if how == "is interrupted":
        lines = space.marked.alive().items()
        space.kill(next(pid for pid, line in lines if line.startswith(f"{TRUN} -q")), signal.SIGTERM)
    else:
        for puppet in running:
            puppet.exit(how == "fails")
    for puppet in running:
        puppet.gone(5)
    drain(space, puppets, then, 2)
    assert make.wait(20) == 0


@pytest.mark.parametrize("keys", ["weight = 2", "weight = 4", "weight = 100", "exclusive = true"])
def test_a_heavy_task_below_one_job_comes_to_its_turn(space: Space, keys: str) -> None:
    space.tasks(
        f'[tasks.outer]\nrun = "{TRUN} -q heavy light"\n[tasks.heavy]\n{keys}\nrun = "echo heavy >> got"\n'
        '[tasks.light]\nrun = "echo light >> got"\n'
    )
    space.run("-j1", "outer", limit_s=15).ok()
    assert sorted(space.read("got").split()) == ["heavy", "light"]


# Side by side


def test_two_runs_in_one_project_do_not_disturb_each_other(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="", b=""))
    first, second = space.start("--json", "a"), space.start("--json", "b")
    a, b = puppets.arrive("a"), puppets.arrive("b")
    first.signal(signal.SIGTERM)
    a.gone(3)
    assert first.wait().signal == signal.SIGTERM
    b.ask("ping")
    b.exit()
    second.wait().ok()


@pytest.mark.slow
def test_fifty_runs_at_once_are_all_right(space: Space) -> None:
    space.tasks(
        '[tasks.a]\nargs.n = { positional = true }\nrun = "echo {{n}} > out-{{n}}"\n'
        "[tasks.b]\nargs.n = { positional = true }\n"
        'run = [{ task = "a", args = { n = "{{n}}" } }, "cp out-{{n}} copy-{{n}}"]\n'
    )
    runs = [space.start("b", str(n)) for n in range(50)]
    for trun in runs:
        trun.wait(120).ok()
    assert [space.read(f"copy-{n}") for n in range(50)] == [f"{n}\n" for n in range(50)]
    space.marked.none_left(2)


@pytest.mark.slow
def test_a_thousand_tasks_leave_nothing(space: Space) -> None:
    space.tasks("[tasks]\n" + "".join(f't{n} = "true"\n' for n in range(1000)) + '[tasks.all]\ndeps = ["t*"]\n')
    ran = space.events("-j8", "all", limit_s=60).ok()
    assert ran.events[-1]["counts"]["ran"] == 1000
    space.marked.none_left(2)


def test_a_shell_that_waits_sees_how_trun_ended(space: Space, puppets: Puppets) -> None:
    space.tasks('[tasks]\na = "kill -TERM $(cat pid); sleep 20"\n')
    done = subprocess.run(
        ["bash", "-c", f"sh -c 'echo $$ > pid; exec {TRUN} a'; echo $?"],
        cwd=space.root,
        env=space.environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert done.stdout.split()[-1] == "143"
