"""Process groups and trees as the kernel shows them: who is below whom, and who is still there.

Linux tells who is below whom in /proc and lets a process adopt its orphaned descendants (`PR_SET_CHILD_SUBREAPER`).
Elsewhere only process groups are known, so a descendant in a session of its own is out of reach: said in
docs/explanation/processes.md.
"""

from __future__ import annotations

import os

PR_SET_CHILD_SUBREAPER = 36
SHOWN_AT_MOST = 60


def adopt_orphans() -> bool:
    """True if from now on orphaned descendants become children of this process."""
    try:
        import _ctypes  # ctypes itself takes four times as long to import

        prctl = _ctypes.dlsym(_ctypes.dlopen(None, 0), "prctl")  # type: ignore[arg-type]
        return int(_ctypes.call_function(prctl, (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))) == 0
    except (ImportError, AttributeError, OSError):
        return False


def parents() -> dict[int, int]:
    """Each process's parent, as far as /proc tells; empty where there is no /proc."""
    found = {}
    try:
        pids = [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return {}
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                # The command name is in brackets and may hold anything, brackets too.
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            continue
        if fields[0] not in (b"Z", b"X"):
            found[int(pid)] = int(fields[1])
    return found


def below(ancestor: int) -> list[int]:
    """All living descendants of a process, parents before children."""
    children: dict[int, list[int]] = {}
    for pid, parent in parents().items():
        children.setdefault(parent, []).append(pid)
    found: list[int] = []
    todo = [ancestor]
    while todo:
        for pid in children.get(todo.pop(), ()):
            found.append(pid)
            todo.append(pid)
    return found


def members(group: int) -> list[int]:
    """The living processes of a process group."""
    found = []
    for pid in parents():
        try:
            if os.getpgid(pid) == group:
                found.append(pid)
        except OSError:
            continue
    return found


def is_there(group: int) -> bool:
    """True while the process group has a member."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def signal_group(group: int, signum: int) -> None:
    """Signal a process group; nothing happens if it is gone."""
    try:
        os.killpg(group, signum)
    except OSError:
        pass


def signal_each(pids: list[int], signum: int) -> None:
    """Signal processes one by one; those that are gone, or are not ours, do not matter."""
    for pid in pids:
        try:
            os.kill(pid, signum)
        except OSError:
            pass


def told(pid: int) -> str:
    """A process as a person knows it: its number and its command line."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read(4096).rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        words = ""
    if len(words) > SHOWN_AT_MOST:
        words = words[: SHOWN_AT_MOST - 1] + "…"
    return f"{pid} ({words})" if words else str(pid)


def task_of(pid: int) -> str | None:
    """The node of trun that a process descends from, as its environment tells."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            found = [entry for entry in file.read().split(b"\0") if entry.startswith(b"TRUN_TASK=")]
    except OSError:
        return None
    return found[0].partition(b"=")[2].decode("utf-8", "surrogateescape") if found else None
