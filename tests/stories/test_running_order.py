"""Which task runs when: dependencies, slots, pools, weights, barriers, priorities."""

from __future__ import annotations

import pytest
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
