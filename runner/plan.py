"""What this run wants, and the one state that each node is in; pure, with one function for all transitions."""

from __future__ import annotations

from heapq import heappop, heappush

from runner.noun import noun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Final

    from runner.graph import Graph
    from runner.task import Task

# A node's way through a run. READY means ready to be *checked*: whether it has to run is not known yet.
HELD: Final = "HELD"  # in the graph, but wanted only once a step of another node asks for it
WANT: Final = "WANT"  # wanted, waiting for what it needs
READY: Final = "READY"  # all that it needs is done
QUEUED: Final = "QUEUED"  # has to run, waiting for a slot
RUNNING: Final = "RUNNING"
DONE: Final = "DONE"
FAILED: Final = "FAILED"
SKIPPED: Final = "SKIPPED"

LEGAL: Final = {
    HELD: (WANT, SKIPPED),
    WANT: (READY, SKIPPED),
    READY: (QUEUED, DONE, FAILED, SKIPPED),
    QUEUED: (RUNNING, SKIPPED),
    RUNNING: (DONE, FAILED, SKIPPED),
    DONE: (),
    FAILED: (),
    SKIPPED: (),
}
OVER: Final = (DONE, FAILED, SKIPPED)
# Kinds of edges after which the consumer has to wait; a step's node is waited for inside the node that calls it.
WAITED: Final = ("deps", "inferred", "after")
# Kinds of edges along which a failure spreads.
NEEDED: Final = ("deps", "inferred")
# The pool of those who own the terminal; no pool of a file can have this name.
TERMINAL: Final = "\0terminal"


@noun
class Limits:
    """What bounds how much runs at once. *Units*: `jobs` in slots, `memory_bytes` in bytes (0: not bounded)."""

    jobs: int
    pools: Mapping[str, int] = {}
    memory_bytes: int = 0


class Plan:
    """The nodes of a run and their states. Every method is synchronous and returns what follows from it."""

    def __init__(self, graph: Graph, wanted: Iterable[str], limits: Limits, weights: Mapping[str, float]) -> None:
        self.graph = graph
        self.limits = limits
        self.state: dict[str, str] = dict.fromkeys(graph.nodes, HELD)
        self.is_halted = False
        self.is_short = False
        self._number = {name: at for at, name in enumerate(graph.order)}
        self._waiting: dict[str, int] = {}
        self._consumers = graph.consumers(WAITED)
        self._height = self._heights(weights)
        self._ready: list[str] = []
        self._queue: list[tuple[float, float, int, str]] = []
        self._aside: list[tuple[float, float, int, str]] = []
        self._running: dict[str, int] = {}
        self._used: dict[str, int] = {}
        self._memory_bytes = 0
        self._failed: set[str] = set()
        self._alone = False
        self._open = 0
        self.want(*wanted)

    def _heights(self, weights: Mapping[str, float]) -> dict[str, float]:
        """How long the longest way from each node to the end of the run is: the critical path goes first."""
        height: dict[str, float] = {}
        for name in reversed(self.graph.order):
            above = max((height[other] for other, _ in self._consumers.get(name, ())), default=0.0)
            height[name] = above + weights.get(name, 1.0)
        return height

    def _set(self, name: str, state: str) -> None:
        """The one place where a node changes its state."""
        before = self.state[name]
        assert state in LEGAL[before], f"BUG: `{name}` went from {before} to {state}"
        self.state[name] = state
        if before == HELD:
            self._open += state == WANT
        elif state in OVER:
            self._open -= 1

    def want(self, *names: str) -> list[tuple[str, str]]:
        """These nodes are wanted, and so is all that they need.

        Returns those that are skipped at once, because what they need has failed before they were wanted, each with the
        one that it needed.
        """
        found = self._reached(names)
        skipped: list[tuple[str, str]] = []
        for one in sorted(found, key=self._number.__getitem__):
            edges = self.graph.edges[one]
            cause = next((edge.to for edge in edges if edge.kind in NEEDED and edge.to in self._failed), None)
            if cause is not None:
                self._set(one, SKIPPED)
                self._failed.add(one)
                skipped.append((one, cause))
                continue
            self._waiting[one] = sum(self._holds(edge.to) for edge in edges if edge.kind in WAITED)
            if self._waiting[one] == 0:
                self._become_ready(one)
        self._rewait(found)
        return skipped

    def _reached(self, names: Iterable[str]) -> list[str]:
        """All that is wanted from now on and was not before."""
        todo = [*names]
        found = []
        while todo:
            one = todo.pop()
            if self.state[one] == HELD:
                self._set(one, WANT)
                found.append(one)
                todo += [edge.to for edge in self.graph.edges[one] if edge.kind in NEEDED]
        return found

    def _holds(self, name: str) -> bool:
        return self.state[name] not in (HELD, *OVER)

    def _rewait(self, found: list[str]) -> None:
        """Nodes that waited for nothing here before `found` was wanted now do, where only the order is said."""
        fresh = set(found)
        for name in found:
            for consumer, kind in self._consumers.get(name, ()):
                if self.state[name] in OVER:
                    continue
                if kind == "after" and consumer not in fresh and self.state[consumer] == WANT:
                    self._waiting[consumer] += 1

    def _become_ready(self, name: str) -> None:
        self._set(name, READY)
        self._ready.append(name)

    @property
    def is_over(self) -> bool:
        """True when nothing that is wanted is left to be done."""
        return self._open == 0

    def take_ready(self) -> list[str]:
        """The nodes that became ready since the last call, to be checked."""
        taken = sorted(self._ready, key=self._number.__getitem__)
        self._ready = []
        return [name for name in taken if self.state[name] == READY]

    def queue(self, name: str) -> None:
        """This node has to run."""
        self._set(name, QUEUED)
        heappush(self._queue, (-self._task(name).priority, -self._height[name], self._number[name], name))

    def _task(self, name: str) -> Task:
        return self.graph.nodes[name].task

    def next(self, free: int) -> str | None:
        """The node that should start now with so many free slots, already RUNNING; None if none may.

        `is_short` then says whether one would start if there were more slots.
        """
        self.is_short = False
        while self._queue and not self.is_halted and not self._alone:
            entry = self._queue[0]
            name = entry[3]
            if self.state[name] != QUEUED:
                heappop(self._queue)
            elif self._is_alone(name):
                # Everything in flight drains, and nothing overtakes it: so it cannot starve.
                return None if self._running else self._begin()
            elif self._lacks(name):
                self._aside.append(heappop(self._queue))
            elif self.slots(name) > free:
                self.is_short = True
                return None
            else:
                return self._begin()
        return None

    def slots(self, name: str) -> int:
        """How many job slots a node takes: never more than there are."""
        return min(self._task(name).weight, self.limits.jobs)

    def _is_alone(self, name: str) -> bool:
        task = self._task(name)
        return task.exclusive or task.weight > self.limits.jobs

    def _lacks(self, name: str) -> bool:
        task = self._task(name)
        for pool, amount in _pools(task):
            if self._used.get(pool, 0) + amount > self.limits.pools.get(pool, 1):
                return True
        bound = self.limits.memory_bytes
        # A task that needs more than there is runs when no other that said so does.
        return bool(
            task.memory_bytes and bound and self._memory_bytes and self._memory_bytes + task.memory_bytes > bound
        )

    def _begin(self) -> str:
        name = heappop(self._queue)[3]
        self._set(name, RUNNING)
        self._take_up(name)
        return name

    def _take_up(self, name: str) -> None:
        task = self._task(name)
        self._alone = self._is_alone(name)
        self._running[name] = self.slots(name)
        for pool, amount in _pools(task):
            self._used[pool] = self._used.get(pool, 0) + amount
        self._memory_bytes += task.memory_bytes

    def pause(self, name: str) -> None:
        """A node that runs waits for another one, and lets go of all that it holds."""
        task = self._task(name)
        del self._running[name]
        self._alone = False
        for pool, amount in _pools(task):
            self._used[pool] -= amount
        self._memory_bytes -= task.memory_bytes
        for entry in self._aside:
            heappush(self._queue, entry)
        self._aside.clear()

    def resume(self, name: str, free: int) -> bool:
        """True if a node that paused goes on now, with all that it held before."""
        if self._alone or self._lacks(name) or self.slots(name) > free or (self._is_alone(name) and self._running):
            return False
        self._take_up(name)
        return True

    @property
    def running(self) -> int:
        """How many nodes run."""
        return len(self._running)

    def finish(self, name: str, state: str, *, holds_back: bool) -> list[tuple[str, str]]:
        """A node is over. Returns the nodes that are skipped because of it, each with the one that it needed."""
        if name in self._running:
            self.pause(name)
        self._set(name, state)
        skipped: list[tuple[str, str]] = []
        todo = [(name, holds_back)]
        while todo:
            one, failed = todo.pop()
            if failed:
                self._failed.add(one)
            for consumer, kind in self._consumers.get(one, ()):
                if self.state[consumer] != WANT:
                    continue
                if failed and kind in NEEDED:
                    self._set(consumer, SKIPPED)
                    skipped.append((consumer, one))
                    todo.append((consumer, True))
                    continue
                self._waiting[consumer] -= 1
                if self._waiting[consumer] == 0:
                    self._become_ready(consumer)
        return skipped

    def halt(self) -> list[str]:
        """Nothing new starts any more. Returns the nodes that are skipped by that; what runs may finish."""
        self.is_halted = True
        skipped = [name for name in self.graph.order if self.state[name] in (WANT, READY, QUEUED)]
        for name in skipped:
            self._set(name, SKIPPED)
        return skipped

    def rest(self) -> list[str]:
        """At the end: the nodes that no step ever asked for, skipped by that."""
        skipped = [name for name in self.graph.order if self.state[name] == HELD]
        for name in skipped:
            self._set(name, SKIPPED)
        return skipped


def _pools(task: Task) -> list[tuple[str, int]]:
    """What a task takes from named limits; the terminal is one, of which there is one."""
    taken = list(task.pools.items())
    return [*taken, (TERMINAL, 1)] if task.interactive else taken
