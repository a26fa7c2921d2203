"""The world, read once: environment, folder, machine, clocks and terminals."""

from __future__ import annotations

import os
import sys
import time

from runner.request import Ambient

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from runner.seal import Standing

ARCHES: Final = {"amd64": "x86_64", "arm64": "aarch64"}


def ambient(standing: Standing | None = None) -> Ambient:
    """The world as trun finds it when it starts; `standing` is what is known already to be as it was."""
    system = os.uname() if hasattr(os, "uname") else None
    machine = system.machine if system is not None else os.environ.get("PROCESSOR_ARCHITECTURE", "")
    stdin, stderr = _is_terminal(0), _is_terminal(2)
    return Ambient(
        environ=dict(os.environ),
        cwd=_cwd(),
        os={"linux": "linux", "darwin": "macos", "win32": "windows"}.get(sys.platform, sys.platform),
        arch=ARCHES.get(machine.lower(), machine.lower()),
        cpus=_cpus(),
        clock=time.time,
        began=time.time(),
        words=tuple(sys.argv[1:]),
        standing=standing,
        memory_bytes=_memory_bytes(),
        stdin_is_terminal=stdin,
        stdout_is_terminal=_is_terminal(1),
        stderr_is_terminal=stderr,
        ask=_asker() if stdin and stderr and os.environ.get("CI", "") in ("", "0", "false") else None,
    )


def _cwd() -> str:
    """The folder as the shell names it, through links, if that is the same one."""
    try:
        here = os.getcwd()
    except FileNotFoundError:
        return "/"
    named = os.environ.get("PWD", "")
    try:
        if named and os.path.samefile(named, here):
            return named
    except OSError:
        pass
    return here


def _cpus() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_bytes() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 0


def _is_terminal(fd: int) -> bool:
    try:
        return os.isatty(fd)
    except OSError:
        return False


def _asker() -> Callable[[str], str]:
    def ask(question: str) -> str:
        print(question, end="", file=sys.stderr, flush=True)
        return sys.stdin.readline()

    return ask
