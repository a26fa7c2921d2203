"""Random graphs × edits × crashes: whatever happened before, a good run leaves what a clean build would leave.

trun is called in this process, from its words to its exit code, with the real tree, store and ledger; only commands are
played: each is a function of the files that its task reads, so that a clean build can be reckoned without running one.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import anyio.lowlevel
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from runner import drive
from runner.cli.enter import enter
from runner.request import Ambient
from runner.result import Outcome

if TYPE_CHECKING:
    from runner.result import Action, Sink

Files = dict[str, str]
SOURCES = ("src/a1", "src/a2", "src/b1", "src/b2")
SPAN = "**/*a?"
SAID = {"run": ("ran",), "restore": ("restored",), "fresh": ("fresh",), "skip": ("skipped",)}
ANY = ("ran", "restored", "fresh", "skipped")


class Spec(NamedTuple):
    """One task: what it reads and what its command makes of it.

    `kind` says what is made: `whole` one file of all that is read, `part` one file of the first letters only, `each` a
    file for each one read, in an owned folder, `none` nothing. `silent` are deps whose outputs are read undeclared.
    """

    name: str
    kind: str
    reads: tuple[str, ...]
    silent: tuple[str, ...]
    salt: int = 0

    @property
    def output(self) -> str:
        return {"none": "", "each": f"gen/{self.name}/"}.get(self.kind, f"out/{self.name}")

    def block(self) -> str:
        lines = [f"[tasks.{self.name}]", f'cmd = ["make", "{self.salt}"]', f"inputs = {list(self.reads)!r}"]
        lines += [f'outputs = ["{self.output}"]'] if self.output else []
        lines += [f"deps = {list(self.silent)!r}"] if self.silent else []
        return "\n".join(lines) + "\n"


class Case(NamedTuple):
    """A project: its tasks, what is needed first."""

    specs: tuple[Spec, ...]

    def spec(self, name: str) -> Spec:
        return next(spec for spec in self.specs if spec.name == name)

    def text(self) -> str:
        return "".join(spec.block() for spec in self.specs)

    def premise(self, spec: Spec, files: Mapping[str, str]) -> Files:
        """All that a task reads."""
        patterns = [glob_of(text) for text in spec.reads]
        patterns += [glob_of(self.spec(name).output) for name in spec.silent]
        found = {path for path in files if any(fnmatchcase(path, pattern) for pattern in patterns)}
        return {path: files[path] for path in sorted(found)}

    def making(self, spec: Spec, files: Mapping[str, str]) -> Files:
        """What the command of a task makes of files."""
        read = self.premise(spec, files)
        said = {path: hashlib.sha256(f"{spec.salt} {text}".encode()).hexdigest()[:8] for path, text in read.items()}
        if spec.kind == "whole":
            return {spec.output: "\n".join(f"{path} {text}" for path, text in said.items())}
        if spec.kind == "part":
            return {spec.output: f"{spec.salt} " + "".join(text[:1] for text in read.values())}
        if spec.kind == "each":
            return {spec.output + path.replace("/", "."): text for path, text in said.items()}
        return {}

    def clean_build(self, files: Mapping[str, str]) -> Files:
        """All files after a build in a fresh folder."""
        known = {path: text for path, text in files.items() if path.startswith("src/")}
        for spec in self.specs:
            known |= self.making(spec, known)
        return known


def glob_of(text: str) -> str:
    """What a pattern of the tasks file matches: one that spans folders of other tasks leaves those out."""
    if text == SPAN:
        return "src/a?"
    return text + "*" if text.endswith("/") else text or "nothing"


@st.composite
def cases(draw: st.DrawFn, *, spans: bool = False) -> Case:
    """Up to six tasks that read sources and what earlier ones make."""
    specs: list[Spec] = []
    for at in range(draw(st.integers(1, 6))):
        made = [spec.output for spec in specs if spec.output]
        known = [*SOURCES, "src/a*", "src/*", *[SPAN] * spans, *made, *made, *made]
        reads = draw(st.lists(st.sampled_from(known), min_size=1, max_size=3, unique=True))
        silent = draw(st.lists(st.sampled_from([spec.name for spec in specs]), max_size=1)) if specs else []
        kind = draw(st.sampled_from(["whole", "part", "each", "each", "none"]))
        specs.append(Spec(f"t{at}", kind, tuple(reads), tuple(silent)))
    return Case(tuple(specs))


class Killed(BaseException):
    """trun dies here, as far as that can be played in one process."""


class Player:
    """An executor whose commands do what the case says; some fail, or trun dies in the middle of one."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.begun: list[str] = []
        self.failing: frozenset[str] = frozenset()
        self.deadly: frozenset[str] = frozenset()

    async def __aenter__(self) -> Player:
        return self

    async def __aexit__(self, *error: object) -> None:
        pass

    async def run(self, action: Action, sink: Sink) -> Outcome:
        self.begun.append(action.task)
        world, spec = self.world, self.world.case.spec(action.task)
        assert action.argv == ("make", str(spec.salt)), "the command that was declared"
        made = world.case.making(spec, world.files())
        sink("stdout", f"{action.task} of {len(made)}\n".encode())
        if spec.kind == "each":
            (world.root / spec.output).mkdir(parents=True, exist_ok=True)
        is_cut = action.task in self.failing | self.deadly
        for number, (path, text) in enumerate(made.items()):
            await anyio.lowlevel.checkpoint()
            world.write(path, "half" if is_cut and number == 0 else text)
        if action.task in self.deadly:
            raise Killed
        return Outcome(exit_code=1 if action.task in self.failing else 0, duration_s=0.01)

    def interrupt(self, signum: int) -> None:
        raise AssertionError("nobody interrupts")

    kill = stop = resume = interrupt

    async def close(self) -> tuple[str, ...]:
        return ()


class World:
    """A folder, what was done to it, and what is to be expected of it."""

    def __init__(self, root: Path, case: Case) -> None:
        self.root = root
        self.case = case
        self.player = Player(self)
        self.count = 0
        # What is known here of each task's last good end, and what is in the cache, each by what the task read.
        self.good: dict[str, object] = {}
        self.kept: set[tuple[str, object]] = set()
        self.is_harmed = False

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def files(self) -> Files:
        found = {}
        for folder in ("src", "out", "gen"):
            for path in (self.root / folder).rglob("*"):
                if path.is_file():
                    found[path.relative_to(self.root).as_posix()] = path.read_text(encoding="utf-8")
        return found

    def call(self, *words: str) -> tuple[int, list[dict[str, Any]]]:
        """trun, from its words to its exit code and events."""
        self.write("tasks.toml", self.case.text())
        file = self.root / "events.jsonl"
        file.unlink(missing_ok=True)
        environ = {"PATH": os.defpath, "USER": "somebody"}
        ambient = Ambient(environ=environ, cwd=str(self.root), os="linux", arch="x86_64", cpus=2, clock=time.time)
        with self.playing():
            ended = enter([f"--json={file}", "-qqq", *words], ambient)
        code = ended if isinstance(ended, int) else ended.exit_code
        return code, [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]

    @contextmanager
    def playing(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(drive, "executor", lambda *world, **more: self.player)
            yield

    def premise(self, name: str, files: Files) -> object:
        """All that decides what becomes of a task: a dep without outputs counts by what decides about that."""
        spec = self.case.spec(name)
        mute = [dep for dep in spec.silent if not self.case.spec(dep).output]
        return (spec, tuple(self.case.premise(spec, files).items()), *(self.premise(dep, files) for dep in mute))

    def damaged(self, path: str) -> None:
        """A file of the outputs is no longer as it was made."""
        for spec in self.case.specs:
            if spec.output and fnmatchcase(path, glob_of(spec.output)):
                self.good.pop(spec.name, None)

    def run(self, *words: str) -> dict[str, str]:
        """A run that goes well, of which all is asserted that must hold; how each task ended."""
        names = words or tuple(spec.name for spec in self.case.specs)
        before = len(self.player.begun)
        plan = {event["task"]: event["would"] for event in self.call("--plan", *names)[1]}
        assert self.player.begun[before:] == [], "a plan runs nothing"
        code, events = self.call("-j2", *names)
        assert code == 0, events
        ended = {event["task"]: event["status"] for event in events if event["event"] == "task_ended"}
        for name, would in plan.items():
            assert self._agree(would, ended[name]), f"planned {plan}, ended {ended}"
        began = self.player.begun[before:]
        assert sorted(began) == sorted(name for name, status in ended.items() if status == "ran")
        self._expect(ended)
        return ended

    def _agree(self, would: str, status: str) -> bool:
        """Whether what was planned is what was done.

        *Why* not all of it after harm: see the expected failure of `test_a_damaged_result_is_planned_to_run_and_runs`.
        """
        return status in SAID.get(would, ANY) or (self.is_harmed and (would, status) == ("run", "restored"))

    def _expect(self, ended: Mapping[str, str]) -> None:
        files, clean = self.files(), self.case.clean_build(self.files())
        for name, status in ended.items():
            spec = self.case.spec(name)
            pattern = glob_of(spec.output)
            there = {path: text for path, text in files.items() if fnmatchcase(path, pattern)}
            assert there == {path: text for path, text in clean.items() if fnmatchcase(path, pattern)}, name
            premise = self.premise(name, files)
            if self.good.get(name) == premise:
                assert status == "fresh", f"{name} read what it had read before, and its outputs were as it left them"
            # A harmed blob is found when it is read: what was kept since may share it, and is a miss then.
            if (name, premise) in self.kept and not self.is_harmed:
                assert status != "ran", f"{name} is in the cache"
            self.good[name] = premise
            if status == "ran":
                self.kept.add((name, premise))

    def fail(self, name: str, *, deadly: bool) -> None:
        """A run in which a command fails in the middle of its work, or trun dies there."""
        names = [spec.name for spec in self.case.specs]
        before = len(self.player.begun)
        if deadly:
            self.player.deadly = frozenset([name])
        else:
            self.player.failing = frozenset([name])
        try:
            self.call("-k" if not deadly else "-j1", *names)
        except BaseException as error:
            if not has_killed(error):
                raise
        self.player.failing = self.player.deadly = frozenset()
        for begun in self.player.begun[before:]:
            # What ran well is known; it is proved by the run after this one, and not reckoned here.
            self.good.pop(begun, None)
        files = self.files()
        self.good = {known: said for known, said in self.good.items() if said == self.premise(known, files)}


def has_killed(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return any(has_killed(one) for one in error.exceptions)
    return isinstance(error, Killed)


# What may happen between two runs.


def edit_source(world: World, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from([*SOURCES, "src/a3"]), "source")
    world.write(path, data.draw(st.sampled_from(["one", "two", "owe", "", "three"]), "text"))


def delete_source(world: World, data: st.DataObject) -> None:
    (world.root / data.draw(st.sampled_from(SOURCES), "source")).unlink(missing_ok=True)


def swap_sources(world: World, data: st.DataObject) -> None:
    first, second = (world.root / data.draw(st.sampled_from(SOURCES), "source") for _ in range(2))
    if first.exists() and second.exists() and first != second:
        other = world.root / "other"
        first.rename(other)
        second.rename(first)
        other.rename(second)


def harm_output(world: World, data: st.DataObject) -> None:
    """Deleted, changed, or changed to the same size with the time put back."""
    there = sorted(path for path in world.files() if not path.startswith("src/"))
    if not there:
        return
    path = data.draw(st.sampled_from(there), "output")
    file = world.root / path
    how = data.draw(st.sampled_from(["delete", "change", "forge"]), "how")
    was = file.stat()
    text = file.read_text(encoding="utf-8")
    if how == "delete":
        file.unlink()
    elif how == "change":
        file.write_text(text + "!", encoding="utf-8")
    else:
        file.write_text("#" * len(text), encoding="utf-8")
        os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns))
    if how == "delete" or file.read_text(encoding="utf-8") != text:
        world.damaged(path)


def add_stray(world: World, data: st.DataObject) -> None:
    owners = [spec for spec in world.case.specs if spec.kind == "each"]
    if owners:
        spec = data.draw(st.sampled_from(owners), "owner")
        world.write(spec.output + "stray", "stray")
        world.damaged(spec.output + "stray")


def edit_command(world: World, data: st.DataObject) -> None:
    spec = data.draw(st.sampled_from(world.case.specs), "task")
    anew = spec._replace(salt=data.draw(st.integers(0, 2), "salt"))
    world.case = Case(tuple(anew if one is spec else one for one in world.case.specs))


def clear_cache(world: World, data: st.DataObject) -> None:
    shutil.rmtree(world.root / ".trun/cache", ignore_errors=True)
    world.kept.clear()
    world.is_harmed = False


def harm_cache(world: World, data: st.DataObject) -> None:
    files = sorted(path for path in (world.root / ".trun/cache").rglob("*") if path.is_file() and path.stat().st_size)
    if not files:
        return
    file = data.draw(st.sampled_from(files), "file")
    how = data.draw(st.sampled_from(["delete", "cut", "flip"]), "how")
    world.is_harmed = True
    content = file.read_bytes()
    file.chmod(0o644)
    if how == "delete":
        file.unlink()
    else:
        file.write_bytes(content[:-1] if how == "cut" else bytes([content[0] ^ 1]) + content[1:])
    world.kept.clear()


def delete_ledger(world: World, data: st.DataObject) -> None:
    (world.root / ".trun/state/ledger").unlink(missing_ok=True)
    world.good.clear()


def delete_memory(world: World, data: st.DataObject) -> None:
    (world.root / ".trun/state/digests.blake3").unlink(missing_ok=True)


def run_some(world: World, data: st.DataObject) -> None:
    world.run(data.draw(st.sampled_from([spec.name for spec in world.case.specs]), "target"))


def fail_one(world: World, data: st.DataObject) -> None:
    world.fail(data.draw(st.sampled_from([spec.name for spec in world.case.specs]), "task"), deadly=False)


def die_in_one(world: World, data: st.DataObject) -> None:
    world.fail(data.draw(st.sampled_from([spec.name for spec in world.case.specs]), "task"), deadly=True)


EDITS = (
    edit_source,
    edit_source,
    delete_source,
    swap_sources,
    harm_output,
    add_stray,
    edit_command,
    clear_cache,
    harm_cache,
    delete_ledger,
    delete_memory,
    run_some,
    fail_one,
    die_in_one,
)


def live(case: Case, data: st.DataObject) -> None:
    """One life of a project."""
    with tempfile.TemporaryDirectory(prefix="cache-", ignore_cleanup_errors=True) as folder:
        world = World(Path(folder).resolve(), case)
        for path in SOURCES:
            world.write(path, "one")
        world.run()
        for _ in range(data.draw(st.integers(1, 3), "rounds")):
            for edit in data.draw(st.lists(st.sampled_from(EDITS), min_size=1, max_size=3), "edits"):
                edit(world, data)
            world.run()
        again = world.run()
        assert set(again.values()) == {"fresh"}, "a second run executes nothing"


@settings(max_examples=220, suppress_health_check=list(HealthCheck))
@given(case=cases(), data=st.data())
def test_whatever_happened_a_good_run_leaves_what_a_clean_build_leaves(case: Case, data: st.DataObject) -> None:
    live(case, data)


@settings(max_examples=200, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(case=cases(spans=True), data=st.data())
def test_it_holds_for_globs_that_span_folders_of_other_tasks(case: Case, data: st.DataObject) -> None:
    live(case, data)


@pytest.mark.slow
@settings(max_examples=2000, suppress_health_check=list(HealthCheck))
@given(case=cases(), data=st.data())
def test_two_thousand_lives_of_a_project(case: Case, data: st.DataObject) -> None:
    live(case, data)
