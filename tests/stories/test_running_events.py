"""The stream of `--json`: complete, in order, and as its schema says."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.kit.process import Ran
from tests.kit.space import Space

SCHEMA = Path(__file__).parents[2] / "schema" / "events.schema.json"
RANKS = ["task_planned", "task_ready", "task_started", "task_output", "task_retried", "task_ended"]

FILES = {
    "fine": '[tasks]\na = "echo a"\n[tasks.b]\ndeps = ["a"]\nrun = "echo b >&2"\n[tasks.all]\ndeps = ["a", "b"]\n',
    "failing": '[tasks]\na = "exit 3"\n[tasks.b]\ndeps = ["a"]\nrun = "echo b"\n[tasks.c]\n'
    'deps = ["b"]\n[tasks.all]\ndeps = ["c"]\n',
    "retried": '[tasks.all]\nretry = { count = 2, delay = "1ms" }\nrun = "echo x; exit 1"\n',
    "killed": '[tasks]\nall = "kill -9 $$"\n',
    "too slow": '[tasks.all]\ntimeout = "50ms"\nrun = "exec sleep 60"\n',
    "skipped": '[tasks.a]\nwhen = { env = "NOWHERE_SET" }\nrun = "true"\n[tasks.all]\ndeps = ["a"]\nrun = "true"\n',
    "stepping": '[tasks]\na = "echo a"\nlost = "true"\n[tasks.all]\n'
    'run = ["echo x", { task = "a" }, "exit 2", { task = "lost" }]\n',
    "finally": '[tasks.all]\nrun = "echo x"\nfinally = "echo y"\n',
    "not there": '[tasks.all]\ncmd = ["no-such-program"]\n',
    "left behind": '[tasks.all]\nrun = "sleep 60 & echo x"\n',
    "bytes": "[tasks]\nall = '''printf 'a\\377b\\000c\\033[1m'; echo'''\n",
    "nodes": '[tasks.a]\nargs.x = { default = "1" }\nrun = "echo {{x}}"\n'
    '[tasks.all]\ndeps = ["a", { task = "a", args = { x = "2" } }]\n',
    "var": '[vars]\nv = { cmd = "exit 3" }\n[tasks]\nall = "echo {{v}}"\n',
    "nothing": "[tasks.all]\ndesc = 'x'\ndeps = []\n",
}


@pytest.fixture(scope="module")
def validator() -> Any:
    return jsonschema.Draft7Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def check_whole(ran: Ran) -> None:
    """What holds of every stream."""
    assert ran.events[0]["event"] == "run_started"
    assert ran.events[-1]["event"] == "run_ended"
    assert len(ran.of("run_started")) == len(ran.of("run_ended")) == 1
    times = [event["time"] for event in ran.events]
    assert times == sorted(times)
    planned = [event["task"] for event in ran.of("task_planned")]
    assert len(planned) == len(set(planned)) == ran.events[0]["total"]
    assert sorted(event["task"] for event in ran.of("task_ended")) == sorted(planned)
    for task in planned:
        own = [event for event in ran.events if event.get("task") == task and event["event"] != "warning"]
        ranks = [RANKS.index(event["event"]) for event in own if event["event"] != "task_output"]
        if ran.of("task_retried", task):
            assert ranks[0] == 0
        else:
            assert ranks == sorted(ranks), f"{task}: {[event['event'] for event in own]}"
        assert own[-1]["event"] == "task_ended"
        if own[-1]["status"] in ("ran", "timed_out"):
            assert ran.of("task_ready", task)
            assert ran.of("task_started", task)
    last = ran.events[-1]
    counted = {status: count for status, count in last["counts"].items() if count}
    statuses = [event["status"] for event in ran.of("task_ended")]
    assert counted == {status: statuses.count(status) for status in statuses}
    assert ran.returncode == last["exit_code"] or (ran.returncode < 0 and last["exit_code"] == 128 - ran.returncode)


@pytest.mark.parametrize("what", FILES)
def test_a_stream_is_whole_and_as_its_schema_says(space: Space, validator: Any, what: str) -> None:
    space.tasks(FILES[what])
    ran = space.events("all")
    for event in ran.events:
        validator.validate(event)
    check_whole(ran)


@pytest.mark.parametrize(
    "words", [["-k"], ["-j1"], ["-k", "-j1"], ["-q"], ["-v"], ["--output", "grouped"], ["--color", "always"]]
)
def test_no_option_changes_what_the_stream_is(space: Space, validator: Any, words: list[str]) -> None:
    space.tasks(FILES["failing"] + '[tasks.other]\nrun = "echo o"\n')
    ran = space.events(*words, "all", "other")
    for event in ran.events:
        validator.validate(event)
    check_whole(ran)


def test_a_plan_is_a_stream_of_what_would_be(space: Space, validator: Any) -> None:
    space.tasks(FILES["fine"] + FILES["skipped"].replace("tasks.a]", "tasks.z]").partition("[tasks.all]")[0])
    ran = space.events("--plan", "all", "z").ok()
    for event in ran.events:
        validator.validate(event)
    assert {event["task"]: event["would"] for event in ran.of("task_planned")} == {
        "a": "run",
        "b": "run",
        "all": "fresh",
        "z": "skip",
    }
    assert not ran.of("task_started")


def test_a_dep_has_ended_before_its_consumer_is_ready(space: Space) -> None:
    space.tasks(FILES["fine"])
    told = [(event["event"], event.get("task")) for event in space.events("all").ok().events]
    assert told.index(("task_ended", "a")) < told.index(("task_ready", "b"))


def test_what_a_task_wrote_comes_whole_and_by_its_stream(space: Space) -> None:
    space.tasks('[tasks]\na = "for i in 1 2 3; do echo out$i; echo err$i >&2; done; printf end"\n')
    ran = space.events("a").ok()
    assert ran.output("a", "stdout") == "out1\nout2\nout3\nend"
    assert ran.output("a", "stderr") == "err1\nerr2\nerr3\n"


def test_bytes_that_are_no_text_come_as_they_were(space: Space) -> None:
    space.tasks("[tasks]\na = '''printf 'a\\377b\\000c\\303'; printf '\\251'; echo'''\n")
    pieces = [event.get("base64") for event in space.events("a").ok().of("task_output")]
    texts = [event["text"] for event in space.events("a").ok().of("task_output")]
    assert any(pieces)
    got = b"".join(
        base64.b64decode(event["base64"]) if "base64" in event else event["text"].encode()
        for event in space.events("a").ok().of("task_output")
    )
    assert got == b"a\xffb\0c\xc3\xa9\n"
    assert "\ufffd" in "".join(texts)


def test_letters_of_several_bytes_are_not_torn(space: Space) -> None:
    space.tasks("[tasks]\na = '''printf '\\303'; sleep 0.05; printf '\\251'; echo'''\n")
    ran = space.events("a").ok()
    got = b"".join(
        base64.b64decode(event["base64"]) if "base64" in event else event["text"].encode()
        for event in ran.of("task_output")
    )
    assert got == "é\n".encode()


def test_events_may_go_to_a_file_and_people_keep_their_text(space: Space) -> None:
    space.tasks('[tasks]\na = "echo hello"\n')
    ran = space.run("--json=events", "a").ok()
    assert "hello" in ran.stdout
    assert ran.events[-1]["event"] == "run_ended"


def test_with_events_on_standard_output_people_read_standard_error(space: Space) -> None:
    space.tasks('[tasks]\na = "echo hello"\n')
    ran = space.events("a").ok()
    assert all(line.startswith("{") for line in ran.stdout.splitlines())
    assert "hello" in ran.stderr


def test_what_a_task_took_is_measured(space: Space) -> None:
    burn = "import time\nx = b'x' * 60_000_000\nwhile time.process_time() < 0.2: pass"
    space.tasks(f"[tasks.a]\ncmd = {json.dumps(['python3', '-I', '-S', '-c', burn])}\n[tasks.b]\nrun = 'true'\n")
    ran = space.events("-j1", "a", "b").ok()
    big, small = ran.ended("a"), ran.ended("b")
    assert 0.2 <= big["cpu_s"] < 2
    assert 60_000_000 < big["max_rss_bytes"] < 120_000_000
    assert big["duration_s"] >= 0.2
    assert small["cpu_s"] < 0.15
    assert small["max_rss_bytes"] < 20_000_000


def test_a_task_is_named_as_its_node_is(space: Space) -> None:
    space.tasks(FILES["nodes"])
    assert set(space.events("all").ok().statuses) == {"a", "a{x=2}", "all"}


def test_the_critical_path_is_what_took_longest(space: Space) -> None:
    space.tasks('[tasks]\na = "sleep 0.2"\nb = "true"\n[tasks.c]\ndeps = ["a", "b"]\nrun = "true"\n')
    assert space.events("-j2", "c").ok().events[-1]["critical_path"] == ["a", "c"]


def test_each_run_has_its_own_name(space: Space) -> None:
    space.tasks('[tasks]\na = "true"\n')
    names = {space.events("a").ok().events[0]["run"] for _ in range(3)}
    assert len(names) == 3
