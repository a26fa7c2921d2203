"""Trees on disk as tests want them: written, looked at, recorded, and compared."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from runner.digest import hasher
from runner.pattern import Glob, Globs
from runner.result import Made
from runner.tree import Sight, Wanted
from runner.tree.disk import Disk
from runner.tree.memory import Memory

ALGORITHM = "blake3"
MEMORY = ".trun/state/digests.blake3"


def later() -> int:
    """A clock by which all that was written so far was written long ago."""
    return time.time_ns() + 1_000_000_000


def at_once() -> int:
    """A clock by which everything has only just been written."""
    return 0


def disk(root: Path, clock_ns: Callable[[], int] = later) -> Disk:
    """The tree below a folder, with what is remembered of it there."""
    return Disk(str(root), algorithm=ALGORITHM, memory=Memory(str(root / MEMORY)), clock_ns=clock_ns)


def globs(*texts: str) -> Globs:
    """Globs from the root."""
    return Globs([Glob.of(text) for text in texts])


def inputs(*texts: str) -> Wanted:
    """What a task reads."""
    return Wanted(globs=globs(*texts))


def outputs(*texts: str) -> Wanted:
    """What a task makes."""
    return Wanted(globs=globs(*texts), respects_ignore=False)


def values(sight: Sight) -> dict[str, str]:
    """What was seen, by path."""
    return {entry.path: entry.value for entry in sight.entries}


def recorded(sight: Sight) -> list[Made]:
    """What was seen, as outputs are recorded."""
    return [entry.made for entry in sight.entries] + [Made(path=path, kind="folder") for path in sight.empty]


def digest(content: bytes) -> str:
    """What names a content."""
    return hasher(ALGORITHM)(content).hexdigest()


def file(path: str, content: bytes = b"", *, is_executable: bool = False) -> Made:
    """A file as it is recorded."""
    return Made(path=path, digest=digest(content), size_bytes=len(content), is_executable=is_executable)


class Blobs:
    """Contents by their digest; `asked` is what was fetched."""

    def __init__(self, *contents: bytes) -> None:
        self.contents = {digest(content): content for content in contents}
        self.asked: list[str] = []

    def fetch(self, digest: str, to: int) -> bool:
        """Write a content to a descriptor; False if there is none."""
        self.asked.append(digest)
        content = self.contents.get(digest)
        if content is None:
            return False
        with os.fdopen(os.dup(to), "wb") as file:
            file.write(content)
        return True


def write(root: Path, files: Mapping[str, bytes | str | None]) -> None:
    """Files by path; a text is a link's, None an empty folder."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.mkdir(exist_ok=True)
        elif isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.symlink_to(content)


def state(root: Path, hidden: Iterable[str] = (".trun",)) -> dict[str, str]:
    """All that is below a folder, by path: kind, content, exec bit."""
    found = {}
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in hidden or folder != str(root)]
        for name in [*folders, *files]:
            path = os.path.join(folder, name)
            found[os.path.relpath(path, root)] = _state(path)
    return found


def _state(path: str) -> str:
    mode = os.lstat(path).st_mode
    if stat.S_ISLNK(mode):
        return f"link {os.readlink(path)}"
    if stat.S_ISDIR(mode):
        return "folder"
    with open(path, "rb") as opened:
        return f"{'x' if mode & 0o100 else 'f'} {opened.read()!r}"


def left_staged(root: Path) -> list[str]:
    """What lies in the staging folder."""
    stage = root / ".trun/stage"
    return sorted(os.listdir(stage)) if stage.is_dir() else []
