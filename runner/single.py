"""One command without a tasks file, as a project of one task: replayed from what is kept, or run and kept."""

from __future__ import annotations

import os

from runner.compose import by, kept, reporter
from runner.error import EXIT_DONE, refuse
from runner.event import TaskEnded, TaskOutput, TaskPlanned, TaskReady, Warned
from runner.forecast import foreseen
from runner.locks import NodeLock
from runner.noun import replace
from runner.outputs import Origin, Outputs
from runner.paths import lock_name
from runner.report.recorded import Recorded
from runner.restoring import Restoring
from runner.settle import NoAsks, driven
from runner.telling import Ended, closing, opening, own_exit
from runner.variables import STACK, stacked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Final, NoReturn

    from runner.compose import Kept
    from runner.event import Event
    from runner.report.several import Several
    from runner.settle import Asks, Settle, Verdict
    from runner.task import Node
    from runner.telling import Case

# Below `.trun`, where what a command writes waits until it is stored.
LOGS: Final = "exec"


def run(case: Case) -> Ended:
    """Replay the command or run it; the exit code is its own. *Raises*: Refusal before anything has run."""
    node = only(case)
    above = case.ambient.environ.get(STACK, "").split("\n")
    if stacked(case.expansion.project.root, node.name) in above:
        raise refuse("this command is running already, and this trun was started by it")
    keeping = keep(case)
    verdict = driven(keeping.settle.judge(node, NoAsks()))
    if verdict.would == "restore":
        ended = _replayed(case, keeping, verdict)
        if ended is not None:
            return ended
    return _driven(case, keeping)


def plan(case: Case) -> Ended:
    """Say whether the command would run or be replayed, and why."""
    keeping = keep(case)
    telling = reporter(case.request, case.expansion.project, case.ambient, None)
    try:
        for name, verdict in foreseen(case.selection.graph, keeping.settle, no_loop).items():
            telling.tell(TaskPlanned(time=keeping.begun, task=name, would=verdict.would, reasons=verdict.reasons))
    finally:
        keeping.close()
        telling.close()
        telling.drain()
    return Ended(exit_code=EXIT_DONE)


def only(case: Case) -> Node:
    """The one node that there is."""
    return case.selection.graph.nodes[case.selection.wanted[0]]


def keep(case: Case) -> Kept:
    """What the command is judged by, and where it is kept."""
    found = kept(case.request, case.selection, case.expansion, case.ambient)
    return replace(found, recorded=Tape(os.path.join(found.folder, LOGS), found.settle))


def no_loop(_: Callable[[Asks], Awaitable[None]]) -> NoReturn:
    """Nothing has to be asked for one command."""
    raise AssertionError("BUG: a single command has something to ask")


class Tape(Recorded):
    """What the command writes, for as long as it runs: then it is in the cache, and in no history of runs.

    *Why*: a command in front of a compiler runs a thousand times; earlier runs are of tasks.
    """

    def __init__(self, folder: str, settle: Settle) -> None:
        super().__init__(folder, 0)
        self._settle = settle

    def log_of(self, node: str) -> str | None:
        """As there. What was not kept whole cannot be replayed, so that nothing may be stored of it."""
        path = super().log_of(node)
        if self.troubles:
            self._settle.modes = replace(self._settle.modes, writes=False)
        return path


def _driven(case: Case, keeping: Kept) -> Ended:
    """The command is run, unless somebody else does so: then it is waited for, and replayed."""
    telling = reporter(case.request, case.expansion.project, case.ambient, keeping.recorded)
    patience_s: float | None = None
    try:
        from runner.drive import drive

        ended = drive(case, {}, telling, keeping)
        patience_s = ended.patience_s
        return ended
    finally:
        telling.close()
        telling.drain(patience_s)
        # What is only replayed makes no cache larger.
        keeping.tidy(case.expansion.project.cache, case.ambient.environ)


def _replayed(case: Case, keeping: Kept, verdict: Verdict) -> Ended | None:
    """The command replayed here and now, which needs no loop. None if that cannot be, or somebody else is at it."""
    node = only(case)
    lock = NodeLock(keeping.folder, lock_name(node), keeping.run)
    if not lock.try_take():
        return None
    try:
        warnings: list[Warned] = []

        def warn(message: str, task: str | None) -> None:
            warnings.append(Warned(time=keeping.begun, message=message, task=task))

        origin = Origin(run=keeping.run, by=by(case.ambient))
        outputs = Outputs(keeping.settle, case.expansion.project.root, origin, warn)
        with Restoring(outputs, node, verdict) as restoring:
            if restoring.restore() is not None:
                keeping.settle.renew()
                return None
            restoring.record()
            return _told(case, keeping, restoring, warnings)
    finally:
        lock.release()


def _told(case: Case, keeping: Kept, restoring: Restoring, warnings: list[Warned]) -> Ended:
    """Tell all that was told when the command ran."""
    record, clock, name = restoring.record_of, keeping.clock, restoring.node.name
    telling = reporter(case.request, case.expansion.project, case.ambient, None)
    try:
        for event in opening(case, keeping):
            telling.tell(event)
        telling.tell(TaskReady(time=clock(), task=name))
        for stream, data in restoring.written():
            telling.tell(TaskOutput(time=clock(), task=name, stream=stream, data=data))
            _wait(telling)
        end = TaskEnded(
            time=clock(),
            task=name,
            status=restoring.status,
            reasons=() if record.exit_code else restoring.verdict.reasons,
            key=record.key,
            exit_code=record.exit_code,
            duration_s=clock() - keeping.begun,
            outputs=tuple(made.path for made in record.outputs),
        )
        warnings += (Warned(time=clock(), message=text) for text in keeping.close())
        exit_code = own_exit(end)
        over = closing(case.selection.graph, {name: end}, keeping, exit_code, record.duration_s)
        told: tuple[Event, ...] = (end, *warnings, over)
        for event in told:
            telling.tell(event)
        return Ended(exit_code=exit_code)
    finally:
        telling.close()
        telling.drain()


def _wait(telling: Several) -> None:
    """Until all that was told is read: nothing else has to go on meanwhile."""
    for outlet in telling.outlets:
        outlet.drain()
