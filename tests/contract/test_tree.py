"""What every tree promises, held for the one on disk and for the fake."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from runner.result import Made
from runner.stamp import ABSENT
from runner.testing.tree import FakeTree
from runner.tree.digest import Reader
from tests.kit.trees import Blobs, digest, disk, file, inputs, outputs, recorded, values, write

if TYPE_CHECKING:
    from runner.tree import Tree


class Ground(Protocol):
    """A tree, and what a task would do to it."""

    tree: Tree
    reads: list[str]

    def write(self, path: str, content: bytes, *, is_executable: bool = False) -> None: ...
    def link(self, path: str, target: str) -> None: ...
    def folder(self, path: str) -> None: ...
    def vanish(self, path: str) -> None: ...


class OnDisk:
    def __init__(self, root: Path, reads: list[str]) -> None:
        self.root = root
        self.reads = reads
        self.tree: Tree = disk(root)

    def write(self, path: str, content: bytes, *, is_executable: bool = False) -> None:
        write(self.root, {path: content})
        (self.root / path).chmod(0o755 if is_executable else 0o644)

    def link(self, path: str, target: str) -> None:
        write(self.root, {path: target})

    def folder(self, path: str) -> None:
        write(self.root, {path: None})

    def vanish(self, path: str) -> None:
        (self.root / path).unlink()


class InMemory:
    def __init__(self) -> None:
        self.fake = FakeTree()
        self.reads = self.fake.reads
        self.tree: Tree = self.fake
        self.write = self.fake.write
        self.vanish = self.fake.vanish

    def link(self, path: str, target: str) -> None:
        self.fake.put(Made(path=path, kind="link", target=target))

    def folder(self, path: str) -> None:
        self.fake.put(Made(path=path, kind="folder"))


@pytest.fixture(params=["disk", "fake"])
def ground(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    if request.param == "fake":
        yield InMemory()
        return
    reads: list[str] = []
    reads_a_file: Callable[..., str | None] = Reader.digest

    def counted(self: Reader, path: str, seen: os.stat_result, *, follows: bool = False) -> str | None:
        reads.append(os.path.relpath(path, tmp_path))
        return reads_a_file(self, path, seen, follows=follows)

    monkeypatch.setattr(Reader, "digest", counted)
    yield OnDisk(tmp_path, reads)


def test_a_look_gives_what_matches_in_order(ground: Ground) -> None:
    ground.write("src/b.c", b"2")
    ground.write("src/a.c", b"1", is_executable=True)
    ground.write("src/a.h", b"3")
    sight = ground.tree.look(inputs("src/*.c", "none"))
    assert list(values(sight).items()) == [("src/a.c", f"x:{digest(b'1')}"), ("src/b.c", f"f:{digest(b'2')}")]
    assert sight.entries[0].made == file("src/a.c", b"1", is_executable=True)
    assert ("none", ABSENT) in sight.watched


def test_a_file_is_read_once(ground: Ground) -> None:
    ground.write("a", b"1")
    for _ in range(3):
        ground.tree.look(inputs("*"))
        ground.tree.renew()
    assert ground.reads == ["a"]
    ground.write("a", b"22")
    ground.tree.renew()
    ground.tree.look(inputs("*"))
    assert ground.reads == ["a", "a"]


def test_what_was_seen_stays_until_it_is_renewed(ground: Ground) -> None:
    ground.write("a", b"1")
    before = ground.tree.seen("a")
    ground.write("a", b"22")
    assert ground.tree.seen("a") == before
    assert before is not None
    assert ground.tree.moved([before]) == ["a"]
    ground.tree.renew()
    after = ground.tree.seen("a")
    assert after is not None
    assert after.value == f"f:{digest(b'22')}"
    assert ground.tree.moved([after]) == []
    ground.vanish("a")
    assert ground.tree.moved([after]) == ["a"]


def test_there_is_nothing_to_see_in_a_folder_or_where_nothing_is(ground: Ground) -> None:
    ground.folder("folder")
    assert ground.tree.seen("folder") is None
    assert ground.tree.seen("nothing") is None


def test_a_link_is_seen_with_what_it_points_to(ground: Ground) -> None:
    ground.write("to/a", b"1")
    ground.link("in/l", "../to/a")
    ground.link("in/none", "nowhere")
    before = ground.tree.look(inputs("in/"))
    assert values(before) == {"in/l": f"l:../to/a:f:{digest(b'1')}", "in/none": "l:nowhere:-"}
    ground.write("to/a", b"22")
    assert ground.tree.moved(before.entries) == ["in/l"]


def test_what_is_opened_can_be_read(ground: Ground) -> None:
    ground.write("a/b", b"content")
    fd = ground.tree.open("a/b")
    assert os.read(fd, 100) == b"content"
    os.close(fd)
    with pytest.raises(OSError, match="No such file"):
        ground.tree.open("a/none")


def test_outputs_come_back_after_the_folder_was_emptied(ground: Ground) -> None:
    ground.write("out/a", b"1")
    ground.write("out/b/c", b"2", is_executable=True)
    ground.link("out/l", "b/c")
    ground.folder("out/e")
    before = ground.tree.look(outputs("out/"))
    made = recorded(before)
    ground.tree.empty("out")
    assert recorded(ground.tree.look(outputs("out/"))) == [Made(path="out", kind="folder")]
    ground.write("out/stray", b"")
    assert ground.tree.restore(made, ["out"], Blobs(b"1", b"2").fetch) is None
    after = ground.tree.look(outputs("out/"))
    assert (values(after), after.empty) == (values(before), before.empty)


def test_what_cannot_be_had_changes_nothing(ground: Ground) -> None:
    ground.write("out/a", b"mine")
    said = ground.tree.restore([file("out/b", b"1"), file("out/c", b"2")], ["out"], Blobs(b"1").fetch)
    assert said == "the content of `out/c` is missing or damaged"
    ground.tree.renew()
    assert values(ground.tree.look(outputs("out/"))) == {"out/a": f"f:{digest(b'mine')}"}


def test_what_is_right_already_is_not_fetched(ground: Ground) -> None:
    ground.write("out/a", b"1")
    blobs = Blobs(b"1", b"2")
    assert ground.tree.restore([file("out/a", b"1"), file("out/b", b"2")], ["out"], blobs.fetch) is None
    assert blobs.asked == [digest(b"2")]


def test_outputs_are_removed_where_they_are_as_recorded(ground: Ground) -> None:
    ground.write("gen/a", b"1")
    ground.write("gen/b", b"2")
    made = recorded(ground.tree.look(outputs("gen/*")))
    ground.write("gen/b", b"edited")
    ground.tree.renew()
    assert ground.tree.remove([*made, file("gen/none")]) == (["gen/a"], ["gen/b"])
    assert values(ground.tree.look(outputs("gen/*"))) == {"gen/b": f"f:{digest(b'edited')}"}


def test_closing_raises_nothing(ground: Ground) -> None:
    ground.write("a", b"1")
    ground.tree.look(inputs("a"))
    ground.tree.close()
    ground.tree.close()
