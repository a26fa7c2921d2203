"""What `tasks.lock` knows in one run: asked for nodes that are not fresh by the ledger, and kept current."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from runner.argument import ArgumentError, defaults
from runner.key import UNSET, Part
from runner.ledger import LastRun, LedgerError
from runner.lockfile import NAME, SIZE_AT_MOST_BYTES, LockError, block_of, blocks_in, listed, text_of
from runner.noun import noun
from runner.paths import value_of
from runner.stamp import ABSENT, stamp, stamp_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Final

    from runner.key import Key
    from runner.lockfile import Block, Blocks
    from runner.result import Made
    from runner.settle import Settle
    from runner.task import Node

MARK_AT_MOST_BYTES: Final = 1 << 24
# Parts whose values the ledger does not hold.
SECRET: Final = ("uses_env ", "dotenv ")


@noun
class LockPlace:
    """Where the lock of a project is, and what may be done with it.

    `folder` is the project's `.trun`, `platform` what a key says of this machine. `is_run` is False for who only looks.
    `is_ours` is False where the tasks file is seen otherwise than by everybody: what is known then is not to be locked.
    """

    root: str
    folder: str
    platform: str
    algorithm: str
    is_run: bool = False
    is_ours: bool = False
    in_ci: bool = False


class Lock:
    """The lock of a project. `troubles` are texts for warnings: why it was neither believed nor written."""

    def __init__(self, place: LockPlace, clock: Callable[[], float]) -> None:
        self.place = place
        self.path = os.path.join(place.root, NAME)
        self.troubles: list[str] = []
        self._clock = clock
        self._read: tuple[str, Blocks | LockError | None] | None = None
        # The stamp of the lock as it was read or written last.
        self._stamp = ABSENT

    def read(self) -> Blocks | None:
        """What is locked; None where there is no lock. *Raises*: LockError."""
        now = stamp(self.path)
        if self._read is None or self._read[0] != now:
            self._read = self._opened()
        self._stamp, found = self._read
        if isinstance(found, LockError):
            raise found
        return found

    def _opened(self) -> tuple[str, Blocks | LockError | None]:
        # Not through a link: what is written replaces the link, and not what it points to.
        how = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            fd = os.open(self.path, how)
        except FileNotFoundError:
            return ABSENT, None
        except OSError as error:
            reason = "is a link" if os.path.islink(self.path) else f"cannot be read: {error.strerror}"
            return stamp(self.path), LockError(reason)
        try:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode):
                return stamp_of(found), LockError("is no file")
            with os.fdopen(fd, "rb", closefd=False) as file:
                return stamp_of(found), blocks_in(file.read(SIZE_AT_MOST_BYTES + 1))
        except OSError as error:
            return stamp_of(found), LockError(f"cannot be read: {error.strerror}")
        except LockError as error:
            return stamp_of(found), error
        finally:
            os.close(fd)

    def last_run(
        self, node: Node, key: Key, parts: Sequence[Part], made: Callable[[], Sequence[Made]]
    ) -> LastRun | None:
        """What is known of a node whose ingredients and outputs are all as they are locked; None for any other.

        *Why* not one with `expires`: the lock does not say how old a result is.
        """
        locked = self.block(node)
        if locked is None or node.task.expires_s is not None:
            return None
        now = block_of(node.name, parts, key.inputs, (), self.place.algorithm)
        aspects = ("platform", "definition", "variables", "deps", "keys", "inputs")
        if any(getattr(locked, aspect) != getattr(now, aspect) for aspect in aspects):
            return None
        outputs = tuple(made())
        if listed([(one.path, value_of(one)) for one in outputs], self.place.algorithm) != locked.outputs:
            return None
        return LastRun(
            key=key.digest,
            parts=key.parts,
            inputs=key.inputs,
            outputs=outputs,
            in_place=node.task.in_place,
            status="lock",
            made_at=self._clock(),
        )

    def block(self, node: Node) -> Block | None:
        """What is locked of a node for this machine, as far as the lock can be believed."""
        try:
            found = self.read()
        except LockError as error:
            self._complain(error)
            return None
        return None if found is None else found.get(self.slot(node))

    def slot(self, node: Node) -> tuple[str, str]:
        """Under which task and platform a node is locked."""
        return node.name, "" if node.task.cache.portable else self.place.platform

    def _complain(self, error: LockError) -> None:
        # One warning a run is enough, whoever comes upon it.
        if not self.troubles:
            self.troubles.append(f"{error}: it is neither believed nor written; `trun --lock check` tells more")

    def close(self, settle: Settle) -> None:
        """Keep book of what the lock knew, and bring the lock up to date with what is known of a run's nodes.

        Nothing is read or written where nothing has changed since a run last did this.
        """
        if not self.place.is_run:
            return
        self._keep_book(settle)
        now = stamp(self.path) if self.place.is_ours and not self.place.in_ci else ABSENT
        if now == ABSENT:
            return
        known = {name: last for name, last in self.known(settle) if last.ended == "done"}
        marks = {name: f"{last.key}\t{last.run}" for name, last in known.items()}
        before = self._marks(now)
        if before is not None and marks.items() <= before.items():
            return
        try:
            done = self.update(settle, known)
        except LockError as error:
            self._complain(error)
        except OSError as error:
            self.troubles.append(f"`{NAME}` cannot be written: {error.strerror}; it is not up to date")
        else:
            self._mark({**(before or {}), **{name: marks[name] for name in done}})

    def _keep_book(self, settle: Settle) -> None:
        for name, last in settle.believed.items():
            end, key = settle.ends.get(name), settle.keys.get(name)
            if end is not None and end.how == "done" and key is not None and key.digest == last.key:
                with suppress(LedgerError):  # then it is asked again the next time
                    settle.ledger.record(name, last)

    def known(self, settle: Settle) -> Iterable[tuple[str, LastRun]]:
        """What is known of the nodes of a run that have ended well and may be locked."""
        for name, node in settle.graph.nodes.items():
            end = settle.ends.get(name)
            last = settle.ledger.get(name) if end is not None and end.how == "done" and is_lockable(node) else None
            if last is not None:
                yield name, last

    def update(self, settle: Settle, known: Mapping[str, LastRun], *, anew: bool = False) -> list[str]:
        """Bring the blocks of nodes up to date, and give those that now are; all others stay as they are.

        `anew` begins a lock where there is none, or where it is damaged. *Raises*: LockError, OSError.
        """
        try:
            blocks = self.read() or {}
        except LockError as error:
            if not anew or error.is_future:
                raise
            blocks = {}
        changed = dict(blocks)
        done = []
        for name, last in known.items():
            node = settle.graph.nodes[name]
            block = self._block(settle, node, last)
            if block is not None:
                changed.pop((name, self.place.platform), None)
                changed.pop((name, ""), None)
                changed[self.slot(node)] = block
                done.append(name)
        if changed != blocks or anew:
            self.write(changed)
        return done

    def _block(self, settle: Settle, node: Node, last: LastRun) -> Block | None:
        """The block of a node; None where it has secrets that are not as they were when that became known."""
        secrets = {part.label: part for part in settle.parts.get(node.name, ()) if part.is_secret}
        parts = []
        for label, shown in last.parts:
            secret = secrets.get(label)
            if secret is not None and secret.shown != shown:
                return None
            if secret is None and label.startswith(SECRET) and shown != UNSET:
                return None
            parts.append(secret or Part(label=label, value=shown, shown=shown))
        return block_of(node.name, parts, last.inputs, last.outputs, self.place.algorithm)

    def write(self, blocks: Blocks) -> None:
        """Make the lock hold these, unless it is just that already. *Raises*: OSError."""
        data = text_of(blocks.values()).encode()
        mode = 0o666
        try:
            with open(self.path, "rb") as file:
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                is_same = file.read(len(data) + 1) == data
        except OSError:
            is_same = False
        self._read = None
        if not is_same:
            self._stamp = replace_file(self.path, data, os.path.join(self.place.folder, "state"), mode)

    # What of the lock is known to be up to date, so that it need not be read to know that.

    def _mark_path(self) -> str:
        return os.path.join(self.place.folder, "state", "lock")

    def _marks(self, now: str) -> dict[str, str] | None:
        """The nodes whose blocks are up to date, with what was known of them; None if the lock was changed since."""
        try:
            with open(self._mark_path(), encoding="utf-8", errors="surrogateescape") as file:
                first, *lines = file.read(MARK_AT_MOST_BYTES).split("\n")
        except OSError:
            return None
        if first != now:
            return None
        return {name: rest for name, _, rest in (line.partition("\t") for line in lines)}

    def _mark(self, marks: Mapping[str, str]) -> None:
        lines = [self._stamp, *(f"{name}\t{rest}" for name, rest in marks.items())]
        data = "\n".join(lines).encode("utf-8", "surrogateescape")
        with suppress(OSError):
            replace_file(self._mark_path(), data, os.path.dirname(self._mark_path()), 0o666)


def is_lockable(node: Node) -> bool:
    """Whether a node is locked at all: a cached task with its default arguments, whose results do not expire.

    *Why* without the environment: where a variable gives a default, two people would write two locks.
    """
    if not node.task.is_cached or node.task.expires_s is not None or node.name != node.task.name:
        return False
    try:
        return dict(node.args) == defaults(node.task, {})
    except ArgumentError:
        return False


def replace_file(path: str, data: bytes, aside: str, mode: int) -> str:
    """Put a file in the place of another, at once; its stamp. It is written in the folder `aside`, if that can be.

    *Why* aside: what lies beside a file for a moment may be taken for an input. *Raises*: OSError.
    """
    for folder in (aside, os.path.dirname(path)):
        beside = os.path.join(folder, f".{os.path.basename(path)}.{os.getpid()}")
        try:
            with suppress(FileNotFoundError):
                os.unlink(beside)
            fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
            with os.fdopen(fd, "wb", buffering=0) as file:
                file.write(data)
                os.rename(beside, path)
                return stamp_of(os.fstat(fd))
        except OSError:
            with suppress(OSError):
                os.unlink(beside)
            if folder != aside:
                raise
    raise AssertionError("BUG: a file was neither written nor refused")
