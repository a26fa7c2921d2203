"""A tree in memory: what files hold is what the test says, and each reading is counted."""

from __future__ import annotations

import os
import posixpath

from runner.digest import hasher
from runner.error import refuse
from runner.result import Made
from runner.stamp import ABSENT
from runner.tree import Seen, Sight

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from runner.tree import Wanted


class FakeTree:
    """Files, links and empty folders by path, as outputs are recorded; and the contents of files by digest.

    `reads` holds the paths that were read for their content, in order; `unreadable` those that are refused. Nothing is
    ever ignored. The stamp of a path is how often it was changed.
    """

    def __init__(self, files: Mapping[str, bytes] | None = None, algorithm: str = "blake3") -> None:
        self.made: dict[str, Made] = {}
        self.contents: dict[str, bytes] = {}
        self.reads: list[str] = []
        self.unreadable: set[str] = set()
        self.is_closed = False
        self._hash = hasher(algorithm)
        self._changes: dict[str, int] = {}
        self._known: dict[str, str] = {}
        self._seen: dict[str, Seen] = {}
        for path, content in (files or {}).items():
            self.write(path, content)

    def write(self, path: str, content: bytes, *, is_executable: bool = False) -> None:
        """A file is there, or holds something else."""
        digest = self._hash(content).hexdigest()
        self.contents[digest] = content
        self.put(Made(path=path, digest=digest, size_bytes=len(content), is_executable=is_executable))

    def put(self, made: Made) -> None:
        """Something is there."""
        for folder in _above(made.path):
            self._drop(folder)
        self.made[made.path] = made
        self._change(made.path)

    def vanish(self, path: str) -> None:
        """Something is there no longer, nor what is in it."""
        for one in [one for one in self.made if one == path or one.startswith(f"{path}/")]:
            self._drop(one)

    def look(self, wanted: Wanted) -> Sight:
        """What is there now. *Raises*: Refusal for what is `unreadable`."""
        left_out = wanted.leave_out
        paths = [path for path in sorted(self.made) if wanted.globs.matches(path) or wanted.globs.covers(path)]
        if left_out is not None:
            paths = [path for path in paths if not (left_out.matches(path) or left_out.covers(path))]
        seen = [self.seen(path) for path in paths if wanted.globs.matches(path)]
        absent = [one.base for one in wanted.globs.named if not self._is_there(one.base)]
        return Sight(
            entries=tuple(one for one in seen if one is not None),
            empty=tuple(path for path in paths if self.made[path].kind == "folder" and wanted.globs.covers(path)),
            watched=tuple((path, ABSENT) for path in absent),
        )

    def seen(self, path: str) -> Seen | None:
        """One path as it is now, None if there is nothing or a folder. *Raises*: as `look`."""
        found = self._seen.get(path)
        if found is None:
            found = self._looked(path)
            if found is not None:
                self._seen[path] = found
        return found

    def moved(self, entries: Iterable[Seen]) -> list[str]:
        """Of what was seen before, the paths whose content is no longer the same, looked at anew."""
        return [entry.path for entry in entries if not self._still_is(entry)]

    def renew(self) -> None:
        """Something may have changed: what was seen is looked at again when it is next asked for."""
        self._seen.clear()

    def open(self, path: str) -> int:
        """A descriptor to read a file. *Raises*: OSError."""
        made = self.made.get(path)
        if made is None or made.kind != "file" or path in self.unreadable:
            raise FileNotFoundError(2, "No such file", path)
        from tempfile import TemporaryFile

        self.reads.append(path)
        with TemporaryFile() as file:
            file.write(self.contents[made.digest])
            file.seek(0)
            return os.dup(file.fileno())

    def empty(self, folder: str) -> None:
        """Remove all that a folder holds. *Raises*: OSError where it is none."""
        path = folder.rstrip("/")
        if path in self.made and self.made[path].kind != "folder":
            raise NotADirectoryError(20, "Not a directory", path)
        is_there = self._is_there(path)
        self.vanish(path)
        if is_there:
            self.put(Made(path=path, kind="folder"))
        self.renew()

    def remove(self, outputs: Iterable[Made]) -> tuple[list[str], list[str]]:
        """Remove outputs that are as recorded. Those removed, and those kept because they are something else now."""
        there = sorted((made for made in outputs if self._is_there(made.path)), key=lambda made: made.path)
        removed = [made.path for made in there if self.made.get(made.path) == made]
        for path in removed:
            self._drop(path)
        self.renew()
        return removed, [made.path for made in there if made.path not in removed]

    def restore(self, outputs: Sequence[Made], owned: Sequence[str], fetch: Callable[[str, int], bool]) -> str | None:
        """Make outputs be as recorded. None when done, otherwise what could not be had, and the tree is as it was."""
        for made in outputs:
            if made.kind == "file" and self.made.get(made.path) != made and not self._fetched(made, fetch):
                return f"the content of `{made.path}` is missing or damaged"
        recorded = {made.path for made in outputs}
        for folder in owned:
            inside = folder.rstrip("/")
            for path in [path for path in self.made if path == inside or path.startswith(f"{inside}/")]:
                if path not in recorded:
                    self._drop(path)
        for made in outputs:
            if self.made.get(made.path) != made:
                self.vanish(made.path)
                self.put(made)
        self.renew()
        return None

    def close(self) -> None:
        """Nothing is kept."""
        self.is_closed = True

    def _fetched(self, made: Made, fetch: Callable[[str, int], bool]) -> bool:
        from tempfile import TemporaryFile

        with TemporaryFile() as file:
            if not fetch(made.digest, file.fileno()):
                return False
            file.seek(0)
            content = file.read()
        self.contents[made.digest] = content
        return len(content) == made.size_bytes

    def _is_there(self, path: str) -> bool:
        return any(one == path or one.startswith(f"{path}/") for one in self.made)

    def _looked(self, path: str) -> Seen | None:
        made = self.made.get(path)
        if made is None or made.kind == "folder":
            return None
        stamp = str(self._changes[path])
        if made.kind == "link":
            return Seen(path=path, value=f"l:{made.target}:{self._behind(made)}", stamp=stamp, made=made)
        if path in self.unreadable:
            raise refuse(f"`{path}` cannot be read: permission denied")
        if self._known.get(path) != stamp:
            self.reads.append(path)
            self._known[path] = stamp
        return Seen(path=path, value=_value(made), stamp=stamp, made=made)

    def _behind(self, link: Made) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(link.path), link.target))
        made = self.made.get(target)
        return _value(made) if made is not None and made.kind == "file" else "-"

    def _still_is(self, entry: Seen) -> bool:
        if entry.path in self.unreadable:
            return False
        now = self._looked(entry.path)
        return now is not None and now.value == entry.value

    def _change(self, path: str) -> None:
        self._changes[path] = self._changes.get(path, 0) + 1

    def _drop(self, path: str) -> None:
        if self.made.pop(path, None) is not None:
            self._change(path)


def _value(made: Made) -> str:
    return f"{'x' if made.is_executable else 'f'}:{made.digest}"


def _above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]
