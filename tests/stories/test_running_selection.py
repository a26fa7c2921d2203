"""What is in a run: targets, defaults, tags, cuts, profiles, questions; and what is refused before anything runs."""

from __future__ import annotations

import json

import pytest

from tests.kit.space import Space

CHAIN = (
    '[tasks.a]\nrun = "echo a >> log"\n[tasks.b]\ndeps = ["a"]\nrun = "echo b >> log"\n'
    '[tasks.c]\ndeps = ["b"]\nrun = "echo c >> log"\n[tasks.d]\ndeps = ["c"]\nrun = "echo d >> log"\n'
)


def test_a_bare_trun_runs_the_default(space: Space) -> None:
    space.tasks('[project]\ndefault = "b"\n' + CHAIN)
    assert set(space.events().ok().statuses) == {"a", "b"}


def test_a_bare_trun_without_a_default_lists(space: Space) -> None:
    space.tasks('[tasks]\na = ": > ran"\n')
    assert "a" in space.run().ok().stdout.split()
    assert not space.has("ran")


def test_a_run_may_start_from_a_task(space: Space) -> None:
    space.tasks(CHAIN)
    assert set(space.events("--from", "c", "d").ok().statuses) == {"c", "d"}


def test_a_run_may_stop_at_a_task(space: Space) -> None:
    space.tasks(CHAIN)
    assert set(space.events("--until", "b", "d").ok().statuses) == {"a", "b"}


def test_a_run_may_be_a_part_of_the_chain(space: Space) -> None:
    space.tasks(CHAIN)
    assert set(space.events("--from", "b", "--until", "c", "d").ok().statuses) == {"b", "c"}


def test_what_a_left_out_task_makes_must_be_there(space: Space) -> None:
    space.tasks('[tasks.a]\noutputs = ["x"]\nrun = "echo x > x"\n[tasks.b]\ndeps = ["a"]\nrun = "cat x > y"\n')
    assert "`x`" in space.events("--from", "b", "b").refused().stderr
    space.write({"x": "old"})
    assert set(space.events("--from", "b", "b").ok().statuses) == {"b"}


def test_tags_keep_what_has_them(space: Space) -> None:
    space.tasks(
        '[tasks.a]\ntags = ["slow"]\nrun = "true"\n[tasks.b]\ntags = ["fast"]\nrun = "true"\n[tasks.c]\nrun = "true"\n'
    )
    assert set(space.events("-t", "slow", "a", "b", "c").ok().statuses) == {"a"}


def test_what_a_tagged_task_needs_comes_along(space: Space) -> None:
    space.tasks(
        '[tasks]\na = "true"\n[tasks.b]\ntags = ["slow"]\ndeps = ["a"]\nrun = "true"\n[tasks.c]\nrun = "true"\n'
    )
    assert set(space.events("-t", "slow", "b", "c").ok().statuses) == {"a", "b"}


def test_a_profile_lays_values_over_the_file(space: Space) -> None:
    space.tasks(
        '[vars]\nwho = "file"\n[tasks.t]\nrun = "echo {{who}} $X {{arg}} > got"\nargs.arg = { default = "plain" }\n'
        'env = { }\n[env]\nX = "env"\n[profiles.p]\nvars.who = "p"\nenv.X = "pe"\nargs.t.arg = "pa"\n'
        '[profiles.q]\nextends = "p"\nvars.who = "q"\n'
    )
    space.run("t").ok()
    assert space.read("got") == "file env plain\n"
    space.run("-p", "p", "t").ok()
    assert space.read("got") == "p pe pa\n"
    space.run("--profile=q", "t").ok()
    assert space.read("got") == "q pe pa\n"
    space.run("t", env={"TRUN_PROFILE": "p"}).ok()
    assert space.read("got") == "p pe pa\n"
    space.run("-p", "q", "-p", "p", "t").ok()
    assert space.read("got") == "p pe pa\n"
    space.run("-p", "p", "t", "--arg", "line").ok()
    assert space.read("got") == "p pe line\n"


def test_a_disabled_group_is_skipped_and_holds_nobody_back(space: Space) -> None:
    space.tasks(
        '[tasks.a]\ngroup = "heavy"\nrun = ": > ran"\n[tasks.b]\ndeps = ["a"]\nrun = "true"\n'
        '[profiles.light]\ndisable = ["heavy"]\n'
    )
    ran = space.events("-p", "light", "b").ok()
    assert ran.statuses == {"a": "skipped", "b": "ran"}
    assert not space.has("ran")
    assert ran.ended("a")["reasons"]


def test_a_profile_may_set_how_a_run_behaves(space: Space) -> None:
    space.tasks('[profiles.one]\nrun.jobs = 1\n[tasks]\na = "true"\n')
    assert space.events("-p", "one", "a").ok().of("run_started")[0]["jobs"] == 1
    assert space.events("-p", "one", "-j3", "a").ok().of("run_started")[0]["jobs"] == 3
    assert space.events("a", env={"TRUN_JOBS": "5"}).ok().of("run_started")[0]["jobs"] == 5


def test_trun_runs_from_any_folder_below(space: Space) -> None:
    space.tasks('[tasks]\na = ": > ran"\n')
    space.write({"deep/er/.keep": ""})
    space.run("a", cwd="deep/er").ok()
    assert space.has("ran")


def test_trun_works_in_another_folder(space: Space) -> None:
    space.write({"there/tasks.toml": '[tasks]\na = ": > ran"\n', "elsewhere/.keep": ""})
    space.run("-C", "../there", "a", cwd="elsewhere").ok()
    assert space.has("there/ran")


def test_another_file_may_be_named(space: Space) -> None:
    space.write({"odd.toml": '[tasks]\na = ": > ran"\n', "tasks.toml": '[tasks]\na = "false"\n'})
    space.run("--file", "odd.toml", "a").ok()
    assert space.has("ran")


def test_an_alias_is_the_task(space: Space) -> None:
    space.tasks('[tasks.build]\nalias = ["b", "bld"]\nrun = "echo x >> log"\n')
    assert space.events("b", "build", "bld").ok().statuses == {"build": "ran"}
    assert space.read("log") == "x\n"


def test_a_template_gives_what_a_task_does_not_say(space: Space) -> None:
    space.tasks(
        '[templates.base]\nenv = { A = "t", B = "t" }\nshell = ["bash", "-c"]\n'
        '[tasks.a]\nextends = "base"\nenv = { B = "own" }\nrun = "echo $A $B $BASH_VERSION > got"\n'
    )
    space.run("a").ok()
    words = space.read("got").split()
    assert words[:2] == ["t", "own"]
    assert len(words) == 3


@pytest.mark.parametrize("ending", ["yaml", "yml"])
def test_a_file_in_yaml_is_as_good(space: Space, ending: str) -> None:
    space.write(
        {f"tasks.{ending}": "tasks:\n  a: 'echo a >> log'\n  b:\n    deps: [a]\n    run:\n      - echo b >> log\n"}
    )
    assert space.events("b").ok().order == ["a", "b"]
    assert space.read("log") == "a\nb\n"


# Refused before anything runs

FINE = '[tasks]\nok = ": > ran"\n'


@pytest.mark.parametrize(
    ("text", "words", "named"),
    [
        (FINE, ["ok", "no-such"], "`no-such`"),
        (FINE, ["okk"], "`ok`"),
        (FINE, ["ok", "--no-such-option"], "`--no-such-option`"),
        (FINE, ["-p", "nobody", "ok"], "`nobody`"),
        (FINE, ["-j0", "ok"], "-j"),
        (FINE, ["-j", "-1", "ok"], "-"),
        (FINE, ["--timeout", "soon", "ok"], "`soon`"),
        (FINE, ["--from", "no-such", "ok"], "`no-such`"),
        (FINE, ["-C", "no-such-folder", "ok"], "no-such-folder"),
        (FINE, ["--file", "no-such-file", "ok"], "no-such-file"),
        (FINE, ["x=1", "ok"], "`x`"),
        (
            FINE + "[tasks.b]\nargs.n = { type = 'int', positional = true }\nrun = 'true'\n",
            ["ok", "b", "many"],
            "`many`",
        ),
        (FINE + "[tasks.b]\nargs.n = { choices = ['x', 'y'] }\nrun = 'true'\n", ["ok", "b", "--n", "z"], "`z`"),
        (FINE + "[tasks.b]\nargs.n = { required = true }\nrun = 'true'\n", ["ok", "b"], "n"),
        (FINE + "[tasks.b]\ndeps = ['no-such']\nrun = 'true'\n", ["ok", "b"], "`no-such`"),
        (FINE + "[tasks.b]\nrun = 'echo {{no_such}}'\n", ["ok"], "no_such"),
        (FINE + "[tasks.b]\nrum = 'true'\n", ["ok"], "`rum`"),
        (
            FINE + "[tasks.b]\nrun = 'true'\ndeps = ['c']\n[tasks.c]\nrun = 'true'\ndeps = ['b']\n",
            ["b", "ok"],
            "b -> c -> b",
        ),
        (
            FINE + "[tasks.b]\noutputs = ['x']\nrun = 'true'\n[tasks.c]\noutputs = ['x']\nrun = 'true'\n",
            ["ok", "b", "c"],
            "`x`",
        ),
        (FINE + "[tasks.b]\noutputs = ['../x']\nrun = 'true'\n", ["ok", "b"], "../x"),
        (FINE + "[tasks.b]\npool = 'nope'\nrun = 'true'\n", ["ok", "b"], "`nope`"),
        (FINE + "[tasks.b\n", ["ok"], "tasks.toml:3"),
        (FINE + "[tasks.b]\nservice = true\nrun = 'true'\n", ["ok", "b"], "service"),
        ("", ["ok"], "`ok`"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 30 else "",
)
def test_what_is_wrong_is_refused_before_anything_runs(space: Space, text: str, words: list[str], named: str) -> None:
    space.tasks(text)
    ran = space.run("--json", *words).refused()
    assert named in ran.stderr
    assert not space.has("ran")
    assert not ran.stdout


def test_no_file_is_said(space: Space) -> None:
    assert "tasks.toml" in space.run("a").refused().stderr


def test_two_files_side_by_side_are_refused(space: Space) -> None:
    space.write({"tasks.toml": FINE, "tasks.yaml": "tasks: {}\n"})
    assert "tasks.yaml" in space.run("ok").refused().stderr


def test_a_plan_runs_nothing(space: Space) -> None:
    space.tasks(
        '[vars]\nv = { cmd = "echo v" }\n[tasks.a]\nrun = ": > ran; echo {{v}}"\nfinally = ": > ran"\n'
        '[tasks.b]\ndeps = ["a"]\nrun = ": > ran"\n'
    )
    ran = space.events("-n", "b").ok()
    assert not space.has("ran")
    assert {event["task"]: event["would"] for event in ran.of("task_planned")} == {"a": "run", "b": "run"}


# Questions

ASKING = (
    '[tasks.dep]\nrun = ": > dep"\n[tasks.a]\ndeps = ["dep"]\nconfirm = "Deploy {{x}} now?"\n'
    'run = ": > ran"\nargs.x = { default = "it" }\n'
)


def test_nobody_to_ask_is_a_refusal_before_anything_runs(space: Space) -> None:
    space.tasks(ASKING)
    ran = space.events("a").refused()
    assert "--yes" in ran.stderr
    assert not space.has("dep")


def test_yes_answers(space: Space) -> None:
    space.tasks(ASKING)
    assert space.events("-y", "a").ok().statuses == {"dep": "ran", "a": "ran"}


def test_a_question_of_a_task_that_is_not_wanted_is_not_asked(space: Space) -> None:
    space.tasks(ASKING)
    assert space.events("dep").ok().statuses == {"dep": "ran"}


@pytest.mark.parametrize(
    ("answer", "runs"), [("y\n", True), ("yes\n", True), ("Y\n", True), ("n\n", False), ("\n", False), ("\x04", False)]
)
def test_a_person_is_asked(space: Space, answer: str, runs: bool) -> None:
    space.tasks(ASKING)
    terminal = space.terminal()
    trun = space.start("--json=events", "a", "--x", "v1", terminal=terminal)
    terminal.shows("Deploy v1 now?")
    terminal.type(answer.encode())
    ran = trun.wait()
    task = "a{x=v1}"
    if runs:
        assert ran.ok().statuses[task] == "ran"
    else:
        assert ran.code == 1
        assert ran.statuses[task] == "skipped"
    assert space.has("ran") is runs


def test_an_interrupt_at_a_question_runs_nothing(space: Space) -> None:
    space.tasks(ASKING)
    terminal = space.terminal()
    trun = space.start("a", terminal=terminal)
    terminal.shows("now?")
    terminal.type(b"\x03")
    assert trun.wait().returncode == -2
    assert not space.has("dep")
    assert "Traceback" not in bytes(terminal.screen).decode()


def test_a_missing_argument_is_asked_for_on_a_terminal(space: Space) -> None:
    space.tasks('[tasks.a]\nargs.where = { required = true, help = "where to" }\nrun = "echo {{where}} > got"\n')
    terminal = space.terminal()
    trun = space.start("a", terminal=terminal)
    terminal.shows("where")
    terminal.type(b"over there\n")
    trun.wait().ok()
    assert space.read("got") == "over there\n"


def test_names_are_exact_and_may_be_strange(space: Space) -> None:
    names = ["a.b", "a-b", "a+b", "a_b", "A"]
    space.tasks("[tasks]\n" + "".join(f'{json.dumps(name)} = "true"\n' for name in names))
    assert set(space.events(*names).ok().statuses) == set(names)
