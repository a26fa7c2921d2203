"""parallel keeps its barrier, its pools, its weight and its priority."""

from __future__ import annotations

import re

import pytest

from tests.examples.copied import Copy, Ran, example


def clashes(ran: Ran) -> list[set[str]]:
    """Moments at which the barrier or a pool did not hold."""
    big = {"report-twins", "report-gaps"}
    return [
        now
        for now in ran.together()
        if ("migrate" in now and len(now) > 1) or len(now & big) > 1 or sum(t.startswith("shard-") for t in now) > 3
    ]


@example("parallel")
def test_the_barrier_and_the_pools_hold_with_many_jobs(copy: Copy) -> None:
    ran = copy.trun("-j6").ok()
    assert set(ran.statuses.values()) == {"ran"}
    assert len(ran.statuses) == 15
    assert clashes(ran) == []
    assert max(map(len, ran.together())) >= 3
    assert re.search(r"migrate ran alone; of the other 12 tasks at most \d ran at once", ran.text)
    assert "1,991 pairs of twins" in ran.text
    assert "the longest gap is 148 after 2,010,733" in ran.text
    assert "5,512 of 21,930 primes found again" in ran.text
    assert sorted(path.name for path in (copy.path / "out").iterdir()) == [
        "log.txt",
        *(f"shard-{number}.json" for number in range(1, 7)),
    ]


@pytest.mark.slow
@example("parallel")
def test_a_weight_of_two_fills_two_jobs(copy: Copy) -> None:
    ran = copy.trun("-j2").ok()
    assert clashes(ran) == []
    for now in ran.together():
        assert sum(2 if task == "report-audit" else 1 for task in now) <= 2


@example("parallel")
def test_with_one_job_the_long_shard_goes_first(copy: Copy) -> None:
    ran = copy.trun("-j1", "-t", "shard").ok()
    assert set(ran.statuses) == {"begin", *(f"shard-{number}" for number in range(1, 7))}
    assert ran.order[:2] == ["begin", "shard-6"]
    assert max(map(len, ran.together())) == 1


@pytest.mark.slow
@example("parallel")
def test_a_tag_expression_takes_some_reports_and_all_they_need(copy: Copy) -> None:
    ran = copy.trun("-t", "report and not big").ok()
    needed = {"begin", "migrate", *(f"shard-{number}" for number in range(1, 7))}
    assert set(ran.statuses) == needed | {"report-digits", "report-audit"}


@pytest.mark.slow
@example("parallel")
def test_the_lock_goes_though_the_migration_fails(copy: Copy) -> None:
    copy.edit("work.py", "        path.unlink()\n", '        sys.exit(f"cannot remove {path}")\n')
    ran = copy.trun("-j4")
    assert ran.code == 1
    assert ran.statuses["migrate"] == "failed"
    assert ran.statuses["proof"] == "skipped"
    assert "cannot remove" in ran.text
    assert (copy.path / "out" / "shard-1.txt").exists()
    assert not (copy.path / "out" / "store.lock").exists()
