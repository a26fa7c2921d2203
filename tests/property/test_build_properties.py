"""Random graphs, driven to their end by a fake executor: what holds for every run."""

from __future__ import annotations

from collections import Counter

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.attempt import Doors
from runner.build import Build, Policy
from runner.command import Commands
from runner.event import TaskEnded, TaskStarted
from runner.execute.jobserver import Slots
from runner.expand import Expansion
from runner.graph import Graph, grow, producers
from runner.job import Keeping
from runner.ledger import Ledger
from runner.outputs import Origin, Outputs
from runner.plan import NEEDED, Limits, Plan
from runner.result import Action, Outcome
from runner.select import Selection
from runner.settle import Modes, Settle, Sources
from runner.testing.clock import FakeClock
from runner.testing.executor import FakeExecutor
from runner.testing.reporter import Recorder
from runner.testing.store import FakeStore
from runner.testing.tree import FakeTree
from tests.kit.declared import ambient_of, project_of

BAD = Outcome(exit_code=1)


@st.composite
def files(draw: st.DrawFn) -> str:
    """A tasks file of up to twelve tasks that need only earlier ones."""
    count = draw(st.integers(1, 12))
    lines = ["[pools]", "p = 2"]
    for at in range(count):
        earlier = [f"t{other}" for other in range(at)]
        lines.append(f"[tasks.t{at}]")
        kind = draw(st.sampled_from(["plain", "plain", "plain", "group", "step", "exclusive", "pool", "heavy"]))
        if kind == "step" and earlier:
            lines.append(f'run = ["x", {{ task = "{draw(st.sampled_from(earlier))}" }}, "y"]')
        elif kind != "group":
            lines.append('run = "x"')
        if kind == "exclusive":
            lines.append("exclusive = true")
        if kind == "pool":
            lines.append(f"pool = {{ p = {draw(st.integers(1, 2))} }}")
        if kind == "heavy":
            lines.append(f"weight = {draw(st.integers(2, 5))}")
        if draw(st.booleans()):
            lines.append(f"priority = {draw(st.integers(-2, 2))}")
        if draw(st.integers(0, 5)) == 0:
            lines.append("allow_failure = true")
        deps = draw(st.lists(st.sampled_from(earlier), unique=True, max_size=3)) if earlier else []
        lines.append(f"deps = {deps!r}")
        after = draw(st.lists(st.sampled_from(earlier), unique=True, max_size=1)) if earlier else []
        lines.append(f"after = {after!r}")
    return "\n".join(lines)


def keeping_of(expansion: Expansion, graph: Graph, commands: Commands, clock: FakeClock) -> Keeping:
    """What a run keeps results with, all of it in memory; tasks without inputs and outputs have nothing to keep."""
    selection = Selection(graph=graph, wanted=tuple(graph.nodes), producers=producers(expansion))
    sources = Sources(
        tree=FakeTree(),
        ledger=Ledger("/nowhere/ledger"),
        store=FakeStore(),
        producers=selection.producers,
        clock=clock,
        pick=lambda file, key: "",
        veil=lambda name, value: "",
    )
    settle = Settle(selection, commands, sources, Modes())
    outputs = Outputs(settle, "/nowhere", Origin(run="r", by=""), lambda message, task: None)
    return Keeping(settle=settle, outputs=outputs, folder="/nowhere", run="r", log_of=lambda name: None)


@settings(max_examples=300, deadline=None)
@given(text=files(), jobs=st.integers(1, 4), data=st.data())
def test_every_run_comes_to_its_end_in_order_and_within_its_limits(text: str, jobs: int, data: st.DataObject) -> None:
    expansion = Expansion(project_of(text), ambient_of())
    nodes = [expansion.node(task) for task in expansion.project.tasks.values()]
    graph = grow(expansion, nodes, producers(expansion))
    wanted = data.draw(st.lists(st.sampled_from(list(graph.nodes)), min_size=1, unique=True))
    failing = data.draw(st.sets(st.sampled_from(list(graph.nodes)), max_size=3))
    turns = {name: data.draw(st.integers(1, 4)) for name in graph.nodes}
    graph = graph.without(set(graph.nodes) - graph.needed(wanted))
    slots = Slots(jobs)
    running: dict[str, int] = {}

    def watch(action: Action, together: frozenset[str]) -> None:
        tasks = {name: expansion.project.tasks[name] for name in together}
        alone = [name for name, task in tasks.items() if task.exclusive or task.weight > jobs]
        assert not alone or len(tasks) == 1
        assert sum(min(task.weight, jobs) for task in tasks.values()) <= jobs
        assert sum(task.pools.get("p", 0) for task in tasks.values()) <= 2
        for edge in graph.edges[action.task]:
            if edge.kind in NEEDED:
                assert recorder.ended(edge.to), f"{action.task} began before {edge.to} was done"
        running[action.task] = running.get(action.task, 0) + 1

    class Watching(Recorder):
        def ended(self, name: str) -> bool:
            return any(event.task == name for event in self.of(TaskEnded))

    recorder = Watching()
    executor = FakeExecutor(dict.fromkeys(failing, BAD), turns.__getitem__, watch)
    clock = FakeClock()
    doors = Doors(executor=executor, slots=slots, tell=recorder.tell, clock=clock, found=lambda node, which: ())

    async def main() -> Build:
        plan = Plan(graph, wanted, Limits(jobs=jobs, pools=expansion.project.pools), {})
        keep_going = data.draw(st.sampled_from([0, 1, 2]))
        commands = Commands(expansion)
        keeping = keeping_of(expansion, graph, commands, clock)
        build = Build(plan, commands, doors, Policy(keep_going=keep_going), keeping)
        with anyio.fail_after(20):
            await build.run()
        return build

    build = anyio.run(main)
    ended = Counter(event.task for event in recorder.of(TaskEnded))
    assert ended == Counter(dict.fromkeys(graph.nodes, 1)), "exactly one end for each node"
    assert slots.free == jobs, "all slots are back"
    statuses = {event.task: event.status for event in recorder.of(TaskEnded)}
    for name, status in statuses.items():
        bad = [
            edge.to
            for edge in graph.edges[name]
            if edge.kind in NEEDED and statuses[edge.to] == "failed" and not graph.nodes[edge.to].task.allow_failure
        ]
        assert status == "skipped" or not bad
    if not failing & set(executor.begun):
        assert set(statuses.values()) <= {"ran", "fresh"} | ({"skipped"} if build.graph.skipped else set())
    started = {event.task for event in recorder.of(TaskStarted)}
    assert started == {name for name, status in statuses.items() if status in ("ran", "failed")}


@settings(max_examples=100, deadline=None)
@given(text=files())
def test_the_order_of_a_plan_is_topological(text: str) -> None:
    expansion = Expansion(project_of(text), ambient_of())
    graph = grow(expansion, [expansion.node(task) for task in expansion.project.tasks.values()], producers(expansion))
    seen: set[str] = set()
    for name in graph.order:
        assert {edge.to for edge in graph.edges[name]} <= seen
        seen.add(name)
    assert seen == set(graph.nodes)
