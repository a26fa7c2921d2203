"""Collecting a cache: what goes, what stays, and what others do meanwhile."""

from __future__ import annotations

import fcntl
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.digest import hasher
from runner.result import Made, Record
from runner.store import gc, later
from runner.store.gc import Collected, collect, due
from runner.store.layout import blob_path, record_path, take_away
from runner.store.local import Local
from runner.store.look import stats, verify
from runner.store.writer import MIB

NOW = time.time()
HOUR, DAY = 3600.0, 86400.0
BLOB = 40_000
ENDLESS = 1 << 60


def key(name: str) -> str:
    return hasher("blake3")(name.encode()).hexdigest()


class Cache:
    """A cache whose records were used when the test says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "cache"
        self.source = folder / "source"
        self.path = str(self.folder)
        self.store = Local(self.path, clock=time.time)

    def put(self, content: bytes, age_s: float = 0.0) -> tuple[str, int]:
        """Put a blob, so long ago."""
        self.source.write_bytes(content)
        source = os.open(self.source, os.O_RDONLY)
        digest, size_bytes = self.store.put(source)
        os.close(source)
        self.age(self.blob(digest), age_s)
        return digest, size_bytes

    def keep(self, name: str, *contents: bytes, age_s: float = 0.0) -> Record:
        """Keep a record whose files are the contents, so long ago."""
        put = [self.put(content, age_s) for content in contents or (name.encode() * (BLOB // len(name)),)]
        outputs = tuple(Made(path=f"o{n}", digest=digest, size_bytes=size) for n, (digest, size) in enumerate(put))
        record = Record(key=key(name), task=name, outputs=outputs)
        self.store.keep(record)
        self.age(self.record(name), age_s)
        return record

    def record(self, name: str) -> Path:
        """Where a record lies."""
        return Path(record_path(self.path, key(name)))

    def blob(self, digest: str) -> Path:
        """Where a blob lies."""
        return Path(blob_path(self.path, "blake3", digest))

    def has(self, name: str) -> bool:
        """Whether a record is there, with all of its files."""
        record = self.store.find(key(name))
        assert self.store.troubles == []
        assert record is None or self.store.has(record), "never a record without its blobs"
        return record is not None

    def age(self, path: Path, age_s: float) -> None:
        """Make a file so old."""
        os.utime(path, (NOW - age_s, NOW - age_s))

    def collect(self, max_bytes: int = ENDLESS, max_age_s: float = 30 * DAY) -> Collected:
        """Collect now."""
        return collect(self.path, max_bytes, max_age_s, NOW)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path)


def test_what_is_within_the_limits_stays(cache: Cache) -> None:
    for n in range(5):
        cache.keep(f"r{n}", age_s=n * DAY)
    collected = cache.collect()
    assert (collected.records, collected.blobs, collected.freed_bytes, collected.trouble) == (0, 0, 0, "")
    assert collected.kept_bytes == stats(cache.path).bytes
    assert all(cache.has(f"r{n}") for n in range(5))


def test_what_was_not_used_for_long_enough_goes(cache: Cache) -> None:
    cache.keep("old", age_s=31 * DAY)
    cache.keep("new", age_s=29 * DAY)
    before = stats(cache.path).bytes
    collected = cache.collect()
    assert (cache.has("old"), cache.has("new")) == (False, True)
    assert (collected.records, collected.blobs) == (1, 1)
    assert collected.freed_bytes == before - collected.kept_bytes > BLOB
    assert collected.kept_bytes == stats(cache.path).bytes


def test_least_recently_used_goes_first_until_there_is_room_again(cache: Cache) -> None:
    names = [f"r{n}" for n in range(10)]
    for n, name in enumerate(names):
        cache.keep(name, age_s=(n + 2) * HOUR)
    cache.age(cache.record("r9"), 1.5 * HOUR)  # the first that was made was used last
    limit = 300_000
    collected = cache.collect(max_bytes=limit)
    kept = [name for name in names if cache.has(name)]
    assert kept == ["r0", "r1", "r2", "r3", "r9"]
    assert stats(cache.path).bytes == collected.kept_bytes <= limit * 0.8
    assert cache.collect(max_bytes=limit) == Collected(kept_bytes=collected.kept_bytes)


def test_a_blob_that_another_record_needs_stays(cache: Cache) -> None:
    shared = b"s" * BLOB
    cache.keep("old", shared, b"o" * BLOB, age_s=40 * DAY)
    cache.keep("new", shared, age_s=2 * HOUR)
    cache.age(cache.blob(cache.put(shared)[0]), 40 * DAY)
    assert cache.collect().blobs == 1
    assert cache.has("new")
    assert not cache.has("old")


def test_a_blob_that_another_record_needs_stays_when_room_is_made(cache: Cache) -> None:
    shared = b"s" * BLOB
    for n, name in enumerate(("oldest", "old", "new")):
        cache.keep(name, shared, name.encode() * BLOB, age_s=(9 - n) * HOUR)
    cache.age(cache.blob(cache.put(shared)[0]), 9 * HOUR)
    kept_bytes = cache.collect(max_bytes=stats(cache.path).bytes - 1).kept_bytes
    assert [cache.has(name) for name in ("oldest", "old", "new")] == [False, True, True]
    assert kept_bytes == stats(cache.path).bytes


def test_the_log_of_a_record_stays(cache: Cache) -> None:
    log, size_bytes = cache.put(b"log", age_s=DAY)
    cache.store.keep(Record(key=key("r"), task="t", log=log, log_bytes=size_bytes))
    assert cache.collect().blobs == 0
    assert cache.has("r")


def test_a_blob_that_nobody_needs_goes_after_a_while(cache: Cache) -> None:
    old, _ = cache.put(b"old", age_s=HOUR + 1)
    young, _ = cache.put(b"young", age_s=HOUR - 60)
    cache.keep("r")
    assert cache.collect().blobs == 1
    assert not cache.blob(old).exists()
    assert cache.blob(young).exists()


def test_what_was_used_just_now_stays_whatever_the_limits(cache: Cache) -> None:
    cache.keep("young", age_s=HOUR / 2)
    cache.keep("old", age_s=2 * HOUR)
    cache.collect(max_bytes=0, max_age_s=0)
    assert cache.has("young")
    assert not cache.has("old")


def test_a_record_put_again_saves_blobs_that_were_there(cache: Cache) -> None:
    digest, size_bytes = cache.put(b"one", age_s=DAY)
    cache.put(b"one")
    os.utime(cache.blob(digest))
    assert cache.collect().blobs == 0
    cache.store.keep(Record(key=key("r"), task="t", outputs=(Made(path="o", digest=digest, size_bytes=size_bytes),)))
    assert cache.has("r")


def test_what_killed_writers_left_goes_and_nothing_else(cache: Cache) -> None:
    cache.keep("r")
    (cache.folder / "bad").mkdir()
    ours = {"tmp": "t-0123456789abcdef.7.1", "bad": f"b-0123456789abcdef.7.1-{key('x')}"}
    for room, name in ours.items():
        for made in (name, name.replace("7.1", "7.2"), "mine.txt", "t-mine", "b-0123456789abcdef"):
            (cache.folder / room / made).write_text("x")
            cache.age(cache.folder / room / made, 8 * DAY)
    (cache.folder / "bad" / ours["bad"]).unlink()
    (cache.folder / "bad" / ours["bad"]).mkdir()
    (cache.folder / "bad" / ours["bad"] / "x").write_text("x")
    cache.age(cache.folder / "bad" / ours["bad"], 8 * DAY)
    cache.age(cache.folder / "tmp" / ours["tmp"], 0.5 * HOUR)
    assert cache.collect().leftovers == 3
    assert {path.name for path in (cache.folder / "tmp").iterdir()} == {
        ours["tmp"],
        "mine.txt",
        "t-mine",
        "b-0123456789abcdef",
    }
    assert {path.name for path in (cache.folder / "bad").iterdir()} == {"mine.txt", "t-mine", "b-0123456789abcdef"}


def test_strangers_in_the_folder_stay(cache: Cache) -> None:
    cache.keep("r", age_s=DAY)
    strangers = ["ac/notes.txt", "cas/blake3/README", "cas/x", f"ac/zz/{key('x')}", f"cas/md5/ab/{'ab' * 32}"]
    strangers += [f"cas/blake3/00/{'ff' * 32}"]
    for name in strangers:
        (cache.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (cache.folder / name).write_text("x")
        cache.age(cache.folder / name, 90 * DAY)
    assert cache.collect(0, 0).trouble == ""
    assert all((cache.folder / name).exists() for name in strangers)


def test_a_record_of_another_version_keeps_what_it_mentions(cache: Cache) -> None:
    digest, _ = cache.put(b"one", age_s=DAY)
    record = cache.keep("r", age_s=DAY)
    cache.record("r").chmod(0o644)
    cache.record("r").write_text(f"trun record 2 x\n[blob:{digest}]\n")
    cache.age(cache.record("r"), DAY)
    assert cache.collect().blobs == 1
    assert cache.blob(digest).exists()
    assert not cache.blob(record.outputs[0].digest).exists()
    cache.age(cache.record("r"), 31 * DAY)
    assert (cache.collect().records, cache.blob(digest).exists()) == (1, False)


def test_a_damaged_record_is_set_aside_and_needs_nothing(cache: Cache) -> None:
    record = cache.keep("r", age_s=DAY)
    cache.record("r").chmod(0o644)
    cache.record("r").write_text("garbage")
    assert cache.collect().blobs == 1
    assert not cache.record("r").exists()
    assert not cache.blob(record.outputs[0].digest).exists()


@pytest.mark.parametrize("instead", [os.mkfifo, os.mkdir, lambda path: os.symlink("x", path)])
def test_what_is_no_file_does_not_hold_a_collection_up(cache: Cache, instead: Callable[[Path], None]) -> None:
    record = cache.keep("r", age_s=DAY)
    digest = record.outputs[0].digest
    cache.record("r").unlink()
    cache.blob(digest).unlink()
    instead(cache.record("r"))
    instead(cache.blob(digest))
    assert cache.collect(0, 0).trouble == ""


def test_a_record_that_cannot_be_read_keeps_every_blob(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    orphan = cache.put(b"orphan", age_s=DAY)[0]
    cache.keep("r", age_s=DAY)

    def fails(source: int, size_bytes: int) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(gc, "read_up_to", fails)
    collected = cache.collect(max_bytes=0)
    assert collected.trouble == f"the cache `{cache.path}` cannot be collected: input/output error"
    assert (collected.records, collected.blobs) == (0, 0)
    assert cache.blob(orphan).exists()
    monkeypatch.undo()
    assert cache.has("r")


def test_a_time_in_the_future_is_mended(cache: Cache) -> None:
    cache.keep("r", age_s=-90 * DAY)
    cache.collect()
    assert cache.record("r").stat().st_mtime == pytest.approx(NOW)


def test_one_collects_at_a_time(cache: Cache) -> None:
    cache.keep("r", age_s=DAY)
    with (cache.folder / "lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert cache.collect(0, 0) == Collected(is_busy=True)
        assert cache.record("r").exists()
    assert cache.collect(0, 0).records == 1


def test_where_there_is_no_cache_nothing_is_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert collect(str(tmp_path / "none"), 0, 0, NOW) == Collected()
    assert collect(str(tmp_path / "file"), 0, 0, NOW) == Collected()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


# What happens between the look at a file and its removal


class Meanwhile:
    """Does something when a file is about to be moved away: before the move, or after it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, path: Path, act: Callable[[], object], *, after: bool) -> None:
        self.acted = 0
        real = os.rename

        def rename(source: str, to: str) -> None:
            is_it = str(source) == str(path) and not self.acted
            self.acted += is_it
            if is_it and not after:
                act()
            real(source, to)
            if is_it and after:
                act()

        monkeypatch.setattr(os, "rename", rename)


@pytest.mark.parametrize("after", [False, True])
def test_a_record_that_is_used_meanwhile_stays(cache: Cache, monkeypatch: pytest.MonkeyPatch, after: bool) -> None:
    cache.keep("r", age_s=40 * DAY)
    found: list[Record | None] = []
    meanwhile = Meanwhile(monkeypatch, cache.record("r"), lambda: found.append(cache.store.find(key("r"))), after=after)
    collected = cache.collect()
    assert meanwhile.acted == 1
    assert (found[0] is not None) is not after
    assert collected.records == int(after)
    assert cache.has("r") is not after
    assert list((cache.folder / "tmp").iterdir()) == []


@pytest.mark.parametrize("after", [False, True])
def test_a_record_that_is_kept_anew_meanwhile_stays(cache: Cache, monkeypatch: pytest.MonkeyPatch, after: bool) -> None:
    cache.keep("r", age_s=40 * DAY)
    meanwhile = Meanwhile(monkeypatch, cache.record("r"), lambda: cache.keep("r", b"other"), after=after)
    cache.collect()
    assert meanwhile.acted == 1
    assert cache.has("r")
    assert list((cache.folder / "tmp").iterdir()) == []


@pytest.mark.parametrize("after", [False, True])
def test_a_blob_that_is_put_meanwhile_stays(cache: Cache, monkeypatch: pytest.MonkeyPatch, after: bool) -> None:
    digest, _ = cache.put(b"one", age_s=DAY)

    def keep() -> None:
        cache.source.write_bytes(b"one")
        source = os.open(cache.source, os.O_RDONLY)
        put.append(cache.store.put(source))
        os.close(source)

    put: list[tuple[str, int]] = []
    meanwhile = Meanwhile(monkeypatch, cache.blob(digest), keep, after=after)
    cache.collect(0, 0)
    assert meanwhile.acted == 1
    (made,) = put
    cache.store.keep(Record(key=key("r"), task="t", outputs=(Made(path="o", digest=made[0], size_bytes=made[1]),)))
    assert cache.has("r")
    assert list((cache.folder / "tmp").iterdir()) == []


def test_what_is_put_back_does_not_replace_what_is_newer(cache: Cache) -> None:
    cache.keep("r")
    path, newer = cache.record("r"), b"newer"

    def is_meant(found: os.stat_result) -> bool:
        path.write_bytes(newer)
        return False

    assert not take_away(str(path), f"{cache.path}/tmp/moved", is_meant)
    assert path.read_bytes() == newer
    assert list((cache.folder / "tmp").iterdir()) == []


def test_a_damaged_blob_that_is_replaced_meanwhile_is_not_set_aside(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, _ = cache.put(b"one")
    blob = cache.blob(digest)
    blob.unlink()
    blob.write_bytes(b"eno")

    def mend() -> None:
        cache.source.write_bytes(b"one")
        os.replace(cache.source, blob)

    meanwhile = Meanwhile(monkeypatch, blob, mend, after=False)
    to = os.open(cache.folder / "to", os.O_WRONLY | os.O_CREAT)
    assert not cache.store.fetch(digest, to)
    assert meanwhile.acted == 1
    assert cache.store.fetch(digest, to)
    os.close(to)
    assert cache.store.troubles == []


def test_a_result_that_is_stored_once_records_are_read_loses_nothing(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = b"s" * BLOB
    digest, _ = cache.put(shared, age_s=DAY)
    real = gc._Collection._sweep

    def sweep(self: gc._Collection, algorithm: str) -> None:
        cache.source.write_bytes(shared)
        source = os.open(cache.source, os.O_RDONLY)
        size_bytes = cache.store.put(source)[1]
        os.close(source)
        outputs = (Made(path="o", digest=digest, size_bytes=size_bytes),)
        cache.store.keep(Record(key=key("r"), task="t", outputs=outputs))
        real(self, algorithm)

    monkeypatch.setattr(gc._Collection, "_sweep", sweep)
    assert cache.collect(0, 0).blobs == 0
    assert cache.has("r")


def test_a_reader_that_has_begun_reads_on(cache: Cache) -> None:
    record = cache.keep("r", age_s=40 * DAY)
    found = cache.store.find(key("r"))
    cache.age(cache.record("r"), 40 * DAY)
    cache.collect()
    assert found == record
    to = os.open(cache.source, os.O_WRONLY)
    assert not cache.store.fetch(record.outputs[0].digest, to), "a miss, no error"
    os.close(to)
    assert cache.store.troubles == []


# When


def test_a_new_cache_is_not_due(cache: Cache) -> None:
    assert not due(cache.path, 10 * MIB, NOW)
    cache.keep("r")
    cache.store.close()
    assert not due(cache.path, 10 * MIB, time.time())


def test_it_is_due_once_a_day(cache: Cache) -> None:
    cache.keep("r")
    os.utime(cache.folder / "lock", (NOW, NOW))
    assert not due(cache.path, ENDLESS, NOW + DAY - 60)
    assert due(cache.path, ENDLESS, NOW + DAY + 60)
    assert due(cache.path, ENDLESS, NOW - 2 * DAY), "the clock was set back"
    collect(cache.path, ENDLESS, 30 * DAY, NOW + 2 * DAY)
    assert not due(cache.path, ENDLESS, NOW + 2 * DAY + 60)


def test_it_is_due_when_more_than_the_limit_was_written_but_not_at_the_end_of_each_run(cache: Cache) -> None:
    cache.keep("r", os.urandom(3 * MIB), os.urandom(3 * MIB))
    cache.store.close()
    os.utime(cache.folder / "lock", (NOW, NOW))
    later_s = NOW + 2 * HOUR
    assert not due(cache.path, 8 * MIB, later_s)
    assert due(cache.path, 5 * MIB, later_s)
    assert not due(cache.path, 5 * MIB, NOW + 60)
    collect(cache.path, 5 * MIB, 30 * DAY, later_s)
    assert not due(cache.path, 5 * MIB, later_s + HOUR)
    assert (cache.folder / "usage").stat().st_size == 0


def test_what_is_missing_of_the_figures_makes_it_due(cache: Cache) -> None:
    cache.keep("r")
    (cache.folder / "usage").unlink()
    cache.store.close()
    assert due(cache.path, ENDLESS, NOW)
    collect(cache.path, ENDLESS, 30 * DAY, NOW)
    assert not due(cache.path, ENDLESS, NOW)


# As a process


def test_a_collection_that_nobody_waits_for_does_its_work(cache: Cache) -> None:
    cache.keep("old", age_s=40 * DAY)
    cache.keep("new", age_s=DAY)
    pid = later.start(cache.path, ENDLESS, 30 * DAY, NOW, {"PYTHONPATH": str(Path(sys.path[0]))})
    assert pid is not None
    _, status = os.waitpid(pid, 0)
    assert status == 0
    assert not cache.has("old")
    assert cache.has("new")


def test_a_folder_of_any_name_is_collected_by_a_process(tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"a'b\n\xff\"")
    odd.mkdir()
    cache = Cache(odd)
    cache.keep("old", age_s=40 * DAY)
    pid = later.start(cache.path, ENDLESS, 30 * DAY, NOW, {})
    assert pid is not None
    os.waitpid(pid, 0)
    assert not cache.has("old")


MANY = """
import os, random, sys, time
from runner.digest import hasher
from runner.result import Made, Record
from runner.store import StoreError, gc, local

# An hour as a second: so most of what there is may go at any moment.
gc.GRACE_S = gc.TEMPORARY_FOR_S = 1.0
local.TOUCHED_FOR_S = 0
number = int(sys.argv[1])
rng = random.Random(number)
store = local.Local("cache", clock=time.time)
lag = removed = hits = 0

def content(name, n):
    return b"%d %d " % (name, n) * 2000 if n else b"shared by all"

def put(content):
    with open(f"source{number}", "wb") as file:
        file.write(content)
    source = os.open(f"source{number}", os.O_RDONLY)
    try:
        return store.put(source)
    finally:
        os.close(source)

end = time.monotonic() + 5
while time.monotonic() < end:
    what = rng.random()
    name = int(3000 * rng.random() ** 3)  # some are wanted all the time, most are left alone
    key = hasher("blake3")(b"%d" % name).hexdigest()
    if what < 0.3:
        began = time.monotonic()
        made = [(f"o{n}", *put(content(name, n))) for n in range(3)]
        outputs = tuple(Made(path=path, digest=digest, size_bytes=size) for path, digest, size in made)
        try:
            store.keep(Record(key=key, task=str(name), outputs=outputs))
        except StoreError as error:
            assert "left the cache" in str(error), error
        lag = max(lag, time.monotonic() - began)
    elif what < 0.9:
        record = store.find(key)
        for n, made in enumerate(record.outputs if record else ()):
            to = os.open(f"to{number}", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            if store.fetch(made.digest, to):
                hits += 1
                assert os.pread(to, 1 << 20, 0) == content(name, n), "wrong bytes"
            os.close(to)
    else:
        done = gc.collect("cache", 2_000_000, 3.0, time.time())
        assert not done.trouble, done
        removed += done.records + done.blobs
store.close()
assert store.troubles == [], store.troubles
print(lag, removed, hits)
"""


@pytest.mark.slow
def test_twelve_processes_store_restore_and_collect_at_once(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", MANY]
    env = {"PYTHONPATH": str(Path(__file__).resolve().parent.parent.parent)}
    started = [
        subprocess.Popen(
            [*argv, str(n)], cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for n in range(12)
    ]
    ended = [(process.communicate(timeout=120), process.returncode) for process in started]
    assert [code for _, code in ended] == [0] * 12, [err for (_, err), _ in ended if err]
    lags, removed, hits = zip(*(map(float, out.split()) for (out, _), _ in ended), strict=True)
    assert sum(removed) > 100
    assert sum(hits) > 1000
    findings = list(verify(str(tmp_path / "cache"), time.time()))
    # One that took longer than the grace from `put` to `keep` may have lost a blob, and that is all.
    assert [finding for finding in findings if max(lags) < 1 or "missing" not in finding.reason] == []
    assert list((tmp_path / "cache/tmp").iterdir()) == []


@pytest.mark.slow
def test_a_collector_killed_anywhere_leaves_a_cache_that_is_whole(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    rng = random.Random(1)
    for turn in range(8):
        for n in range(60):
            cache.keep(f"r{turn}.{n}", age_s=rng.randrange(int(2 * HOUR), int(60 * DAY)))
        pid = later.start(cache.path, 1_000_000, 30 * DAY, NOW, {})
        assert pid is not None
        time.sleep(rng.random() * 0.08)
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        assert list(verify(cache.path, NOW)) == []
    assert cache.collect(1_000_000).trouble == ""
    assert stats(cache.path).bytes <= 1_000_000
