"""The example that a test names, copied."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.examples.copied import Copy


@pytest.fixture
def copy(request: pytest.FixtureRequest, tmp_path: Path) -> Copy:
    """A copy of the example, in a folder of its own."""
    return Copy(request.param, tmp_path)
