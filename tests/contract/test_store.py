"""What every store promises, held for the folder of this machine and for the fake."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.digest import hasher
from runner.noun import replace
from runner.result import Made, Record
from runner.store import StoreError
from runner.store.layout import blob_path, record_path
from runner.store.local import Local
from runner.testing.store import FakeStore

if TYPE_CHECKING:
    from runner.store import Store

MIB = 1 << 20
KEY, OTHER = "ab" * 32, "cd" * 32
NOWHERE = "0" * 64


class World:
    """A store, what puts files into it, and what spoils it."""

    def __init__(self, folder: Path, store: Local | FakeStore) -> None:
        self.folder = folder
        self.local = store
        self.store: Store = store

    def put(self, content: bytes) -> tuple[str, int]:
        """Put a file with that content."""
        path = self.folder / "source"
        path.write_bytes(content)
        source = os.open(path, os.O_RDONLY)
        try:
            return self.store.put(source)
        finally:
            os.close(source)

    def keep(self, *contents: bytes, key: str = KEY, log: bytes = b"") -> Record:
        """Keep a result with those outputs."""
        outputs = tuple(self.made(f"out/{n}", content) for n, content in enumerate(contents))
        digest, size_bytes = self.put(log) if log else ("", 0)
        record = Record(key=key, task="build", outputs=outputs, log=digest, log_bytes=size_bytes)
        self.store.keep(record)
        return record

    def made(self, path: str, content: bytes) -> Made:
        """An output with that content, put."""
        digest, size_bytes = self.put(content)
        return Made(path=path, digest=digest, size_bytes=size_bytes)

    def fetch(self, digest: str) -> bytes | None:
        """What fetching brings, None for a miss."""
        path = self.folder / "fetched"
        to = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            return path.read_bytes() if self.store.fetch(digest, to) else None
        finally:
            os.close(to)

    def spoil(self, digest: str, spoilt: Callable[[bytes], bytes]) -> None:
        """Change a blob behind the store's back."""
        if isinstance(self.local, FakeStore):
            self.local.blobs[digest] = spoilt(self.local.blobs[digest])
            return
        path = self.blob(digest)
        content = spoilt(path.read_bytes())
        path.chmod(0o644)
        path.write_bytes(content)

    def blob(self, digest: str) -> Path:
        """Where a blob lies."""
        return Path(blob_path(str(self.folder / "cache"), "blake3", digest))

    def record(self, key: str) -> Path:
        """Where a record lies."""
        return Path(record_path(str(self.folder / "cache"), key))


def local(folder: Path) -> World:
    return World(folder, Local(str(folder / "cache"), clock=time.time))


def fake(folder: Path) -> World:
    return World(folder, FakeStore())


@pytest.fixture(params=[local, fake], ids=["local", "fake"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    made: World = request.param(tmp_path)
    return made


@pytest.fixture
def disk(tmp_path: Path) -> World:
    return local(tmp_path)


def digest_of(content: bytes) -> str:
    return hasher("blake3")(content).hexdigest()


# Blobs


@pytest.mark.parametrize("size_bytes", [0, 1, 65535, 65536, 65537, MIB - 1, MIB, MIB + 1, 40 * MIB])
def test_what_is_put_is_fetched(world: World, size_bytes: int) -> None:
    content = (b"0123456789abcde" * (size_bytes // 15 + 1))[:size_bytes]
    digest, size = world.put(content)
    assert (digest, size) == (digest_of(content), size_bytes)
    assert world.fetch(digest) == content
    assert world.local.troubles == []


def test_only_what_the_descriptor_still_gives_is_put(world: World) -> None:
    path = world.folder / "x"
    path.write_bytes(b"head" + b"rest" * MIB)
    source = os.open(path, os.O_RDONLY)
    os.lseek(source, 4, os.SEEK_SET)
    digest, size_bytes = world.store.put(source)
    os.close(source)
    assert size_bytes == 4 * MIB
    assert world.fetch(digest) == b"rest" * MIB


def test_a_pipe_can_be_put(world: World) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"one")
    os.close(writing)
    digest, _ = world.store.put(reading)
    os.close(reading)
    assert world.fetch(digest) == b"one"


def test_a_blob_can_be_put_twice(world: World) -> None:
    assert world.put(b"one") == world.put(b"one")
    assert world.fetch(digest_of(b"one")) == b"one"


def test_what_is_fetched_goes_where_the_descriptor_stands(world: World) -> None:
    digest, _ = world.put(b"one")
    path = world.folder / "to"
    to = os.open(path, os.O_WRONLY | os.O_CREAT)
    os.write(to, b"before ")
    assert world.store.fetch(digest, to)
    os.close(to)
    assert path.read_bytes() == b"before one"


@pytest.mark.parametrize("digest", [NOWHERE, "", "../../x", "A" * 64, "a" * 63, "a" * 65, "é" * 64, f"{'a' * 62}/x"])
def test_a_blob_that_is_not_there_is_a_miss(world: World, digest: str) -> None:
    world.put(b"one")
    assert world.fetch(digest) is None


def test_a_descriptor_that_cannot_be_written_is_a_miss(world: World) -> None:
    digest, _ = world.put(b"one")
    large, _ = world.put(b"x" * 2 * MIB)
    source = os.open(world.folder / "source", os.O_RDONLY)
    assert not world.store.fetch(digest, source)
    assert not world.store.fetch(large, source)
    os.close(source)
    assert world.fetch(digest) == b"one"
    assert world.local.troubles == []


def test_a_source_that_cannot_be_read_is_a_store_error(world: World) -> None:
    source = os.open(world.folder, os.O_RDONLY)
    with pytest.raises(StoreError, match="cannot be read"):
        world.store.put(source)
    os.close(source)


# Records


def test_what_is_kept_is_found(world: World) -> None:
    record = world.keep(b"one", b"two", log=b"log")
    assert world.store.find(KEY) == record
    assert world.local.has(record)


def test_a_result_without_files_is_kept(world: World) -> None:
    record = Record(
        key=KEY,
        task="t",
        exit_code=3,
        outputs=(Made(path="l", kind="link", target="../x"), Made(path="d", kind="folder")),
    )
    world.store.keep(record)
    assert world.store.find(KEY) == record
    assert world.local.has(record)


@pytest.mark.parametrize("key", [OTHER, "", "../../x", "A" * 64, KEY[:-1], f"{'a' * 62}/x"])
def test_a_key_that_is_not_there_is_a_miss(world: World, key: str) -> None:
    world.keep(b"one")
    assert world.store.find(key) is None


def test_the_last_record_of_a_key_stands(world: World) -> None:
    world.keep(b"one")
    second = world.keep(b"two")
    assert world.store.find(KEY) == second


def test_a_record_whose_blob_was_never_put_is_not_kept(world: World) -> None:
    absent = Record(key=KEY, task="t", outputs=(Made(path="x", digest=NOWHERE, size_bytes=1),))
    with pytest.raises(StoreError, match="`t`"):
        world.store.keep(absent)
    digest, _ = world.put(b"one")
    with pytest.raises(StoreError, match="`t`"):
        world.store.keep(replace(absent, outputs=(Made(path="x", digest=digest, size_bytes=4),)))
    with pytest.raises(StoreError, match="`t`"):
        world.store.keep(Record(key=KEY, task="t", log=NOWHERE, log_bytes=1))
    assert world.store.find(KEY) is None


# Damage

DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda content: content[:-1],
    "emptied": lambda content: b"",
    "flipped": lambda content: content[:7] + bytes([content[7] ^ 1]) + content[8:],
    "extended": lambda content: content + b"\0",
    "zeroed": lambda content: bytes(len(content)),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("size_bytes", [10, 3 * MIB])
def test_a_damaged_blob_is_a_miss_and_then_gone(world: World, damage: str, size_bytes: int) -> None:
    content = b"x" * size_bytes
    record = world.keep(content)
    digest = record.outputs[0].digest
    world.spoil(digest, DAMAGE[damage])
    assert not world.local.has(record)
    assert world.fetch(digest) is None
    (trouble,) = world.local.troubles
    assert digest in trouble
    assert "damaged" in trouble
    assert world.fetch(digest) is None
    assert len(world.local.troubles) == 1, "set aside once"
    again = world.keep(content)
    assert world.store.find(KEY) == again
    assert world.fetch(digest) == content


def test_a_blob_that_was_damaged_after_it_was_looked_at_is_not_believed(world: World) -> None:
    record = world.keep(b"one", b"two")
    assert world.local.has(record)
    world.spoil(record.outputs[1].digest, lambda content: b"owt")
    assert not world.local.has(record)


@pytest.mark.parametrize("damage", ["truncated", "extended"])
def test_a_record_that_names_another_size_than_its_blob_has_is_set_aside(world: World, damage: str) -> None:
    record = world.keep(b"0123456789")
    world.spoil(record.outputs[0].digest, DAMAGE[damage])
    assert world.store.find(KEY) is None
    (trouble,) = world.local.troubles
    assert KEY in trouble
    again = world.keep(b"0123456789")
    assert world.store.find(KEY) == again
    assert world.fetch(again.outputs[0].digest) == b"0123456789"


def test_a_blob_of_the_wrong_size_is_mended_when_it_is_put_again(world: World) -> None:
    digest, _ = world.put(b"0123456789")
    world.spoil(digest, DAMAGE["truncated"])
    world.put(b"0123456789")
    assert world.fetch(digest) == b"0123456789"


def test_two_swapped_blobs_are_two_misses(world: World) -> None:
    one, two = (world.put(content)[0] for content in (b"one", b"two"))
    world.spoil(one, lambda _: b"two")
    world.spoil(two, lambda _: b"one")
    assert world.fetch(one) is None
    assert world.fetch(two) is None
    assert len(world.local.troubles) == 2


# Damage to files


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_record_is_a_miss_and_then_gone(disk: World, damage: str) -> None:
    record = disk.keep(b"one")
    path = disk.record(KEY)
    content = DAMAGE[damage](path.read_bytes())
    path.chmod(0o644)
    path.write_bytes(content)
    assert disk.store.find(KEY) is None
    assert disk.store.find(KEY) is None
    (trouble,) = disk.local.troubles
    assert str(path) in trouble
    assert not path.exists()
    (bad,) = (disk.folder / "cache/bad").iterdir()
    assert bad.read_bytes() == content
    disk.store.keep(record)
    assert disk.store.find(KEY) == record


def test_two_swapped_records_are_two_misses(disk: World) -> None:
    disk.keep(b"one")
    disk.keep(b"two", key=OTHER)
    first, second = disk.record(KEY), disk.record(OTHER)
    first.rename(disk.folder / "x")
    second.rename(first)
    (disk.folder / "x").rename(second)
    assert disk.store.find(KEY) is None
    assert disk.store.find(OTHER) is None
    assert len(disk.local.troubles) == 2


@pytest.mark.parametrize("start", [b"trun record 2 x\n{}", b"trun record 0 x\n{}", b"trun record 10\n"])
def test_a_record_of_another_version_is_a_miss_and_stays(disk: World, start: bytes) -> None:
    disk.keep(b"one")
    path = disk.record(KEY)
    path.chmod(0o644)
    path.write_bytes(start)
    assert disk.store.find(KEY) is None
    assert path.read_bytes() == start
    assert disk.local.troubles == []


def put_folder(path: Path) -> None:
    path.mkdir()
    (path / "x").write_text("x")


def put_socket(path: Path) -> None:
    here = os.open(path.parent, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(f"/proc/self/fd/{here}/{path.name}" if os.path.exists("/proc/self/fd") else str(path))
    os.close(here)


def put_link_to_the_same(path: Path) -> None:
    (path.parent / "same").write_bytes(b"one")
    path.symlink_to("same")


INSTEAD: dict[str, Callable[[Path], object]] = {
    "folder": put_folder,
    "link to nothing": lambda path: os.symlink("nothing", path),
    "link to itself": lambda path: os.symlink(path.name, path),
    "link to the same": put_link_to_the_same,
    "fifo": lambda path: os.mkfifo(path),
    "socket": put_socket,
}


@pytest.mark.parametrize("instead", INSTEAD)
@pytest.mark.parametrize("room", ["record", "blob"])
def test_what_is_no_file_is_a_miss_and_makes_room(disk: World, room: str, instead: str) -> None:
    record = disk.keep(b"one")
    digest = record.outputs[0].digest
    path = disk.blob(digest) if room == "blob" else disk.record(KEY)
    path.unlink()
    INSTEAD[instead](path)
    if room == "blob":
        assert not disk.local.has(record)
        assert disk.fetch(digest) is None
    else:
        assert disk.store.find(KEY) is None
    (trouble,) = disk.local.troubles
    assert str(path) in trouble
    assert not os.path.lexists(path)
    again = disk.keep(b"one")
    assert disk.store.find(KEY) == again
    assert disk.fetch(digest) == b"one"


@pytest.mark.parametrize("instead", INSTEAD)
@pytest.mark.parametrize("room", ["record", "blob"])
def test_what_is_no_file_gives_way_to_what_is_kept(disk: World, room: str, instead: str) -> None:
    record = disk.keep(b"one")
    path = disk.blob(record.outputs[0].digest) if room == "blob" else disk.record(KEY)
    path.unlink()
    INSTEAD[instead](path)
    assert disk.keep(b"one") == record
    assert disk.store.find(KEY) == record
    assert disk.fetch(record.outputs[0].digest) == b"one"


# What the files are like


def test_nothing_is_made_before_something_is_kept(disk: World) -> None:
    assert disk.store.find(KEY) is None
    assert disk.fetch(NOWHERE) is None
    assert not (disk.folder / "cache").exists()


def test_the_folder_says_what_it_is_and_holds_nothing_half_done(disk: World) -> None:
    record = disk.keep(b"one", b"x" * 2 * MIB, log=b"log")
    cache = disk.folder / "cache"
    assert (cache / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55\n")
    assert list((cache / "tmp").iterdir()) == []
    files = {str(path.relative_to(cache)) for path in cache.rglob("*") if path.is_file()}
    blobs = [made.digest for made in record.outputs] + [record.log]
    assert files == {f"cas/blake3/{digest[:2]}/{digest}" for digest in blobs} | {
        f"ac/{KEY[:2]}/{KEY}",
        ".gitignore",
        "CACHEDIR.TAG",
        "lock",
        "usage",
    }
    assert all(disk.blob(digest).stat().st_mode & 0o333 == 0 for digest in blobs), "nobody may write or execute"


def test_a_blob_that_is_there_is_not_written_again_but_is_young_again(disk: World) -> None:
    for content in (b"one", b"x" * 2 * MIB):
        digest, _ = disk.put(content)
        os.utime(disk.blob(digest), (1000, 1000))
        before = disk.blob(digest).stat()
        disk.put(content)
        after = disk.blob(digest).stat()
        assert after.st_ino == before.st_ino
        assert after.st_mtime > time.time() - 60
    assert list((disk.folder / "cache/tmp").iterdir()) == []


def test_a_record_that_is_found_counts_as_used(disk: World) -> None:
    disk.keep(b"one")
    os.utime(disk.record(KEY), (1000, 1000))
    assert disk.store.find(KEY)
    assert disk.record(KEY).stat().st_mtime > time.time() - 60


def test_each_algorithm_has_its_own_blobs(tmp_path: Path) -> None:
    both = [
        World(tmp_path, Local(str(tmp_path / "cache"), algorithm=name, clock=time.time))
        for name in ("blake3", "sha256")
    ]
    (one, _), (two, _) = (world.put(b"one") for world in both)
    assert one != two
    assert two == hasher("sha256")(b"one").hexdigest()
    assert [world.fetch(digest) for world in both for digest in (one, two)] == [b"one", None, None, b"one"]
    record = both[1].keep(b"one")
    assert both[1].store.find(KEY) == record


def test_two_stores_share_a_folder(disk: World) -> None:
    other = local(disk.folder)
    record = disk.keep(b"one")
    assert other.store.find(KEY) == record
    assert other.fetch(record.outputs[0].digest) == b"one"


def test_blobs_that_stand_are_not_read_again(disk: World, monkeypatch: pytest.MonkeyPatch) -> None:
    record = disk.keep(b"one", b"two", log=b"log")
    later = World(disk.folder, Local(str(disk.folder / "cache"), clock=lambda: time.time() + 60))
    read: list[str] = []
    real = Local._read

    def counted(self: Local, digest: str, take: Callable[[bytes | memoryview], object]) -> bool:
        read.append(digest)
        return real(self, digest, take)

    monkeypatch.setattr(Local, "_read", counted)
    assert later.local.has(record)
    assert later.local.has(record)
    assert len(read) == 3


def test_a_blob_that_was_only_just_written_is_read_again(disk: World) -> None:
    record = disk.keep(b"one")
    digest = record.outputs[0].digest
    at_once = Local(str(disk.folder / "cache"), clock=lambda: disk.blob(digest).stat().st_ctime)
    assert at_once.has(record)
    assert at_once._sound == {}, "its stamp proves nothing yet"


def test_the_mark_of_another_tool_stays(disk: World) -> None:
    tag = disk.folder / "cache/CACHEDIR.TAG"
    tag.parent.mkdir()
    tag.write_text("Signature: 8a477f597d28d172789f06886806bc55\n# Another tool's.\n")
    disk.put(b"one")
    assert tag.read_text().endswith("# Another tool's.\n")


# A folder that cannot be used


@pytest.mark.parametrize("made", ["file", "broken link", "below a file"])
def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path, made: str) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "broken link").symlink_to("no/where")
    folder = tmp_path / (made if made != "below a file" else "file/below")
    world = World(tmp_path, Local(str(folder), clock=time.time))
    with pytest.raises(StoreError) as caught:
        world.put(b"one")
    message = str(caught.value)
    assert message.startswith(f"the cache `{folder}` cannot be written: ")
    assert "\n" not in message
    assert world.store.find(KEY) is None
    assert world.fetch(NOWHERE) is None
    assert world.local.troubles == []


def test_a_folder_that_vanishes_is_made_anew_but_no_record_is_kept_without_its_blobs(disk: World) -> None:
    outputs = (disk.made("a", b"one"),)
    shutil.rmtree(disk.folder / "cache")
    other = disk.made("b", b"two")
    with pytest.raises(StoreError, match="left the cache"):
        disk.store.keep(Record(key=KEY, task="t", outputs=(*outputs, other)))
    assert disk.store.find(KEY) is None
    assert disk.keep(b"one") == disk.store.find(KEY)


def test_a_folder_that_is_replaced_is_another_cache(disk: World) -> None:
    record = disk.keep(b"one")
    cache = disk.folder / "cache"
    cache.rename(disk.folder / "old")
    local(disk.folder).keep(b"two", key=OTHER)
    assert disk.store.find(KEY) is None
    assert disk.store.find(OTHER)
    assert disk.fetch(record.outputs[0].digest) is None
    shutil.rmtree(cache)
    cache.write_text("x")
    with pytest.raises(StoreError, match="cannot be written"):
        disk.put(b"one")
    assert disk.store.find(OTHER) is None


def test_a_record_that_would_not_be_believed_is_not_kept(disk: World) -> None:
    made = disk.made("../x", b"one")
    with pytest.raises(StoreError, match=r"cannot be kept: output `\.\./x`"):
        disk.store.keep(Record(key=KEY, task="t", outputs=(made,)))


@pytest.mark.parametrize("size_bytes", [500_000, 2 * MIB], ids=["in one go", "in pieces"])
def test_a_write_that_fails_leaves_nothing_behind(disk: World, size_bytes: int) -> None:
    import resource

    disk.put(b"one")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    source = os.open(disk.folder / "source", os.O_RDWR)
    os.ftruncate(source, size_bytes)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(StoreError, match="cannot be written: file too large"):
            disk.store.put(source)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list((disk.folder / "cache/tmp").iterdir()) == []
    os.lseek(source, 0, os.SEEK_SET)
    digest, _ = disk.store.put(source)
    os.close(source)
    assert disk.fetch(digest) == b"one" + bytes(size_bytes - 3)


def test_files_that_cannot_be_opened_are_misses_and_stay(disk: World) -> None:
    import resource

    record = disk.keep(b"one")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    source = os.open(disk.folder / "source", os.O_RDONLY)
    to = os.open(disk.folder / "to", os.O_WRONLY | os.O_CREAT)
    digest = record.outputs[0].digest
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        got = disk.store.find(KEY), disk.store.fetch(digest, to), disk.local.has(record)
        with pytest.raises(StoreError, match="cannot be written: too many open files"):
            disk.store.put(source)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    os.close(source)
    os.close(to)
    assert got == (None, False, False)
    assert disk.local.troubles == []
    assert disk.store.find(KEY) == record
    assert disk.fetch(digest) == b"one"
