"""`tasks.lock`: what is fresh on one machine is fresh on another one with the same files, and nothing else is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit.space import Space

TASKS = """
[project]
dotenv = [".env"]

[tasks.gen]
run      = "mkdir -p gen/empty; tr a-z A-Z < src/words.txt > gen/words; ln -sf words gen/link; cp /bin/sh gen/tool"
inputs   = ["src/*.txt"]
outputs  = ["gen/"]
uses_env = ["LEVEL"]

[tasks.report]
run     = "wc -l < gen/words > report.txt"
inputs  = ["gen/words", "params.toml#model.lr"]
outputs = ["report.txt"]
probes  = ["cat version"]

[tasks.test]
run    = "test -s report.txt"
inputs = ["report.txt", "tests/**"]
deps   = ["report"]

[tasks.deploy]
run = "echo deployed"

[tasks.all]
deps = ["test", "gen", "report"]
"""
FILES = {
    "src/words.txt": "one\ntwo\n",
    "params.toml": "[model]\nlr = 1\nseed = 2\n",
    "tests/a": "a",
    "version": "cc 12",
    ".env": "MOOD=calm\n",
}
FRESH = {"gen": "fresh", "report": "fresh", "test": "fresh", "all": "fresh"}
LOCKED = "as `tasks.lock` has it"
LOCK = "tasks.lock"


@pytest.fixture
def made(space: Space) -> Space:
    """A project that was built and locked."""
    space.tasks(TASKS)
    space.write(FILES)
    space.run("all").ok()
    assert space.run("--lock", "write").ok().stdout == "tasks.lock: 3 tasks locked\n"
    return space


def carried(space: Space) -> Path:
    """The project on another machine: files, outputs and lock, with times of its own, and nothing of `.trun`."""
    there = space.root.parent / "elsewhere" / "deep"
    shutil.copytree(space.root, there, symlinks=True, ignore=shutil.ignore_patterns(".trun"))
    for path in there.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000), follow_symlinks=False)
    return there


def statuses(space: Space, *words: str, cwd: Path | str = ".", **env: str) -> dict[str, str]:
    """How the tasks of a good run ended."""
    return space.events(*words, cwd=cwd, env=dict(env)).ok().statuses


def lock_of(space: Space) -> str:
    return space.read(LOCK)


def stat_of(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns


# Another machine


def test_another_machine_with_the_same_files_and_outputs_finds_every_task_fresh(made: Space) -> None:
    there = carried(made)
    assert (there / "gen/empty").is_dir()
    plan = made.run("--plan", "all", cwd=there).ok().stdout
    assert plan.splitlines() == [
        *(f"fresh    {name}  {LOCKED}" for name in ("gen", "report", "test")),
        *plan.splitlines()[3:],
    ]
    ran = made.events("all", cwd=there).ok()
    assert ran.statuses == FRESH
    assert ran.order == []
    assert ran.ended("gen")["reasons"] == [LOCKED]
    assert (there / LOCK).read_text() == lock_of(made)


def test_what_the_lock_knew_is_known_here_from_then_on(made: Space) -> None:
    there = carried(made)
    made.run("all", cwd=there).ok()
    (there / LOCK).unlink()
    ran = made.events("all", cwd=there).ok()
    assert ran.statuses == FRESH
    assert ran.ended("gen")["reasons"] == []
    assert "taken from `tasks.lock`, " in made.run("--why", "gen", cwd=there).ok().stdout


def test_a_plan_keeps_nothing_of_what_the_lock_knew(made: Space) -> None:
    there = carried(made)
    made.run("--plan", "all", cwd=there).ok()
    made.run("--why", "all", cwd=there).ok()
    assert not (there / ".trun/state/ledger").exists()


def edits() -> dict[str, tuple[Callable[[Path], object], dict[str, str]]]:
    """What is done to the other machine's files, and how the tasks end then."""

    def write(name: str, text: str) -> Callable[[Path], object]:
        return lambda there: (there / name).write_text(text)

    def tasks(old: str, new: str) -> Callable[[Path], object]:
        return lambda there: (there / "tasks.toml").write_text(TASKS.replace(old, new, 1))

    gen, report, test = {"gen": "ran"}, {"report": "ran"}, {"test": "ran"}
    return {
        "an input": (write("src/words.txt", "one\n"), gen | report | test),
        "an input with the same result": (write("src/words.txt", "ONE\ntwo\n"), gen),
        "a new input": (write("src/more.txt", ""), gen),
        "a key of a file": (write("params.toml", "[model]\nlr = 3\n"), report),
        "another key of that file": (write("params.toml", "[model]\nlr = 1\nseed = 3\n"), {}),
        "a probe": (write("version", "cc 13"), report),
        "a command": (tasks("test -s", "test -f"), test),
        "a description": (tasks("[tasks.test]", '[tasks.test]\ndesc = "all of them"'), {}),
        "a variable of all": (write(".env", "MOOD=wild\n"), gen | report | test),
        "an output": (write("report.txt", "7\n"), report),
        "an output that is gone": (lambda there: (there / "gen/link").unlink(), gen),
        "a link that points elsewhere": (lambda there: _relink(there / "gen/link", "tool"), gen),
        "an output that may be executed": (lambda there: (there / "report.txt").chmod(0o755), report | test),
        "a stray in an owned folder": (write("gen/stray", ""), gen),
        "an empty folder that is gone": (lambda there: (there / "gen/empty").rmdir(), gen),
        "nothing but a comment in the lock": (lambda there: _add(there / LOCK, "# mine\n"), {}),
        "an entry of the lock": (lambda there: _cut(there / LOCK, "report"), report),
        "the lock itself": (lambda there: (there / LOCK).unlink(), gen | report | test),
    }


def _relink(path: Path, text: str) -> None:
    path.unlink()
    path.symlink_to(text)


def _add(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def _cut(path: Path, task: str) -> None:
    head, *blocks = path.read_text().split("\n[[task]]\n")
    path.write_text("\n[[task]]\n".join([head, *(text for text in blocks if f'name = "{task}"' not in text)]))


@pytest.mark.parametrize("what", edits())
def test_only_what_is_as_locked_is_believed(made: Space, what: str) -> None:
    there = carried(made)
    edit, ran = edits()[what]
    edit(there)
    planned = made.run("--plan", "all", cwd=there).ok().stdout.splitlines()
    would_run = {line.split()[1] for line in planned if line.startswith("run ")}
    assert would_run <= set(ran)
    assert statuses(made, "all", cwd=there) == FRESH | ran
    assert statuses(made, "all", cwd=there) == FRESH


def test_another_value_of_a_variable_is_not_believed(made: Space) -> None:
    there = carried(made)
    assert statuses(made, "all", cwd=there, LEVEL="2")["gen"] == "ran"


def test_what_is_missing_comes_from_the_cache_before_it_is_made_again(made: Space) -> None:
    there = carried(made)
    shutil.copytree(made.root / ".trun/cache", there / ".trun/cache")
    (there / "report.txt").unlink()
    assert statuses(made, "all", cwd=there) == FRESH | {"report": "restored"}


def test_a_formatter_is_fresh_where_its_files_are_as_it_left_them(space: Space) -> None:
    space.tasks('[tasks.fmt]\nrun = "echo tidy > a.txt"\ninputs = ["*.txt"]\noutputs = ["*.txt"]\nin_place = true\n')
    space.write({"a.txt": "mess\n"})
    space.run("fmt").ok()
    space.run("--lock", "write").ok()
    there = carried(space)
    assert statuses(space, "fmt", cwd=there) == {"fmt": "fresh"}
    (there / "a.txt").write_text("mess\n")
    assert statuses(space, "fmt", cwd=there) == {"fmt": "ran"}
    assert (there / LOCK).read_text() == lock_of(space)


def test_201_inputs_are_one_digest_and_each_of_them_counts(space: Space) -> None:
    space.tasks('[tasks.many]\nrun = "true"\ninputs = ["in/*"]\n')
    space.write({f"in/{at:03}": "x" for at in range(201)})
    space.run("many").ok()
    space.run("--lock", "write").ok()
    assert 'inputs = "tree:201:' in lock_of(space)
    there = carried(space)
    assert statuses(space, "many", cwd=there) == {"many": "fresh"}
    (there / "in/100").write_text("y")
    assert statuses(space, "many", cwd=there) == {"many": "ran"}


def test_a_failure_that_is_known_here_is_not_made_good_by_the_lock(space: Space) -> None:
    space.tasks('[tasks.t]\nrun = "test -e good"\ninputs = ["a"]\ncache = { failures = true }\n')
    space.write({"a": "1", "good": ""})
    space.run("t").ok()
    space.run("--lock", "write").ok()
    (space.root / "good").unlink()
    shutil.rmtree(space.root / ".trun")
    assert space.events("-f", "t").statuses == {"t": "failed"}
    assert space.events("t").statuses == {"t": "failed"}


# Kept current


def test_a_lock_is_begun_by_nobody_but_who_asks_for_it(space: Space) -> None:
    space.tasks(TASKS)
    space.write(FILES)
    space.run("all").ok()
    assert not space.has(LOCK)


def test_a_run_brings_the_blocks_of_what_ran_up_to_date_and_leaves_the_others(made: Space) -> None:
    before = lock_of(made)
    made.write({"tests/a": "b"})
    made.run("all").ok()
    after = lock_of(made)
    assert _block(after, "test") != _block(before, "test")
    assert [_block(after, name) for name in ("gen", "report")] == [_block(before, name) for name in ("gen", "report")]
    made.write({"tests/a": "a"})
    assert statuses(made, "all")["test"] == "restored"
    assert lock_of(made) == before


def _block(text: str, task: str) -> str:
    return next((block for block in text.split("\n[[task]]\n") if block.startswith(f'name = "{task}"\n')), "")


def test_a_task_that_is_new_is_added(made: Space) -> None:
    made.tasks(TASKS + '[tasks.more]\nrun = "true"\ninputs = ["version"]\n')
    made.run("more").ok()
    assert _block(lock_of(made), "more")


def test_where_nothing_has_changed_the_lock_is_not_touched(made: Space) -> None:
    before = stat_of(made.root / LOCK)
    assert statuses(made, "all") == FRESH
    assert statuses(made, "-f", "test")["test"] == "ran"
    made.run("--lock", "write").ok()
    assert stat_of(made.root / LOCK) == before


def test_a_lock_that_another_one_wrote_is_brought_up_to_date_though_all_is_fresh(made: Space) -> None:
    older = lock_of(made)
    made.write({"tests/a": "b"})
    made.run("all").ok()
    newer = lock_of(made)
    assert statuses(made, "all") == FRESH
    assert statuses(made, "all") == FRESH
    made.write({LOCK: older})
    assert statuses(made, "all") == FRESH
    assert lock_of(made) == newer


BOOM = """
import runner.lockfile
import os
def boom(data): os._exit(99)
runner.lockfile.blocks_in = boom
import sys
from runner.main import main
sys.exit(main())
"""


def test_a_run_that_finds_all_fresh_by_itself_does_not_read_the_lock(made: Space) -> None:
    assert statuses(made, "all") == FRESH
    shutil.rmtree(made.root / ".trun/seals", ignore_errors=True)
    argv = [sys.executable, "-c", BOOM, "all"]
    done = subprocess.run(argv, cwd=made.root, env=made.environ, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "3 fresh" in done.stdout
    made.write({"tests/a": "b"})
    done = subprocess.run(argv, cwd=made.root, env=made.environ, capture_output=True, text=True)
    assert done.returncode == 99


@pytest.mark.parametrize(
    ("words", "env"),
    [(["all"], {"CI": "true"}), (["-p", "p", "all"], {}), (["all"], {"TRUN_PROFILE": "p"}), (["v=2", "all"], {})],
    ids=["in CI", "with a profile", "with a profile of a variable", "with a var"],
)
def test_a_run_that_is_not_as_everybodys_leaves_the_lock_alone(
    made: Space, words: list[str], env: dict[str, str]
) -> None:
    made.tasks(TASKS + '[vars]\nv = "1"\n[profiles.p]\n')
    before = lock_of(made)
    made.write({"tests/a": "b"})
    assert statuses(made, *words, **env)["test"] == "ran"
    assert lock_of(made) == before
    assert statuses(made, "all") == FRESH
    assert lock_of(made) != before


def test_ci_believes_the_lock(made: Space) -> None:
    assert statuses(made, "all", cwd=carried(made), CI="1") == FRESH


def test_a_node_with_arguments_is_not_locked_nor_one_whose_variable_gives_them(space: Space) -> None:
    space.tasks('[tasks.t]\nrun = "echo {{x}}"\ninputs = ["a"]\nargs.x = { default = "1", env = "X" }\n')
    space.write({"a": ""})
    space.run("--lock", "write").ok()
    for words, env in ((["t", "--x", "2"], {}), (["t"], {"X": "2"})):
        space.run(*words, env=env).ok()
        assert "[[task]]" not in lock_of(space)
    space.run("t").ok()
    assert _block(lock_of(space), "t")


def test_a_result_that_expires_is_not_locked(space: Space) -> None:
    space.tasks('[tasks.t]\nrun = "true"\ninputs = ["a"]\nexpires = "1d"\n')
    space.write({"a": ""})
    space.run("t").ok()
    assert space.run("--lock", "write").ok().stdout == "left out t: its results expire\ntasks.lock: 0 tasks locked\n"
    assert space.run("--lock", "check").ok().stdout == "tasks.lock: 0 tasks as locked\n"


def test_a_wildcard_does_not_meet_the_lock(space: Space) -> None:
    space.tasks('[tasks.t]\nrun = "true"\ncache = true\n')
    space.run("t").ok()
    space.run("--lock", "write").ok()
    assert statuses(space, "t") == {"t": "fresh"}
    space.write({"sub/tasks.lock": "some other tool's"})
    assert statuses(space, "t") == {"t": "ran"}


def test_another_tasks_file_of_the_folder_has_no_part_in_it(made: Space) -> None:
    made.write({"other.toml": '[tasks.gen]\nrun = "true"\ninputs = ["version"]\n'})
    before = lock_of(made)
    assert statuses(made, "--file", "other.toml", "gen") == {"gen": "ran"}
    assert lock_of(made) == before
    told = made.run("--file", "other.toml", "--lock", "write").refused().stderr
    assert told == "error: `tasks.lock` is about the tasks file that is found by itself, not `other.toml`\n"


# Other platforms


def _foreign(text: str) -> str:
    platform = next(line for line in text.splitlines() if line.startswith("platform = "))
    return text.replace(platform, 'platform = "plan9 mips"')


def test_what_another_platform_locked_is_neither_believed_nor_rewritten(made: Space) -> None:
    foreign = _foreign(lock_of(made))
    made.write({LOCK: foreign})
    there = carried(made)
    assert statuses(made, "all", cwd=there) == FRESH | {"gen": "ran", "report": "ran", "test": "ran"}
    after = (there / LOCK).read_text()
    blocks = after.split("\n[[task]]\n")[1:]
    assert len(blocks) == 6
    assert set(foreign.split("\n[[task]]\n")[1:3]) < set(blocks)
    made.run("--lock", "reset", cwd=there).ok()
    assert (there / LOCK).read_text() == foreign


def test_a_check_tells_what_only_another_platform_has_locked(made: Space) -> None:
    made.write({LOCK: _foreign(lock_of(made))})
    checked = made.run("--lock", "check", "gen")
    assert checked.returncode == 3
    assert checked.stdout.startswith("gen: is locked for plan9 mips, not for ")


def test_a_portable_task_is_locked_for_any_platform(space: Space) -> None:
    space.tasks('[tasks.t]\nrun = "true"\ninputs = ["a"]\ncache = { portable = true }\n')
    space.write({"a": ""})
    space.run("t").ok()
    space.run("--lock", "write").ok()
    assert "platform" not in lock_of(space)
    assert statuses(space, "t", cwd=carried(space)) == {"t": "fresh"}


# A lock that cannot be believed


MERGE = "<<<<<<< ours\nversion = 1\n=======\nversion = 1\n>>>>>>> theirs\n"


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        (MERGE, "tasks.lock:1", "holds a merge that was not resolved"),
        ("version = 1\nwhat = {}\n", "tasks.lock:2", "is damaged"),
        ("version = 9\n", "tasks.lock", "is of format 9, which a later version of trun wrote"),
        ("", "tasks.lock:1", "does not say its version"),
    ],
)
def test_what_cannot_be_believed_costs_one_warning_and_is_left_alone(
    made: Space, text: str, place: str, why: str
) -> None:
    there = carried(made)
    (there / LOCK).write_text(text)
    ran = made.events("all", cwd=there).ok()
    assert ran.statuses == FRESH | {"gen": "ran", "report": "ran", "test": "ran"}
    assert [event["message"] for event in ran.of("warning")] == [
        f"`{place}` {why}: it is neither believed nor written; `trun --lock check` tells more"
    ]
    assert (there / LOCK).read_text() == text
    checked = made.run("--lock", "check", cwd=there)
    assert checked.returncode == 3
    assert checked.stderr.startswith(f"error: `tasks.lock` {why}\n")


def test_a_run_that_finds_all_fresh_by_itself_warns_of_it_too(made: Space) -> None:
    made.write({LOCK: MERGE})
    for _ in range(2):
        ran = made.run("all").ok()
        assert ran.stdout.startswith("warning: `tasks.lock:1` holds a merge that was not resolved: ")
        assert ran.stdout.endswith("3 fresh\n")
    assert lock_of(made) == MERGE


def test_writing_anew_mends_what_is_damaged_and_spares_what_a_later_trun_wrote(made: Space) -> None:
    right = lock_of(made)
    made.write({LOCK: MERGE})
    made.run("--lock", "write").ok()
    assert lock_of(made) == right
    made.write({LOCK: "version = 9\n"})
    told = made.run("--lock", "write").refused().stderr
    assert told == (
        "error: `tasks.lock` is of format 9, which a later version of trun wrote\n"
        "  hint: use the version of trun that wrote it, or a later one\n"
    )
    assert lock_of(made) == "version = 9\n"


def test_a_link_or_a_folder_in_its_place_is_left_alone(made: Space) -> None:
    there = carried(made)
    (there / "elsewhere.lock").write_text((there / LOCK).read_text())
    (there / LOCK).unlink()
    (there / LOCK).symlink_to("elsewhere.lock")
    ran = made.events("gen", cwd=there).ok()
    assert "`tasks.lock` is a link" in ran.of("warning")[0]["message"]
    assert (there / LOCK).is_symlink()
    (there / LOCK).unlink()
    (there / LOCK).mkdir()
    (there / "src/words.txt").write_text("three\n")
    ran = made.events("gen", cwd=there).ok()
    assert "`tasks.lock` is no file" in ran.of("warning")[0]["message"]


def test_git_merges_two_tasks_that_two_people_changed(made: Space) -> None:
    if shutil.which("git") is None:
        pytest.fail("no git here") if os.environ.get("CI") else pytest.skip("no git here")
    base = lock_of(made)
    made.write({"tests/a": "b"})
    made.run("all").ok()
    ours = lock_of(made)
    made.write({"tests/a": "a", "src/words.txt": "ONE\ntwo\n"})
    made.run("all").ok()
    theirs = lock_of(made)
    assert len({base, ours, theirs}) == 3
    made.write({"base": base, "ours": ours, "theirs": theirs})
    merged = subprocess.run(
        ["git", "merge-file", "-p", "ours", "base", "theirs"], cwd=made.root, capture_output=True, text=True
    )
    assert merged.returncode == 0
    made.write({LOCK: merged.stdout, "tests/a": "b"})
    assert statuses(made, "all", cwd=carried(made)) == FRESH


# Write


def test_what_is_not_fresh_is_left_out_and_told(made: Space) -> None:
    (made.root / LOCK).unlink()
    made.write({"params.toml": "[model]\nlr = 3\n"})
    assert made.run("--lock", "write").ok().stdout == (
        "left out report, which is not fresh: `params.toml#model.lr` changed\n"
        "left out test, which is not fresh: it depends on what `report` makes\n"
        "tasks.lock: 1 task locked\n"
    )
    assert [bool(_block(lock_of(made), name)) for name in ("gen", "report", "test")] == [True, False, False]


def test_what_is_left_out_stays_as_it_was_in_the_lock(made: Space) -> None:
    before = lock_of(made)
    made.write({"tests/a": "b"})
    assert "left out test" in made.run("--lock", "write").ok().stdout
    assert lock_of(made) == before


def test_targets_are_locked_with_what_they_need(made: Space) -> None:
    (made.root / LOCK).unlink()
    assert made.run("--lock", "write", "report").ok().stdout == "tasks.lock: 2 tasks locked\n"
    assert [bool(_block(lock_of(made), name)) for name in ("gen", "report", "test")] == [True, True, False]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--lock", "write", "-p", "p"], "`--lock write` is about the default profile, not `p`"),
        (["--lock", "check", "v=2"], "`--lock check` takes no vars: `v` would be locked for everybody"),
        (["--lock", "clean", "gen"], "`--lock clean` takes no targets\n  hint: `--lock reset` does"),
        (
            ["--lock", "write", "t", "--x", "2"],
            "`--lock write` is about tasks without arguments, and `t` is given some",
        ),
        (["--lock", "accept", "need"], "task `need` needs `who`"),
        (["--lock", "accept", "deploy"], "task `deploy` is not cached: it runs each time, whatever is accepted"),
    ],
)
def test_what_makes_no_sense_is_refused(made: Space, words: list[str], told: str) -> None:
    made.tasks(
        TASKS + '[vars]\nv = "1"\n[profiles.p]\n[tasks.t]\nrun = "true"\ninputs = ["a"]\nargs.x = {}\n'
        '[tasks.need]\nrun = "true"\ninputs = ["a"]\nargs.who = { required = true }\n'
    )
    before = lock_of(made)
    assert made.run(*words).refused().stderr == f"error: {told}\n"
    assert lock_of(made) == before


# Check


def checked(space: Space, *words: str, cwd: Path | str = ".", **env: str) -> tuple[int, str]:
    ran = space.run("--lock", "check", *words, cwd=cwd, env=dict(env))
    assert ran.stderr == ""
    return ran.returncode, ran.stdout


def test_a_check_that_finds_all_as_locked_runs_nothing_and_is_0(made: Space) -> None:
    there = carried(made)
    assert checked(made, cwd=there) == (0, "tasks.lock: 3 tasks as locked\n")
    assert not (there / ".trun/state/ledger").exists()


def test_a_check_names_all_that_is_not_as_locked(made: Space) -> None:
    made.tasks(TASKS.replace("test -s", "test -f") + '[tasks.new]\nrun = "true"\ninputs = ["version"]\n')
    made.write({"src/words.txt": "new", "src/more.txt": "", "params.toml": "[model]\nlr = 3\n", "version": "cc 13"})
    made.write({LOCK: lock_of(made) + f'\n[[task]]\nname = "old"\ndefinition = "{"0" * 64}"\n'})
    (made.root / "report.txt").unlink()
    assert checked(made) == (
        3,
        "gen: input `src/more.txt` is new\n"
        "gen: input `src/words.txt` changed\n"
        "new: is not locked\n"
        "report: a variable or a probe tells something else\n"
        "report: input `params.toml#model.lr` changed\n"
        "report: output `report.txt` is missing\n"
        "test: what the tasks file says of it changed\n"
        "test: input `report.txt` is gone\n"
        "old: is locked, and no task that is cached\n"
        "tasks.lock: 5 tasks not as locked\n",
    )
    assert checked(made, "gen")[1].splitlines()[-1] == "tasks.lock: 1 task not as locked"


def test_a_check_goes_by_what_lies_there_and_not_by_what_is_known_here(made: Space) -> None:
    made.write({"gen/words": "edited"})
    code, told = checked(made, "gen")
    assert (code, told.splitlines()[0]) == (3, "gen: output `gen/words` changed")


def test_a_check_is_about_the_default_profile_whatever_a_variable_says(made: Space) -> None:
    made.tasks(TASKS + '[profiles.p.env]\nMOOD = "wild"\n')
    assert checked(made, TRUN_PROFILE="p") == (0, "tasks.lock: 3 tasks as locked\n")


def test_a_check_without_a_lock_fails(space: Space) -> None:
    space.tasks(TASKS)
    ran = space.run("--lock", "check")
    assert (ran.returncode, ran.stderr) == (
        3,
        "error: there is no `tasks.lock`\n  hint: `trun --lock write` begins one\n",
    )


def test_a_task_that_is_skipped_here_is_not_checked(made: Space) -> None:
    made.tasks(TASKS + '[tasks.mac]\nrun = "true"\ninputs = ["version"]\nwhen = { exists = "never" }\n')
    assert checked(made) == (0, "tasks.lock: 3 tasks as locked\n")


# Accept


def test_what_is_accepted_is_fresh_here_and_in_no_cache(made: Space) -> None:
    made.write({"src/words.txt": "new\n", "gen/words": "by hand\n"})
    records = _records(made)
    assert made.run("--lock", "accept", "gen").ok().stdout == "accepted gen\n"
    assert statuses(made, "gen") == {"gen": "fresh"}
    assert made.read("gen/words") == "by hand\n"
    assert _records(made) == records
    assert "accepted as it lay there, " in made.run("--why", "gen").ok().stdout


def _records(space: Space) -> list[str]:
    folder = space.root / ".trun/cache"
    return sorted(str(path) for path in folder.rglob("*") if path.is_file() and "ac" in path.parts)


def test_what_is_accepted_is_locked_so_that_others_have_it_too(made: Space) -> None:
    made.write({"tests/a": "b"})
    made.run("--lock", "accept", "test").ok()
    assert checked(made, "test")[0] == 0
    assert statuses(made, "all", cwd=carried(made)) == FRESH


def test_accepting_needs_no_lock_and_begins_none(space: Space) -> None:
    space.tasks(TASKS)
    space.write(FILES | {"gen/words": "x", "report.txt": "1"})
    assert space.run("--lock", "accept", "all").ok().stdout == "accepted test\naccepted gen\naccepted report\n"
    assert statuses(space, "all") == FRESH
    assert not space.has(LOCK)


def test_without_targets_all_is_accepted(made: Space) -> None:
    made.write({"src/words.txt": "new\n", "tests/a": "b"})
    assert made.run("--lock", "accept").ok().stdout == "accepted gen\naccepted report\naccepted test\n"
    assert statuses(made, "all") == FRESH


def test_an_output_that_is_missing_cannot_be_accepted_and_then_nothing_is(made: Space) -> None:
    made.write({"tests/a": "b"})
    (made.root / "report.txt").unlink()
    assert made.run("--lock", "accept", "test", "report").refused().stderr == (
        "error: task `report`: declared output `report.txt` is missing, and cannot be accepted\n"
    )
    assert statuses(made, "--keep-going", "all")["test"] != "fresh"


# Reset and clean


def test_what_is_reset_is_forgotten_here_and_in_the_lock(made: Space) -> None:
    shutil.rmtree(made.root / ".trun/cache")
    assert made.run("--lock", "reset", "report").ok().stdout == "forgot 1 task\n"
    assert [bool(_block(lock_of(made), name)) for name in ("gen", "report", "test")] == [True, False, True]
    assert statuses(made, "all") == FRESH | {"report": "ran"}
    assert _block(lock_of(made), "report")


def test_without_targets_all_is_forgotten_and_the_lock_stays_begun(made: Space) -> None:
    before = lock_of(made)
    assert made.run("--lock", "reset").ok().stdout == "forgot 3 tasks\n"
    assert "[[task]]" not in lock_of(made)
    assert set(statuses(made, "all").values()) == {"restored", "fresh"}
    assert lock_of(made) == before


def test_what_is_reset_with_a_damaged_lock_is_refused_with_its_place(made: Space) -> None:
    made.write({LOCK: MERGE})
    assert made.run("--lock", "reset", "gen").refused().stderr == (
        "error: `tasks.lock` holds a merge that was not resolved\n"
        "  tasks.lock:1:1\n"
        "    1 | <<<<<<< ours\n"
        "      | ^^^^^^^^^^^^\n"
        "  hint: resolve what git could not merge, or write it anew with `trun --lock write`\n"
    )


def test_clean_drops_the_tasks_that_are_gone(made: Space) -> None:
    made.tasks(TASKS.replace("[tasks.test]", "[tasks.check]").replace('"test", "gen"', '"check", "gen"'))
    before = lock_of(made)
    assert made.run("--lock", "clean").ok().stdout.startswith("dropped test for ")
    assert lock_of(made) == before.replace("\n[[task]]\n" + _block(before, "test"), "")
    assert made.run("--lock", "clean").ok().stdout == "nothing to drop\n"


def test_names_that_are_no_text_are_carried_too(space: Space) -> None:
    space.tasks('[tasks.t]\nrun = "mkdir -p out; cp in/* out/"\ninputs = ["in/*"]\noutputs = ["out/"]\n')
    names = [b"\xff\xfe", b"new\nline", b'say "x"', b"back\\slash", b"\\xff", "ä".encode()]
    for name in names:
        path = os.fsdecode(b"in/" + name)
        space.write({path: "x"})
    space.run("t").ok()
    space.run("--lock", "write").ok()
    assert sorted(os.listdir(os.fsencode(space.root / "out"))) == sorted(names)
    there = carried(space)
    assert statuses(space, "t", cwd=there) == {"t": "fresh"}
    os.rename(os.fsencode(there) + b"/in/\xff\xfe", os.fsencode(there) + b"/in/\xff\xfd")
    assert statuses(space, "t", cwd=there) == {"t": "ran"}


def test_runs_at_once_that_wrote_over_each_other_leave_a_whole_lock_that_the_next_one_completes(space: Space) -> None:
    space.tasks("".join(f'[tasks.t{at}]\nrun = "true"\ninputs = ["a"]\n' for at in range(6)))
    space.write({"a": "1"})
    space.run("--lock", "write").ok()
    for started in [space.start(f"t{at}") for at in range(6)]:
        started.wait().ok()
    assert space.run("--lock", "check").stderr == ""
    for at in range(6):
        assert statuses(space, f"t{at}") == {f"t{at}": "fresh"}
    assert space.run("--lock", "check").ok().stdout == "tasks.lock: 6 tasks as locked\n"
