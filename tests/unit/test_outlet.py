"""Where text goes: real pipes, sockets, terminals and files that are slow, full or closed."""

from __future__ import annotations

import fcntl
import os
import pty
import resource
import socket
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.report.outlet import Outlet, both_outlets, outlet_to_file
from runner.report.spool import SLOT_BYTES, Spool

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX descriptors")


@pytest.fixture
def spool() -> Iterator[Spool]:
    made = Spool()
    yield made
    made.close()


class Pipe:
    """A pipe whose reader reads when it is told."""

    def __init__(self) -> None:
        self.read_fd, self.write_fd = os.pipe()
        os.set_blocking(self.read_fd, False)

    def read(self) -> bytes:
        try:
            return os.read(self.read_fd, 1 << 20)
        except BlockingIOError:
            return b""

    def close_reader(self) -> None:
        os.close(self.read_fd)
        self.read_fd = -1

    def close(self) -> None:
        for fd in (self.read_fd, self.write_fd):
            if fd >= 0:
                os.close(fd)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.close()


def numbered(count: int, size: int = 100) -> Iterator[bytes]:
    for number in range(count):
        yield b"%06d %s\n" % (number, b"x" * (size - 8))


def has_waiting(outlet: Outlet) -> bool:
    """Asked anew each time, which a type checker does not expect of a property."""
    return outlet.is_waiting


def read_all(outlet: Outlet, pipe: Pipe) -> bytes:
    pieces = [pipe.read()]
    while has_waiting(outlet):
        outlet.flush_some()
        pieces.append(pipe.read())
    pieces.append(pipe.read())
    return b"".join(pieces)


def test_what_a_pipe_takes_goes_out_at_once(pipe: Pipe, spool: Spool) -> None:
    outlet = Outlet(pipe.write_fd, spool)
    outlet.write(b"hello\n")
    assert pipe.read() == b"hello\n"
    assert not has_waiting(outlet)
    outlet.close()


def test_a_reader_that_does_not_read_blocks_nobody_and_gets_everything_in_order(pipe: Pipe, spool: Spool) -> None:
    outlet = Outlet(pipe.write_fd, spool)
    tracemalloc.start()
    for line in numbered(10_000, 1000):  # 10 MB
        outlet.write(line)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert has_waiting(outlet)
    assert peak < 3_000_000
    received = read_all(outlet, pipe)
    assert received == b"".join(numbered(10_000, 1000))
    assert outlet.lost_bytes == 0
    outlet.close()


def test_order_is_kept_while_both_sides_go_on(pipe: Pipe, spool: Spool) -> None:
    outlet = Outlet(pipe.write_fd, spool)
    received = []
    for number, line in enumerate(numbered(20_000)):
        outlet.write(line)
        if number % 97 == 0:
            received.append(os.read(pipe.read_fd, 4096))
    received.append(read_all(outlet, pipe))
    assert b"".join(received) == b"".join(numbered(20_000))
    outlet.close()


def test_the_descriptor_that_others_share_stays_blocking(pipe: Pipe, spool: Spool) -> None:
    outlet = Outlet(pipe.write_fd, spool)
    assert os.get_blocking(pipe.write_fd)
    if os.path.exists("/proc/self/fd"):
        assert outlet.fileno() != pipe.write_fd
        assert not os.get_blocking(outlet.fileno())
        assert not os.get_inheritable(outlet.fileno())
    outlet.close()
    os.write(pipe.write_fd, b"still there")
    assert pipe.read() == b"still there"


def test_a_closed_reader_mutes_the_outlet_for_good(pipe: Pipe, spool: Spool) -> None:
    outlet = Outlet(pipe.write_fd, spool)
    pipe.close_reader()
    outlet.write(b"nobody\n")
    assert outlet.is_closed
    outlet.write(b"reads\n")
    assert not has_waiting(outlet)
    assert not outlet.drain()
    outlet.close()


def test_a_reader_that_closes_late_frees_what_waited(pipe: Pipe, spool: Spool) -> None:
    outlet = Outlet(pipe.write_fd, spool)
    outlet.write(b"x" * 5_000_000)
    assert has_waiting(outlet)
    pipe.close_reader()
    outlet.flush_some()
    assert outlet.is_closed
    assert not has_waiting(outlet)
    assert spool.held_bytes == 0
    outlet.close()


def test_draining_gives_up_only_where_nothing_moves(pipe: Pipe, spool: Spool) -> None:
    outlet = Outlet(pipe.write_fd, spool)
    outlet.write(b"x" * 100_000)
    assert outlet.drain(idle_s=0.0) is False
    assert len(pipe.read()) > 0
    assert outlet.drain(idle_s=0.0) is True
    outlet.close()


def test_without_a_description_of_its_own_it_polls_and_blocks_nobody(
    pipe: Pipe, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Outlet, "_by_own_description", lambda self, fd: None)
    outlet = Outlet(pipe.write_fd, spool)
    assert outlet.fileno() == pipe.write_fd
    for line in numbered(5_000):
        outlet.write(line)
    assert has_waiting(outlet)
    assert os.get_blocking(pipe.write_fd)
    assert read_all(outlet, pipe) == b"".join(numbered(5_000))
    outlet.close()


def test_a_descriptor_that_was_non_blocking_already_loses_nothing(pipe: Pipe, spool: Spool) -> None:
    os.set_blocking(pipe.write_fd, False)
    outlet = Outlet(pipe.write_fd, spool)
    for line in numbered(5_000):
        outlet.write(line)
    assert read_all(outlet, pipe) == b"".join(numbered(5_000))
    outlet.close()


def test_a_socket_is_sent_to_without_blocking(spool: Spool) -> None:
    ours, theirs = socket.socketpair()
    outlet = Outlet(ours.fileno(), spool)
    outlet.write(b"x" * 3_000_000)
    assert has_waiting(outlet)
    assert os.get_blocking(ours.fileno())
    received = 0
    while has_waiting(outlet):
        received += len(theirs.recv(1 << 20))
        outlet.flush_some()
    theirs.setblocking(False)
    try:
        while piece := theirs.recv(1 << 20):
            received += len(piece)
    except BlockingIOError:
        pass
    assert received == 3_000_000
    theirs.close()
    outlet.write(b"y" * 100)
    assert outlet.is_closed
    outlet.close()
    ours.close()


def test_a_terminal_that_is_stopped_blocks_nobody_and_one_that_is_gone_mutes(spool: Spool) -> None:
    master, slave = pty.openpty()
    outlet = Outlet(slave, spool)
    outlet.write(b"x\n" * 100_000)
    assert has_waiting(outlet)
    assert os.read(master, 4) == b"x\r\nx"
    os.close(master)
    outlet.flush_some()
    assert outlet.is_closed
    outlet.close()
    os.close(slave)


def test_a_terminal_tells_its_size_and_others_what_is_usual(spool: Spool, pipe: Pipe) -> None:
    import struct
    import termios

    master, slave = pty.openpty()
    outlet = Outlet(slave, spool)
    assert outlet.size() == (80, 24)
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 132, 0, 0))
    assert outlet.size() == (132, 50)
    outlet.close()
    os.close(master)
    os.close(slave)
    other = Outlet(pipe.write_fd, spool)
    assert other.size() == (80, 24)
    other.close()


def test_a_file_is_written_where_its_other_writers_left_off(tmp_path: Path, spool: Spool) -> None:
    path = tmp_path / "log"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT)
    os.write(fd, b"before\n")
    outlet = Outlet(fd, spool)
    outlet.write(b"ours\n")
    os.write(fd, b"after\n")
    outlet.write(b"ours again\n")
    assert not has_waiting(outlet)
    assert path.read_bytes() == b"before\nours\nafter\nours again\n"
    outlet.close()
    os.close(fd)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_a_full_disk_mutes_the_outlet(spool: Spool) -> None:
    fd = os.open("/dev/full", os.O_WRONLY)
    outlet = Outlet(fd, spool)
    outlet.write(b"x")
    assert outlet.is_closed
    outlet.close()
    os.close(fd)


def test_a_descriptor_that_is_not_open_or_only_for_reading_is_closed_from_the_start(pipe: Pipe, spool: Spool) -> None:
    reading = Outlet(pipe.read_fd, spool)
    assert reading.is_closed
    reading.write(b"x")
    assert pipe.read() == b""
    nothing = Outlet(resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 1, spool)
    assert nothing.is_closed
    nothing.write(b"x")


def test_output_and_errors_that_lead_to_one_pipe_share_an_outlet(pipe: Pipe, spool: Spool) -> None:
    copy = os.dup(pipe.write_fd)
    out, err = both_outlets(pipe.write_fd, copy, spool)
    assert out is err
    other = Pipe()
    one, two = both_outlets(pipe.write_fd, other.write_fd, spool)
    assert one is not two
    for outlet in (out, one, two):
        outlet.close()
    os.close(copy)
    other.close()


def test_a_file_for_json_is_begun_anew_and_closed(tmp_path: Path, spool: Spool) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("old and longer\n")
    outlet = outlet_to_file(str(path), spool)
    outlet.write(b"new\n")
    fd = outlet.fileno()
    outlet.close()
    assert path.read_text() == "new\n"
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def test_a_named_pipe_without_a_reader_is_an_error_and_no_wait(tmp_path: Path, spool: Spool) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    with pytest.raises(OSError, match="No such device"):
        outlet_to_file(str(path), spool)


def test_logs_share_one_file_and_give_it_back(spool: Spool) -> None:
    before = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
    logs = [spool.log(1000) for _ in range(300)]
    for log in logs:
        log.add(b"x" * 5000)
    if before:
        assert len(os.listdir("/proc/self/fd")) == before + 1
    assert spool._file is not None
    assert os.fstat(spool._file.fileno()).st_size > 0
    for log in logs:
        assert log.take() == b"x" * 5000
    assert os.fstat(spool._file.fileno()).st_size == 0


def test_all_logs_together_hold_little_in_memory() -> None:
    spool = Spool(total_bytes=100_000)
    logs = [spool.log(50_000) for _ in range(100)]
    for log in logs:
        for _ in range(40):
            log.add(b"y" * 1000)
    assert spool.held_bytes <= 101_000
    assert all(b"".join(iter(log.take, b"")) == b"y" * 40_000 for log in logs)
    spool.close()


def test_a_log_for_which_there_is_no_disk_keeps_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool()
    log = spool.log(1000)

    def full(slot: int, offset: int, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spool, "_put", full)
    for number in range(10):
        log.add(b"%d" % number * 400)
    assert log.lost_bytes == 7 * 400
    assert log.take() == b"0" * 400 + b"1" * 400 + b"2" * 400
    assert log.take() == b""
    log.add(b"again")
    assert log.take() == b"again"


def test_small_pieces_fill_whole_slots() -> None:
    spool = Spool(total_bytes=0)
    log = spool.log(0)
    for _ in range(SLOT_BYTES // 16 + 1):
        log.add(b"0123456789abcdef")
    assert spool._slots == 2
    log.drop()
    assert spool._slots == 0
    spool.close()
