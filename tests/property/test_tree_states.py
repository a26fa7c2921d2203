"""Random trees, random edits: what is remembered is what is there, stamps tell of all changes, restores are exact."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from runner.result import Made
from runner.stamp import stamp
from runner.tree import Sight
from runner.tree.disk import Disk
from runner.tree.memory import Memory
from runner.tree.recorded import fault
from tests.kit.trees import (
    ALGORITHM,
    Blobs,
    at_once,
    digest,
    disk,
    file,
    inputs,
    later,
    left_staged,
    outputs,
    recorded,
    state,
)

NAMES = ["a", "b", "-c", "d\n", os.fsdecode(b"\xff")]
FOLDERS = ["", "src/", "src/a/", "out/", "out/a/", "out/a/b/", "out/b/"]
PATHS = [folder + name for folder in FOLDERS for name in NAMES]
CONTENTS = [b"", b"1", b"2", b"22"]
IGNORES = [b"a\n", b"!a\n", b"*\n"]
TARGETS = ["a", "../a", "../src", ".", "nowhere", "b", "../out/a", "../.."]

EDITS = st.one_of(
    st.tuples(st.just("file"), st.sampled_from(PATHS), st.sampled_from(CONTENTS)),
    st.tuples(st.just("link"), st.sampled_from(PATHS), st.sampled_from(TARGETS)),
    st.tuples(st.just("folder"), st.sampled_from(PATHS), st.none()),
    st.tuples(st.just("exec"), st.sampled_from(PATHS), st.booleans()),
    st.tuples(st.just("gone"), st.sampled_from(PATHS), st.none()),
    st.tuples(st.just("ignore"), st.sampled_from(FOLDERS), st.sampled_from(IGNORES)),
    st.tuples(st.just("quiet"), st.sampled_from(PATHS), st.sampled_from(CONTENTS)),
)
TREES = st.lists(EDITS, max_size=12)
GLOBS = st.lists(
    st.sampled_from(["**", "src/**", "out/", "src", "*", "**/a", "src/a", "out/a/b", "!out/a/", "src/*/b"]),
    min_size=1,
    max_size=3,
)


def edit(root: Path, how: str, path: str, what: object) -> None:
    """One edit, whatever is in its way."""
    at = root / path
    try:
        match how:
            case "file":
                cleared(at)
                assert isinstance(what, bytes)
                at.write_bytes(what)
            case "quiet":
                # The same length and the same time, as an archive or a formatter would leave it.
                if at.is_file() and not at.is_symlink():
                    before = at.stat()
                    at.write_bytes(bytes(reversed(at.read_bytes())) or b"")
                    os.utime(at, ns=(before.st_atime_ns, before.st_mtime_ns))
            case "link":
                cleared(at)
                at.symlink_to(str(what))
            case "folder":
                cleared(at)
                at.mkdir(exist_ok=True)
            case "exec":
                if at.is_file() and not at.is_symlink():
                    at.chmod(0o755 if what else 0o644)
            case "gone":
                removed(at)
            case _:
                at.mkdir(parents=True, exist_ok=True)
                assert isinstance(what, bytes)
                (at / ".gitignore").write_bytes(what)
    except OSError:
        pass  # what another edit left is in the way: nothing happened, which is an edit too


def cleared(at: Path) -> None:
    removed(at)
    at.parent.mkdir(parents=True, exist_ok=True)


def removed(at: Path) -> None:
    if at.is_dir() and not at.is_symlink():
        shutil.rmtree(at)
    else:
        at.unlink(missing_ok=True)


class Project:
    """A temporary folder with a tree in it."""

    def __init__(self, edits: list[tuple[str, str, object]]) -> None:
        self._folder = TemporaryDirectory()
        self.root = Path(self._folder.name) / "project"
        (self.root / ".git").mkdir(parents=True)
        self.edit(edits)

    def __enter__(self) -> Project:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def edit(self, edits: list[tuple[str, str, object]]) -> None:
        for how, path, what in edits:
            edit(self.root, how, path, what)

    def fresh(self) -> Disk:
        """The tree, of which nothing is remembered."""
        return Disk(
            str(self.root), algorithm=ALGORITHM, memory=Memory(str(self.root.parent / "nowhere")), clock_ns=later
        )


def told(sight: Sight) -> tuple[object, ...]:
    return [(entry.path, entry.value, entry.made) for entry in sight.entries], sight.empty


def stamps(sight: Sight) -> Iterator[tuple[str, str]]:
    yield from ((entry.path, entry.stamp) for entry in sight.entries)
    yield from sight.watched


@settings(max_examples=70)
@given(TREES, TREES, GLOBS, st.booleans())
def test_what_is_remembered_is_what_is_there(
    before: list[tuple[str, str, object]], after: list[tuple[str, str, object]], texts: list[str], is_at_once: bool
) -> None:
    with Project(before) as project:
        tree = disk(project.root, at_once if is_at_once else later)
        wanted = inputs(*texts)
        assert told(tree.look(wanted)) == told(project.fresh().look(wanted))
        tree.close()
        project.edit(after)
        tree.renew()
        now = told(project.fresh().look(wanted))
        assert told(tree.look(wanted)) == now
        assert told(disk(project.root).look(wanted)) == now


@settings(max_examples=150)
@given(TREES, TREES, GLOBS, st.booleans())
def test_while_no_stamp_moves_the_look_stays_the_same(
    before: list[tuple[str, str, object]], after: list[tuple[str, str, object]], texts: list[str], is_output: bool
) -> None:
    with Project(before) as project:
        wanted = (outputs if is_output else inputs)(*texts)
        sight = project.fresh().look(wanted)
        project.edit(after)
        if all(stamp(str(project.root / path)) == said for path, said in stamps(sight)):
            assert told(project.fresh().look(wanted)) == told(sight)


@settings(max_examples=70)
@given(TREES, TREES, GLOBS)
def test_moved_tells_of_what_differs_and_of_nothing_else(
    before: list[tuple[str, str, object]], after: list[tuple[str, str, object]], texts: list[str]
) -> None:
    with Project(before) as project:
        tree = disk(project.root)
        entries = tree.look(inputs(*texts)).entries
        project.edit(after)
        fresh = project.fresh()
        now = [fresh.seen(entry.path) for entry in entries]
        differ = [
            entry.path for entry, seen in zip(entries, now, strict=True) if seen is None or seen.value != entry.value
        ]
        assert tree.moved(entries) == differ


@st.composite
def records(draw: st.DrawFn) -> list[Made]:
    """Outputs as they could be recorded: in the owned folder `out`, and one beside it."""
    taken: dict[str, Made] = {}
    for path in draw(st.lists(st.sampled_from([*PATHS[15:], "beside"]), max_size=8, unique=True)):
        if any(one == path or one.startswith(f"{path}/") or path.startswith(f"{one}/") for one in taken):
            continue
        kind = draw(st.sampled_from(["file", "link", "folder"]))
        if kind == "file":
            taken[path] = file(path, draw(st.sampled_from(CONTENTS)), is_executable=draw(st.booleans()))
        else:
            taken[path] = Made(path=path, kind=kind, target="nowhere" if kind == "link" else "")  # type: ignore[arg-type]
    return list(taken.values())


@settings(max_examples=100)
@given(TREES, records(), st.booleans())
def test_a_restore_makes_owned_folders_exactly_as_recorded_and_touches_nothing_else(
    before: list[tuple[str, str, object]], made: list[Made], is_missing: bool
) -> None:
    with Project(before) as project:
        blobs = Blobs(*CONTENTS[: 1 if is_missing else None])
        was = state(project.root)
        said = disk(project.root).restore(made, ["out"], blobs.fetch)
        now = state(project.root)
        assert left_staged(project.root) == []
        if said is not None:
            assert now == was
            return
        expected = {one.path: as_state(one) for one in made}
        for path in list(expected):
            parts = path.split("/")
            expected.update({"/".join(parts[:count]): "folder" for count in range(1, len(parts))})
        names = {path for path in now if path.split("/")[0] in ("out", "beside")}
        assert {path: now[path] for path in names if path != "beside" or path in expected} == expected
        rest = {path for path in was if path.split("/")[0] not in ("out", "beside")}
        assert {path: now[path] for path in now if path.split("/")[0] not in ("out", "beside")} == {
            path: was[path] for path in rest
        }
        assert disk(project.root).restore(made, ["out"], Blobs().fetch) is None, "a second time nothing is wanted"


def as_state(made: Made) -> str:
    if made.kind == "folder":
        return "folder"
    if made.kind == "link":
        return f"link {made.target}"
    content = next(content for content in CONTENTS if digest(content) == made.digest)
    return f"{'x' if made.is_executable else 'f'} {content!r}"


@settings(max_examples=100)
@given(TREES)
def test_what_was_recorded_comes_back(before: list[tuple[str, str, object]]) -> None:
    with Project(before) as project:
        made = recorded(disk(project.root).look(outputs("out/")))
        was = state(project.root)
        wrong = fault(made)
        if wrong is not None:
            assert disk(project.root).restore(made, ["out"], Blobs().fetch) == wrong
            assert state(project.root) == was
            return
        disk(project.root).empty("out")
        assert disk(project.root).restore(made, ["out"], Blobs(*CONTENTS, *IGNORES).fetch) is None
        assert state(project.root) == was
