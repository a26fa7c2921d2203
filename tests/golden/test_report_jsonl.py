"""Events for machines, verbatim, and against the schema that users are given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from runner.event import TaskPlanned
from runner.report.jsonl import JsonLines
from tests.kit.scripted import Paper, Script, failing_run

SCHEMA = Path(__file__).resolve().parents[2] / "schema" / "events.schema.json"


def machine() -> tuple[Script, Paper]:
    paper = Paper()
    return Script(JsonLines(paper, "0.1.0")), paper


def outputs(paper: Paper) -> list[tuple[str, str, str | None]]:
    events = [json.loads(line) for line in paper.data.splitlines()]
    return [
        (event["stream"], event["text"], event.get("base64")) for event in events if event["event"] == "task_output"
    ]


def test_each_event_is_one_line() -> None:
    script, paper = machine()
    script.begin("api{x=1}", targets=("build",))
    script.start("api{x=1}", "cargo build")
    script.at = 0.5
    script.out("api{x=1}", "grün\n")
    script.retry("api{x=1}", "exit 101", delay_s=1.5)
    script.warn("the glob `*.x` matches nothing", "api{x=1}")
    script.warn("the remote is down")
    script.end("api{x=1}", "failed", exit_code=101, duration_s=0.5, outputs=("target/api",), is_allowed=True)
    script.over(1, critical_path=("api{x=1}",))
    assert paper.text.splitlines() == [
        '{"v":1,"event":"run_started","time":1767225600.0,"run":"r1","targets":["build"],"jobs":4,"profiles":[],'
        '"root":"/srv/shop","total":1,"version":"0.1.0"}',
        '{"v":1,"event":"task_planned","time":1767225600.0,"task":"api{x=1}","would":"run","reasons":["not cached"]}',
        '{"v":1,"event":"task_ready","time":1767225600.0,"task":"api{x=1}"}',
        '{"v":1,"event":"task_started","time":1767225600.0,"task":"api{x=1}","attempt":1,"command":"cargo build"}',
        '{"v":1,"event":"task_output","time":1767225600.5,"task":"api{x=1}","stream":"stdout","text":"grün\\n"}',
        '{"v":1,"event":"task_retried","time":1767225600.5,"task":"api{x=1}","attempt":1,"of":3,"delay_s":1.5,'
        '"why":"exit 101"}',
        '{"v":1,"event":"warning","time":1767225600.5,"task":"api{x=1}","message":"the glob `*.x` matches nothing"}',
        '{"v":1,"event":"warning","time":1767225600.5,"message":"the remote is down"}',
        '{"v":1,"event":"task_ended","time":1767225600.5,"task":"api{x=1}","status":"failed","reasons":[],"key":null,'
        '"exit_code":101,"signal":null,"duration_s":0.5,"cpu_s":null,"max_rss_bytes":null,"outputs":["target/api"]}',
        '{"v":1,"event":"run_ended","time":1767225600.5,"exit_code":1,"critical_path":["api{x=1}"],"saved_s":0.0,'
        '"duration_s":0.5,"counts":{"ran":0,"fresh":0,"restored":0,"skipped":0,"failed":0,"timed_out":0,"cancelled":0}}',
    ]


def test_what_would_become_of_a_task_is_told_by_a_plan_only() -> None:
    script, paper = machine()
    script.tell(TaskPlanned(time=1.0, task="a"))
    script.tell(TaskPlanned(time=1.0, task="a", would="fresh"))
    assert paper.text.splitlines() == [
        '{"v":1,"event":"task_planned","time":1.0,"task":"a"}',
        '{"v":1,"event":"task_planned","time":1.0,"task":"a","would":"fresh","reasons":[]}',
    ]


def test_every_line_is_as_the_schema_says() -> None:
    script, paper = machine()
    failing_run(script)
    script.out("x", b"\xff\x00")
    script.retry("x")
    script.end("x", "timed_out", signal=9, key="ab" * 32, cpu_s=0.1, max_rss_bytes=4096)
    validator = Draft7Validator(json.loads(SCHEMA.read_text()))
    events = [json.loads(line) for line in paper.data.splitlines()]
    assert len(events) > 25
    for event in events:
        validator.validate(event)


@pytest.mark.parametrize(
    ("pieces", "told"),
    [
        ([b"plain"], [("plain", None)]),
        (["日本".encode()[:4], "日本".encode()[4:]], [("日", None), ("本", None)]),
        (["🎉".encode()[:1], "🎉".encode()[1:2], "🎉".encode()[2:]], [("🎉", None)]),
        ([b"a\xc3", b"b"], [("a", None), ("\ufffdb", "w2I=")]),
        ([b"a\xff", b"b"], [("a\ufffd", "Yf8="), ("b", None)]),
        ([b"end\xe6\x97"], [("end", None), ("\ufffd", "5pc=")]),
        ([b"\x00\x1b[2J\r"], [("\x00\x1b[2J\r", None)]),
        ([b"\x80\x80\x80\x80"], [("\ufffd" * 4, "gICAgA==")]),
        ([b"", b""], []),
    ],
)
def test_text_is_split_between_characters_and_bytes_are_kept(
    pieces: list[bytes], told: list[tuple[str, str | None]]
) -> None:
    script, paper = machine()
    for piece in pieces:
        script.out("t", piece)
    script.end("t")
    assert outputs(paper) == [("stdout", text, base64) for text, base64 in told]


def test_streams_and_tasks_do_not_mix_their_characters() -> None:
    script, paper = machine()
    first, second = "ä".encode()[:1], "ä".encode()[1:]
    script.out("a", first)
    script.err("a", first)
    script.out("b", first)
    script.out("b", second)
    script.err("a", second)
    script.out("a", second)
    assert outputs(paper) == [("stdout", "ä", None), ("stderr", "ä", None), ("stdout", "ä", None)]


def test_what_waits_for_the_rest_of_a_character_comes_before_the_end() -> None:
    script, paper = machine()
    script.out("a", b"\xe6")
    script.retry("a")
    script.out("a", b"\xe6")
    script.end("a")
    script.out("b", b"\xe6")
    script.reporter.close()
    names = [json.loads(line)["event"] for line in paper.data.splitlines()]
    assert names == ["task_output", "task_retried", "task_output", "task_ended", "task_output"]


def test_a_path_that_is_no_unicode_comes_back_as_its_bytes() -> None:
    script, paper = machine()
    path = b"out/\xff.txt".decode("utf-8", "surrogateescape")
    script.end("a", outputs=(path,))
    event: dict[str, Any] = json.loads(paper.data)
    assert event["outputs"] == [path]
    assert event["outputs"][0].encode("utf-8", "surrogateescape") == b"out/\xff.txt"
