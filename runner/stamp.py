"""What stat says of a path, as one comparable token."""

from __future__ import annotations

import os

ABSENT = "-"
# A file system's clock ticks this seldom; what changed within a tick of being looked at may change again unseen.
TICK_NS = 20_000_000


def stamp(path: str) -> str:
    """A token that differs when the file was written to, replaced, or is another one; `-` where there is none.

    *Why* the time of change and the inode: size and modification time can be kept by whoever edits or restores a file.
    """
    try:
        found = os.stat(path)
    except OSError:
        return ABSENT
    parts = (found.st_dev, found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    return ":".join(f"{part:x}" for part in parts)


def is_settled(path: str, now_ns: int) -> bool:
    """Whether a stamp taken at that time proves something: the file has been left alone for more than a tick.

    *Source*: git's technical documentation, "racy git".
    """
    try:
        found = os.stat(path)
    except OSError:
        return False
    return max(found.st_mtime_ns, found.st_ctime_ns) + TICK_NS < now_ns
