"""Which task runs when: dependencies, slots, pools, weights, barriers, priorities."""

from __future__ import annotations

from tests.kit.puppet import Puppets
from tests.kit.space import Space


def test_a_dep_is_done_before_its_consumer_starts(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="", b='deps = ["a"]', c='deps = ["b"]'))
    trun = space.start("--json", "-j4", "c")
    for name in "abc":
        puppet = puppets.arrive(name)
        space.only(trun, puppet)
        puppet.exit()
    assert trun.wait().ok().order == ["a", "b", "c"]


def test_two_jobs_are_two_at_once_and_never_three(space: Space, puppets: Puppets) -> None:
    names = ["a", "b", "c", "d", "e"]
    space.tasks(puppets.tasks(**dict.fromkeys(names, "")))
    trun = space.start("--json", "-j2", *names)
    running = [puppets.any_of(*names), puppets.any_of(*names)]
    for _ in range(3):
        space.only(trun, *running)
        running.pop(0).exit()
        running.append(puppets.any_of(*names))
    space.only(trun, *running)
    for puppet in running:
        puppet.exit()
    assert set(trun.wait().ok().statuses.values()) == {"ran"}


def test_tasks_without_an_edge_run_side_by_side(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="", b="", c="", top='deps = ["a", "b", "c"]'))
    trun = space.start("--json", "-j4", "top")
    three = [puppets.arrive(name) for name in "abc"]
    space.only(trun, *three)
    for puppet in three:
        puppet.exit()
    puppets.arrive("top").exit()
    trun.wait().ok()


def test_one_job_is_one_at_a_time(space: Space) -> None:
    line = "test ! -e busy; : > busy; rm busy"
    space.tasks("[tasks]\n" + "".join(f'{name} = "{line}"\n' for name in "abcdef"))
    assert len(space.events("-j1", *"abcdef").ok().order) == 6


def test_a_diamond_runs_each_task_once(space: Space) -> None:
    space.tasks(
        '[tasks]\nbase = "echo base >> log"\n'
        '[tasks.left]\ndeps = ["base"]\nrun = "echo left >> log"\n'
        '[tasks.right]\ndeps = ["base"]\nrun = "echo right >> log"\n'
        '[tasks.top]\ndeps = ["left", "right"]\nrun = "echo top >> log"\n'
    )
    space.run("top", "left", "base").ok()
    lines = space.read("log").split()
    assert sorted(lines) == ["base", "left", "right", "top"]
    assert lines[0] == "base"
    assert lines[-1] == "top"


def test_a_task_that_reads_what_another_makes_comes_after_it(space: Space) -> None:
    space.tasks(
        '[tasks.use]\ninputs = ["gen/x.txt"]\nrun = "cat gen/x.txt > got"\n'
        '[tasks.make]\ninputs = ["seed"]\noutputs = ["gen/"]\nrun = "mkdir -p gen; cp seed gen/x.txt"\n'
    )
    space.write({"seed": "corn"})
    assert space.events("-j4", "use").ok().order == ["make", "use"]
    assert space.read("got") == "corn"


def test_a_pool_lets_in_as_many_as_it_holds(space: Space, puppets: Puppets) -> None:
    pooled = 'pool = "db"'
    space.tasks("[pools]\ndb = 2\n" + puppets.tasks(a=pooled, b=pooled, c=pooled, free=""))
    trun = space.start("--json", "-j8", "a", "b", "c", "free")
    free = puppets.arrive("free")
    first, second = puppets.any_of("a", "b", "c"), puppets.any_of("a", "b", "c")
    space.only(trun, free, first, second)
    first.exit()
    third = puppets.any_of("a", "b", "c")
    space.only(trun, free, second, third)
    for puppet in (free, second, third):
        puppet.exit()
    trun.wait().ok()


def test_a_task_may_take_more_than_one_place_of_a_pool(space: Space, puppets: Puppets) -> None:
    space.tasks("[pools]\ngpu = 2\n" + puppets.tasks(big="pool = { gpu = 2 }\npriority = 1", small='pool = "gpu"'))
    trun = space.start("--json", "-j8", "small", "big")
    big = puppets.arrive("big")
    space.only(trun, big)
    big.exit()
    puppets.arrive("small").exit()
    trun.wait().ok()


def test_one_that_waits_for_a_pool_does_not_hold_up_the_others(space: Space, puppets: Puppets) -> None:
    space.tasks("[pools]\ndb = 1\n" + puppets.tasks(a='pool = "db"\npriority = 9', b='pool = "db"\npriority = 8', c=""))
    trun = space.start("--json", "-j2", "a", "b", "c")
    a, c = puppets.arrive("a"), puppets.arrive("c")
    space.only(trun, a, c)
    a.exit()
    b = puppets.arrive("b")
    space.only(trun, b, c)
    b.exit()
    c.exit()
    trun.wait().ok()


def test_a_weight_takes_so_many_slots(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(heavy="weight = 3\npriority = 1", a="", b=""))
    trun = space.start("--json", "-j4", "heavy", "a", "b")
    heavy = puppets.arrive("heavy")
    light = puppets.any_of("a", "b")
    space.only(trun, heavy, light)
    heavy.exit()
    other = puppets.any_of("a", "b")
    space.only(trun, light, other)
    light.exit()
    other.exit()
    trun.wait().ok()


def test_a_weight_above_all_slots_runs_alone(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(heavy="weight = 9\npriority = 1", a="", b=""))
    trun = space.start("--json", "-j2", "heavy", "a", "b")
    heavy = puppets.arrive("heavy")
    space.only(trun, heavy)
    heavy.exit()
    a, b = puppets.arrive("a"), puppets.arrive("b")
    space.only(trun, a, b)
    a.exit()
    b.exit()
    trun.wait().ok()


def test_light_tasks_do_not_starve_a_heavy_one(space: Space, puppets: Puppets) -> None:
    space.tasks(
        puppets.tasks(gate="priority = 9", a="priority = 8", heavy='deps = ["gate"]\nweight = 2\npriority = 1', b="")
    )
    trun = space.start("--json", "-j2", "heavy", "a", "b")
    gate, a = puppets.arrive("gate"), puppets.arrive("a")
    gate.exit()
    trun.until_event("task_ready", "heavy")
    space.only(trun, a)
    a.exit()
    heavy = puppets.arrive("heavy")
    space.only(trun, heavy)
    heavy.exit()
    puppets.arrive("b").exit()
    trun.wait().ok()


def test_an_exclusive_task_waits_for_all_and_runs_alone(space: Space, puppets: Puppets) -> None:
    space.tasks(
        puppets.tasks(
            gate="priority = 9", a="priority = 8", alone='deps = ["gate"]\nexclusive = true\npriority = 1', b="", c=""
        )
    )
    trun = space.start("--json", "-j2", "alone", "a", "b", "c")
    gate, a = puppets.arrive("gate"), puppets.arrive("a")
    gate.exit()
    trun.until_event("task_ready", "alone")
    space.only(trun, a)  # the free slot stays empty: nothing overtakes the barrier
    a.exit()
    alone = puppets.arrive("alone")
    space.only(trun, alone)
    alone.exit()
    b, c = puppets.arrive("b"), puppets.arrive("c")
    space.only(trun, b, c)
    b.exit()
    c.exit()
    trun.wait().ok()


def test_two_exclusive_tasks_run_one_after_the_other(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="exclusive = true", b="exclusive = true"))
    trun = space.start("--json", "-j4", "a", "b")
    for _ in range(2):
        puppet = puppets.any_of("a", "b")
        space.only(trun, puppet)
        puppet.exit()
    trun.wait().ok()


def test_a_higher_priority_goes_first(space: Space) -> None:
    space.tasks(
        '[tasks]\n[tasks.low]\nrun = "true"\npriority = -1\n[tasks.plain]\nrun = "true"\n'
        '[tasks.high]\nrun = "true"\npriority = 5\n[tasks.half]\nrun = "true"\npriority = 2.5\n'
    )
    assert space.events("-j1", "low", "plain", "half", "high").ok().order == ["high", "half", "plain", "low"]


def test_the_longest_chain_goes_first(space: Space) -> None:
    space.tasks(
        '[tasks]\nshort = "true"\none = "true"\n[tasks.two]\ndeps = ["one"]\nrun = "true"\n'
        '[tasks.three]\ndeps = ["two"]\nrun = "true"\n'
    )
    assert space.events("-j1", "short", "three").ok().order[0] == "one"


def test_a_priority_outweighs_a_long_chain(space: Space) -> None:
    space.tasks(
        '[tasks]\none = "true"\n[tasks.two]\ndeps = ["one"]\nrun = "true"\n[tasks.urgent]\nrun = "true"\npriority = 1\n'
    )
    assert space.events("-j1", "two", "urgent").ok().order == ["urgent", "one", "two"]


def test_after_orders_what_is_in_the_run_anyway(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(late='after = ["early"]', early=""))
    trun = space.start("--json", "-j4", "late", "early")
    early = puppets.arrive("early")
    space.only(trun, early)
    early.exit()
    puppets.arrive("late").exit()
    trun.wait().ok()


def test_after_pulls_nothing_in(space: Space) -> None:
    space.tasks('[tasks]\nearly = "true"\n[tasks.late]\nafter = ["early"]\nrun = "true"\n')
    assert space.events("late").ok().statuses == {"late": "ran"}


def test_after_a_failure_the_later_task_still_runs(space: Space) -> None:
    space.tasks('[tasks]\nearly = "exit 3"\n[tasks.late]\nafter = ["early"]\nrun = "true"\n')
    ran = space.events("-k", "late", "early")
    assert ran.statuses == {"early": "failed", "late": "ran"}
    assert ran.order == ["early", "late"]


def test_a_group_of_tasks_has_nothing_to_do_itself(space: Space) -> None:
    space.tasks('[tasks]\na = "true"\nb = "true"\n[tasks.all]\ndeps = ["a", "b"]\n')
    ran = space.events("all").ok()
    assert ran.statuses == {"a": "ran", "b": "ran", "all": "fresh"}
    assert "all" not in ran.order


def test_a_group_is_skipped_when_a_dep_failed(space: Space) -> None:
    space.tasks('[tasks]\na = "false"\n[tasks.all]\ndeps = ["a"]\n')
    assert space.events("all").statuses == {"a": "failed", "all": "skipped"}


def test_deps_may_be_globs_over_names(space: Space) -> None:
    space.tasks(
        '[tasks]\nlint-a = "true"\nlint-b = "true"\nother = "true"\n[tasks.all]\ndeps = ["lint-*"]\nrun = "true"\n'
    )
    assert set(space.events("all").ok().order) == {"lint-a", "lint-b", "all"}


def test_memory_bounds_what_runs_at_once(space: Space, puppets: Puppets) -> None:
    much = 'memory = "100TB"'
    space.tasks(puppets.tasks(a=much, b=much, c=""))
    trun = space.start("--json", "-j4", "a", "b", "c")
    c, first = puppets.arrive("c"), puppets.any_of("a", "b")
    space.only(trun, c, first)
    first.exit()
    second = puppets.any_of("a", "b")
    space.only(trun, c, second)
    second.exit()
    c.exit()
    trun.wait().ok()
