"""One node for one process at a time, and the folder in which that is arranged."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runner import premises
from runner.locks import NodeLock
from runner.premises import prepare, salt

HOLDS = """
import sys
from runner.locks import NodeLock
lock = NodeLock(sys.argv[1], sys.argv[2], "run-1")
print(lock.try_take(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return prepare(str(tmp_path))


# ── node locks


def test_a_node_is_for_one_at_a_time(folder: str) -> None:
    first, second, other = NodeLock(folder, "a", "run-1"), NodeLock(folder, "a"), NodeLock(folder, "b")
    assert first.try_take()
    assert first.try_take()
    assert not second.try_take()
    assert second.holder() == (os.getpid(), "run-1")
    assert other.try_take()
    first.release()
    first.release()
    assert second.try_take()
    assert not first.try_take()
    assert (first.trouble, second.trouble) == (None, None)
    second.release()
    other.release()
    assert os.listdir(os.path.join(folder, "locks")) == []
    assert second.holder() is None


def test_a_process_that_dies_gives_its_locks_back(folder: str) -> None:
    name = "a/\n\udcff" * 50
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, folder, os.fsencode(name)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"True\n"
        lock = NodeLock(folder, name)
        assert not lock.try_take()
        assert lock.holder() == (process.pid, "run-1")
        process.kill()
        process.wait()
        assert lock.try_take()
        lock.release()


def test_who_opened_the_file_before_it_was_removed_takes_the_new_one(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = (NodeLock(folder, "a") for _ in range(3))
    assert first.try_take()
    opened = NodeLock._open
    turns = iter([first.release])

    def open_late(lock: NodeLock) -> int:
        fd = opened(lock)
        if lock is second:
            for turn in turns:
                turn()
        return fd

    monkeypatch.setattr(NodeLock, "_open", open_late)
    assert second.try_take()
    assert not third.try_take()
    second.release()


def test_where_no_lock_can_be_it_counts_as_taken_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / ".trun").write_text("in the way")
    lock = NodeLock(str(tmp_path / ".trun"), "a")
    assert lock.try_take()
    assert lock.trouble is not None
    assert lock.trouble.startswith("`.trun/locks/")
    assert lock.trouble.endswith("cannot be locked: Not a directory")
    lock.release()


MANY = """
import os, sys
from runner.locks import NodeLock
folder, count = sys.argv[1], os.path.join(sys.argv[1], "count")
done = 0
while done < 50:
    lock = NodeLock(folder, "a")
    if not lock.try_take():
        os.sched_yield()
        continue
    assert lock.trouble is None
    with open(count) as file:
        number = int(file.read())
    with open(count, "w") as file:
        file.write(str(number + 1))
    lock.release()
    done += 1
"""


@pytest.mark.slow
def test_of_many_processes_only_one_has_it(folder: str) -> None:
    Path(folder, "count").write_text("0")
    started = [subprocess.Popen([sys.executable, "-c", MANY, folder]) for _ in range(6)]
    assert [process.wait() for process in started] == [0] * 6
    assert Path(folder, "count").read_text() == "300"


# ── the folder


def test_git_leaves_the_folder_alone_but_for_the_schema(tmp_path: Path) -> None:
    folder = prepare(str(tmp_path))
    assert folder == str(tmp_path / ".trun")
    assert os.listdir(folder) == [".gitignore"]
    for name in ("schema.json", "state/ledger", "cache/x"):
        (tmp_path / ".trun" / name).parent.mkdir(exist_ok=True)
        (tmp_path / ".trun" / name).touch()
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    told = subprocess.run(["git", "status", "--short", "-uall"], cwd=tmp_path, capture_output=True, check=True)
    assert told.stdout.decode().split() == ["??", ".trun/.gitignore", "??", ".trun/schema.json"]


def test_what_somebody_wrote_into_the_folders_gitignore_stays(tmp_path: Path) -> None:
    (tmp_path / ".trun").mkdir()
    (tmp_path / ".trun" / ".gitignore").write_text("mine\n")
    prepare(str(tmp_path))
    assert (tmp_path / ".trun" / ".gitignore").read_text() == "mine\n"


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path: Path) -> None:
    (tmp_path / ".trun").write_text("in the way")
    assert prepare(str(tmp_path)) == str(tmp_path / ".trun")
    assert (tmp_path / ".trun").read_text() == "in the way"


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / ".trun").symlink_to("home")
    prepare(str(tmp_path))
    assert list((tmp_path / "home").iterdir()) == []


# ── the salt


def test_the_salt_is_made_once_and_for_its_owner(folder: str) -> None:
    made = salt(folder)
    assert len(made) == 32
    assert salt(folder) == made
    assert os.stat(os.path.join(folder, "state", "salt")).st_mode & 0o777 == 0o600
    assert os.listdir(os.path.join(folder, "state")) == ["salt"]


def test_a_damaged_salt_is_made_anew(folder: str) -> None:
    made = salt(folder)
    for damaged in (made[:31], made + b"x", b""):
        Path(folder, "state", "salt").write_bytes(damaged)
        again = salt(folder)
        assert len(again) == 32
        assert again != made
        assert salt(folder) == again


def test_a_salt_that_cannot_be_read_or_made_is_another_each_time(tmp_path: Path) -> None:
    (tmp_path / ".trun").write_text("in the way")
    first, second = salt(str(tmp_path / ".trun")), salt(str(tmp_path / ".trun"))
    assert len(first) == len(second) == 32
    assert first != second
    os.makedirs(tmp_path / "other" / "state" / "salt")
    assert len(salt(str(tmp_path / "other"))) == 32


def test_what_a_killed_process_left_is_not_written_through(folder: str) -> None:
    made = salt(folder)
    path = os.path.join(folder, "state", "salt")
    # It was killed between naming the file and removing the other name, and had the number that we have now.
    os.link(path, f"{path}.{os.getpid()}")
    premises.write_once(path, b"x" * 32)
    assert salt(folder) == made
    assert os.listdir(os.path.dirname(path)) == ["salt"]


def test_many_processes_make_one_salt(folder: str) -> None:
    script = "import sys; from runner.premises import salt; print(salt(sys.argv[1]).hex())"
    started = [
        subprocess.Popen([sys.executable, "-c", script, folder], stdout=subprocess.PIPE, text=True) for _ in range(8)
    ]
    assert len({process.communicate()[0] for process in started}) == 1
