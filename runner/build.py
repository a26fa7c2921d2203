"""The loop: start what may start, wait, record, and settle what that freed."""

from __future__ import annotations

import anyio

from runner.attempt import Attempts
from runner.error import Refusal
from runner.event import TaskEnded, TaskReady, Warned
from runner.graph import named_tasks
from runner.job import Done, Jobs
from runner.noun import noun, replace
from runner.plan import DONE, FAILED, HELD, OVER, READY, SKIPPED
from runner.result import FAILED_STATUSES, Outcome
from runner.settle import NeedsLoop, NoAsks, Verdict, driven
from runner.task import Call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.attempt import Doors
    from runner.bringing import Brought
    from runner.command import Commands
    from runner.job import Keeping
    from runner.plan import Plan
    from runner.result import Made, Status
    from runner.settle import How
    from runner.task import Node

FROM_CACHE = "as it did before, from the cache"
# SIGINT and SIGQUIT, wherever trun runs.
TERMINAL_KEYS = (2, 3)


@noun
class Policy:
    """How a run behaves.

    `keep_going` is after how many failures nothing new starts: 1 unless said, 0 for never. `declined` are nodes that
    somebody said no to, and those that only they need, with the reason.
    """

    keep_going: int = 1
    declined: Mapping[str, str] = {}


class Build:
    """Drives a plan to its end. What became of each node is in `ended`."""

    def __init__(self, plan: Plan, commands: Commands, doors: Doors, policy: Policy, keeping: Keeping) -> None:
        self.plan = plan
        self.graph = plan.graph
        self.commands = commands
        self.doors = doors
        self.policy = policy
        self.settle = keeping.settle
        self.brought = keeping.brought
        self.ended: dict[str, TaskEnded] = {}
        self.failures: list[str] = []
        self.left: list[str] = []
        self.interrupted: int | None = None
        self.is_out_of_time = False
        self._holding: set[str] = set()
        self._held: dict[str, int] = {}
        self._over = anyio.Event()
        self._short = anyio.Event()
        self._done: dict[str, anyio.Event] = {}
        self._returning: dict[str, anyio.Event] = {}
        self.attempts = Attempts(commands, doors, self._call)
        self.jobs = Jobs(self.attempts, keeping)
        self.saved_s = 0.0
        self._verdicts: dict[str, Verdict] = {}
        self._made: dict[str, tuple[Made, ...]] = {}
        self._group = anyio.create_task_group()

    @property
    def is_killed(self) -> bool:
        """True after a second signal."""
        return self.attempts.is_killed

    async def run(self) -> None:
        """Until every node has come to its end."""
        async with self._group:
            if self.doors.slots.fileno() >= 0:
                self._group.start_soon(self._wait_for_slots)
            self._kick()
            await self._over.wait()
            for name in self.plan.rest():
                self._tell_end(name, "skipped", reasons=("no step asked for it",))
            self._group.cancel_scope.cancel()

    def interrupt(self, signum: int) -> None:
        """The first time: nothing new starts, and what runs is handed the signal. The second time: it is killed."""
        if self.interrupted is not None:
            self.attempts.is_killed = True
            self.doors.executor.kill()
            return
        self.interrupted = signum
        self.attempts.is_interrupted = True
        self._halt("cancelled", "interrupted")
        self.doors.executor.interrupt(signum)
        self._kick()

    def out_of_time(self, signum: int) -> None:
        """The time for the whole run is over: what runs is ended."""
        self.is_out_of_time = self.attempts.is_interrupted = True
        self._halt("skipped", "the run is out of time")
        self.doors.executor.interrupt(signum)
        self._kick()

    def _halt(self, status: Status, why: str) -> None:
        self.attempts.halted.set()
        for name in self.plan.halt():
            self._tell_end(name, status, reasons=(why,))

    def _kick(self) -> None:
        """Do all that can be done now. Everything here is synchronous, so that no cancellation can tear it."""
        for node in self._freed():
            self._group.start_soon(self._nodes, node)

    def _freed(self) -> list[Node]:
        """The nodes that start now, to be run by whoever asks."""
        ready = self.plan.take_ready()
        while ready:
            for name in ready:
                self.doors.tell(TaskReady(time=self.doors.clock(), task=name))
                self._check(name)
            ready = self.plan.take_ready()
        begun = self._begun()
        if self.plan.is_over:
            self._over.set()
        return begun

    def _check(self, name: str) -> None:
        """What is ready is over already, or has to run."""
        node = self.graph.nodes[name]
        if name in self.graph.skipped:
            self._finish(name, "skipped", reasons=(self.graph.skipped[name],))
        elif name in self.policy.declined:
            self._finish(name, "skipped", reasons=(self.policy.declined[name],), holds_back=True)
        elif not node.task.steps:
            self._finish(name, "fresh")
        elif name in self.brought:
            self._brought(node, self.brought[name])
        else:
            try:
                self._judged(node, driven(self.settle.judge(node, NoAsks())))
            except NeedsLoop:
                self._group.start_soon(self._ask, node)
            except Refusal as refusal:
                self._refused(node, refusal)

    def _brought(self, node: Node, brought: Brought) -> None:
        """A node that was restored before the loop began."""
        self.saved_s += brought.record.duration_s
        self._make(node, brought.record.outputs)
        for stream, data in brought.written:
            self.attempts.sink(node.name)(stream, data)
        outputs = tuple(made.path for made in brought.record.outputs)
        self._finish(node.name, "restored", reasons=brought.reasons, facts={"outputs": outputs, "exit_code": 0})

    async def _ask(self, node: Node) -> None:
        """Judge a node for which a command has to be asked."""
        try:
            verdict = await self.settle.judge(node, self.attempts.asking)
        except Refusal as refusal:
            if self.plan.state[node.name] == READY:
                self._refused(node, refusal)
        else:
            if self.plan.state[node.name] == READY:
                self._judged(node, verdict)
        self._kick()

    def _refused(self, node: Node, refusal: Refusal) -> None:
        """What is found wrong only in mid-run fails that task."""
        self._complain(node.name, str(refusal))
        reasons = (refusal.problems[0].message,)
        self._finish(node.name, "failed", reasons=reasons, holds_back=not node.task.allow_failure)

    def _judged(self, node: Node, verdict: Verdict) -> None:
        if verdict.would == "skip":
            self._finish(node.name, "skipped", reasons=verdict.reasons)
        elif verdict.would == "fresh":
            self._fresh(node, verdict)
        else:
            self._verdicts[node.name] = verdict
            self.plan.queue(node.name)

    def _fresh(self, node: Node, verdict: Verdict) -> None:
        last = verdict.last
        assert last is not None, "BUG: fresh without a last run"
        self.saved_s += last.duration_s
        self._make(node, last.outputs)
        outputs = tuple(made.path for made in last.outputs)
        self._finish(node.name, "fresh", reasons=verdict.reasons, facts={"outputs": outputs})

    def _make(self, node: Node, made: tuple[Made, ...] | None) -> None:
        """What a node has made; nothing is told of one that does not declare that it makes something."""
        if made is not None and node.outputs:
            self._made[node.name] = made

    def _begun(self) -> list[Node]:
        slots = self.doors.slots
        found: list[Node] = []
        for name, event in [*self._returning.items()]:
            slots.reclaim(self.plan.slots(name))
            # As below: with nothing else running, there will be no more slots than there are.
            enough = slots.free if self.plan.running or not slots.free else self.plan.limits.jobs
            if self.plan.resume(name, enough):
                del self._returning[name]
                self._take(name)
                event.set()
        while True:
            begun = self.plan.next(slots.free)
            if begun is not None:
                self._take(begun)
                found.append(self.graph.nodes[begun])
            elif not self.plan.is_short:
                if not self._returning:
                    slots.lend()
                return found
            elif not slots.reclaim(slots.free + 1):
                if self.plan.running or not slots.free:
                    self._short.set()
                    return found
                # Below a make that has fewer slots than this asks for: it runs alone, with those there are.
                begun = self.plan.next(self.plan.limits.jobs)
                if begun is not None:
                    self._take(begun)
                    found.append(self.graph.nodes[begun])

    def _take(self, name: str) -> None:
        """The slots that a node takes, as far as there are so many: one that runs alone may ask for more."""
        self._held[name] = min(self.plan.slots(name), self.doors.slots.free)
        self.doors.slots.take(self._held[name])

    def _give(self, name: str) -> None:
        self.doors.slots.give(self._held.pop(name))

    async def _wait_for_slots(self) -> None:
        """While a node lacks a slot that was lent: until one comes back."""
        while True:
            await self._short.wait()
            self._short = anyio.Event()
            with anyio.move_on_after(0.1):
                await anyio.wait_readable(self.doors.slots.fileno())
            self._kick()

    async def _nodes(self, node: Node | None) -> None:
        """A node, then one that its end has freed, and so on: a task of the loop for each would cost more."""
        while node is not None:
            await self._node(node)
            freed = self._freed()
            node = freed[0] if freed else None
            for other in freed[1:]:
                self._group.start_soon(self._nodes, other)

    async def _node(self, node: Node) -> None:
        begun = self.doors.clock()
        try:
            done = await self.jobs.do(node, self._verdicts.pop(node.name))
        except Refusal as refusal:
            # What is found wrong only in mid-run fails that task.
            self._complain(node.name, str(refusal))
            is_cancelled = self.interrupted is not None
            done = Done(outcome=Outcome(trouble=refusal.problems[0].message, cancelled=is_cancelled))
        outcome = done.outcome
        if node.task.interactive and outcome.signal in TERMINAL_KEYS and self.interrupted is None:
            # The keys of the terminal went to the one that owned it; they were meant for the run.
            self.interrupt(outcome.signal)
            done = replace(done, outcome=replace(outcome, cancelled=True))
        duration_s = self.doors.clock() - begun
        self._give(node.name)
        self._end(node, done, duration_s)
        if not self.plan.running:
            self.doors.slots.recount()

    def _end(self, node: Node, done: Done, duration_s: float) -> None:
        outcome = done.outcome
        if done.why_skipped:
            self._finish(node.name, "skipped", reasons=(done.why_skipped,))
            return
        status = self._status(done)
        self.left += outcome.left
        for process in outcome.left:
            self._warn(f"left a process running that ends with the run: {process}", node.name)
        self.saved_s += done.saved_s
        is_bad = status in FAILED_STATUSES
        trouble = (outcome.trouble,) if outcome.trouble else (FROM_CACHE,) if done.status is not None else ()
        reasons = trouble if is_bad else done.reasons
        facts: dict[str, object] = {"exit_code": outcome.exit_code, "signal": outcome.signal, "duration_s": duration_s}
        facts |= {"cpu_s": outcome.cpu_s, "max_rss_bytes": outcome.max_rss_bytes}
        facts |= {"outputs": tuple(made.path for made in done.made or ())}
        self._make(node, done.made)
        self._finish(node.name, status, reasons=reasons, holds_back=is_bad and not node.task.allow_failure, facts=facts)

    def _status(self, done: Done) -> Status:
        outcome = done.outcome
        if done.status is not None:
            return done.status
        if outcome.timed_out or (self.is_out_of_time and outcome.cancelled):
            return "timed_out"
        if outcome.cancelled:
            return "cancelled"
        return "ran" if outcome.is_good else "failed"

    def _finish(
        self,
        name: str,
        status: Status,
        *,
        reasons: tuple[str, ...] = (),
        holds_back: bool = False,
        facts: Mapping[str, object] | None = None,
    ) -> None:
        """A node is over: tell, then tell of those that it takes with it, then stop starting if that is asked for."""
        self._tell_end(name, status, reasons=reasons, facts=facts)
        is_failure = status in FAILED_STATUSES
        how: How = "failed" if is_failure else "skipped" if status == "skipped" else "done"
        self.settle.ended(name, how, self._made.pop(name, None))
        state = FAILED if is_failure else SKIPPED if status == "skipped" else DONE
        if holds_back:
            self._holding.add(name)
        self._tell_skipped(self.plan.finish(name, state, holds_back=holds_back))
        if is_failure and holds_back and status != "cancelled":
            self.failures.append(name)
            if self.policy.keep_going and len(self.failures) >= self.policy.keep_going and not self.plan.is_halted:
                self._halt("skipped", f"not started: {name} failed")

    def _tell_skipped(self, skipped: list[tuple[str, str]]) -> None:
        for name, cause in skipped:
            self._holding.add(name)
            self._tell_end(name, "cancelled" if self.interrupted else "skipped", reasons=(f"needs {cause}",))

    def _tell_end(
        self, name: str, status: Status, *, reasons: tuple[str, ...], facts: Mapping[str, object] | None = None
    ) -> None:
        task = self.graph.nodes[name].task
        event = TaskEnded(
            time=self.doors.clock(),
            task=name,
            status=status,
            reasons=reasons,
            is_allowed=task.allow_failure,
            has_command=bool(task.steps),
            key=self.settle.keys[name].digest if name in self.settle.keys and task.is_cached else None,
            **(facts or {}),  # type: ignore[arg-type]
        )
        self.ended[name] = event
        self.doors.tell(event)
        if name in self._done:
            self._done[name].set()

    def _warn(self, message: str, task: str | None = None) -> None:
        self.doors.tell(Warned(time=self.doors.clock(), message=message, task=task))

    def _complain(self, name: str, text: str) -> None:
        self.attempts.sink(name)("stderr", text.encode("utf-8", "surrogateescape") + b"\n")

    async def _call(self, node: Node, step: Call, at: int) -> Outcome:
        """A step that is another node: wait until that is done, and hold nothing meanwhile."""
        path = (*node.task.path, node.task.body, at)
        task = named_tasks(self.commands.project, step.task, path, node.task)[0]
        name = self.commands.expansion.called(task, step.args, path, node).name
        if self.plan.state[name] not in OVER:
            self._done.setdefault(name, anyio.Event())
            self.plan.pause(node.name)
            self._give(node.name)
            if self.plan.state[name] == HELD and not self.plan.is_halted:
                self._tell_skipped(self.plan.want(name))
            self._kick()
            if self.plan.state[name] not in (HELD, *OVER):
                await self._done[name].wait()
            back = self._returning[node.name] = anyio.Event()
            self._kick()
            await back.wait()
        if self.interrupted is not None:
            return Outcome(cancelled=True)
        if name in self._holding or self.plan.state[name] == HELD:
            return Outcome(exit_code=1, trouble=f"its step `{name}` failed")
        return Outcome(exit_code=0)
