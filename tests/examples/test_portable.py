"""portable is fresh wherever it is carried, by its lock alone."""

from __future__ import annotations

import shutil

import pytest

from tests.examples.copied import EXAMPLES, Copy, example

ALL = {"tidy", "summary", "test", "all"}
LOCK = "tasks.lock"


def text_of(copy: Copy, name: str) -> str:
    return (copy.path / name).read_text(encoding="utf-8")


@example("portable")
def test_what_is_committed_is_fresh_where_nothing_was_ever_run(copy: Copy) -> None:
    assert not (copy.path / ".trun").exists()
    ran = copy.trun().ok()
    assert ran.statuses == dict.fromkeys(ALL, "fresh")
    assert ran.order == []
    assert text_of(copy, LOCK) == (EXAMPLES / "portable" / LOCK).read_text(encoding="utf-8")


@example("portable")
def test_what_is_committed_is_as_it_is_locked(copy: Copy) -> None:
    assert copy.trun("--lock", "check", events=False).ok().out == "tasks.lock: 3 tasks as locked\n"


@example("portable")
def test_the_lock_is_what_writing_it_anew_gives(copy: Copy) -> None:
    before = text_of(copy, LOCK)
    (copy.path / LOCK).unlink()
    shutil.rmtree(copy.path / "site")
    (copy.path / "site").mkdir()
    copy.trun().ok()
    copy.trun("--lock", "write", events=False).ok()
    assert text_of(copy, LOCK) == before


@example("portable")
def test_a_project_built_here_is_fresh_in_another_folder(copy: Copy) -> None:
    copy.edit("data/may.csv", "14.5", "15.5")
    ran = copy.trun().ok()
    assert ran.statuses == {"tidy": "ran", "summary": "ran", "test": "ran", "all": "fresh"}
    assert "greatest 15.5" in text_of(copy, "site/summary.txt")
    there = copy.base / "another" / "place"
    shutil.copytree(copy.path, there, ignore=shutil.ignore_patterns(".trun"))
    copy.path = there
    assert copy.trun("-n").ok().out.count("as `tasks.lock` has it") == 3
    assert copy.trun().ok().statuses == dict.fromkeys(ALL, "fresh")


@example("portable")
@pytest.mark.parametrize(
    ("file", "old", "new", "ran"),
    [
        ("data/april.csv", "# station", "# the station", {"tidy"}),
        ("data/april.csv", "8.5", "8.25", {"tidy", "summary", "test"}),
        ("tools/summary.sh", "# Least", "# The least", {"summary"}),
        ("site/summary.txt", "harbour", "harbor", {"summary"}),
        ("tasks.toml", "Everything", "All of it", set()),
    ],
)
def test_only_what_hangs_on_an_edit_is_made_again(copy: Copy, file: str, old: str, new: str, ran: set[str]) -> None:
    copy.edit(file, old, new)
    assert copy.trun().ok().statuses == dict.fromkeys(ALL, "fresh") | dict.fromkeys(ran, "ran")


@example("portable")
def test_a_change_that_was_not_built_fails_the_check(copy: Copy) -> None:
    copy.edit("data/april.csv", "8.5", "8.25")
    checked = copy.trun("--lock", "check", events=False)
    assert (checked.code, checked.out) == (
        3,
        "tidy: input `data/april.csv` changed\ntasks.lock: 1 task not as locked\n",
    )
