"""Wrong results that other tools give, each provoked here."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.kit.puppet import Puppets
from tests.kit.space import Space

TASK = '[tasks.a]\nrun = "cat in > out"\ninputs = ["in"]\noutputs = ["out"]\n'
COMPILE = (
    "[tasks.a]\n"
    'run = "mkdir -p gen; for f in src/*.c; do cp $f gen/$(basename $f .c).o; done"\n'
    'inputs = ["src/*.c"]\noutputs = ["gen/"]\n'
)


def snapshot(folder: Path) -> Mapping[str, tuple[int, bytes]]:
    """All files below a folder: mode and bytes."""
    files = [path for path in sorted(folder.rglob("*")) if not path.is_dir()]
    return {path.relative_to(folder).as_posix(): (path.lstat().st_mode, path.read_bytes()) for path in files}


# Input edited while the task runs


def test_an_input_edited_while_the_task_runs_is_not_stored_under_the_old_key(space: Space, puppets: Puppets) -> None:
    space.tasks(f'[tasks.a]\n{puppets.cmd("a")}\ninputs = ["in"]\noutputs = ["out"]\n')
    space.write({"in": "old"})
    trun = space.start("--json", "a")
    puppet = puppets.arrive("a")
    space.write({"in": "new", "out": "of old"})
    puppet.exit()
    ran = trun.wait().ok()
    assert "`in` changed while it ran" in ran.of("warning", "a")[0]["message"]
    assert space.read("out") == "of old", "the result stays"
    for text in ("old", "new"):
        space.write({"in": text})
        trun = space.start("--json", "a")
        again = puppets.arrive("a")
        space.write({"out": f"of {text}"})
        again.exit()
        assert trun.wait().ok().statuses == {"a": "ran"}, f"nothing was stored for {text!r}"


def test_an_input_that_changed_and_changed_back_in_size_and_time_is_noticed(space: Space, puppets: Puppets) -> None:
    space.tasks(f'[tasks.a]\n{puppets.cmd("a")}\ninputs = ["in"]\n')
    space.write({"in": "old"})
    was = (space.root / "in").stat()
    trun = space.start("--json", "a")
    puppet = puppets.arrive("a")
    space.write({"in": "new"})
    os.utime(space.root / "in", ns=(was.st_atime_ns, was.st_mtime_ns))
    puppet.exit()
    assert "`in` changed while it ran" in trun.wait().ok().of("warning", "a")[0]["message"]


def test_an_input_that_appeared_while_the_task_runs_is_noticed(space: Space, puppets: Puppets) -> None:
    space.tasks(f'[tasks.a]\n{puppets.cmd("a")}\ninputs = ["*.c"]\n')
    space.write({"x.c": ""})
    trun = space.start("--json", "a")
    puppet = puppets.arrive("a")
    space.write({"y.c": ""})
    puppet.exit()
    assert "`y.c` appeared" in trun.wait().ok().of("warning", "a")[0]["message"]
    trun = space.start("--json", "a")
    puppets.arrive("a").exit()
    assert trun.wait().ok().statuses == {"a": "ran"}


def test_what_a_dep_made_that_changed_while_the_task_runs_is_noticed(space: Space, puppets: Puppets) -> None:
    space.tasks(
        '[tasks.dep]\nrun = "cat in > mid"\ninputs = ["in"]\noutputs = ["mid"]\n'
        f'[tasks.a]\n{puppets.cmd("a")}\ndeps = ["dep"]\ncache = true\ninputs = ["other"]\n'
    )
    space.write({"in": "1", "other": ""})
    trun = space.start("--json", "a")
    puppet = puppets.arrive("a")
    space.write({"mid": "tampered"})
    puppet.exit()
    trun.wait().ok()
    trun = space.start("--json", "a")
    puppets.arrive("a").exit()
    assert trun.wait().ok().statuses["a"] == "ran", "what it read was not what its key says"


def test_settings_of_a_formatter_edited_while_it_runs_make_it_run_again(space: Space, puppets: Puppets) -> None:
    space.tasks(f'[tasks.a]\n{puppets.cmd("a")}\ninputs = ["src", "conf"]\noutputs = ["src"]\nin_place = true\n')
    space.write({"src": "1", "conf": "old"})
    trun = space.start("--json", "a")
    puppet = puppets.arrive("a")
    space.write({"src": "formatted", "conf": "new"})
    puppet.exit()
    trun.wait().ok()
    assert [one["would"] for one in space.events("--plan", "a").ok().of("task_planned")] == ["run"]


def test_an_input_that_changed_and_changed_back_while_the_task_runs_is_noticed(space: Space, puppets: Puppets) -> None:
    space.tasks(f'[tasks.a]\n{puppets.cmd("a")}\ninputs = ["in"]\noutputs = ["out"]\n')
    space.write({"in": "good"})
    trun = space.start("--json", "a")
    puppet = puppets.arrive("a")
    space.write({"in": "half"})
    space.write({"out": f"of {space.read('in')}"})
    space.write({"in": "good"})
    puppet.exit()
    trun.wait().ok()
    assert [one["would"] for one in space.events("--plan", "a").ok().of("task_planned")] == ["run"]


# Same inputs, other argument or variable


def test_another_argument_or_variable_is_another_result(space: Space) -> None:
    space.tasks(
        '[tasks.a]\nrun = "echo {{x}} $MODE > out"\ninputs = ["in"]\noutputs = ["out"]\nuses_env = ["MODE"]\n'
        'args.x = { default = "1" }\n'
    )
    space.write({"in": ""})
    cases = [(("a",), "m"), (("a", "--x", "2"), "m"), (("a",), "n"), (("a", "--x", "2"), "n")]
    for words, mode in cases:
        assert set(space.events(*words, env={"MODE": mode}).ok().statuses.values()) == {"ran"}
    for words, mode in cases:
        assert set(space.events(*words, env={"MODE": mode}).ok().statuses.values()) == {"restored"}
        assert space.read("out") == f"{words[-1] if len(words) > 1 else 1} {mode}\n"


# Output tampered with


@pytest.mark.parametrize("way", ["longer", "same size and time", "executable", "a link", "a folder", "gone"])
def test_an_output_that_was_tampered_with_is_never_taken_as_up_to_date(space: Space, way: str) -> None:
    space.tasks(TASK)
    space.write({"in": "good", "elsewhere": "good"})
    space.events("a").ok()
    out = space.root / "out"
    was = out.stat()
    if way == "longer":
        out.write_text("good!", encoding="utf-8")
    elif way == "same size and time":
        out.write_text("evil", encoding="utf-8")
        os.utime(out, ns=(was.st_atime_ns, was.st_mtime_ns))
    elif way == "executable":
        out.chmod(0o755)
    else:
        out.unlink()
        if way == "a link":
            out.symlink_to("elsewhere")
        elif way == "a folder":
            out.mkdir()
    assert space.events("a").ok().statuses == {"a": "restored"}
    assert not out.is_symlink()
    assert out.read_text(encoding="utf-8") == "good"
    assert not out.stat().st_mode & 0o111
    assert space.events("a").ok().statuses == {"a": "fresh"}


def test_a_cache_that_was_tampered_with_is_never_restored(space: Space) -> None:
    space.tasks(TASK)
    space.write({"in": "good"})
    space.events("a").ok()
    blobs = [path for path in (space.root / ".trun/cache/cas").rglob("*") if path.is_file()]
    for path in blobs:
        path.chmod(0o644)
        path.write_text("evil", encoding="utf-8")
    (space.root / "out").unlink()
    assert space.events("a").ok().statuses == {"a": "ran"}
    assert space.read("out") == "good"


# Strays of deleted sources


def test_strays_of_deleted_sources_do_not_survive_a_restore(space: Space) -> None:
    space.tasks(COMPILE)
    space.write({"src/a.c": "a"})
    space.events("a").ok()
    space.write({"src/b.c": "b"})
    space.events("a").ok()
    assert sorted(os.listdir(space.root / "gen")) == ["a.o", "b.o"]
    (space.root / "src/b.c").unlink()
    assert space.events("a").ok().statuses == {"a": "restored"}
    assert os.listdir(space.root / "gen") == ["a.o"]


def test_strays_of_deleted_sources_do_not_survive_a_run(space: Space) -> None:
    space.tasks(COMPILE)
    space.write({"src/a.c": "a", "src/b.c": "b"})
    space.events("a").ok()
    (space.root / "src/b.c").unlink()
    assert space.events("a").ok().statuses == {"a": "ran"}
    assert os.listdir(space.root / "gen") == ["a.o"]


def test_what_a_deleted_source_left_under_a_glob_gets_into_no_result(space: Space) -> None:
    space.tasks(COMPILE.replace('outputs = ["gen/"]', 'outputs = ["gen/*.o"]'))
    space.write({"src/a.c": "a", "src/b.c": "b"})
    space.events("a").ok()
    (space.root / "src/b.c").unlink()
    assert space.events("a").ok().ended("a")["outputs"] == ["gen/a.o"]


def test_a_file_in_an_owned_folder_that_nobody_made_is_removed(space: Space) -> None:
    space.tasks(COMPILE)
    space.write({"src/a.c": "a"})
    space.events("a").ok()
    space.write({"gen/deep/stray.o": "", "gen/.hidden": ""})
    assert space.events("a").ok().statuses == {"a": "restored"}
    assert os.listdir(space.root / "gen") == ["a.o"]


# Declared output never made


@pytest.mark.parametrize("output", ["nothing", "nothing/", "*.nothing", "some/**/*.o"])
def test_a_declared_output_that_never_appears_fails_the_task(space: Space, output: str) -> None:
    space.tasks(f'[tasks.a]\nrun = "true"\ninputs = ["in"]\noutputs = ["{output}"]\n')
    space.write({"in": ""})
    for _ in range(2):
        ran = space.events("a")
        assert ran.code == 1
        assert ran.statuses == {"a": "failed"}
        assert f"`{output}` was not made" in ran.ended("a")["reasons"][0]


# Hit reported, nothing restored


def test_after_a_hit_every_output_is_there_again(space: Space) -> None:
    space.tasks(
        '[tasks.a]\nrun = "mkdir -p gen/deep gen/empty; cat in | tee out gen/x gen/deep/y; chmod +x gen/x; '
        'ln -s x gen/link"\ninputs = ["in"]\noutputs = ["out", "gen/"]\n'
    )
    space.write({"in": "1"})
    ran = space.events("a").ok()
    before = snapshot(space.root / "gen")
    (space.root / "out").unlink()
    for name in ("x", "link", "deep/y"):
        (space.root / "gen" / name).unlink()
    os.rmdir(space.root / "gen/deep")
    os.rmdir(space.root / "gen/empty")
    os.rmdir(space.root / "gen")
    again = space.events("a").ok()
    assert again.statuses == {"a": "restored"}
    assert again.ended("a")["outputs"] == ran.ended("a")["outputs"]
    assert again.output("a") == ran.output("a") == "1", "the log is told again"
    assert snapshot(space.root / "gen") == before
    assert os.readlink(space.root / "gen/link") == "x"
    assert os.listdir(space.root / "gen/empty") == []
    assert space.read("out") == "1"


def test_after_a_hit_a_checkout_in_an_owned_folder_is_whole(space: Space) -> None:
    space.tasks(
        '[tasks.a]\nrun = "mkdir -p gen/.git; cat in > gen/.git/HEAD; cat in > gen/x"\n'
        'inputs = ["in"]\noutputs = ["gen/"]\n'
    )
    space.write({"in": "1"})
    space.events("a").ok()
    before = snapshot(space.root / "gen")
    shutil.rmtree(space.root / "gen")
    space.events("a").ok()
    assert snapshot(space.root / "gen") == before


# Exec bit


def test_the_exec_bit_is_in_the_key_and_comes_back(space: Space) -> None:
    space.tasks('[tasks.a]\nrun = "cp -p tool out"\ninputs = ["tool"]\noutputs = ["out"]\n')
    space.write({"tool": "#!/bin/sh\n"})
    space.events("a").ok()
    (space.root / "tool").chmod(0o755)
    assert space.events("a").ok().statuses == {"a": "ran"}
    assert os.access(space.root / "out", os.X_OK)
    (space.root / "tool").chmod(0o644)
    assert space.events("a").ok().statuses == {"a": "restored"}
    assert not os.access(space.root / "out", os.X_OK)


# Early cut-off, and restore


CHAIN = (
    '[tasks.strip]\nrun = "grep -v ^# src > code"\ninputs = ["src"]\noutputs = ["code"]\n'
    '[tasks.build]\nrun = "sort code > prog"\ninputs = ["code"]\noutputs = ["prog"]\n'
    '[tasks.pack]\ndeps = ["build"]\nrun = "cat prog prog > pack"\ninputs = ["prog"]\noutputs = ["pack"]\n'
)


def test_a_dep_that_makes_the_same_again_wakes_nobody(space: Space) -> None:
    space.tasks(CHAIN)
    space.write({"src": "b\na\n"})
    space.events("pack").ok()
    space.write({"src": "# a comment\nb\na\n"})
    assert space.events("pack").ok().statuses == {"strip": "ran", "build": "fresh", "pack": "fresh"}


def test_early_cut_off_and_restore_work_together(space: Space) -> None:
    space.tasks(CHAIN)
    space.write({"src": "b\na\n"})
    space.events("pack").ok()
    for name in ("code", "prog", "pack"):
        (space.root / name).unlink()
    (space.root / ".trun/state/ledger").unlink()
    space.write({"src": "# a comment\nb\na\n"})
    assert space.events("pack").ok().statuses == {"strip": "ran", "build": "restored", "pack": "restored"}
    assert space.read("pack") == "a\nb\na\nb\n"
    assert set(space.events("pack").ok().statuses.values()) == {"fresh"}


# Command killed or failed


@pytest.mark.parametrize("end", ["exit 1", "kill -KILL $$", "kill -TERM $$"])
def test_partial_output_of_a_command_that_failed_is_never_up_to_date(space: Space, end: str) -> None:
    space.tasks(
        f'[tasks.a]\nrun = "echo half > out; test -e fixed || {{ {end}; }}; echo whole >> out"\n'
        'inputs = ["in"]\noutputs = ["out"]\n'
    )
    space.write({"in": ""})
    for _ in range(2):
        assert space.events("a").statuses == {"a": "failed"}
        assert space.read("out") == "half\n"
    space.write({"fixed": ""})
    assert space.events("a").ok().statuses == {"a": "ran"}
    assert space.read("out") == "half\nwhole\n"


def test_what_was_fresh_before_a_failure_is_not_fresh_after_it(space: Space, puppets: Puppets) -> None:
    space.tasks(f'[tasks.a]\n{puppets.cmd("a")}\ninputs = ["in"]\noutputs = ["out"]\n')
    space.write({"in": ""})
    trun = space.start("--json", "a")
    puppet = puppets.arrive("a")
    space.write({"out": "good"})
    puppet.exit()
    trun.wait().ok()
    trun = space.start("--json", "--force", "a")
    puppet = puppets.arrive("a")
    space.write({"out": "half"})
    puppet.exit(1)
    assert trun.wait().statuses == {"a": "failed"}
    assert space.events("a").ok().statuses == {"a": "restored"}
    assert space.read("out") == "good"


def test_trun_killed_in_mid_task_leaves_unknown_and_never_fresh(space: Space, puppets: Puppets) -> None:
    space.tasks(f'[tasks.a]\n{puppets.cmd("a")}\ninputs = ["in"]\noutputs = ["out"]\n')
    space.write({"in": "", "out": "half"})
    trun = space.start("--json", "a")
    puppet = puppets.arrive("a")
    trun.signal(signal.SIGKILL)
    puppet.gone()
    trun.wait()
    assert [one["would"] for one in space.events("--plan", "a").ok().of("task_planned")] == ["run"]


@pytest.mark.parametrize("way", ["interrupted", "out of time"])
def test_a_command_that_ends_well_after_an_interrupt_is_not_stored(space: Space, puppets: Puppets, way: str) -> None:
    timeout = 'timeout = "1s"' if way == "out of time" else ""
    space.tasks(f'[tasks.a]\n{puppets.cmd("a")}\ninputs = ["in"]\noutputs = ["out"]\n{timeout}\n')
    space.write({"in": "", "out": "half"})
    trun = space.start("--json", "a")
    puppet = puppets.arrive("a")
    puppet.catch(signal.SIGINT, signal.SIGTERM)
    if way == "interrupted":
        trun.signal(signal.SIGINT)
    puppet.caught()
    puppet.exit(0)
    ended = trun.wait().ended("a")["status"]
    assert ended == ("cancelled" if way == "interrupted" else "timed_out")
    assert [one["would"] for one in space.events("--plan", "a").ok().of("task_planned")] == ["run"]


def test_what_a_failed_attempt_left_in_an_owned_folder_is_in_no_result(space: Space) -> None:
    space.tasks(
        '[tasks.a]\nrun = "mkdir -p gen; test -e flag || { : > flag; : > gen/half; exit 1; }; : > gen/whole"\n'
        'inputs = ["in"]\noutputs = ["gen/"]\nretry = { count = 1, delay = "0s" }\n'
    )
    space.write({"in": ""})
    assert space.events("a").ok().ended("a")["outputs"] == ["gen/whole"]


# A failure that was allowed


def test_a_result_made_while_an_allowed_failure_stood_is_not_stored(space: Space) -> None:
    space.tasks(
        '[tasks.bad]\nallow_failure = true\nrun = "test -e ok"\n'
        '[tasks.a]\ndeps = ["bad"]\nrun = "cat in > out"\ninputs = ["in"]\noutputs = ["out"]\n'
    )
    space.write({"in": "1"})
    for _ in range(2):
        assert space.events("a").ok().statuses == {"bad": "failed", "a": "ran"}
    space.write({"ok": ""})
    assert space.events("a").ok().statuses == {"bad": "ran", "a": "ran"}
    assert space.events("a").ok().statuses == {"bad": "ran", "a": "fresh"}


# The key has no two meanings


def test_a_name_that_is_kept_and_the_same_text_as_a_literal_are_two_commands(space: Space) -> None:
    space.tasks('[tasks.a]\nrun = "echo {{inputs}} > out"\ninputs = ["in"]\noutputs = ["out"]\n')
    space.write({"in": "1"})
    space.events("a").ok()
    assert space.read("out") == "in\n"
    space.tasks('[tasks.a]\nrun = "echo {{{{inputs}} > out"\ninputs = ["in"]\noutputs = ["out"]\n')
    space.events("a").ok()
    assert space.read("out") == "{{inputs}}\n"


def test_a_folder_that_is_kept_and_one_that_is_called_so_are_two_outputs(space: Space) -> None:
    space.tasks(
        "[tasks.a]\nrun = \"mkdir -p x 'keep x'; echo 1 > x/f; echo 2 > 'keep x/f'\"\ninputs = [\"in\"]\n"
        'outputs = [{ path = "x/", keep = true }]\n'
    )
    space.write({"in": "1"})
    space.events("a").ok()
    space.tasks(space.read("tasks.toml").replace('{ path = "x/", keep = true }', '"keep x/"'))
    assert space.events("a").ok().ended("a")["outputs"] == ["keep x/f"]
