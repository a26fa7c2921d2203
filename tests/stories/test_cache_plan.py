"""`--plan` says what the run then does, also where a plan has to look further than the tree as it is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.kit.space import Space

SAID = {"run": "ran", "restore": "restored", "fresh": "fresh", "skip": "skipped"}
CHAIN = (
    '[tasks.make]\nrun = "head -n1 in > mid"\ninputs = ["in"]\noutputs = ["mid"]\n'
    '[tasks.use]\nrun = "cat mid > out"\ninputs = ["mid"]\noutputs = ["out"]\n'
)


def kept(space: Space) -> dict[str, tuple[int, int, int]]:
    """All that trun knows of earlier runs, but for what it learnt of files."""
    files = [path for path in (space.root / ".trun/state").rglob("*") if path.is_file() and path.name[:7] != "digests"]
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns, path.stat().st_size) for path in files}


def agreed(space: Space, *words: str) -> dict[str, str]:
    """What a run did, which was planned so."""
    before = kept(space)
    plan = {one["task"]: one["would"] for one in space.events("--plan", *words).ok().of("task_planned")}
    assert kept(space) == before, "a question must not change the answer"
    ran = space.events(*words).statuses
    for name, would in plan.items():
        assert would == "depends" or SAID[would] == ran[name], f"`{name}` was planned to {would}: {ran}"
    return plan


def test_a_chain_that_would_be_restored_is_planned_to_its_end(space: Space) -> None:
    space.tasks(CHAIN)
    space.write({"in": "1\n"})
    agreed(space, "use")
    for name in ("mid", "out"):
        (space.root / name).unlink()
    assert agreed(space, "use") == {"make": "restore", "use": "restore"}


def test_what_a_restored_dep_brings_back_counts_in_the_plan(space: Space) -> None:
    space.tasks(CHAIN)
    for text in ("1\n", "2\n", "1\nmore\n"):
        space.write({"in": text})
        space.events("use").ok()
    space.write({"in": "2\n"})
    assert agreed(space, "use") == {"make": "restore", "use": "restore"}
    space.write({"in": "1\n"})
    space.events("use").ok()
    space.write({"in": "1\nmore\n"})
    assert agreed(space, "use") == {"make": "restore", "use": "fresh"}


def test_what_would_run_leaves_its_dependents_open(space: Space) -> None:
    space.tasks(CHAIN)
    space.write({"in": "1\n"})
    assert agreed(space, "use") == {"make": "run", "use": "depends"}


def test_what_is_restored_into_a_folder_that_is_only_spanned_counts_for_nobody(space: Space) -> None:
    space.tasks(
        '[tasks.gen]\nrun = "mkdir -p gen; cat in > gen/x.c"\ninputs = ["in"]\noutputs = ["gen/"]\n'
        '[tasks.use]\nrun = "cat a.c > out"\ninputs = ["**/*.c"]\noutputs = ["out"]\n'
    )
    space.write({"in": "1", "a.c": ""})
    space.events("gen", "use").ok()
    shutil.rmtree(space.root / "gen")
    assert agreed(space, "gen", "use") == {"gen": "restore", "use": "fresh"}


def test_an_older_output_that_was_tampered_with_stays_in_the_plan_as_in_the_run(space: Space) -> None:
    space.tasks(
        '[tasks.make]\nrun = "for f in *.c; do cp $f $f.o; done"\ninputs = ["*.c"]\noutputs = ["*.o"]\n'
        '[tasks.use]\nrun = "cat *.o > out"\ninputs = ["*.o"]\noutputs = ["out"]\n'
    )
    space.write({"a.c": "a"})
    space.events("use").ok()
    space.write({"b.c": "b"})
    space.events("use").ok()
    (space.root / "b.c").unlink()
    space.write({"b.c.o": "mine"})
    agreed(space, "use")


DAMAGES = [
    (what, how, there)
    for what in ("blob", "record")
    for how in ("gone", "cut", "flipped")
    for there in ("one output", "no output", "all outputs")
]


@pytest.mark.parametrize(("what", "how", "there"), DAMAGES)
def test_a_damaged_result_is_planned_to_run_and_runs(space: Space, what: str, how: str, there: str) -> None:
    space.tasks('[tasks.a]\nrun = "echo log; cp in x; cp in2 y"\ninputs = ["in", "in2"]\noutputs = ["x", "y"]\n')
    space.write({"in": "first", "in2": "second"})
    space.events("a").ok()
    folder = space.root / ".trun/cache" / ("cas" if what == "blob" else "ac")
    harm(next(path for path in folder.rglob("*") if path.is_file() and b"first" in read(path, what)), how)
    for name in {"no output": ("x", "y"), "one output": ("y",)}.get(there, ()):
        (space.root / name).unlink()
    (space.root / ".trun/state/ledger").unlink()
    assert agreed(space, "a") == {"a": "run"}
    assert (space.read("x"), space.read("y")) == ("first", "second")


def read(path: Path, what: str) -> bytes:
    return path.read_bytes() if what == "blob" else b"first"


def harm(path: Path, how: str) -> None:
    content = path.read_bytes()
    path.chmod(0o644)
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(content[:-1] if how == "cut" else content[:-1] + bytes([content[-1] ^ 1]))


def test_a_failure_that_is_kept_is_planned_to_hold_back_who_needs_it(space: Space) -> None:
    space.tasks(
        '[tasks.a]\nrun = "exit 3"\ninputs = ["in"]\ncache = { failures = true }\n'
        '[tasks.b]\ndeps = ["a"]\nrun = "true"\ninputs = ["in"]\n'
    )
    space.write({"in": ""})
    space.events("b")
    plan = {one["task"]: one["would"] for one in space.events("--plan", "b").ok().of("task_planned")}
    assert plan == {"a": "restore", "b": "skip"}
    assert space.events("b").statuses == {"a": "failed", "b": "skipped"}


@pytest.mark.parametrize(
    "words", [("--force",), ("--no-cache",), ("--cache-mode", "local=w"), ("--cache-mode", "local=off")]
)
def test_how_the_cache_is_used_counts_in_the_plan(space: Space, words: tuple[str, ...]) -> None:
    space.tasks(CHAIN)
    space.write({"in": "1\n"})
    space.events("use").ok()
    (space.root / "out").unlink()
    agreed(space, *words, "use")
    agreed(space, *words, "use")
    agreed(space, "use")


def test_who_needs_what_may_fail_is_left_open_by_the_plan(space: Space) -> None:
    space.tasks(
        '[tasks.dep]\nallow_failure = true\nrun = "test -e flag"\n'
        '[tasks.a]\ndeps = ["dep"]\nrun = "cat in"\ninputs = ["in"]\n'
    )
    space.write({"in": "", "flag": ""})
    space.events("a").ok()
    (space.root / "flag").unlink()
    plan = {one["task"]: one["would"] for one in space.events("--plan", "a").ok().of("task_planned")}
    assert plan == {"dep": "run", "a": "depends"}


def test_an_expired_result_is_planned_to_run(space: Space) -> None:
    space.tasks('[tasks.a]\nrun = "cat in > out"\ninputs = ["in"]\noutputs = ["out"]\nexpires = "1s"\n')
    space.write({"in": ""})
    space.events("a").ok()
    text = (space.root / "tasks.toml").read_text(encoding="utf-8")
    space.tasks(text.replace('"1s"', '"0s"'))
    assert agreed(space, "a") == {"a": "run"}


def test_a_plan_runs_no_command_and_touches_no_output(space: Space) -> None:
    space.tasks(
        '[tasks.a]\nrun = "touch witness; mkdir -p gen"\nfinally = "touch witness"\n'
        'inputs = ["in"]\noutputs = ["gen/"]\n'
    )
    space.write({"in": "", "gen/stray": ""})
    space.events("--plan", "a").ok()
    space.run("--why", "a").ok()
    assert not space.has("witness")
    assert space.has("gen/stray")
