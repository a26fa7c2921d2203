"""A cache on disks that are full, out of inodes, read-only or not ours; needs root, and skips elsewhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.result import Made, Record
from runner.store import StoreError
from runner.store.gc import collect
from runner.store.local import Local
from runner.store.look import clear, stats, verify

TOP = Path(__file__).resolve().parent.parent.parent
KEY = "ab" * 32


class Disk:
    """A small file system in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "disk"
        self.folder.mkdir()
        self.source = folder / "source"
        self.target = folder / "target"
        self.cache = str(self.folder / "cache")
        self.store = Local(self.cache, clock=time.time)
        self.kept: list[Record] = []

    def mount(self, options: str) -> None:
        """Mount it; skip where that is not allowed."""
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)], capture_output=True)
        if done.returncode:
            if os.environ.get("CI") and os.geteuid() == 0:
                pytest.fail(f"CI may mount: {done.stderr!r}")
            pytest.skip("needs root, to mount a small disk")

    def remount(self, options: str) -> None:
        """Mount it with other options."""
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.folder)], check=True)

    def keep(self, *contents: bytes, key: str = KEY) -> Record:
        """Store a result."""
        outputs = []
        for n, content in enumerate(contents):
            self.source.write_bytes(content)
            source = os.open(self.source, os.O_RDONLY)
            try:
                digest, size_bytes = self.store.put(source)
            finally:
                os.close(source)
            outputs.append(Made(path=f"o{n}", digest=digest, size_bytes=size_bytes))
        record = Record(key=key, task="t", outputs=tuple(outputs))
        self.store.keep(record)
        return record

    def fill(self, count: int, size_bytes: int) -> None:
        """Store so many results of a random file of that size, noting each in `kept`."""
        for n in range(count):
            self.kept.append(self.keep(os.urandom(size_bytes), key=f"{n:064x}"))

    def fetch(self, digest: str) -> bytes | None:
        """Fetch a blob to another disk."""
        to = os.open(self.target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            return self.target.read_bytes() if self.store.fetch(digest, to) else None
        finally:
            os.close(to)

    def left(self) -> list[str]:
        """Temporary files that are still there."""
        return os.listdir(f"{self.cache}/tmp") if os.path.isdir(f"{self.cache}/tmp") else []


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path)
    yield made
    while os.path.ismount(made.folder):
        subprocess.run(["umount", str(made.folder)], check=True)


pytestmark = pytest.mark.slow


@pytest.mark.parametrize("large", [2_000_000, 900_000], ids=["in pieces", "in one go"])
def test_a_full_disk_is_one_clear_error_and_leaves_no_temporary_file(disk: Disk, large: int) -> None:
    disk.mount("size=1m")
    small = disk.keep(b"small")
    with pytest.raises(StoreError) as caught:
        disk.fill(3, large)
    assert str(caught.value) == f"the cache `{disk.cache}` cannot be written: no space left on device"
    assert disk.left() == []
    assert disk.store.find(KEY) == small
    assert disk.fetch(small.outputs[0].digest) == b"small"
    assert list(verify(disk.cache, time.time())) == []


def test_a_disk_fills_up_to_the_last_record_without_harm(disk: Disk) -> None:
    disk.mount("size=512k")
    with pytest.raises(StoreError, match="no space left on device"):
        disk.fill(1000, 1500)
    assert len(disk.kept) > 20
    assert disk.left() == []
    assert [disk.store.find(record.key) for record in disk.kept] == disk.kept
    assert list(verify(disk.cache, time.time())) == []
    disk.remount("size=4m")
    disk.keep(b"room again")


def test_a_full_disk_can_be_collected(disk: Disk) -> None:
    disk.mount("size=1m")
    with pytest.raises(StoreError, match="no space left on device"):
        disk.fill(1000, 50_000)
    before = stats(disk.cache)
    collected = collect(disk.cache, 300_000, 30 * 86400, time.time() + 7200)
    assert collected.trouble == ""
    assert stats(disk.cache).bytes == collected.kept_bytes <= 300_000 < before.bytes
    disk.keep(os.urandom(50_000))


def test_no_inodes_are_one_clear_error(disk: Disk) -> None:
    disk.mount("size=16m,nr_inodes=60")
    with pytest.raises(StoreError, match="cannot be written: no space left on device"):
        disk.fill(100, 10)
    assert disk.kept
    assert disk.left() == []
    assert [disk.store.find(record.key) for record in disk.kept] == disk.kept
    assert list(verify(disk.cache, time.time())) == []


@pytest.mark.parametrize("inodes", range(2, 14))
def test_no_inodes_while_the_folder_is_made(disk: Disk, inodes: int) -> None:
    disk.mount(f"size=16m,nr_inodes={inodes}")
    with pytest.raises(StoreError, match="no space left on device"):
        disk.fill(20, 10)
    assert disk.left() == []
    disk.remount("nr_inodes=200")
    record = disk.keep(b"one")
    assert disk.store.find(KEY) == record
    assert clear(disk.cache)[0] > 0
    assert not os.path.exists(disk.cache)


def test_a_full_target_is_a_miss_and_harms_no_blob(disk: Disk) -> None:
    disk.mount("size=1m")
    disk.target = disk.folder / "target"
    disk.cache = str(disk.source.parent / "cache")
    disk.store = Local(disk.cache, clock=time.time)
    record = disk.keep(os.urandom(2_000_000))
    assert disk.fetch(record.outputs[0].digest) is None
    assert disk.store.troubles == []
    disk.target = disk.source.parent / "target"
    assert disk.fetch(record.outputs[0].digest) == disk.source.read_bytes()


def test_a_read_only_disk_can_be_read(disk: Disk) -> None:
    disk.mount("size=16m")
    record = disk.keep(b"one")
    os.utime(f"{disk.cache}/ac/ab/{KEY}", (1000, 1000))
    disk.remount("ro")
    with pytest.raises(StoreError) as caught:
        disk.keep(b"two", key="cd" * 32)
    assert str(caught.value) == f"the cache `{disk.cache}` cannot be written: read-only file system"
    with pytest.raises(StoreError, match="read-only"):
        disk.keep(b"one")
    assert disk.store.find(KEY) == record
    assert disk.fetch(record.outputs[0].digest) == b"one"
    assert disk.store.has(record)
    disk.store.close()
    assert "read-only file system" in collect(disk.cache, 0, 0, time.time()).trouble
    assert disk.store.troubles == []


def test_what_is_damaged_on_a_read_only_disk_is_told_and_stays(disk: Disk) -> None:
    disk.mount("size=16m")
    record = disk.keep(b"one")
    digest = record.outputs[0].digest
    Path(disk.cache, "cas/blake3", digest[:2], digest).write_bytes(b"two")
    disk.remount("ro")
    assert disk.fetch(digest) is None
    path = f"{disk.cache}/cas/blake3/{digest[:2]}/{digest}"
    assert disk.store.troubles == [f"`{path}` is damaged (not what its name says) and cannot be set aside"]
    found = list(verify(disk.cache, time.time()))
    assert [(finding.path, finding.is_set_aside) for finding in found] == [(path, False)]


def test_a_disk_that_is_gone_is_a_miss(disk: Disk) -> None:
    disk.mount("size=16m")
    record = disk.keep(b"one")
    subprocess.run(["umount", str(disk.folder)], check=True)
    assert disk.store.find(KEY) is None
    assert disk.fetch(record.outputs[0].digest) is None
    assert not os.path.exists(disk.cache), "nothing was made by looking"


# A user who may not write: root without root's privileges, so that the interpreter can still be read.
UNPRIVILEGED = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"]
READER = f"""
import os, time
from runner.store import StoreError
from runner.store.local import Local
store = Local("cache", clock=time.time)
try:
    store.put(os.open("source", os.O_RDONLY))
except StoreError as error:
    print(error)
record = store.find({KEY!r})
to = os.open("target", os.O_WRONLY | os.O_CREAT)
print(record is not None, store.fetch(record.outputs[0].digest, to), store.troubles)
"""


def test_a_folder_that_may_not_be_written_can_be_read(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("needs setpriv, to do without the privileges of root")
    as_user = UNPRIVILEGED if os.geteuid() == 0 else []
    disk.cache = str(tmp_path / "cache")
    disk.store = Local(disk.cache, clock=time.time)
    disk.keep(b"one")
    os.utime(f"{disk.cache}/ac/ab/{KEY}", (1000, 1000))
    disk.source.write_bytes(b"two")
    for path in sorted(Path(disk.cache).rglob("*"), reverse=True):
        path.chmod(0o555 if path.is_dir() else 0o444)
    done = subprocess.run(
        [*as_user, sys.executable, "-c", READER],
        cwd=tmp_path,
        env={"PYTHONPATH": str(TOP)},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "the cache `cache` cannot be written: permission denied\nTrue True []\n", done.stderr
