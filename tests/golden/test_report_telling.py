"""Everybody who is told of a run, put together as asked, with real descriptors."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.report.several import Several
from runner.report.spool import Spool
from runner.report.telling import Asked, telling
from tests.kit.scripted import Paper, Script, failing_run

if TYPE_CHECKING:
    from runner.event import Event

TOP = Path(__file__).resolve().parents[2]
UTF8 = {"LANG": "C.UTF-8", "TERM": "xterm"}


class Ends:
    """Two pipes in place of standard output and standard error."""

    def __init__(self) -> None:
        self.out_read, self.out = os.pipe()
        self.err_read, self.err = os.pipe()

    def texts(self) -> tuple[str, str]:
        os.close(self.out)
        os.close(self.err)
        texts = []
        for fd in (self.out_read, self.err_read):
            with open(fd, "rb") as file:
                texts.append(file.read().decode())
        return texts[0], texts[1]


def told(**asked: Any) -> tuple[str, str]:
    ends = Ends()
    everybody = telling(Asked(version="0.1.0", **{"environ": UTF8, **asked}), None, ends.out, ends.err)
    failing_run(Script(everybody))
    everybody.drain()
    return ends.texts()


def test_people_read_standard_output() -> None:
    out, err = told()
    assert out.startswith("codegen │ reading a.proto\n")
    assert out.endswith("1 skipped · 4.1s\n")
    assert err == ""


def test_in_ci_output_is_grouped_and_folded() -> None:
    out, _ = told(environ={**UTF8, "GITHUB_ACTIONS": "true", "CI": "true", "NO_COLOR": "1"})
    assert out.startswith("::group::✓ codegen  1.2s\n")
    out, _ = told(environ={**UTF8, "CI": "true"})
    assert out.startswith("✓ codegen  1.2s\n  reading a.proto\n")


def test_json_has_standard_output_for_itself() -> None:
    out, err = told(json="-")
    assert [json.loads(line)["event"] for line in out.splitlines()][:2] == ["run_started", "task_planned"]
    assert err.startswith("codegen │ reading a.proto\n")


def test_json_to_a_file_leaves_peoples_text_where_it_was(tmp_path: Path) -> None:
    out, err = told(json=str(tmp_path / "events.jsonl"))
    assert out.startswith("codegen │ reading a.proto\n")
    assert err == ""
    events = (tmp_path / "events.jsonl").read_text().splitlines()
    assert json.loads(events[-1])["event"] == "run_ended"


def test_full_keeps_streams_apart() -> None:
    out, err = told(output="full")
    assert out == "reading a.proto\nreading b.proto\n..F\nFAILED test_pay.pyCompiling api\n"
    assert err.startswith("\x1b[33mE501\x1b[0m line too long\n✓ codegen  1.2s\n")


def test_quiet_tells_failures_on_standard_error() -> None:
    assert told(output="quiet") == ("", "✗ test[3.11,pg]  exit 1  2.3s\n")
    assert told(level=-2) == ("", "✗ test[3.11,pg]  exit 1  2.3s\n")


def test_a_plan_is_told_as_one() -> None:
    out, _ = told(is_plan=True, output="quiet")
    assert out.splitlines()[0] == "run      codegen  not cached"


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        telling(Asked(version="0", environ={}, json=str(tmp_path / "no" / "events.jsonl")))


def test_closed_ends_harm_nobody() -> None:
    ends = Ends()
    os.close(ends.out_read)
    os.close(ends.err_read)
    everybody = telling(Asked(version="0", environ=UTF8, json="-"), None, ends.out, ends.err)
    failing_run(Script(everybody))
    everybody.drain()
    os.close(ends.out)
    os.close(ends.err)


@pytest.mark.parametrize(("term", "is_live"), [("xterm", True), ("dumb", False)])
def test_a_terminal_has_a_status_unless_it_is_dumb(term: str, is_live: bool) -> None:
    master, slave = pty.openpty()
    asked = Asked(version="0", environ={**UTF8, "TERM": term}, out_is_terminal=True, err_is_terminal=True)
    everybody = telling(asked, None, slave, slave)
    script = Script(everybody)
    script.begin("a", "b")
    script.start("a")
    script.wait(1.0)
    script.end("a", duration_s=1.0)
    script.over()
    everybody.drain()
    written = os.read(master, 65536).decode()
    os.close(master)
    os.close(slave)
    assert ("1 running" in written) is is_live
    assert ("\x1b" in written) is is_live


class Broken:
    """A reporter with a bug."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def tell(self, event: Event) -> None:
        self.calls.append("tell")
        raise ValueError("no\nway")

    def tick(self, now: float) -> None:
        self.calls.append("tick")

    def pause(self) -> None:
        self.calls.append("pause")

    def close(self) -> None:
        self.calls.append("close")


class Counting:
    """A reporter that counts."""

    def __init__(self) -> None:
        self.told = 0
        self.closed = 0

    def tell(self, event: Event) -> None:
        self.told += 1

    def close(self) -> None:
        self.closed += 1


def test_a_reporter_that_breaks_is_told_of_once_and_harms_nobody() -> None:
    paper, broken, other = Paper(), Broken(), Counting()
    everybody = Several([broken, other], [], paper, Spool())
    script = Script(everybody)
    script.begin("a", "b")
    script.wait(0.3)
    everybody.close()
    everybody.close()
    assert paper.text == "BUG: `Broken` is silent from here on: ValueError: no way\n"
    assert broken.calls == ["tell", "pause"]
    assert (other.told, other.closed) == (3, 1)


def test_what_people_read_of_an_up_to_date_run_costs_no_dear_import() -> None:
    code = (
        "import sys; from runner.report.telling import Asked, telling; from runner.event import *\n"
        "t = telling(Asked(version='0', environ={'LANG': 'C.UTF-8'}))\n"
        "t.tell(RunStarted(time=1.0, run='r', targets=('a',), jobs=1, profiles=(), root='/', total=1))\n"
        "t.tell(TaskEnded(time=1.0, task='a', status='fresh'))\n"
        "t.tell(RunEnded(time=1.0, exit_code=0, counts={}, critical_path=(), saved_s=0.0, duration_s=0.0))\n"
        "t.close(); t.drain()\n"
        "print(sorted({'re', 'json', 'typing', 'enum', 'dataclasses', 'wcwidth', 'tempfile', 'signal', 'socket'}"
        " & set(sys.modules)))\n"
    )
    code = f"import sys; sys.path.insert(0, {str(TOP)!r})\n{code}"
    found = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True)
    assert found.stdout == "✓ a  fresh\n[]\n"
