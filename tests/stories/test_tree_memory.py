"""What is remembered of contents: kept by many processes at once, and as good as nothing where it is damaged."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner.tree.memory import FEW, Memory
from tests.kit.trees import digest

A, B, C = digest(b"a"), digest(b"b"), digest(b"c")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".trun/state/digests.blake3"


def keep(path: Path, *known: tuple[str, str, str]) -> Memory:
    memory = Memory(str(path))
    for one in known:
        memory.put(*one)
    memory.close()
    return memory


def numbered(count: int, stamp: str = "1", start: int = 0) -> list[tuple[str, str, str]]:
    return [(f"src/{number}", stamp, A) for number in range(start, start + count)]


def test_a_digest_is_known_by_path_and_stamp(path: Path) -> None:
    keep(path, ("x", "1", A), ("y", "1", B))
    memory = Memory(str(path))
    assert memory.get("x", "1") == A
    assert memory.get("y", "1") == B
    assert memory.get("x", "2") is None
    assert memory.get("z", "1") is None


def test_the_last_that_was_put_counts(path: Path) -> None:
    keep(path, ("x", "1", A))
    keep(path, ("x", "2", B))
    memory = Memory(str(path))
    assert memory.get("x", "1") is None
    assert memory.get("x", "2") == B
    memory.put("x", "3", C)
    assert memory.get("x", "3") == C


def test_what_two_processes_learn_is_known_to_a_third(path: Path) -> None:
    keep(path, ("x", "1", A))
    one, other = Memory(str(path)), Memory(str(path))
    one.put("y", "1", B)
    other.put("z", "1", C)
    one.close()
    other.close()
    third = Memory(str(path))
    assert [third.get(name, "1") for name in "xyz"] == [A, B, C]


def test_nothing_learnt_writes_nothing(path: Path) -> None:
    memory = keep(path)
    assert not path.parent.exists()
    keep(path, ("x", "1", A))
    before = path.stat()
    memory = Memory(str(path))
    assert memory.get("x", "1") == A
    memory.close()
    assert path.stat() == before


def test_a_second_close_writes_nothing_more(path: Path) -> None:
    memory = keep(path, ("x", "1", A))
    before = path.read_bytes()
    memory.close()
    assert path.read_bytes() == before


def test_any_byte_of_the_file_may_be_flipped_or_missing_and_no_wrong_digest_is_told(path: Path) -> None:
    keep(path, ("x", "1", A), ("src/y", "2", B))
    keep(path, ("z", "3", C))
    sound = path.read_bytes()
    known = {("x", "1"): A, ("src/y", "2"): B, ("z", "3"): C}
    told = 0
    for at in range(len(sound)):
        before, after = sound[:at], sound[at + 1 :]
        for damaged in (before, before + after, before + bytes([sound[at] ^ 1]) + after):
            path.write_bytes(damaged)
            memory = Memory(str(path))
            for (name, stamp), expected in known.items():
                found = memory.get(name, stamp)
                assert found in (None, expected), at
                told += found is not None
            assert memory.troubles == []
    assert told > len(sound), "what is sound is still told where something else is damaged"


def test_a_torn_end_does_not_hide_what_others_added_behind_it(path: Path) -> None:
    keep(path, ("x", "1", A))
    size = path.stat().st_size
    keep(path, *numbered(100))
    with open(path, "r+b") as file:
        file.truncate(size + 500)
    keep(path, ("y", "1", B))
    memory = Memory(str(path))
    assert [memory.get("x", "1"), memory.get("y", "1")] == [A, B]
    assert memory.get("src/7", "1") is None


@pytest.mark.parametrize(
    "garbage", [b"", b"\0" * 1000, b"=1 99999999999 1 1\n", b"=1 x\n", b"=2 1 1 1\n", b"=1 -5 0 0\n"]
)
def test_a_file_that_is_something_else_is_as_good_as_none_and_is_mended(path: Path, garbage: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(garbage)
    assert Memory(str(path)).get("x", "1") is None
    keep(path, ("x", "1", A))
    assert Memory(str(path)).get("x", "1") == A


def test_where_it_cannot_be_written_there_is_one_warning(tmp_path: Path) -> None:
    (tmp_path / ".trun").write_bytes(b"")
    memory = keep(tmp_path / ".trun/state/digests.blake3", ("x", "1", A))
    assert memory.troubles == [
        "`.trun/state/digests.blake3` cannot be written: not a directory; files will be read again"
    ]


def test_a_link_in_its_place_is_neither_read_nor_written(path: Path) -> None:
    keep(path, ("x", "1", A))
    there = path.with_name("there")
    path.rename(there)
    path.symlink_to("there")
    before = there.read_bytes()
    assert Memory(str(path)).get("x", "1") is None
    keep(path, ("x", "1", B))
    assert there.read_bytes() == before


def test_a_fifo_in_its_place_does_not_hang(path: Path) -> None:
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    assert Memory(str(path)).get("x", "1") is None


def test_it_does_not_grow_by_what_is_superseded(path: Path) -> None:
    few = FEW // 2
    sizes = []
    for stamp in range(20):
        keep(path, *numbered(few, str(stamp)))
        sizes.append(path.stat().st_size)
    assert max(sizes) < 6 * sizes[0]
    memory = Memory(str(path))
    assert [memory.get(f"src/{number}", "19") for number in range(few)] == [A] * few


def test_it_does_not_grow_by_what_vanished(path: Path) -> None:
    sizes = []
    for turn in range(20):
        memory = Memory(str(path))
        for one in numbered(FEW, start=turn * FEW):
            memory.put(*one)
        memory.close(lambda path, turn=turn: int(path[4:]) >= turn * FEW)  # type: ignore[misc]
        sizes.append(path.stat().st_size)
    assert max(sizes) < 6 * sizes[0]
    assert Memory(str(path)).get(f"src/{20 * FEW - 1}", "1") == A


def test_a_rewrite_that_fails_leaves_what_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(path, ("x", "1", A))

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    memory = Memory(str(path))
    for turn in range(3):
        for one in numbered(FEW, str(turn)):
            memory.put(*one)
    monkeypatch.setattr(os, "rename", fails)
    monkeypatch.setattr(os, "write", fails)
    memory.close()
    assert memory.troubles[0].endswith("cannot be written: no space left on device; files will be read again")
    assert os.listdir(path.parent) == [path.name]
    assert Memory(str(path)).get("x", "1") == A
