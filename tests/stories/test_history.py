"""Earlier runs: what is kept of them, for how long, and what becomes of it when something goes wrong."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from runner import history
from runner.event import RunEnded, RunStarted, TaskEnded, TaskOutput, TaskRetried, TaskStarted
from runner.history import Logged, NodeRun, RunSummary
from runner.report.recorded import Recorded
from tests.kit.process import Ran

BEGAN = 1763705422.5


class Run:
    """One run, told to a reporter that keeps it."""

    def __init__(self, folder: Path, number: int = 0, keep_runs: int = 50) -> None:
        self.name = f"{int((BEGAN + number) * 1000):x}-{number + 1:x}"
        self.folder = folder
        self.path = folder / "runs" / self.name
        self.kept = Recorded(str(folder), keep_runs)
        self.now = BEGAN + number
        self.counts: dict[str, int] = {}
        self.kept.tell(
            RunStarted(
                time=self.now,
                run=self.name,
                targets=("check",),
                jobs=4,
                profiles=("ci",),
                root=str(folder.parent),
                total=3,
            )
        )

    def start(self, task: str) -> None:
        self.kept.tell(TaskStarted(time=self.now, task=task, command="make"))

    def out(self, task: str, data: bytes, stream: Any = "stdout") -> None:
        self.kept.tell(TaskOutput(time=self.now, task=task, stream=stream, data=data))

    def end(self, task: str, status: Any = "ran", **more: Any) -> None:
        self.counts[status] = self.counts.get(status, 0) + 1
        self.kept.tell(TaskEnded(time=self.now, task=task, status=status, **more))

    def over(self, exit_code: int = 0) -> None:
        self.kept.tell(
            RunEnded(
                time=self.now,
                exit_code=exit_code,
                counts=self.counts,
                critical_path=("b", "a"),
                saved_s=0.5,
                duration_s=2.5,
            )
        )
        self.kept.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".trun"


def a_run(folder: Path, number: int = 0, **texts: bytes) -> Run:
    """A run in which each task ran and wrote a text."""
    run = Run(folder, number)
    for task, text in texts.items():
        run.start(task)
        run.out(task, text)
        run.end(task, duration_s=number + 1.0)
    run.over()
    return run


def text(logged: Logged | None) -> bytes:
    assert logged is not None
    assert logged.path is not None
    return b"".join(data for _, data in history.frames(logged.path))


def pieces(path: str | Path) -> list[tuple[str, bytes]]:
    """What a log holds, with what belongs together joined."""
    found: list[tuple[str, bytes]] = []
    for stream, data in history.frames(str(path)):
        if found and found[-1][0] == stream:
            data = found.pop()[1] + data
        found.append((stream, data))
    return found


def test_a_run_is_kept_with_what_became_of_each_node(folder: Path) -> None:
    run = Run(folder)
    run.start("a")
    run.out("a", b"one\n")
    run.kept.tell(TaskRetried(time=run.now, task="a", attempt=1, of=2, delay_s=0.0, why="exit 1"))
    run.now += 1
    run.start("a")
    run.end(
        "a",
        "failed",
        exit_code=2,
        duration_s=1.5,
        cpu_s=0.0,
        max_rss_bytes=7,
        key="00ff",
        reasons=("why",),
        signal=None,
    )
    run.end("b", "fresh", key="11ee", exit_code=0)
    run.end("check", "skipped", reasons=("needs a",), has_command=False)
    run.over(exit_code=1)
    assert list(history.runs(str(folder))) == [
        RunSummary(
            run=run.name,
            folder=str(run.path),
            state="ended",
            time=BEGAN,
            targets=("check",),
            profiles=("ci",),
            jobs=4,
            exit_code=1,
            counts={"failed": 1, "fresh": 1, "skipped": 1},
            duration_s=2.5,
            saved_s=0.5,
            critical_path=("b", "a"),
            nodes=(
                NodeRun(
                    task="a",
                    status="failed",
                    reasons=("why",),
                    key="00ff",
                    exit_code=2,
                    started=(BEGAN, BEGAN + 1),
                    ended=BEGAN + 1,
                    duration_s=1.5,
                    cpu_s=0.0,
                    max_rss_bytes=7,
                    log="0.log",
                    log_bytes=4,
                ),
                NodeRun(task="b", status="fresh", key="11ee", exit_code=0, ended=BEGAN + 1),
                NodeRun(task="check", status="skipped", reasons=("needs a",), ended=BEGAN + 1, has_command=False),
            ),
        )
    ]
    assert sorted(os.listdir(run.path)) == ["0.log", "run.json"]


def test_a_run_that_finds_everything_fresh_leaves_nothing(tmp_path: Path) -> None:
    run = Run(tmp_path / ".trun")
    run.end("a", "fresh")
    run.end("all", "fresh", has_command=False)
    run.over()
    assert list(tmp_path.iterdir()) == []
    assert run.kept.troubles == []


def test_a_run_that_restored_something_without_a_word_is_kept(folder: Path) -> None:
    run = Run(folder)
    run.end("a", "restored")
    run.over()
    assert os.listdir(run.path) == ["run.json"]


def test_a_log_keeps_every_byte_and_the_order_of_the_streams(folder: Path) -> None:
    run = Run(folder)
    run.out("a", b"\x00\xff\x1b[0m")
    run.out("a", b"more\r\n")
    run.out("b", b"other")
    run.out("a", b"", "stderr")
    run.out("a", b"oops\n", "stderr")
    run.kept.tick(0.0)
    run.out("a", b"o00000004", "stderr")
    run.out("a", b"end")
    path = run.kept.log_of("a")
    assert path is not None
    assert pieces(path) == [("stdout", b"\x00\xff\x1b[0mmore\r\n"), ("stderr", b"oops\no00000004"), ("stdout", b"end")]
    assert Path(path).read_bytes().startswith(b"trun log 1 a\no0000000c\x00\xff")
    assert run.kept.log_of("c") is None


def test_what_was_written_is_on_disk_after_a_tick_and_at_the_end_of_a_node(folder: Path) -> None:
    run = Run(folder)
    run.out("a", b"1")
    assert not folder.exists()
    run.kept.tick(0.0)
    assert pieces(run.path / "0.log") == [("stdout", b"1")]
    run.out("a", b"2")
    assert pieces(run.path / "0.log") == [("stdout", b"1")]
    run.end("a")
    assert pieces(run.path / "0.log") == [("stdout", b"12")]


def test_the_last_log_is_that_of_the_last_run_in_which_the_node_did_something(folder: Path) -> None:
    a_run(folder, 0, a=b"old a", b=b"old b")
    second = a_run(folder, 1, b=b"new b")
    third = Run(folder, 2)
    third.end("a", "fresh")
    third.end("b", "skipped")
    third.end("c", "ran")
    third.over()
    assert text(history.last_log(str(folder), "a")) == b"old a"
    assert text(history.last_log(str(folder), "b")) == b"new b"
    silent = history.last_log(str(folder), "c")
    assert silent is not None
    assert (silent.path, silent.run.run) == (None, third.name)
    assert history.last_log(str(folder), "d") is None
    assert [run.run for run in history.runs(str(folder))][1] == second.name


def test_a_node_that_wrote_nothing_the_last_time_has_no_older_log(folder: Path) -> None:
    a_run(folder, 0, a=b"old")
    run = Run(folder, 1)
    run.end("a", "ran")
    run.over()
    found = history.last_log(str(folder), "a")
    assert found is not None
    assert found.path is None


def test_a_task_stands_for_its_instances(folder: Path) -> None:
    a_run(folder, 0, **{"test[1]": b"one", "test{x=2}": b"two", "tests": b"no", "test.x": b"no"})
    a_run(folder, 1, **{"test[1]": b"new"})
    assert [(one.task, text(one)) for one in history.last_logs(str(folder), "test")] == [
        ("test[1]", b"new"),
        ("test{x=2}", b"two"),
    ]
    assert [text(one) for one in history.last_logs(str(folder), "test{x=2}")] == [b"two"]


def test_the_last_runs_tell_how_long_a_node_takes(folder: Path) -> None:
    a_run(folder, 0, a=b"", b=b"x")
    a_run(folder, 1, a=b"x")
    run = Run(folder, 2)
    run.end("a", "failed", duration_s=9.0, exit_code=1)
    run.end("all", "ran", has_command=False)
    run.over()
    assert history.durations(str(folder)) == {"a": 2.0, "b": 1.0}


def test_a_name_of_any_bytes_comes_back_with_its_log(folder: Path) -> None:
    task = "a{x=\\n\n\udcff\\}"
    run = Run(folder)
    run.out(task, b"x")
    run.kept.tick(0.0)
    assert text(history.last_log(str(folder), task)) == b"x"
    run.end(task)
    run.over()
    assert text(history.last_log(str(folder), task)) == b"x"


# ── how much is kept


def test_only_so_many_runs_are_kept(folder: Path) -> None:
    for number in range(6):
        run = Run(folder, number, keep_runs=3)
        run.end("a", "ran")
        run.over()
    assert [name.partition("-")[2] for name in history.kept(str(folder))] == ["6", "5", "4"]


def test_a_run_that_another_process_writes_is_not_removed(folder: Path) -> None:
    old = Run(folder, 0)
    old.out("a", b"still ")
    old.kept.tick(0.0)
    for number in (1, 2):
        run = Run(folder, number, keep_runs=1)
        run.end("b", "ran")
        run.over()
    assert [run.state for run in history.runs(str(folder))] == ["ended", "running"]
    old.out("a", b"here")
    old.end("a")
    old.over()
    assert [run.exit_code for run in history.runs(str(folder))] == [0, 0]
    assert text(history.last_log(str(folder), "a")) == b"still here"


def test_what_is_no_run_is_neither_told_of_nor_removed(folder: Path) -> None:
    for name in ("notes", "12-xyz", "run-1", ".hidden", "12"):
        (folder / "runs" / name).mkdir(parents=True)
    (folder / "runs" / "12-3").write_text("a file")
    run = Run(folder, 0, keep_runs=0)
    run.end("a", "ran")
    run.over()
    assert sorted(os.listdir(folder / "runs")) == [".hidden", "12", "12-3", "12-xyz", "notes", "run-1"]
    assert list(history.runs(str(folder))) == []


# ── what goes wrong

KILLED = """
import os, signal, sys
from runner.event import RunStarted, TaskOutput
from runner.report.recorded import Recorded
kept = Recorded(sys.argv[1])
kept.tell(RunStarted(time=1.0, run=sys.argv[2], targets=("t",), jobs=1, profiles=(), root="/", total=1))
kept.tell(TaskOutput(time=1.0, task="a", stream="stderr", data=b"before"))
kept.tick(1.0)
kept.tell(TaskOutput(time=1.0, task="a", stream="stdout", data=b"after"))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_run_that_was_killed_is_unfinished_and_its_logs_can_be_read(folder: Path) -> None:
    name = f"{int(BEGAN * 1000):x}-7"
    done = subprocess.run([sys.executable, "-c", KILLED, str(folder), name], check=False)
    assert done.returncode == -signal.SIGKILL
    run = next(history.runs(str(folder)))
    assert (run.state, run.targets, run.exit_code, run.nodes) == ("unfinished", ("t",), None, ())
    found = history.last_log(str(folder), "a")
    assert found is not None
    assert found.path is not None
    assert pieces(found.path) == [("stderr", b"before")]
    for number in (1, 2):
        later = Run(folder, number, keep_runs=2)
        later.end("b", "ran")
        later.over()
    assert name not in history.kept(str(folder))


def test_a_log_may_end_anywhere(folder: Path) -> None:
    run = a_run(folder, 0, a=b"x" * 20)
    run_path = run.path / "0.log"
    whole = run_path.read_bytes()
    lengths = set()
    for size in range(len(whole) + 1):
        run_path.write_bytes(whole[:size])
        data = b"".join(data for _, data in history.frames(str(run_path)))
        assert data == b"x" * len(data)
        lengths.add(len(data))
    assert lengths == set(range(21))


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"{",
        b"[]",
        b"[" * 100_000,
        b'{"v":1,"exit_code":"x"}',
        b'{"v":1,"exit_code":0,"nodes":[1]}',
        b'{"v":1,"exit_code":0,"nodes":[{"task":1}]}',
        b'{"v":1,"exit_code":0,"counts":[]}',
        b'{"v":1,"exit_code":0,"targets":7}',
    ],
)
def test_a_damaged_run_is_unfinished(folder: Path, document: bytes) -> None:
    run = a_run(folder, 0, a=b"x")
    (run.path / "run.json").write_bytes(document)
    assert [run.state for run in history.runs(str(folder))] == ["unfinished"]
    assert text(history.last_log(str(folder), "a")) == b"x"


def test_what_a_newer_trun_wrote_is_left_out_and_what_it_added_is_not_minded(folder: Path) -> None:
    newer = a_run(folder, 1, a=b"x")
    (newer.path / "run.json").write_text('{"v": 2}')
    run = a_run(folder, 0, a=b"y")
    told = json.loads((run.path / "run.json").read_text())
    told["nodes"][0]["colour"] = "red"
    (run.path / "run.json").write_text(json.dumps(told | {"more": 1}))
    assert [found.run for found in history.runs(str(folder))] == [run.name]


def test_a_log_is_only_looked_for_in_the_folder_of_its_run(folder: Path) -> None:
    run = a_run(folder, 0, a=b"x")
    (folder / "secret").write_bytes(history.log_head("a") + b"o00000006secret")
    told = json.loads((run.path / "run.json").read_text())
    told["nodes"][0]["log"] = "../../secret"
    (run.path / "run.json").write_text(json.dumps(told))
    found = history.last_log(str(folder), "a")
    assert found is not None
    assert found.path is None


def test_a_folder_that_cannot_be_made_is_told_once_and_harms_nothing(tmp_path: Path) -> None:
    (tmp_path / ".trun").write_text("in the way")
    run = Run(tmp_path / ".trun")
    for task in ("a", "b"):
        run.out(task, b"x" * 100_000)
        assert run.kept.log_of(task) is None
        run.end(task)
    run.over()
    assert run.kept.troubles == ["`.trun/runs` cannot be written: Not a directory; this run's logs are not kept"]


@contextmanager
def files_of_at_most(size_bytes: int) -> Iterator[None]:
    """Files may not become larger: a write that would make them so is cut short first, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_log_for_which_there_was_no_room_ends_with_a_whole_frame_and_is_never_taken_for_all(folder: Path) -> None:
    run = Run(folder)
    run.out("a", b"kept")
    run.kept.tick(0.0)
    with files_of_at_most(2_000):
        run.out("a", b"lost" * 1_000)
        run.kept.tick(0.0)
    assert run.kept.log_of("a") is None
    run.out("a", b"late")
    run.end("a")
    run.over()
    assert run.kept.troubles == ["`.trun/runs` cannot be written: File too large; this run's logs are not kept"]
    found = history.last_log(str(folder), "a")
    assert found is not None
    assert found.path is not None
    assert found.ended is not None
    assert pieces(found.path) == [("stdout", b"kept")]
    assert (found.ended.log_bytes, found.ended.lost_bytes) == (4, 4_004)


def test_two_runs_at_once_keep_apart(folder: Path) -> None:
    first, second = Run(folder, 0, keep_runs=1), Run(folder, 1, keep_runs=1)
    for number in range(3):
        first.out("a", b"first%d " % number)
        second.out("a", b"second%d " % number)
        first.kept.tick(0.0)
        second.kept.tick(0.0)
    second.end("a")
    second.over()
    first.end("a")
    assert text(history.last_log(str(folder), "a")) == b"second0 second1 second2 "
    assert pieces(first.path / "0.log") == [("stdout", b"first0 first1 first2 ")]


# ── what it costs

LOUD = """
import resource, sys
from runner.event import RunStarted, TaskOutput
from runner.report.recorded import Recorded
kept = Recorded(sys.argv[1])
kept.tell(RunStarted(time=1.0, run="19aa4f2c1d0-1", targets=("t",), jobs=1, profiles=(), root="/", total=1))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
data = bytes(range(256)) * 256
for number in range(4_800):
    kept.tell(TaskOutput(time=1.0, task="a", stream="stdout" if number % 2 else "stderr", data=data))
for number in range(200_000):
    kept.tell(TaskOutput(time=1.0, task=f"t{number % 1000}", stream="stdout", data=b"a line of some length\\n"))
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
kept.close()
print(after - before)
"""


@pytest.mark.slow
def test_300_megabytes_of_log_from_a_thousand_nodes_take_little_memory(folder: Path) -> None:
    done = subprocess.run([sys.executable, "-c", LOUD, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, Ran(done.stdout.encode(), done.stderr.encode(), done.returncode, [])
    assert int(done.stdout) < 24 * 1024
    path = folder / "runs" / "19aa4f2c1d0-1" / "0.log"
    assert sum(len(data) for _, data in history.frames(str(path))) == 4_800 * 65_536
    other = folder / "runs" / "19aa4f2c1d0-1" / "1000.log"
    assert pieces(other) == [("stdout", b"a line of some length\n" * 200)]
