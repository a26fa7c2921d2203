"""What a look at the tree says of contents, and when it reads them."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from runner.error import Refusal
from runner.result import Made
from runner.stamp import ABSENT, RACY, stamp
from runner.tree import Sight
from runner.tree.digest import Reader
from runner.tree.disk import Disk
from runner.tree.glob import Found, find
from tests.kit.trees import at_once, digest, disk, globs, inputs, later, outputs, values, write


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch, root: Path) -> list[str]:
    """The paths of all files that are read for their content."""
    found: list[str] = []
    reads_a_file = Reader.digest

    def counted(self: Reader, path: str, seen: os.stat_result, *, follows: bool = False) -> str | None:
        found.append(os.path.relpath(path, root))
        return reads_a_file(self, path, seen, follows=follows)

    monkeypatch.setattr(Reader, "digest", counted)
    return found


def holds(root: Path, sight: Sight) -> bool:
    """Whether all stamps are as they were: what a later run may rely on."""
    told = [(entry.path, entry.stamp) for entry in sight.entries] + list(sight.watched)
    return all(stamp(str(root / path)) == said for path, said in told)


def test_a_look_says_content_and_exec_bit(root: Path) -> None:
    write(root, {"src/a": b"one", "src/run": b"two", "b": b""})
    (root / "src/run").chmod(0o755)
    (root / "b").chmod(0o611)
    sight = disk(root).look(inputs("**"))
    assert values(sight) == {
        "b": f"f:{digest(b'')}",
        "src/a": f"f:{digest(b'one')}",
        "src/run": f"x:{digest(b'two')}",
    }
    assert sight.entries[2].made == Made(path="src/run", digest=digest(b"two"), size_bytes=3, is_executable=True)
    assert sight.entries[1].stamp == stamp(str(root / "src/a"))


def test_an_unchanged_file_is_never_read_again(root: Path, reads: list[str]) -> None:
    write(root, {f"src/{number}": b"%d" % number for number in range(20)})
    tree = disk(root)
    tree.look(inputs("src/"))
    assert len(reads) == 20
    tree.renew()
    tree.look(inputs("src/"))
    tree.close()
    tree = disk(root)
    first = tree.look(inputs("src/"))
    assert len(reads) == 20
    (root / "src/7").write_bytes(b"other")
    tree.renew()
    assert tree.look(inputs("src/")) != first
    assert reads[20:] == ["src/7"]


def test_what_was_seen_is_remembered_until_it_is_renewed(root: Path) -> None:
    write(root, {"a": b"1"})
    tree = disk(root)
    before = tree.seen("a")
    (root / "a").write_bytes(b"2")
    assert tree.seen("a") == before
    tree.renew()
    after = tree.seen("a")
    assert after is not None
    assert after.value == f"f:{digest(b'2')}"


def test_a_file_that_has_only_just_changed_is_read_again(root: Path, reads: list[str]) -> None:
    write(root, {"a": b"1"})
    tree = disk(root, at_once)
    sight = tree.look(inputs("*"))
    assert [entry.stamp for entry in sight.entries] == [RACY]
    assert ("", RACY) in sight.watched
    tree.close()
    disk(root).look(inputs("*"))
    assert reads == ["a", "a"]


def test_the_same_size_and_time_is_not_the_same_content(root: Path) -> None:
    write(root, {"a": b"1"})
    (root / "a").chmod(0o644)
    os.utime(root / "a", ns=(10**18, 10**18))
    tree = disk(root)
    sight = tree.look(inputs("*"))
    (root / "a").write_bytes(b"2")
    os.utime(root / "a", ns=(10**18, 10**18))
    assert tree.moved(sight.entries) == ["a"]
    assert values(disk(root).look(inputs("*"))) == {"a": f"f:{digest(b'2')}"}


def test_a_time_in_the_future_is_relied_upon(root: Path, reads: list[str]) -> None:
    write(root, {"a": b"1"})
    os.utime(root / "a", ns=(later() * 2, later() * 2))
    tree = disk(root)
    tree.look(inputs("a"))
    tree.renew()
    tree.look(inputs("a"))
    assert reads == ["a"]


def test_moved_tells_what_is_something_else_now(root: Path) -> None:
    write(root, dict.fromkeys(("same", "touched", "edited", "gone", "folder", "link", "run", "fifo"), b"1"))
    write(root, {"to": "same"})
    tree = disk(root)
    entries = tree.look(inputs("*")).entries
    os.utime(root / "touched", ns=(5, 5))
    (root / "edited").write_bytes(b"2")
    for name in ("gone", "folder", "link", "fifo"):
        (root / name).unlink()
    (root / "folder").mkdir()
    (root / "link").symlink_to("same")
    os.mkfifo(root / "fifo")
    (root / "run").chmod(0o755)
    assert tree.moved(entries) == ["edited", "fifo", "folder", "gone", "link", "run"]
    assert tree.seen("edited") == entries[0]


def test_moved_reads_what_had_only_just_changed_again(root: Path, reads: list[str]) -> None:
    write(root, {"a": b"1"})
    tree = disk(root, at_once)
    entries = tree.look(inputs("a")).entries
    assert tree.moved(entries) == []
    assert reads == ["a", "a"]


def test_a_link_counts_by_its_text_and_by_what_it_points_to(root: Path) -> None:
    write(root, {"out/f": b"1", "in/x": "../out/f", "in/d": "../out", "in/no:where%\n": "a:b%\n"})
    (root / "in/no:where%\n").unlink()
    (root / "in/nowhere").symlink_to("a:b%\n")
    tree = disk(root)
    before = values(tree.look(inputs("in/")))
    assert before["in/x"] == f"l:../out/f:f:{digest(b'1')}"
    assert before["in/nowhere"] == "l:a%3Ab%25%0A:-"
    assert before["in/d"].startswith("l:../out:d:")
    (root / "out/f").write_bytes(b"2")
    tree.renew()
    after = values(tree.look(inputs("in/")))
    assert {path for path in before if before[path] != after[path]} == {"in/x", "in/d"}
    (root / "out/f").chmod(0o755)
    tree.renew()
    assert values(tree.look(inputs("in/")))["in/x"] == f"l:../out/f:x:{digest(b'2')}"


@pytest.mark.parametrize(
    "edit",
    [
        lambda out: (out / "sub/new").write_bytes(b""),
        lambda out: (out / "sub/f").write_bytes(b"2"),
        lambda out: (out / "sub/f").rename(out / "sub/g"),
        lambda out: (out / "sub/f").chmod(0o755),
        lambda out: (out / "empty").rmdir(),
        lambda out: (out / "far/f").write_bytes(b"2"),
        lambda out: (out.parent / "other/f").write_bytes(b"2"),
        lambda out: (out.parent / "other/new").write_bytes(b"2"),
        lambda out: (out.parent / "file").write_bytes(b"2"),
        lambda out: (out.parent / "missing").write_bytes(b"2"),
    ],
    ids=["new", "edited", "renamed", "exec", "folder", "below", "behind", "new behind", "link", "nowhere"],
)
def test_all_behind_a_link_to_a_folder_counts(root: Path, edit: object) -> None:
    write(root, {"out/sub/f": b"1", "out/far/f": b"1", "out/empty": None, "other/f": b"1"})
    write(root, {"file": b"1", "out/next": "../other", "out/near": "../file", "out/none": "../missing"})
    write(root, {"in/link": "../out"})
    tree = disk(root)
    before = tree.look(inputs("in/**"))
    assert holds(root, before)
    assert callable(edit)
    edit(root / "out")
    assert not holds(root, before)
    assert tree.moved(before.entries) == ["in/link"]


def test_loops_of_links_end(root: Path) -> None:
    write(root, {"a/b/f": b"1", "a/b/up": "../..", "a/b/self": ".", "a/self": "self", "x": "a", "y": "x/b"})
    write(root, {"out/one/two": "../two", "out/two/one": "../one", "in": "out"})
    first = values(disk(root).look(inputs("**")))
    assert first["a/self"] == "l:self:-"
    assert first == values(disk(root).look(inputs("**")))
    (root / "out/two/new").write_bytes(b"")
    assert values(disk(root).look(inputs("**")))["in"] != first["in"]


def test_a_link_to_a_folder_that_it_lies_in_counts_by_its_text(root: Path) -> None:
    write(root, {"a/up": "..", "b": b"1"})
    before = disk(root).look(inputs("a/"))
    (root / "b").write_bytes(b"2")
    assert values(disk(root).look(inputs("a/"))) == values(before)


def test_a_link_below_which_a_glob_could_match_counts_among_inputs_only(root: Path) -> None:
    write(root, {"pkg/x.c": b"1", "src/to": "../pkg"})
    assert list(values(disk(root).look(inputs("src/**/*.c")))) == ["src/to"]
    assert list(values(disk(root).look(outputs("src/**/*.c")))) == []


def test_what_is_neither_file_folder_nor_link_is_refused(root: Path) -> None:
    write(root, {"out": None, "to": "fifo", "there": "out"})
    os.mkfifo(root / "fifo")
    os.mkfifo(root / "out/fifo")
    for name, shown in (("fifo", "fifo"), ("to", "to"), ("there", "there/fifo")):
        with pytest.raises(Refusal, match=f"`{shown}` is a FIFO: only files, folders and links can be"):
            disk(root).look(inputs(name))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything; tests/process has it for others")
def test_what_cannot_be_read_is_refused_by_name(root: Path) -> None:
    write(root, {"a": b"1"})
    (root / "a").chmod(0)
    with pytest.raises(Refusal, match="`a` cannot be read: permission denied"):
        disk(root).look(inputs("*"))


def test_a_file_that_changes_all_the_time_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, {"a": b"1", "b": b"1"})
    fstat = os.fstat

    def written_meanwhile(fd: int) -> os.stat_result:
        with open(root / "a", "ab") as file:
            file.write(b"1")
        return fstat(fd)

    tree = disk(root)
    entries = tree.look(inputs("a")).entries
    tree.renew()
    os.utime(root / "a")
    monkeypatch.setattr(os, "fstat", written_meanwhile)
    with pytest.raises(Refusal, match="`a` changes all the time: it cannot be read as a whole"):
        tree.look(inputs("a"))
    assert tree.moved(entries) == ["a"]


def test_a_file_that_changed_once_while_it_was_read_is_read_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, {"a": b"1"})
    fstat = os.fstat
    left = [b"22", b"333"]

    def written_meanwhile(fd: int) -> os.stat_result:
        if left:
            (root / "a").write_bytes(left.pop(0))
        return fstat(fd)

    monkeypatch.setattr(os, "fstat", written_meanwhile)
    assert values(disk(root).look(inputs("a"))) == {"a": f"f:{digest(b'333')}"}


def test_a_file_that_vanishes_during_a_look_is_absent_and_the_look_does_not_hold(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(root, {"a": b"1", "b": b"1"})
    lstat = os.lstat

    def vanishing(path: str) -> os.stat_result:
        if path.endswith("/a") and os.path.exists(path):
            os.unlink(path)
        return lstat(path)

    tree = disk(root)
    monkeypatch.setattr(os, "lstat", vanishing)
    sight = tree.look(inputs("*"))
    monkeypatch.undo()
    assert list(values(sight)) == ["b"]
    assert ("a", RACY) in sight.watched


def test_folders_that_hold_nothing_are_told_below_what_is_named_as_a_whole(root: Path) -> None:
    write(root, {"out/a/b": None, "out/c/f": b"", "other/d": None, "src/e": None})
    sight = disk(root).look(outputs("out/", "other", "src/*.c"))
    assert sight.empty == ("other/d", "out/a/b")
    assert disk(root).look(outputs("out/a/b/")).empty == ("out/a/b",)
    assert disk(root).look(outputs("out/", "!out/a/")).empty == ()


def test_names_are_bytes(root: Path) -> None:
    names = [b"a\nb", b"-rf", b"\xff\xfe", b"'\"\\", b"\\n", b"a\tb", "é".encode(), b" ", b"*"]
    for name in names:
        with open(os.path.join(os.fsencode(root), name), "wb") as file:
            file.write(name)
    tree = disk(root)
    first = values(tree.look(inputs("**")))
    assert first == {os.fsdecode(name): f"f:{digest(name)}" for name in names}
    tree.close()
    tree = disk(root)
    assert values(tree.look(inputs("**"))) == first


def test_names_are_remembered_whatever_bytes_they_have(root: Path, reads: list[str]) -> None:
    names = ["a\nb", "\\n", "\\\\n\n", "\t", os.fsdecode(b"\xff"), "=1 2 3"]
    for name in names:
        (root / name).write_bytes(b"")
    tree = disk(root)
    tree.look(inputs("**"))
    tree.close()
    assert len(reads) == len(names)
    disk(root).look(inputs("**"))
    assert len(reads) == len(names)


def test_paths_outside_the_root_are_seen_and_remembered(tmp_path: Path, reads: list[str]) -> None:
    root = tmp_path / "project"
    write(tmp_path, {"data/x": b"1", "project": None})
    tree = disk(root)
    first = tree.seen("../data/x")
    tree.close()
    assert first is not None
    assert first.value == f"f:{digest(b'1')}"
    assert disk(root).seen("../data/x") == first
    assert len(reads) == 1


def test_a_large_file_is_read_whole_and_many_are_read_side_by_side(root: Path) -> None:
    contents = {f"big/{number}": bytes([number]) * (3_000_000 + number) for number in range(6)}
    write(root, {**contents, "big/small": b"s"})
    found = values(disk(root).look(inputs("big/")))
    assert found == {path: f"f:{digest(content)}" for path, content in {**contents, "big/small": b"s"}.items()}
    assert threading.active_count() == 1


def test_an_interrupt_in_the_middle_of_reading_passes_through(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, {f"big/{number}": b"1" * 3_000_000 for number in range(6)})
    reads_a_file = Reader.digest

    def interrupted(self: Reader, path: str, seen: os.stat_result, *, follows: bool = False) -> str | None:
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        return reads_a_file(self, path, seen, follows=follows)

    monkeypatch.setattr(Reader, "digest", interrupted)
    with pytest.raises(KeyboardInterrupt):
        disk(root).look(inputs("big/"))


@pytest.mark.parametrize(
    "edit",
    [
        lambda root: (root / "src/new.c").write_bytes(b""),
        lambda root: (root / "src/a.c").unlink(),
        lambda root: (root / "src/a.c").write_bytes(b"2"),
        lambda root: (root / "src/.gitignore").write_bytes(b"a.c\n"),
        lambda root: (root / ".gitignore").write_bytes(b"src/a.c\n"),
        lambda root: (root / "missing").write_bytes(b""),
        lambda root: (root / ".git").mkdir(),
        lambda root: (root / "src/sub/x.c").write_bytes(b""),
    ],
    ids=["new", "gone", "edited", "ignore file", "ignore file above", "missing", "repository", "below"],
)
def test_a_look_does_not_hold_once_something_has_moved(tmp_path: Path, edit: object) -> None:
    root = tmp_path / "above/project"
    write(root, {"src/a.c": b"1", "src/sub/y.c": b"", ".gitignore": b"*.o\n"})
    write(tmp_path, {".git/HEAD": b""})
    sight = disk(root).look(inputs("src/**/*.c", "missing"))
    assert dict(sight.watched)["missing"] == ABSENT
    assert holds(root, sight)
    assert callable(edit)
    edit(root)
    assert not holds(root, sight)


def test_an_ignore_file_counts_from_when_the_look_is_renewed(root: Path) -> None:
    write(root, {"src/a": b"1"})
    tree = disk(root)
    assert list(values(tree.look(inputs("src/**")))) == ["src/a"]
    (root / ".gitignore").write_bytes(b"a\n")
    tree.renew()
    assert values(tree.look(inputs("src/**"))) == {}


def test_an_ignore_file_that_appears_between_two_looks_leaves_no_stamp_that_holds(root: Path) -> None:
    write(root, {"src/a.c": b"1", "src/sub/b.c": b"1"})
    now = [at_once()]
    tree = disk(root, lambda: now[0])
    # Asks for the ignore file of `src`, but does not read that folder.
    tree.look(inputs("src/sub/*.c"))
    now = [later()]
    assert not holds(root, tree.look(inputs("src/*.c")))
    tree.renew()
    assert holds(root, tree.look(inputs("src/*.c")))


def test_a_folder_that_vanishes_during_a_look_leaves_no_stamp_that_holds(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(root, {"out/empty": None})

    def vanishing(*args: Any, **more: Any) -> Found:
        found = find(*args, **more)
        (root / "out/empty").rmdir()
        return found

    monkeypatch.setattr("runner.tree.disk.find", vanishing)
    sight = disk(root).look(outputs("out/empty/"))
    assert sight.empty == ("out/empty",)
    assert sight.watched == (("out/empty", RACY),)


def test_opening_follows_no_link(root: Path) -> None:
    write(root, {"a/b/f": b"1", "to": "a", "a/l": "b/f", "a/d": None})
    tree = disk(root)
    fd = tree.open("a/b/f")
    assert os.read(fd, 9) == b"1"
    assert not os.get_inheritable(fd)
    os.close(fd)
    for path in ("to/b/f", "a/l", "a/d", "a/none", "../f", "/etc/passwd", "", "a//f", "a/./b/f"):
        with pytest.raises(OSError, match=r".") as caught:
            tree.open(path)
        assert caught.value.filename == path or path.startswith(str(caught.value.filename))
    os.mkfifo(root / "fifo")
    with pytest.raises(OSError, match="not a file"):
        tree.open("fifo")


def test_a_tree_too_deep_to_be_read_is_refused(root: Path) -> None:
    at = os.open(root, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=at)
        below = os.open("d" * 250, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    with pytest.raises(Refusal, match="cannot be read: file name too long"):
        disk(root).look(inputs("**"))
    tree = disk(root)
    tree.empty("d" * 250)
    assert os.listdir(root / ("d" * 250)) == []


def test_what_globs_leave_out_is_left_out(root: Path) -> None:
    write(root, {"src/a": b"", "src/out/b": b""})
    wanted = inputs("src/**")
    wanted = type(wanted)(globs=wanted.globs, leave_out=globs("src/out/"))
    assert list(values(disk(root).look(wanted))) == ["src/a"]
    assert isinstance(disk(root), Disk)
