"""One node that is not fresh: brought back from a cache or run, under its lock, and what came of it kept."""

from __future__ import annotations

import os

import anyio
import anyio.to_thread

from runner.event import WAITS, TaskOutput, Warned
from runner.key import changes, reason
from runner.locks import NodeLock
from runner.noun import noun, replace
from runner.paths import declares, lock_name, unmatched
from runner.restoring import Restoring
from runner.result import Outcome
from runner.settle import Verdict
from runner.unseen import HINT, told, unseen_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Final, TypeVar

    from runner.attempt import Attempts
    from runner.bringing import Brought
    from runner.key import Change, Key
    from runner.outputs import Collected, Outputs
    from runner.result import Made, Status
    from runner.settle import Settle
    from runner.task import Node

    _T = TypeVar("_T")

# How often somebody asks whether another process is done with a node.
POLL_S: Final = 0.05
# What is larger goes through a thread of its own, so that the run goes on meanwhile.
LARGE_BYTES: Final = 4 << 20
MANY: Final = 200
# What a shell exits with if a command could not be run at all, or was ended by a signal.
UNRUN: Final = (126, 127)
SIGNALLED: Final = range(129, 129 + 64)


@noun
class Done:
    """What came of a node. `status` is None where the outcome tells; `made` is what it made, if it declares that."""

    outcome: Outcome
    status: Status | None = None
    reasons: tuple[str, ...] = ()
    why_skipped: str = ""
    made: tuple[Made, ...] | None = None
    saved_s: float = 0.0


@noun
class Keeping:
    """What a run needs to keep results.

    `log_of` gives the file with all that a node wrote; `brought` are results that were restored before.
    """

    settle: Settle
    outputs: Outputs
    folder: str
    run: str
    log_of: Callable[[str], str | None]
    brought: Mapping[str, Brought] = {}


class Jobs:
    """Does what is to be done with nodes, one call for each."""

    def __init__(self, attempts: Attempts, keeping: Keeping) -> None:
        self.attempts = attempts
        self.keeping = keeping
        self.settle = keeping.settle
        self.outputs = keeping.outputs
        self.doors = attempts.doors

    async def do(self, node: Node, verdict: Verdict) -> Done:
        """Restore a node or run it. *Raises*: Refusal for what is found wrong only now."""
        if not (node.task.is_cached or node.outputs):
            outcome, why = await self.attempts.run(node)
            return Done(outcome=outcome, why_skipped=why, reasons=verdict.reasons)
        lock = NodeLock(self.keeping.folder, lock_name(node), self.keeping.run)
        has_waited = await self._taken(node, lock)
        try:
            if has_waited and self.attempts.is_interrupted:
                return Done(outcome=Outcome(cancelled=True))
            if node.task.is_cached and (has_waited or self._knows_more(node, verdict)):
                verdict = await self._judged_anew(node)
            if verdict.would == "fresh":
                made = verdict.last.outputs if verdict.last is not None else ()
                return Done(outcome=Outcome(exit_code=0), status="fresh", made=made)
            if verdict.would == "restore":
                restored = await self._restored(node, verdict)
                if not isinstance(restored, str):
                    return restored
                verdict = replace(verdict, would="run", reasons=(restored, *verdict.reasons))
            return await self._run(node, verdict)
        finally:
            lock.release()

    async def _taken(self, node: Node, lock: NodeLock) -> bool:
        """Waits for the lock, unless the run is interrupted meanwhile; True if somebody else had it."""
        if lock.try_take():
            return False
        holder = lock.holder()
        if holder is None or holder[0] != os.getpid():
            who = f"process {holder[0]}" if holder is not None else "another process"
            self._warn(f"{WAITS} {who}, which is at it already", node.name)
        while not (self.attempts.is_interrupted or lock.try_take()):
            await anyio.sleep(POLL_S)
        return True

    def _knows_more(self, node: Node, verdict: Verdict) -> bool:
        """Whether another run has done something with the node since it was judged."""
        ledger = self.settle.ledger
        ledger.refresh()
        return ledger.get(node.name) != verdict.known

    async def _judged_anew(self, node: Node) -> Verdict:
        self.settle.ledger.refresh()
        self.settle.renew()
        return await self.settle.judge(node, self.attempts.asking)

    async def _restored(self, node: Node, verdict: Verdict) -> Done | str:
        """What came of bringing a result back, or why that could not be."""
        record = verdict.record
        assert record is not None, "BUG: restored without a record"
        with Restoring(self.outputs, node, verdict) as restoring:
            size_bytes = sum(made.size_bytes for made in record.outputs)
            is_large = size_bytes > LARGE_BYTES or len(record.outputs) > MANY
            trouble = await _aside(is_large, restoring.restore)
            self.settle.renew()
            if trouble is not None:
                return f"not restored: {trouble}"
            for stream, data in restoring.written():
                self.doors.tell(TaskOutput(time=self.doors.clock(), task=node.name, stream=stream, data=data))
            restoring.record()
        outcome, saved_s = Outcome(exit_code=record.exit_code), record.duration_s
        status = restoring.status
        return Done(outcome=outcome, status=status, reasons=verdict.reasons, made=record.outputs, saved_s=saved_s)

    async def _run(self, node: Node, verdict: Verdict) -> Done:
        self.outputs.forget(node)
        if verdict.key is not None:
            for text in unmatched(node, verdict.key.inputs):
                self._warn(f"input `{text}` matches nothing", node.name)
        self.outputs.clear(node, verdict.last)
        try:
            outcome, why = await self.attempts.run(node, lambda: self.outputs.clear(node))
        except OSError as error:
            # No descriptor is left, or no process.
            return Done(outcome=Outcome(trouble=f"it cannot be started: {error.strerror}"), made=())
        self.settle.renew()
        if why:
            return Done(outcome=outcome, why_skipped=why, made=())
        collected = self.outputs.collect(node)
        if outcome.is_good and collected.missing:
            outcome = replace(outcome, trouble=_missing(collected.missing))
        if not outcome.is_good and node.task.is_cached:
            self._tell_unseen(node)
        made = collected.outputs if node.outputs else None
        if self._is_result(node, outcome):
            await self._keep(node, verdict, collected, outcome)
        return Done(outcome=outcome, reasons=verdict.reasons, made=made)

    def _tell_unseen(self, node: Node) -> None:
        """A cached task that fails may miss what it did not declare."""
        commands = self.settle.commands
        names = unseen_of(node.task, commands.variables.visible(node.task), commands.ambient.environ)
        if names:
            self._warn(f"{told(names)}; {HINT}", node.name)

    def _is_result(self, node: Node, outcome: Outcome) -> bool:
        """Whether something may be kept of it: a success, or a failure that is asked to be kept."""
        if outcome.is_good:
            return True
        is_ordinary = bool(outcome.exit_code) and outcome.exit_code not in (*UNRUN, *SIGNALLED)
        is_ordinary = is_ordinary and outcome.trouble is None
        is_whole = not (outcome.timed_out or outcome.cancelled)
        return is_ordinary and is_whole and node.task.is_cached and self.settle.keeps_failures(node)

    async def _keep(self, node: Node, verdict: Verdict, collected: Collected, outcome: Outcome) -> None:
        """Keep a result, unless something happened meanwhile by which it is not what the key says."""
        key = verdict.key
        if not node.task.is_cached:
            self.outputs.record(node, None, collected.outputs, outcome)
            return
        if key is None or self._has_failed_dep(node):
            return
        if node.task.in_place:
            now = self.settle.key_again(node)
            moved = _moved_besides(node, key, now)
            if not moved:
                self.outputs.record(node, now, collected.outputs, outcome)
        else:
            moved = self._moved(node, verdict)
        if moved:
            self._warn(f"{moved} while it ran: the result stays, and is not cached", node.name)
            return
        if node.task.in_place:
            return
        log = self.keeping.log_of(node.name)
        size_bytes = sum(one.size_bytes for one in collected.outputs)
        is_large = size_bytes > LARGE_BYTES or len(collected.outputs) > MANY
        trouble = await _aside(is_large, lambda: self.outputs.keep(node, key, collected, outcome, log))
        if trouble:
            self.outputs.warn_of(trouble, node)
        if outcome.is_good or self.settle.modes.replays:
            self.outputs.record(node, key, collected.outputs, outcome)

    def _has_failed_dep(self, node: Node) -> bool:
        ends = (self.settle.ends.get(edge.to) for edge in self.settle.graph.edges[node.name])
        return any(end is not None and end.how == "failed" for end in ends)

    def _moved(self, node: Node, verdict: Verdict) -> str:
        """Which inputs are no longer what they were when the key was made."""
        assert verdict.key is not None, "BUG: a result without a key"
        if self.settle.is_still(node, verdict.sights[0]):
            return self.settle.moved_dep(node)
        now = self.settle.key_again(node)
        found = changes((verdict.key.parts, verdict.key.inputs), (now.parts, now.inputs))
        if not found:
            return self.settle.written(verdict.sights[0]) or self.settle.moved_dep(node)
        return _told_moved(found)

    def _warn(self, message: str, task: str) -> None:
        self.doors.tell(Warned(time=self.doors.clock(), message=message, task=task))


def _told_moved(found: Sequence[Change]) -> str:
    """What changed, in the words of who saw it happen."""
    more = f" (+{len(found) - 1} more)" if len(found) > 1 else ""
    told = reason(found[0])
    return f"{told.replace(' is new', ' appeared').replace(' is gone', ' vanished')}{more}"


def _moved_besides(node: Node, before: Key, now: Key) -> str:
    """Which inputs changed that a node which changes its own does not declare that it changes."""
    kept = [tuple(pair for pair in key.inputs if not declares(node, pair[0])) for key in (before, now)]
    found = changes((before.parts, kept[0]), (now.parts, kept[1]))
    return _told_moved(found) if found else ""


def _missing(missing: tuple[str, ...]) -> str:
    names = ", ".join(f"`{text}`" for text in missing)
    return f"declared output{'s' * (len(missing) > 1)} {names} {'were' if len(missing) > 1 else 'was'} not made"


async def _aside(is_large: bool, work: Callable[[], _T]) -> _T:
    """Do something here, or in a thread if it is large, so that the run goes on meanwhile."""
    if not is_large:
        return work()
    return await anyio.to_thread.run_sync(work)
