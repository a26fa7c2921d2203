"""From the text of a file to tasks: templates, profiles, aliases, and everything that is wrong with it at once."""

from __future__ import annotations

import pytest

from runner.error import Refusal
from runner.task import Argv, Call, Dep, File, Script
from tests.kit.declared import expansion_of, project_of


def refused(text: str, *profiles: str) -> str:
    from runner.check import check

    with pytest.raises(Refusal) as caught:
        check(expansion_of(text, *profiles))
    return str(caught.value)


def test_a_string_or_a_list_is_a_whole_task() -> None:
    tasks = project_of('[tasks]\na = "x"\nb = ["x", { task = "a", args = { n = "1" } }]\n').tasks
    assert tasks["a"].steps == (Script(text="x"),)
    assert tasks["b"].steps == (Script(text="x"), Call(task="a", args={"n": "1"}))


def test_a_command_is_a_script_an_argv_or_a_file() -> None:
    tasks = project_of('[tasks.a]\ncmd = ["x", "y z"]\n[tasks.b]\nfile = "x.py"\n').tasks
    assert tasks["a"].steps == (Argv(words=("x", "y z")),)
    assert tasks["b"].steps == (File(path="x.py"),)


def test_run_differs_by_platform() -> None:
    text = '[tasks.a.run]\nlinux = "l"\nmacos = ["m", "n"]\n'
    assert project_of(text).tasks["a"].steps == (Script(text="l"),)
    assert project_of(text, os="macos").tasks["a"].steps == (Script(text="m"), Script(text="n"))
    windows = project_of(text, os="windows").tasks["a"]
    assert (windows.steps, windows.other_platforms) == ((), ("linux", "macos"))


def test_a_leading_underscore_hides() -> None:
    tasks = project_of('[tasks]\n_a = "x"\n[tasks.b]\nrun = "x"\nhidden = true\n[tasks.c]\nrun = "x"\n').tasks
    assert [task.hidden for task in tasks.values()] == [True, True, False]


def test_templates_apply_from_left_to_right_and_merge_env_and_args() -> None:
    text = """
    [templates.base]
    run = "base"
    timeout = "10s"
    tags = ["a"]
    env = { A = "1", B = "1" }
    [templates.more]
    extends = "base"
    tags = ["b"]
    env = { B = "2" }
    [tasks.t]
    extends = ["base", "more"]
    cmd = ["own"]
    env = { C = "3" }
    """
    task = project_of(text).tasks["t"]
    assert task.steps == (Argv(words=("own",)),)
    assert task.env == {"A": "1", "B": "2", "C": "3"}
    assert (task.tags, task.timeout_s) == (("b",), 10.0)


def test_deps_are_names_globs_arguments_and_drops() -> None:
    task = project_of('[tasks.a]\ndeps = ["b*", { task = "b", args = { x = 1 } }, "!c"]\n').tasks["a"]
    assert task.deps == (
        Dep(task="b*", path=("tasks", "a", "deps", 0)),
        Dep(task="b", args={"x": 1}, path=("tasks", "a", "deps", 1)),
    )
    assert task.dropped == ("c",)


def test_profiles_overlay_from_left_to_right_with_what_they_extend_first() -> None:
    text = """
    [vars]
    v = "file"
    [env]
    E = "file"
    [run]
    jobs = 1
    [tasks.t]
    run = "x"
    group = "slow"
    args.a = { default = "d" }
    [profiles.base]
    vars.v = "base"
    env.E = "base"
    disable = ["slow"]
    [profiles.ci]
    extends = "base"
    vars.v = "ci"
    args.t.a = "ci"
    run.jobs = 3
    [profiles.on]
    enable = ["slow"]
    """
    plain = project_of(text)
    assert (plain.vars["v"], plain.tasks["t"].args["a"].default, plain.tasks["t"].disabled) == ("file", "d", None)
    seen = project_of(text, "ci")
    assert seen.profiles == ("base", "ci")
    assert seen.env_layers == (("profile ci", {}), ("profile base", {"E": "base"}), ("[env]", {"E": "file"}))
    assert (seen.vars["v"], seen.tasks["t"].args["a"].default, seen.settings.jobs) == ("ci", "ci", 3)
    assert seen.tasks["t"].disabled == "profile `base` disables group `slow`"
    assert project_of(text, "ci", "on").tasks["t"].disabled is None


@pytest.mark.parametrize(
    ("text", "profiles", "message"),
    [
        ('[tasks]\na = "x"\n', ("ci",), "error: unknown profile `ci`\n  hint: `tasks.toml` has no profiles"),
        ('[tasks]\na = "x"\n[profiles.ci]\n', ("cii",), "error: unknown profile `cii`\n  hint: did you mean `ci`?"),
        (
            '[profiles.a]\nextends = "b"\n[profiles.b]\nextends = "a"\n',
            ("a",),
            "error: profiles extend each other in a circle: a -> b -> a\n"
            '  tasks.toml:2:11\n    2 | extends = "b"\n      |           ^^^',
        ),
        (
            '[profiles.a]\nargs.tset.x = "1"\n[tasks]\ntest = "x"\n',
            ("a",),
            'error: unknown task `tset`\n  tasks.toml:2:6\n    2 | args.tset.x = "1"\n      |      ^^^^\n'
            "  hint: did you mean `test`?",
        ),
        (
            '[profiles.a]\nargs.test.x = "1"\n[tasks]\ntest = "x"\n',
            ("a",),
            'error: task `test` has no argument `x`\n  tasks.toml:2:11\n    2 | args.test.x = "1"\n      |           ^',
        ),
    ],
)
def test_a_profile_that_cannot_be_is_refused(text: str, profiles: tuple[str, ...], message: str) -> None:
    assert refused(text, *profiles) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[tasks.a]\nrun = "x"\ncmd = ["x"]\n',
            'error: task `a` has both `run` and `cmd`\n  tasks.toml:3:1\n    3 | cmd = ["x"]\n      | ^^^\n'
            "  hint: keep one of them",
        ),
        (
            '[tasks.a]\nextends = "bse"\n[templates.base]\nrun = "x"\n',
            'error: unknown template `bse`\n  tasks.toml:2:11\n    2 | extends = "bse"\n      |           ^^^^^\n'
            "  hint: did you mean `base`?",
        ),
        (
            '[tasks.build]\nrun = "x"\n[tasks.a]\ndeps = ["biuld"]\n',
            'error: unknown task `biuld`\n  tasks.toml:4:9\n    4 | deps = ["biuld"]\n      |         ^^^^^^^\n'
            "  hint: did you mean `build`?",
        ),
        (
            '[tasks.a]\nrun = "x"\ndeps = ["lint*"]\n',
            'error: no task matches `lint*`\n  tasks.toml:3:9\n    3 | deps = ["lint*"]\n      |         ^^^^^^^',
        ),
        (
            '[tasks.a]\nrun = "x"\ndeps = ["a"]\n',
            'error: task `a` needs itself\n  tasks.toml:3:9\n    3 | deps = ["a"]\n      |         ^^^',
        ),
        (
            '[tasks]\nb = "x"\n[tasks.a]\nrun = "x"\nalias = "b"\n',
            'error: alias `b` of task `a` already names task `b`\n  tasks.toml:5:1\n    5 | alias = "b"\n      | ^^^^^',
        ),
        (
            '[project]\ndefault = "chek"\n[tasks]\ncheck = "x"\n',
            'error: unknown task `chek`\n  tasks.toml:2:11\n    2 | default = "chek"\n      |           ^^^^^^\n'
            "  hint: did you mean `check`?",
        ),
        (
            '[pools]\ngpu = 1\n[tasks.a]\nrun = "x"\npool = "gpus"\n',
            'error: unknown pool `gpus`\n  tasks.toml:5:8\n    5 | pool = "gpus"\n      |        ^^^^^^\n'
            "  hint: did you mean `gpu`?",
        ),
        (
            '[pools]\ngpu = 1\n[tasks.a]\nrun = "x"\npool = { gpu = 2 }\n',
            "error: task `a` takes 2 of pool `gpu`, which has 1\n"
            "  tasks.toml:5:8\n    5 | pool = { gpu = 2 }\n      |        ^^^^^^^^^^^",
        ),
        (
            '[tasks.a]\nrun = "x {{nme}}"\nargs.name = {}\n',
            'error: unknown name `{{nme}}`\n  tasks.toml:2:7\n    2 | run = "x {{nme}}"\n      |       ^^^^^^^^^^^\n'
            "  hint: did you mean `name`?",
        ),
        (
            '[tasks.a]\nrun = "x {{a}}"\nshell = ["fish", "-c"]\nargs.a = {}\n',
            "error: how `fish` quotes is not known\n  tasks.toml:2:7\n"
            '    2 | run = "x {{a}}"\n      |       ^^^^^^^^^\n  hint: write `{{name|raw}}` and quote it yourself',
        ),
        (
            '[tasks.a]\nfile = "x.sql"\n',
            'error: no interpreter for `x.sql`\n  tasks.toml:2:8\n    2 | file = "x.sql"\n      |        ^^^^^^^\n'
            '  hint: say how in `[interpreters]`, such as `".sql" = "program {{file}}"`',
        ),
        (
            '[tasks.a]\nrun = "x"\noutputs = ["out/x"]\n[tasks.b]\nrun = "x"\noutputs = ["out/"]\n',
            "error: tasks `a` and `b` both declare the output `out/x` and `out/`, which overlap\n"
            '  tasks.toml:6:1\n    6 | outputs = ["out/"]\n      | ^^^^^^^',
        ),
        (
            '[tasks.a]\nrun = "x"\ninputs = ["x.txt"]\noutputs = ["x.txt"]\n',
            "error: input `x.txt` of task `a` is one of its own outputs, `x.txt`\n"
            '  tasks.toml:3:11\n    3 | inputs = ["x.txt"]\n      |           ^^^^^^^',
        ),
        (
            '[tasks.a]\nrun = "x"\ninputs = ["@rst"]\n[globs]\nrust = ["x"]\n',
            'error: unknown glob list `@rst`\n  tasks.toml:3:11\n    3 | inputs = ["@rst"]\n      |           ^^^^^^\n'
            "  hint: did you mean `rust`?",
        ),
        (
            '[vars]\na = "{{b}}"\nb = "{{a}}"\n[tasks]\nt = "x"\n',
            "error: vars name each other in a circle: a -> b -> a\n"
            '  tasks.toml:2:5\n    2 | a = "{{b}}"\n      |     ^^^^^^^',
        ),
        (
            '[tasks.a]\nrun = "x"\nargs.n = { type = "int", default = "x" }\n',
            "error: `n` must be an integer, not `x`\n  tasks.toml:3:36\n"
            '    3 | args.n = { type = "int", default = "x" }\n      |                                    ^^^',
        ),
        (
            '[tasks.a]\nrun = "x"\nargs.n = { pattern = "(" }\n',
            "error: `(` is not a regular expression: missing ), unterminated subpattern at position 0\n"
            '  tasks.toml:3:22\n    3 | args.n = { pattern = "(" }\n      |                      ^^^',
        ),
        (
            '[tasks.a]\nrun = "x"\nargs.one = { short = "k" }\nargs.two = { short = "k" }\n',
            "error: arguments `one` and `two` of task `a` are both typed `-k`\n"
            '  tasks.toml:4:6\n    4 | args.two = { short = "k" }\n      |      ^^^',
        ),
        (
            '[tasks.a]\nrun = "x"\ndir = "../x"\n',
            "error: `dir` of task `a` is outside the project\n"
            '  tasks.toml:3:7\n    3 | dir = "../x"\n      |       ^^^^^^',
        ),
        (
            '[tasks.a]\nrun = "x"\ninputs = ["../x"]\n',
            "error: the pattern leaves the project: `../x`\n"
            '  tasks.toml:3:11\n    3 | inputs = ["../x"]\n      |           ^^^^^^',
        ),
    ],
)
def test_what_a_schema_cannot_see_is_refused_with_its_place(text: str, message: str) -> None:
    assert refused(text) == message


def test_everything_wrong_is_told_at_once() -> None:
    text = '[tasks.a]\nrun = "{{x}}"\ndeps = ["nope"]\npool = "none"\n[tasks.b]\nrun = "x"\ndeps = ["also"]\n'
    told = refused(text)
    assert [line for line in told.splitlines() if line.startswith("error")] == [
        "error: unknown task `nope`",
        "error: unknown pool `none`",
        "error: unknown name `{{x}}`",
        "error: unknown task `also`",
    ]


def test_after_twenty_the_rest_is_counted() -> None:
    text = "".join(f'[tasks.t{at}]\nrun = "x"\ndeps = ["none{at}"]\n' for at in range(25))
    assert refused(text).endswith("\nerror: and 5 more")
