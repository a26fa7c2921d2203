"""Two runs at once in one tree: a task is executed once, and nobody takes another's outputs."""

from __future__ import annotations

from tests.kit.puppet import Puppets
from tests.kit.space import Space


def test_two_runs_at_once_execute_a_task_once(space: Space, puppets: Puppets) -> None:
    space.tasks(f'[tasks.a]\n{puppets.cmd("a")}\ninputs = ["in"]\noutputs = ["out"]\n')
    space.write({"in": ""})
    first = space.start("--json", "a")
    puppet = puppets.arrive("a")
    second = space.start("--json", "a")
    assert f"process {first.pid}" in second.until_event("warning", "a")["message"]
    space.write({"out": "made"})
    puppet.exit()
    assert first.wait().ok().statuses == {"a": "ran"}
    assert second.wait().ok().statuses == {"a": "fresh"}
    assert puppets.unseen == []


def test_two_runs_with_a_dep_in_common_execute_it_once(space: Space, puppets: Puppets) -> None:
    space.tasks(
        f'[tasks.dep]\n{puppets.cmd("dep")}\ninputs = ["in"]\noutputs = ["mid"]\n'
        '[tasks.a]\nrun = "cat mid > a.out"\ninputs = ["mid"]\noutputs = ["a.out"]\n'
        '[tasks.b]\nrun = "cat mid > b.out"\ninputs = ["mid"]\noutputs = ["b.out"]\n'
    )
    space.write({"in": ""})
    first = space.start("--json", "a")
    puppet = puppets.arrive("dep")
    second = space.start("--json", "b")
    second.until_event("warning", "dep")
    space.write({"mid": "made"})
    puppet.exit()
    assert first.wait().ok().statuses == {"dep": "ran", "a": "ran"}
    assert second.wait().ok().statuses == {"dep": "fresh", "b": "ran"}
    assert (space.read("a.out"), space.read("b.out")) == ("made", "made")


def test_what_another_run_did_while_a_task_was_queued_is_not_done_again(space: Space, puppets: Puppets) -> None:
    space.tasks(
        f"[tasks.p]\n{puppets.cmd('p')}\npriority = 1\n"
        '[tasks.a]\nrun = "echo x >> runs; cat in > out"\ninputs = ["in"]\noutputs = ["out"]\n'
    )
    space.write({"in": ""})
    slow = space.start("--json", "-j1", "p", "a")
    puppet = puppets.arrive("p")
    assert space.events("a").ok().statuses == {"a": "ran"}
    puppet.exit()
    assert slow.wait().ok().statuses == {"p": "ran", "a": "fresh"}
    assert space.read("runs") == "x\n"


def test_two_runs_at_once_with_other_arguments_do_not_take_each_others_outputs(space: Space, puppets: Puppets) -> None:
    run = f"test {{{{x}}}} = 2 || exec {puppets.sh('a')}; echo of 2 > out"
    space.tasks(f'[tasks.a]\nrun = {run!r}\ninputs = ["in"]\noutputs = ["out"]\nargs.x = {{ default = "1" }}\n')
    space.write({"in": ""})
    first = space.start("--json", "a")
    puppet = puppets.arrive("a")
    space.write({"out": "of 1"})
    second = space.start("--json", "a", "--x", "2")
    second.until_event("warning", "a{x=2}")
    puppet.exit()
    first.wait().ok()
    second.wait().ok()
    assert space.read("out") == "of 2\n"
    assert space.events("a").ok().statuses == {"a": "restored"}
    assert space.read("out") == "of 1"


def test_nodes_of_one_task_that_make_the_same_file_take_turns(space: Space, puppets: Puppets) -> None:
    cmd = puppets.cmd("a", "{{x}}")
    space.tasks(f'[tasks.a]\n{cmd}\ninputs = ["in"]\noutputs = ["out"]\nargs.x = {{ default = "1" }}\n')
    space.write({"in": ""})
    trun = space.start("--json", "-j2", "a", "a", "--x", "2")
    for _ in range(2):
        puppet = puppets.arrive("a")
        puppet.write(f"{puppet.args[0]} is here\n")
        trun.until_event("task_output", text=f"{puppet.args[0]} is here")
        told = [event["event"] for event in trun.events]
        assert told.count("task_started") - told.count("task_ended") == 1
        space.write({"out": f"of {puppet.args[0]}"})
        puppet.exit()
    assert set(trun.wait().ok().statuses.values()) == {"ran"}


def test_who_waited_for_a_run_that_failed_runs_it_itself(space: Space, puppets: Puppets) -> None:
    space.tasks(f'[tasks.a]\n{puppets.cmd("a")}\ninputs = ["in"]\noutputs = ["out"]\n')
    space.write({"in": ""})
    first = space.start("--json", "a")
    puppet = puppets.arrive("a")
    second = space.start("--json", "a")
    second.until_event("warning", "a")
    puppet.exit(1)
    assert first.wait().statuses == {"a": "failed"}
    puppet = puppets.arrive("a")
    space.write({"out": "made"})
    puppet.exit()
    assert second.wait().ok().statuses == {"a": "ran"}


def test_who_waited_sees_an_edit_that_was_made_meanwhile(space: Space, puppets: Puppets) -> None:
    space.tasks(f'[tasks.a]\n{puppets.cmd("a")}\ninputs = ["in"]\noutputs = ["out"]\n')
    space.write({"in": "old"})
    first = space.start("--json", "a")
    puppet = puppets.arrive("a")
    second = space.start("--json", "a")
    second.until_event("warning", "a")
    space.write({"in": "new", "out": "of old"})
    puppet.exit()
    first.wait().ok()
    puppet = puppets.arrive("a")
    space.write({"out": "of new"})
    puppet.exit()
    assert second.wait().ok().statuses == {"a": "ran"}
    assert space.events("a").ok().statuses == {"a": "fresh"}


def test_what_can_be_restored_at_once_waits_for_who_is_at_it(space: Space, puppets: Puppets) -> None:
    run = f"test $(cat in) = 1 || exec {puppets.sh('a')}; cat in > out"
    space.tasks(f'[tasks.a]\nrun = {run!r}\ninputs = ["in"]\noutputs = ["out"]\n')
    space.write({"in": "1\n"})
    space.events("a").ok()
    space.write({"in": "2\n"})
    first = space.start("--json", "a")
    puppet = puppets.arrive("a")
    space.write({"in": "1\n", "out": "half"})
    second = space.start("--json", "a")
    second.until_event("warning", "a")
    assert space.read("out") == "half", "nothing may be brought back under the hands of who makes it"
    puppet.exit()
    first.wait().ok()
    assert second.wait().ok().statuses == {"a": "restored"}
    assert space.read("out") == "1\n"
