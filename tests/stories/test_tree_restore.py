"""Outputs brought back into the tree, folders emptied, leavings removed: exactly what was asked, and nothing else."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import pytest

from runner.result import Made
from runner.stamp import RACY
from runner.tree.digest import Reader
from runner.tree.stage import Stage
from tests.kit.trees import Blobs, digest, disk, file, inputs, left_staged, outputs, recorded, state, values, write


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    return root


def link(path: str, target: str) -> Made:
    return Made(path=path, kind="link", target=target)


def folder(path: str) -> Made:
    return Made(path=path, kind="folder")


MADE = [
    file("out/a", b"one"),
    file("out/bin/run", b"two", is_executable=True),
    link("out/to", "bin/run"),
    link("out/bin/up", "../a"),
    folder("out/empty"),
    file("report.txt", b"three"),
]
BLOBS = (b"one", b"two", b"three")
RESTORED = {
    "out": "folder",
    "out/a": "f b'one'",
    "out/bin": "folder",
    "out/bin/run": "x b'two'",
    "out/to": "link bin/run",
    "out/bin/up": "link ../a",
    "out/empty": "folder",
    "report.txt": "f b'three'",
}


def test_outputs_come_back_into_an_empty_tree(root: Path) -> None:
    assert disk(root).restore(MADE, ["out/"], Blobs(*BLOBS).fetch) is None
    assert state(root) == RESTORED
    assert left_staged(root) == []
    assert (root / ".trun/.gitignore").read_text().startswith("*\n")


def test_what_is_recorded_is_what_is_restored(root: Path) -> None:
    write(root, {"out/a": b"1", "out/b/c": b"2", "out/d": None, "out/l": "b/c"})
    (root / "out/a").chmod(0o755)
    before = state(root)
    made = recorded(disk(root).look(outputs("out/")))
    disk(root).empty("out")
    assert state(root) == {"out": "folder"}
    assert disk(root).restore(made, ["out"], Blobs(b"1", b"2").fetch) is None
    assert state(root) == before


def test_what_is_right_already_is_not_touched(root: Path) -> None:
    blobs = Blobs(*BLOBS)
    disk(root).restore(MADE, ["out"], blobs.fetch)
    before = {path: os.lstat(root / path) for path in RESTORED}
    (root / "out/a").write_bytes(b"other")
    blobs.asked.clear()
    assert disk(root).restore(MADE, ["out"], blobs.fetch) is None
    after = {path: os.lstat(root / path) for path in RESTORED}
    assert blobs.asked == [digest(b"one")]
    assert [path for path in RESTORED if after[path].st_ino != before[path].st_ino] == ["out/a"]
    same = [path for path in RESTORED if after[path].st_ctime_ns == before[path].st_ctime_ns]
    assert set(RESTORED) - set(same) == {"out", "out/a"}


@pytest.mark.parametrize("how", ["same size and time", "exec bit", "unwanted exec bit", "link"])
def test_what_looks_right_and_is_not_is_replaced(root: Path, how: str) -> None:
    disk(root).restore(MADE, ["out"], Blobs(*BLOBS).fetch)
    match how:
        case "same size and time":
            (root / "out/a").write_bytes(b"One")
        case "exec bit":
            (root / "out/bin/run").chmod(0o644)
        case "unwanted exec bit":
            (root / "out/a").chmod(0o744)
        case _:
            (root / "out/a").rename(root / "there")
            (root / "out/a").symlink_to("../there")
    disk(root).restore(MADE, ["out"], Blobs(*BLOBS).fetch)
    (root / "there").unlink(missing_ok=True)
    assert state(root) == RESTORED


def test_strays_leave_owned_folders_and_no_other(root: Path) -> None:
    write(root, {"out/stray": b"", "out/more/deep/stray": b"", "out/none": None, "out/.git/HEAD": b"", "out/l": "/"})
    write(root, {"out/empty/stray": b"", "near": b"", "other/x": b"", "output/x": b""})
    assert disk(root).restore(MADE, ["out"], Blobs(*BLOBS).fetch) is None
    beside = {"near": "f b''", "other": "folder", "other/x": "f b''", "output": "folder", "output/x": "f b''"}
    assert state(root) == RESTORED | beside


def test_an_owned_folder_of_which_nothing_was_recorded_is_not_there(root: Path) -> None:
    write(root, {"out/stray": b"", "kept/x": b""})
    assert disk(root).restore([], ["out", "none"], Blobs().fetch) is None
    assert state(root) == {"kept": "folder", "kept/x": "f b''"}


@pytest.mark.parametrize(
    "obstacles",
    [
        {"out": b"a file"},
        {"out/bin": b"a file", "out/a/deep/er": b"", "out/to/x": b"", "out/empty": b""},
        {"elsewhere/bin/run": b"two", "elsewhere/a": b"one", "out": "elsewhere"},
        {"elsewhere/run": b"two", "out/bin": "../elsewhere", "out/empty": "../elsewhere", "out/a": "../elsewhere/run"},
        {"out/bin": "nowhere", "out/to": "to", "out/empty": "empty"},
    ],
    ids=["file", "files and folders", "link", "links", "dangling links"],
)
def test_whatever_is_in_the_way_in_an_owned_folder_is_replaced(
    root: Path, obstacles: dict[str, bytes | str | None]
) -> None:
    write(root, obstacles)
    elsewhere = {path: told for path, told in state(root).items() if path.startswith("elsewhere")}
    assert disk(root).restore(MADE, ["out"], Blobs(*BLOBS).fetch) is None
    assert state(root) == RESTORED | elsewhere


def test_an_output_that_stands_alone_replaces_a_file_a_link_or_an_empty_folder(root: Path) -> None:
    for obstacle in (b"", "out", None):
        write(root, {"report.txt": obstacle})
        assert disk(root).restore(MADE, ["out"], Blobs(*BLOBS).fetch) is None
        assert state(root) == RESTORED
        (root / "report.txt").unlink()


@pytest.mark.parametrize(
    ("files", "made", "message"),
    [
        ({"gen": b"work"}, "gen/a", "`gen` is no folder, where a folder has to be"),
        ({"src/x": b"", "gen": "src"}, "gen/a", "`gen` is a link, where a folder has to be"),
        ({"gen": ".."}, "gen/a", "`gen` is a link that leads out of the project"),
        ({"out": "../there"}, "out/a", "`out` is a link that leads out of the project"),
        ({"out/in": "/etc"}, "out/in/a", "`out/in` is a link that leads out of the project"),
        ({"gen/work": b""}, "gen", "`gen` is a folder that holds something, where a file has to be"),
    ],
)
def test_what_may_be_somebodys_is_not_replaced(
    root: Path, files: dict[str, bytes | str | None], made: str, message: str
) -> None:
    write(root, files)
    write(root.parent, {"there/kept": b""})
    before = state(root.parent)
    assert disk(root).restore([file(made, b"one")], ["out"], Blobs(b"one").fetch) == message
    assert state(root.parent, hidden=()) == before


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (file("../a"), "`../a` is no path below the project's root"),
        (file("/a"), "`/a` is no path below the project's root"),
        (file("a//b"), "`a//b` is no path below the project's root"),
        (file("out/./b"), "`out/./b` is no path below the project's root"),
        (file(""), "`` is no path below the project's root"),
        (file(".git/hooks/x"), "`.git/hooks/x` reaches into `.git`"),
        (file("out/.TRUN/x"), "`out/.TRUN/x` reaches into `.TRUN`"),
        (Made(path="a", digest="../../x"), "`a` is recorded without its content"),
        (link("a", "/etc/passwd"), "the link `a` points to a place of one machine: `/etc/passwd`"),
        (link("a", "../x"), "the link `a` could leave the project: `../x`"),
        (link("out/b/c", "../../../x"), "the link `out/b/c` could leave the project: `../../../x`"),
        (link("out/c", "b/../../../x"), "the link `out/c` could leave the project: `b/../../../x`"),
        (link("a", ""), "the link `a` points nowhere"),
        (file("out/a/b", b"one"), "`out/a` is recorded as what it is, and as a folder of others"),
        (file("out/a", b"two"), "`out/a` is recorded twice"),
    ],
)
def test_a_record_that_reaches_where_it_may_not_restores_nothing(root: Path, made: Made, message: str) -> None:
    blobs = Blobs(*BLOBS, b"")
    assert disk(root).restore([file("out/a", b"one"), made], ["out"], blobs.fetch) == message
    assert state(root, hidden=()) == {}
    assert blobs.asked == []


def test_links_within_the_project_come_back(root: Path) -> None:
    made = [link("out/b/c", "../../src"), link("out/d", "./e/f"), link("l", "."), link("out/..x", "..x")]
    assert disk(root).restore(made, [], Blobs().fetch) is None
    assert os.readlink(root / "out/b/c") == "../../src"
    assert os.readlink(root / "out/d") == "./e/f"


def test_a_content_that_is_missing_leaves_the_tree_as_it_was(root: Path) -> None:
    write(root, {"out/a": b"mine", "out/stray": b"", "report.txt": b"old"})
    before = state(root)
    said = disk(root).restore(MADE, ["out"], Blobs(b"one", b"two").fetch)
    assert said == "the content of `report.txt` is missing or damaged"
    assert state(root) == before
    assert left_staged(root) == []


def test_a_content_of_another_size_than_recorded_is_as_good_as_missing(root: Path) -> None:
    made = Made(path="a", digest=digest(b"one"), size_bytes=4)
    said = disk(root).restore([made], [], Blobs(b"one").fetch)
    assert said == "the content of `a` is missing or damaged"
    assert state(root) == {}


def test_a_folder_that_becomes_a_link_while_contents_are_fetched_is_not_followed(root: Path) -> None:
    outside = root.parent / "outside"
    outside.mkdir()
    blobs = Blobs(*BLOBS)
    for target in ("out", "out/bin"):
        write(root, {"out/bin": None})

        def swapped(digest: str, to: int, target: str = target) -> bool:
            if not (root / target).is_symlink():
                os.rename(root / target, root / f"moved.{target.replace('/', '.')}")
                (root / target).symlink_to(outside)
            return blobs.fetch(digest, to)

        assert disk(root).restore(MADE, ["out"], swapped) is None
        assert list(outside.iterdir()) == []
        assert (root / "out/bin/run").read_bytes() == b"two"
        assert not (root / target).is_symlink()
        disk(root).empty("out")


def test_an_unowned_folder_that_becomes_a_link_meanwhile_stops_the_restore(root: Path) -> None:
    outside = root.parent / "outside"
    outside.mkdir()
    write(root, {"gen": None})

    def swapped(digest: str, to: int) -> bool:
        os.rename(root / "gen", root / "moved")
        (root / "gen").symlink_to(outside)
        return Blobs(b"one").fetch(digest, to)

    with pytest.raises(OSError, match=r"Not a directory: 'gen'|Too many levels"):
        disk(root).restore([file("gen/a", b"one")], [], swapped)
    assert list(outside.iterdir()) == []
    assert left_staged(root) == []


def test_modes_are_those_of_the_umask(root: Path) -> None:
    before = os.umask(0o027)
    try:
        disk(root).restore(MADE, ["out"], Blobs(*BLOBS).fetch)
    finally:
        os.umask(before)
    assert [(root / path).stat().st_mode & 0o777 for path in ("out/a", "out/bin/run")] == [0o640, 0o750]


def test_a_file_with_a_second_name_elsewhere_is_replaced_and_not_written_to(root: Path) -> None:
    write(root, {"precious": b"mine", "out": None})
    os.link(root / "precious", root / "out/a")
    disk(root).restore(MADE, ["out"], Blobs(*BLOBS).fetch)
    assert (root / "precious").read_bytes() == b"mine"
    assert (root / "out/a").stat().st_nlink == 1


def test_names_that_are_bytes_come_back(root: Path) -> None:
    names = [os.fsdecode(name) for name in (b"a\nb", b"-rf", b"\xff\xfe", b"'\"\\", b"*")]
    made = [file(f"out/{name}/{name}", b"one") for name in names]
    write(root, {"out/\udcff": b"stray", "out/-r": b"stray"})
    assert disk(root).restore(made, ["out"], Blobs(b"one").fetch) is None
    assert set(values(disk(root).look(outputs("out/")))) == {one.path for one in made}


def test_what_was_restored_need_not_be_read_to_be_known_in_the_same_run(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = disk(root)
    tree.restore(MADE, ["out"], Blobs(*BLOBS).fetch)
    with monkeypatch.context() as patched:
        patched.setattr(Reader, "digest", lambda *_, **__: pytest.fail("read"))
        sight = tree.look(inputs("report.txt", "out/a"))
    assert values(sight) == {"out/a": f"f:{digest(b'one')}", "report.txt": f"f:{digest(b'three')}"}
    # Whether it was changed again at once, nobody can tell: later runs read it.
    assert {entry.stamp for entry in sight.entries} == {RACY}
    (root / "report.txt").write_bytes(b"four!")
    tree.renew()
    assert values(tree.look(inputs("report.txt"))) == {"report.txt": f"f:{digest(b'four!')}"}


def test_a_staging_folder_of_a_process_that_died_is_removed_and_that_of_a_live_one_is_not(root: Path) -> None:
    write(root, {".trun/stage/1-dead/0": b"", ".trun/stage/1-dead/deep/er": b""})
    seen: list[list[str]] = []

    def fetch(digest: str, to: int) -> bool:
        if not seen:
            seen.append(left_staged(root))
            other = disk(root)
            other.restore([file("other", b"two")], [], Blobs(b"two").fetch)
            seen.append(left_staged(root))
        return Blobs(b"one").fetch(digest, to)

    assert disk(root).restore([file("a", b"one")], [], fetch) is None
    assert len(seen[0]) == 1
    assert seen[0] == seen[1] != ["1-dead"]
    assert left_staged(root) == []


@pytest.mark.parametrize("is_cut_off", [False, True])
def test_outputs_come_back_across_file_systems(root: Path, monkeypatch: pytest.MonkeyPatch, is_cut_off: bool) -> None:
    def crosses(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    # What a killed process left beside.
    write(root, {f"{'out/' if is_cut_off else ''}.trun-{crc32(b'a'):08x}": b"half", "out/a": b"old"})
    monkeypatch.setattr(Stage, "move", crosses)
    assert disk(root).restore(MADE, ["out"], Blobs(*BLOBS).fetch) is None
    now = state(root)
    now.pop(f".trun-{crc32(b'a'):08x}", None)
    assert now == RESTORED


def test_a_copy_across_file_systems_that_fails_leaves_nothing_beside(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crosses(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    def fails(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    write(root, {"out/a": b"old"})
    monkeypatch.setattr(Stage, "move", crosses)
    monkeypatch.setattr(os, "rename", fails)
    with pytest.raises(OSError, match="No space left on device: 'out/a'"):
        disk(root).restore(MADE[:1], ["out"], Blobs(*BLOBS).fetch)
    assert state(root) == {"out": "folder", "out/a": "f b'old'"}


def test_emptying_removes_all_and_follows_nothing(root: Path) -> None:
    write(root.parent, {"outside/kept": b"", "outside/in/kept": b""})
    write(root, {"out/a": b"", "out/b/c/d": b"", "out/.git/x": b"", "out/l": "../../outside", "out/m": "/etc/passwd"})
    (root / "out/b").chmod(0o500)
    (root / "out/b/c").chmod(0)
    disk(root).empty("out/")
    assert state(root) == {"out": "folder"}
    assert state(root.parent / "outside") == {"kept": "f b''", "in": "folder", "in/kept": "f b''"}
    disk(root).empty("nothing/there")


@pytest.mark.parametrize("path", ["link", "file", "..", "", "link/in", "../outside"])
def test_only_a_folder_below_the_root_is_emptied(root: Path, path: str) -> None:
    write(root.parent, {"outside/in/kept": b""})
    write(root, {"link": "../outside", "file": b""})
    with pytest.raises(OSError, match=r"Not a directory|Too many levels|not a path below the root"):
        disk(root).empty(path)
    assert (root.parent / "outside/in/kept").exists()


def test_a_folder_put_in_the_way_while_it_is_emptied_is_not_followed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(root.parent, {"outside/kept": b""})
    write(root, {"out/a/b": b""})
    opens = os.open

    def swapped(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "a":
            monkeypatch.setattr(os, "open", opens)
            os.rename(root / "out/a", root / "moved")
            (root / "out/a").symlink_to("../../outside")
        return opens(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", swapped)
    with pytest.raises(OSError, match="changed while it was being removed: 'out/a'"):
        disk(root).empty("out")
    assert (root.parent / "outside/kept").exists()


def test_a_folder_moved_away_while_it_is_emptied_leads_nowhere_else(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(root, {"out/a/b/f": b"", "other/out/kept": b"", "other/a": None})
    unlink = os.unlink

    def moving(path: str, *, dir_fd: int | None = None) -> None:
        if path == "f":
            os.rename(root / "out/a/b", root / "other/b")
        unlink(path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", moving)
    with pytest.raises(OSError, match="changed while it was being removed: 'out/a'"):
        disk(root).empty("out")
    assert sorted(os.listdir(root / "other")) == ["a", "b", "out"]


def test_a_leaving_that_is_edited_in_the_last_moment_is_kept(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, {"gen/a": b"1"})
    made = remembered(root, "gen/a")
    reads_a_file = Reader.digest

    def edited(self: Reader, path: str, seen: os.stat_result, *, follows: bool = False) -> str | None:
        found = reads_a_file(self, path, seen, follows=follows)
        (root / "gen/a").write_bytes(b"mine")
        return found

    monkeypatch.setattr(Reader, "digest", edited)
    assert disk(root).remove(made) == ([], ["gen/a"])
    assert (root / "gen/a").read_bytes() == b"mine"


def test_a_tree_of_any_depth_is_emptied_with_few_open_files(root: Path) -> None:
    at = os.open(root, os.O_RDONLY)
    os.mkdir("out", dir_fd=at)
    for name in ["out"] + ["d"] * 3_000:
        below = os.open(name, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
        os.mkdir("d", dir_fd=at)
    os.close(at)
    disk(root).empty("out")
    assert state(root) == {"out": "folder"}


def remembered(root: Path, *texts: str) -> list[Made]:
    return recorded(disk(root).look(outputs(*texts)))


def test_leavings_are_removed_if_they_are_as_recorded(root: Path) -> None:
    write(root, {"gen/a/b": b"1", "gen/c": b"2", "gen/e": None, "gen/l": "c", "src/x": b"3", "other": b"4"})
    made = remembered(root, "gen/", "src/x", "other")
    (root / "gen/c").write_bytes(b"edited")
    (root / "gen/l").unlink()
    removed, kept = disk(root).remove([*made, file("never/made"), file("../x")])
    assert removed == ["gen/a/b", "gen/e", "other", "src/x"]
    assert kept == ["../x", "gen/c"]
    assert state(root) == {"gen": "folder", "gen/c": "f b'edited'"}


@pytest.mark.parametrize(
    "edit",
    [
        lambda root: (root / "gen/a").chmod(0o755),
        lambda root: ((root / "gen/a").unlink(), (root / "gen/a").symlink_to("b")),
        lambda root: ((root / "gen/a").unlink(), (root / "gen/a").mkdir()),
        lambda root: ((root / "gen").rename(root / "moved"), (root / "gen").symlink_to("moved")),
    ],
    ids=["exec", "link", "folder", "behind a link"],
)
def test_leavings_that_are_something_else_now_are_kept(root: Path, edit: Callable[[Path], object]) -> None:
    write(root, {"gen/a": b"1", "gen/b": b"1"})
    made = remembered(root, "gen/a")
    edit(root)
    before = state(root)
    assert disk(root).remove(made) == ([], ["gen/a"])
    assert state(root) == before


def test_a_recorded_folder_that_holds_something_now_is_kept(root: Path) -> None:
    write(root, {"gen/e": None})
    made = remembered(root, "gen/")
    write(root, {"gen/e/new": b""})
    assert disk(root).remove(made) == ([], ["gen/e"])
