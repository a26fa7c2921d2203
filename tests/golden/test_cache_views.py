"""What `--why`, `--plan` and `--cache` write: every text of `cache_views.txt`, but for what varies."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from runner.config.schema import schema_text
from tests.kit.process import Ran
from tests.kit.space import Space

SCHEMA = Draft7Validator(json.loads(schema_text("views")))
SESSION = Path(__file__).with_name("cache_views.txt").read_text(encoding="utf-8")
TASKS = """
[tasks.count]
run     = "mkdir -p out && cat src/*.txt | wc -l | tr -d ' ' > out/lines"
inputs  = ["src/**/*.txt"]
outputs = ["out/"]

[tasks.report]
run      = "echo $(cat out/lines) lines for ${WHOM:-nobody} > report.txt; echo written"
inputs   = ["out/lines", "mode.toml#report.style"]
outputs  = ["report.txt"]
uses_env = ["WHOM"]
probes   = ["cat version"]
args.n   = { type = "int", default = 1 }

[tasks.show]
run  = "cat report.txt"
deps = ["report"]
"""
# What is another in each run or on each machine, and what is written for it.
VARYING = (
    (r"key [0-9a-f]{64}", "key KEY"),
    (r"digest [0-9a-f]{16}\b", "digest DIGEST"),
    (r"run [0-9a-f]+-[0-9a-f]+", "run RUN"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "TIME"),
    (r"\b\d+\.\d+s\b", "0.0s"),
    (r"\b\d+ (s|min) ago", "AGE ago"),
    (r"AGE ago +", "AGE ago  "),
    (r"made +used +size", "made  used  size"),
    (r"removed \d+ files", "removed N files"),
    (r"\b\d+ MB", "SIZE"),
    # What is told of runs that take longer, as any may on a busy machine.
    (r"(?m)^  critical path.*\n", ""),
    (r" · 0\.0s saved", ""),
    (r"\b\d+ (s|min) of 30 d", "AGE of 30 d"),
    (r"somebody@\S+", "somebody@HOST"),
    (r"(?m)^(\S+ +)[0-9a-f]{12} ", r"\1KEY          "),
    (r"\d+(\.\d)? kB", "SIZE"),
)


@pytest.fixture
def project(space: Space) -> Space:
    space.tasks(TASKS)
    space.write({"src/a.txt": "a\n", "src/b.txt": "b\n", "mode.toml": '[report]\nstyle = "plain"\n', "version": "1\n"})
    return space


def said(ran: Ran, space: Space) -> str:
    text = ran.stdout + ran.stderr
    for pattern, word in VARYING:
        text = re.sub(pattern, word, text)
    return text.replace(str(space.root), "ROOT") + (f"exit code {ran.code}\n" if ran.code else "")


def done(space: Space, line: str) -> str:
    """What a line of the session does: `NAME=value` before trun is set, `NAME < text` writes a file, `rm NAME`."""
    if line.startswith("rm "):
        (space.root / line[3:]).unlink()
        return ""
    if " < " in line:
        name, _, text = line.partition(" < ")
        space.write({name: text.replace("\\n", "\n")})
        return ""
    before, _, words = f" {line}".partition(" trun")
    env = dict(word.split("=", 1) for word in before.split())
    return said(space.run(*words.split(), env=env), space)


def test_the_session_goes_as_it_is_written(project: Space) -> None:
    written = ""
    for block in SESSION.split("\n$ ")[1:]:
        line = block.partition("\n")[0]
        written += f"\n$ {line}\n{done(project, line)}"
    assert SESSION.partition("\n$ ")[0] + written == SESSION


@pytest.mark.parametrize("what", ["stats", "list", "verify", "gc", "dir", "clear"])
def test_a_document_about_the_cache_follows_its_schema(project: Space, what: str) -> None:
    project.run("show")
    ran = project.run("--cache", what, "--json")
    document = json.loads(ran.stdout)
    assert [error.message for error in SCHEMA.iter_errors(document)] == []
    assert (document["view"], document["what"]) == ("cache", what)
    assert document["dir"] == str(project.root / ".trun" / "cache")


def test_the_documents_of_why_follow_their_schema(project: Space) -> None:
    assert [target["would"] for target in why(project, "show")] == ["run", "depends", "run"]
    project.run("show", env={"WHOM": "ada"})
    project.write({"src/a.txt": "a\na\n"})
    project.run("show", env={"WHOM": "ada"})
    project.write({"src/a.txt": "a\n"})
    count, report, _ = why(project, "show")
    assert (count["would"], report["would"]) == ("restore", "run")
    assert count["made"]["by"].startswith("somebody@")
    assert [change["what"] for change in count["changes"]] == ["input src/a.txt"]
    assert {change["what"]: change["new"] for change in report["changes"]}["uses_env WHOM"] is None


def why(space: Space, *targets: str) -> list[dict[str, Any]]:
    document = json.loads(space.run("--why", *targets, "--json").stdout)
    assert [error.message for error in SCHEMA.iter_errors(document)] == []
    found: list[dict[str, Any]] = document["targets"]
    return found


def test_a_damaged_file_of_the_cache_is_named_and_set_aside(project: Space) -> None:
    project.run("count")
    blobs = project.root / ".trun" / "cache" / "cas" / "blake3"
    (blob,) = (path for path in blobs.rglob("*") if path.is_file())
    blob.chmod(0o644)
    blob.write_text("3\n")
    ran = project.run("--cache", "verify")
    assert ran.code == 3
    assert ran.stdout.startswith(f"blob {blob}: ")
    assert ran.stdout.endswith(", set aside\n")
    document = json.loads(project.run("--cache", "verify", "--json").stdout)
    assert [error.message for error in SCHEMA.iter_errors(document)] == []
