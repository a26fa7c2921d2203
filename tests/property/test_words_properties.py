"""Random lines: two parsers made from one table agree, order does not matter, and nothing but a Refusal is raised."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.cli.app import Refused, parse_with_typer
from runner.cli.line import Line, quoted
from runner.cli.options import OPTIONS, Option
from runner.cli.words import Where, candidate, first_asked, locate, parse
from runner.error import Problem, Refusal, render
from runner.manifest import Manifest
from runner.noun import replace
from runner.request import Ambient, Request
from runner.task import Arg, Project, Task

MANIFEST = Manifest(path="/shop/tasks.toml", root="/shop", shown="tasks.toml", data={}, locate=lambda path, key: None)
WORLD = Ambient(environ={}, cwd="/shop", os="linux", arch="x86_64", cpus=8, clock=lambda: 0.0)


def task(name: str, *args: Arg) -> Task:
    return Task(name=name, path=("tasks", name), args={arg.name: arg for arg in args})


TASKS = [
    task("build"),
    task("lint"),
    task("test", Arg(name="pattern", short="k"), Arg(name="cov", type="bool", short="c"), Arg(name="n", type="int")),
    task("deploy", Arg(name="env", positional=True, required=True), Arg(name="hosts", positional=True, multiple=True)),
    task("release", Arg(name="version"), Arg(name="file", short="C"), Arg(name="profile", short="p")),
]
PROJECT = Project(manifest=MANIFEST, root="/shop", tasks={task.name: task for task in TASKS}, vars={"registry": "x"})

# Help and version forgive what else is on the line: only our parser knows that.
EAGER = ("help", "version")
AVAILABLE = [option for option in OPTIONS if not option.later and option.field not in EAGER]
VALUES = [
    "1",
    "4",
    "0",
    "-2",
    "1.5",
    "30s",
    "10m",
    "full",
    "errors",
    "always",
    "dot",
    "svg",
    "a",
    "x.toml",
    "-",
    "--",
    "",
]
BARE = ["build", "lint", "test", "deploy", "x=1", "registry=y", "a-b=", "=", "none", "4", "--", "-", ""]
STRANGE = [
    "--zzz",
    "-z",
    "-5",
    "---",
    "--force=1",
    "-f=1",
    "--json=",
    "--watch",
    "-w",
    "--lock",
    "--exec",
    "-=",
    "--=x",
]


def spellings(option: Option) -> list[str]:
    """The ways to type an option, with and without a value."""
    letters = [f"-{option.letter}"] if option.letter else []
    bare = [*option.names, *letters]
    values = [f"{name}={value}" for name in bare for value in VALUES]
    return [*bare, *bare, *bare, *values, *(letter + value for letter in letters for value in VALUES)]


OPTION = st.sampled_from(AVAILABLE).flatmap(lambda option: st.sampled_from(spellings(option)))
# An option that does not take the next word.
COMPLETE = st.sampled_from(
    [
        word
        for option in AVAILABLE
        for word in spellings(option)
        if option.kind not in ("value", "values") or word not in (*option.names, f"-{option.letter}")
    ]
)
CLUSTER = st.text(alphabet="jknptfylqvCw4=1", min_size=1, max_size=5).map(lambda letters: f"-{letters}")
WORD = st.one_of(OPTION, OPTION, CLUSTER, st.sampled_from(BARE), st.sampled_from(VALUES), st.sampled_from(STRANGE))
LINE = st.lists(WORD, max_size=8)
OWN = [
    "--pattern",
    "--pattern=x",
    "-k",
    "-kx",
    "--no-cov",
    "-ck",
    "--n",
    "--env",
    "--hosts=a",
    "--version",
    "-Cx",
    "--help",
]
TEXT = st.text(alphabet=st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=6)
PROJECT_LINE = st.lists(st.one_of(WORD, st.sampled_from([*OWN, *PROJECT.tasks, "l*"]), TEXT), max_size=8)
ENVIRON = st.fixed_dictionaries({}, optional={"TRUN_JOBS": TEXT, "TRUN_FILE": TEXT, "TRUN_PROFILE": TEXT})


def read(argv: list[str], project: Project | None = None, environ: Mapping[str, str] | None = None) -> Request | None:
    try:
        return parse(argv, project, replace(WORLD, environ=environ or {}))
    except Refusal:
        return None


def problems(argv: list[str], environ: Mapping[str, str]) -> Sequence[Problem]:
    try:
        parse(argv, PROJECT, replace(WORLD, environ=environ))
    except Refusal as refusal:
        return refusal.problems
    return ()


def read_by_typer(argv: list[str]) -> Request | None:
    try:
        return Request(**parse_with_typer(argv, WORLD.cpus))
    except Refused:
        return None


@settings(max_examples=400, deadline=None)
@given(LINE)
def test_our_parser_and_typer_read_a_line_alike(argv: list[str]) -> None:
    assert read(argv) == read_by_typer(argv)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(AVAILABLE).flatmap(lambda option: st.sampled_from(spellings(option))), st.sampled_from(VALUES))
def test_one_option_and_one_word_are_read_alike(option: str, word: str) -> None:
    assert read([option, word]) == read_by_typer([option, word])
    assert read(["build", option, word]) == read_by_typer(["build", option, word])


@settings(max_examples=400, deadline=None)
@given(PROJECT_LINE, ENVIRON)
def test_a_line_gives_a_request_or_a_refusal_with_places_on_it(argv: list[str], environ: dict[str, str]) -> None:
    told = problems(argv, environ)
    assert (read(argv, PROJECT, environ) is None) == bool(told)
    assert "\x1b" not in render(told)
    for problem in told:
        place = problem.place
        assert place is not None
        assert place.text == " ".join(["trun", *map(quoted, argv)]) or place.file == "environment"
        assert place.width >= 1
        assert place.column - 1 + place.width <= len(place.text)


@settings(max_examples=400, deadline=None)
@given(PROJECT_LINE, ENVIRON)
def test_what_is_located_with_the_tasks_is_what_is_asked(argv: list[str], environ: dict[str, str]) -> None:
    request = read(argv, PROJECT, environ)
    if request is not None and str(request.verb) not in ("help", "version"):
        asked = Where(directory=request.directory, file=request.file, profiles=request.profiles)
        assert locate(argv, environ, PROJECT) == asked


@settings(max_examples=300, deadline=None)
@given(st.lists(COMPLETE, max_size=4), LINE)
def test_what_stands_before_the_first_target_is_certain(before: list[str], after: list[str]) -> None:
    assert locate([*before, "build", *after], {}) == candidate(before, {})
    assert first_asked([*before, "build", *after]) == (
        "exec" if any(word.startswith("--exec") and not word.startswith("--execute") for word in before) else None
    )


def test_both_parsers_know_the_version() -> None:
    for argv in (["--version"], ["-f", "--version", "build"], ["build", "--version", "--list"]):
        request = read(argv)
        assert request is not None
        assert request == read_by_typer(argv)


FLAGS = ["-f", "-k", "--json", "-q", "-y", "-j2", "--output=full", "-p=ci", "--timeout=3s", "--keep-going=2"]


@given(st.permutations(FLAGS), st.lists(st.integers(0, 3), min_size=len(FLAGS), max_size=len(FLAGS)))
def test_an_option_may_stand_anywhere(flags: list[str], gaps: list[int]) -> None:
    targets = ["build", "lint", "build"]
    argv = []
    for gap in range(len(targets) + 1):
        argv += [flag for flag, chosen in zip(flags, gaps, strict=True) if chosen == gap] + targets[gap : gap + 1]
    last_k = "-k" if argv.index("-k") > argv.index("--keep-going=2") else "--keep-going=2"
    together = [*(flag for flag in FLAGS if flag not in ("-k", "--keep-going=2")), last_k, *targets]
    assert read(argv, PROJECT) == read(together, PROJECT)
    assert read(argv, PROJECT) is not None


@given(TEXT)
def test_any_text_can_be_a_value_after_an_equals_sign(text: str) -> None:
    request = read(["test", f"--pattern={text}"], PROJECT)
    assert request is not None
    assert request.targets[0].args == {"pattern": text}
    assert read(["test", f"-k={text}"], PROJECT) == request


VALUE = TEXT.filter(lambda text: bool(text) and not text.startswith("-"))


@given(st.lists(st.lists(VALUE, min_size=1, max_size=3), max_size=3), st.lists(TEXT, min_size=1, max_size=5))
def test_the_words_behind_an_option_of_exec_are_its_values(groups: list[list[str]], command: list[str]) -> None:
    words = [word for group in groups for word in ("--inputs", *group)]
    expected = Request(
        is_exec=True, command=tuple(command), inputs=tuple(word for group in groups for word in group), stamp_dir="d"
    )
    before = read([*words, "--exec", "--stamp-dir", "d", "--", *command])
    assert before == expected
    assert read(["--stamp-dir=d", "--exec", *words, "--", *command]) == expected
    assert read_by_typer(["--stamp-dir=d", "--exec", *words, "--", *command]) == expected


EXEC_LINE = st.lists(st.one_of(WORD, st.sampled_from(["--inputs", "--outputs=b", "--uses-env", "-v"])), max_size=5)


@settings(max_examples=300, deadline=None)
@given(EXEC_LINE, EXEC_LINE, st.lists(st.sampled_from(["make", "-j", "--", "--help", ""]), max_size=3))
def test_both_parsers_read_a_line_with_exec_alike(before: list[str], after: list[str], command: list[str]) -> None:
    argv = [*before, "--exec", *after, "--", *command]
    assert read(argv) == read_by_typer(argv)


@given(st.lists(TEXT, max_size=5))
def test_the_rest_is_handed_on_as_it_is(rest: list[str]) -> None:
    request = read(["build", "lint", "--", *rest], PROJECT)
    assert request is not None
    assert [target.rest for target in request.targets] == [(), tuple(rest)]


@given(st.lists(TEXT.filter(str.isprintable), max_size=5))
def test_the_line_that_an_error_shows_can_be_typed_again(words: list[str]) -> None:
    assert shlex.split(Line(words).text()) == ["trun", *words]


@given(st.lists(TEXT, max_size=5))
def test_the_line_that_an_error_shows_is_one_line(words: list[str]) -> None:
    assert len(Line(words).text().splitlines()) == 1


@pytest.mark.parametrize("option", [option for option in OPTIONS if option.later], ids=lambda option: option.name)
def test_neither_parser_takes_what_comes_later(option: Option) -> None:
    for word in (*option.names, f"-{option.letter}" if option.letter else option.names[0]):
        argv = [word, "x"] if option.kind == "value" else [word]
        assert read(argv) is None
        assert read_by_typer(argv) is None
