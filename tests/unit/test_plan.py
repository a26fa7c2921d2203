from __future__ import annotations

import pytest

from runner.graph import Edge, Graph
from runner.plan import DONE, FAILED, HELD, Limits, Plan
from tests.kit.declared import graph_of


def plan_of(
    graph: Graph, *wanted: str, jobs: int = 2, pools: dict[str, int] | None = None, memory_bytes: int = 0
) -> Plan:
    limits = Limits(jobs=jobs, pools=pools or {}, memory_bytes=memory_bytes)
    plan = Plan(graph, wanted or graph.order, limits, {})
    queue_ready(plan)
    return plan


def queue_ready(plan: Plan) -> list[str]:
    ready = plan.take_ready()
    for name in ready:
        plan.queue(name)
    return ready


def started(plan: Plan, free: int) -> list[str]:
    found = []
    while (name := plan.next(free)) is not None:
        found.append(name)
        free -= plan.slots(name)
    return found


DIAMOND = """
[tasks]
a = "true"
[tasks.b]
run = "true"
deps = ["a"]
[tasks.c]
run = "true"
deps = ["a"]
[tasks.d]
run = "true"
deps = ["b", "c"]
"""


def test_what_is_needed_comes_first() -> None:
    plan = plan_of(graph_of(DIAMOND, "d"))
    assert started(plan, 2) == ["a"]
    assert plan.finish("a", DONE, holds_back=False) == []
    assert queue_ready(plan) == ["b", "c"]
    assert started(plan, 2) == ["b", "c"]
    plan.finish("b", DONE, holds_back=False)
    assert queue_ready(plan) == []
    plan.finish("c", DONE, holds_back=False)
    assert queue_ready(plan) == ["d"]
    assert started(plan, 2) == ["d"]
    assert not plan.is_over
    plan.finish("d", DONE, holds_back=False)
    assert plan.is_over


def test_a_failure_skips_all_that_needs_it_and_says_what_that_was() -> None:
    plan = plan_of(graph_of(DIAMOND, "d"))
    started(plan, 2)
    assert plan.finish("a", FAILED, holds_back=True) == [("b", "a"), ("c", "a"), ("d", "c")]
    assert plan.is_over


def test_a_failure_that_is_allowed_holds_nobody_back() -> None:
    plan = plan_of(graph_of(DIAMOND, "d"))
    started(plan, 2)
    assert plan.finish("a", FAILED, holds_back=False) == []
    assert queue_ready(plan) == ["b", "c"]


def test_the_critical_path_goes_first_and_a_priority_before_that() -> None:
    text = """
    [tasks]
    lone = "true"
    [tasks.chain1]
    run = "true"
    [tasks.chain2]
    run = "true"
    deps = ["chain1"]
    [tasks.urgent]
    run = "true"
    priority = 1
    """
    plan = plan_of(graph_of(text, "lone", "chain2", "urgent"), jobs=3)
    assert started(plan, 3) == ["urgent", "chain1", "lone"]


def test_an_exclusive_node_drains_runs_alone_and_is_not_overtaken() -> None:
    text = """
    [tasks]
    a = "true"
    b = "true"
    [tasks.alone]
    run = "true"
    exclusive = true
    priority = 1
    [tasks.first]
    run = "true"
    priority = 2
    """
    plan = plan_of(graph_of(text, "a", "b", "alone", "first"), jobs=4)
    assert started(plan, 4) == ["first"]
    plan.finish("first", DONE, holds_back=False)
    assert started(plan, 4) == ["alone"]
    assert started(plan, 3) == []
    plan.finish("alone", DONE, holds_back=False)
    assert started(plan, 4) == ["a", "b"]


def test_pools_hold_some_back_and_let_others_by() -> None:
    text = """
    [pools]
    gpu = 2
    [tasks.big]
    run = "true"
    pool = { gpu = 2 }
    [tasks.small]
    run = "true"
    pool = "gpu"
    [tasks.free]
    run = "true"
    """
    plan = plan_of(graph_of(text, "big", "small", "free"), jobs=4, pools={"gpu": 2})
    assert started(plan, 4) == ["big", "free"]
    plan.finish("free", DONE, holds_back=False)
    assert started(plan, 3) == []
    plan.finish("big", DONE, holds_back=False)
    assert started(plan, 4) == ["small"]


def test_a_heavy_node_waits_for_its_slots_and_is_not_overtaken() -> None:
    text = """
    [tasks]
    light1 = "true"
    light2 = "true"
    [tasks.heavy]
    run = "true"
    weight = 2
    priority = 1
    [tasks.first]
    run = "true"
    priority = 2
    """
    plan = plan_of(graph_of(text, "light1", "light2", "heavy", "first"), jobs=2)
    assert started(plan, 2) == ["first"]
    assert plan.is_short
    plan.finish("first", DONE, holds_back=False)
    assert started(plan, 2) == ["heavy"]


def test_one_that_is_heavier_than_all_slots_runs_alone() -> None:
    text = '[tasks]\na = "true"\n[tasks.huge]\nrun = "true"\nweight = 9\n'
    plan = plan_of(graph_of(text, "a", "huge"), jobs=2)
    assert started(plan, 2) == ["a"]
    plan.finish("a", DONE, holds_back=False)
    assert started(plan, 2) == ["huge"]
    assert plan.slots("huge") == 2


def test_memory_bounds_those_that_say_what_they_need() -> None:
    text = "".join(
        f'[tasks.{name}]\nrun = "true"\nmemory = "{size}"\n'
        for name, size in [("a", "6GB"), ("b", "6GB"), ("c", "99GB")]
    )
    plan = plan_of(graph_of(text, "a", "b", "c"), jobs=4, memory_bytes=10**10)
    assert started(plan, 4) == ["a"]
    plan.finish("a", DONE, holds_back=False)
    assert started(plan, 4) == ["b"]
    plan.finish("b", DONE, holds_back=False)
    assert started(plan, 4) == ["c"]


def test_a_step_is_held_until_it_is_asked_for_with_all_that_it_needs() -> None:
    text = """
    [tasks]
    below = "true"
    [tasks.step]
    run = "true"
    deps = ["below"]
    [tasks.caller]
    run = ["true", { task = "step" }]
    """
    plan = plan_of(graph_of(text, "caller"), "caller")
    assert started(plan, 2) == ["caller"]
    assert plan.state["step"] == plan.state["below"] == HELD
    plan.want("step")
    assert queue_ready(plan) == ["below"]
    plan.pause("caller")
    assert started(plan, 2) == ["below"]
    plan.finish("below", DONE, holds_back=False)
    queue_ready(plan)
    assert started(plan, 2) == ["step"]
    plan.finish("step", DONE, holds_back=False)
    assert plan.resume("caller", 2)
    plan.finish("caller", DONE, holds_back=False)
    assert plan.is_over
    assert plan.rest() == []


def test_steps_that_nobody_asked_for_are_told_at_the_end() -> None:
    plan = plan_of(graph_of('[tasks]\nstep = "true"\ncaller = ["false", { task = "step" }]\n', "caller"), "caller")
    started(plan, 2)
    plan.finish("caller", FAILED, holds_back=True)
    assert plan.is_over
    assert plan.rest() == ["step"]


def test_after_orders_only_what_is_in_the_run() -> None:
    text = '[tasks]\na = "true"\n[tasks.b]\nrun = "true"\nafter = ["a"]\n'
    assert plan_of(graph_of(text, "b")).graph.order == ("b",)
    plan = plan_of(graph_of(text, "b", "a"))
    assert started(plan, 2) == ["a"]
    assert plan.finish("a", FAILED, holds_back=True) == []
    assert queue_ready(plan) == ["b"]


def test_halting_skips_what_has_not_started() -> None:
    plan = plan_of(graph_of(DIAMOND, "d"))
    started(plan, 2)
    assert plan.halt() == ["b", "c", "d"]
    plan.finish("a", DONE, holds_back=False)
    assert plan.is_over


def test_an_impossible_change_is_a_bug() -> None:
    plan = plan_of(graph_of(DIAMOND, "d"))
    with pytest.raises(AssertionError, match="BUG: `d` went from WANT to QUEUED"):
        plan.queue("d")


def test_an_edge_shows_what_made_it() -> None:
    text = """
    [tasks.gen]
    run = "true"
    outputs = ["gen/"]
    [tasks.use]
    run = "true"
    inputs = ["gen/rust/**"]
    """
    assert graph_of(text, "use").edges["use"] == (Edge(to="gen", kind="inferred", output="gen/", input="gen/rust/**"),)
