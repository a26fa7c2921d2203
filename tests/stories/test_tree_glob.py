"""What a look at the tree finds, and where it does not look."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from runner.error import Refusal
from runner.pattern import Glob, Globs
from runner.tree.glob import Entry, Found, find
from runner.tree.ignore import Ignore


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


def globs(*texts: str) -> Globs:
    return Globs([Glob.of(text) for text in texts])


def write(root: Path, *paths: str, content: str = "") -> None:
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)


def look(root: Path, *texts: str, **more: Any) -> Found:
    return find(str(root), globs(*texts), **more)


def paths(found: Found) -> list[str]:
    return [entry.path for entry in found]


def test_files_are_found_in_order(root: Path) -> None:
    write(root, "b.c", "a/x.c", "a/.c", "a.c", "a/x.h", "a-b/y.c", ".hidden/z.c")
    assert paths(look(root, "**/*.c")) == [".hidden/z.c", "a-b/y.c", "a.c", "a/.c", "a/x.c", "b.c"]
    assert paths(look(root, "*.c")) == ["a.c", "b.c"]
    assert paths(look(root, "a/", "!**/*.h")) == ["a/.c", "a/x.c"]
    assert paths(look(root, "a", "b.c", "*.c")) == ["a.c", "a/.c", "a/x.c", "a/x.h", "b.c"]
    assert look(root, "b.c").entries == (Entry("b.c", "file"),)


def test_nothing_in_git_or_trun_is_found(root: Path) -> None:
    write(root, ".git/HEAD", ".trun/x", "a/.git/HEAD", "a/b", ".gitignore", ".trunk/y")
    assert paths(look(root, "**")) == [".gitignore", ".trunk/y", "a/b"]
    assert paths(look(root, ".")) == [".gitignore", ".trunk/y", "a/b"]


def test_empty_folders_are_nothing(root: Path) -> None:
    (root / "empty/below").mkdir(parents=True)
    assert paths(look(root, "**", "empty", "empty/")) == []


def test_a_folder_with_a_trailing_slash_is_no_file(root: Path) -> None:
    write(root, "gen")
    assert paths(look(root, "gen/")) == []
    assert paths(look(root, "gen")) == ["gen"]


def test_names_are_bytes(root: Path) -> None:
    names = [b"-rf", b"a\nb", b"caf\xc3\xa9", b"q\"uote'", b"\xff\xfe", b" ", b"[x]", b"*"]
    for name in names:
        Path(os.fsdecode(os.path.join(os.fsencode(root), name))).write_text("")
    assert [os.fsencode(path) for path in paths(look(root, "*"))] == sorted(names)
    assert [os.fsencode(path) for path in paths(look(root, "\udcff*"))] == [b"\xff\xfe"]
    assert paths(look(root, "\\[x\\]", "\\*")) == ["*", "[x]"]


def test_only_where_something_can_match_is_looked(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, "src/a/x.c", "src/b/y.c", "lib/z.c", "node_modules/p/q/r.c", "web/dist/t.c", "web/src/u.c")
    read = []
    scandir = os.scandir

    def counted(path: str) -> Any:
        read.append(os.path.relpath(path, root))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", counted)
    look(root, "src/*.c")
    assert read == ["src"]
    read.clear()
    look(root, "src/a/*.c", "lib/**", "lib/z.c")
    assert sorted(read) == ["lib", "src/a"]
    read.clear()
    found = look(root, "**/*.c", "!node_modules/**", leave_out=globs("web/dist/"))
    assert sorted(read) == [".", "lib", "src", "src/a", "src/b", "web", "web/src"]
    assert found.folders == ("", "lib", "src", "src/a", "src/b", "web", "web/src")
    assert paths(found) == ["lib/z.c", "src/a/x.c", "src/b/y.c", "web/src/u.c"]


def test_what_others_make_is_left_out(root: Path) -> None:
    write(root, "a.c", "out/b.c", "gen/c.c", "gen/d.h")
    left_out = globs("out/", "gen/*.c")
    assert paths(look(root, "**", leave_out=left_out)) == ["a.c", "gen/d.h"]
    assert paths(look(root, "gen/c.c", "gen/d.h", "out/", "a.c", leave_out=left_out)) == ["a.c", "gen/d.h"]


def test_what_is_absent_is_told(root: Path) -> None:
    write(root, "a", "src/x.c")
    found = look(root, "none", "a/below", "gone/*.c", "src/*.c", "src/y.c", "x" * 300)
    assert paths(found) == ["src/x.c"]
    assert found.absent == ("a/below", "gone", "none", "src/y.c", "x" * 300)
    assert found.folders == ("src",)


def test_links_are_links(root: Path) -> None:
    write(root, "real/a.c", "target")
    (root / "file").symlink_to("target")
    (root / "dangling").symlink_to("nowhere")
    (root / "folder").symlink_to("real")
    found = look(root, "*", "real/*")
    assert found.entries == (
        Entry("dangling", "link"),
        Entry("file", "link"),
        Entry("folder", "link"),
        Entry("real/a.c", "file"),
        Entry("target", "file"),
    )
    assert look(root, "file", "folder", "dangling").entries == found.entries[:3]


def test_a_link_to_a_folder_is_no_folder_but_a_way(root: Path) -> None:
    write(root, "real/a.c", "src/b.c")
    (root / "src/common").symlink_to("../real")
    (root / "src/loop").symlink_to("..")
    (root / "src/self").symlink_to("self")
    found = look(root, "src/**/*.c")
    assert paths(found) == ["src/b.c"]
    assert found.ways == ("src/common", "src/loop")
    assert look(root, "src/*.c").ways == ()
    assert look(root, "src/**/*.c", leave_out=globs("src/common")).ways == ("src/loop",)
    everything = look(root, "src/")
    assert [entry.path for entry in everything if entry.kind == "link"] == ["src/common", "src/loop", "src/self"]
    assert everything.ways == ()


def test_a_folder_that_is_named_is_entered_through_a_link(root: Path) -> None:
    write(root, "real/a.c", "real/sub/b.c")
    (root / "folder").symlink_to("real")
    assert look(root, "folder/a.c").entries == (Entry("folder/a.c", "file"),)
    assert paths(look(root, "folder/**/*.c")) == ["folder/a.c", "folder/sub/b.c"]
    assert look(root, "folder/").entries == (Entry("folder", "link"),)
    assert look(root, "folder/", "!folder/").entries == ()


def test_a_loop_of_links_that_is_named_is_absent(root: Path) -> None:
    (root / "loop").symlink_to("loop")
    found = look(root, "loop/*.c", "loop/x")
    assert (found.entries, found.absent) == ((), ("loop", "loop/x"))


def test_a_tree_deeper_than_the_interpreters_stack_is_walked(root: Path) -> None:
    write(root, "top.c")
    deep = "/".join(["d"] * (sys.getrecursionlimit() + 100))
    os.makedirs(root / "d")
    here = os.open(root / "d", os.O_RDONLY)
    for _ in range(deep.count("d") - 1):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    write(root, f"{deep}/x.c")
    try:
        assert paths(ignoring(root, "**/*.c")) == [f"{deep}/x.c", "top.c"]
        named = Globs([Glob.of("*.c", deep)])
        assert paths(find(str(root), named, ignored=Ignore(str(root)))) == [f"{deep}/x.c"]
    finally:
        os.unlink(root / deep / "x.c")
        os.removedirs(root / deep)  # pytest removes what it made by recursion


def refusal(root: Path, *texts: str, **more: Any) -> str:
    with pytest.raises(Refusal) as refused:
        look(root, *texts, **more)
    return refused.value.problems[0].message


def test_a_fifo_is_refused_by_name(root: Path) -> None:
    os.mkfifo(root / "pipe")
    said = "`pipe` is a FIFO: only files, folders and links can be inputs and outputs"
    assert refusal(root, "*") == said
    assert refusal(root, "pipe") == said
    assert paths(look(root, "*.c")) == []
    assert paths(look(root, "*", "!pipe")) == []
    assert paths(look(root, "*", leave_out=globs("pipe"))) == []


def test_a_socket_is_refused_by_name(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)  # the path of a socket may not be long
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("sock")
        assert refusal(root, "**") == "`sock` is a socket: only files, folders and links can be inputs and outputs"


def test_a_folder_that_cannot_be_read_is_an_error(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, "src/a.c", "locked/b.c")
    scandir, lstat = os.scandir, os.lstat

    def guarded(path: str) -> Any:
        if path.endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    def blind(path: str) -> Any:
        if path.endswith("locked/b.c"):
            raise PermissionError(13, "Permission denied", path)
        return lstat(path)

    monkeypatch.setattr(os, "scandir", guarded)
    monkeypatch.setattr(os, "lstat", blind)
    assert refusal(root, "**/*.c") == "`locked` cannot be read: permission denied"
    assert refusal(root, "locked/b.c") == "`locked/b.c` cannot be read: permission denied"
    assert paths(look(root, "**/*.c", "!locked/")) == ["src/a.c"]


def ignoring(root: Path, *texts: str, **more: Any) -> Found:
    return look(root, *texts, ignored=Ignore(str(root)), **more)


def test_ignored_files_do_not_count(root: Path) -> None:
    write(root, ".gitignore", content="*.log\n/dist/\n")
    write(root, "a.c", "a.log", "dist/b.c", "src/c.c", "src/dist/d.c", "src/e.log")
    assert paths(ignoring(root, "**")) == [".gitignore", "a.c", "src/c.c", "src/dist/d.c"]
    assert paths(ignoring(root, "dist/*.c")) == []
    assert paths(ignoring(root, "dist/**", "*.log")) == []


def test_ignored_files_count_when_named_without_a_wildcard(root: Path) -> None:
    write(root, ".gitignore", content="*.log\n/dist/\n")
    write(root, "a.log", "dist/b.c", "dist/sub/c.log", "src/d.log", "src/e.c")
    assert paths(ignoring(root, "a.log", "dist/b.c")) == ["a.log", "dist/b.c"]
    assert paths(ignoring(root, "{a,b}.log")) == ["a.log"]
    assert paths(ignoring(root, "dist/")) == ["dist/b.c", "dist/sub/c.log"]
    assert paths(ignoring(root, "dist/sub")) == ["dist/sub/c.log"]
    # `src` is not ignored, so that the rules hold for what lies in it.
    assert paths(ignoring(root, "src/")) == ["src/e.c"]
    assert paths(ignoring(root, "**", "dist")) == [".gitignore", "dist/b.c", "dist/sub/c.log", "src/e.c"]


def test_some_count_even_if_they_are_ignored(root: Path) -> None:
    write(root, ".gitignore", content="gen/\n*.o\n")
    write(root, "a.c", "gen/b.c", "gen/deep/c.c", "gen/d.h", "e.o", "f.o")
    found = ignoring(root, "**/*.{c,o}", even_ignored=globs("gen/**/*.c", "e.o"))
    assert paths(found) == ["a.c", "e.o", "gen/b.c", "gen/deep/c.c"]
    assert paths(ignoring(root, "gen/*.c", even_ignored=globs("gen/"))) == ["gen/b.c"]
    whole = ["gen/b.c", "gen/d.h", "gen/deep/c.c"]
    assert paths(ignoring(root, "gen/**", "gen/", even_ignored=globs("gen/*.c"))) == whole


def test_an_ignored_fifo_is_no_trouble(root: Path) -> None:
    write(root, ".gitignore", content="run/\n*.pipe\n")
    (root / "run").mkdir()
    os.mkfifo(root / "run/a")
    os.mkfifo(root / "b.pipe")
    assert paths(ignoring(root, "**")) == [".gitignore"]


def test_a_look_tells_which_ignore_files_counted(root: Path) -> None:
    write(root, ".gitignore", "src/.gitignore", "lib/.gitignore", content="*.o\n")
    write(root, "src/a/b/x.c", "lib/y.c")
    found = ignoring(root, "src/a/**")
    assert found.rules == (".gitignore", "src/.gitignore")
    assert found.folders == ("src/a", "src/a/b")
    assert found.absent == ()
    assert ignoring(root, "src/a/b/*").absent == ("src/a/.gitignore",)
    assert look(root, "src/a/**").rules == ()


def test_files_outside_are_found_by_their_relative_path(root: Path) -> None:
    write(root, "data/x.csv", "project/a.csv", "project/.gitignore", content="*.csv\n")
    outside = Globs([Glob.of("../data/**/*.csv", outside=["../data"])])
    found = find(str(root / "project"), outside, ignored=Ignore(str(root / "project")))
    assert paths(found) == ["../data/x.csv"]
