"""A full disk, a system call that fails, the process killed in it: at every point of forgetting and recording."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner import history
from runner.ledger import LastRun, Ledger
from tests.stories.test_history import Run

pytestmark = pytest.mark.slow

HEAVY = tuple((f"src/{number}.c", "f:00") for number in range(40))
OLD, NEW = LastRun(key="old", inputs=HEAVY), LastRun(key="new", inputs=HEAVY)
SCRIPT = """
import sys
import runner.ledger
from runner.ledger import LastRun, Ledger, LedgerError
runner.ledger.WORTH_REWRITING_BYTES = 0
ledger = Ledger(sys.argv[1])
try:
    ledger.forget("a")
except LedgerError:
    print("cannot forget")
    sys.exit(0)
print("forgot", flush=True)
ledger.record("a", LastRun(key="new", inputs=tuple((f"src/{number}.c", "f:00") for number in range(40))))
print("recorded", *[one.key for one in [ledger.get("a")] if one], flush=True)
ledger.close()
"""
ERRORS = ("ENOSPC", "EIO", "EROFS", "EACCES", "EMFILE", "EDQUOT")


@pytest.fixture
def strace() -> str:
    found = shutil.which("strace")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("strace is missing")
        pytest.skip("strace is missing")
    return found


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=64k,nr_inodes=16", "trun-test", str(folder)]
    if os.geteuid() != 0 or subprocess.run(words, capture_output=True, check=False).returncode != 0:
        if os.environ.get("CI"):
            pytest.fail("no disk can be mounted")
        pytest.skip("no disk can be mounted")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def prepared(folder: Path) -> str:
    """A journal that knows `a` and `b`, of which enough is of no use to be rewritten."""
    path = str(folder / "state" / "ledger")
    shutil.rmtree(folder / "state", ignore_errors=True)
    ledger = Ledger(path)
    for number in range(20):
        ledger.record("waste", LastRun(key=str(number) * 100))
    ledger.forget("waste")
    ledger.record("b", OLD)
    ledger.record("a", OLD)
    ledger.close()
    return path


def traced(strace: str, path: str, *inject: str) -> subprocess.CompletedProcess[str]:
    words = [strace, "-f", "-qq", "-o", f"{path}.trace", "-P", path, "-P", f"{path}.new", *inject]
    return subprocess.run([*words, sys.executable, "-c", SCRIPT, path], capture_output=True, text=True, check=False)


def points(strace: str, folder: Path) -> Iterator[tuple[str, int]]:
    """Every system call on the journal, and which of its kind."""
    path = prepared(folder)
    done = traced(strace, path)
    assert done.stdout.split() == ["forgot", "recorded", "new"], done.stderr
    seen: Counter[str] = Counter()
    for line in Path(f"{path}.trace").read_text().splitlines():
        name = line.split(maxsplit=1)[1].partition("(")[0]
        if name.isidentifier():
            seen[name] += 1
            yield name, seen[name]
    assert {"openat", "flock", "pread64", "pwrite64", "rename"} <= set(seen)


def check(path: str, done: subprocess.CompletedProcess[str], point: object) -> None:
    told = done.stdout.split("\n")[0]
    ledger = Ledger(path)
    found = {name: ledger.get(name) for name in ledger.names()}
    ledger.close()
    assert "Traceback" not in done.stderr, (point, done.stderr)
    assert found.get("b") in (None, OLD), point
    if told == "forgot":
        assert found.get("a") in (None, NEW), (point, found)
    else:
        assert found.get("a") in (None, OLD), (point, found)
    if "recorded new" in done.stdout:
        assert found.get("a") == NEW, (point, found)
    # What runs next finds a journal that can be used.
    again = Ledger(path)
    again.record("c", OLD)
    again.close()
    assert Ledger(path).get("c") == OLD, point


def test_at_whatever_call_it_is_killed_nothing_wrong_is_known(strace: str, tmp_path: Path) -> None:
    tried = 0
    for name, number in list(points(strace, tmp_path)):
        path = prepared(tmp_path)
        done = traced(strace, path, "-e", f"inject={name}:signal=KILL:when={number}")
        assert done.returncode != 0, (name, number)
        check(path, done, (name, number))
        tried += 1
    assert tried > 20


@pytest.mark.parametrize("lasts", ["", "+"], ids=["once", "for ever"])
@pytest.mark.parametrize("error", ERRORS)
def test_whatever_call_fails_nothing_wrong_is_known(strace: str, tmp_path: Path, error: str, lasts: str) -> None:
    outcomes: Counter[str] = Counter()
    for name, number in list(points(strace, tmp_path)):
        if name == "close":
            continue
        path = prepared(tmp_path)
        done = traced(strace, path, "-e", f"inject={name}:error={error}:when={number}{lasts}")
        assert done.returncode == 0, (name, number, done.stderr)
        assert f"= -1 {error}" in Path(f"{path}.trace").read_text(), (name, number)
        check(path, done, (name, number))
        outcomes[done.stdout.partition("\n")[0]] += 1
    assert outcomes["forgot"] > 15


def fill(folder: Path) -> Path:
    """Leave no room on a disk."""
    path = folder / "filler"
    with path.open("ab", buffering=0) as file:
        for size in (4096, 1):
            while True:
                try:
                    file.write(b"x" * size)
                except OSError:
                    break
    return path


def test_on_a_full_disk_things_are_forgotten_and_nothing_else_is_lost(small_disk: Path) -> None:
    path = str(small_disk / "state" / "ledger")
    ledger = Ledger(path)
    names = [str(number) for number in range(12)]
    for name in names:
        ledger.record(name, LastRun(key=name * 500))
    filler = fill(small_disk)
    for name in names:
        ledger.record(name + "x", LastRun(key="x" * 2_000))
    assert "cannot be written: No space left on device" in ledger.troubles[0]
    assert len(ledger.troubles) == 1
    for name in names[::2]:
        ledger.forget(name)
    written = [name for name in ledger.names() if name.endswith("x")]
    assert len(written) < 3
    assert ledger.names() == [*names[1::2], *written]
    ledger.close()
    again = Ledger(path)
    assert (again.names(), again.troubles) == ([*names[1::2], *written], [])
    filler.unlink()
    again.record("0", OLD)
    again.close()
    last = Ledger(path)
    assert last.names() == [*names[1::2], *written, "0"]
    last.close()


def test_on_a_full_disk_a_run_is_kept_as_far_as_there_is_room(small_disk: Path) -> None:
    run = Run(small_disk / ".trun")
    run.out("a", b"x" * 20_000)
    run.kept.tick(0.0)
    filler = fill(small_disk)
    run.out("a", b"y" * 20_000)
    run.out("b", b"z" * 20_000)
    assert run.kept.log_of("a") is None
    run.end("a")
    run.end("b")
    run.over()
    assert run.kept.troubles == [
        "`.trun/runs` cannot be written: No space left on device; this run's logs are not kept"
    ]
    found = history.last_log(str(small_disk / ".trun"), "a")
    assert found is not None
    assert found.path is not None
    assert b"".join(data for _, data in history.frames(found.path)) == b"x" * 20_000
    filler.unlink()
    later = Run(small_disk / ".trun", 1, keep_runs=1)
    later.end("a")
    later.over()
    assert [one.state for one in history.runs(str(small_disk / ".trun"))] == ["ended"]
