"""What `--runs` and `--log` write, verbatim."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from runner.cli.runs import run_list, show_logs
from runner.config.schema import schema_text
from runner.error import Refusal
from runner.noun import replace
from runner.request import Ambient, Request, Target
from tests.stories.test_history import Run

WORLD = Ambient(environ={}, cwd="/", os="linux", arch="x86_64", cpus=2, clock=lambda: 0.0)
TERMINAL = replace(WORLD, stdout_is_terminal=True, stderr_is_terminal=True)
SCHEMA = Draft7Validator(json.loads(schema_text("views")))


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What is kept of four runs."""
    folder = tmp_path / ".trun"
    good = Run(folder, 0)
    good.out("test[3.11]", b"1 passed\n")
    good.end("test[3.11]", duration_s=1.5, exit_code=0)
    good.out("test[3.12]", b"1 passed, ")
    good.out("test[3.12]", b"a warning\n", "stderr")
    good.out("test[3.12]", b"\x1b[2Jdone\x1b[32m!\x1b[0m\n")
    good.end("test[3.12]", duration_s=61.0, exit_code=0)
    good.end("api", "restored")
    good.end("check", "fresh", has_command=False)
    good.over()
    bad = Run(folder, 60)
    bad.out("test[3.11]", b"1 failed\n", "stderr")
    bad.end("test[3.11]", "failed", duration_s=0.25, exit_code=3, reasons=("`tests/a.py` changed",))
    bad.end("api", "skipped", reasons=("needs test[3.11]",))
    bad.over(exit_code=1)
    stopped = Run(folder, 3600)
    stopped.out("serve", b"up\n")
    stopped.end("serve", "cancelled", signal=2, duration_s=2.0)
    stopped.over(exit_code=130)
    killed = Run(folder, 86400)
    killed.out("long", b"half")
    killed.kept.close()
    return folder


def asked(*targets: str, **more: Any) -> Request:
    return Request(targets=tuple(Target(name=name) for name in targets), **more)


def test_the_runs_are_listed_with_the_newest_first(folder: Path) -> None:
    assert run_list(str(folder), asked()) == (
        "run                began                targets  result      counts                      took\n"
        "19aaa2f5ea4-15181  2025-11-22 06:10:22  check    unfinished\n"
        "19aa53ff124-e11    2025-11-21 07:10:22  check    SIGINT      1 cancelled                 2.5s\n"
        "19aa509ed04-3d     2025-11-21 06:11:22  check    failed      1 failed, 1 skipped         2.5s\n"
        "19aa50902a4-1      2025-11-21 06:10:22  check    done        2 ran, 1 restored, 1 fresh  2.5s\n"
    )


def test_with_targets_those_runs_are_listed_that_they_were_in(folder: Path) -> None:
    listed = run_list(str(folder), asked("test", "serve")).splitlines()
    assert [line.split()[0] for line in listed] == ["run", "19aa53ff124-e11", "19aa509ed04-3d", "19aa50902a4-1"]
    assert run_list(str(folder), asked("other")) == "no run with these targets is kept\n"


def test_without_runs_that_is_said(tmp_path: Path) -> None:
    assert run_list(str(tmp_path), asked()) == "no runs are kept\n"
    assert json.loads(run_list(str(tmp_path), asked(json=""))) == {"v": 1, "view": "runs", "runs": []}


def test_the_document_follows_its_schema(folder: Path) -> None:
    text = run_list(str(folder), asked(json=""))
    document = json.loads(text)
    assert text.count("\n") == 1
    assert [error.message for error in SCHEMA.iter_errors(document)] == []
    assert [run["state"] for run in document["runs"]] == ["unfinished", "ended", "ended", "ended"]
    assert document["runs"][2]["tasks"][0] == {
        "task": "test[3.11]",
        "status": "failed",
        "reasons": ["`tests/a.py` changed"],
        "key": None,
        "exit_code": 3,
        "signal": None,
        "started": [],
        "ended": 1763705482.5,
        "duration_s": 0.25,
        "cpu_s": None,
        "max_rss_bytes": None,
        "log_bytes": 9,
    }


def test_what_is_listed_drives_no_terminal(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.end("a")
    run.over()
    file = run.path / "run.json"
    file.write_text(file.read_text().replace('"check"', '"\\u001b[2J' + "x" * 50 + '"'))
    assert "\\x1b[2Jxxx" in run_list(str(tmp_path), asked())
    assert "x…  done" in run_list(str(tmp_path), asked())


def told(folder: Path, capfdbinary: pytest.CaptureFixture[bytes], *targets: str, world: Ambient = WORLD) -> Any:
    code = show_logs(str(folder), asked(*targets), world)
    assert code == 0
    return capfdbinary.readouterr()


def test_one_log_is_written_as_it_was_each_stream_to_its_own(
    folder: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert told(folder, capfdbinary, "test[3.12]") == (b"1 passed, \x1b[2Jdone\x1b[32m!\x1b[0m\n", b"a warning\n")
    assert told(folder, capfdbinary, "long") == (b"half", b"")


def test_what_would_drive_a_terminal_does_not_get_there(
    folder: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    out, err = told(folder, capfdbinary, "test[3.12]", world=TERMINAL)
    assert out == b"1 passed, done\x1b[32m!\x1b[0m\x1b[0m\n"
    assert err == b"a warning\n"


def test_several_logs_have_a_line_above_each(folder: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    out, err = told(folder, capfdbinary, "test", "serve", "api")
    assert out.decode() == (
        "== test[3.11]: exit 3, 0.2s, 2025-11-21 06:11:22 ==\n"
        "\n"
        "== test[3.12]: ran, 1m 01s, 2025-11-21 06:10:22 ==\n"
        "1 passed, \x1b[2Jdone\x1b[32m!\x1b[0m\n"
        "\n"
        "== serve: killed by SIGINT, 2.0s, 2025-11-21 07:10:22 ==\n"
        "up\n"
        "\n"
        "== api: restored, 2025-11-21 06:10:22 ==\n"
    )
    assert err == b"1 failed\na warning\n"


def test_a_task_that_wrote_nothing_says_so(folder: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    out, err = told(folder, capfdbinary, "api")
    assert out == b""
    assert err == b"`api` wrote nothing (restored, 2025-11-21 06:10:22)\n"


def test_without_targets_the_logs_of_the_last_run_are_written(
    folder: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert told(folder, capfdbinary) == (b"half", b"")


def refused(folder: Path, *targets: str) -> str:
    with pytest.raises(Refusal) as refusal:
        show_logs(str(folder), asked(*targets), WORLD)
    assert refusal.value.exit_code == 2
    return str(refusal.value)


def test_what_is_not_kept_is_refused(folder: Path, tmp_path: Path) -> None:
    assert refused(folder, "check") == (
        "error: no log of `check` is kept\n  hint: `trun --runs` lists the runs that are kept"
    )
    assert refused(tmp_path / "other") == (
        "error: no runs are kept\n  hint: a run that only finds everything fresh leaves nothing behind"
    )
