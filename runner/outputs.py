"""Carry a node's outputs from the tree to a store and back, and keep book of what was made."""

from __future__ import annotations

import os
import posixpath

from runner.error import refuse
from runner.ledger import LastRun, LedgerError
from runner.noun import noun, replace
from runner.paths import declares, empty_folder, gathers, outputs_of, owned_folders
from runner.result import Record
from runner.settle import NOTHING
from runner.store import StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.key import Key
    from runner.result import Made, Outcome
    from runner.settle import Settle, Verdict
    from runner.task import Node
    from runner.tree import Sight


NOT_KEPT = "results are not kept"


@noun
class Collected:
    """What a node's command has made; `missing` are declared outputs that did not appear."""

    outputs: tuple[Made, ...]
    missing: tuple[str, ...]
    sight: Sight


@noun
class Origin:
    """Where results come from that are made now: the run, who and on which machine."""

    run: str
    by: str


class Outputs:
    """Carries outputs for one run. `warn` tells of what could not be kept, without harm to the run."""

    def __init__(self, settle: Settle, root: str, origin: Origin, warn: Callable[[str, str | None], None]) -> None:
        self.settle = settle
        self.tree = settle.tree
        self.ledger = settle.ledger
        self.store = settle.store
        self.root = root
        self.origin = origin
        self.warn = warn
        self._warned: set[str] = set()

    def forget(self, node: Node) -> None:
        """Before anything happens to a node: what was known of it is no longer so."""
        try:
            self.ledger.forget(node.name)
        except LedgerError as error:
            self._warn_once(str(error))

    def clear(self, node: Node, last: LastRun | None = None) -> None:
        """Empty the folders that a node owns, and remove what its last run made under its wildcards.

        *Raises*: Refusal where something cannot be removed.
        *Why* the latter: a wildcard gathers whatever is there, and what an earlier run made is no result of this one.
        """
        if node.task.in_place:
            return
        for folder in owned_folders(node):
            try:
                if self._is_there(folder):
                    self.tree.empty(folder)
            except OSError as error:
                raise refuse(f"`{error.filename or folder}` cannot be emptied: {error.strerror}") from None
        older = [made for made in last.outputs if gathers(node, made.path)] if last is not None else []
        if older:
            self.tree.remove(older)

    def collect(self, node: Node) -> Collected:
        """What the declared outputs match now."""
        if not node.outputs:
            return Collected(outputs=(), missing=(), sight=NOTHING)
        seen = self.tree.look(outputs_of(node))
        made = [entry.made for entry in seen.entries] + [empty_folder(path) for path in seen.empty]
        return Collected(outputs=tuple(made), missing=tuple(self._missing(node, made)), sight=seen)

    def _missing(self, node: Node, made: list[Made]) -> list[str]:
        paths = [one.path for one in made]
        found = []
        for entry, glob in zip(node.entries, node.outputs, strict=True):
            if entry.optional or glob.is_negated:
                continue
            for spelling in glob.spellings:
                there = any(spelling.matches(path) for path in paths)
                if not there and not (spelling.is_named and self._is_folder(spelling.base)):
                    found.append(glob.text if len(glob.spellings) == 1 else str(spelling))
        return list(dict.fromkeys(found))

    def _is_there(self, path: str) -> bool:
        return os.path.lexists(os.path.join(self.root, path))

    def _is_folder(self, path: str) -> bool:
        return os.path.isdir(os.path.join(self.root, path))

    def record(self, node: Node, key: Key | None, made: tuple[Made, ...], outcome: Outcome) -> None:
        """Keep book of a node that has run well, so that it is fresh while nothing moves."""
        self.ledger.record(node.name, self._last(node, key, made, outcome))

    def _last(self, node: Node, key: Key | None, made: tuple[Made, ...], outcome: Outcome) -> LastRun:
        return LastRun(
            key=key.digest if key is not None else "",
            parts=key.parts if key is not None else (),
            inputs=key.inputs if key is not None else (),
            outputs=made,
            in_place=node.task.in_place,
            run=self.origin.run,
            made_at=self.settle.sources.clock(),
            duration_s=outcome.duration_s,
            ended="done" if outcome.is_good else "failed",
            exit_code=outcome.exit_code or 0,
        )

    def keep(self, node: Node, key: Key, collected: Collected, outcome: Outcome, log: str | None) -> str:
        """Keep a result in the cache, blobs first. Why it could not be kept; nothing is told from here."""
        if self.store is None or not self.settle.modes.writes:
            return ""
        strange = next((made for made in collected.outputs if made.kind == "link" and _leaves(made)), None)
        if strange is not None:
            return f"not cached: the link `{strange.path}` leaves the project: `{strange.target}`"
        hidden = next((folder for folder in owned_folders(node) if self._is_there(f"{folder}/.git")), None)
        if hidden is not None:
            return f"not cached: a repository lies in `{hidden}/`, and nothing in a `.git` is ever kept"
        try:
            for made in collected.outputs:
                if made.kind == "file" and not self._put(made):
                    return f"not cached: `{made.path}` changed after the task had ended"
            logged = self._put_log(log) if log is not None and node.task.cache.logs else ("", 0)
            self.store.keep(self._record(node, key, collected.outputs, outcome, logged))
        except StoreError as error:
            return f"{NOT_KEPT}: {error}"
        except OSError as error:
            what = f"`{error.filename}`" if error.filename else "what it made"
            return f"not cached: {what} cannot be read: {error.strerror}"
        return ""

    def warn_of(self, trouble: str, node: Node) -> None:
        """Tell why a result was not kept; what is wrong with the cache as a whole once."""
        if trouble.startswith(NOT_KEPT):
            self._warn_once(trouble)
        else:
            self.warn(trouble, node.name)

    def _put(self, made: Made) -> bool:
        assert self.store is not None, "BUG: nothing to put into"
        fd = self.tree.open(made.path)
        try:
            return self.store.put(fd) == (made.digest, made.size_bytes)
        finally:
            os.close(fd)

    def _put_log(self, path: str) -> tuple[str, int]:
        assert self.store is not None, "BUG: nothing to put into"
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return self.store.put(fd)
        finally:
            os.close(fd)

    def _record(
        self, node: Node, key: Key, outputs: tuple[Made, ...], outcome: Outcome, logged: tuple[str, int]
    ) -> Record:
        # What may be secret leaves this folder by its name alone.
        parts = tuple((label, "" if label in key.secrets else shown) for label, shown in key.parts)
        return Record(
            key=key.digest,
            task=node.name,
            exit_code=outcome.exit_code or 0,
            outputs=outputs,
            log=logged[0],
            log_bytes=logged[1],
            parts=parts,
            run=self.origin.run,
            by=self.origin.by,
            made_at=self.settle.sources.clock(),
            duration_s=outcome.duration_s,
        )

    def restore(self, node: Node, verdict: Verdict, log: int) -> str | None:
        """Bring a result back, and write its log to a descriptor. None when done, else why that could not be.

        *Raises*: OSError where the tree cannot be written.
        """
        record = verdict.record
        assert record is not None, "BUG: nothing to restore"
        assert self.store is not None, "BUG: nothing to restore from"
        trouble = self.fetch_log(record, log)
        if trouble is not None:
            return trouble
        stranger = next((made.path for made in record.outputs if not declares(node, made.path)), None)
        if stranger is not None:
            return f"its record speaks of `{stranger}`, which it does not declare"
        # A hit needs every blob, also of what lies there already: those are not fetched, so they are verified here.
        right = tuple(made for made in record.outputs if made.kind == "file" and self.settle.is_there(made))
        if right and not self.store.has(replace(record, outputs=right, log="")):
            return "a file of it is missing or damaged in the cache"
        missing = self.tree.restore(record.outputs, owned_folders(node), self.store.fetch)
        if missing is None and verdict.last is not None:
            kept = {made.path for made in record.outputs}
            self.tree.remove([made for made in verdict.last.outputs if made.path not in kept])
        return missing

    def fetch_log(self, record: Record, log: int) -> str | None:
        """Write what a result's command wrote to a descriptor. None when done, else why that could not be."""
        assert self.store is not None, "BUG: nothing to restore from"
        if record.log and not self.store.fetch(record.log, log):
            return "its log is missing in the cache"
        return None

    def record_restored(self, node: Node, key: Key, record: Record) -> None:
        """Keep book of a result that was brought back."""
        last = LastRun(
            key=key.digest,
            parts=key.parts,
            inputs=key.inputs,
            outputs=record.outputs,
            status="restored",
            run=record.run,
            made_at=record.made_at,
            duration_s=record.duration_s,
            ended="failed" if record.exit_code else "done",
            exit_code=record.exit_code,
        )
        self.ledger.record(node.name, last)

    def _warn_once(self, message: str) -> None:
        if message not in self._warned:
            self._warned.add(message)
            self.warn(message, None)


def _leaves(made: Made) -> bool:
    """Whether a link points out of the project, or would on another machine."""
    if made.target.startswith("/"):
        return True
    to = posixpath.normpath(posixpath.join(posixpath.dirname(made.path), made.target))
    return to == ".." or to.startswith("../")
