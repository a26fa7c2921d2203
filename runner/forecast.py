"""What a run would do with each node, and why: found by the run's own judge, node after node, doing nothing."""

from __future__ import annotations

from runner.foresight import Unforeseen
from runner.noun import replace
from runner.settle import NeedsLoop, NoAsks, Verdict, driven

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Final

    from runner.graph import Graph
    from runner.settle import Asks, Settle
    from runner.task import Node

    # Gives the work something that can ask, and waits for its end.
    WithLoop = Callable[[Callable[[Asks], Awaitable[None]]], None]

WAITED: Final = ("deps", "inferred")
CANNOT_ASK: Final = "`when` is asked when it is its turn"


def foreseen(graph: Graph, settle: Settle, with_loop: WithLoop) -> dict[str, Verdict]:
    """The verdict on each node, in an order in which they could run.

    Commands of probes, vars and conditions are asked where they matter, through `with_loop`.
    """
    forecast = Forecast(graph, settle)
    try:
        driven(forecast.look_ahead(NoAsks()))
    except NeedsLoop:
        settle.start_over()
        forecast = Forecast(graph, settle)
        with_loop(forecast.look_ahead)
    return forecast.verdicts


class Forecast:
    """Goes through a graph as a run would. `verdicts` holds what it found."""

    def __init__(self, graph: Graph, settle: Settle) -> None:
        self.graph = graph
        self.settle = settle
        self.verdicts: dict[str, Verdict] = {}
        self._unknown: set[str] = set()
        self._failed: set[str] = set()
        # Below these something would be brought back, so that files are not yet as they would be then.
        self._moved: set[str] = set()

    async def look_ahead(self, asks: Asks) -> None:
        """Judge every node."""
        for name in self.graph.order:
            verdict = self.verdicts[name] = await self._verdict(self.graph.nodes[name], asks)
            if verdict.would == "restore" or not self._moved.isdisjoint(self._needs(self.graph.nodes[name])):
                self._moved.add(name)

    def _needs(self, node: Node) -> list[str]:
        return [edge.to for edge in self.graph.edges[node.name] if edge.kind in WAITED]

    async def _verdict(self, node: Node, asks: Asks) -> Verdict:
        name = node.name
        if name in self.graph.skipped:
            self.settle.ended(name, "skipped")
            return Verdict(would="skip", reasons=(self.graph.skipped[name],))
        needs = self._needs(node)
        failed = next((other for other in needs if other in self._failed), None)
        if failed is not None:
            self._failed.add(name)
            return Verdict(would="skip", reasons=(f"needs {failed}",))
        unknown = [other for other in needs if other in self._unknown]
        moved = [other for other in needs if other in self._moved] if self._asks_of_files(node) else []
        if not node.task.steps:
            self._known(node, is_known=not unknown)
            return Verdict(would="fresh", reasons=("no command",))
        if not node.task.is_cached:
            return await self._uncached(node, asks)
        if self._runs_anyway(node):
            self._unknown.add(name)
            return Verdict(
                would="run", reasons=("forced",) if name in self.settle.modes.forced else ("the cache is off",)
            )
        if unknown or moved:
            self._unknown.add(name)
            return Verdict(would="depends", reasons=(f"on what `{(unknown or moved)[0]}` makes",))
        return await self._judged(node, asks)

    def _asks_of_files(self, node: Node) -> bool:
        """Whether judging a node asks what files hold that may be brought back before it, beside whole inputs.

        *Why* probes are left out: nearly all ask for the versions of tools, and every plan would be full of `depends`.
        """
        when = node.task.when
        is_asked = when is not None and (when.exists or when.cmd)
        return bool(is_asked) or any(self.settle.is_foreseen(file) for file, _ in node.picks)

    def _runs_anyway(self, node: Node) -> bool:
        is_asked = node.task.when is not None and (node.task.when.cmd or node.task.when.exists)
        return not is_asked and (self.settle.modes.is_off or node.name in self.settle.modes.forced)

    async def _uncached(self, node: Node, asks: Asks) -> Verdict:
        when = node.task.when
        if when is not None and (when.exists or when.cmd):
            needs = self._needs(node)
            if any(other in self._moved or self.verdicts[other].would in ("run", "depends") for other in needs):
                self._unknown.add(node.name)
                return Verdict(would="depends", reasons=(CANNOT_ASK,))
            why = await asks.condition(node)
            if why is not None:
                self.settle.ended(node.name, "skipped")
                return Verdict(would="skip", reasons=(why,))
        verdict = await self.settle.judge(node, asks)
        self._take_in(node, verdict)
        return verdict

    async def _judged(self, node: Node, asks: Asks) -> Verdict:
        try:
            verdict = await self.settle.judge(node, asks)
        except Unforeseen as link:
            self._unknown.add(node.name)
            return Verdict(would="depends", reasons=(f"on where the link `{link}` leads",))
        record = verdict.record
        if verdict.would == "restore" and record is not None:
            if not self.settle.has_all(record):
                reasons = (*verdict.reasons, "its result is damaged in the cache")
                verdict = replace(verdict, would="run", reasons=reasons)
            elif record.exit_code and not node.task.allow_failure:
                self._failed.add(node.name)
        self._take_in(node, verdict)
        return verdict

    def _take_in(self, node: Node, verdict: Verdict) -> None:
        """See the world as it would be then."""
        if verdict.would == "skip":
            self.settle.ended(node.name, "skipped")
        elif verdict.would == "fresh" and verdict.last is not None:
            self.settle.ended(node.name, "done", verdict.last.outputs if node.outputs else None)
        elif verdict.would == "restore" and verdict.record is not None and verdict.record.exit_code:
            self.settle.ended(node.name, "failed")
        elif verdict.would == "restore" and verdict.record is not None:
            self.settle.ended(node.name, "done", verdict.record.outputs if node.outputs else None)
            self.settle.foresee(node, verdict.record, verdict.last)
        else:
            # What it will make is not known; one that declares nothing counts by its key, if that is known.
            # How one ends that may fail is in the keys of those who need it.
            is_sure = not (node.outputs or node.task.allow_failure)
            is_known = is_sure and not any(other in self._unknown for other in self._needs(node))
            self._known(node, is_known=is_known)

    def _known(self, node: Node, *, is_known: bool) -> None:
        if is_known:
            self.settle.ended(node.name, "done")
        else:
            self._unknown.add(node.name)
