"""Looking at a cache: figures, lists, what is bad in it; and removing it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.error import Refusal
from runner.noun import replace
from runner.result import Made, Record
from runner.store.local import Local
from runner.store.look import Finding, Stats, clear, listed, stats, verify
from runner.store.record import encode

NOW = time.time()
KEYS = [f"{n:x}" * 64 for n in range(6)]


class Cache:
    """A cache with some results."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "cache"
        self.source = folder / "source"
        self.path = str(self.folder)
        self.store = Local(self.path, clock=time.time)

    def put(self, content: bytes) -> tuple[str, int]:
        """Put a blob."""
        self.source.write_bytes(content)
        source = os.open(self.source, os.O_RDONLY)
        try:
            return self.store.put(source)
        finally:
            os.close(source)

    def keep(self, n: int, *contents: bytes, age_s: float = 0.0) -> Record:
        """Keep a record, used so long ago."""
        put = [self.put(content) for content in contents]
        outputs = tuple(Made(path=f"o{m}", digest=digest, size_bytes=size) for m, (digest, size) in enumerate(put))
        log, log_bytes = self.put(b"log %d" % n)
        record = Record(key=KEYS[n], task=f"t{n}", outputs=outputs, log=log, log_bytes=log_bytes, by="ann@host")
        self.store.keep(record)
        os.utime(self.record(n), (NOW - age_s, NOW - age_s))
        return record

    def record(self, n: int) -> Path:
        """Where a record lies."""
        return self.folder / "ac" / KEYS[n][:2] / KEYS[n]

    def blob(self, digest: str) -> Path:
        """Where a blob lies."""
        return self.folder / "cas/blake3" / digest[:2] / digest

    def verify(self) -> dict[str, Finding]:
        """What is found, by path."""
        found = list(verify(self.path, NOW))
        assert len({finding.path for finding in found}) == len(found)
        return {finding.path: finding for finding in found}


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path)


def write(path: Path, content: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(content)


# Figures and lists


def test_what_a_cache_holds_is_counted(cache: Cache) -> None:
    cache.keep(0, b"x" * 5000, b"shared", age_s=100)
    cache.keep(1, b"shared", age_s=50)
    found = stats(cache.path)
    assert found == Stats(
        records=2, blobs=4, bytes=2 * 4096 + 8192 + 3 * 4096, oldest_s=found.oldest_s, newest_s=found.newest_s
    )
    assert found.oldest_s == pytest.approx(NOW - 100)
    assert found.newest_s == pytest.approx(NOW - 50)


def test_what_is_set_aside_is_counted(cache: Cache) -> None:
    cache.keep(0, b"one")
    write(cache.record(0), b"garbage")
    assert cache.store.find(KEYS[0]) is None
    found = stats(cache.path)
    assert (found.records, found.bad) == (0, 1)


def test_where_there_is_no_cache_there_is_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "none")
    assert stats(path) == Stats()
    assert list(listed(path)) == []
    assert list(verify(path, NOW)) == []
    assert clear(path) == (0, 0)
    assert list(tmp_path.iterdir()) == []


def test_what_was_used_last_is_listed_first(cache: Cache) -> None:
    cache.keep(0, b"one", age_s=50)
    second = cache.keep(1, b"1234567890", b"1234567890", age_s=10)
    cache.keep(2, age_s=90)
    found = list(listed(cache.path))
    assert [entry.record.task for entry in found] == ["t1", "t0", "t2"]
    assert found[0].record == second
    assert found[0].size_bytes == 10 + 5, "what is there once counts once"
    assert found[0].used_s == pytest.approx(NOW - 10)


def test_a_list_leaves_out_what_is_damaged_and_changes_nothing(cache: Cache) -> None:
    cache.keep(0, b"one")
    cache.keep(1, b"two")
    write(cache.record(0), b"garbage")
    before = cache.record(1).stat()
    assert [entry.record.task for entry in listed(cache.path)] == ["t1"]
    assert cache.record(0).read_bytes() == b"garbage"
    assert cache.record(1).stat().st_mtime_ns == before.st_mtime_ns


# Verifying


def test_a_sound_cache_has_no_findings(cache: Cache) -> None:
    cache.keep(0, b"one", b"x" * 3_000_000)
    sound = Local(cache.path, algorithm="sha256", clock=time.time)
    source = os.open(cache.source, os.O_RDONLY)
    sound.put(source)
    os.close(source)
    assert cache.verify() == {}


def test_whatever_is_damaged_is_named_once_and_set_aside(cache: Cache) -> None:
    records = [cache.keep(n, b"content %d" % n, b"shared") for n in range(6)]
    flipped, missing, cut = (cache.blob(records[n].outputs[0].digest) for n in (1, 2, 3))
    write(flipped, b"CONTENT 1")
    missing.unlink()
    write(cut, b"content")
    write(cache.record(4), b"garbage")
    shutil.copy(cache.record(5), cache.record(0).with_name("00" + "ab" * 31))
    swapped = cache.record(0).with_name("00" + "ab" * 31)
    found = cache.verify()
    assert {path: (finding.kind, finding.reason, finding.is_set_aside) for path, finding in found.items()} == {
        str(flipped): ("blob", "not what its name says", True),
        str(cut): ("blob", "not what its name says", True),
        str(cache.record(1)): ("record", f"its blob `{flipped.name}` is missing", True),
        str(cache.record(2)): ("record", f"its blob `{missing.name}` is missing", True),
        str(cache.record(3)): ("record", f"its blob `{cut.name}` is missing", True),
        str(cache.record(4)): ("record", "not a record", True),
        str(swapped): ("record", "the record of another key", True),
    }
    assert cache.verify() == {}, "a second time finds nothing more"
    assert {entry.record.task for entry in listed(cache.path)} == {"t0", "t5"}
    assert stats(cache.path).bad == 7
    assert cache.store.troubles == []


@pytest.mark.parametrize("instead", [os.mkfifo, os.mkdir, lambda path: os.symlink("x", path)])
def test_what_is_no_file_is_named(cache: Cache, instead: Callable[[Path], None]) -> None:
    record = cache.keep(0, b"one")
    cache.keep(1, b"two")
    blob = cache.blob(record.outputs[0].digest)
    for path in (blob, cache.record(1)):
        path.unlink()
        instead(path)
    found = cache.verify()
    assert {path: finding.reason for path, finding in found.items()} == {
        str(blob): "not a file",
        str(cache.record(1)): "not a file",
        str(cache.record(0)): f"its blob `{blob.name}` is missing",
    }
    assert cache.verify() == {}


def test_a_record_that_names_another_size_is_named(cache: Cache) -> None:
    record = cache.keep(0, b"one")
    (made,) = record.outputs
    write(cache.record(0), encode(replace(record, outputs=(replace(made, size_bytes=4),)), "blake3"))
    (found,) = cache.verify().values()
    assert (found.path, found.reason) == (str(cache.record(0)), f"its blob `{made.digest}` has another size")
    assert cache.verify() == {}


def test_records_of_other_versions_are_left_alone(cache: Cache) -> None:
    cache.keep(0, b"one")
    write(cache.record(0), b"trun record 7\nwhatever")
    assert cache.verify() == {}
    assert cache.record(0).exists()


# Clearing


def test_clearing_removes_all_of_it(cache: Cache) -> None:
    cache.keep(0, b"one", b"x" * 5000)
    cache.keep(1, b"two")
    write(cache.record(1), b"garbage")
    assert cache.store.find(KEYS[1]) is None
    (cache.folder / "tmp/t-0123456789abcdef.7.1").write_bytes(b"left")
    cache.store.close()
    files, size_bytes = clear(cache.path)
    assert files == 5 + 1 + 1 + 1 + 4, "blobs, record, bad, left, and four of its own"
    assert size_bytes == (6 + 1 + 1 + 1 + 3) * 4096
    assert not cache.folder.exists()
    cache.keep(0, b"one")
    assert cache.store.find(KEYS[0])


def test_clearing_leaves_what_trun_did_not_make(cache: Cache) -> None:
    cache.keep(0, b"one")
    strangers = ["mine.txt", "tmp/mine", "ac/mine", "cas/blake3/mine", f"cas/blake3/zz/{KEYS[0]}", "bad/mine"]
    for name in strangers:
        (cache.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (cache.folder / name).write_text("x")
    clear(cache.path)
    left = {str(path.relative_to(cache.folder)) for path in cache.folder.rglob("*") if not path.is_dir()}
    assert left == set(strangers)


@pytest.mark.parametrize("tag", [None, "", "Signature: 8a477f597d28d172789f06886806bc55\n# Another tool's.\n"])
def test_a_folder_that_is_no_cache_of_trun_is_not_cleared(tmp_path: Path, tag: str | None) -> None:
    precious = tmp_path / "home/ac/ab" / KEYS[0]
    precious.parent.mkdir(parents=True)
    precious.write_text("x")
    if tag is not None:
        (tmp_path / "home/CACHEDIR.TAG").write_text(tag)
    with pytest.raises(Refusal) as caught:
        clear(str(tmp_path / "home"))
    assert str(caught.value) == (
        f"error: `{tmp_path}/home` is no cache of trun, so nothing was removed\n"
        "  hint: a cache has a file `CACHEDIR.TAG` in it"
    )
    assert precious.exists()


def test_a_link_to_a_cache_is_cleared_and_stays(cache: Cache, tmp_path: Path) -> None:
    cache.keep(0, b"one")
    link = tmp_path / "link"
    link.symlink_to(cache.folder)
    clear(str(link))
    assert stats(cache.path) == Stats()
    assert link.is_symlink()


def test_a_store_that_is_in_use_survives_clearing(cache: Cache) -> None:
    digest, size_bytes = cache.put(b"one")
    clear(cache.path)
    assert cache.store.find(KEYS[0]) is None
    record = cache.keep(1, b"one")
    assert record.outputs[0].digest == digest
    assert size_bytes == 3
    assert cache.store.find(KEYS[1]) == record
