"""Many truns at once in one tree, and on one cache: right results, whoever comes first."""

from __future__ import annotations

import shutil

import pytest

from tests.kit.space import Space

pytestmark = pytest.mark.slow
MANY = 12
GRAPH = (
    '[tasks.base]\nrun = "echo base >> runs; cat in > base.out"\ninputs = ["in"]\noutputs = ["base.out"]\n'
    + "".join(
        f'[tasks.t{n}]\nrun = "echo t{n} >> runs; mkdir -p gen{n}; cat base.out > gen{n}/x; echo {n} >> gen{n}/x"\n'
        f'inputs = ["base.out"]\noutputs = ["gen{n}/"]\n'
        for n in range(6)
    )
    + '[tasks.top]\nrun = "echo top >> runs; cat gen*/x > top.out"\n'
    f'inputs = {[f"gen{n}/**" for n in range(6)]!r}\noutputs = ["top.out"]\n'
)
WHOLE = "".join(f"1\n{n}\n" for n in range(6))


def test_twelve_runs_at_once_in_one_tree_execute_each_task_once(space: Space) -> None:
    space.tasks(GRAPH)
    space.write({"in": "1\n"})
    started = [space.start("--json", "-j2", "top") for _ in range(MANY)]
    ends = [one.wait(120).ok().statuses for one in started]
    assert sorted(space.read("runs").split()) == sorted(["base", *(f"t{n}" for n in range(6)), "top"])
    assert {status for end in ends for status in end.values()} <= {"ran", "fresh", "restored"}
    assert space.read("top.out") == WHOLE
    assert set(space.events("top").ok().statuses.values()) == {"fresh"}


def test_runs_at_once_with_targets_of_their_own_share_what_they_need(space: Space) -> None:
    space.tasks(GRAPH)
    space.write({"in": "1\n"})
    targets = [f"t{n % 6}" for n in range(MANY)]
    for one in [space.start("--json", "-j2", target) for target in targets]:
        one.wait(120).ok()
    assert sorted(space.read("runs").split()) == sorted(["base", *(f"t{n}" for n in range(6))])
    assert set(space.events("top").ok().statuses.values()) == {"fresh", "ran"}
    assert space.read("top.out") == WHOLE


def test_clones_at_once_on_one_cache_are_all_right(space: Space) -> None:
    names = [f"clone{n}" for n in range(MANY)]
    for at, name in enumerate(names):
        space.write({f"{name}/tasks.toml": GRAPH, f"{name}/in": f"{at % 3}\n"})
    shared = {"TRUN_CACHE_DIR": str(space.root / "shared")}
    for _ in range(2):
        for one in [space.start("--json", "-j2", "top", cwd=name, env=shared) for name in names]:
            one.wait(120).ok()
        for at, name in enumerate(names):
            assert space.read(f"{name}/base.out") == f"{at % 3}\n"
            assert space.read(f"{name}/top.out") == "".join(f"{at % 3}\n{n}\n" for n in range(6))
            for folder in [f"gen{n}" for n in range(6)]:
                shutil.rmtree(space.root / name / folder)
            (space.root / name / ".trun/state/ledger").unlink()
    assert space.run("--cache", "verify", cwd="clone0", env=shared).ok()


def test_runs_while_another_clears_the_cache_are_all_right(space: Space) -> None:
    space.tasks(GRAPH)
    space.write({"in": "1\n"})
    space.run("top").ok()
    for _ in range(4):
        for n in range(6):
            shutil.rmtree(space.root / f"gen{n}")
        started = [space.start("--json", "-j2", "top") for _ in range(3)]
        clearing = space.start("--cache", "clear")
        for one in (clearing, *started):
            one.wait(120).ok()
        assert space.read("top.out") == WHOLE
        assert set(space.events("top").ok().statuses.values()) == {"fresh"}
