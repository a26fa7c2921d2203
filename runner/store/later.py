"""A collection that nobody waits for: a process of its own, of the lowest priority, that outlives the run."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

NICE: Final = 19


def start(folder: str, max_bytes: int, max_age_s: float, now_s: float, environ: Mapping[str, str]) -> int | None:
    """The process that collects, started; None where it cannot be. Parameters are those of `collect`.

    It holds no terminal, folder, pipe or process group of the caller. Killing it at any moment is harmless.
    """
    home = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    words = (home, os.path.abspath(folder), max_bytes, max_age_s, now_s)
    # A path is text with escapes here, so any bytes in it arrive.
    code = "import sys; home, *words = {!a}; sys.path[:0] = [home]; from runner.store.later import work; work(*words)"
    argv = [sys.executable, "-I", "-c", code.format(words)]
    to_nothing = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_RDWR, 0) for stream in (0, 1, 2)]
    try:
        return os.posix_spawn(sys.executable, argv, environ, file_actions=to_nothing)
    except OSError:
        return None


def work(folder: str, max_bytes: int, max_age_s: float, now_s: float) -> None:
    """What the process does."""
    from runner.store.gc import collect

    os.setsid()
    os.nice(NICE)
    os.chdir("/")
    collect(folder, max_bytes, max_age_s, now_s)
