"""A table of edits: what each makes run, and what stays fresh. Plan, `--why` and run agree on every row."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytest

from tests.kit.process import Ran
from tests.kit.space import Space

WOULD = {"run": ("ran", "failed"), "restore": ("restored",), "fresh": ("fresh",), "skip": ("skipped",)}
ANY = ("ran", "failed", "restored", "fresh", "skipped")
Env = Mapping[str, str]

# One task that reads `in` and makes `out`; more keys follow.
TASK = '[tasks.a]\nrun = "cat in > out"\ninputs = ["in"]\noutputs = ["out"]\n'
# One that only looks.
CHECK = '[tasks.a]\nrun = "cat in"\ninputs = ["in"]\n'


class Row(NamedTuple):
    """An edit: the project before it, what is edited, and how tasks end after it.

    `told` is the label of the ingredient that `--why` must name; `words` and `env` are of both runs, `then` and
    `then_env` of the second one.
    """

    name: str
    tasks: str
    edit: Callable[[Space], object]
    ends: Mapping[str, str] | str = "ran"
    told: str = ""
    files: Mapping[str, str] = {}
    words: tuple[str, ...] = ("a",)
    then: tuple[str, ...] | None = None
    env: Env = {}
    then_env: Env | None = None


def nothing(space: Space) -> None:
    """Only the words or the environment differ."""


def said(old: str, new: str, file: str = "tasks.toml") -> Callable[[Space], object]:
    """Another text in a file."""

    def edit(space: Space) -> None:
        text = space.read(file)
        assert text.count(old) == 1, f"`{old}` stands {text.count(old)} times in {file}"
        space.write({file: text.replace(old, new)})

    return edit


def wrote(**files: str) -> Callable[[Space], object]:
    """Files with other contents."""
    return lambda space: space.write(files)


def both(*edits: Callable[[Space], object]) -> Callable[[Space], object]:
    """One edit after the other."""
    return lambda space: [edit(space) for edit in edits]


def removed(name: str) -> Callable[[Space], object]:
    return lambda space: (space.root / name).unlink()


def renamed(old: str, new: str) -> Callable[[Space], object]:
    return lambda space: (space.root / old).rename(space.root / new)


def made_executable(name: str) -> Callable[[Space], object]:
    return lambda space: (space.root / name).chmod(0o755)


def linked(name: str, text: str) -> Callable[[Space], object]:
    def edit(space: Space) -> None:
        path = space.root / name
        path.unlink(missing_ok=True)
        path.symlink_to(text)

    return edit


def touched(*names: str) -> Callable[[Space], object]:
    def edit(space: Space) -> None:
        for name in names:
            os.utime(space.root / name, (1, 1))

    return edit


CHAIN = (
    '[tasks.make]\nrun = "head -n1 in > mid"\ninputs = ["in"]\noutputs = ["mid"]\n'
    '[tasks.a]\nrun = "cat mid > out"\ninputs = ["mid"]\noutputs = ["out"]\n'
)
QUIET = '[tasks.dep]\nrun = "cat seed"\ninputs = ["seed"]\n[tasks.a]\ndeps = ["dep"]\nrun = "cat in"\ninputs = ["in"]\n'
SILENT = (
    '[tasks.dep]\nrun = "head -n1 seed > mid"\ninputs = ["seed"]\noutputs = ["mid"]\n'
    '[tasks.a]\ndeps = ["dep"]\nrun = "cat in mid > out"\ninputs = ["in"]\noutputs = ["out"]\n'
)
ALLOWED = (
    '[tasks.dep]\nallow_failure = true\nrun = "echo > mid; test -s flag"\ninputs = ["flag"]\noutputs = ["mid"]\n'
    '[tasks.a]\ndeps = ["dep"]\nrun = "cat in"\ninputs = ["in"]\n'
)
PICK = '[tasks.a]\nrun = "cat params.toml"\ninputs = ["params.toml#model.lr"]\n'
PARAMS = {"params.toml": "[model]\nlr = 1\nepochs = 5\n"}
GLOB = '[tasks.a]\nrun = "cat *.txt > out"\ninputs = ["*.txt"]\noutputs = ["out"]\n'
TEXTS = {"a.txt": "a\n", "b.txt": "b\n"}
ENV = CHECK + 'env = { MODE = "one" }\n'
USES = CHECK + 'uses_env = ["MODE"]\n'
PROFILES = CHECK + '[profiles.p]\nenv = { MODE = "p" }\n[profiles.q]\nenv = { MODE = "q" }\n'
DOTENV = '[project]\ndotenv = [".env"]\n' + CHECK
PROBE = CHECK + 'probes = ["cat version"]\n'
VAR = '[vars]\nrev = { cmd = "cat version" }\n'
ARG = CHECK.replace("cat in", "cat in; echo {{x}}") + 'args.x = { default = "1" }\n'
SCRIPT = '[tasks.a]\nfile = "job.sh"\ninputs = ["in"]\n'
READER = '[interpreters]\n".in" = "cat {{file}}"\n[tasks.a]\nfile = "job.in"\ninputs = ["in"]\n'
YAML = "tasks:\n  a:\n    run: cat in > out\n    inputs: [in]\n    outputs: [out]\n"
STEPS = '[tasks.a]\nrun = ["cat in", "true"]\ninputs = ["in"]\n'

INGREDIENTS = [
    Row("the command's text", TASK, said("cat in", "cat  in"), told="command"),
    Row("a step more", STEPS, said('"true"', '"true", "true"'), told="command"),
    Row("steps in another order", STEPS, said('"cat in", "true"', '"true", "cat in"'), told="command"),
    Row("finally", CHECK + 'finally = "true"\n', said('"true"', '"true 2"'), told="command"),
    Row("cmd instead of run", CHECK, said('run = "cat in"', 'cmd = ["cat", "in"]'), told="command"),
    Row(
        "the words of a cmd",
        '[tasks.a]\ncmd = ["echo", "a b"]\ninputs = ["in"]\n',
        said('"a b"', '"a", "b"'),
        told="command",
    ),
    Row("the default of an argument", ARG, said('"1"', '"2"'), told="arg x"),
    Row("the shell", CHECK + 'shell = ["sh", "-c"]\n', said('"sh", "-c"', '"sh", "-e", "-c"'), told="shell"),
    Row("the shell of the project", f'[project]\nshell = ["sh", "-c"]\n{CHECK}', said('"-c"', '"-ec"'), told="shell"),
    Row(
        "the folder",
        '[tasks.a]\ndir = "one"\nrun = "pwd"\ninputs = ["/in"]\n',
        said('"one"', '"two"'),
        told="dir",
        files={"one/x": "", "two/x": ""},
    ),
    Row("a variable of the task", ENV, said('"one"', '"two"'), told="env MODE"),
    Row("a variable more", ENV, said('"one"', '"one", MORE = ""'), told="env MORE"),
    Row("a variable of [env]", '[env]\nMODE = "one"\n' + CHECK, said('"one"', '"two"'), told="env MODE"),
    Row("a variable of a profile", PROFILES, nothing, told="env MODE", then=("-p", "p", "a")),
    Row("another profile", PROFILES, nothing, told="env MODE", words=("-p", "p", "a"), then=("-p", "q", "a")),
    Row("a variable of dotenv", DOTENV, said("one", "two", ".env"), told="dotenv MODE", files={".env": "MODE=one\n"}),
    Row(
        "a variable more in dotenv", DOTENV, wrote(**{".env": "MODE=one\nX=\n"}), told="X", files={".env": "MODE=one\n"}
    ),
    Row("a variable from the caller", USES, nothing, told="uses_env MODE", env={"MODE": "1"}, then_env={"MODE": "2"}),
    Row("set where it was unset", USES, nothing, told="uses_env MODE", then_env={"MODE": "1"}),
    Row("empty where it was unset", USES, nothing, told="uses_env MODE", then_env={"MODE": ""}),
    Row("unset where it was empty", USES, nothing, told="uses_env MODE", env={"MODE": ""}, then_env={}),
    Row(
        "a variable that a glob names",
        CHECK + 'uses_env = ["APP_*"]\n',
        nothing,
        told="uses_env APP_X",
        env={"APP_X": "1"},
        then_env={"APP_X": "2"},
    ),
    Row("one more that a glob names", CHECK + 'uses_env = ["APP_*"]\n', nothing, told="APP_Y", then_env={"APP_Y": "2"}),
    Row(
        "{{env.X}} in a command",
        CHECK.replace("cat in", "echo {{env.X}}"),
        nothing,
        told="X",
        env={"X": "1"},
        then_env={"X": "2"},
    ),
    Row("what a probe prints", PROBE, wrote(version="2"), told="probe cat version", files={"version": "1"}),
    Row(
        "one more probe",
        PROBE,
        said('"cat version"', '"cat version", "true"'),
        told="probe true",
        files={"version": "1"},
    ),
    Row(
        "what a var's command prints",
        VAR + CHECK.replace("cat in", "cat in; echo {{rev}}"),
        wrote(version="2"),
        told="rev",
        files={"version": "1"},
    ),
    Row("a var", '[vars]\nv = "1"\n' + CHECK.replace("cat in", "echo {{v}}"), said('"1"', '"2"'), told="command"),
    Row(
        "a var on the command line",
        '[vars]\nv = "1"\n' + CHECK.replace("cat in", "echo {{v}}"),
        nothing,
        told="command",
        then=("v=2", "a"),
    ),
    Row("a picked key", PICK, said("lr = 1", "lr = 2", "params.toml"), told="pick params.toml#model.lr", files=PARAMS),
    Row("a picked key of another type", PICK, said("lr = 1", 'lr = "1"', "params.toml"), told="pick", files=PARAMS),
    Row("an input's content", TASK, wrote(**{"in": "2"}), told="input in"),
    Row("an input more", GLOB, wrote(**{"c.txt": "c\n"}), told="input c.txt", files=TEXTS),
    Row("an empty input more", GLOB, wrote(**{"c.txt": ""}), told="input c.txt", files=TEXTS),
    Row("an input less", GLOB, removed("b.txt"), told="input b.txt", files=TEXTS),
    Row("an input with another name", GLOB, renamed("b.txt", "c.txt"), told="input c.txt", files=TEXTS),
    Row("an input that is executable", TASK, made_executable("in"), told="input in"),
    Row("an input that is a link now", TASK, both(wrote(x="1"), linked("in", "x")), told="input in"),
    Row(
        "the text of a link",
        '[tasks.a]\nrun = "readlink l; cat l"\ninputs = ["l"]\n',
        linked("l", "./in"),
        told="input l",
    ),
    Row("what a link points to", '[tasks.a]\nrun = "cat l"\ninputs = ["l"]\n', wrote(**{"in": "2"}), told="input l"),
    Row("an ignored file that is named", TASK, wrote(**{"in": "2"}), told="input in", files={".gitignore": "in\n"}),
    Row(
        "an ignored file that is asked for",
        '[tasks.a]\nrun = "cat *.log"\ninputs = [{ glob = "*.log", ignored = true }]\n',
        wrote(**{"x.log": "2"}),
        told="input x.log",
        files={".gitignore": "*.log\n", "x.log": "1"},
    ),
    Row(
        "the output patterns",
        '[tasks.a]\nrun = "cat in > out; cat in > out2"\ninputs = ["in"]\noutputs = ["out"]\n',
        said('["out"]', '["out", "out2"]'),
        told="outputs",
    ),
    Row(
        "what a dep made",
        SILENT,
        wrote(seed="2"),
        {"dep": "ran", "a": "ran"},
        files={"seed": "1"},
    ),
    Row(
        "a dep's own key where it makes nothing",
        QUIET,
        wrote(seed="2"),
        {"dep": "ran", "a": "ran"},
        files={"seed": "1"},
    ),
    Row(
        "a dep more",
        QUIET.replace('deps = ["dep"]\n', "deps = []\n"),
        said("deps = []", 'deps = ["dep"]'),
        {"dep": "ran", "a": "ran"},
        files={"seed": "1"},
    ),
    Row("how a dep ended", ALLOWED, wrote(flag=""), {"dep": "failed", "a": "ran"}, files={"flag": "1"}),
    Row(
        "whether results are for one platform",
        TASK,
        said('["out"]', '["out"]\ncache = { portable = true }'),
        told="platform",
    ),
    Row("how digests are made", TASK, lambda s: s.tasks(TASK + '[cache]\ndigest = "sha256"\n'), told="format"),
    Row("a script", SCRIPT, wrote(**{"job.sh": "echo 2\n"}), told="input job.sh", files={"job.sh": "echo 1\n"}),
    Row("what runs a script", READER, said("cat {{file}}", "head {{file}}"), told="command", files={"job.in": "1\n"}),
    Row("what an earlier task makes of an edit", CHAIN, wrote(**{"in": "2\n"}), {"make": "ran", "a": "ran"}),
]

NO_INGREDIENTS = [
    Row("nothing", TASK, nothing, "fresh"),
    Row("times", TASK, touched("in", "out", "tasks.toml"), "fresh"),
    Row("the same content written anew", TASK, wrote(**{"in": "1"}), "fresh"),
    Row("the description", TASK, lambda s: s.tasks(TASK + 'desc = "more"\ntags = ["slow"]\nalias = "b"\n'), "fresh"),
    Row("another task", TASK, lambda s: s.tasks(TASK + '[tasks.b]\nrun = "false"\ninputs = ["other"]\n'), "fresh"),
    Row("a comment", TASK, lambda s: s.tasks("# yes\n" + TASK), "fresh"),
    Row(
        "the order of keys",
        TASK,
        lambda s: s.tasks('[tasks.a]\noutputs = ["out"]\ninputs = ["in"]\nrun = "cat in > out"\n'),
        "fresh",
    ),
    Row("the tasks file as YAML", TASK, both(wrote(**{"tasks.yaml": YAML}), removed("tasks.toml")), "fresh"),
    Row(
        "how often it is tried, and for how long",
        TASK,
        lambda s: s.tasks(TASK + 'retry = 2\ntimeout = "1h"\n'),
        "fresh",
    ),
    Row("slots, pools and priority", TASK, lambda s: s.tasks(TASK + "weight = 2\npriority = 3\n"), "fresh"),
    Row(
        "a variable that is only passed",
        CHECK + 'pass_env = ["T"]\n',
        nothing,
        "fresh",
        env={"T": "1"},
        then_env={"T": "2"},
    ),
    Row(
        "a variable that nobody declared",
        TASK,
        nothing,
        "fresh",
        then_env={"CI": "1", "LC_ALL": "C", "TZ": "UTC", "X": ""},
    ),
    Row(
        "HOME, USER and PATH",
        TASK,
        nothing,
        "fresh",
        then_env={"HOME": "/", "USER": "me", "LOGNAME": "me", "TERM": "dumb"},
    ),
    Row(
        "a variable that the task's own wins over",
        ENV + 'uses_env = ["MODE"]\n',
        nothing,
        "fresh",
        then_env={"MODE": "9"},
    ),
    Row("an argument that says the default", ARG, nothing, "fresh", then=("a", "--x", "1")),
    Row(
        "what a var's command prints that nobody uses", VAR + TASK, wrote(version="2"), "fresh", files={"version": "1"}
    ),
    Row("a var that nobody uses", '[vars]\nv = "1"\n' + TASK, said('"1"', '"2"'), "fresh"),
    Row("another key of a file", PICK, said("epochs = 5", "epochs = 6", "params.toml"), "fresh", files=PARAMS),
    Row("a file that is no input", GLOB, wrote(**{"a.md": "", "sub/a.txt": ""}), "fresh", files=TEXTS),
    Row(
        "an ignored file",
        GLOB,
        wrote(**{"c.txt": "c\n"}),
        "fresh",
        files={**TEXTS, ".gitignore": "c.txt\n"},
    ),
    Row(
        "an input that another pattern takes out",
        '[tasks.a]\nrun = "cat a.txt"\ninputs = ["*.txt", "!b.txt"]\n',
        wrote(**{"b.txt": "c\n"}),
        "fresh",
        files=TEXTS,
    ),
    Row(
        "how inputs are named",
        GLOB,
        said('inputs = ["*.txt"]', 'inputs = ["a.txt", "b.txt"]'),
        "fresh",
        files=TEXTS,
    ),
    Row(
        "what lies in the folder of a task that it only spans",
        '[tasks.gen]\nrun = "mkdir -p build; cat in > build/x.c"\ninputs = ["in"]\noutputs = ["build/"]\n'
        '[tasks.a]\nrun = "cat a.c"\ninputs = ["**/*.c"]\n',
        wrote(**{"build/y.c": "1"}),
        {"a": "fresh"},
        files={"a.c": "a"},
    ),
    Row(
        "a dep that makes the same again",
        SILENT,
        wrote(seed="1\n2"),
        {"dep": "ran", "a": "fresh"},
        files={"seed": "1\n"},
    ),
    Row(
        "a task before it that makes the same again",
        CHAIN,
        wrote(**{"in": "1\nmore"}),
        {"make": "ran", "a": "fresh"},
        files={"in": "1\n"},
    ),
    Row("another file of runs", TASK, lambda s: shutil.rmtree(s.root / ".trun/runs"), "fresh"),
    Row("the cache", TASK, lambda s: shutil.rmtree(s.root / ".trun/cache"), "fresh"),
    Row("the ledger", TASK, removed(".trun/state/ledger"), "restored"),
    Row("what is known of files", TASK, removed(".trun/state/digests.blake3"), "fresh"),
]


def names(rows: list[Row]) -> list[Any]:
    return [pytest.param(row, id=row.name) for row in rows]


def changed(space: Space, row: Row, words: tuple[str, ...], env: Env) -> Ran:
    """A run, of which `--plan` and `--why` told beforehand."""
    plan = {one["task"]: one["would"] for one in space.events("--plan", *words, env=env).ok().of("task_planned")}
    why = {one["task"]: one for one in space.run("--why", "--json", *words, env=env).ok().events[0]["targets"]}
    ran = space.events("-k", *words, env=env)
    for name, status in ran.statuses.items():
        assert status in WOULD.get(plan[name], ANY), f"`{name}` was planned to {plan[name]}"
        if name in why:
            assert why[name]["would"] == plan[name]
            assert plan[name] == "depends" or why[name]["key"] in (None, ran.ended(name)["key"])
        else:
            assert plan[name] == "fresh"
    if row.told:
        labels = [change["what"] for change in why["a"]["changes"]]
        assert any(row.told in label for label in labels), f"`--why` names {labels}"
        assert len(why["a"]["reasons"]) >= 1
    return ran


def edited(space: Space, row: Row) -> Ran:
    """The run after the edit."""
    space.write({"in": "1", **row.files})
    space.tasks(row.tasks)
    if "link" in row.name:
        linked("l", "in")(space)
    space.events(*row.words, env=row.env).ok()
    row.edit(space)
    words, env = row.then or row.words, row.env if row.then_env is None else row.then_env
    return changed(space, row, words, env)


@pytest.mark.parametrize("row", names(INGREDIENTS))
def test_an_ingredient_of_the_key_makes_it_run(space: Space, row: Row) -> None:
    ran = edited(space, row)
    ends = {"a": row.ends} if isinstance(row.ends, str) else row.ends
    assert {name: ran.statuses[name] for name in ends} == ends


@pytest.mark.parametrize("row", names(NO_INGREDIENTS))
def test_what_is_no_ingredient_makes_nothing_run(space: Space, row: Row) -> None:
    ran = edited(space, row)
    ends = {"a": row.ends} if isinstance(row.ends, str) else row.ends
    assert {name: ran.statuses[name] for name in ends} == ends


def test_a_copy_of_the_folder_elsewhere_is_served_by_a_shared_cache(space: Space) -> None:
    space.write({"one/tasks.toml": TASK.replace("cat in >", "echo {{root}} {{dir}}; cat in >"), "one/in": "1"})
    shared = {"TRUN_CACHE_DIR": str(space.root / "shared")}
    assert space.events("a", cwd="one", env=shared).ok().statuses == {"a": "ran"}
    (space.root / "deep").mkdir()
    for name in ("tasks.toml", "in"):
        shutil.copy(space.root / "one" / name, space.root / "deep")
    assert space.events("a", cwd="deep", env=shared).ok().statuses == {"a": "restored"}
    assert space.read("deep/out") == "1"


def test_going_back_to_what_was_is_served_by_the_cache(space: Space) -> None:
    space.tasks(CHAIN)
    space.write({"in": "1\n"})
    space.events("a").ok()
    space.write({"in": "2\n"})
    assert space.events("a").ok().statuses == {"make": "ran", "a": "ran"}
    space.write({"in": "1\n"})
    assert space.events("a").ok().statuses == {"make": "restored", "a": "restored"}
    assert space.read("out") == "1\n"
