"""The tree as somebody meets it who may not do everything, and across real file systems."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from runner.tree.disk import Disk
from runner.tree.memory import Memory
from tests.kit.trees import Blobs, file, later, left_staged, state, write

TOP = Path(__file__).resolve().parent.parent.parent
CODE = """
import json, os, sys
from pathlib import Path
from runner.error import Refusal
from tests.kit.trees import Blobs, disk, file, inputs, outputs, recorded, state, values
root = Path(".")
try:
    said = (lambda: {what})()
except Refusal as refusal:
    said = str(refusal)
except OSError as error:
    said = f"{{error.strerror}}: {{error.filename}}"
print(json.dumps(said))
"""


@pytest.fixture
def root() -> Iterator[Path]:
    """A folder in which modes may be set as one likes."""
    made = Path(mkdtemp())
    try:
        yield made
    finally:
        for folder, folders, _ in os.walk(made):
            for name in folders:
                if not os.path.islink(os.path.join(folder, name)):
                    os.chmod(os.path.join(folder, name), 0o700)
        shutil.rmtree(made)


def asked(root: Path, what: str) -> Any:
    """What an expression gives to somebody to whom modes apply."""
    argv = [*no_powers(), sys.executable, "-c", CODE.format(what=what)]
    env = {"PYTHONPATH": str(TOP), "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"]}
    done = subprocess.run(argv, cwd=root, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def no_powers() -> list[str]:
    """What a command begins with so that root is an owner like any other."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        if os.environ.get("CI"):
            pytest.fail("setpriv is missing, and CI has it")
        pytest.skip("needs setpriv, or not to be root")
    return ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]


def test_what_cannot_be_read_is_refused_by_name_and_never_skipped(root: Path) -> None:
    write(root, {"a/b": b"", "secret": b"", "to": "closed/x", "closed/x": b""})
    (root / "secret").chmod(0)
    (root / "closed").chmod(0)
    for glob, shown in (("secret", "secret"), ("**", "closed/.gitignore"), ("to", "to")):
        said = asked(root, f'values(disk(root).look(inputs("{glob}")))')
        assert said == f"error: `{shown}` cannot be read: permission denied"
    assert asked(root, 'values(disk(root).look(outputs("**")))') == "error: `closed` cannot be read: permission denied"


def test_an_input_that_can_no_longer_be_read_has_moved(root: Path) -> None:
    write(root, {"a": b"1", "b": b"1"})
    said = asked(root, "(e := disk(root).look(inputs('*')).entries, os.chmod('a', 0), disk(root).moved(e))[-1]")
    assert said == ["a"]


def test_read_only_folders_are_emptied_and_restored_into(root: Path) -> None:
    write(root, {"out/a/b/c": b"", "out/a/d": b"", "out/closed/e": b"", "out/f": b"unreadable"})
    (root / "out/f").chmod(0)
    for name, mode in (("out/a/b", 0o500), ("out/a", 0o555), ("out/closed", 0), ("out", 0o555)):
        (root / name).chmod(mode)
    made = '[file("out/a/b/new", b"1"), file("out/f", b"2"), file("out/closed/e", b"1")]'
    assert asked(root, f'disk(root).restore({made}, ["out"], Blobs(b"1", b"2").fetch)') is None
    now = {path: told for path, told in state(root).items() if told != "folder"}
    assert now == {"out/a/b/new": "f b'1'", "out/f": "f b'2'", "out/closed/e": "f b'1'"}
    for name, mode in (("out/a/b", 0o500), ("out/a", 0o555), ("out/closed", 0), ("out", 0o555)):
        (root / name).chmod(mode)
    assert asked(root, 'disk(root).empty("out")') is None
    assert state(root) == {"out": "folder"}


def test_a_read_only_folder_that_is_not_the_tasks_is_left_as_it_is(root: Path) -> None:
    write(root, {"src/a": b"1"})
    (root / "src").chmod(0o555)
    said = asked(root, 'disk(root).restore([file("src/b", b"1")], ["out"], Blobs(b"1").fetch)')
    assert said == "Permission denied: src/b"
    assert asked(root, 'disk(root).remove([file("src/a", b"1")])') == [[], ["src/a"]]
    assert state(root) == {"src": "folder", "src/a": "f b'1'"}
    assert (root / "src").stat().st_mode & 0o777 == 0o555
    assert left_staged(root) == []


def test_a_tree_that_cannot_be_written_says_so(root: Path) -> None:
    write(root, {"a": b"1"})
    root.chmod(0o555)
    assert asked(root, 'disk(root).restore([file("a", b"2")], [], Blobs(b"2").fetch)') == "Permission denied: .trun"
    assert asked(root, '(t := disk(root), t.look(inputs("a")), t.close(), t._memory.troubles)[-1]') == [
        "`.trun/state/digests.blake3` cannot be written: permission denied; files will be read again"
    ]


@pytest.fixture
def elsewhere(root: Path) -> Iterator[Path]:
    """A folder on another file system."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == root.stat().st_dev:
        pytest.skip("needs a second file system at /dev/shm")
    made = Path(mkdtemp(dir=memory))
    yield made
    shutil.rmtree(made)


def test_what_is_staged_on_another_file_system_comes_back(root: Path, elsewhere: Path) -> None:
    tree = Disk(str(root), algorithm="blake3", memory=Memory(""), clock_ns=later, base=str(elsewhere))
    write(root, {"out/a": b"old", "out/stray": b""})
    made = [file("out/a", b"1" * 3_000_000, is_executable=True), file("b", b"2")]
    assert tree.restore(made, ["out"], Blobs(b"1" * 3_000_000, b"2").fetch) is None
    assert set(state(root)) == {"out", "out/a", "b"}
    assert (root / "out/a").stat().st_mode & 0o100
    assert (root / "out/a").read_bytes() == b"1" * 3_000_000
    assert left_staged(elsewhere) == []
