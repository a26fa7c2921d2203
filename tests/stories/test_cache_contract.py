"""Sentences of the contract about the cache, each tried where it is most easily broken."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.kit.process import Ran
from tests.kit.space import Space

WOULD = {"run": ("ran", "failed"), "restore": ("restored", "failed"), "fresh": ("fresh",), "skip": ("skipped",)}
ANY = ("ran", "failed", "restored", "fresh", "skipped")
MAKES = 'inputs = ["in", "x y"]\noutputs = ["out"]\n'
FAILS = 'inputs = ["in"]\ncache = { failures = true }\n'

# Two declarations that a shell, or trun, takes differently, and that must not have one key.
TWINS = {
    "inputs, quoted or not": (MAKES + "run = \"printf '%s|' {{inputs}} > out\"", "{{inputs}}", "{{inputs|raw}}"),
    "a variable, quoted or not": (MAKES + "run = \"printf '%s|' {{env.X}} > out\"", "{{env.X}}", "{{env.X|raw}}"),
    "the root, or two braces": (MAKES + 'run = "echo {{root}} > out"', "{{root}}", "{{{{root}}"),
    "a step, or what always runs": (
        FAILS + 'run = ["false"]\nfinally = "true"',
        'run = ["false"]\nfinally = "true"',
        'run = ["false", "true"]',
    ),
    "an argv, or a script": (FAILS + 'cmd = ["echo", "hi"]', 'cmd = ["echo", "hi"]', 'run = "4:echo,2:hi,"'),
    "steps, or a script": (FAILS + 'run = ["echo", "true"]', '["echo", "true"]', '"4:echo,4:true,"'),
}


@pytest.mark.parametrize("name", TWINS)
def test_what_runs_differently_has_another_key(space: Space, name: str) -> None:
    text, old, new = TWINS[name]
    space.write({"in": "1", "x y": "2"})
    space.tasks(f"[tasks.a]\n{text}\n")
    before = space.events("a", env={"X": "a b"})
    assert text.count(old) == 1
    space.tasks(f"[tasks.a]\n{text.replace(old, new)}\n")
    after = space.events("a", env={"X": "a b"})
    assert after.ended("a")["key"] != before.ended("a")["key"]
    assert "from the cache" not in str(after.ended("a")["reasons"])
    assert after.statuses["a"] in ("ran", "failed")


def test_outputs_written_with_names_are_kept_or_optional_as_said(space: Space) -> None:
    space.write({"in": "1", "a/old": "old", "lists/x": ""})
    space.tasks(
        '[globs]\nboth = ["p.x", "q.x"]\n'
        '[tasks.a]\nrun = "echo > a/new"\ninputs = ["in"]\n'
        'outputs = [{ path = "{{task}}/", keep = true }, { glob = "{{task}}.x", optional = true },'
        ' { glob = "@both", optional = true }]\n'
    )
    assert space.events("a").ok().statuses == {"a": "ran"}
    assert space.read("a/old") == "old"
    assert space.events("a").ok().statuses == {"a": "fresh"}


def planned(space: Space, *words: str) -> Ran:
    """A run, of which `--plan` told beforehand."""
    plan = {one["task"]: one["would"] for one in space.events("--plan", *words).ok().of("task_planned")}
    ran = space.events(*words)
    for name, status in ran.statuses.items():
        assert status in WOULD.get(plan[name], ANY), f"`{name}` was planned to {plan[name]}, and {status}"
    return ran


GEN = '[tasks.gen]\nrun = "cp in made.json"\ninputs = ["in"]\noutputs = ["made.json"]\n'
LOOKS_AT_IT = {
    "a condition": 'deps = ["gen"]\ninputs = ["in2"]\nwhen = { cmd = "grep -q 1 made.json" }\n',
    "what must exist": 'deps = ["gen"]\ninputs = ["in2"]\nwhen = { exists = "made.json" }\n',
    "a picked key": 'inputs = ["made.json#x"]\n',
    "a condition of a task that is not cached": 'deps = ["gen"]\nwhen = { exists = "made.json" }\n',
}


@pytest.mark.parametrize("name", LOOKS_AT_IT)
def test_a_plan_does_not_ask_before_a_dep_is_brought_back(space: Space, name: str) -> None:
    made = "" if "not cached" in name else 'outputs = ["out"]\n'
    space.tasks(GEN + f'[tasks.a]\nrun = "echo > out"\n{LOOKS_AT_IT[name]}{made}[tasks.g]\ndeps = ["a"]\n')
    space.write({"in": '{"x": 1}', "in2": ""})
    planned(space, "g")
    (space.root / "made.json").unlink()
    assert planned(space, "g").statuses["gen"] == "restored"
    space.write({"in": '{"x": 2}'})
    planned(space, "g")
    space.write({"in": '{"x": 1}'})
    assert planned(space, "g").statuses["gen"] == "restored"
    shutil.rmtree(space.root / ".trun/state")
    (space.root / "made.json").unlink()
    assert planned(space, "g").statuses["gen"] == "restored"


def test_a_plan_lets_a_dependent_of_a_replayed_failure_that_is_allowed_run(space: Space) -> None:
    space.tasks(
        '[tasks.dep]\nallow_failure = true\nrun = "exit 3"\ninputs = ["in"]\ncache = { failures = true }\n'
        '[tasks.a]\ndeps = ["dep"]\nrun = "echo > out"\ninputs = ["in"]\noutputs = ["out"]\n'
    )
    space.write({"in": "1"})
    first = planned(space, "a").ok()
    again = planned(space, "a").ok()
    assert (first.statuses, again.statuses) == ({"dep": "failed", "a": "ran"}, {"dep": "failed", "a": "ran"})
    assert again.ended("a")["key"] == first.ended("a")["key"]


def test_a_secret_beside_what_a_command_tells_is_told_by_its_name(space: Space) -> None:
    space.tasks(
        '[vars]\nrev = { cmd = "printf r1" }\nboth = "{{env.SECRET}}-{{rev}}"\n'
        '[tasks.a]\nrun = "true {{both}}"\nfinally = "true {{both}}"\ninputs = ["in"]\n'
    )
    space.write({"in": "1"})
    told = []
    for value in ("hush-1", "hush-2"):
        for words in (
            ("--plan",),
            ("--why",),
            ("--why", "--json"),
            ("--json",),
            ("--lock", "write"),
            ("--runs", "--json"),
        ):
            ran = space.run(*words, "a", env={"SECRET": value})
            told += [ran.stdout, ran.stderr]
    again = space.events("a", env={"SECRET": "hush-1"})
    told += [again.stdout, again.stderr]
    assert again.ok().statuses == {"a": "restored"}
    kept = [os.path.join(at, name) for at, _, names in os.walk(space.root) for name in names]
    for path in kept:
        with open(path, "rb") as file:
            told.append(file.read().decode("utf-8", "replace"))
    assert not [text for text in told if "hush" in text]


DOTENV = '[project]\ndotenv = [".env"]\n[tasks.a]\nrun = "env > out"\ninputs = ["in"]\noutputs = ["out"]\n'


def test_a_variable_counts_by_its_value_wherever_it_is_said(space: Space) -> None:
    space.tasks(DOTENV + 'uses_env = ["MODE"]\n')
    space.write({"in": "1", ".env": "MODE=one\n"})
    assert space.events("a").ok().statuses == {"a": "ran"}
    assert space.events("a", env={"MODE": "one"}).ok().statuses == {"a": "fresh"}
    other = space.events("a", env={"MODE": "two"}).ok()
    assert other.statuses == {"a": "ran"}
    assert other.ended("a")["reasons"] == ["variable `MODE` changed"]


def test_a_variable_that_is_used_and_passed_counts(space: Space) -> None:
    space.tasks(DOTENV + 'uses_env = ["MODE"]\npass_env = ["MODE"]\n')
    space.write({"in": "1", ".env": "MODE=one\n"})
    space.events("a").ok()
    space.write({".env": "MODE=two\n"})
    assert space.events("a").ok().statuses == {"a": "ran"}
    assert "MODE=two" in space.read("out")


def test_a_dotenv_file_speaks_again_once_the_caller_is_silent(space: Space) -> None:
    space.tasks(DOTENV)
    space.write({"in": "1", ".env": "COLORTERM=of-the-file\n"})
    for _ in range(4):
        space.run("a", env={"COLORTERM": "of-the-caller"}).ok()
    space.run("a").ok()
    assert "COLORTERM=of-the-file" in space.read("out")
