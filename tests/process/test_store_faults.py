"""A cache while system calls fail, or its process is killed, at any point of storing, restoring and collecting."""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.result import Made, Record
from runner.store.local import Local
from runner.store.look import listed, verify
from tests.kit.faults import ERRORS, KILL, Fault, Struck, Struckable, each, faults, need_strace, python

KEY, OLD = "ab" * 32, "cd" * 32
SMALL, LARGE, LOG = b"small" * 20, b"large!" * 200_000, b"log\n"
STORED, REFUSED = 0, 3
# Added to what was had: 16 a record, 8 all of its blobs sound, 2 and 1 a file each.
HAD = 100

START = """
import fcntl, json.decoder, json.encoder
from runner.result import Made, Record
from runner.store import StoreError
from runner.store.local import Local
store = Local("cache", clock=lambda: %r)
""" % time.time()  # noqa: UP031

STORE = f"""{START}
sources = [os.open(name, os.O_RDONLY) for name in ("small", "large", "log")]
code = {STORED}
mark(BEGIN)
try:
    (one, a), (two, b), (log, c) = [store.put(source) for source in sources]
    outputs = Made(path="one", digest=one, size_bytes=a), Made(path="two", digest=two, size_bytes=b)
    store.keep(Record(key={KEY!r}, task="t", outputs=outputs, log=log, log_bytes=c))
except StoreError:
    code = {REFUSED}
store.close()
mark(END)
os._exit(code)
"""

# What was had is told in the exit code, because writing may be what fails.
RESTORE = f"""{START}
targets = [os.open(name, os.O_WRONLY | os.O_CREAT) for name in ("to0", "to1")]
code = 0
mark(BEGIN)
record = store.find({KEY!r})
if record is not None:
    code = 16 + sum(store.fetch(made.digest, to) << n for n, (made, to) in enumerate(zip(record.outputs, targets)))
    code += 8 * store.has(record)
mark(END)
os._exit({HAD} + code)
"""

COLLECT = f"""{START}
from runner.store.gc import collect
mark(BEGIN)
collect("cache", 2_000_000, 30 * 86400, {time.time()!r})
mark(END)
os._exit(0)
"""


def put(store: Local, folder: Path, content: bytes) -> tuple[str, int]:
    path = folder / "put"
    path.write_bytes(content)
    source = os.open(path, os.O_RDONLY)
    try:
        return store.put(source)
    finally:
        os.close(source)


def keep(folder: Path, key: str = KEY, large: bytes = LARGE) -> Record:
    """Store without faults; it has to go well."""
    store = Local(str(folder / "cache"), clock=time.time)
    (one, a), (two, b), (log, c) = (put(store, folder, content) for content in (SMALL, large, LOG))
    outputs = Made(path="one", digest=one, size_bytes=a), Made(path="two", digest=two, size_bytes=b)
    record = Record(key=key, task="t", outputs=outputs, log=log, log_bytes=c)
    store.keep(record)
    store.close()
    assert store.troubles == []
    return record


def fetched(store: Local, folder: Path, digest: str) -> bytes | None:
    path = folder / "fetched"
    to = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        return path.read_bytes() if store.fetch(digest, to) else None
    finally:
        os.close(to)


def check_whole(folder: Path, key: str = KEY, large: bytes = LARGE) -> bool:
    """Whether there is a record, and then all of it, right to the byte. Never a record without its blobs."""
    store = Local(str(folder / "cache"), clock=time.time)
    record = store.find(key)
    if record is not None:
        digests = [made.digest for made in record.outputs] + [record.log]
        assert [fetched(store, folder, digest) for digest in digests] == [SMALL, large, LOG]
    assert store.troubles == []
    return record is not None


class Trial:
    """A script, the folder it starts from, and what must hold after each fault."""

    def __init__(
        self, scratch: Path, code: str, ready: Callable[[Path], object], check: Callable[[Path, Struck], None]
    ) -> None:
        self.scratch = scratch
        self.script: Struckable = python(code)
        self.check = check
        self.start = scratch / "start"
        self.start.mkdir()
        for name, content in (("small", SMALL), ("large", LARGE), ("log", LOG)):
            (self.start / name).write_bytes(content)
        ready(self.start)
        self._number = 0
        self.calls = self.script.calls(self._folder())

    def run(self, chosen: Callable[[Fault], bool] = lambda fault: True) -> int:
        """Try the chosen ones; how many they were."""
        points = [fault for fault in faults(self.calls) if chosen(fault)]
        assert points
        return each(points, self._one)

    def _one(self, fault: Fault) -> None:
        folder = self._folder()
        struck = self.script.strike(fault, folder)
        assert struck.is_hit, "the fault never came: is the script deterministic?"
        assert struck.is_killed == (fault.error == KILL)
        assert "Traceback" not in struck.stderr, struck.stderr
        self.check(folder, struck)
        if not struck.is_killed and fault.call.name != "unlink":
            assert not list((folder / "cache").glob("tmp/*"))
        shutil.rmtree(folder)

    def _folder(self) -> Path:
        self._number += 1
        folder = self.scratch / str(self._number)
        shutil.copytree(self.start, folder, symlinks=True)
        return folder


def check_stored(folder: Path, struck: Struck) -> None:
    assert struck.is_killed or struck.code in (STORED, REFUSED)
    assert check_whole(folder) or struck.code != STORED
    keep(folder)
    assert check_whole(folder)


def check_stored_over_old(folder: Path, struck: Struck) -> None:
    check_stored(folder, struck)
    assert check_whole(folder, OLD, b"old")


def check_restored(folder: Path, struck: Struck) -> None:
    had = struck.code - HAD
    if not struck.is_killed:
        assert had in (0, *range(16, 32))
        for n, content in enumerate((SMALL, LARGE)):
            assert not had & 1 << n or (folder / f"to{n}").read_bytes() == content
    assert check_whole(folder), "nothing good is lost"


def check_damaged(folder: Path, struck: Struck) -> None:
    had = struck.code - HAD
    assert struck.is_killed or had in (0, 16, 17), "the damaged one is never had"
    keep(folder)
    Local(str(folder / "cache"), clock=time.time).find(KEY)
    if not check_mended(folder):
        keep(folder)
        assert check_mended(folder)


def check_mended(folder: Path) -> bool:
    """Whether all is there again. A blob whose damage went unseen, because looking failed, is seen now."""
    store = Local(str(folder / "cache"), clock=time.time)
    record = store.find(KEY)
    return record is not None and [fetched(store, folder, made.digest) for made in record.outputs] == [SMALL, LARGE]


def check_collected(folder: Path, struck: Struck) -> None:
    cache = str(folder / "cache")
    assert struck.is_killed or struck.code == 0
    assert list(verify(cache, time.time())) == [], "no record without its blobs, none damaged"
    assert {entry.record.key for entry in listed(cache)} <= {KEY, OLD}
    assert check_whole(folder), "the one that was used last stays"


def damage(folder: Path) -> None:
    record = keep(folder)
    for digest, content in ((record.outputs[1].digest, b"LARGE!" * 200_000),):
        path = folder / f"cache/cas/blake3/{digest[:2]}/{digest}"
        path.chmod(0o644)
        path.write_bytes(content)


def damage_record(folder: Path) -> None:
    keep(folder)
    path = folder / f"cache/ac/{KEY[:2]}/{KEY}"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b'"t"', b'"u"'))


def age(folder: Path) -> None:
    """Two records; there is room for one."""
    keep(folder, OLD, b"other!" * 200_000)
    long_ago = time.time() - 86400
    for path in (folder / "cache").rglob("*"):
        if path.is_file():
            os.utime(path, (long_ago, long_ago))
    keep(folder)


TRIALS: dict[str, tuple[str, Callable[[Path], object], Callable[[Path, Struck], None]]] = {
    "storing in a new folder": (STORE, lambda folder: None, check_stored),
    "restoring": (RESTORE, keep, check_restored),
}
# Where the code that is struck is that of the others, but for its order, fewer errors say as much.
FEWER = {
    "storing beside others": (STORE, lambda folder: keep(folder, OLD, b"old"), check_stored_over_old),
    "storing it again": (STORE, keep, check_stored),
    "collecting": (COLLECT, age, check_collected),
    "a damaged blob": (RESTORE, damage, check_damaged),
    "a damaged record": (RESTORE, damage_record, check_damaged),
}


@pytest.fixture(autouse=True)
def _strace() -> None:
    need_strace()


def chosen(fault: Fault) -> bool:
    """What is tried each time: a full disk for good while writing, and a kill where names change."""
    if fault.call.name in ("write", "openat"):
        return fault.error == "ENOSPC" and fault.lasts
    return fault.call.name == "rename" and fault.error == KILL


@pytest.mark.parametrize("name", ["storing in a new folder", "restoring"])
def test_a_full_disk_and_a_kill_lose_nothing(name: str, tmp_path: Path) -> None:
    assert Trial(tmp_path, *TRIALS[name]).run(chosen) >= 4


@pytest.mark.slow
@pytest.mark.parametrize("name", [*TRIALS, *FEWER])
def test_no_fault_of_any_system_call_loses_or_spoils_anything(
    name: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    trial = Trial(tmp_path, *(TRIALS | FEWER)[name])
    errors = ERRORS if name in TRIALS else ("EIO",)
    tried = trial.run(lambda fault: fault.error in (*errors, KILL))
    assert tried == len(trial.calls) * (2 * len(errors) + 1)
    told(name, trial, tried, record_property)


def told(name: str, trial: Trial, tried: int, record_property: Callable[[str, object], None]) -> None:
    """The figures, for the page that names them: `pytest -s` shows them, `--junit-xml` keeps them."""
    record_property("fault points", tried)
    kinds = Counter(call.name for call in trial.calls).most_common()
    shown = ", ".join(f"{count} {kind}" for kind, count in kinds)
    print(f"\n{name}: {tried} faults at {len(trial.calls)} calls ({shown})")
