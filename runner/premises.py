"""The folder `.trun`, where everything is that trun keeps for a project, and where git leaves it alone."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

NAME: Final = ".trun"
IGNORED: Final = "*\n!.gitignore\n!schema.json\n"
SALT_BYTES: Final = 32


def home(root: str) -> str:
    """Where a project's `.trun` is, or would be."""
    return os.path.join(root, NAME)


def prepare(root: str) -> str:
    """The path of a project's `.trun`, made with its `.gitignore` if that can be. Never an error.

    *Why* not through a link: a repository could bring one along, and have a `.gitignore` written into any folder.
    """
    path = home(root)
    try:
        os.makedirs(path, exist_ok=True)
        folder = os.open(path, os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return path
    try:
        try:
            if not _is_there(folder, ".gitignore"):
                write_once(os.path.join(path, ".gitignore"), IGNORED.encode())
        finally:
            os.close(folder)
    except OSError:
        pass
    return path


def _is_there(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def write_once(path: str, data: bytes, mode: int = 0o644) -> None:
    """Make a file with all of its content at once, unless there is one; of many who try, one does.

    *Raises*: OSError where it cannot be written.
    """
    beside = f"{path}.{os.getpid()}"
    try:
        # One that a killed process left may be a second name of the file itself: it may not be written to.
        os.unlink(beside)
    except FileNotFoundError:
        pass
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
        os.link(beside, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(beside)


def salt(folder: str) -> bytes:
    """The project's own 32 random bytes, from `state/salt` below its `.trun`; made once, by whoever needs them first.

    *Why*: a digest of a short secret can be guessed, unless it is mixed with what nobody else has. Where the file can
    neither be read nor made, there are others for this run: what it knows of secrets then fits nothing.
    """
    path = os.path.join(folder, "state", "salt")
    try:
        found = _salt(path)
        if found is None:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            write_once(path, os.urandom(SALT_BYTES), 0o600)
            found = _salt(path)
        if found is None:
            # There is one, and it is damaged: what it was good for is lost in any case.
            os.unlink(path)
            write_once(path, os.urandom(SALT_BYTES), 0o600)
            found = _salt(path)
    except OSError:
        found = None
    return found if found is not None else os.urandom(SALT_BYTES)


def _salt(path: str) -> bytes | None:
    """The salt if it is whole. *Raises*: OSError where there is one that cannot be read."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    with os.fdopen(fd, "rb") as file:
        data = file.read(SALT_BYTES + 1)
    return data if len(data) == SALT_BYTES else None


def shown(path: str) -> str:
    """A path as people are told of it: from `.trun` on, if it is in there."""
    before, mark, below = path.rpartition(f"/{NAME}/")
    return f"{NAME}/{below}" if mark and before else path
