"""What the cache promises when files are damaged, in the way or changed at the wrong moment, seen from outside."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit.puppet import Puppets
from tests.kit.space import Space

TASK = '[tasks.a]\nrun = "cat in > out; echo told"\ninputs = ["in"]\noutputs = ["out"]\n'
NAMES = (b"-rf", b"new\nline", b"bad\xff\xfe", b"\"q'uo$te`", b" sp ace ", b"*.c", b"\x1b[31mred", b"a\\b", b"{{x}}")


def _records(space: Space) -> list[Path]:
    return sorted(path for path in (space.root / ".trun/cache/ac").glob("*/*"))


def _blobs(space: Space) -> list[Path]:
    return sorted(path for path in (space.root / ".trun/cache/cas").glob("*/*/*"))


# Damage


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _extend(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def _folder(path: Path) -> None:
    path.unlink()
    (path / "x").mkdir(parents=True)


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _link(path: Path) -> None:
    moved = path.rename(path.with_name("moved"))
    path.symlink_to(moved)


DAMAGES = (_cut, _flip, _extend, _folder, _fifo, _link)


@pytest.mark.parametrize("damage", DAMAGES, ids=[damage.__name__ for damage in DAMAGES])
@pytest.mark.parametrize("kind", ["blob", "record"])
def test_a_damaged_file_of_the_cache_costs_one_run_and_one_warning_that_names_it(
    space: Space, kind: str, damage: Callable[[Path], None]
) -> None:
    space.tasks(TASK)
    space.write({"in": "good"})
    space.events("a").ok()
    before = space.read("out")
    (record,) = _records(space)
    file = record
    if kind == "blob":
        (file,) = (path for path in _blobs(space) if path.read_bytes() == b"good")
    file.chmod(0o644)
    damage(file)
    (space.root / "out").unlink()
    ran = space.events("a").ok()
    assert ran.statuses == {"a": "ran"}
    assert space.read("out") == before
    (warning,) = ran.of("warning")
    # Of a blob of another size it is the record that is set aside: nothing of it can be restored.
    assert any(str(one) in warning["message"] for one in (file, record))
    assert "set aside" in warning["message"]
    again = space.events("a").ok()
    assert again.statuses == {"a": "fresh"}
    assert not again.of("warning")
    assert space.run("--cache", "verify").code == 0


@pytest.mark.parametrize("damage", DAMAGES, ids=[damage.__name__ for damage in DAMAGES])
def test_verify_names_each_bad_file_once_and_finds_nothing_the_second_time(
    space: Space, damage: Callable[[Path], None]
) -> None:
    space.tasks(TASK)
    space.write({"in": "good"})
    space.events("a").ok()
    file = _blobs(space)[0]
    file.chmod(0o644)
    damage(file)
    found = space.run("--cache", "verify")
    assert found.code == 3
    assert file.name in found.stdout
    assert space.run("--cache", "verify").code == 0


def test_two_blobs_that_changed_places_are_never_restored(space: Space) -> None:
    space.tasks('[tasks.a]\nrun = "cat in > x; cat in in > y"\ninputs = ["in"]\noutputs = ["x", "y"]\n')
    space.write({"in": "1"})
    space.events("a").ok()
    one, two = _blobs(space)
    one.rename(one.with_name("kept"))
    two.rename(one)
    one.with_name("kept").rename(two)
    (space.root / "x").unlink()
    assert space.events("a").ok().statuses == {"a": "ran"}
    assert (space.read("x"), space.read("y")) == ("1", "11")
    assert space.run("--cache", "verify").code == 0


@pytest.mark.parametrize("name", ["state/ledger", "state/digests.blake3", "locks", "cache", "cache/cas", "cache/ac"])
@pytest.mark.parametrize("way", ["cut", "flipped", "a FIFO", "a link to nowhere", "gone"])
def test_whatever_of_trun_is_damaged_results_are_right_and_nothing_is_a_bug(space: Space, name: str, way: str) -> None:
    space.tasks(TASK)
    space.write({"in": "good"})
    space.events("a").ok()
    space.events("a").ok()
    path = space.root / ".trun" / name
    is_folder = path.is_dir()
    if is_folder or way not in ("cut", "flipped"):
        shutil.rmtree(path) if is_folder else path.unlink()
        if way == "a FIFO":
            os.mkfifo(path)
        elif way == "a link to nowhere":
            path.symlink_to(space.root / "nowhere")
        elif way != "gone":
            path.write_bytes(b"garbage")
    else:
        (_cut if way == "cut" else _flip)(path)
    space.write({"in": "better"})
    for _ in range(2):
        ran = space.run("a").ok()
        assert "Traceback" not in ran.stderr
        assert space.read("out") == "better"


# In the way, or gone, while a task runs


def _moved_away(trun: Path) -> None:
    trun.rename(trun.with_name("moved"))


def _a_file(trun: Path) -> None:
    shutil.rmtree(trun)
    trun.touch()


def _a_link(trun: Path) -> None:
    trun.symlink_to(trun.rename(trun.with_name("moved")))


def _no_cache(trun: Path) -> None:
    shutil.rmtree(trun / "cache", ignore_errors=True)


@pytest.mark.parametrize("way", [_moved_away, _a_file, _a_link, _no_cache])
def test_trun_is_taken_away_while_a_task_runs_and_the_run_goes_on(
    space: Space, puppets: Puppets, way: Callable[[Path], None]
) -> None:
    space.tasks(f'[tasks.a]\n{puppets.cmd("a")}\ninputs = ["in"]\noutputs = ["out"]\n')
    space.write({"in": ""})
    trun = space.start("--json", "a")
    puppet = puppets.arrive("a")
    way(space.root / ".trun")
    space.write({"out": "good"})
    puppet.exit()
    ran = trun.wait().ok()
    assert ran.statuses == {"a": "ran"}
    assert bool(ran.of("warning")) == (way is _a_file)
    assert [one["would"] for one in space.events("--plan", "a").ok().of("task_planned")] == [
        "run" if way is _a_file else "fresh"
    ]


# Inputs that change meanwhile


def _same_size_and_time(path: Path) -> None:
    was = path.stat()
    path.write_text("evil", encoding="utf-8")
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))


def _replaced(path: Path) -> None:
    was = path.stat()
    other = path.parent.with_name("other")
    other.write_text("evil", encoding="utf-8")
    os.utime(other, ns=(was.st_atime_ns, was.st_mtime_ns))
    other.rename(path)


def _from_the_future(path: Path) -> None:
    path.write_text("evil", encoding="utf-8")
    os.utime(path, (4e9, 4e9))


def _executable(path: Path) -> None:
    path.chmod(0o755)


def _a_new_one(path: Path) -> None:
    path.with_name("y").touch()


def _turned_link(path: Path) -> None:
    path.rename(path.parent.with_name("same"))
    path.symlink_to("../same")


CHANGES = (_same_size_and_time, _replaced, _from_the_future, _executable, _a_new_one, _turned_link, Path.unlink)


@pytest.mark.parametrize("change", CHANGES, ids=[change.__name__ for change in CHANGES])
def test_an_input_that_changes_while_the_task_runs_is_told_and_nothing_is_stored(
    space: Space, puppets: Puppets, change: Callable[[Path], None]
) -> None:
    space.tasks(f'[tasks.a]\n{puppets.cmd("a")}\ninputs = ["src/*"]\noutputs = ["out"]\n')
    space.write({"src/x": "good"})
    trun = space.start("--json", "a")
    puppet = puppets.arrive("a")
    space.write({"out": "of good"})
    change(space.root / "src/x")
    puppet.exit()
    ran = trun.wait().ok()
    assert ran.statuses == {"a": "ran"}
    (warning,) = ran.of("warning")
    assert "`src/" in warning["message"]
    assert "is not cached" in warning["message"]
    assert space.read("out") == "of good"
    assert _records(space) == []
    assert [one["would"] for one in space.events("--plan", "a").ok().of("task_planned")] == ["run"]


# Names, links and other things


def test_names_that_are_hard_to_say_are_read_kept_and_brought_back(space: Space) -> None:
    space.tasks('[tasks.a]\nrun = "cp -r src/. out"\ninputs = ["src/"]\noutputs = ["out/"]\n')
    source, out = os.fsencode(space.root / "src"), os.fsencode(space.root / "out")
    os.mkdir(source)
    for name in NAMES:
        with open(os.path.join(source, name), "wb") as file:
            file.write(name)
    assert space.events("a").ok().statuses == {"a": "ran"}
    shutil.rmtree(out)
    shutil.rmtree(space.root / ".trun/state")
    assert space.events("a").ok().statuses == {"a": "restored"}
    assert sorted(os.listdir(out)) == sorted(NAMES)
    for name in NAMES:
        with open(os.path.join(out, name), "rb") as file:
            assert file.read() == name
    assert space.events("a").ok().statuses == {"a": "fresh"}
    os.unlink(os.path.join(source, NAMES[2]))
    assert space.events("a").ok().statuses == {"a": "ran"}
    assert sorted(os.listdir(out)) == sorted({*NAMES} - {NAMES[2]})


@pytest.mark.parametrize("target", ["../../outside", "/etc/hostname"])
def test_a_link_that_leaves_the_root_is_made_but_not_cached(space: Space, target: str) -> None:
    space.tasks(f'[tasks.a]\nrun = "mkdir -p o; ln -s {target} o/l"\ninputs = ["in"]\noutputs = ["o/"]\n')
    space.write({"in": ""})
    ran = space.events("a").ok()
    (warning,) = ran.of("warning")
    assert f"`o/l` leaves the project: `{target}`" in warning["message"]
    assert _records(space) == []
    assert space.events("a").ok().statuses == {"a": "fresh"}


def test_links_to_nowhere_and_in_circles_come_back_as_they_were(space: Space) -> None:
    links = {"d": "nowhere", "l1": "l2", "l2": "l1", "self": "."}
    made = "; ".join(f"ln -s {to} o/{name}" for name, to in links.items())
    space.tasks(f'[tasks.a]\nrun = "mkdir -p o; {made}"\ninputs = ["in"]\noutputs = ["o/"]\n')
    space.write({"in": ""})
    space.events("a").ok()
    shutil.rmtree(space.root / "o")
    assert space.events("a").ok().statuses == {"a": "restored"}
    assert {name: os.readlink(space.root / "o" / name) for name in os.listdir(space.root / "o")} == links


def test_a_fifo_among_the_outputs_fails_the_task_by_name(space: Space) -> None:
    space.tasks('[tasks.a]\nrun = "mkdir -p o; mkfifo o/p"\ninputs = ["in"]\noutputs = ["o/"]\n')
    space.write({"in": ""})
    for _ in range(2):
        ran = space.events("a")
        assert (ran.code, ran.statuses) == (1, {"a": "failed"})
        assert "`o/p` is a FIFO" in ran.ended("a")["reasons"][0]


def test_a_link_in_the_place_of_an_owned_folder_is_not_followed_when_it_is_emptied(space: Space) -> None:
    space.tasks('[tasks.a]\nrun = "mkdir -p o; cat in > o/x"\ninputs = ["in"]\noutputs = ["o/"]\n')
    space.write({"in": "1", "elsewhere/precious": "kept"})
    (space.root / "o").symlink_to("elsewhere")
    ran = space.events("a")
    assert ran.code == 1
    assert ran.ended("a")["reasons"] == ["`o` cannot be emptied: Not a directory"]
    assert space.read("elsewhere/precious") == "kept"
