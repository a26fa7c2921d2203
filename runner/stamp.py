"""What stat says of a path, as one comparable token."""

from __future__ import annotations

import errno
import os
import stat

ABSENT = "-"
# What was looked at too soon after it had changed: it may have changed again unseen. No path ever has this stamp.
RACY = "?"
# What cannot be told now; nobody records it.
UNKNOWN = "!"
# A file system's clock ticks this seldom; what changed within a tick of being looked at may change again unseen.
TICK_NS = 20_000_000
# A path that cannot exist is as good as one that does not.
NOWHERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)


def stamp(path: str) -> str:
    """A token that differs when the path was written to, replaced, or is another one; `-` where there is none.

    That of a link covers what it points to as well; that of a folder differs when an entry appears or vanishes.
    *Why* the time of change and the inode: size and modification time can be kept by whoever edits or restores a file.
    """
    try:
        found = os.lstat(path)
    except OSError as error:
        return ABSENT if error.errno in NOWHERE else UNKNOWN
    if found.st_mode & 0o170000 == stat.S_IFLNK:
        return f"{stamp_of(found)}>{_target(path)}"
    return stamp_of(found)


def stamp_of(found: os.stat_result) -> str:
    """The token of what stat said; of a link, that of the link alone."""
    # This is made a hundred thousand times; an f-string takes twice as long.
    return "%x:%x:%x:%x:%x:%x" % (  # noqa: UP031
        found.st_dev,
        found.st_ino,
        found.st_mode,
        found.st_size,
        found.st_mtime_ns,
        found.st_ctime_ns,
    )


def _target(path: str) -> str:
    try:
        return stamp_of(os.stat(path))
    except OSError as error:
        return ABSENT if error.errno in NOWHERE else UNKNOWN


def is_settled(path: str, now_ns: int) -> bool:
    """Whether a stamp taken at that time proves something: the path has been left alone for more than a tick.

    *Source*: git's technical documentation, "racy git".
    """
    try:
        return was_settled(os.lstat(path), now_ns) and was_settled(os.stat(path), now_ns)
    except OSError:
        return False


def was_settled(found: os.stat_result, since_ns: int) -> bool:
    """Whether what stat said proves that nothing changed from `since_ns` on until it was asked.

    *Why* a time of modification in the future proves as much as an old one: somebody set it, and whoever writes now
    sets another.
    """
    if found.st_ctime_ns + TICK_NS >= since_ns:
        return False
    return found.st_mtime_ns + TICK_NS < since_ns or found.st_mtime_ns > since_ns + TICK_NS
