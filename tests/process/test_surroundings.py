"""Odd surroundings: an empty environment, a vanished folder, a terminal that is paused, processes that will not go."""

from __future__ import annotations

import os
import shutil
import signal
from signal import SIGABRT, SIGALRM, SIGCONT, SIGINT, SIGKILL, SIGSEGV, SIGSTOP, SIGTERM, SIGUSR1, SIGWINCH, Signals

import pytest

from tests.kit.process import MARK, state_of
from tests.kit.puppet import Puppets
from tests.kit.space import Space
from tests.kit.terminal import CTRL_C

CTRL_S = b"\x13"
CTRL_Q = b"\x11"
TOLD = [["--output", "prefixed"], ["--output", "grouped"], ["--json"]]
EVERYTHING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1)


@pytest.mark.parametrize("signum", [SIGUSR1, SIGALRM, SIGSEGV, SIGABRT], ids=lambda signum: signum.name)
def test_nothing_outlives_a_trun_that_dies_of_whatever(space: Space, puppets: Puppets, signum: Signals) -> None:
    space.tasks(puppets.tasks(a=""))
    trun = space.start("a", preexec_fn=_no_core)
    puppets.arrive("a").spawn("below", session=True, orphan=True, ignoring=EVERYTHING)
    trun.signal(signum)
    space.marked.none_left(2)
    assert trun.wait().signal == signum


def _no_core() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def test_signals_that_mean_nothing_change_nothing(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a=""))
    trun = space.start("--json", "a")
    a = puppets.arrive("a")
    for signum in (SIGWINCH, SIGCONT, signal.SIGCHLD, signal.SIGURG):
        trun.signal(signum)
    a.write("on\n")
    trun.until_event("task_output", "a", "on")
    a.exit()
    trun.wait().ok()


def test_a_trun_that_is_frozen_goes_on_where_it_was(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="", b='deps = ["a"]'))
    trun = space.start("--json", "b")
    a = puppets.arrive("a")
    trun.signal(SIGSTOP)
    space.wires.until_seen(lambda: state_of(trun.pid) == "T", "stop of trun")
    a.write("while it slept\n")
    a.exit()
    trun.signal(SIGCONT)
    puppets.arrive("b").exit()
    assert "while it slept" in trun.wait().ok().output("a")


def test_nothing_outlives_a_trun_that_is_killed_while_it_is_frozen(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a=""))
    trun = space.start("a")
    a = puppets.arrive("a")
    trun.signal(SIGSTOP)
    trun.signal(SIGKILL)
    a.gone(2)
    space.marked.none_left(2)


# Processes that will not go


def test_what_forks_for_ever_is_ended_with_the_run(space: Space) -> None:
    space.tasks("[tasks]\na = '(trap \"\" TERM HUP; while :; do sleep 0.02 & sleep 0.01; done) & echo on'\n")
    ran = space.run("a", limit_s=15).ok()
    assert "on" in ran.stdout
    space.marked.none_left(2)


def test_what_forks_for_ever_is_ended_after_a_signal(space: Space, puppets: Puppets) -> None:
    line = "(trap '' TERM; while :; do setsid sleep 0.05 & sleep 0.01; done) & exec " + puppets.sh("a")
    space.write({"a.sh": line})
    space.tasks('[tasks.a]\nfile = "a.sh"\n')
    trun = space.start("a", grace_s=0.2)
    puppets.arrive("a")
    trun.signal(SIGTERM)
    assert trun.wait(5).signal == SIGTERM
    space.marked.none_left(2)


def test_what_forks_for_ever_is_ended_when_trun_is_killed(space: Space, puppets: Puppets) -> None:
    line = "(trap '' TERM HUP; while :; do setsid sleep 0.05 & sleep 0.01; done) & exec " + puppets.sh("a")
    space.write({"a.sh": line})
    space.tasks('[tasks.a]\nfile = "a.sh"\n')
    trun = space.start("a")
    puppets.arrive("a")
    trun.signal(SIGKILL)
    space.marked.none_left(3)


def test_a_process_that_is_left_and_stopped_is_ended(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a=""))
    trun = space.start("--json", "a")
    a = puppets.arrive("a")
    left = a.spawn("left", session=True, orphan=True)
    os.kill(left.pid, SIGSTOP)
    space.wires.until_seen(lambda: state_of(left.pid) == "T", "stop of `left`")
    a.exit()
    trun.wait(10).ok()
    left.gone(1)


def test_a_process_that_is_left_without_an_environment_is_ended(space: Space, puppets: Puppets) -> None:
    space.write({"a.sh": f"env -i setsid {puppets.sh('left')} &\nexec {puppets.sh('a')}\n"})
    space.tasks('[tasks.a]\nfile = "a.sh"\n')
    trun = space.start("--json", "a")
    a, left = puppets.arrive("a"), puppets.arrive("left")
    a.exit()
    ran = trun.wait(10).ok()
    left.gone(1)
    assert any(str(left.pid) in event["message"] for event in ran.of("warning"))


def test_what_a_var_or_a_condition_leaves_is_ended(space: Space, puppets: Puppets) -> None:
    space.write(
        {
            "v.sh": f"setsid {puppets.sh('var')} > /dev/null 2>&1 &\necho value",
            "w.sh": f"setsid {puppets.sh('when')} > /dev/null 2>&1 &",
        }
    )
    space.tasks(
        '[vars]\nv = { cmd = "sh v.sh" }\n[tasks.a]\nwhen = { cmd = "sh w.sh" }\n'
        f"env = {{ V = '{{{{v}}}}' }}\n{puppets.cmd('a')}\n"
    )
    trun = space.start("--json", "a")
    left = [puppets.arrive("var"), puppets.arrive("when")]
    puppets.arrive("a").exit()
    trun.wait(10).ok()
    for puppet in left:
        puppet.gone(1)


def test_orphans_that_ended_are_buried(space: Space, puppets: Puppets) -> None:
    space.write({"a.sh": f"for i in 1 2 3 4 5 6 7 8 9; do (true & true & true &); done\nexec {puppets.sh('a')}\n"})
    space.tasks('[tasks.a]\nfile = "a.sh"\n')
    trun = space.start("a")
    a = puppets.arrive("a")
    reaper = a.facts()["ppid"]

    def unburied() -> list[int]:
        found = []
        for pid in (int(name) for name in os.listdir("/proc") if name.isdigit()):
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] == "Z" and int(fields[1]) in (reaper, trun.pid):
                found.append(pid)
        return found

    space.wires.until_seen(lambda: not unburied(), "burial of the orphans", 5)
    a.exit()
    trun.wait().ok()


def test_an_interrupt_while_very_much_starts_leaves_nothing(space: Space) -> None:
    space.tasks("[tasks]\n" + "".join(f't{n} = "exec sleep 60"\n' for n in range(100)))
    trun = space.start("--json", "-j100", *(f"t{n}" for n in range(100)), grace_s=2)
    trun.until_event("task_started", "t40")
    trun.signal(SIGINT)
    ran = trun.wait(15)
    assert ran.signal == SIGINT
    assert set(ran.statuses.values()) == {"cancelled"}
    assert len(ran.statuses) == 100
    space.marked.none_left(2)


# Output that goes nowhere


@pytest.mark.slow
@pytest.mark.parametrize(
    "output", [["--output", "prefixed"], ["--output", "grouped"], ["--json"]], ids=lambda it: it[-1]
)
def test_an_interrupt_ends_a_trun_whose_output_nobody_reads(space: Space, puppets: Puppets, output: list[str]) -> None:
    space.tasks(puppets.tasks(a=""))
    trun = space.start(*output, "a")
    trun.read_no_more()
    a = puppets.arrive("a")
    a.ask("flood", 1, 2_000_000)
    trun.signal(SIGINT)
    a.gone(3)
    assert trun.wait(12).signal == SIGINT  # the grace time is for this, too


@pytest.mark.parametrize("output", TOLD, ids=lambda words: words[-1])
def test_a_second_interrupt_does_not_wait_for_who_does_not_read(
    space: Space, puppets: Puppets, output: list[str]
) -> None:
    space.tasks(puppets.tasks(a=""))
    trun = space.start(*output, "a")
    trun.read_no_more()
    a = puppets.arrive("a")
    a.ask("flood", 1, 2_000_000)
    a.catch(SIGINT)
    trun.signal(SIGINT)
    a.caught()
    trun.signal(SIGINT)
    a.gone(3)
    assert trun.wait(3).signal == SIGINT


def test_a_paused_terminal_harms_no_task(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="", b='deps = ["a"]'))
    terminal = space.terminal()
    trun = space.start("b", terminal=terminal)
    a = puppets.arrive("a")
    a.write("before\n")
    terminal.shows("before")
    terminal.type(CTRL_S)
    a.ask("flood", 1, 500_000)
    a.exit()
    puppets.arrive("b").exit()
    terminal.type(CTRL_Q)
    trun.wait().ok()


def test_ctrl_c_ends_a_trun_at_a_paused_terminal(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a=""))
    terminal = space.terminal()
    trun = space.start("a", terminal=terminal)
    a = puppets.arrive("a")
    a.write("before\n")
    terminal.shows("before")
    terminal.type(CTRL_S)
    a.ask("flood", 1, 500_000)
    terminal.type(CTRL_C)
    a.gone(3)
    assert trun.wait(10).signal == SIGINT


def test_a_terminal_keeps_its_modes(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a=""))
    terminal = space.terminal()
    shell = space.shell(terminal)
    before = terminal.modes
    trun = shell.start(["a"])
    a = puppets.arrive("a")
    a.write("x\n")
    terminal.shows("x")
    space.kill(trun, SIGKILL)
    a.gone(2)
    assert shell.ended() == -SIGKILL
    assert terminal.modes == before


def test_a_terminal_of_no_size_is_good_enough(space: Space) -> None:
    space.tasks('[tasks]\na = "echo hello"\n')
    terminal = space.terminal()
    terminal.resize(0, 0)
    assert space.start("a", terminal=terminal).wait().code == 0
    terminal.shows("hello")


def test_a_terminal_that_becomes_tiny_is_good_enough(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a=""))
    terminal = space.terminal()
    trun = space.start("a", terminal=terminal)
    a = puppets.arrive("a")
    for columns in (1, 2, 5, 300):
        terminal.resize(1, columns)
        a.write(f"columns {columns}\n")
        terminal.shows(f"columns {columns}"[:1])
    a.exit()
    assert trun.wait().code == 0


@pytest.mark.parametrize("term", ["dumb", "", "no-such-terminal", None])
def test_any_terminal_will_do(space: Space, term: str | None) -> None:
    space.tasks('[tasks]\na = "echo hello"\n')
    terminal = space.terminal()
    assert space.start("a", terminal=terminal, env={"TERM": term}).wait().code == 0
    terminal.shows("hello")


# Odd worlds


def test_no_environment_is_environment_enough(space: Space) -> None:
    space.tasks('[tasks]\na = "echo hello"\n')
    nothing = dict.fromkeys([*space.environ, "PWD"])
    ran = space.run("a", env={**nothing, MARK: space.mark}).ok()
    assert "hello" in ran.stdout


@pytest.mark.parametrize(
    "env",
    [
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "xx_YY.nonsense"},
    ],
    ids=["posix", "ascii", "nonsense"],
)
@pytest.mark.parametrize("words", [["a"], ["--json", "a"], ["--list"], ["--graph", "a"], ["--show", "a"], ["no-é"]])
def test_no_locale_stops_trun(space: Space, env: dict[str, str | None], words: list[str]) -> None:
    space.tasks('[tasks.a]\ndesc = "é 漢字"\nrun = "echo é 漢字 😀"\n[tasks.b]\ndeps = ["a"]\n')
    ran = space.run(*words, env=env)
    assert ran.returncode == (2 if words == ["no-é"] else 0), ran
    assert "Traceback" not in ran.stderr
    assert "BUG" not in ran.stderr


def test_a_folder_that_is_gone_is_said(space: Space) -> None:
    gone = space.root / "gone"
    gone.mkdir()
    trun = space.start("a", cwd="gone", preexec_fn=lambda: os.rmdir(gone))
    ran = trun.wait()
    assert ran.returncode == 2, ran
    assert "Traceback" not in ran.stderr


def test_a_project_that_vanishes_while_it_runs_fails_its_tasks(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="", b='deps = ["a"]\ndir = "sub"'))
    space.write({"sub/x": ""})
    trun = space.start("--json", "b")
    a = puppets.arrive("a")
    shutil.rmtree(space.root)
    a.exit()
    ran = trun.wait()
    assert ran.code == 1, ran
    assert ran.statuses == {"a": "ran", "b": "failed"}


def test_a_project_whose_path_is_strange_is_a_project(space: Space) -> None:
    odd = "a b'c\"d$e\\f\n{{g}} é"
    tasks = '[tasks.a]\ndir = "sub"\nrun = "pwd > got; printf %s {{root}} > root"\n'
    space.write({f"{odd}/tasks.toml": tasks, f"{odd}/sub/x": ""})
    space.run("a", cwd=odd).ok()
    assert space.read(f"{odd}/sub/got") == f"{space.root}/{odd}/sub\n"
    assert space.read(f"{odd}/sub/root") == f"{space.root}/{odd}"


def test_a_project_whose_path_is_no_text_is_a_project(space: Space) -> None:
    odd = os.fsdecode(b"\xff\xfe")
    space.write({f"{odd}/tasks.toml": '[tasks.a]\nrun = "printf %s {{root}} > root"\n'})
    space.events("a", cwd=odd).ok()
    assert space.read(f"{odd}/root") == f"{space.root}/{odd}"


def test_no_place_for_temporary_files_costs_no_run(space: Space) -> None:
    space.tasks('[tasks]\na = "echo hello"\n')
    for words in (["a"], ["--output", "grouped", "a"]):
        assert "hello" in space.run(*words, env={"TMPDIR": "/no/such/folder"}).ok().stdout


def test_events_may_go_to_a_descriptor(space: Space) -> None:
    space.tasks('[tasks]\na = "echo hello"\n')
    ours, theirs = os.pipe()
    space.run(f"--json=/dev/fd/{theirs}", "a", pass_fds=(theirs,)).ok()
    os.close(theirs)
    with open(ours, "rb") as file:
        lines = file.read().splitlines()
    assert b'"run_started"' in lines[0]
    assert b'"run_ended"' in lines[-1]


def test_a_place_for_events_that_is_not_there_is_refused(space: Space) -> None:
    space.tasks('[tasks]\na = ": > ran"\n')
    ran = space.run("--json=no/such/file", "a")
    assert ran.returncode == 2
    assert "no/such/file" in ran.stderr
    assert not space.has("ran")


def test_events_that_cannot_be_written_harm_no_task(space: Space) -> None:
    space.tasks('[tasks]\na = ": > ran"\n')
    ran = space.run("--json=/dev/full", "a")
    assert space.has("ran")
    assert "Traceback" not in ran.stderr
    assert ran.code != 70


def test_trun_in_the_background_of_a_terminal_is_not_stopped(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a=""))
    terminal = space.terminal()
    shell = space.shell(terminal)
    trun = shell.start_behind(["a"])
    a = puppets.arrive("a")
    a.write("from behind\n")
    terminal.shows("from behind")
    assert state_of(trun) != "T"
    a.exit()
    assert shell.ended() == 0


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_task_that_ends_while_trun_is_stopped_is_seen(space: Space, puppets: Puppets, jobs: str) -> None:
    space.tasks(puppets.tasks(a="", b='deps = ["a"]'))
    trun = space.start("--json", f"-j{jobs}", "b")
    a = puppets.arrive("a")
    trun.signal(signal.SIGTSTP)
    space.wires.until_seen(lambda: state_of(a.pid) == "T" and state_of(trun.pid) == "T", "stop of all")
    os.kill(a.pid, SIGKILL)
    trun.signal(SIGCONT)
    assert trun.wait(5).statuses == {"a": "failed", "b": "skipped"}
