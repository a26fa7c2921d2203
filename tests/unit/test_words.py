"""What each line says: the table of all that can be typed, and of what wins where two readings are possible."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from runner.cli.words import Where, candidate, first_asked, locate, parse
from runner.error import Refusal
from runner.manifest import Manifest
from runner.noun import replace
from runner.request import Ambient, Request, Target
from runner.task import Arg, Project, Task

if TYPE_CHECKING:
    from runner.request import ArgValue

MANIFEST = Manifest(path="/shop/tasks.toml", root="/shop", shown="tasks.toml", data={}, locate=lambda path, key: None)
AMBIENT = Ambient(environ={}, cwd="/shop/docs", os="linux", arch="x86_64", cpus=8, clock=lambda: 0.0)


def task(name: str, *args: Arg, **more: Any) -> Task:
    return Task(name=name, path=("tasks", name), args={arg.name: arg for arg in args}, **more)


TASKS = [
    task(
        "test",
        Arg(name="pattern", short="k", flag="-k"),
        Arg(name="cov", type="bool", default="true", short="c"),
        Arg(name="level", type="int", min=-3),
        Arg(name="only", multiple=True, short="o"),
        aliases=("t",),
    ),
    task(
        "deploy",
        Arg(name="env", choices=("staging", "prod"), required=True, positional=True, env="DEPLOY_ENV"),
        Arg(name="dry_run", type="bool", short="d"),
    ),
    task("release", Arg(name="version"), Arg(name="jobs", type="int", short="j"), Arg(name="file"), Arg(name="p")),
    task("help-me", Arg(name="host", short="h"), Arg(name="help")),
    task("fmt", Arg(name="paths", type="path", positional=True, multiple=True), dir="web"),
    task("seek", Arg(name="by", type="int", positional=True), Arg(name="five", type="bool", short="5")),
    task("copy", Arg(name="source", positional=True, required=True), Arg(name="to", positional=True)),
    task("pick", Arg(name="names", positional=True, required=True, multiple=True)),
    task("lint-py", Arg(name="fix", type="bool", short="x"), Arg(name="path", positional=True)),
    task("lint-c", Arg(name="fix", type="bool", short="x"), Arg(name="path", positional=True)),
    task("_lint-old", hidden=True),
    task("web:build"),
]
PROJECT = Project(
    manifest=MANIFEST,
    root="/shop",
    tasks={task.name: task for task in TASKS},
    vars={"registry": "ghcr.io", "tag": {"cmd": "git describe"}, "a-b": "1"},
)


def to(name: str, /, *rest: str, **args: ArgValue) -> Target:
    return Target(name=name, args=args, rest=rest)


def asks(*targets: Target, **more: Any) -> Request:
    return Request(targets=targets, **more)


TEST = to("test")
UNDEMANDING = ["test", "release", "help-me", "fmt", "seek", "lint-py", "lint-c", "web:build"]

OPTIONS = [
    ("test", asks(TEST)),
    ("-j test", asks(TEST, jobs=8)),
    ("test -j", asks(TEST, jobs=8)),
    ("-j4 test", asks(TEST, jobs=4)),
    ("-j 4 test", asks(TEST, jobs=4)),
    ("-j=4 test", asks(TEST, jobs=4)),
    ("--jobs=4 test", asks(TEST, jobs=4)),
    ("--jobs 4 test", asks(TEST, jobs=4)),
    ("--jobs test", asks(TEST, jobs=8)),
    ("-j4 -j2 test", asks(TEST, jobs=2)),
    ("test -j 007", asks(TEST, jobs=7)),
    ("-k test", asks(TEST, keep_going=0)),
    ("-k=3 test", asks(TEST, keep_going=3)),
    ("--keep-going test", asks(TEST, keep_going=0)),
    ("--keep-going=3 test", asks(TEST, keep_going=3)),
    ("-n test", asks(TEST, verb="plan")),
    ("--plan test", asks(TEST, verb="plan")),
    ("-n --plan test", asks(TEST, verb="plan")),
    ("-p ci test", asks(TEST, profiles=("ci",))),
    ("-pci test", asks(TEST, profiles=("ci",))),
    ("-p=ci test", asks(TEST, profiles=("ci",))),
    ("-p ci --profile=fast test", asks(TEST, profiles=("ci", "fast"))),
    ("-t slow test", asks(TEST, tags=("slow",))),
    ("-t 'slow and not net' --tag gpu test", asks(TEST, tags=("slow and not net", "gpu"))),
    ("--from test --until fmt copy a", asks(to("copy", source="a"), from_=("test",), until=("fmt",))),
    ("--from t --from 'lint*' test", asks(TEST, from_=("test", "lint-py", "lint-c"))),
    ("-f test", asks(TEST, force=True)),
    ("--force test", asks(TEST, force=True)),
    ("-y test", asks(TEST, yes=True)),
    ("-C sub test", asks(TEST, directory="sub")),
    ("-Csub test", asks(TEST, directory="sub")),
    ("-C a -C b test", asks(TEST, directory="a/b")),
    ("-C a -C /b test", asks(TEST, directory="/b")),
    ("--file other.toml test", asks(TEST, file="other.toml")),
    ("--file=other.toml test", asks(TEST, file="other.toml")),
    ("--file - test", asks(TEST, file="-")),
    ("--file=-x test", asks(TEST, file="-x")),
    ("--file a --file b test", asks(TEST, file="b")),
    ("--timeout 500ms test", asks(TEST, timeout_s=0.5)),
    ("--timeout 30s test", asks(TEST, timeout_s=30.0)),
    ("--timeout 10m test", asks(TEST, timeout_s=600.0)),
    ("--timeout=1.5h test", asks(TEST, timeout_s=5400.0)),
    ("--timeout 1d test", asks(TEST, timeout_s=86400.0)),
    ("--output full test", asks(TEST, output="full")),
    ("--color=never test", asks(TEST, color="never")),
    ("-q test", asks(TEST, quiet=1)),
    ("-v -v test", asks(TEST, verbose=2)),
    ("-vvq --verbose test", asks(TEST, verbose=3, quiet=1)),
    ("--json test", asks(TEST, json="-")),
    ("--json=events.jsonl test", asks(TEST, json="events.jsonl")),
    ("-kf test", asks(TEST, keep_going=0, force=True)),
    ("-fy test", asks(TEST, force=True, yes=True)),
    ("-fk=2 test", asks(TEST, force=True, keep_going=2)),
    ("-kj4 test", asks(TEST, keep_going=0, jobs=4)),
    ("-kj 4 test", asks(TEST, keep_going=0, jobs=4)),
    ("-jf test", asks(TEST, jobs=8, force=True)),
    ("-fp ci test", asks(TEST, force=True, profiles=("ci",))),
    ("-fpci test", asks(TEST, force=True, profiles=("ci",))),
]

VERBS = [
    ("", asks(verb="list")),
    ("-l", asks(verb="list")),
    ("--list --all", asks(verb="list", all=True)),
    ("--all test --list", asks(TEST, verb="list", all=True)),
    ("--list --json", asks(verb="list", json="-")),
    ("--show", asks(verb="show")),
    ("--show test", asks(TEST, verb="show")),
    ("--graph", asks(verb="graph")),
    ("test --graph --format dot", asks(TEST, verb="graph", format="dot")),
    ("--check", asks(verb="check")),
    ("--show deploy", asks(to("deploy"), verb="show")),
    ("--graph copy", asks(to("copy"), verb="graph")),
    ("--help", asks(verb="help")),
    ("-h", asks(verb="help")),
    ("--help test", asks(TEST, verb="help")),
    ("test --help", asks(TEST, verb="help")),
    ("t -h", asks(TEST, verb="help")),
    ("test fmt --help", asks(TEST, to("fmt"), verb="help")),
    ("deploy --help", asks(to("deploy"), verb="help")),
    ("deploy nowhere --strange --help", asks(to("deploy"), verb="help")),
    ("--list --help", asks(verb="help")),
    ("--version", asks(verb="version")),
    ("test --version", asks(verb="version")),
    ("--version --force --list", asks(verb="version", force=True)),
]

TARGETS = [
    ("t", asks(TEST)),
    ("test fmt", asks(TEST, to("fmt"))),
    ("test test", asks(TEST, TEST)),
    ("web:build", asks(to("web:build"))),
    ("_lint-old", asks(to("_lint-old"))),
    ("'lint*'", asks(to("lint-py"), to("lint-c"))),
    ("'*lint*'", asks(to("lint-py"), to("lint-c"))),
    ("'lint-??'", asks(to("lint-py"))),
    ("'lint*' --fix", asks(to("lint-py", fix="true"), to("lint-c", fix="true"))),
    (
        "'lint*' -x src -f",
        asks(to("lint-py", fix="true", path="src"), to("lint-c", fix="true", path="src"), force=True),
    ),
    ("'lint*' -- a", asks(to("lint-py", "a"), to("lint-c", "a"))),
    ("test -- -k x --help", asks(to("test", "-k", "x", "--help"))),
    ("test fmt --", asks(TEST, to("fmt"))),
    ("test fmt -- --", asks(TEST, to("fmt", "--"))),
    ("registry=x test", asks(TEST, vars={"registry": "x"})),
    ("registry=x tag=1=2 -f a-b= test", asks(TEST, vars={"registry": "x", "tag": "1=2", "a-b": ""}, force=True)),
    ("registry=x registry=y test", asks(TEST, vars={"registry": "y"})),
    ("registry=x --list", asks(verb="list", vars={"registry": "x"})),
    ("-t slow", asks(*map(to, UNDEMANDING), tags=("slow",))),
]

ARGUMENTS = [
    ("test --pattern auth", asks(to("test", pattern="auth"))),
    ("test --pattern=auth", asks(to("test", pattern="auth"))),
    ("test --pattern=", asks(to("test", pattern=""))),
    ("test --pattern=-x", asks(to("test", pattern="-x"))),
    ("test --pattern -", asks(to("test", pattern="-"))),
    ("test --pattern fmt", asks(to("test", pattern="fmt"))),
    ("test -k auth", asks(to("test", pattern="auth"))),
    ("test -kauth", asks(to("test", pattern="auth"))),
    ("test -k=auth", asks(to("test", pattern="auth"))),
    ("test -k-x", asks(to("test", pattern="-x"))),
    ("test -ck auth", asks(to("test", cov="true", pattern="auth"))),
    ("test -cfk auth", asks(to("test", cov="true", pattern="auth"), force=True)),
    ("-k test -k auth", asks(to("test", pattern="auth"), keep_going=0)),
    ("test -k a -k b", asks(to("test", pattern="b"))),
    ("test --cov", asks(to("test", cov="true"))),
    ("test --no-cov", asks(to("test", cov="false"))),
    ("test --cov=no", asks(to("test", cov="false"))),
    ("test --no-cov fmt", asks(to("test", cov="false"), to("fmt"))),
    ("test --level 3", asks(to("test", level="3"))),
    ("test --level -3", asks(to("test", level="-3"))),
    ("test --level=-3", asks(to("test", level="-3"))),
    ("test --only a -o b --only=c", asks(to("test", only=("a", "b", "c")))),
    ("test -k a test -k b", asks(to("test", pattern="a"), to("test", pattern="b"))),
    ("test --force --no-cov -j2", asks(to("test", cov="false"), force=True, jobs=2)),
    ("deploy prod", asks(to("deploy", env="prod"))),
    ("deploy --env prod", asks(to("deploy", env="prod"))),
    ("deploy --env prod test", asks(to("deploy", env="prod"), TEST)),
    ("deploy prod --env staging", asks(to("deploy", env="staging"))),
    ("deploy --dry-run prod", asks(to("deploy", env="prod", dry_run="true"))),
    ("deploy --no-dry-run -f prod", asks(to("deploy", env="prod", dry_run="false"), force=True)),
    ("deploy prod test", asks(to("deploy", env="prod"), TEST)),
    ("copy test", asks(to("copy", source="test"))),
    ("copy a b", asks(to("copy", source="a", to="b"))),
    ("copy a test", asks(to("copy", source="a"), TEST)),
    ("copy a t", asks(to("copy", source="a"), TEST)),
    ("copy a 'tes*'", asks(to("copy", source="a"), TEST)),
    ("copy a 'x*'", asks(to("copy", source="a", to="x*"))),
    ("copy a b=c", asks(to("copy", source="a", to="b=c"))),
    ("copy a b test", asks(to("copy", source="a", to="b"), TEST)),
    ("pick a b test", asks(to("pick", names=("a", "b")), TEST)),
    ("pick test fmt", asks(to("pick", names=("test",)), to("fmt"))),
    ("fmt a ../b /c test", asks(to("fmt", paths=("../docs/a", "../b", "/c")), TEST)),
    ("-C .. fmt web/a", asks(to("fmt", paths=("a",)), directory="..")),
    ("-C /shop/web fmt a", asks(to("fmt", paths=("a",)), directory="/shop/web")),
    ("seek -7", asks(to("seek", by="-7"))),
    ("seek -5", asks(to("seek", five="true"))),
    ("seek 5 -j", asks(to("seek", by="5"), jobs=8)),
    ("seek -j 5", asks(to("seek"), jobs=5)),
    ("seek 05", asks(to("seek", by="5"))),
    ("release --version 1.0", asks(to("release", version="1.0"))),
    ("release -j 3 --file x", asks(to("release", jobs="3", file="x"))),
    ("-j3 --file y release --file x", asks(to("release", file="x"), jobs=3, file="y")),
    ("release -j3 test -j4", asks(to("release", jobs="3"), TEST, jobs=4)),
    ("release -p ci", asks(to("release"), profiles=("ci",))),
    ("help-me -h here", asks(to("help-me", host="here"))),
    ("help-me --help", asks(to("help-me"), verb="help")),
]


def ids(rows: list[tuple[str, Any]]) -> list[str]:
    return [line or "nothing" for line, _ in rows]


def asked(line: str, project: Project | None = PROJECT, **world: Any) -> Request:
    return parse(shlex.split(line), project, replace(AMBIENT, **world))


@pytest.mark.parametrize(("line", "request_"), OPTIONS, ids=ids(OPTIONS))
def test_an_option_says_what_the_table_says(line: str, request_: Request) -> None:
    assert asked(line) == request_


@pytest.mark.parametrize(("line", "request_"), VERBS, ids=ids(VERBS))
def test_a_flag_in_front_of_the_same_targets_asks_for_something_else(line: str, request_: Request) -> None:
    assert asked(line) == request_


@pytest.mark.parametrize(("line", "request_"), TARGETS, ids=ids(TARGETS))
def test_a_bare_word_is_a_target_or_a_var(line: str, request_: Request) -> None:
    assert asked(line) == request_


@pytest.mark.parametrize(("line", "request_"), ARGUMENTS, ids=ids(ARGUMENTS))
def test_after_a_target_its_own_arguments_come_first(line: str, request_: Request) -> None:
    assert asked(line) == request_


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        ("", asks()),
        ("anything -k else", asks(to("anything"), to("else"), keep_going=0)),
        ("x=1 a y=2 -- b", asks(to("a"), to("y=2", "b"), vars={"x": "1"})),
        ("a --version", asks(to("a"), verb="version")),
        ("a --help", asks(to("a"), verb="help")),
        ("--from a 'b*'", asks(to("b*"), from_=("a",))),
    ],
)
def test_without_a_project_every_bare_word_is_a_target(line: str, request_: Request) -> None:
    expected = replace(request_, targets=()) if "version" in line else request_
    assert asked(line, None) == expected


@pytest.mark.parametrize(
    ("line", "default", "request_"),
    [
        ("", "test", asks(TEST)),
        ("-n", "t", asks(TEST, verb="plan")),
        ("-j2 registry=x", "test", asks(TEST, jobs=2, vars={"registry": "x"})),
        ("--list", "test", asks(verb="list")),
        ("--graph", "test", asks(verb="graph")),
        ("fmt", "test", asks(to("fmt"))),
        ("", "gone", asks(verb="list")),
    ],
)
def test_a_bare_line_runs_the_default(line: str, default: str, request_: Request) -> None:
    assert asked(line, replace(PROJECT, default=default)) == request_


@pytest.mark.parametrize(
    ("environ", "line", "request_"),
    [
        ({"TRUN_JOBS": "3"}, "test", asks(TEST, jobs=3)),
        ({"TRUN_JOBS": "3"}, "test -j", asks(TEST, jobs=8)),
        ({"TRUN_JOBS": "none"}, "test -j2", asks(TEST, jobs=2)),
        ({"TRUN_JOBS": ""}, "test", asks(TEST)),
        ({"TRUN_FILE": "x.toml"}, "test", asks(TEST, file="x.toml")),
        ({"TRUN_FILE": "x.toml"}, "--file y.toml test", asks(TEST, file="y.toml")),
        ({"TRUN_PROFILE": "ci,fast slow"}, "test", asks(TEST, profiles=("ci", "fast", "slow"))),
        ({"TRUN_PROFILE": "ci"}, "-p mine test", asks(TEST, profiles=("mine",))),
        ({"TRUN_PROFILE": " , "}, "test", asks(TEST)),
    ],
)
def test_a_variable_counts_where_its_option_is_not_said(
    environ: Mapping[str, str], line: str, request_: Request
) -> None:
    assert asked(line, environ=environ) == request_


def test_the_variable_of_an_argument_stands_in_for_a_required_one() -> None:
    assert asked("deploy", environ={"DEPLOY_ENV": "prod"}) == asks(to("deploy"))


def answering(*answers: str) -> tuple[Callable[[str], str], list[str]]:
    asked_: list[str] = []
    left = list(answers)

    def ask(question: str) -> str:
        asked_.append(question)
        return left.pop(0)

    return ask, asked_


def test_a_missing_argument_is_asked_for_on_a_terminal() -> None:
    ask, questions = answering("nowhere\n", "\n", "prod\n")
    assert asked("test deploy", ask=ask, stdin_is_terminal=True) == asks(TEST, to("deploy", env="prod"))
    assert questions == [
        "deploy needs env (staging, prod): ",
        "`env` must be one of `staging`, `prod`, not `nowhere`\ndeploy needs env (staging, prod): ",
        "deploy needs env (staging, prod): ",
    ]


def test_several_values_may_answer_one_question() -> None:
    ask, _ = answering("a b\n")
    assert asked("pick", ask=ask, stdin_is_terminal=True) == asks(to("pick", names=("a", "b")))


def test_nobody_is_asked_when_something_else_is_wrong() -> None:
    ask, questions = answering("prod")
    with pytest.raises(Refusal) as refused:
        asked("deploy --strange", ask=ask, stdin_is_terminal=True)
    assert len(refused.value.problems) == 2
    assert questions == []


@pytest.mark.parametrize("world", [{"ask": None, "stdin_is_terminal": True}, {"ask": lambda question: "prod"}])
def test_nobody_is_asked_without_a_terminal(world: dict[str, Any]) -> None:
    with pytest.raises(Refusal, match="task `deploy` needs `env`"):
        asked("deploy", **world)


@pytest.mark.parametrize(
    ("line", "environ", "certain", "later"),
    [
        ("test", {}, Where(), Where()),
        ("-C a --file b -p c test", {}, Where(directory="a", file="b", profiles=("c",)), None),
        ("test -C a --file b -p c", {}, Where(), Where(directory="a", file="b", profiles=("c",))),
        ("registry=x -C a test -C b", {}, Where(directory="a"), Where(directory="a/b")),
        ("-p a test -p b", {}, Where(profiles=("a",)), Where(profiles=("a", "b"))),
        ("test -- -C a", {}, Where(), Where()),
        ("-j 4 -C a test", {}, Where(directory="a"), None),
        ("-j -C a test", {}, Where(directory="a"), None),
        ("--json -C a test", {}, Where(directory="a"), None),
        ("--output full --file a test", {}, Where(file="a"), None),
        ("--output nonsense --file a test", {}, Where(file="a"), None),
        ("test --file b", {"TRUN_FILE": "a", "TRUN_PROFILE": "p"}, Where(file="a", profiles=("p",)), None),
    ],
)
def test_a_line_points_at_a_file_before_its_tasks_are_known(
    line: str, environ: Mapping[str, str], certain: Where, later: Where | None
) -> None:
    assert locate(shlex.split(line), environ) == certain
    if later is not None:
        assert candidate(shlex.split(line), environ) == later


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ("release --file x", Where()),
        ("test --file x", Where(file="x")),
        ("release --file x test --file y", Where(file="y")),
        ("strange -C a", Where(directory="a")),
        ("test --pattern -C a", Where(directory="a")),
        ("deploy --env -C a -p b", Where(directory="a", profiles=("b",))),
    ],
)
def test_once_the_tasks_are_known_it_is_certain_whose_a_later_option_is(line: str, where: Where) -> None:
    assert locate(shlex.split(line), {}, PROJECT) == where


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("--help", "help"),
        ("-fh", "help"),
        ("--version", "version"),
        ("--version release", "version"),
        ("--strange --version", "version"),
        ("--help --version", "help"),
        ("--help test", None),
        ("release --version", None),
        ("test --help", None),
        ("test -- --help", None),
        ("-C --help", "help"),
        ("--file=--help", None),
        ("", None),
    ],
)
def test_help_and_version_are_answered_without_a_file_where_no_target_can_mean_its_own(
    line: str, answer: str | None
) -> None:
    assert first_asked(shlex.split(line)) == answer


@pytest.mark.parametrize("word", ["-x", "zzz", "--zzz", "a=1", "--from=zzz"])
def test_a_long_line_of_errors_looks_for_no_hints_that_nobody_sees(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []

    def nearest(word: str, known: object) -> None:
        looked.append(word)

    monkeypatch.setattr("runner.cli.targets.nearest", nearest)
    monkeypatch.setattr("runner.cli.scan.nearest", nearest)
    monkeypatch.setattr("runner.cli.scan.did_you_mean", nearest)
    with pytest.raises(Refusal) as refused:
        parse([word] * 500, PROJECT, AMBIENT)
    assert len(refused.value.problems) == 500
    assert len(looked) <= 40
