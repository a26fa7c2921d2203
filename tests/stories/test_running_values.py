"""What names stand for when a command runs: variables, vars that commands tell, and conditions."""

from __future__ import annotations

import json
import os
import sys

import pytest

from tests.kit.space import Space


def q(text: str) -> str:
    """The text as TOML takes it."""
    return json.dumps(text)


# Variables


def test_who_says_a_variable_first_wins(space: Space) -> None:
    space.write(
        {
            ".env": "".join(f"V{n}=dotenv\n" for n in range(1, 8)),
            ".env.local": "".join(f"V{n}=local\n" for n in range(2, 8)),
        }
    )
    space.tasks(
        '[project]\ndotenv = [".env", ".env.local", ".env.absent"]\n'
        "[env]\n"
        + "".join(f'V{n} = "file"\n' for n in range(4, 8))
        + "[profiles.p.env]\n"
        + "".join(f'V{n} = "profile"\n' for n in range(5, 8))
        + "[tasks.t]\n"
        f"run = {q('echo ' + ' '.join(f'$V{n}' for n in range(1, 8)) + ' > got')}\n"
        'env = { V6 = "task", V7 = "" }\n'
    )
    caller: dict[str, str | None] = {f"V{n}": "caller" for n in range(3, 8)}
    space.run("--profile", "p", "t", env=caller).ok()
    assert space.read("got").split(" ") == ["dotenv", "local", "caller", "file", "profile", "task", "\n"] or space.read(
        "got"
    ).split() == ["dotenv", "local", "caller", "file", "profile", "task"]


def test_an_uncached_task_sees_the_whole_environment(space: Space) -> None:
    space.tasks('[tasks.t]\nrun = "env -0 > got"\n')
    space.run("t", env={"ANY_THING": "a\nb", "LC_ALL": "C", "TZ": "Asia/Tokyo"}).ok()
    seen = dict(entry.split("=", 1) for entry in space.read("got").split("\0") if entry)
    assert seen["ANY_THING"] == "a\nb"
    assert seen["TZ"] == "Asia/Tokyo"
    assert seen["HOME"] == str(space.home)


def test_a_variable_may_name_an_argument(space: Space) -> None:
    space.tasks(
        f'[env]\nALL = "{{{{v}}}}!"\n[vars]\nv = "from vars"\n[tasks.t]\nenv = {{ X = "<{{{{x}}}}>" }}\n'
        f"run = {q('echo $ALL $X > got')}\nargs.x = {{}}\n"
    )
    space.run("t", "--x", "a b").ok()
    assert space.read("got") == "from vars! <a b>\n"


def test_a_strange_variable_of_the_caller_comes_through(space: Space) -> None:
    argv = [sys.executable, "-I", "-S", "-c", "import os; print(os.environb[b'ODD'])"]
    space.tasks(f"[tasks.t]\ncmd = {json.dumps(argv)}\n")
    odd = os.fsdecode(b"\xff\n'\"$(x)")
    assert r"\xff\n" in space.events("t", env={"ODD": odd}).ok().output("t")


# Vars


def test_a_var_that_a_command_tells_is_asked_once(space: Space) -> None:
    space.tasks(
        "[vars]\nrev = { cmd = \"echo asked >> asked; printf 'one two\\\\n\\\\n'\" }\n"
        + "".join(f"[tasks.t{n}]\nrun = {q(f'echo {{{{rev}}}} > got{n}')}\n" for n in range(3))
    )
    space.run("-j3", "t0", "t1", "t2").ok()
    assert space.read("asked") == "asked\n"
    assert [space.read(f"got{n}") for n in range(3)] == ["one two\n"] * 3


def test_a_var_that_nobody_needs_is_not_asked(space: Space) -> None:
    space.tasks('[vars]\nrev = { cmd = "echo asked >> asked; echo x" }\n[tasks]\na = "true"\nb = "echo {{rev}}"\n')
    space.run("a").ok()
    assert not space.has("asked")


def test_a_var_whose_command_fails_fails_who_needs_it(space: Space) -> None:
    space.tasks(
        '[vars]\nrev = { cmd = "echo no such thing >&2; exit 3" }\n[tasks]\na = "echo {{rev}} > got"\nb = "true"\n'
    )
    ran = space.events("-k", "a", "b")
    assert ran.code == 1
    assert ran.statuses == {"a": "failed", "b": "ran"}
    assert "rev" in str(ran.ended("a")["reasons"])
    assert "no such thing" in ran.output("a", "stderr")
    assert not space.has("got")


def test_a_var_may_name_another(space: Space) -> None:
    space.tasks(
        f'[vars]\nhost = "h"\nfull = "{{{{host}}}}.{{{{domain}}}}"\ndomain = {{ cmd = "echo d" }}\n'
        f"[tasks.t]\nrun = {q('echo {{full}} > got')}\n"
    )
    space.run("t").ok()
    assert space.read("got") == "h.d\n"


def test_words_before_the_targets_set_vars(space: Space) -> None:
    space.tasks(
        f'[vars]\nhost = "h"\nasked = {{ cmd = "echo x >> asked; echo d" }}\n[tasks.t]\n'
        f"run = {q('echo {{host}} {{asked}} > got')}\n"
    )
    space.run("host=a b", "asked=said", "t").ok()
    assert space.read("got") == "a b said\n"
    assert not space.has("asked")


def test_no_look_asks_a_var_or_a_condition(space: Space) -> None:
    space.tasks(
        f'[vars]\nrev = {{ cmd = ": > asked; echo x" }}\n[tasks.t]\nwhen = {{ cmd = ": > asked" }}\n'
        f"run = {q('echo {{rev}}')}\n"
        'finally = ": > asked"\n'
    )
    for words in (["--list"], ["--show", "t"], ["--graph", "t"], ["--check"], ["t", "--help"]):
        space.run(*words).ok()
        assert not space.has("asked"), words


# Conditions


@pytest.mark.parametrize(
    ("when", "runs"),
    [
        ('os = "linux"', sys.platform == "linux"),
        ('os = "windows"', False),
        ('os = ["windows", "linux", "macos"]', True),
        ('arch = "no-such-arch"', False),
        ('env = "THERE"', True),
        ('env = "NOT_THERE"', False),
        ('env = "EMPTY"', True),
        ('env = { THERE = "yes" }', True),
        ('env = { THERE = "no" }', False),
        ('exists = "file.txt"', True),
        ('exists = "no.txt"', False),
        ('exists = ["file.txt", "no.txt"]', False),
        ('cmd = "test -e file.txt"', True),
        ('cmd = "exit 3"', False),
        ('cmd = "true", os = "windows"', False),
        ('profile = "p"', True),
        ('profile = "q"', False),
    ],
)
def test_a_task_runs_only_when_its_condition_holds(space: Space, when: str, runs: bool) -> None:
    space.tasks(
        f'[profiles.p]\n[profiles.q]\n[tasks.a]\nwhen = {{ {when} }}\nrun = ": > ran"\n[tasks.b]\n'
        f'deps = ["a"]\nrun = "true"\n'
    )
    space.write({"file.txt": ""})
    ran = space.events("-p", "p", "b", env={"THERE": "yes", "EMPTY": ""}).ok()
    assert ran.statuses == {"a": "ran" if runs else "skipped", "b": "ran"}
    assert space.has("ran") is runs
    assert runs or ran.ended("a")["reasons"]
    assert bool(ran.of("task_started", "a")) is runs


def test_a_condition_that_ran_into_the_ground_leaves_no_output_behind(space: Space) -> None:
    space.tasks('[tasks.a]\nwhen = { cmd = "echo loud; echo loud >&2; exit 1" }\nrun = "true"\n')
    assert not space.events("a").ok().of("task_output")
