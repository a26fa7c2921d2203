"""Fixtures that tests of every folder share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.kit.puppet import Puppets
from tests.kit.space import Space

# The same examples every time, and no deadline: how fast a loaded machine is proves nothing.
settings.register_profile("trun", deadline=None, derandomize=True)
settings.load_profile("trun")


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Space]:
    """A temporary project; nothing that is started in it outlives the test."""
    made = Space(tmp_path)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def puppets(space: Space) -> Puppets:
    """Tasks that do what the test tells them."""
    return space.puppets
