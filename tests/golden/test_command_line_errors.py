"""What is said of a line that cannot be read: every text, verbatim, with its caret and its hint."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from textwrap import dedent
from typing import Any

import pytest

from runner.cli.words import parse
from runner.error import Refusal
from runner.manifest import Manifest
from runner.noun import replace
from runner.request import Ambient
from runner.task import Arg, Project, Task

MANIFEST = Manifest(path="/shop/tasks.toml", root="/shop", shown="tasks.toml", data={}, locate=lambda path, key: None)
WORLD = Ambient(environ={}, cwd="/shop", os="linux", arch="x86_64", cpus=8, clock=lambda: 0.0)


def task(name: str, *args: Arg, **more: Any) -> Task:
    return Task(name=name, path=("tasks", name), args={arg.name: arg for arg in args}, **more)


TASKS = [
    task(
        "test",
        Arg(name="pattern", short="k", flag="-k"),
        Arg(name="cov", type="bool"),
        Arg(name="level", type="int", min=1, max=9, env="TEST_LEVEL"),
        Arg(name="ratio", type="float"),
        aliases=("unit",),
    ),
    task(
        "deploy",
        Arg(name="env", choices=("staging", "prod"), required=True, positional=True),
        Arg(name="version", pattern=r"\d+\.\d+"),
    ),
    task("ship", Arg(name="to_host", required=True), Arg(name="really", type="bool", required=True)),
    task("lint-py", Arg(name="fix", type="bool")),
    task("lint-c"),
    task("_secret", hidden=True),
]
PROJECT = Project(manifest=MANIFEST, root="/shop", tasks={task.name: task for task in TASKS}, vars={"registry": "x"})


def said_of(line: str, project: Project = PROJECT, **world: Any) -> str:
    with pytest.raises(Refusal) as refused:
        parse(shlex.split(line), project, replace(WORLD, **world))
    assert refused.value.exit_code == 2
    return str(refused.value)


def text(block: str) -> str:
    return dedent(block).strip("\n")


A_WORD_THAT_NAMES_NOTHING = [
    (
        "tset",
        r"""
        error: unknown target `tset`
          command line:1:6
            1 | trun tset
              |      ^^^^
          hint: did you mean `test`?
        """,
    ),
    (
        "zzz",
        r"""
        error: unknown target `zzz`
          command line:1:6
            1 | trun zzz
              |      ^^^
        """,
    ),
    (
        "unti",
        r"""
        error: unknown target `unti`
          command line:1:6
            1 | trun unti
              |      ^^^^
          hint: did you mean `unit`?
        """,
    ),
    (
        "_secert",
        r"""
        error: unknown target `_secert`
          command line:1:6
            1 | trun _secert
              |      ^^^^^^^
          hint: did you mean `_secret`?
        """,
    ),
    (
        "list",
        r"""
        error: unknown target `list`
          command line:1:6
            1 | trun list
              |      ^^^^
          hint: did you mean `--list`?
        """,
    ),
    (
        "watch",
        r"""
        error: unknown target `watch`
          command line:1:6
            1 | trun watch
              |      ^^^^^
          hint: did you mean `--watch`?
        """,
    ),
    (
        "xyz*",
        r"""
        error: no task matches `xyz*`
          command line:1:6
            1 | trun 'xyz*'
              |      ^^^^^^
        """,
    ),
    (
        "lnt*",
        r"""
        error: no task matches `lnt*`
          command line:1:6
            1 | trun 'lnt*'
              |      ^^^^^^
          hint: did you mean `lint-c`?
        """,
    ),
    (
        "test registry=1",
        r"""
        error: unknown target `registry=1`
          command line:1:11
            1 | trun test registry=1
              |           ^^^^^^^^^^
          hint: vars stand before the first target
        """,
    ),
    (
        "test cov=true",
        r"""
        error: unknown target `cov=true`
          command line:1:11
            1 | trun test cov=true
              |           ^^^^^^^^
          hint: the argument of `test` is written `--cov=true`
        """,
    ),
    (
        "''",
        r"""
        error: unknown target ``
          command line:1:6
            1 | trun ''
              |      ^^
        """,
    ),
    (
        "-",
        r"""
        error: unknown target `-`
          command line:1:6
            1 | trun -
              |      ^
        """,
    ),
    (
        "tset --pattern x foo",
        r"""
        error: unknown target `tset`
          command line:1:6
            1 | trun tset --pattern x foo
              |      ^^^^
          hint: did you mean `test`?
        error: unknown target `foo`
          command line:1:23
            1 | trun tset --pattern x foo
              |                       ^^^
        """,
    ),
    (
        "zzz --unknown x",
        r"""
        error: unknown target `zzz`
          command line:1:6
            1 | trun zzz --unknown x
              |      ^^^
        """,
    ),
    (
        "test zzz qqq",
        r"""
        error: unknown target `zzz`
          command line:1:11
            1 | trun test zzz qqq
              |           ^^^
        error: unknown target `qqq`
          command line:1:15
            1 | trun test zzz qqq
              |               ^^^
        """,
    ),
    (
        "--help tset",
        r"""
        error: unknown target `tset`
          command line:1:13
            1 | trun --help tset
              |             ^^^^
          hint: did you mean `test`?
        """,
    ),
    (
        "--from tset --until 'x*' test",
        r"""
        error: unknown target `tset`
          command line:1:13
            1 | trun --from tset --until 'x*' test
              |             ^^^^
          hint: did you mean `test`?
        error: no task matches `x*`
          command line:1:26
            1 | trun --from tset --until 'x*' test
              |                          ^^^^
        """,
    ),
    (
        "'a b' test",
        r"""
        error: unknown target `a b`
          command line:1:6
            1 | trun 'a b' test
              |      ^^^^^
        """,
    ),
    (
        "'a\nb'",
        r"""
        error: unknown target `$'a\nb'`
          command line:1:6
            1 | trun $'a\nb'
              |      ^^^^^^^
        """,
    ),
    (
        "'é中' zzz",
        r"""
        error: unknown target `é中`
          command line:1:6
            1 | trun 'é中' zzz
              |      ^^^^^
        error: unknown target `zzz`
          command line:1:11
            1 | trun 'é中' zzz
              |            ^^^
        """,
    ),
]

AN_OPTION_THAT_NOBODY_KNOWS = [
    (
        "--lsit",
        r"""
        error: unknown option `--lsit`
          command line:1:6
            1 | trun --lsit
              |      ^^^^^^
          hint: did you mean `--list`?
        """,
    ),
    (
        "--zzz",
        r"""
        error: unknown option `--zzz`
          command line:1:6
            1 | trun --zzz
              |      ^^^^^
        """,
    ),
    (
        "--zzz value test",
        r"""
        error: unknown option `--zzz`
          command line:1:6
            1 | trun --zzz value test
              |      ^^^^^
        """,
    ),
    (
        "-x",
        r"""
        error: unknown option `-x`
          command line:1:6
            1 | trun -x
              |      ^^
        """,
    ),
    (
        "-kfx test",
        r"""
        error: unknown option `-x` in `-kfx`
          command line:1:9
            1 | trun -kfx test
              |         ^
        """,
    ),
    (
        "-list",
        r"""
        error: unknown option `-list`
          command line:1:6
            1 | trun -list
              |      ^^^^^
          hint: did you mean `--list`?
        """,
    ),
    (
        "test --patern x",
        r"""
        error: unknown option `--patern`
          command line:1:11
            1 | trun test --patern x
              |           ^^^^^^^^
          hint: did you mean `--pattern`?
        """,
    ),
    (
        "test --zzz",
        r"""
        error: unknown option `--zzz`
          command line:1:11
            1 | trun test --zzz
              |           ^^^^^
          hint: `trun test --help` shows what it takes
        """,
    ),
    (
        "test -z",
        r"""
        error: unknown option `-z`
          command line:1:11
            1 | trun test -z
              |           ^^
          hint: `trun test --help` shows what it takes
        """,
    ),
    (
        "--pattern x test",
        r"""
        error: unknown option `--pattern`
          command line:1:6
            1 | trun --pattern x test
              |      ^^^^^^^^^
          hint: `--pattern` is an argument of `test`: write it after `test`
        """,
    ),
    (
        "--env prod deploy",
        r"""
        error: unknown option `--env`
          command line:1:6
            1 | trun --env prod deploy
              |      ^^^^^
          hint: `--env` is an argument of `deploy`: write it after `deploy`
        """,
    ),
    (
        "-5 test",
        r"""
        error: unknown option `-5`
          command line:1:6
            1 | trun -5 test
              |      ^^
        """,
    ),
    (
        "---",
        r"""
        error: unknown option `---`
          command line:1:6
            1 | trun ---
              |      ^^^
        """,
    ),
    (
        "--no-force",
        r"""
        error: unknown option `--no-force`
          command line:1:6
            1 | trun --no-force
              |      ^^^^^^^^^^
          hint: did you mean `--force`?
        """,
    ),
]

A_VALUE_THAT_IS_NOT_TAKEN = [
    (
        "-j 0",
        r"""
        error: `-j` must be a number of at least 1, not `0`
          command line:1:9
            1 | trun -j 0
              |         ^
        """,
    ),
    (
        "-j0",
        r"""
        error: `-j` must be a number of at least 1, not `0`
          command line:1:8
            1 | trun -j0
              |        ^
        """,
    ),
    (
        "--jobs=0",
        r"""
        error: `--jobs` must be a number of at least 1, not `0`
          command line:1:13
            1 | trun --jobs=0
              |             ^
        """,
    ),
    (
        "--jobs=many",
        r"""
        error: `--jobs` must be a number of at least 1, not `many`
          command line:1:13
            1 | trun --jobs=many
              |             ^^^^
        """,
    ),
    (
        "-j -4",
        r"""
        error: `-j` must be a number of at least 1, not `-4`
          command line:1:9
            1 | trun -j -4
              |         ^^
        """,
    ),
    (
        "-jx test",
        r"""
        error: unknown option `-x` in `-jx`
          command line:1:8
            1 | trun -jx test
              |        ^
        """,
    ),
    (
        "-j1.5",
        r"""
        error: `-j` must be a number of at least 1, not `1.5`
          command line:1:8
            1 | trun -j1.5
              |        ^^^
        """,
    ),
    (
        "-j9999999999",
        r"""
        error: `-j` must be a number of at least 1, not `9999999999`
          command line:1:8
            1 | trun -j9999999999
              |        ^^^^^^^^^^
        """,
    ),
    (
        "-k=0",
        r"""
        error: `-k` must be a number of at least 1, not `0`
          command line:1:9
            1 | trun -k=0
              |         ^
        """,
    ),
    (
        "--keep-going=some",
        r"""
        error: `--keep-going` must be a number of at least 1, not `some`
          command line:1:19
            1 | trun --keep-going=some
              |                   ^^^^
        """,
    ),
    (
        "--timeout 30",
        r"""
        error: `--timeout` must be a duration such as `30s`, `10m` or `1.5h`, not `30`
          command line:1:16
            1 | trun --timeout 30
              |                ^^
        """,
    ),
    (
        "--timeout=1.h",
        r"""
        error: `--timeout` must be a duration such as `30s`, `10m` or `1.5h`, not `1.h`
          command line:1:16
            1 | trun --timeout=1.h
              |                ^^^
        """,
    ),
    (
        "--timeout 0s",
        r"""
        error: `--timeout` must be longer than nothing, not `0s`
          command line:1:16
            1 | trun --timeout 0s
              |                ^^
        """,
    ),
    (
        "--timeout=fast",
        r"""
        error: `--timeout` must be a duration such as `30s`, `10m` or `1.5h`, not `fast`
          command line:1:16
            1 | trun --timeout=fast
              |                ^^^^
        """,
    ),
    (
        "--output fulll",
        r"""
        error: `--output` must be one of `prefixed`, `grouped`, `errors`, `full`, `quiet`, not `fulll`
          command line:1:15
            1 | trun --output fulll
              |               ^^^^^
          hint: did you mean `full`?
        """,
    ),
    (
        "--color=maybe",
        r"""
        error: `--color` must be one of `auto`, `always`, `never`, not `maybe`
          command line:1:14
            1 | trun --color=maybe
              |              ^^^^^
        """,
    ),
    (
        "--graph --format html",
        r"""
        error: `--format html` is not available yet in this version of trun
          command line:1:23
            1 | trun --graph --format html
              |                       ^^^^
        """,
    ),
    (
        "--graph --format=png",
        r"""
        error: `--format` must be one of `tree`, `mermaid`, `dot`, `json`, not `png`
          command line:1:23
            1 | trun --graph --format=png
              |                       ^^^
        """,
    ),
    (
        "--force=yes",
        r"""
        error: `--force` takes no value
          command line:1:6
            1 | trun --force=yes
              |      ^^^^^^^
        """,
    ),
    (
        "-f=1",
        r"""
        error: `-f` takes no value
          command line:1:6
            1 | trun -f=1
              |      ^^
        """,
    ),
    (
        "--output",
        r"""
        error: `--output` needs a value, one of `prefixed`, `grouped`, `errors`, `full`, `quiet`
          command line:1:6
            1 | trun --output
              |      ^^^^^^^^
          hint: write `--output HOW`
        """,
    ),
    (
        "--output=",
        r"""
        error: `--output` needs a value, one of `prefixed`, `grouped`, `errors`, `full`, `quiet`
          command line:1:6
            1 | trun --output=
              |      ^^^^^^^^
          hint: write `--output HOW`
        """,
    ),
    (
        "--file",
        r"""
        error: `--file` needs a value
          command line:1:6
            1 | trun --file
              |      ^^^^^^
          hint: write `--file FILE`
        """,
    ),
    (
        "-C",
        r"""
        error: `-C` needs a value
          command line:1:6
            1 | trun -C
              |      ^^
          hint: write `-C DIR`
        """,
    ),
    (
        "-p --list",
        r"""
        error: `-p` needs a value
          command line:1:6
            1 | trun -p --list
              |      ^^
          hint: write `-p P`
        """,
    ),
    (
        "--file -x",
        r"""
        error: `--file` needs a value
          command line:1:6
            1 | trun --file -x
              |      ^^^^^^
          hint: a value that begins with `-` is written `--file=-x`
        """,
    ),
    (
        "-C -x",
        r"""
        error: `-C` needs a value
          command line:1:6
            1 | trun -C -x
              |      ^^
          hint: a value that begins with `-` is written `-C=-x`
        """,
    ),
    (
        "--json=",
        r"""
        error: `--json` needs a value
          command line:1:6
            1 | trun --json=
              |      ^^^^^^
          hint: write `--json=FILE`
        """,
    ),
    (
        "--keep-going=",
        r"""
        error: `--keep-going` needs a value
          command line:1:6
            1 | trun --keep-going=
              |      ^^^^^^^^^^^^
          hint: write `--keep-going=N`
        """,
    ),
]

WHAT_DOES_NOT_GO_TOGETHER = [
    (
        "--list --show",
        r"""
        error: `--list` and `--show` do not go together
          command line:1:13
            1 | trun --list --show
              |             ^^^^^^
        """,
    ),
    (
        "-n --check",
        r"""
        error: `--plan` and `--check` do not go together
          command line:1:9
            1 | trun -n --check
              |         ^^^^^^^
        """,
    ),
    (
        "--list --graph --check",
        r"""
        error: `--list` and `--graph` do not go together
          command line:1:13
            1 | trun --list --graph --check
              |             ^^^^^^^
        error: `--list` and `--check` do not go together
          command line:1:21
            1 | trun --list --graph --check
              |                     ^^^^^^^
        """,
    ),
    (
        "--all",
        r"""
        error: `--all` goes with `--list` only
          command line:1:6
            1 | trun --all
              |      ^^^^^
        """,
    ),
    (
        "--format dot --show",
        r"""
        error: `--format` goes with `--graph` only
          command line:1:15
            1 | trun --format dot --show
              |               ^^^
        """,
    ),
    (
        "-- x",
        r"""
        error: `--` needs a target in front of it, to take what follows
          command line:1:6
            1 | trun -- x
              |      ^^
        """,
    ),
    (
        "-f --",
        r"""
        error: `--` needs a target in front of it, to take what follows
          command line:1:9
            1 | trun -f --
              |         ^^
        """,
    ),
]

WHAT_COMES_LATER = [
    (
        "--watch test",
        r"""
        error: `--watch` is not available yet in this version of trun
          command line:1:6
            1 | trun --watch test
              |      ^^^^^^^
        """,
    ),
    (
        "-w",
        r"""
        error: `--watch` is not available yet in this version of trun
          command line:1:6
            1 | trun -w
              |      ^^
        """,
    ),
    (
        "--affected=main",
        r"""
        error: `--affected` is not available yet in this version of trun
          command line:1:6
            1 | trun --affected=main
              |      ^^^^^^^^^^
        """,
    ),
    (
        "--cache stats",
        r"""
        error: `--cache` is not available yet in this version of trun
          command line:1:6
            1 | trun --cache stats
              |      ^^^^^^^
        """,
    ),
    (
        "--cache=gc",
        r"""
        error: `--cache` is not available yet in this version of trun
          command line:1:6
            1 | trun --cache=gc
              |      ^^^^^^^
        """,
    ),
    (
        "--no-tui",
        r"""
        error: `--no-tui` is not available yet in this version of trun
          command line:1:6
            1 | trun --no-tui
              |      ^^^^^^^^
        """,
    ),
    (
        "--lock check test",
        r"""
        error: `--lock` is not available yet in this version of trun
          command line:1:6
            1 | trun --lock check test
              |      ^^^^^^
        """,
    ),
    (
        "--exec --inputs a -- make",
        r"""
        error: `--exec` is not available yet in this version of trun
          command line:1:6
            1 | trun --exec --inputs a -- make
              |      ^^^^^^
        """,
    ),
    (
        "--why test --runs",
        r"""
        error: `--why` is not available yet in this version of trun
          command line:1:6
            1 | trun --why test --runs
              |      ^^^^^
        error: `--runs` is not available yet in this version of trun
          command line:1:17
            1 | trun --why test --runs
              |                 ^^^^^^
        """,
    ),
    (
        "--execute=prefer",
        r"""
        error: `--execute` is not available yet in this version of trun
          command line:1:6
            1 | trun --execute=prefer
              |      ^^^^^^^^^
        """,
    ),
    (
        "-fw",
        r"""
        error: `--watch` is not available yet in this version of trun
          command line:1:8
            1 | trun -fw
              |        ^
        """,
    ),
]

AN_ARGUMENT_OF_A_TASK = [
    (
        "deploy pord",
        r"""
        error: `env` must be one of `staging`, `prod`, not `pord`
          command line:1:13
            1 | trun deploy pord
              |             ^^^^
          hint: did you mean `prod`?
        """,
    ),
    (
        "deploy",
        r"""
        error: task `deploy` needs `env`, one of `staging`, `prod`
          command line:1:6
            1 | trun deploy
              |      ^^^^^^
          hint: write `trun deploy ENV`
        """,
    ),
    (
        "deploy --env",
        r"""
        error: `--env` of `deploy` needs a value
          command line:1:13
            1 | trun deploy --env
              |             ^^^^^
          hint: write `--env ENV`
        """,
    ),
    (
        "deploy --env= ",
        r"""
        error: `env` must be one of `staging`, `prod`, not ``
          command line:1:13
            1 | trun deploy --env=
              |             ^^^^^^
        """,
    ),
    (
        "deploy prod --version 1",
        r"""
        error: `version` must match `\d+\.\d+`, and `1` does not
          command line:1:28
            1 | trun deploy prod --version 1
              |                            ^
        """,
    ),
    (
        "deploy prod --version",
        r"""
        error: `--version` of `deploy` needs a value
          command line:1:18
            1 | trun deploy prod --version
              |                  ^^^^^^^^^
          hint: write `--version VERSION`
        """,
    ),
    (
        "deploy test",
        r"""
        error: `env` must be one of `staging`, `prod`, not `test`
          command line:1:13
            1 | trun deploy test
              |             ^^^^
        """,
    ),
    (
        "ship",
        r"""
        error: task `ship` needs `to_host`
          command line:1:6
            1 | trun ship
              |      ^^^^
          hint: write `trun ship --to-host TO-HOST`
        error: task `ship` needs `really`
          command line:1:6
            1 | trun ship
              |      ^^^^
          hint: write `trun ship --really`
        """,
    ),
    (
        "ship --to-host a",
        r"""
        error: task `ship` needs `really`
          command line:1:6
            1 | trun ship --to-host a
              |      ^^^^
          hint: write `trun ship --really`
        """,
    ),
    (
        "test --level many",
        r"""
        error: `level` must be an integer, not `many`
          command line:1:19
            1 | trun test --level many
              |                   ^^^^
        """,
    ),
    (
        "test --level 0",
        r"""
        error: `level` must be at least 1, not `0`
          command line:1:19
            1 | trun test --level 0
              |                   ^
        """,
    ),
    (
        "test --level=10",
        r"""
        error: `level` must be at most 9, not `10`
          command line:1:19
            1 | trun test --level=10
              |                   ^^
        """,
    ),
    (
        "test --ratio x",
        r"""
        error: `ratio` must be a number, not `x`
          command line:1:19
            1 | trun test --ratio x
              |                   ^
        """,
    ),
    (
        "test --cov=maybe",
        r"""
        error: `cov` must be `true` or `false`, not `maybe`
          command line:1:17
            1 | trun test --cov=maybe
              |                 ^^^^^
        """,
    ),
    (
        "test --no-cov=x",
        r"""
        error: `--no-cov` takes no value
          command line:1:11
            1 | trun test --no-cov=x
              |           ^^^^^^^^
        """,
    ),
    (
        "test --pattern",
        r"""
        error: `--pattern` of `test` needs a value
          command line:1:11
            1 | trun test --pattern
              |           ^^^^^^^^^
          hint: write `--pattern PATTERN`
        """,
    ),
    (
        "test --pattern --force",
        r"""
        error: `--pattern` of `test` needs a value
          command line:1:11
            1 | trun test --pattern --force
              |           ^^^^^^^^^
          hint: write `--pattern PATTERN`
        """,
    ),
    (
        "test --pattern --zzz",
        r"""
        error: `--pattern` of `test` needs a value
          command line:1:11
            1 | trun test --pattern --zzz
              |           ^^^^^^^^^
          hint: a value that begins with `-` is written `--pattern=--zzz`
        """,
    ),
    (
        "test -k -z",
        r"""
        error: `-k` of `test` needs a value
          command line:1:11
            1 | trun test -k -z
              |           ^^
          hint: a value that begins with `-` is written `-k=-z`
        """,
    ),
    (
        "test -k",
        r"""
        error: `-k` of `test` needs a value
          command line:1:11
            1 | trun test -k
              |           ^^
          hint: write `-k PATTERN`
        """,
    ),
    (
        "test --cov true",
        r"""
        error: unknown target `true`
          command line:1:17
            1 | trun test --cov true
              |                 ^^^^
          hint: write `--cov=true`
        """,
    ),
    (
        "'lint*' --fix",
        r"""
        error: task `lint-c` takes no arguments, so not `fix`
          command line:1:14
            1 | trun 'lint*' --fix
              |              ^^^^^
        """,
    ),
    (
        "'*'",
        r"""
        error: task `deploy` needs `env`, one of `staging`, `prod`
          command line:1:6
            1 | trun '*'
              |      ^^^
          hint: write `trun deploy ENV`
        error: task `ship` needs `to_host`
          command line:1:6
            1 | trun '*'
              |      ^^^
          hint: write `trun ship --to-host TO-HOST`
        error: task `ship` needs `really`
          command line:1:6
            1 | trun '*'
              |      ^^^
          hint: write `trun ship --really`
        """,
    ),
    (
        "deploy prod staging",
        r"""
        error: unknown target `staging`
          command line:1:18
            1 | trun deploy prod staging
              |                  ^^^^^^^
        """,
    ),
    (
        "test --level=-1",
        r"""
        error: `level` must be at least 1, not `-1`
          command line:1:19
            1 | trun test --level=-1
              |                   ^^
        """,
    ),
]

A_VAR = [
    (
        "regstry=1 test",
        r"""
        error: unknown var `regstry`
          command line:1:6
            1 | trun regstry=1 test
              |      ^^^^^^^
          hint: did you mean `registry`?
        """,
    ),
    (
        "zzz=1 test",
        r"""
        error: unknown var `zzz`
          command line:1:6
            1 | trun zzz=1 test
              |      ^^^
        """,
    ),
    (
        "env=prod deploy",
        r"""
        error: unknown var `env`
          command line:1:6
            1 | trun env=prod deploy
              |      ^^^
          hint: the argument of `deploy` is written after it: `--env=prod`
        """,
    ),
    (
        "a=1 b=2 zzz -j0",
        r"""
        error: unknown var `a`
          command line:1:6
            1 | trun a=1 b=2 zzz -j0
              |      ^
        error: unknown var `b`
          command line:1:10
            1 | trun a=1 b=2 zzz -j0
              |          ^
        error: unknown target `zzz`
          command line:1:14
            1 | trun a=1 b=2 zzz -j0
              |              ^^^
        error: `-j` must be a number of at least 1, not `0`
          command line:1:20
            1 | trun a=1 b=2 zzz -j0
              |                    ^
        """,
    ),
]

A_VARIABLE = [
    (
        {"TRUN_JOBS": "0"},
        "test",
        r"""
        error: `TRUN_JOBS` must be a number of at least 1, not `0`
          environment:1:11
            1 | TRUN_JOBS=0
              |           ^
        """,
    ),
    (
        {"TRUN_JOBS": "all the cores"},
        "test",
        r"""
        error: `TRUN_JOBS` must be a number of at least 1, not `all the cores`
          environment:1:11
            1 | TRUN_JOBS='all the cores'
              |           ^^^^^^^^^^^^^^^
        """,
    ),
    (
        {"TEST_LEVEL": "deep"},
        "test",
        r"""
        error: `level` must be an integer, not `deep`
          environment:1:12
            1 | TEST_LEVEL=deep
              |            ^^^^
        """,
    ),
    (
        {"TRUN_JOBS": "x"},
        "tset -j0 -j",
        r"""
        error: unknown target `tset`
          command line:1:6
            1 | trun tset -j0 -j
              |      ^^^^
          hint: did you mean `test`?
        error: `-j` must be a number of at least 1, not `0`
          command line:1:13
            1 | trun tset -j0 -j
              |             ^
        """,
    ),
    (
        {"TRUN_JOBS": "x", "TEST_LEVEL": "12"},
        "test zzz",
        r"""
        error: unknown target `zzz`
          command line:1:11
            1 | trun test zzz
              |           ^^^
        error: `TRUN_JOBS` must be a number of at least 1, not `x`
          environment:1:11
            1 | TRUN_JOBS=x
              |           ^
        error: `level` must be at most 9, not `12`
          environment:1:12
            1 | TEST_LEVEL=12
              |            ^^
        """,
    ),
]


@pytest.mark.parametrize(("line", "block"), A_WORD_THAT_NAMES_NOTHING)
def test_a_word_that_names_nothing_is_refused(line: str, block: str) -> None:
    assert said_of(line) == text(block)


@pytest.mark.parametrize(("line", "block"), AN_OPTION_THAT_NOBODY_KNOWS)
def test_an_option_that_nobody_knows_is_refused(line: str, block: str) -> None:
    assert said_of(line) == text(block)


@pytest.mark.parametrize(("line", "block"), A_VALUE_THAT_IS_NOT_TAKEN)
def test_a_value_that_is_not_taken_is_refused(line: str, block: str) -> None:
    assert said_of(line) == text(block)


@pytest.mark.parametrize(("line", "block"), WHAT_DOES_NOT_GO_TOGETHER)
def test_what_does_not_go_together_is_refused(line: str, block: str) -> None:
    assert said_of(line) == text(block)


@pytest.mark.parametrize(("line", "block"), WHAT_COMES_LATER)
def test_what_comes_later_is_refused_by_name(line: str, block: str) -> None:
    assert said_of(line) == text(block)


@pytest.mark.parametrize(("line", "block"), AN_ARGUMENT_OF_A_TASK)
def test_an_argument_that_a_task_does_not_take_is_refused(line: str, block: str) -> None:
    assert said_of(line) == text(block)


@pytest.mark.parametrize(("line", "block"), A_VAR)
def test_a_var_that_the_file_does_not_declare_is_refused(line: str, block: str) -> None:
    assert said_of(line) == text(block)


@pytest.mark.parametrize(("environ", "line", "block"), A_VARIABLE)
def test_a_variable_that_stands_in_for_an_option_is_refused_by_its_name(
    environ: Mapping[str, str], line: str, block: str
) -> None:
    assert said_of(line, environ=environ) == text(block)


def test_the_default_may_lack_an_argument_too() -> None:
    expected = r"""
    error: task `deploy` needs `env`, one of `staging`, `prod`
      hint: write `trun deploy ENV`
    """
    assert said_of("", replace(PROJECT, default="deploy")) == text(expected)


def test_who_is_asked_three_times_in_vain_is_told_how_to_type_it() -> None:
    answers = iter(["nowhere", "", " "])
    expected = r"""
    error: task `deploy` needs `env`, one of `staging`, `prod`
      command line:1:6
        1 | trun deploy
          |      ^^^^^^
      hint: write `trun deploy ENV`
    """
    assert said_of("deploy", stdin_is_terminal=True, ask=lambda question: next(answers)) == text(expected)


def test_after_twenty_problems_the_rest_are_counted() -> None:
    assert said_of("-x " * 22).endswith("\nerror: and 2 more")
