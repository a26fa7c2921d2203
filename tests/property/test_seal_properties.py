"""The quick lane against the full one: whatever was edited, both say the same."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit.space import Space

pytestmark = pytest.mark.slow

TASKS = """
[project]
dotenv = [".env"]
[tasks.gen]
run = "echo gen >> ran; mkdir -p gen; for f in src/*.txt; do cp $f gen/; done"
inputs = ["src/**/*.txt", "link"]
outputs = ["gen/"]
[tasks.top]
run = "echo top >> ran; cat gen/* > out; echo $MODE >> out"
inputs = ["gen/**"]
outputs = ["out"]
uses_env = ["MODE"]
[tasks.all]
deps = ["top"]
"""
STEPS = 40


def edit(path: Path) -> None:
    path.write_text(path.read_text() + "x")


def same_size_and_time(path: Path) -> None:
    before = path.stat()
    path.write_text(path.read_text().swapcase())
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def deepen(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "d.txt").write_text("deep")


def remove(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def relink(path: Path) -> None:
    to = "src/b.txt" if os.readlink(path) == "src/a.txt" else "src/a.txt"
    path.unlink()
    path.symlink_to(to)


EDITS: dict[str, Callable[[Path, random.Random], object]] = {
    "nothing": lambda root, chance: None,
    "edited": lambda root, chance: edit(root / "src/a.txt"),
    "kept its size and time": lambda root, chance: same_size_and_time(root / "src/b.txt"),
    "touched": lambda root, chance: os.utime(root / "src/a.txt"),
    "added": lambda root, chance: (root / f"src/{chance.randrange(9)}.txt").write_text("new"),
    "added deep": lambda root, chance: deepen(root / "src/deep"),
    "removed": lambda root, chance: remove(*root.glob("src/[0-9].txt")),
    "removed deep": lambda root, chance: shutil.rmtree(root / "src/deep", ignore_errors=True),
    "beside": lambda root, chance: (root / "src/other.md").write_text("none of it"),
    "a stray": lambda root, chance: (root / "gen/stray").write_text("stray"),
    "an output": lambda root, chance: (root / "out").write_text("tampered"),
    "no output": lambda root, chance: remove(root / "out"),
    "relinked": lambda root, chance: relink(root / "link"),
    "ignored": lambda root, chance: (root / ".gitignore").write_text(chance.choice(["", "b.txt\n", "src/deep\n"])),
    "dotenv": lambda root, chance: (root / ".env").write_text(f"WHAT={chance.randrange(3)}\n"),
    "no dotenv": lambda root, chance: remove(root / ".env"),
    "the file": lambda root, chance: (root / "tasks.toml").write_text(TASKS + f"# {chance.randrange(9)}\n"),
    "mode": lambda root, chance: (root / "src/a.txt").chmod(chance.choice([0o644, 0o755])),
    "no ledger": lambda root, chance: remove(root / ".trun/state/ledger"),
}


def ran(space: Space) -> int:
    path = space.root / "ran"
    return len(path.read_text().splitlines()) if path.exists() else 0


@pytest.mark.parametrize("seed", range(8))
def test_the_quick_answer_is_that_of_the_full_lane(space: Space, seed: int) -> None:
    chance = random.Random(seed)
    space.tasks(TASKS)
    space.write({"src/a.txt": "aa", "src/b.txt": "Bb"})
    (space.root / "link").symlink_to("src/a.txt")
    env = {"MODE": "0"}
    quick = 0
    for _ in range(STEPS):
        told = space.run("all", env=env).ok()
        again = space.run("all", env=env).ok()
        assert "ran" not in again.stdout + told.stdout or "fresh" in again.stdout
        quick += (space.root / ".trun/seals/all").exists()
        name = chance.choice(list(EDITS))
        EDITS[name](space.root, chance)
        if chance.random() < 0.2:
            env = {"MODE": str(chance.randrange(3))}
        plan = {one["task"]: one["would"] for one in space.events("--plan", "all", env=env).ok().of("task_planned")}
        before = ran(space)
        told = space.run("all", env=env).ok()
        is_fresh = set(plan.values()) == {"fresh"}
        assert (told.stdout.strip() == again.stdout.strip()) == is_fresh, (name, plan, told.stdout)
        if is_fresh:
            assert ran(space) == before, name
    assert quick > STEPS // 2, "the quick lane was hardly ever tried"
