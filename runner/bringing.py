"""Results brought back before there is a loop, for a run in which nothing else is left to do."""

from __future__ import annotations

from runner.locks import NodeLock
from runner.noun import noun
from runner.paths import lock_name
from runner.restoring import Restoring

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from runner.outputs import Outputs
    from runner.result import Record, Stream
    from runner.settle import Verdict
    from runner.task import Node

# What was written is held until it can be told; more of it is brought back by the loop.
LOG_BYTES_AT_MOST: Final = 1 << 20


@noun
class Brought:
    """A result that is back: what is told of it."""

    record: Record
    reasons: tuple[str, ...]
    written: tuple[tuple[Stream, bytes], ...]


class Bringing:
    """Brings results back one by one. *Why* not in the loop: starting that takes longer than most results."""

    def __init__(self, outputs: Outputs, folder: str, run: str) -> None:
        self.outputs = outputs
        self._folder = folder
        self._run = run
        self._log_bytes = 0

    def bring(self, node: Node, verdict: Verdict) -> Brought | None:
        """A result brought back; None where that is left to the loop: it could not be, or somebody else is at it."""
        record = verdict.record
        if record is None or record.exit_code or self._log_bytes + record.log_bytes > LOG_BYTES_AT_MOST:
            return None
        lock = NodeLock(self._folder, lock_name(node), self._run)
        if not lock.try_take():
            return None
        try:
            ledger = self.outputs.ledger
            ledger.refresh()
            if ledger.get(node.name) != verdict.known:
                return None  # another run was at it since it was judged
            with Restoring(self.outputs, node, verdict) as restoring:
                if restoring.restore() is not None:
                    return None
                restoring.record()
                self._log_bytes += record.log_bytes
                return Brought(record=record, reasons=verdict.reasons, written=tuple(restoring.written()))
        finally:
            lock.release()
