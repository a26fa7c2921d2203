"""One node from its condition to its end: attempts, steps, and what always runs afterwards."""

from __future__ import annotations

import anyio

from runner.ask import Asking
from runner.event import TaskOutput, TaskRetried, TaskStarted
from runner.noun import noun, replace
from runner.result import Outcome, ending
from runner.task import Call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from runner.command import Commands
    from runner.event import Event
    from runner.execute import Executor, JobSlots
    from runner.request import ArgValue
    from runner.result import Sink, Stream
    from runner.task import Node


@noun
class Doors:
    """The build's doors to the world: what runs, what is told, what time it is, what files there are.

    `found` gives the paths that the node's `inputs` or `outputs` match, relative to its folder.
    """

    executor: Executor
    slots: JobSlots
    tell: Callable[[Event], None]
    clock: Callable[[], float]
    found: Callable[[Node, str], tuple[str, ...]]


class Attempts:
    """Runs nodes, one step after the other. `calls` runs a step that is another node.

    Once `halted` is set no further attempt begins, once `is_interrupted` nobody waits for what other processes do, and
    once `is_killed`, nothing runs afterwards either.
    """

    def __init__(
        self, commands: Commands, doors: Doors, calls: Callable[[Node, Call, int], Awaitable[Outcome]]
    ) -> None:
        self.commands = commands
        self.doors = doors
        self.asking = Asking(commands, doors.executor, doors.found, self.sink)
        self.halted = anyio.Event()
        self.is_interrupted = False
        self.is_killed = False
        self._call = calls

    def sink(self, name: str) -> Sink:
        """Tells what a node writes."""
        tell, clock = self.doors.tell, self.doors.clock

        def sink(stream: Stream, data: bytes) -> None:
            tell(TaskOutput(time=clock(), task=name, stream=stream, data=data))

        return sink

    async def run(self, node: Node, anew: Callable[[], None] = lambda: None) -> tuple[Outcome, str]:
        """All attempts of a node, and what always runs afterwards; and why it was skipped, if its `when` does not hold.

        `anew` is called before another attempt: nothing of one that failed may stay in what the next one makes.
        *Raises*: Refusal for what is found wrong only now; what `anew` raises.
        """
        why = await self.asking.condition(node)
        if why is not None:
            return Outcome(), why
        words = await self.asking.words(node)
        outcome = await self._attempts(node, words, anew)
        if node.task.finally_ is not None and not self.is_killed:
            action = self.commands.script(node, node.task.finally_, "finally", words)
            last = await self.doors.executor.run(action, self.sink(node.name))
            if outcome.is_good and not last.is_good:
                outcome = _added(outcome, last, trouble="`finally` failed")
        return outcome, ""

    async def _attempts(self, node: Node, words: Mapping[str, ArgValue], anew: Callable[[], None]) -> Outcome:
        retry = node.task.retry
        delay_s = retry.delay_s
        shown = "\n".join(self.commands.shown(node, words))
        for attempt in range(1, retry.count + 2):
            self.doors.tell(
                TaskStarted(
                    time=self.doors.clock(),
                    task=node.name,
                    command=shown,
                    attempt=attempt,
                    owns_terminal=node.task.interactive,
                )
            )
            outcome = await self._steps(node, words)
            if outcome.is_good or attempt > retry.count or self.halted.is_set() or outcome.cancelled:
                break
            if retry.exit_codes and outcome.exit_code not in retry.exit_codes:
                break
            self.doors.tell(
                TaskRetried(
                    time=self.doors.clock(),
                    task=node.name,
                    attempt=attempt,
                    of=retry.count + 1,
                    delay_s=delay_s,
                    why=ending(outcome),
                )
            )
            with anyio.move_on_after(delay_s):
                await self.halted.wait()
            delay_s *= retry.backoff
            if self.halted.is_set():
                break
            anew()
        return outcome

    async def _steps(self, node: Node, words: Mapping[str, ArgValue]) -> Outcome:
        """The steps in turn, as one outcome; the first failure is the last step."""
        total = Outcome(exit_code=0)
        timeout_s = node.task.timeout_s
        deadline_s = anyio.current_time() + timeout_s if timeout_s is not None else None
        for at, step in enumerate(node.task.steps):
            if isinstance(step, Call):
                outcome = await self._call(node, step, at)
            else:
                action = self.commands.action(node, step, words)
                if deadline_s is not None:
                    # The time is for all steps of an attempt together.
                    action = replace(action, timeout_s=max(0.0, deadline_s - anyio.current_time()))
                outcome = await self.doors.executor.run(action, self.sink(node.name))
            total = _added(total, outcome)
            if not outcome.is_good:
                break
        return total


def _added(total: Outcome, outcome: Outcome, trouble: str | None = None) -> Outcome:
    """Two outcomes, one after the other, as one: times add up, the largest memory counts, the end is the last one's."""
    sizes = [size for size in (total.max_rss_bytes, outcome.max_rss_bytes) if size is not None]
    times = [time for time in (total.cpu_s, outcome.cpu_s) if time is not None]
    return Outcome(
        exit_code=outcome.exit_code,
        signal=outcome.signal,
        duration_s=total.duration_s + outcome.duration_s,
        cpu_s=sum(times) if times else None,
        max_rss_bytes=max(sizes, default=None),
        timed_out=outcome.timed_out,
        cancelled=outcome.cancelled,
        left=(*total.left, *outcome.left),
        trouble=trouble or outcome.trouble,
    )
