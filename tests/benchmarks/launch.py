"""Starts one command, waits for it, and says what it took: a program of its own, run by a bare Python.

Usage: launch.py {spawn|fork} {null|count} ERRORS -- ARGV…

Prints the pid of the command, and when it has ended a line of numbers: wall ns, wait status, user ns, system ns, peak
resident KiB, bytes on its standard output.

*Why*: the peak that wait4 tells of a child begins at its parent's size, so the parent must be small; `fork` makes it
smaller still (the child of a fork begins with less than its parent's pages), `spawn` costs less time.
"""

from __future__ import annotations

import os
import sys
import time

REAL_KIB = 1024 if sys.platform == "darwin" else 1  # ru_maxrss is in bytes there


def start(how: str, argv: list[str], plumbing: dict[int, int]) -> int:
    """Start `argv` with descriptors as `plumbing` says (theirs: ours); its pid."""
    if how == "spawn":
        actions = [(os.POSIX_SPAWN_DUP2, ours, theirs) for theirs, ours in plumbing.items()]
        return os.posix_spawn(argv[0], argv, os.environ, file_actions=actions)
    pid = os.fork()
    if pid == 0:
        for theirs, ours in plumbing.items():
            os.dup2(ours, theirs)
        os.execv(argv[0], argv)
    return pid


def read_all(source: int) -> int:
    """How many bytes `source` gives until its end."""
    total = 0
    while got := len(os.read(source, 1 << 20)):
        total += got
    return total


def main(how: str, sink: str, errors: str, argv: list[str]) -> None:
    """Start, wait, tell."""
    null = os.open(os.devnull, os.O_RDWR)
    error_log = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    reading, writing = os.pipe()
    begun_ns = time.perf_counter_ns()
    pid = start(how, argv, {0: null, 1: null if sink == "null" else writing, 2: error_log})
    os.close(writing)
    os.write(1, b"%d\n" % pid)
    printed_bytes = read_all(reading)
    _, status, usage = os.wait4(pid, 0)
    wall_ns = time.perf_counter_ns() - begun_ns
    user_ns, system_ns = round(usage.ru_utime * 1e9), round(usage.ru_stime * 1e9)
    print(wall_ns, status, user_ns, system_ns, usage.ru_maxrss // REAL_KIB, printed_bytes)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[5:])
