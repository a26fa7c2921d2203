"""What each task's last success saw and made, in a journal that many runs share."""

from __future__ import annotations

import errno
import os

from runner.journal import Journal, fields, joined, told
from runner.noun import noun
from runner.premises import shown
from runner.result import Made

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, Final, Literal, TypeVar

    from runner.journal import Line
    from runner.result import Kind

    _T = TypeVar("_T")
    Source = Literal["ran", "restored", "accepted", "lock"]
    Pairs = tuple[tuple[str, str], ...]

HEADER: Final = "trun ledger 1"
# A list of more texts than these has a line of its own, which all nodes with the same list share.
SHARED_TEXTS: Final = 64
WORTH_REWRITING_BYTES: Final = 1 << 18
# Who may not write the journal now may not do so the next time, and so will not believe it then.
DENIED: Final = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EISDIR, errno.ENOTDIR, errno.ELOOP, errno.ENXIO)


@noun
class LastRun:
    """What a task's last success saw and made, or a failure that is kept.

    *Units*: `made_at` in seconds since the epoch, `duration_s` in seconds. `parts` are the ingredients of the key,
    labels and values; of secrets a salted digest. `inputs` are paths from the root, each with what `Seen.value` said
    of it. `status` says how the outputs came there, `ended` is `done` or `failed`, `run` the run that made them.
    """

    key: str
    parts: Pairs = ()
    inputs: Pairs = ()
    outputs: tuple[Made, ...] = ()
    in_place: bool = False
    status: Source = "ran"
    run: str = ""
    made_at: float = 0.0
    duration_s: float = 0.0
    ended: str = "done"
    exit_code: int = 0


class LedgerError(Exception):
    """Something could not be forgotten, and would be believed by the next run; the message says why."""


class Ledger:
    """The last runs of all nodes, by the node's name. Several processes may use the same path.

    `troubles` are texts for warnings: what could not be read or kept. A journal that cannot be written is not believed,
    since nothing could be forgotten.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.troubles: list[str] = []
        self._journal = Journal(path, HEADER)
        # The lines that stand: where each is, and its text. Of several for one node the last counts.
        self._nodes: dict[str, list[Line]] = {}
        self._lists: dict[str, bytes] = {}
        # What was parsed of them, or recorded here.
        self._known: dict[str, LastRun] = {}
        self._read: dict[tuple[str, object], tuple[Any, ...]] = {}
        self._named: list[tuple[Sequence[str], str]] = []
        self._has_written = False
        self.refresh()

    def get(self, node: str) -> LastRun | None:
        """What is known of a node. What other processes did counts from the next `refresh` on, if not before."""
        lines = self._nodes.get(node)
        if not lines or not self._stands(lines[-1]):
            return None
        found = self._known.get(node)
        if found is None:
            try:
                found = self._parsed(fields(lines[-1][1]))
            except (ValueError, LookupError):
                return None
            self._known[node] = found
        return found

    def names(self) -> list[str]:
        """The nodes of which something is known."""
        return [node for node, lines in self._nodes.items() if self._stands(lines[-1])]

    def _stands(self, line: Line) -> bool:
        try:
            return self._journal.stands(line)
        except OSError:
            return False

    def refresh(self) -> None:
        """Take in what other processes have recorded since."""
        try:
            if self._journal.has_moved():
                self._open(is_shared=True)
        except OSError as error:
            self._believe_nothing(error)
        finally:
            self._journal.let_go()

    def record(self, node: str, last: LastRun) -> None:
        """Keep what is known of a node now, in place of what was known. Where there is no room, nothing is known of it.

        *Raises*: LedgerError where what was known before could not be forgotten.
        """
        self._forget(node, last)

    def forget(self, node: str) -> None:
        """Know nothing of a node from now on, in this process and in all others, also if this one is killed.

        Where that cannot be written, all is forgotten: the journal is removed.
        *Raises*: LedgerError where that cannot be done either, and a later run would believe what it finds.
        """
        self._forget(node, None)

    def close(self) -> None:
        """Make the journal smaller if most of it is of no use any more, and give it back. Never raises."""
        try:
            if self._is_worth_rewriting() and self._open(waits=False) and self._journal.has_locks:
                # What others have struck out is no news.
                stands = self._journal.stands
                self._nodes = {name: lines for name, lines in self._nodes.items() if stands(lines[-1])}
                self._journal.rewrite([*self._used_lists().values(), *(lines[-1][1] for lines in self._nodes.values())])
        except OSError:
            pass  # it stays as large as it is
        finally:
            self._journal.close()

    def _forget(self, node: str, last: LastRun | None) -> None:
        is_open = False
        self._known.pop(node, None)
        try:
            # Even if nothing is known here: another process may have recorded it a moment ago.
            is_open = self._open(makes=last is not None)
            for at, _ in self._nodes.pop(node, ()):
                self._has_written = True
                self._journal.strike(at)
        except OSError as error:
            self._forget_all(error, is_open)
        else:
            if last is not None and is_open:
                self._add(node, last)
        finally:
            self._journal.let_go()

    def _add(self, node: str, last: LastRun) -> None:
        try:
            self._has_written = True
            self._journal.add(*self._bodies(node, last))
            self._take_in()
        except OSError as error:
            self._tell(f"`{shown(self.path)}` cannot be written: {error.strerror}; what ran will run again")
        else:
            self._known[node] = last

    def _open(self, *, makes: bool = False, is_shared: bool = False, waits: bool = True) -> bool:
        """Lock the journal and take in what is new in it. False where there is none; then nothing is known."""
        if not self._journal.hold(makes=makes, is_shared=is_shared, waits=waits):
            if waits:
                self._drop()
            return False
        self._take_in()
        if self._journal.is_foreign and not is_shared:
            self._journal.clear()
        return True

    def _take_in(self) -> None:
        was_damaged = self._journal.is_damaged
        is_void, lines = self._journal.news()
        if is_void:
            self._drop()
        for line in lines:
            kind, name = told(line[1])
            if kind == "n":
                self._known.pop(name, None)
                self._nodes.setdefault(name, []).append(line)
            elif kind == "l":
                self._lists[name] = line[1]
        if self._journal.is_damaged and not was_damaged:
            self._tell(f"`{shown(self.path)}` is damaged: some of what was known is forgotten")

    def _drop(self) -> None:
        self._nodes.clear()
        self._known.clear()
        self._lists.clear()

    def _forget_all(self, error: OSError, was_open: bool) -> None:
        """The last resort: a journal that is gone is believed by nobody."""
        self._drop()
        self._journal.close()
        try:
            os.unlink(self.path)
        except FileNotFoundError:
            self._tell(f"`{shown(self.path)}` cannot be written: {error.strerror}")
        except OSError as second:
            if not was_open and error.errno in DENIED:
                self._believe_nothing(error)
                return
            why = f"`{shown(self.path)}` can neither be written nor removed: {second.strerror}"
            raise LedgerError(why) from error
        else:
            self._tell(f"`{shown(self.path)}` could not be written: {error.strerror}; it was removed")

    def _believe_nothing(self, error: OSError) -> None:
        self._drop()
        self._journal.close()
        self._tell(f"`{shown(self.path)}` cannot be used: {error.strerror}; nothing is known of earlier runs")

    def _tell(self, text: str) -> None:
        if text not in self.troubles:
            self.troubles.append(text)

    # How a last run is written: texts with tabs between them.

    def _bodies(self, node: str, last: LastRun) -> Iterator[bytes]:
        """The line of a node, and before it those of the lists that it shares, where they are not there yet."""
        texts = ["n", node, last.key, last.status, last.run, repr(last.made_at), repr(last.duration_s), last.ended]
        texts += [str(last.exit_code), "1" if last.in_place else ""]
        made = [text for one in last.outputs for text in _output(one)]
        for block in (_flat(last.parts), _flat(last.inputs), made):
            if len(block) <= SHARED_TEXTS:
                texts += [str(len(block)), *block]
                continue
            name = self._name(block)
            texts.append(f"@{name}")
            if name not in self._lists:
                yield joined(["l", name, *block])
        yield joined(texts)

    def _name(self, block: list[str]) -> str:
        """What a list is called: nodes that read the same files mostly come one after the other."""
        for known, name in self._named:
            if known == block:
                return name
        from runner.digest import hasher

        name = hasher("blake3")(joined(block)).hexdigest()
        self._named = [*self._named[-3:], (block, name)]
        return name

    def _parsed(self, fields: list[str]) -> LastRun:
        """*Raises*: ValueError or LookupError for what this version does not write."""
        _, _, key, status, run, made_at, duration_s, ended, exit_code, in_place, *rest = fields
        parts, rest = self._block(rest, _pairs)
        inputs, rest = self._block(rest, _pairs)
        outputs, rest = self._block(rest, _outputs)
        return LastRun(
            key=key,
            parts=parts,
            inputs=inputs,
            outputs=outputs,
            in_place=in_place == "1",
            status=status,  # type: ignore[arg-type]
            run=run,
            made_at=float(made_at),
            duration_s=float(duration_s),
            ended=ended,
            exit_code=int(exit_code),
        )

    def _block(self, texts: list[str], read: Callable[[list[str]], tuple[_T, ...]]) -> tuple[tuple[_T, ...], list[str]]:
        """What a list says that stands at the beginning, or in a line of its own, and the texts behind it.

        *Raises*: LookupError where its line is missing.
        """
        if not texts[0].startswith("@"):
            end = 1 + int(texts[0])
            return read(texts[1:end]), texts[end:]
        name = texts[0][1:]
        found = self._read.get((name, read))
        if found is None:
            found = self._read[name, read] = read(fields(self._lists[name])[2:])
        return found, texts[1:]

    def _is_worth_rewriting(self) -> bool:
        if self._journal.is_damaged:
            return True
        size_bytes = self._journal.size_bytes
        if not self._has_written or size_bytes < WORTH_REWRITING_BYTES:
            return False
        used_bytes = sum(len(lines[-1][1]) for lines in self._nodes.values())
        return 2 * (used_bytes + sum(map(len, self._used_lists().values()))) < size_bytes

    def _used_lists(self) -> dict[str, bytes]:
        """The lists that a node refers to. *Why* by looking: what is taken for one by mistake only stays."""
        found = {}
        for lines in self._nodes.values():
            for text in lines[-1][1].split(b"\t@")[1:]:
                name = text[:64].decode("ascii", "replace")
                if name in self._lists:
                    found[name] = self._lists[name]
        return found


def _flat(pairs: Pairs) -> list[str]:
    return [text for pair in pairs for text in pair]


def _pairs(texts: list[str]) -> Pairs:
    return tuple(zip(texts[::2], texts[1::2], strict=True))


def _outputs(texts: list[str]) -> tuple[Made, ...]:
    return tuple(_made(*texts[at : at + 5]) for at in range(0, len(texts), 5))


def _output(made: Made) -> tuple[str, ...]:
    kind = f"{made.kind}+" if made.is_executable else made.kind
    return made.path, kind, made.digest, str(made.size_bytes), made.target


def _made(path: str, kind: str, digest: str, size_bytes: str, target: str) -> Made:
    is_executable = kind.endswith("+")
    known: Kind = kind.removesuffix("+")  # type: ignore[assignment]
    return Made(
        path=path,
        kind=known,
        digest=digest,
        size_bytes=int(size_bytes),
        is_executable=is_executable,
        target=target,
    )
