"""What `--list`, `--show`, `--graph` and `--check` write: every text of `views.txt`, verbatim, and what is in none."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from runner.check import check
from runner.cli.checking import checking
from runner.cli.listing import listing
from runner.cli.show import view
from runner.cli.words import parse
from runner.config.load import load
from runner.config.schema import schema_text
from runner.error import Refusal, columns
from runner.expand import Expansion
from runner.manifest import Manifest
from runner.noun import replace
from runner.profile import declared, overlay
from runner.request import Ambient, Request, Target
from runner.select import select
from runner.task import Arg, Project, Task

HERE = Path(__file__).parent
SECRETS = {"USER": "ada-5f3c", "HOME": "/home/ada-5f3c", "PASSWORD": "hunter2", "RUST_BACKTRACE": "full-77"}
DOTENV = (("local.vars", {"DB_PASSWORD": "sesame-9", "USER": "other-31"}), (".env", {"API_KEY": "key-4242 {{x}}"}))
WORLD = Ambient(environ=SECRETS, cwd="/", os="linux", arch="x86_64", cpus=2, clock=lambda: 0.0)
FILES = ["Cargo.toml", "proto/a.proto", "web/src/app.ts", "web/dist/app.js", "web/dist/a\nb", "sales.sql"]
FILES += [f"crates/c{number:02}.rs" for number in range(12)]
SCHEMA = Draft7Validator(json.loads(schema_text("views")))
WIDTH = 60


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of `views.toml`, with some files."""
    root = tmp_path_factory.mktemp("shop")
    (root / "tasks.toml").write_text((HERE / "views.toml").read_text(encoding="utf-8"), encoding="utf-8")
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def told(root: Path, line: str, *, width: int = WIDTH, color: bool = False, world: Ambient = WORLD) -> str:
    """What trun writes for a line in a project."""
    ambient = replace(world, cwd=str(root))
    manifest = load(str(root / "tasks.toml"), str(root))
    argv = shlex.split(line)
    profiles = ["ci"] if "-p" in argv else []
    project = declared(manifest, overlay(manifest, profiles), os=ambient.os, dotenv=DOTENV)
    request = parse(argv, project, ambient)
    if request.verb == "list":
        return listing(project, request, width, color=color)
    expansion = Expansion(project, ambient, request.vars)
    if request.verb == "check":
        text, exit_code = checking(expansion, request)
        return f"{text}exit code {exit_code}\n"
    targets = request.targets or tuple(Target(name=name) for name in project.tasks)
    return view(request, expansion, select(expansion, replace(request, targets=targets), check(expansion)), color=color)


def sessions() -> Iterator[tuple[str, str]]:
    """What is typed after a `$`, and what is written then."""
    for block in (HERE / "views.txt").read_text(encoding="utf-8").split("\n$ ")[1:]:
        typed, _, text = block.partition("\n")
        yield typed, text


SESSIONS = dict(sessions())


@pytest.mark.parametrize("line", SESSIONS)
def test_a_view_is_written_verbatim(shop: Path, line: str) -> None:
    assert told(shop, line.removeprefix("trun ")) == SESSIONS[line]


LOOKS = ["--list --all", "--show", "--graph", "--graph --format mermaid", "--graph --format dot", "--check"]
DOCUMENTS = ["--list --json", "--show --json", "--graph --format json", "--show api --json", "--graph --json sign"]


@pytest.mark.parametrize("line", DOCUMENTS)
def test_a_document_follows_its_schema(shop: Path, line: str) -> None:
    text = told(shop, line)
    document = json.loads(text)
    assert text.count("\n") == 1
    assert [error.message for error in SCHEMA.iter_errors(document)] == []
    assert document["view"] in line


@pytest.mark.parametrize("line", [*LOOKS, *DOCUMENTS, "--show publish --tag v1 --json"])
def test_no_view_tells_what_the_callers_environment_or_a_dotenv_file_holds(shop: Path, line: str) -> None:
    text = told(shop, line)
    values = [*SECRETS.values(), *(value for _, layer in DOTENV for value in layer.values())]
    assert text
    assert [value for value in values if value in text] == []


def test_a_document_tells_where_values_come_from_and_hides_the_same_ones(shop: Path) -> None:
    target = json.loads(told(shop, "--show publish --tag v1 --json"))["targets"][0]
    assert target["task"] == "publish{tag=v1}"
    assert target["args"] == {"tag": "v1", "password": "(set)", "dry_run": "true", "mirror": []}
    assert target["env"] == [
        {"name": "API_KEY", "value": "(set)", "from": ".env"},
        {"name": "DB_PASSWORD", "value": "(set)", "from": "local.vars"},
        {"name": "IMAGE", "value": "ghcr.io/acme/shop-{{env.USER}}", "from": "[env]"},
        {"name": "RUST_BACKTRACE", "value": "1", "from": "[env]"},
    ]


def test_a_typed_value_is_shown_though_a_variable_gives_the_default(shop: Path) -> None:
    assert "  password = typed\n" in told(shop, "--show publish --tag v1 --password typed").replace(" " * 10, "")
    assert "docker login -p typed &&" in told(shop, "--show publish --tag v1 --password typed")


def test_no_view_runs_a_command(shop: Path) -> None:
    for line in (*LOOKS, *DOCUMENTS):
        assert told(shop, line)
    assert not (shop / "asked").exists()
    assert "buf generate --tag {{commit}}" in told(shop, "--show codegen")


def test_the_listed_document_holds_all_that_is_declared(shop: Path) -> None:
    document = json.loads(told(shop, "--list --json api report"))
    api, report = document["tasks"]
    assert api == {
        "name": "api",
        "desc": "Compile the API",
        "aliases": ["a", "compile"],
        "group": None,
        "tags": [],
        "args": {},
        "hidden": False,
        "file": "tasks.toml",
        "line": 39,
    }
    assert (report["group"], report["tags"], report["line"]) == ("front", ["slow"], 64)
    assert report["args"]["days"]["default"] == "7"


def test_the_list_is_coloured_only_where_that_is_wanted(shop: Path) -> None:
    plain, painted = (told(shop, "--list --all", color=color) for color in (False, True))
    assert "\x1b" not in plain
    assert "\x1b[1mfront\x1b[0m\n" in painted
    for code in ("0", "1", "2", "36"):
        painted = painted.replace(f"\x1b[{code}m", "")
    assert painted == plain


@pytest.mark.parametrize("width", [1, 5, 12, 24, 33, 34, 60, 79, 200])
def test_no_line_of_the_list_is_wider_than_the_terminal(shop: Path, width: int) -> None:
    lines = told(shop, "--list --all", width=width).splitlines()
    # Two columns are the least that an indented name takes.
    assert max(map(columns, lines)) <= max(width, 5)


def test_without_a_terminal_the_list_has_a_line_for_each_fact(shop: Path) -> None:
    told_publish = told(shop, "--list publish", width=0).splitlines()
    assert told_publish == [
        "  publish  Push the image to the registry, and tell everybody who follows the channel of the shop",
        "           --tag TAG [--password PASSWORD] [--no-dry-run] [--mirror MIRROR]...",
    ]


def project(*tasks: Task, **more: Any) -> Project:
    manifest = Manifest(path="/x/tasks.toml", root="/x", shown="tasks.toml", data={}, locate=lambda path, key: None)
    return Project(manifest=manifest, root="/x", tasks={task.name: task for task in tasks}, **more)


def task(name: str, **more: Any) -> Task:
    return Task(name=name, path=("tasks", name), **more)


def test_wide_characters_are_counted_as_terminals_do() -> None:
    listed = listing(
        project(task("größe", desc="東京の天気予報を見る"), task("b", desc="é" * 9)), Request(verb="list"), 34
    )
    assert listed == "  größe  東京の天気予報を見る\n  b      ééééééééé\n"
    cut = listing(project(task("a", desc="東京の天気予報を見る" * 2)), Request(verb="list"), 34)
    assert cut == "  a  東京の天気予報を見る東京の天…\n"


def test_what_would_drive_a_terminal_is_spelled_out() -> None:
    evil = task("a", desc="\x1b[2Jgone\a\nnext", args={"x": Arg(name="x", choices=("\x1b[1m", "a\nb"))})
    assert listing(project(evil), Request(verb="list")) == "  a  \\x1b[2Jgone\\x07\n     [--x \\x1b[1m|a\\nb]\n"


def test_many_choices_are_not_spelled_out() -> None:
    many = Arg(name="city", choices=tuple(f"city-{number}" for number in range(9)), positional=True)
    assert listing(project(task("a", args={"city": many})), Request(verb="list")) == "  a  [CITY]\n"


def test_a_long_name_has_a_line_of_its_own() -> None:
    listed = listing(project(task("n" * 40, desc="long"), task("b", desc="short")), Request(verb="list"))
    assert listed == f"  {'n' * 40}\n{' ' * 34}long\n  b{' ' * 31}short\n"


def test_a_list_without_tasks_says_so() -> None:
    assert listing(project(), Request(verb="list")) == "tasks.toml: no tasks\n"
    hidden = project(task("_a", hidden=True))
    assert listing(hidden, Request(verb="list")) == "1 hidden task: `--list --all` shows it\n"
    assert listing(hidden, Request(verb="list", targets=(Target(name="_a"),))) == "  _a\n"


def test_tags_that_nothing_fits_are_refused() -> None:
    with pytest.raises(Refusal, match="no task fits `-t slow`"):
        listing(project(task("a", tags=("fast",))), Request(verb="list", tags=("slow",)))


ODD = """
[vars]
used = "1"
chain = "{{used}}"
lonely = "{{chain}}"

[globs]
base = ["a"]
more = ["@base"]
none = ["@more"]

[pools]
gpu = 1
net = 2

[templates.base]
timeout = "1m"

[templates.loose]
extends = "base"

[tasks.a]
desc = "braces }} {{ of its own {{"
run = "echo '{{used}}' {{used}}"
inputs = ["!@base", "b"]
pool = "net"
group = "checks"

[profiles.ci]
disable = ["check"]
"""

ODDITIES = """\
warning: `{{used}}` in task `a` stands inside quotes, and is quoted already
  tasks.toml:24:7
    24 | run = "echo '{{used}}' {{used}}"
       |       ^^^^^^^^^^^^^^^^^^^^^^^^^^
  hint: leave out the quotes around it, or write `|raw`
warning: nothing uses var `chain`
  tasks.toml:4:1
    4 | chain = "{{used}}"
      | ^^^^^
warning: nothing uses var `lonely`
  tasks.toml:5:1
    5 | lonely = "{{chain}}"
      | ^^^^^^
warning: nothing uses glob list `@more`
  tasks.toml:9:1
    9 | more = ["@base"]
      | ^^^^
warning: nothing uses glob list `@none`
  tasks.toml:10:1
    10 | none = ["@more"]
       | ^^^^
warning: nothing uses pool `gpu`
  tasks.toml:13:1
    13 | gpu = 1
       | ^^^
warning: nothing uses template `base`
  tasks.toml:16:12
    16 | [templates.base]
       |            ^^^^
warning: nothing uses template `loose`
  tasks.toml:19:12
    19 | [templates.loose]
       |            ^^^^^
warning: profile `ci` disables group `check`, and no task is in it
  tasks.toml:30:12
    30 | disable = ["check"]
       |            ^^^^^^^
  hint: did you mean `checks`?
tasks.toml: 1 task, 9 warnings
exit code 0
"""


UNSEEN = """
[templates.base]
uses_env = ["STAGE", "NPM_TOKEN"]

[tasks.a]
extends = "base"
run     = "echo $USER $PASSWORD ${RUST_BACKTRACE:-} $NOT_SET '$TERM'"
inputs  = ["a"]

[tasks.b]
run      = ["true", "echo $PASSWORD"]
inputs   = ["a"]
pass_env = ["PASSWORD"]
uses_env = ["*_KEY", "MONKEY_COUNT"]

[tasks.c]
run = "echo $PASSWORD"
"""

UNSEEN_TOLD = """\
warning: `NPM_TOKEN` in `uses_env` of task `a` looks like a secret
  tasks.toml:5:8
    5 | [tasks.a]
      |        ^
  hint: credentials belong in `pass_env`
warning: `*_KEY` in `uses_env` of task `b` looks like a secret
  tasks.toml:14:13
    14 | uses_env = ["*_KEY", "MONKEY_COUNT"]
       |             ^^^^^^^
  hint: credentials belong in `pass_env`
warning: task `a` mentions `$PASSWORD`, `$RUST_BACKTRACE`, which you have set and a cached task does not see
  tasks.toml:7:1
    7 | run     = "echo $USER $PASSWORD ${RUST_BACKTRACE:-} $NOT_SET '$TERM'"
      | ^^^
  hint: name them in `uses_env`, so that they are in its key, or in `pass_env`, so that they are not
tasks.toml: 3 tasks, 3 warnings
exit code 0
"""


def test_what_a_cached_task_does_not_see_and_what_looks_like_a_secret_is_warned_of(tmp_path: Path) -> None:
    root = written(tmp_path, UNSEEN)
    assert told(root, "--check") == UNSEEN_TOLD
    assert told(root, "--check c") == "tasks.toml: 1 task, nothing wrong\nexit code 0\n"


def test_a_cached_task_shows_what_it_takes_from_the_caller_and_no_value_of_it(shop: Path) -> None:
    text = told(shop, "--show _format --json")
    shown = json.loads(text)["targets"][0]
    assert [(one["name"], one["value"]) for one in shown["env"] if one["from"] == "uses_env"] == [
        ("STYLE", "(unset)"),
        ("USER", "(set)"),
    ]
    assert [(one["name"], one["value"]) for one in shown["env"] if one["from"] == "pass_env"] == [
        ("PASSWORD", "(set)"),
        ("SSH_*", "(unset)"),
    ]
    assert shown["probes"] == ["clang-format --version --with python3"]
    assert (shown["cached"], shown["expires_s"], shown["in_place"]) == (True, 86400.0, True)
    assert [value for value in SECRETS.values() if value in text] == []


def test_the_sheet_says_why_a_task_is_not_cached(tmp_path: Path) -> None:
    text = '[tasks.a]\nrun = "x"\n[tasks.b]\nrun = "x"\ninputs = ["a"]\ncache = false\n'
    text += '[tasks.c]\nrun = [{ task = "a" }]\ninputs = ["a"]\n[tasks.d]\nrun = "x"\ncache = { portable = true }\n'
    text += '[tasks.e]\ndeps = ["a"]\n[tasks.f]\nrun = "x"\ncache = true\n'
    lines = told(written(tmp_path, text), "--show").splitlines()
    assert [line[2:].split(maxsplit=1)[1] for line in lines if line.startswith("  cached")] == [
        "no: declares no inputs",
        "no: says the file",
        "no: a step is another task",
        "no: declares no inputs",
        "yes",
    ]


def written(root: Path, text: str) -> Path:
    (root / "tasks.toml").write_text(text, encoding="utf-8")
    return root


def test_what_is_odd_is_warned_of_and_does_not_fail(tmp_path: Path) -> None:
    assert told(written(tmp_path, ODD), "--check") == ODDITIES


def refused(root: Path, line: str) -> str:
    with pytest.raises(Refusal) as refusal:
        told(root, line)
    assert refusal.value.exit_code == 2
    return str(refusal.value)


def test_what_only_a_profile_would_meet_is_refused_by_a_check(tmp_path: Path) -> None:
    text = '[tasks]\nbuild = "make"\n[profiles.ci]\nargs.biuld.x = "1"\n[profiles.full]\nextends = "cii"\n'
    assert refused(written(tmp_path, text), "--check") == (
        "error: unknown task `biuld`\n"
        "  tasks.toml:4:6\n"
        '    4 | args.biuld.x = "1"\n'
        "      |      ^^^^^\n"
        "  hint: did you mean `build`?\n"
        "error: unknown profile `cii`\n"
        "  tasks.toml:6:11\n"
        '    6 | extends = "cii"\n'
        "      |           ^^^^^\n"
        "  hint: did you mean `ci`?"
    )


def test_a_cycle_is_refused_by_a_check(tmp_path: Path) -> None:
    text = '[tasks.a]\ndeps = ["b"]\n[tasks.b]\ninputs = ["out/x"]\n[tasks.c]\noutputs = ["out/"]\ndeps = ["a"]\n'
    assert refused(written(tmp_path, text), "--check").startswith("error: tasks need each other in a circle: ")


def test_a_check_asks_for_no_argument(tmp_path: Path) -> None:
    text = '[tasks.a]\nrun = "echo {{x}}"\nargs.x = { required = true, choices = ["1"] }\n'
    text += '[tasks.b]\ndeps = [{ task = "a", args = { x = "{{y}}" } }]\nargs.y = { required = true }\n'
    assert told(written(tmp_path, text), "--check") == "tasks.toml: 2 tasks, nothing wrong\nexit code 0\n"
