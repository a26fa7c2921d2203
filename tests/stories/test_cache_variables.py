"""What a cached task sees of the environment, and what is kept of it: digests, never values."""

from __future__ import annotations

import os

import pytest

from tests.kit.space import Space

SHOWN = 'run = "env > out"\ninputs = ["in"]\noutputs = ["out"]\n'
NEVER = "hunter2"


def seen(space: Space) -> dict[str, str]:
    """The environment that the command saw."""
    return dict(line.partition("=")[::2] for line in space.read("out").splitlines())


def test_a_cached_task_sees_only_what_is_declared(space: Space) -> None:
    space.tasks(f'[env]\nE = "e"\n[tasks.a]\n{SHOWN}env = {{ T = "t" }}\nuses_env = ["U", "G_*"]\npass_env = ["P"]\n')
    space.write({"in": ""})
    caller = {"U": "u", "G_1": "g", "P": "p", "CI": "1", "TZ": "Asia/Tokyo", "LC_ALL": "de_DE", "OTHER": "o"}
    space.events("a", env=caller).ok()
    found = seen(space)
    assert {name: found.get(name) for name in ("E", "T", "U", "G_1", "P")} == {
        "E": "e",
        "T": "t",
        "U": "u",
        "G_1": "g",
        "P": "p",
    }
    assert not {"CI", "TZ", "LC_ALL", "OTHER"} & set(found)
    assert found["LANG"] == "C.UTF-8"


def test_an_uncached_task_sees_what_the_caller_has(space: Space) -> None:
    space.tasks('[tasks.a]\nrun = "env > out"\n')
    space.events("a", env={"OTHER": "o"}).ok()
    assert seen(space)["OTHER"] == "o"


LAYERS = (("env", "task"), ("profile", "profile"), ("[env]", "file"), ("caller", "caller"), ("dotenv", "dotenv"))


@pytest.mark.parametrize("first", range(len(LAYERS)))
def test_the_first_that_knows_a_variable_says_it_and_is_in_the_key(space: Space, first: int) -> None:
    has = {name for name, _ in LAYERS[first:]}
    file = '[project]\ndotenv = [".env"]\n'
    file += '[env]\nX = "file"\n' if "[env]" in has else ""
    file += "[profiles.p]\n" + ('env = { X = "profile" }\n' if "profile" in has else "")
    file += f'[tasks.a]\n{SHOWN}uses_env = ["X"]\n' + ('env = { X = "task" }\n' if "env" in has else "")
    space.tasks(file)
    space.write({"in": "", ".env": "X=dotenv\n"})
    env = {"X": "caller"} if "caller" in has else {}
    space.events("-p", "p", "a", env=env).ok()
    name, value = LAYERS[first]
    assert seen(space)["X"] == value
    # What is weaker does not count.
    weaker = {"X": "another"} if first < 3 else env
    assert space.events("-p", "p", "a", env=weaker).ok().statuses == {"a": "fresh"}
    # What counts does.
    space.tasks(file.replace(f'X = "{value}"', 'X = "other"'))
    space.write({".env": "X=other\n"} if name == "dotenv" else {})
    ran = space.events("-p", "p", "a", env={"X": "other"} if name == "caller" else weaker).ok()
    assert ran.statuses == {"a": "ran"}
    assert seen(space)["X"] == "other"


SECRETIVE = """
[project]
dotenv = [".env"]

[vars]
address = "https://{{env.TOKEN}}@example.org"

[env]
SHARED = "shared-{{env.TOKEN}}"

[tasks.a]
run = "test -n {{env.TOKEN}} && test -n {{address}} && cat in > out"
finally = "test -n {{env.TOKEN}}"
inputs = ["in"]
outputs = ["out"]
uses_env = ["TOKEN", "KEY_*"]
pass_env = ["PASSED"]
env = { MINE = "mine-{{env.TOKEN}}" }
probes = ["test -n {{env.TOKEN}}"]

[tasks.b]
cmd = ["test", "-n", "{{env.TOKEN}}"]
inputs = ["in"]
"""
SECRETS = {"TOKEN": f"{NEVER}-token", "KEY_1": f"{NEVER}-key", "PASSED": f"{NEVER}-passed"}


def secretive(space: Space) -> None:
    space.tasks(SECRETIVE)
    space.write({"in": "", ".env": f"DOT={NEVER}-dot\n"})


def other(value: str) -> dict[str, str]:
    return {name: said + value for name, said in SECRETS.items()}


def test_no_value_of_a_secret_is_kept_below_the_state_folder(space: Space) -> None:
    secretive(space)
    for env in (SECRETS, other("2"), SECRETS):
        (space.root / "out").unlink(missing_ok=True)
        space.run("a", "b", env=env).ok()
    found = [path for path in (space.root / ".trun").rglob("*") if path.is_file()]
    assert len(found) > 5
    for path in found:
        assert NEVER.encode() not in path.read_bytes(), path
        assert NEVER not in os.fspath(path)


@pytest.mark.parametrize(
    "words",
    [
        ("--why",),
        ("--why", "--json"),
        ("--plan",),
        ("--plan", "--json"),
        ("--show",),
        ("--show", "--json"),
        ("--runs", "--json"),
        ("--log",),
        ("-v",),
        ("--json",),
    ],
    ids=" ".join,
)
def test_no_value_of_a_secret_is_told(space: Space, words: tuple[str, ...]) -> None:
    secretive(space)
    space.run("a", "b", env=SECRETS).ok()
    told = space.run(*words, "a", "b", env=other("2")).ok()
    assert NEVER not in told.stdout + told.stderr


def test_a_secret_that_changed_is_told_by_its_digests(space: Space) -> None:
    secretive(space)
    space.run("a", env=SECRETS).ok()
    changed = space.run("--why", "--json", "a", env=other("2")).ok().events[0]["targets"][0]["changes"]
    told = {one["what"]: (one["old"], one["new"]) for one in changed}
    assert told.keys() >= {"uses_env TOKEN", "uses_env KEY_1"}
    for old, new in told.values():
        assert old.startswith("digest ")
        assert new.startswith("digest ")
        assert old != new


def test_the_digest_of_a_secret_is_another_in_another_project(space: Space) -> None:
    found = []
    for name in ("one", "two"):
        space.write({f"{name}/tasks.toml": f'[tasks.a]\n{SHOWN}uses_env = ["TOKEN"]\n', f"{name}/in": ""})
        space.run("a", env={"TOKEN": "x"}, cwd=name).ok()
        told = space.run("--why", "--json", "a", env={"TOKEN": "y"}, cwd=name).ok().events[0]["targets"][0]
        found.append([one["old"] for one in told["changes"]])
    assert found[0] != found[1]


def test_a_variable_that_is_only_passed_gets_to_the_command_and_not_into_the_key(space: Space) -> None:
    space.tasks(f'[tasks.a]\n{SHOWN}pass_env = ["P", "Q_*"]\n')
    space.write({"in": ""})
    space.events("a", env={"P": "1", "Q_X": "2"}).ok()
    assert (seen(space)["P"], seen(space)["Q_X"]) == ("1", "2")
    assert space.events("a", env={"P": "3"}).ok().statuses == {"a": "fresh"}


def test_unset_and_empty_are_two_values_and_both_are_remembered(space: Space) -> None:
    space.tasks(f'[tasks.a]\n{SHOWN}uses_env = ["X"]\n')
    space.write({"in": ""})
    assert space.events("a").ok().statuses == {"a": "ran"}
    assert "X" not in seen(space)
    assert space.events("a", env={"X": ""}).ok().statuses == {"a": "ran"}
    assert seen(space)["X"] == ""
    assert space.events("a").ok().statuses == {"a": "restored"}
    assert "X" not in seen(space)
