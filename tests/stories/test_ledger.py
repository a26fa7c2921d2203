"""What is remembered of each task's last success, and what is never believed of it."""

from __future__ import annotations

import errno
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.journal import Journal
from runner.ledger import HEADER, LastRun, Ledger, LedgerError
from runner.result import Made

H = "0123456789abcdef" * 4
ODD = "a\tb\\t\n\\\\n--\udcff é\r\x00@"


def last(key: str = "k", **more: Any) -> LastRun:
    return LastRun(key=key, **more)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / ".trun" / "state" / "ledger")


def filled(path: str, *nodes: str, **more: Any) -> Ledger:
    ledger = Ledger(path)
    for node in nodes:
        ledger.record(node, last(f"key of {node}", **more))
    return ledger


def known(path: str) -> dict[str, LastRun | None]:
    ledger = Ledger(path)
    found = {name: ledger.get(name) for name in ledger.names()}
    ledger.close()
    return found


def believed(path: str) -> dict[str, LastRun | None]:
    return {name: one for name, one in known(path).items() if one is not None}


def inputs(count: int, mark: str = "") -> tuple[tuple[str, str], ...]:
    return tuple((f"src/{mark}{number}.c", f"f:{H}") for number in range(count))


# ── what is kept


def test_what_is_recorded_is_known_to_the_next_run(path: str) -> None:
    full = LastRun(
        key=H,
        parts=(("command", "make"), (ODD, "")),
        inputs=(("src/a.c", f"f:{H}"), ("b", ODD)),
        outputs=(
            Made(path="out/x", digest=H, size_bytes=1 << 40, is_executable=True),
            Made(path="out/link", kind="link", target=ODD),
            Made(path="out/empty", kind="folder"),
        ),
        in_place=True,
        status="restored",
        run="18c-1",
        made_at=1763705422.123456789,
        duration_s=0.1 + 0.2,
        ended="failed",
        exit_code=3,
    )
    ledger = filled(path, "other")
    ledger.record(ODD, full)
    assert ledger.get(ODD) == full
    ledger.close()
    assert known(path) == {"other": last("key of other"), ODD: full}


TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\udc80\udcff\\\t\n@-"), max_size=8)
MADE = st.builds(
    Made,
    path=TEXT,
    kind=st.sampled_from(["file", "link", "folder"]),
    digest=TEXT,
    size_bytes=st.integers(0, 1 << 60),
    is_executable=st.booleans(),
    target=TEXT,
)
PAIRS = st.lists(st.tuples(TEXT, TEXT), max_size=40).map(tuple)
LAST = st.builds(
    LastRun,
    key=TEXT,
    parts=PAIRS,
    inputs=PAIRS,
    outputs=st.lists(MADE, max_size=15).map(tuple),
    in_place=st.booleans(),
    status=st.sampled_from(["ran", "restored", "accepted", "lock"]),
    run=TEXT,
    made_at=st.floats(allow_nan=False),
    duration_s=st.floats(allow_nan=False),
    ended=st.sampled_from(["done", "failed"]),
    exit_code=st.integers(-1, 255),
)


@given(st.dictionaries(TEXT, LAST, max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_whatever_is_recorded_comes_back_as_it_was(tmp_path: Path, lasts: dict[str, LastRun]) -> None:
    path = str(tmp_path / "ledger")
    ledger = Ledger(path)
    for node, one in lasts.items():
        ledger.record(node, one)
    assert {name: ledger.get(name) for name in ledger.names()} == lasts
    assert known(path) == lasts
    for node in lasts:
        ledger.forget(node)
    ledger.close()
    assert known(path) == {}


def test_a_question_makes_no_file(tmp_path: Path, path: str) -> None:
    ledger = Ledger(path)
    assert ledger.get("a") is None
    ledger.forget("a")
    ledger.refresh()
    ledger.close()
    assert ledger.troubles == []
    assert list(tmp_path.iterdir()) == []


def test_what_was_recorded_last_counts_and_what_came_before_is_struck_out(path: str) -> None:
    ledger = filled(path, "a")
    ledger.record("a", last("new"))
    ledger.close()
    assert known(path) == {"a": last("new")}
    Ledger(path).forget("a")
    assert known(path) == {}


def test_a_long_list_is_written_once_for_all_who_share_it(path: str) -> None:
    ledger = filled(path, *map(str, range(50)), inputs=inputs(2_000))
    assert os.path.getsize(path) < 300_000
    ledger.close()
    again = Ledger(path)
    assert [again.get(str(number)) for number in range(50)] == [
        last(f"key of {number}", inputs=inputs(2_000)) for number in range(50)
    ]
    size = os.path.getsize(path)
    again.record("new", last(inputs=inputs(2_000)))
    assert os.path.getsize(path) < size + 300


def test_a_list_is_known_after_the_file_was_replaced(path: str) -> None:
    ledger = filled(path, "a", inputs=inputs(100))
    os.unlink(path)
    ledger.record("b", last(inputs=inputs(100)))
    assert known(path) == {"b": last(inputs=inputs(100))}


# ── what is forgotten


def test_what_is_forgotten_is_so_for_everybody_before_the_call_returns(path: str) -> None:
    ledger, other = filled(path, "a", "b"), Ledger(path)
    assert other.get("a") is not None
    ledger.forget("a")
    assert ledger.get("a") is None
    assert other.get("a") is None
    assert other.names() == ["b"]
    assert list(known(path)) == ["b"]


def test_what_another_process_recorded_a_moment_ago_is_forgotten_too(path: str) -> None:
    ledger = filled(path, "a")
    filled(path, "b").close()
    ledger.forget("b")
    assert list(known(path)) == ["a"]


def test_a_refresh_takes_in_what_others_recorded(path: str) -> None:
    ledger, other = Ledger(path), filled(path, "a")
    ledger.refresh()
    assert ledger.get("a") == last("key of a")
    other.record("b", last("b"))
    other.forget("a")
    ledger.refresh()
    assert ledger.names() == ["b"]


def test_a_refresh_takes_in_a_file_that_was_replaced_or_removed(path: str, tmp_path: Path) -> None:
    ledger = filled(path, "a")
    filled(str(tmp_path / "new"), "b").close()
    os.replace(tmp_path / "new", path)
    ledger.refresh()
    assert ledger.names() == ["b"]
    os.unlink(path)
    ledger.refresh()
    assert ledger.names() == []


def test_a_file_that_lost_its_end_meanwhile_is_read_anew(path: str) -> None:
    ledger = filled(path, "a", "b")
    with open(path, "rb") as file:
        lines = file.read().splitlines(keepends=True)
    os.truncate(path, len(lines[0] + lines[1]))
    ledger.refresh()
    assert ledger.names() == ["a"]


def test_a_journal_of_another_format_is_empty_and_then_rewritten(path: str) -> None:
    for other in (b"trun ledger 2\n", b"trun ledger 10\n", b"\x00" * 999, b"trun led", b"{}"):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Path(path).write_bytes(other)
        assert known(path) == {}
        assert Path(path).read_bytes() == other
        ledger = Ledger(path)
        ledger.forget("a")
        assert Path(path).read_bytes() == b""
        ledger.record("a", last())
        assert known(path) == {"a": last()}
        assert ledger.troubles == []


# ── damage


@pytest.fixture
def short_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists are shared from three pairs on, so that a journal with all kinds of lines is small."""
    monkeypatch.setattr("runner.ledger.SHARED_TEXTS", 5)
    monkeypatch.setattr(sys.modules[__name__], "H", "00ff")


def journal_with_a_forgotten_node(path: str) -> tuple[bytes, dict[str, LastRun | None]]:
    """A journal in which `dead` was forgotten, and all that was ever recorded in it but that."""
    ledger = filled(path, "dead", inputs=inputs(1))
    for node, more in {"a": {}, "b": {"inputs": inputs(3)}, "c": {"inputs": inputs(3)}}.items():
        ledger.record(node, last(node, outputs=(Made(path=node, digest=H),), **more))
    ledger.forget("dead")
    ledger.record("d", last("d"))
    ledger.close()
    return Path(path).read_bytes(), believed(path)


@pytest.mark.usefixtures("short_lists")
def test_a_journal_that_was_cut_anywhere_tells_nothing_wrong(path: str) -> None:
    data, right = journal_with_a_forgotten_node(path)
    sizes = []
    for size in range(len(data)):
        Path(path).write_bytes(data[:size])
        found = known(path)
        assert found.items() <= right.items()
        sizes.append(len(found))
        # What is recorded then is known, whatever was cut.
        ledger = filled(path, "new")
        ledger.close()
        assert known(path)["new"] == last("key of new")
        assert "dead" not in known(path)
    assert set(sizes) == {0, 1, 2, 3, 4}


@pytest.mark.slow
@pytest.mark.usefixtures("short_lists")
def test_a_journal_with_any_byte_changed_tells_nothing_wrong(path: str) -> None:
    data, right = journal_with_a_forgotten_node(path)
    chance = random.Random(7)
    whole = 0
    for at in range(len(data)):
        for changed in {data[at] ^ 1, data[at] ^ 0x80, ord("\n"), ord("-"), ord("\t"), chance.randrange(256)}:
            Path(path).write_bytes(data[:at] + bytes([changed]) + data[at + 1 :])
            found = believed(path)
            assert found.items() <= right.items()
            whole += found == right and changed != data[at]
    # Only the line that was struck out may be anything.
    assert whole < 6 * len(data.split(b"\n")[1])


def test_what_stands_before_a_damaged_line_is_not_believed_and_what_follows_is(path: str) -> None:
    filled(path, "a", "b", "c").close()
    data = Path(path).read_bytes()
    Path(path).write_bytes(data.replace(b"key of b", b"key of B"))
    ledger = Ledger(path)
    assert ledger.names() == ["c"]
    assert ledger.troubles == ["`.trun/state/ledger` is damaged: some of what was known is forgotten"]
    ledger.close()
    after = Ledger(path)
    assert (after.names(), after.troubles) == (["c"], [])


def test_a_line_that_was_torn_off_is_not_joined_with_the_next(path: str) -> None:
    filled(path, "a", "b").close()
    os.truncate(path, os.path.getsize(path) - 5)
    filled(path, "c").close()
    assert list(known(path)) == ["c"]


def test_a_list_that_is_gone_makes_what_refers_to_it_unknown(path: str) -> None:
    filled(path, "a", inputs=inputs(40)).close()
    header, first, second, _ = Path(path).read_bytes().split(b"\n")
    assert first[9:10] == b"l"
    Path(path).write_bytes(b"\n".join([header, second, b""]))
    assert known(path) == {"a": None}


# ── what cannot be written


def failing(monkeypatch: pytest.MonkeyPatch, error: int, *names: str) -> None:
    def fail(*args: Any, **more: Any) -> Any:
        raise OSError(error, os.strerror(error))

    for name in names:
        monkeypatch.setattr(os, name, fail)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT])
def test_a_journal_in_which_nothing_can_be_struck_out_is_removed(
    path: str, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    ledger = filled(path, "a", "b")
    with monkeypatch.context() as patch:
        failing(patch, error, "pwrite")
        ledger.forget("a")
    assert ledger.names() == []
    assert not os.path.exists(path)
    assert ledger.troubles == [f"`.trun/state/ledger` could not be written: {os.strerror(error)}; it was removed"]
    ledger.record("b", last("new"))
    assert known(path) == {"b": last("new")}


def test_where_nothing_can_be_forgotten_at_all_that_is_said(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = filled(path, "a")
    with monkeypatch.context() as patch:
        failing(patch, errno.EIO, "pwrite", "unlink")
        with pytest.raises(LedgerError, match=r"`\.trun/state/ledger` can neither be written nor removed"):
            ledger.forget("a")
    assert ledger.get("a") is None


def test_what_cannot_be_recorded_is_not_known(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = filled(path, "a", "b")
    ledger.forget("a")
    for node in ("a", "c"):
        with monkeypatch.context() as patch:
            failing(patch, errno.ENOSPC, "pwrite")
            ledger.record(node, last("new"))
    assert ledger.names() == ["b"]
    assert len(ledger.troubles) == 1
    assert list(known(path)) == ["b"]


def test_half_a_line_on_a_full_disk_is_taken_back(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = filled(path, "a", "b")
    before = Path(path).read_bytes()
    real = os.pwrite
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", lambda fd, data, at: real(fd, data[:30], at))
        ledger.record("c", last())
    assert Path(path).read_bytes() == before
    assert ledger.names() == ["a", "b"]
    ledger.record("c", last())
    assert list(known(path)) == ["a", "b", "c"]


def test_what_is_no_file_is_not_believed(path: str) -> None:
    os.makedirs(path)
    ledger = Ledger(path)
    ledger.forget("a")
    ledger.record("a", last())
    assert ledger.get("a") is None
    assert len(ledger.troubles) == 1
    os.rmdir(path)
    os.mkfifo(path)
    assert Ledger(path).names() == []


def test_a_link_is_not_followed(path: str, tmp_path: Path) -> None:
    filled(str(tmp_path / "elsewhere"), "a").close()
    os.makedirs(os.path.dirname(path))
    os.symlink(tmp_path / "elsewhere", path)
    ledger = Ledger(path)
    assert ledger.names() == []
    ledger.forget("a")
    assert not os.path.lexists(path)
    assert list(known(str(tmp_path / "elsewhere"))) == ["a"]


NOBODY = 65534


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_a_journal_that_may_not_be_written_is_not_believed(path: str) -> None:
    filled(path, "a").close()
    os.chmod(path, 0o444)
    os.chown(path, NOBODY, NOBODY)
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.chdir(os.path.dirname(path))
            os.setresuid(NOBODY, NOBODY, NOBODY)
            ledger = Ledger("ledger")
            ledger.forget("a")
            ledger.record("a", last("new"))
            os.write(writing, repr((ledger.names(), ledger.troubles)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(pid, 0)
    told = os.read(reading, 1_000).decode()
    os.close(reading)
    assert told == "([], ['`ledger` cannot be used: Permission denied; nothing is known of earlier runs'])"
    assert list(known(path)) == ["a"]


# ── size


def test_a_journal_of_which_most_is_of_no_use_is_made_smaller(path: str) -> None:
    ledger = filled(path, "a", "b", inputs=inputs(100))
    for number in range(200):
        ledger.record("a", last(str(number), inputs=inputs(100, mark=str(number))))
    size = os.path.getsize(path)
    assert size > 1 << 20
    ledger.close()
    assert os.path.getsize(path) < size / 50
    assert known(path) == {
        "a": last("199", inputs=inputs(100, mark="199")),
        "b": last("key of b", inputs=inputs(100)),
    }
    assert os.listdir(os.path.dirname(path)) == ["ledger"]


def test_who_has_a_journal_open_that_was_made_smaller_loses_nothing(path: str) -> None:
    other = filled(path, "mine")
    ledger = filled(path, "a")
    for _ in range(200):
        ledger.record("a", last("a", inputs=inputs(30), run="r" * 2_000))
    ledger.close()
    assert os.path.getsize(path) < 10_000
    other.forget("a")
    other.record("b", last("b"))
    assert sorted(known(path)) == ["b", "mine"]


def test_a_journal_that_somebody_has_locked_stays_as_large_as_it_is(path: str) -> None:
    ledger = filled(path, "a")
    for _ in range(200):
        ledger.record("a", last("a", run="r" * 2_000))
    size = os.path.getsize(path)
    holder = Journal(path, HEADER)
    assert holder.hold()
    ledger.close()
    holder.close()
    assert os.path.getsize(path) == size


# ── many at once

MANY = """
import sys
from random import Random
from runner.ledger import LastRun, Ledger
import runner.ledger
runner.ledger.WORTH_REWRITING_BYTES = 4_000
path, mine, seed = sys.argv[1], sys.argv[2], int(sys.argv[3])
chance = Random(seed)
state = {}
ledger = Ledger(path)
for step in range(400):
    node = f"{mine}.{chance.randrange(5)}"
    match chance.randrange(10):
        case 0:
            ledger.close()
            ledger = Ledger(path)
        case 1 | 2:
            ledger.refresh()
        case 3 | 4 | 5:
            ledger.forget(node)
            state.pop(node, None)
        case _:
            files = tuple((f"{chance.randrange(3)}/{number}", "f:") for number in range(40))
            state[node] = LastRun(key=str(step), inputs=files)
            ledger.record(node, state[node])
    for number in range(5):
        node = f"{mine}.{number}"
        assert ledger.get(node) == state.get(node), (step, node, ledger.get(node), state.get(node))
assert not ledger.troubles, ledger.troubles
ledger.close()
print(*sorted(f"{node}={one.key}" for node, one in state.items()))
"""


@pytest.mark.slow
def test_twelve_processes_at_once_lose_nothing_and_bring_nothing_back(path: str) -> None:
    started = [
        subprocess.Popen([sys.executable, "-c", MANY, path, f"p{number}", str(number)], stdout=subprocess.PIPE)
        for number in range(12)
    ]
    told = [process.communicate()[0].decode().split() for process in started]
    assert [process.returncode for process in started] == [0] * 12
    right = sorted(word for words in told for word in words)
    assert len(right) > 12
    assert sorted(f"{node}={one.key}" for node, one in known(path).items() if one) == right
    assert not os.path.exists(f"{path}.new")
