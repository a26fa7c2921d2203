"""What links point to, as far as it counts: a file by its content, a folder by all that it holds."""

from __future__ import annotations

import os
import stat

from runner.result import Made
from runner.stamp import NOWHERE, RACY, stamp_of, was_settled
from runner.tree import Seen
from runner.tree.contents import OWNER_EXECUTES, link_stamp
from runner.tree.glob import HIDDEN, refuse_kind
from runner.tree.ignore import unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.tree.contents import Contents, Unread


class Behind:
    """What is behind one link; `watched` is all that must not move there but the link and its target themselves.

    Links in a folder that a link points to are followed too, each folder once: a second way to it counts by the first,
    so that loops end. A link to a folder that it lies in itself counts by its text alone: what is there counts where it
    is looked for, and with it would count all that tasks make.
    """

    def __init__(self, contents: Contents, path: str, since_ns: int) -> None:
        self.watched: list[tuple[str, str]] = []
        self._contents = contents
        self._path = path
        self._since_ns = since_ns
        self._rows: list[tuple[str, str]] = []
        self._unread: list[tuple[int, str, Unread]] = []
        self._visited: dict[tuple[int, int], str] = {}

    def seen(self, found: os.stat_result) -> Seen | None:
        """One look at the link; None if it moved meanwhile. *Raises*: Refusal for what cannot be read behind it."""
        try:
            text = os.readlink(self._contents.start + self._path)
        except OSError as error:
            if error.errno in NOWHERE or not stat.S_ISLNK(os.lstat(self._contents.start + self._path).st_mode):
                return None
            raise unreadable(self._path, error) from None
        target = self._contents.stat(self._path)
        value = "-" if target is None else self._target(target)
        if value is None or not self._still_is(found, target):
            return None
        return Seen(
            path=self._path,
            value=f"l:{escaped(text)}:{value}",
            stamp=link_stamp(found, target, self._since_ns),
            made=Made(path=self._path, kind="link", target=text),
        )

    def _still_is(self, found: os.stat_result, target: os.stat_result | None) -> bool:
        now = self._contents.lstat(self._path)
        there = self._contents.stat(self._path)
        if now is None or stamp_of(now) != stamp_of(found) or (there is None) != (target is None):
            return False
        return there is None or target is None or stamp_of(there) == stamp_of(target)

    def _target(self, target: os.stat_result) -> str | None:
        if stat.S_ISREG(target.st_mode):
            self._file("", target)
            return self._rows[0][1] if self._read() else None
        if not stat.S_ISDIR(target.st_mode):
            raise refuse_kind(self._path, target.st_mode)
        self._leave_out_what_it_is_in()
        self._folders(target)
        if not self._read():
            return None
        told = "".join(f"{len(path)}:{path}{value}\n" for path, value in self._rows)
        return f"d:{self._contents.reader.of(told.encode('utf-8', 'surrogateescape'))}"

    def _leave_out_what_it_is_in(self) -> None:
        """Each folder from the one that the link is in up to the file system's top."""
        folder = os.path.dirname(os.path.abspath(self._contents.start + self._path))
        up = 0
        while True:
            try:
                found = os.stat(folder)
                self._visited[found.st_dev, found.st_ino] = f"/{up}"
            except OSError:
                pass  # nobody can read it: then nothing leads there
            above = os.path.dirname(folder)
            if above == folder:
                return
            folder, up = above, up + 1

    def _folders(self, target: os.stat_result) -> None:
        todo = [("", target)]
        while todo:
            below, found = todo.pop()
            first = self._visited.setdefault((found.st_dev, found.st_ino), below)
            if first is not below:
                self._rows.append((below, f"again:{first}"))
                continue
            self._rows.append((below, "d"))
            todo += reversed([child for name in self._names(below) if (child := self._child(below, name)) is not None])

    def _names(self, below: str) -> list[str]:
        path = self._full(below)
        try:
            return sorted(name for name in os.listdir(self._contents.start + path) if name not in HIDDEN)
        except OSError as error:
            raise unreadable(path, error) from None

    def _child(self, below: str, name: str) -> tuple[str, os.stat_result] | None:
        """Takes one entry of a folder; gives it back if it is, or leads to, another folder."""
        rel = f"{below}/{name}" if below else name
        path = self._full(rel)
        found = self._contents.lstat(path)
        if found is None:
            return None
        if stat.S_ISLNK(found.st_mode):
            return self._link(rel, found)
        if not (stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode)):
            raise refuse_kind(path, found.st_mode)
        self._watch(rel, found)
        if stat.S_ISDIR(found.st_mode):
            return rel, found
        self._file(rel, found)
        return None

    def _link(self, rel: str, found: os.stat_result) -> tuple[str, os.stat_result] | None:
        path = self._full(rel)
        try:
            text = os.readlink(self._contents.start + path)
        except OSError as error:
            raise unreadable(path, error) from None
        target = self._contents.stat(path)
        self._rows.append((rel, f"l:{escaped(text)}:{'-' if target is None else ''}"))
        self.watched.append((path, link_stamp(found, target, self._since_ns)))
        if target is None:
            return None
        if stat.S_ISDIR(target.st_mode):
            return rel, target
        if not stat.S_ISREG(target.st_mode):
            raise refuse_kind(path, target.st_mode)
        self._file(rel, target)
        return None

    def _full(self, rel: str) -> str:
        return f"{self._path}/{rel}" if rel else self._path

    def _watch(self, rel: str, found: os.stat_result) -> None:
        stamp = stamp_of(found) if was_settled(found, self._since_ns) else RACY
        self.watched.append((self._full(rel), stamp))

    def _file(self, rel: str, found: os.stat_result) -> None:
        """Takes a file; what is not known of it is read together with all others."""
        path = self._full(rel)
        stamp = stamp_of(found)
        kind = "x:" if found.st_mode & OWNER_EXECUTES else "f:"
        digest = self._contents.memory.get(path, stamp)
        if digest is None:
            self._unread.append((len(self._rows), kind, (path, found, stamp)))
        self._rows.append((rel, f"{kind}{digest}"))

    def _read(self) -> bool:
        """Reads what is not known; False if something moved meanwhile."""
        unread = [one for _, _, one in self._unread]
        for (at, kind, one), read in zip(
            self._unread, self._contents.read(unread, self._since_ns, follows=True), strict=True
        ):
            if isinstance(read, tuple):
                self._rows[at] = self._rows[at][0], kind + read[0]
            elif read is None or read.errno in NOWHERE:
                return False
            else:
                raise unreadable(one[0], read)
        return True


def escaped(text: str) -> str:
    """A link's text as it stands within a value."""
    if text.isprintable() and "%" not in text and ":" not in text:
        return text
    return "".join(f"%{ord(char):02X}" if char in "%:" or ord(char) < 32 or ord(char) == 127 else char for char in text)
