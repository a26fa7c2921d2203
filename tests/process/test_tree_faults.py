"""Restoring while system calls fail or the process is killed: right in the end, and never called right before."""

from __future__ import annotations

import itertools
import shutil
import threading
from pathlib import Path

import pytest

from runner.result import Made
from tests.kit.faults import Fault, each, faults, need_strace, python
from tests.kit.trees import Blobs, disk, file, left_staged, state, write

CODE = """
import os
from tests.process.test_tree_faults import BLOBS, MADE
from tests.kit.trees import Blobs, disk
import fcntl, zlib, runner.tree.hands, runner.tree.restore
from pathlib import Path
tree = disk(Path("."))
blobs = Blobs(*BLOBS)
mark(BEGIN)
try:
    said = tree.restore(MADE, ["out"], blobs.fetch)
    code = 0 if said is None else 3
except OSError as error:
    code = 4
mark(END)
os._exit(code)
"""
# One after which nothing else is tried, and the one after which modes are changed. With all six of the kit's it was
# tried too: they differ in nothing.
ERRORS = ("EIO", "EACCES")
BLOBS = (b"one", b"two", b"three", b"same")
MADE = [
    file("out/a", b"one"),
    file("out/bin/run", b"two", is_executable=True),
    file("out/same", b"same"),
    Made(path="out/to", kind="link", target="bin/run"),
    Made(path="out/empty", kind="folder"),
    file("new/report.txt", b"three"),
]
RESTORED = {
    "out": "folder",
    "out/a": "f b'one'",
    "out/bin": "folder",
    "out/bin/run": "x b'two'",
    "out/same": "f b'same'",
    "out/to": "link bin/run",
    "out/empty": "folder",
    "new": "folder",
    "new/report.txt": "f b'three'",
}
KEPT = {"src": "folder", "src/kept": "f b'mine'"}


def before(root: Path) -> None:
    """A tree in which nearly everything is in the way."""
    write(root, {"out/a": b"old", "out/same": b"same", "out/bin": "../src", "out/to/deep/er": b"", "src/kept": b"mine"})
    write(root, {"out/stray/deep": b"", "out/empty": b"a file", ".trun/stage/1-dead/0": b"left"})


@pytest.mark.slow
def test_whatever_fails_while_outputs_are_restored_a_second_restore_makes_it_right(tmp_path: Path) -> None:
    need_strace()
    command = python(CODE)
    first = tmp_path / "first"
    before(first)
    was = state(first)
    calls = command.calls(first)
    assert state(first) == RESTORED | KEPT
    numbers = itertools.count()
    lock = threading.Lock()
    ended: dict[int, int] = {}

    def tried(fault: Fault) -> None:
        root = tmp_path / str(next(numbers))
        before(root)
        struck = command.strike(fault, root)
        now = state(root)
        assert struck.is_hit
        assert struck.code in (0, 3, 4, -9), struck.stderr
        assert struck.code != 0 or now == RESTORED | KEPT
        assert struck.code != 3 or now == was
        assert KEPT.items() <= now.items()
        assert disk(root).restore(MADE, ["out"], Blobs(*BLOBS).fetch) is None
        assert state(root) == RESTORED | KEPT
        disk(root).restore([file("other", b"one")], [], Blobs(b"one").fetch)
        assert left_staged(root) == []
        shutil.rmtree(root)
        with lock:
            ended[struck.code] = ended.get(struck.code, 0) + 1

    points = each(faults(calls, ERRORS), tried)
    print(f"{points} points of {len(calls)} calls; ended with {ended}")
    assert points == (2 * len(ERRORS) + 1) * len(calls) > 1_000
    assert min(ended.get(code, 0) for code in (0, 4, -9)) > 0
