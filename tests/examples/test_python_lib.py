"""python-lib is linted, typed, tested, built and looked at, with the tools that are here."""

from __future__ import annotations

import sys

import pytest

from tests.examples.copied import Copy, example, is_there

# What each task of python-lib wants to import.
LIBRARY = {"lint": "ruff", "types": "mypy", "test": "pytest", "build": "build, hatchling"}
LIBRARY["release-check"] = LIBRARY["build"]


def library() -> dict[str, str]:
    """How each task of python-lib should end here."""
    there = {task: is_there(task, [sys.executable, "-c", f"import {names}"]) for task, names in LIBRARY.items()}
    return {task: "ran" if found else "skipped" for task, found in there.items()}


@pytest.mark.slow
@example("python-lib")
def test_the_library_is_checked_and_built_and_its_wheel_imports(copy: Copy) -> None:
    copy.git("init", "-q")
    copy.git("add", "-A")
    copy.git("commit", "-qm", "all")
    ran = copy.trun().ok()
    wanted = library()
    for task, status in wanted.items():
        assert ran.statuses[task] == status, ran.text
    if wanted["build"] == "ran":
        assert "lapse 0.3.0 is ready: its wheel imports, and says that 90m is 1 hour 30 minutes" in ran.text
        dist = sorted(path.name for path in (copy.path / "dist").iterdir())
        assert dist == ["lapse-0.3.0-py3-none-any.whl", "lapse-0.3.0.tar.gz"]
    assert copy.git("status", "--porcelain", "--", "examples") == ""


@pytest.mark.slow
@example("python-lib")
def test_the_release_check_builds_first_though_it_names_no_dep(copy: Copy) -> None:
    if library()["build"] != "ran":
        pytest.skip("build and hatchling are not installed")
    ran = copy.trun("release-check").ok()
    assert ran.order == ["build", "release-check"]


@pytest.mark.slow
@example("python-lib")
def test_the_pattern_becomes_a_flag_of_pytest(copy: Copy) -> None:
    ran = copy.trun("t", "-k", "nonsense").ok()
    assert list(ran.statuses.values()) == ["ran"]
    assert "1 passed, 35 deselected" in ran.text


@pytest.mark.slow
@example("python-lib")
def test_a_fault_in_the_library_fails_the_run_and_is_named(copy: Copy) -> None:
    copy.edit("src/lapse/units.py", "HOUR_S = 3_600", "HOUR_S = 3_601")
    ran = copy.trun("test")
    assert ran.code == 1
    assert list(ran.statuses.values()) == ["failed"]
    assert "test_a_length_of_time_is_read[1h 30m-5400]" in ran.text


@example("python-lib")
def test_without_its_tools_the_library_says_what_it_left_out(copy: Copy) -> None:
    copy.only_python("-S")
    ran = copy.trun().ok()
    assert {task for task, status in ran.statuses.items() if status == "skipped"} >= set(LIBRARY)
    assert all(ran.skipped_and_told(task) for task in LIBRARY)
    assert not (copy.path / "dist").exists()
