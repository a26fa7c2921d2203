"""`--exec`: one command without a tasks file, run once and replayed from then on, byte for byte."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kit.process import Ran, trun_argv
from tests.kit.puppet import Puppets
from tests.kit.space import Space

# Counts how often it was run, says something on both streams, and makes a file of another.
COUNTING = "echo x >> count; echo out; echo err >&2; cat in > made"


def exec_(space: Space, *words: str, **more: Any) -> Ran:
    return space.run("--exec", *words, **more)


def sh(space: Space, script: str, *options: str, **more: Any) -> Ran:
    """A shell's script as the one command."""
    return exec_(space, *options, "--", "sh", "-c", script, **more)


def runs(space: Space, name: str = "count") -> int:
    """How often the command was run, as it noted itself."""
    return len(space.read(name).splitlines()) if space.has(name) else 0


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def blobs(folder: Path) -> list[Path]:
    return [path for path in (folder / "cas").rglob("*") if path.is_file()]


# ── what is replayed


def test_what_was_written_is_replayed_with_the_files_and_the_exit_status(space: Space) -> None:
    space.write({"in": "1"})
    first = sh(space, COUNTING, "--inputs", "in", "--outputs", "made")
    (space.root / "made").unlink()
    second = sh(space, COUNTING, "--inputs", "in", "--outputs", "made")
    assert (first.stdout, first.stderr, first.code) == ("out\n", "err\n", 0)
    assert (second.stdout, second.stderr, second.code) == ("out\n", "err\n", 0)
    assert space.read("made") == "1"
    assert runs(space) == 1


def test_what_was_written_is_replayed_each_time_also_where_no_file_is_missing(space: Space) -> None:
    space.write({"in": "1"})
    told = [sh(space, COUNTING, "--inputs", "in", "--outputs", "made").stdout for _ in range(4)]
    assert told == ["out\n"] * 4
    assert runs(space) == 1


@pytest.mark.parametrize("code", [1, 2, 3, 70, 125, 128, 200, 255])
def test_an_ordinary_failure_is_replayed_too(space: Space, code: int) -> None:
    script = f"echo x >> count; echo why >&2; exit {code}"
    for _ in range(3):
        ran = sh(space, script)
        assert (ran.code, ran.stdout, ran.stderr) == (code, "", "why\n")
    assert runs(space) == 1


@pytest.mark.parametrize("code", [126, 127, 130, 137, 143])
def test_a_status_that_says_of_no_result_is_not_kept(space: Space, code: int) -> None:
    for _ in range(2):
        assert sh(space, f"echo x >> count; exit {code}").code == code
    assert runs(space) == 2


@pytest.mark.parametrize("signum", [1, 2, 9, 11, 15])
def test_a_command_that_a_signal_ends_is_told_by_its_number_and_not_kept(space: Space, signum: int) -> None:
    for _ in range(2):
        ran = sh(space, f"echo x >> count; kill -{signum} $$")
        assert (ran.code, ran.signal, ran.stderr) == (128 + signum, None, "")
    assert runs(space) == 2


def test_a_failure_keeps_the_files_that_it_made(space: Space) -> None:
    script = "echo x >> count; echo half > made; exit 4"
    assert sh(space, script, "--outputs", "made").code == 4
    (space.root / "made").unlink()
    assert sh(space, script, "--outputs", "made").code == 4
    assert space.read("made") == "half\n"
    assert runs(space) == 1


def test_a_failure_may_lack_its_outputs(space: Space) -> None:
    for _ in range(2):
        ran = sh(space, "echo x >> count; exit 4", "--outputs", "made")
        assert (ran.code, ran.stderr) == (4, "")
    assert runs(space) == 1


ALL_BYTES = bytes(range(256))


def test_bytes_are_what_they_are(space: Space) -> None:
    space.write({"in": ALL_BYTES * 300 + b"\xff\xfe\0\x1b[31m no line end"})
    script = "echo x >> count; cat in; cat in >&2"
    for _ in range(2):
        ran = sh(space, script, "--inputs", "in")
        assert ran.raw_stdout == (space.root / "in").read_bytes()
        assert ran.raw_stderr == ran.raw_stdout
    assert runs(space) == 1


@pytest.mark.slow
def test_fifty_megabytes_are_replayed_whole(space: Space, tmp_path: Path) -> None:
    made = "import sys; [sys.stdout.buffer.write(b'%08d' % n * 128) for n in range(51_200)]"
    argv = trun_argv("--exec", "--", sys.executable, "-c", made)
    for at in range(2):
        with (tmp_path / str(at)).open("wb") as out:
            subprocess.run(argv, cwd=space.root, env=space.environ, stdout=out, check=True)
    whole = (tmp_path / "0").read_bytes()
    assert len(whole) == 51_200 * 1024
    assert (tmp_path / "1").read_bytes() == whole


def test_what_is_told_on_both_streams_keeps_its_order_when_they_lead_to_one_place(
    space: Space, puppets: Puppets
) -> None:
    words = ("--exec", "--", *puppets.argv("a"))
    trun = space.start(*words, stderr=subprocess.STDOUT)
    puppet = puppets.arrive("a")
    told = b""
    for at in range(6):
        puppet.write(f"{at}\n", fd=1 + at % 2)
        told += b"%d\n" % at
        # It comes while the command runs, or this would wait for ever.
        space.wires.until(lambda: bytes(trun.stdout) == told, f"{told!r}")  # noqa: B023
    puppet.exit(5)
    assert trun.wait().code == 5
    again = space.run(*words, stderr=subprocess.STDOUT)
    assert (again.raw_stdout, again.code) == (told, 5)


def test_trun_adds_nothing_in_ci_or_in_colour(space: Space) -> None:
    env = {"CI": "true", "GITHUB_ACTIONS": "true", "FORCE_COLOR": "1"}
    for _ in range(2):
        ran = sh(space, "echo '::set-output name=a::b'; printf '\\033[1mx'", env=env)
        assert (ran.stdout, ran.stderr) == ("::set-output name=a::b\n\x1b[1mx", "")


def test_who_hangs_up_early_harms_nothing(space: Space) -> None:
    made = "import sys; open('count', 'a').write('x\\n'); sys.stdout.write('y' * 3_000_000)"
    assert len(exec_(space, "--", sys.executable, "-c", made).stdout) == 3_000_000
    trun = subprocess.Popen(
        trun_argv("--exec", "--", sys.executable, "-c", made),
        cwd=space.root, env=space.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert trun.stdout is not None
    assert trun.stderr is not None
    assert trun.stdout.read(1) == b"y"
    trun.stdout.close()
    assert trun.stderr.read() == b""
    trun.stderr.close()
    assert trun.wait() == 0
    assert runs(space) == 1


# ── what the key holds


def changes_input(space: Space) -> dict[str, Any]:
    space.write({"in": "2"})
    return {}


def changes_mode(space: Space) -> dict[str, Any]:
    (space.root / "in").chmod(0o755)
    return {}


def changes_variable(space: Space) -> dict[str, Any]:
    return {"env": {"COUNTED": "2"}}


def unsets_variable(space: Space) -> dict[str, Any]:
    return {"env": {"COUNTED": None}}


def adds_input(space: Space) -> dict[str, Any]:
    space.write({"in.d/new": ""})
    return {}


def links_input(space: Space) -> dict[str, Any]:
    (space.root / "in").rename(space.root / "other")
    (space.root / "in").symlink_to("other")
    return {}


@pytest.mark.parametrize(
    "change", [changes_input, changes_mode, changes_variable, unsets_variable, adds_input, links_input]
)
def test_what_the_command_may_depend_on_is_in_its_key(space: Space, change: Callable[[Space], dict[str, Any]]) -> None:
    space.write({"in": "1", "in.d/old": ""})
    options = ("--inputs", "in", "in.d/*", "--uses-env", "COUNTED", "--pass-env", "PASSED")
    env = {"COUNTED": "1", "PASSED": "1"}
    script = 'echo x >> count; cat in; echo "$COUNTED"'
    sh(space, script, *options, env=env).ok()
    sh(space, script, *options, env=env).ok()
    assert runs(space) == 1
    more = change(space)
    sh(space, script, *options, env={**env, **more.get("env", {})}).ok()
    assert runs(space) == 2


def touches_input(space: Space) -> dict[str, Any]:
    os.utime(space.root / "in", (1, 1))
    return {}


def passes_another(space: Space) -> dict[str, Any]:
    return {"env": {"PASSED": "2"}}


def sets_a_stranger(space: Space) -> dict[str, Any]:
    return {"env": {"STRANGE": "2"}}


def adds_what_no_pattern_names(space: Space) -> dict[str, Any]:
    space.write({"elsewhere": "", "tasks.toml": "this is [no tasks file"})
    return {}


@pytest.mark.parametrize("change", [touches_input, passes_another, sets_a_stranger, adds_what_no_pattern_names])
def test_what_it_cannot_depend_on_is_not(space: Space, change: Callable[[Space], dict[str, Any]]) -> None:
    space.write({"in": "1"})
    options = ("--inputs", "in", "--uses-env", "COUNTED", "--pass-env", "PASSED")
    env = {"COUNTED": "1", "PASSED": "1"}
    sh(space, COUNTING, *options, env=env).ok()
    more = change(space)
    sh(space, COUNTING, *options, env={**env, **more.get("env", {})}).ok()
    assert runs(space) == 1


def test_another_word_of_the_command_is_another_command(space: Space) -> None:
    for word in ("a", "b", "a b", "a"):
        assert exec_(space, "--", "echo", word).stdout == f"{word}\n"
    assert exec_(space, "--", "echo", "a", "b").stdout == "a b\n"
    assert exec_(space, "--", "printf", "%s.", "a b").stdout == "a b."
    assert exec_(space, "--", "printf", "%s.", "a", "b").stdout == "a.b."


def test_the_current_folder_is_in_the_key(space: Space) -> None:
    space.write({"one/in": "1", "two/in": "1"})
    store = str(space.root / "store")
    for folder in ("one", "two", "one", "two"):
        ran = exec_(space, "--inputs", "in", "--stamp-dir", store, "--", "pwd", cwd=folder)
        assert ran.stdout == f"{space.root / folder}\n"
    assert exec_(space, "-C", "one", "--inputs", "in", "--", "pwd").stdout == f"{space.root / 'one'}\n"
    assert space.has("one/.trun")
    assert not space.has(".trun")


def test_the_same_folder_is_the_same_whatever_links_lead_there(space: Space) -> None:
    space.write({"real/in": "1"})
    (space.root / "link").symlink_to("real")
    for folder in ("real", "link"):
        sh(space, COUNTING, "--inputs", f"{space.root}/{folder}/in", cwd=folder).ok()
    assert runs(space, "real/count") == 1


def test_the_command_sees_what_a_cached_task_sees(space: Space) -> None:
    env = {"SEEN": "1", "PASSED_A": "2", "HIDDEN": "3", "LC_ALL": "C", "CI": "1", "PWD": "/"}
    ran = exec_(space, "--uses-env", "SEEN", "ABSENT", "--pass-env=PASSED_*", "--", "env", env=env).ok()
    names = {line.partition("=")[0] for line in ran.stdout.splitlines()}
    assert {"SEEN", "PASSED_A", "PATH", "HOME", "LANG"} <= names
    assert not {"HIDDEN", "LC_ALL", "CI", "ABSENT"} & names


def test_standard_input_is_empty(space: Space) -> None:
    for _ in range(2):
        ran = subprocess.run(
            trun_argv("--exec", "--", "sh", "-c", "echo x >> count; cat"),
            cwd=space.root, env=space.environ, input=b"secret", capture_output=True, check=True,
        )  # fmt: skip
        assert ran.stdout == b""
    assert runs(space) == 1


def test_without_inputs_nothing_that_is_read_counts(space: Space) -> None:
    space.write({"in": "1"})
    assert sh(space, "cat in").stdout == "1"
    space.write({"in": "2"})
    assert sh(space, "cat in").stdout == "1"


# ── files


def test_inputs_may_lie_outside_of_the_current_folder(space: Space) -> None:
    space.write({"in": "1", "sub/x": "", "lib/a.h": "1"})
    absolute = str(space.root / "lib" / "*.h")
    script = "echo x >> count; cat ../in ../lib/a.h"
    for at, (name, content) in enumerate([("in", "1"), ("in", "2"), ("lib/a.h", "2"), ("lib/b.h", "")], start=1):
        space.write({name: content})
        for _ in range(2):
            sh(space, script, "--inputs", "../in", absolute, cwd="sub").ok()
        assert runs(space, "sub/count") == at


def test_an_absolute_path_here_is_the_same_as_a_relative_one(space: Space) -> None:
    space.write({"in": "1"})
    here = str(space.root)
    assert exec_(space, "--inputs", f"{here}/in", "--outputs", f"{here}/made", "--", "cp", "in", "made").code == 0
    (space.root / "made").unlink()
    assert exec_(space, "-v", "--inputs", "in", "--outputs", "made", "--", "cp", "in", "made").code == 0
    assert space.read("made") == "1"


def test_names_are_taken_as_they_are(space: Space) -> None:
    space.write({"@in": "1", "a{{b}}": "2", "sp ace": "3", "y1": ""})
    script = 'echo x >> count; cat "@in" "a{{b}}" "sp ace" y1 > "{{o}}"; echo "{{who}}"'
    options = ("--inputs", "@in", "a\\{\\{b*", "sp ace", "{{x,y},z}1", "--outputs", "\\{\\{o\\}\\}")
    assert sh(space, script, *options).stdout == "{{who}}\n"
    (space.root / "{{o}}").unlink()
    assert sh(space, script, *options).stdout == "{{who}}\n"
    assert (space.read("{{o}}"), runs(space)) == ("123", 1)
    for at, name in enumerate(["a{{b}}", "@in", "y1"], start=2):
        space.write({name: "4"})
        sh(space, script, *options).ok()
        assert runs(space) == at


def test_a_folder_that_is_an_output_is_emptied_and_comes_back_as_it_was(space: Space) -> None:
    script = "echo x >> count; mkdir -p out/deep; ls out; echo 1 > out/deep/a; ln -s a out/deep/l; chmod +x out/deep/a"
    space.write({"out/stray": ""})
    assert sh(space, script, "--outputs", "out/").stdout == "deep\n"
    subprocess.run(["rm", "-r", str(space.root / "out/deep")], check=True)
    space.write({"out/stray": ""})
    assert sh(space, script, "--outputs", "out/").stdout == "deep\n"
    assert files(space.root / "out") == {"deep", "deep/a", "deep/l"}
    assert os.access(space.root / "out/deep/a", os.X_OK)
    assert os.readlink(space.root / "out/deep/l") == "a"
    assert runs(space) == 1


def test_an_output_that_was_changed_is_put_right(space: Space) -> None:
    space.write({"in": "1"})
    sh(space, COUNTING, "--inputs", "in", "--outputs", "made").ok()
    space.write({"made": "tampered"})
    sh(space, COUNTING, "--inputs", "in", "--outputs", "made").ok()
    assert (space.read("made"), runs(space)) == ("1", 1)


def test_a_declared_output_that_is_not_made_is_an_error_and_nothing_is_kept(space: Space) -> None:
    for _ in range(2):
        ran = sh(space, "echo x >> count; echo out", "--outputs", "made", "other/*.o")
        assert (ran.code, ran.stdout) == (1, "out\n")
        assert ran.stderr == "error: declared outputs `made`, `other/*.o` were not made\n"
    assert runs(space) == 2


def test_an_input_that_changes_meanwhile_is_told_of_and_nothing_is_kept(space: Space) -> None:
    space.write({"in": "1"})
    ran = sh(space, "echo x >> count; echo more >> in", "--inputs", "in")
    assert (ran.code, ran.stderr) == (0, "warning: `in` changed while it ran: the result stays, and is not cached\n")
    sh(space, "echo x >> count; echo more >> in", "--inputs", "in")
    assert runs(space) == 2


def test_a_run_of_tasks_clears_nothing_of_it_away(space: Space) -> None:
    space.tasks('[tasks.other]\nrun = "cat in > other"\ninputs = ["in"]\noutputs = ["other"]\n')
    space.write({"in": "1"})
    sh(space, COUNTING, "--inputs", "in", "--outputs", "made").ok()
    space.run("other").ok()
    assert space.has("made")
    sh(space, COUNTING, "--inputs", "in", "--outputs", "made").ok()
    assert space.has("other")
    assert space.run("--runs").ok().stdout.count("other") == 1
    assert runs(space) == 1


# ── where it is kept


def test_with_a_stamp_dir_nothing_is_written_anywhere_else(space: Space, tmp_path: Path) -> None:
    space.write({"in": "1"})
    store = tmp_path / "elsewhere" / "store"
    options = ("--inputs", "in", "--outputs", "out/", "--stamp-dir", str(store))
    script = "echo 1 > out/made; echo told"
    (space.root / "out").mkdir()
    env = {"TRUN_CACHE_DIR": str(tmp_path / "another")}
    assert sh(space, script, *options, env=env).stdout == "told\n"
    (space.root / "out/made").unlink()
    assert sh(space, script, *options, env=env).stdout == "told\n"
    assert files(space.root) == {"in", "out", "out/made"}
    assert files(space.home) == files(space.temporary) == set()
    assert not (tmp_path / "another").exists()
    assert blobs(store / ".trun/cache")
    assert not any((store / ".trun/exec/runs").iterdir())


def test_a_stamp_dir_in_the_current_folder_is_no_input(space: Space) -> None:
    space.write({"in": "1"})
    for _ in range(3):
        ran = sh(space, "echo told", "-v", "--inputs", "**", "--stamp-dir", "stamps")
        assert ran.stdout == "told\n"
    assert "trun: replayed" in ran.stderr
    assert files(space.root) - files(space.root / "stamps") >= {"in", "stamps"}
    assert not space.has(".trun")


def test_without_one_it_is_kept_below_the_current_folder(space: Space) -> None:
    sh(space, "echo told").ok()
    assert blobs(space.root / ".trun/cache")
    assert (space.root / ".trun/.gitignore").exists()


def test_the_cache_may_be_elsewhere(space: Space, tmp_path: Path) -> None:
    env = {"TRUN_CACHE_DIR": str(tmp_path / "cache")}
    for _ in range(2):
        sh(space, "echo x >> count; echo told", env=env).ok()
    assert blobs(tmp_path / "cache")
    assert not space.has(".trun/cache")
    assert runs(space) == 1


def test_without_a_cache_it_is_run_each_time_and_nothing_is_kept(space: Space) -> None:
    for _ in range(2):
        assert sh(space, "echo x >> count; echo told", env={"TRUN_NO_CACHE": "1"}).stdout == "told\n"
        assert sh(space, "echo x >> count; echo told", "--no-cache").stdout == "told\n"
    assert runs(space) == 4
    assert not blobs(space.root / ".trun/cache")


def test_force_runs_it_anew(space: Space) -> None:
    for _ in range(2):
        assert sh(space, "echo x >> count; wc -l < count | tr -d ' '", "--force").code == 0
    assert sh(space, "echo x >> count; wc -l < count | tr -d ' '").stdout == "2\n"
    assert runs(space) == 2


def damage(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(b"x" + path.read_bytes()[1:])


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("part", ["ac", "cas"])
@pytest.mark.parametrize("harm", [damage, truncate, Path.unlink], ids=["damaged", "truncated", "gone"])
def test_what_is_damaged_in_the_cache_is_run_again(space: Space, part: str, harm: Callable[[Path], None]) -> None:
    space.write({"in": "1"})
    sh(space, COUNTING, "--inputs", "in", "--outputs", "made").ok()
    for path in [path for path in (space.root / ".trun/cache" / part).rglob("*") if path.is_file()]:
        harm(path)
    (space.root / "made").unlink()
    ran = sh(space, COUNTING, "--inputs", "in", "--outputs", "made")
    assert (ran.code, ran.stdout, space.read("made")) == (0, "out\n", "1")
    assert runs(space) == 2
    again = sh(space, COUNTING, "--inputs", "in", "--outputs", "made")
    assert (again.code, again.stdout, again.stderr) == (0, "out\n", "err\n")
    assert runs(space) == 2


def test_a_place_that_cannot_be_written_costs_a_warning(space: Space) -> None:
    space.write({".trun": "in the way"})
    for _ in range(2):
        ran = sh(space, "echo x >> count; echo told")
        assert (ran.code, ran.stdout) == (0, "told\n")
        assert ran.stderr.startswith("warning: ")
        assert "Traceback" not in ran.stderr
    assert runs(space) == 2


# ── two at once


def test_of_two_at_once_one_runs_and_the_other_waits_and_replays(space: Space, puppets: Puppets) -> None:
    words = ("--exec", "--outputs", "made", "--", *puppets.argv("a"))
    first = space.start(*words)
    puppet = puppets.arrive("a")
    second = space.start("-v", *words)
    space.wires.until(lambda: b"waits for process" in second.stderr, "the second one waits")
    third = space.start(*words)
    puppet.write("told\n")
    puppet.ask("write", 2, b"err\n")
    space.write({"made": "by the first"})
    puppet.exit(3)
    ran = first.wait()
    assert (ran.code, ran.stdout, ran.stderr) == (3, "told\n", "err\n")
    ran = second.wait()
    assert (ran.code, ran.stdout) == (3, "told\n")
    assert "err\n" in ran.stderr
    ran = third.wait()
    assert (ran.code, ran.stdout, ran.stderr) == (3, "told\n", "err\n")
    assert not puppets.unseen


def test_a_command_that_asks_for_itself_is_refused(space: Space) -> None:
    script = 'exec "$0" -m runner.main --exec -- sh -c "$1" "$0" "$1"'
    ran = exec_(space, "--", "sh", "-c", script, sys.executable, script)
    assert ran.code == 2
    assert ran.stderr == "error: this command is running already, and this trun was started by it\n"


# ── what trun says


@pytest.mark.parametrize("command", ["no-such-command", "./no-such-command", "no/such/command", ""])
def test_a_command_that_is_not_there_is_told_in_one_line(space: Space, command: str) -> None:
    for _ in range(2):
        ran = exec_(space, "--", command, "x")
        assert (ran.code, ran.stdout) == (127, "")
        assert ran.stderr == f"error: command `{command}` not found\n"


def test_a_command_that_cannot_be_executed_is_told_in_one_line(space: Space) -> None:
    space.write({"plain": "echo x", "script": "#!/no/such/interpreter\n"})
    (space.root / "script").chmod(0o755)
    plain = exec_(space, "--", "./plain")
    assert (plain.code, plain.stderr) == (126, "error: `./plain` could not be started: Permission denied\n")
    script = exec_(space, "--", "./script")
    assert (script.code, script.stderr) == (126, "error: `./script` could not be started: No such file or directory\n")


def test_with_v_it_says_what_it_does_and_why(space: Space) -> None:
    space.write({"in": "1"})
    options = ("-v", "--inputs", "in")
    first = sh(space, "cat in", *options).stderr.splitlines()
    assert first[0] == "trun: runs `sh -c 'cat in'`"
    assert first[1].startswith("trun: ran in ")
    assert first[1].endswith("s: no earlier result")
    assert sh(space, "cat in", *options).stderr.endswith("s: nothing has changed\n")
    space.write({"in": "2"})
    assert sh(space, "cat in", *options).stderr.endswith("s: `in` changed\n")


def test_why_says_why_and_runs_nothing(space: Space) -> None:
    space.write({"in": "1"})
    options = ("--inputs", "in", "--outputs", "made")
    new = sh(space, COUNTING, "--why", *options).ok()
    assert new.stdout.startswith(f"sh -c '{COUNTING}': would run\n  no earlier result\n")
    assert (runs(space), space.has("made")) == (0, False)
    sh(space, COUNTING, *options).ok()
    same = sh(space, COUNTING, "--why", *options).ok()
    assert same.stdout.startswith(f"sh -c '{COUNTING}': would be replayed\n  nothing has changed\n  made in run ")
    (space.root / "made").unlink()
    missing = sh(space, COUNTING, "--why", *options).ok()
    assert ": would be replayed\n  output `made` is missing\n" in missing.stdout
    assert not space.has("made")
    space.write({"in": "2"})
    changed = sh(space, COUNTING, "--why", *options).ok()
    assert ": would run\n  `in` changed\n    old  file " in changed.stdout
    assert runs(space) == 1


def test_why_answers_in_json_too(space: Space) -> None:
    told = json.loads(sh(space, "exit 3", "--why", "--json").ok().stdout)
    assert [target["would"] for target in told["targets"]] == ["run"]
    assert sh(space, "exit 3").code == 3
    told = json.loads(sh(space, "exit 3", "--why", "--json").ok().stdout)
    assert [target["would"] for target in told["targets"]] == ["restore"]


def test_a_plan_runs_nothing(space: Space) -> None:
    assert sh(space, COUNTING, "-n").ok().stdout == "would run: no earlier result\n"
    assert runs(space) == 0
    sh(space, "exit 3")
    assert sh(space, "exit 3", "--plan").ok().stdout == "would be replayed: nothing has changed\n"


def test_events_take_standard_output_and_the_bytes_standard_error(space: Space) -> None:
    for status in ("failed", "failed"):
        ran = sh(space, "echo out; echo err >&2; exit 3", "--json")
        assert (ran.code, sorted(ran.stderr.splitlines())) == (3, ["err", "out"])
        ended = ran.of("task_ended")
        assert [(one["status"], one["exit_code"]) for one in ended] == [(status, 3)]
        assert ran.events[-1]["event"] == "run_ended"
        assert ran.events[-1]["exit_code"] == 3
        assert "".join(one["text"] for one in ran.of("task_output") if one["stream"] == "stdout") == "out\n"
    assert ended[0]["task"].startswith("exec{command=sh-")


def test_events_may_go_to_a_file(space: Space) -> None:
    for status in ("ran", "restored"):
        ran = sh(space, "echo out; echo err >&2", "--json=events")
        assert (ran.stdout, ran.stderr) == ("out\n", "err\n")
        assert [one["status"] for one in ran.of("task_ended")] == [status]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--outputs", "../x", "--", "true"], "error: output `../x` is outside of the current folder\n"),
        (["--outputs", "/etc/x", "--", "true"], "error: output `/etc/x` is outside of the current folder\n"),
        (["--inputs", "a[", "--", "true"], "error: `[` is never closed in `a[`\n  command line:1:22\n"),
        (["--inputs", ".git/HEAD", "--", "true"], "error: no pattern reaches into `.git`: `.git/HEAD`\n"),
        (["--inputs", "x", "--outputs", "x", "--", "true"], "error: input `x` of task `exec` is one of its own"),
        (["--stamp-dir", "file", "--", "true"], "error: `--stamp-dir file` is not a folder\n"),
        (["-C", "nowhere", "--", "true"], "error: the folder `nowhere` is not there\n"),
        (["--inputs", "fifo", "--", "true"], "error: `fifo` is a FIFO: only files, folders and links can be inputs"),
    ],
)
def test_a_wrong_request_is_refused_before_anything_runs(space: Space, words: list[str], told: str) -> None:
    space.write({"file": ""})
    os.mkfifo(space.root / "fifo")
    ran = exec_(space, *words)
    assert ran.code == 2
    assert ran.stderr.startswith(told)


def test_a_refusal_points_at_the_word(space: Space) -> None:
    ran = exec_(space, "--inputs", "a", "b", "--outputs", "x", "--outputs=../y", "--", "true").refused()
    assert ran.stderr.splitlines() == [
        "error: output `../y` is outside of the current folder",
        "  command line:1:48",
        "    1 | trun --exec --inputs a b --outputs x --outputs=../y -- true",
        "      |                                                ^^^^",
        "  hint: `-C DIR` works in a folder above it",
    ]


def test_no_tasks_file_is_needed_or_read(space: Space) -> None:
    space.tasks("this is [no tasks file")
    assert exec_(space, "--", "echo", "told").ok().stdout == "told\n"
    (space.root / "tasks.toml").unlink()
    assert exec_(space, "--", "echo", "told").ok().stdout == "told\n"


@pytest.mark.parametrize("is_hit", [True, False], ids=["hit", "miss"])
def test_a_hit_needs_no_loop(space: Space, is_hit: bool) -> None:
    if is_hit:
        exec_(space, "--", "echo", "told").ok()
    code = (
        "import sys; from runner.main import main; code = main(); "
        "print(sorted({'anyio', 'asyncio', 'typer', 'tempfile', 'tomllib'} & set(sys.modules)), code)"
    )
    argv = [sys.executable, "-c", code, "--exec", "--", "echo", "told"]
    told = subprocess.run(argv, cwd=space.root, env=space.environ, capture_output=True, check=True, text=True).stdout
    assert told.splitlines()[-1] == "[] 0" if is_hit else "anyio" in told
