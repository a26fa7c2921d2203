"""The list of a large file as it was told before, while the file has not moved.

It lies in `.trun`, as text, under a line that names the file's stamp and how it was asked for. A repository cannot
bring one along that fits: inode and time of change are only known where the file lies.
"""

from __future__ import annotations

import os

from runner.premises import home, prepare
from runner.stamp import is_settled, stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from runner.request import Ambient

NAME: Final = "list"
# A smaller file is read as fast as this is.
WORTHWHILE_BYTES: Final = 8_192
AT_MOST_BYTES: Final = 1 << 22


def question(path: str, asked: Sequence[object]) -> str:
    """The line that an answer stands under: the same file, asked for in the same way, by the same trun."""
    from runner import __version__

    return " ".join((__version__, stamp(path), ascii(os.path.basename(path)), *map(ascii, asked)))


def recall(path: str, line: str) -> str | None:
    """The list that was told under this line before."""
    try:
        folder = os.open(home(os.path.dirname(path)), os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fd = os.open(NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=folder)
        with os.fdopen(fd, "rb") as file:
            head, _, body = file.read(AT_MOST_BYTES).decode("utf-8", "surrogateescape").partition("\n")
    except OSError:
        return None
    finally:
        os.close(folder)
    return body if head == line and body else None


def remember(path: str, line: str, text: str, ambient: Ambient) -> None:
    """Keep a list, if that is worth it and the file is at rest; where it cannot be kept, nothing is lost."""
    try:
        if os.path.getsize(path) < WORTHWHILE_BYTES or not is_settled(path, int(ambient.clock() * 1e9)):
            return
        folder = os.open(prepare(os.path.dirname(path)), os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return
    try:
        _write(folder, f"{NAME}.{os.getpid()}", f"{line}\n{text}")
        os.rename(f"{NAME}.{os.getpid()}", NAME, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        pass
    finally:
        os.close(folder)


def _write(folder: int, name: str, text: str) -> None:
    how = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(name, how, 0o644, dir_fd=folder)
    with os.fdopen(fd, "wb") as file:
        file.write(text.encode("utf-8", "surrogateescape"))
