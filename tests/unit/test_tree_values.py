"""What is said of paths without looking at a disk: which stamps prove something, and which records may be restored."""

from __future__ import annotations

import os

import pytest

from runner.result import Made
from runner.stamp import TICK_NS, stamp_of, was_settled
from runner.tree.links import escaped
from runner.tree.recorded import above, fault, link_fault

NOW = 1_700_000_000_000_000_000


def found(*, mtime_ns: int = 0, ctime_ns: int = 0, inode: int = 1, mode: int = 0o100644) -> os.stat_result:
    """What stat would say."""
    seconds = (0, mtime_ns // 10**9, ctime_ns // 10**9)
    fields = {"st_mtime_ns": mtime_ns, "st_ctime_ns": ctime_ns, "st_atime_ns": 0}
    return os.stat_result((mode, inode, 2, 1, 0, 0, 3, *seconds), fields)


@pytest.mark.parametrize(
    ("mtime_ns", "ctime_ns", "is_settled"),
    [
        (0, 0, True),
        (0, NOW - TICK_NS - 1, True),
        (0, NOW - TICK_NS, False),
        (0, NOW, False),
        (0, NOW + 10**12, False),
        (NOW - TICK_NS - 1, 0, True),
        (NOW - TICK_NS, 0, False),
        (NOW + TICK_NS, 0, False),
        (NOW + TICK_NS + 1, 0, True),
    ],
)
def test_a_stamp_proves_something_once_a_tick_has_passed(mtime_ns: int, ctime_ns: int, is_settled: bool) -> None:
    assert was_settled(found(mtime_ns=mtime_ns, ctime_ns=ctime_ns), NOW) is is_settled


def test_a_stamp_differs_in_each_of_its_parts() -> None:
    stamps = [
        stamp_of(one)
        for one in (
            found(),
            found(mtime_ns=1),
            found(ctime_ns=1),
            found(inode=2),
            found(mode=0o100755),
            found(mode=0o120644),
        )
    ]
    assert len(set(stamps)) == len(stamps)
    assert not any(char in stamp for stamp in stamps for char in "\t\n >?!")


@pytest.mark.parametrize(
    ("path", "text"),
    [("a", "b"), ("a", "."), ("a", "./b/c"), ("d/a", "../b"), ("d/e/a", "../../b"), ("d/a", ".././b"), ("a", "..b/c")],
)
def test_a_link_that_stays_in_the_project_may_be_made(path: str, text: str) -> None:
    assert link_fault(path, text) is None


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a", ".."),
        ("a", "./.."),
        ("d/a", "../.."),
        ("d/a", "..//../b"),
        ("d/e/a", "../x/../../.."),
        ("d/a", "b/../c"),
        ("a", "b/.."),
        ("a", "/"),
        ("a", "//b"),
        ("a", ""),
        ("a", "b\0c"),
    ],
)
def test_a_link_that_could_leave_the_project_may_not(path: str, text: str) -> None:
    assert link_fault(path, text) is not None


def test_a_folder_that_holds_another_output_need_not_be_empty_but_nothing_else_can_hold_one() -> None:
    inner = Made(path="a/b", kind="link", target="c")
    assert fault([inner, Made(path="a-b", kind="folder")]) is None
    assert fault([inner, Made(path="a", kind="link", target="c")]) is not None
    assert fault([inner, Made(path="a", kind="folder")]) is not None


def test_the_folders_above_a_path_are_told_nearest_first() -> None:
    assert list(above("a/b/c")) == ["a/b", "a"]
    assert list(above("a")) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [("a/b", "a/b"), ("a:b", "a%3Ab"), ("100%", "100%25"), ("a\nb\x7f", "a%0Ab%7F"), ("é\udcff", "é\udcff")],
)
def test_a_links_text_cannot_be_taken_for_another_value(text: str, told: str) -> None:
    assert escaped(text) == told
