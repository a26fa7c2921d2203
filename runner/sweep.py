"""All that can be judged before anything is run: what is fresh, and what can be brought back at once."""

from __future__ import annotations

from runner.event import TaskEnded
from runner.settle import NeedsLoop, NoAsks, driven

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runner.bringing import Brought
    from runner.settle import Settle, Verdict
    from runner.task import Node

    Bring = Callable[[Node, Verdict], Brought | None]


class Sweep:
    """Goes through a graph once before a run, in an order in which its nodes could run."""

    def __init__(self, settle: Settle) -> None:
        self.settle = settle
        self.graph = settle.graph
        self.brought: dict[str, Brought] = {}

    def run(self, wanted: Iterable[str], bring: Bring | None = None) -> bool:
        """Judge all that can be judged before anything is done. True if nothing is left to do for what is wanted.

        With `bring`, what can be restored is; it is in `brought` then.

        *Raises*: Refusal for what is found wrong before anything ran.
        """
        needed = self.graph.needed(wanted)
        open_: set[str] = set()
        for name in self.graph.order:
            if name not in needed:
                continue
            is_open = any(edge.to in open_ for edge in self.graph.edges[name])
            if is_open or not (name in self.brought or self._is_over(self.graph.nodes[name], bring)):
                open_.add(name)
        return not open_

    @property
    def only_restores(self) -> bool:
        """Whether of what was judged nothing has to run, and something can be restored."""
        found = {verdict.would for verdict in self.settle.verdicts.values()}
        return "restore" in found and "run" not in found

    def _is_over(self, node: Node, bring: Bring | None) -> bool:
        """Whether there is nothing to be done for a node whose deps are over."""
        if node.name in self.graph.skipped:
            self.settle.ended(node.name, "skipped")
            return True
        if node.task.steps:
            try:
                verdict = self.settle.verdicts[node.name] = driven(self.settle.judge(node, NoAsks()))
            except NeedsLoop:
                return False
            brought = bring(node, verdict) if bring is not None and verdict.would == "restore" else None
            if brought is not None:
                self.brought[node.name] = brought
                self.settle.ended(node.name, "done", brought.record.outputs if node.outputs else None)
                self.settle.renew()
                return True
            if verdict.would not in ("fresh", "skip"):
                return False
            made = verdict.last.outputs if verdict.last is not None and node.outputs else None
            self.settle.ended(node.name, "skipped" if verdict.would == "skip" else "done", made)
            return True
        self.settle.stand(node.name)
        self.settle.ended(node.name, "done")
        return True

    def end(self, name: str, time: float) -> TaskEnded:
        """The end of a node for which there was nothing to do, as it is told."""
        node = self.graph.nodes[name]
        if name in self.brought:
            return self._brought_end(node, time)
        skipped = self.graph.skipped.get(name)
        verdict = self.settle.verdicts.get(name)
        if skipped is None and verdict is not None and verdict.would == "skip":
            skipped = verdict.reasons[0]
        if skipped is not None:
            return TaskEnded(time=time, task=name, status="skipped", reasons=(skipped,))
        key = verdict.key.digest if verdict is not None and verdict.key is not None else None
        made = verdict.last.outputs if verdict is not None and verdict.last is not None else ()
        return TaskEnded(
            time=time,
            task=name,
            status="fresh",
            reasons=verdict.reasons if verdict is not None else (),
            key=key,
            outputs=tuple(one.path for one in made),
            has_command=bool(node.task.steps),
        )

    def _brought_end(self, node: Node, time: float) -> TaskEnded:
        brought = self.brought[node.name]
        return TaskEnded(
            time=time,
            task=node.name,
            status="restored",
            reasons=brought.reasons,
            key=brought.record.key,
            exit_code=brought.record.exit_code,
            outputs=tuple(made.path for made in brought.record.outputs),
        )
