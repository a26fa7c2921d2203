"""A whole run with one of its system calls failing or killed, on full disks and beside others that are killed."""

from __future__ import annotations

import itertools
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.kit.faults import ERRORS, KILL, LEFT_OUT, Call, Fault, each, need_strace
from tests.kit.process import trun_argv

pytestmark = pytest.mark.slow

TASKS = (
    '[tasks.gen]\nrun = "mkdir -p gen/deep gen/empty; cat in > gen/a; cp gen/a gen/deep/b; chmod +x gen/a; '
    'ln -s deep/b gen/link; echo told"\ninputs = ["in"]\noutputs = ["gen/"]\n'
    '[tasks.pack]\nrun = "cat gen/a gen/deep/b > out"\ninputs = ["gen/**"]\noutputs = ["out"]\n'
)
# How many points of each scene are tried, spread over all calls of trun that have to do with the project.
POINTS = 32
# What the interpreter and the event loop ask for, and no file of the project.
NOT_OURS = LEFT_OUT | {"getsockname", "getcwd", "wait4", "epoll_ctl", "epoll_wait", "pipe2", "sendmsg", "ioctl"}
NAMED = re.compile(r"^(?:\d+ +)?([a-z0-9_]+)\(")


class Project:
    """A project in a folder, and a trun in it without its own terminal or user."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.env = {"PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}", "HOME": str(root.parent)}
        self.env |= {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "USER": "somebody"}

    def make(self, content: str) -> None:
        self.root.mkdir(exist_ok=True)
        (self.root / "tasks.toml").write_text(TASKS, encoding="utf-8")
        (self.root / "in").write_text(content, encoding="utf-8")

    def run(self, *words: str, before: tuple[str, ...] = (), **env: str) -> subprocess.CompletedProcess[str]:
        argv = [*before, *trun_argv(*words)]
        return subprocess.run(
            argv, cwd=self.root, env=self.env | env, capture_output=True, text=True, timeout=60, check=False
        )

    def statuses(self) -> dict[str, str]:
        ran = self.run("--json", "pack")
        events = [json.loads(line) for line in ran.stdout.splitlines()]
        assert ran.returncode == 0, ran.stderr
        return {event["task"]: event["status"] for event in events if event["event"] == "task_ended"}

    def is_right(self, content: str) -> bool:
        gen, out = self.root / "gen", self.root / "out"
        found = sorted(str(path.relative_to(gen)) for path in gen.rglob("*"))
        return (
            found == ["a", "deep", "deep/b", "empty", "link"]
            and (gen / "a").read_text() == (gen / "deep/b").read_text() == content
            and os.access(gen / "a", os.X_OK)
            and os.readlink(gen / "link") == "deep/b"
            and out.read_text() == content * 2
        )

    def assert_recovers(self, content: str, why: str) -> None:
        """The next run is right, the one after it finds nothing to do, and what is cached is sound and right."""
        ran = self.run("pack")
        assert ran.returncode == 0, f"{why}: {ran.stderr}"
        assert self.is_right(content), why
        assert set(self.statuses().values()) == {"fresh"}, why
        assert self.run("--cache", "verify").returncode == 0, why
        shutil.rmtree(self.root / "gen")
        shutil.rmtree(self.root / ".trun/state", ignore_errors=True)
        assert self.run("pack").returncode == 0, why
        assert self.is_right(content), why


def _calls(project: Project) -> list[Call]:
    """The calls of trun itself that name a file of the project, or a descriptor of one, in a run without a fault."""
    log = project.root.with_name("calls.strace")
    ran = project.run("pack", before=("strace", "-y", "-s", "200", "-o", str(log)))
    assert ran.returncode == 0, ran.stderr
    seen: Counter[str] = Counter()
    found = []
    for line in log.read_text(errors="replace").splitlines():
        named = NAMED.match(line)
        if named is None:
            continue
        name = named[1]
        seen[name] += 1
        # The folder itself is where the interpreter looks for modules, too.
        is_ours = f"{project.root}/" in line
        if is_ours and name not in NOT_OURS:
            found.append(Call(name, seen[name], line[:300]))
    return found


def _begun(scene: str, folder: Path) -> Project:
    project = Project(folder)
    project.make("one\n")
    if scene != "store":
        assert project.run("pack").returncode == 0
    if scene == "store another":
        project.make("two\n")
    if scene == "restore":
        shutil.rmtree(folder / "gen")
        (folder / "out").unlink()
        shutil.rmtree(folder / ".trun/state")
    return project


@pytest.mark.parametrize("scene", ["store", "store another", "restore"])
def test_a_run_with_any_call_failing_or_killed_leaves_nothing_wrong(tmp_path: Path, scene: str) -> None:
    need_strace()
    content = "two\n" if scene == "store another" else "one\n"
    calls = _calls(_begun(scene, tmp_path / "calls"))
    start = _begun(scene, tmp_path / "start").root
    chance = random.Random(scene)
    step = len(calls) / POINTS
    picked = [calls[int((at + chance.random()) * step)] for at in range(POINTS)]
    points = [Fault(call, error) for call, error in zip(picked, itertools.cycle((*ERRORS, KILL)), strict=False)]
    hits: list[str] = []
    numbers = itertools.count()

    def tried(fault: Fault) -> None:
        project = Project(tmp_path / f"p{next(numbers)}")
        shutil.copytree(start, project.root, symlinks=True)
        log = project.root.with_suffix(".strace")
        strace = ("strace", "-o", str(log), "-e", f"trace={fault.call.name}", "-e", fault.rule)
        ran = project.run("pack", before=strace)
        said = ran.stdout + ran.stderr
        assert "Traceback" not in said, said
        assert "BUG" not in said, said
        assert ran.returncode in (0, 1, 2, -signal.SIGKILL), said
        assert ran.returncode or project.is_right(content), said
        text = log.read_text(errors="replace")
        hits.extend([str(fault)] * ("(INJECTED)" in text or "killed by SIGKILL" in text))
        project.assert_recovers(content, f"after {fault}: {said}")
        shutil.rmtree(project.root)

    count = each(points, tried)
    print(f"{scene}: {count} points of {len(calls)} calls, {len(hits)} hit")
    assert len(hits) > POINTS // 2


def test_a_close_that_fails_of_a_lock_or_of_the_ledger_is_no_bug(tmp_path: Path) -> None:
    """*Why*: on a network file system it is the close that tells of a full disk; all that counts is written by then."""
    need_strace()
    found = _calls(_begun("restore", tmp_path / "calls"))
    ours = ("/.trun/locks/", "/.trun/state/ledger", "/.trun>")
    closes = [call for call in found if call.name == "close" and any(name in call.shown for name in ours)]
    start = _begun("restore", tmp_path / "start").root
    numbers = itertools.count()

    def tried(fault: Fault) -> None:
        project = Project(tmp_path / f"p{next(numbers)}")
        shutil.copytree(start, project.root, symlinks=True)
        log = str(project.root.with_suffix(".strace"))
        strace = ("strace", "-o", log, "-e", f"trace={fault.call.name}", "-e", fault.rule)
        ran = project.run("pack", before=strace)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert project.is_right("one\n")
        assert set(project.statuses().values()) == {"fresh"}

    assert each([Fault(call, "EDQUOT") for call in closes], tried) >= 3


@pytest.mark.parametrize("option", ["size=8k", "size=24k", "size=48k", "nr_inodes=4", "nr_inodes=14", "nr_inodes=24"])
def test_a_full_disk_below_trun_costs_a_warning_and_never_the_run(tmp_path: Path, option: str) -> None:
    project = Project(tmp_path / "p")
    project.make("one\n")
    trun = project.root / ".trun"
    trun.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", option, "tmpfs", str(trun)], capture_output=True)
    if mounted.returncode:
        pytest.skip("needs root, to mount a small file system")
    try:
        for _ in range(2):
            ran = project.run("pack")
            assert ran.returncode == 0, ran.stderr
            assert "BUG" not in ran.stderr
            assert "Traceback" not in ran.stderr
            assert project.is_right("one\n")
            shutil.rmtree(project.root / "gen")
    finally:
        subprocess.run(["umount", str(trun)], check=True)
    assert project.run("pack").returncode == 0
    assert project.is_right("one\n")


def test_clones_that_share_a_cache_are_right_though_some_are_killed(tmp_path: Path) -> None:
    """Two clones, six runs at once, three rounds; in each, two are killed as soon as they have said a word."""
    shared = str(tmp_path / "shared")
    clones = [Project(tmp_path / name) for name in ("clone", "another-clone")]
    ended = 0
    for number, content in enumerate(("one\n", "two\n", "one\n")):
        runs = []
        for clone in clones:
            clone.make(content)
            shutil.rmtree(clone.root / ".trun", ignore_errors=True)
            for _ in range(3):
                argv = trun_argv("--json", "pack")
                env = clone.env | {"TRUN_CACHE_DIR": shared}
                runs.append(subprocess.Popen(argv, cwd=clone.root, env=env, stdout=subprocess.PIPE, text=True))
        for victim in runs[number % 2 :: 3]:
            assert victim.stdout is not None
            victim.stdout.readline()
            victim.kill()
            victim.communicate()
        for run in (run for at, run in enumerate(runs) if at % 3 != number % 2):
            said = run.communicate(timeout=60)[0]
            assert run.returncode == 0, said
            ended += 1
        for clone in clones:
            assert clone.run("pack", TRUN_CACHE_DIR=shared).returncode == 0
            assert clone.is_right(content)
    assert ended == 12
    assert clones[0].run("--cache", "verify", TRUN_CACHE_DIR=shared).returncode == 0
