"""A request to an exit code: what is wanted is planned, built, told, and judged."""

from __future__ import annotations

import os
import signal

import anyio

from runner.attempt import Doors
from runner.build import Build, Policy
from runner.check import refuse_unset
from runner.command import STACK, Commands, stacked
from runner.compose import executor, found, job_slots, reporter
from runner.error import EXIT_DONE, EXIT_TASK_FAILED, Problem, Refusal, refuse
from runner.event import RunEnded, RunStarted, TaskPlanned, Warned
from runner.noun import noun
from runner.plan import NEEDED, Limits, Plan
from runner.template import render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.event import Event
    from runner.expand import Expansion
    from runner.graph import Graph
    from runner.report.several import Several
    from runner.request import Ambient, Request
    from runner.select import Selection

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
TICK_S = 0.1
# After an interrupt, who does not read has so long to go on reading.
PATIENCE_S = 1.0


@noun
class Ended:
    """What came of a run: the exit code, and the signal that it was ended by.

    *Units*: `patience_s` bounds the wait for somebody who does not read what is still to be told; None for ever.
    """

    exit_code: int
    signal: int | None = None
    patience_s: float | None = None


@noun
class Case:
    """What was asked, what of the project that is about, and in which world."""

    request: Request
    expansion: Expansion
    selection: Selection
    ambient: Ambient


def run(case: Case) -> Ended:
    """Run what was selected, telling it as asked. *Raises*: Refusal before anything has run."""
    _refuse_gaps(case.expansion, case.selection)
    refuse_unset(case.expansion, case.selection.graph)
    _refuse_nesting(case.expansion, case.selection, case.ambient)
    declined = _declined(case)
    telling = reporter(case.request, case.expansion.project, case.ambient)
    patience_s: float | None = None
    try:
        ended = anyio.run(_Run(case, declined, telling).run)
        patience_s = ended.patience_s
        return ended
    finally:
        telling.close()
        telling.drain(patience_s)


def _refuse_gaps(expansion: Expansion, selection: Selection) -> None:
    """What was left out must have been made before."""
    root = expansion.project.root
    used = {edge.to for edges in selection.graph.edges.values() for edge in edges}
    problems = []
    for node in selection.left_out:
        for output in node.outputs:
            path = output.base
            if not os.path.lexists(os.path.join(root, path)):
                message = f"`{output.text}` is missing, and `{node.name}`, which makes it, is left out of this run"
                problems.append(Problem(message=message, hint=f"run `trun {node.name}` first"))
    if problems and (used or selection.graph.nodes):
        raise Refusal(*problems)


def _refuse_nesting(expansion: Expansion, selection: Selection, ambient: Ambient) -> None:
    """A task that runs trun on what it is itself a part of would wait for itself, or never end."""
    above = ambient.environ.get(STACK, "").split("\n")
    wanted = selection.graph.needed(selection.wanted)
    for name in selection.graph.order:
        if name in wanted and stacked(expansion.project.root, name) in above:
            raise refuse(f"task `{name}` is running already, and this trun was started by it")


def _declined(case: Case) -> dict[str, str]:
    """The nodes that somebody said no to, and those that only they need, each with the reason.

    *Raises*: Refusal where nobody can be asked.
    """
    request, selection, ambient, manifest = case.request, case.selection, case.ambient, case.expansion.manifest
    wanted = selection.graph.needed(selection.wanted)
    asking = [name for name in selection.graph.order if name in wanted and selection.graph.nodes[name].task.confirm]
    asking = [name for name in asking if name not in selection.graph.skipped]
    if request.yes or not asking:
        return {}
    if ambient.ask is None:
        hint = "`--yes` answers, where no terminal is there to ask on"
        nodes = selection.graph.nodes
        places = [manifest.value(*nodes[name].task.path, "confirm") for name in asking]
        messages = [f"task `{name}` asks before it runs" for name in asking]
        problems = zip(messages, places, strict=True)
        raise Refusal(*(Problem(message=message, place=place, hint=hint) for message, place in problems))
    declined = {}
    for name in asking:
        node = selection.graph.nodes[name]
        question = render(node.task.confirm or "", node.words)
        if ambient.ask(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
            declined[name] = "declined"
    if declined:
        left = selection.graph.reached(
            selection.wanted,
            lambda name: () if name in declined else (edge.to for edge in selection.graph.edges[name]),
        )
        declined |= {name: f"only what was declined needs it: {', '.join(declined)}" for name in wanted - left}
    return declined


class _Run:
    """One run, from the first event to the last."""

    def __init__(self, case: Case, declined: dict[str, str], telling: Several) -> None:
        self.request = case.request
        self.expansion = case.expansion
        self.project = case.expansion.project
        self.selection = case.selection
        self.graph = case.selection.graph
        self.ambient = case.ambient
        self.declined = declined
        self.reporter = telling
        self.jobs = self.request.jobs or self.project.settings.jobs or self.ambient.cpus
        self.begun = self.ambient.clock()

    async def run(self) -> Ended:
        """The run itself."""
        self.slots = job_slots(
            self.jobs, self.project.settings.jobserver, self.ambient, is_asked=self.request.jobs is not None
        )
        try:
            async with executor(self.ambient, self.slots) as self.executor:
                self.build = self._build()
                async with anyio.create_task_group() as side:
                    side.start_soon(self._listen)
                    side.start_soon(self._tick)
                    timeout_s = self.request.timeout_s
                    if timeout_s is not None:
                        side.start_soon(self._time_out, timeout_s)
                    self._tell_start()
                    await self.build.run()
                    side.cancel_scope.cancel()
                self._tell_left(await self.executor.close())
            return self._end()
        finally:
            self.slots.close()

    def _build(self) -> Build:
        commands = Commands(self.expansion, {**self.slots.variables(self.ambient.environ)})
        limits = Limits(jobs=self.jobs, pools=self.project.pools, memory_bytes=self.ambient.memory_bytes)
        plan = Plan(self.graph, (name for name in self.selection.wanted), limits, {})
        doors = Doors(
            executor=self.executor,
            slots=self.slots,
            tell=self.reporter.tell,
            clock=self.ambient.clock,
            found=found(self.project.root, self.selection.producers),
        )
        keep_going = self.request.keep_going
        if keep_going is None:
            keep_going = self.project.settings.keep_going
        policy = Policy(keep_going=1 if keep_going is None else keep_going, declined=self.declined)
        return Build(plan, commands, doors, policy)

    def _tell(self, event: Event) -> None:
        self.reporter.tell(event)

    def _tell_start(self) -> None:
        self._tell(
            RunStarted(
                time=self.begun,
                run=f"{int(self.begun * 1000):x}-{os.getpid():x}",
                targets=self.selection.wanted,
                jobs=self.jobs,
                profiles=self.project.profiles,
                root=self.project.root,
                total=len(self.graph.nodes),
            )
        )
        for event in planned(self.graph, self.begun):
            self._tell(event)

    def _tell_left(self, left: tuple[str, ...]) -> None:
        known = {process.partition(" ")[0] for process in self.build.left}
        for process in left:
            if process.partition(" ")[0] in known:
                continue
            self._tell(Warned(time=self.ambient.clock(), message=f"ended a process that was left running: {process}"))

    def _end(self) -> Ended:
        build = self.build
        counts: dict[str, int] = {}
        for event in build.ended.values():
            counts[event.status] = counts.get(event.status, 0) + 1
        signum = build.interrupted
        failed = build.failures or self.declined or build.is_out_of_time
        exit_code = 128 + signum if signum is not None else EXIT_TASK_FAILED if failed else EXIT_DONE
        now = self.ambient.clock()
        self._tell(
            RunEnded(
                time=now,
                exit_code=exit_code,
                counts=counts,
                critical_path=critical_path(
                    self.graph, {name: event.duration_s for name, event in build.ended.items()}
                ),
                saved_s=0.0,
                duration_s=now - self.begun,
            )
        )
        patience_s = None if signum is None else 0.0 if build.is_killed else PATIENCE_S
        return Ended(exit_code=exit_code, signal=signum, patience_s=patience_s)

    async def _listen(self) -> None:
        """Signals, for as long as something runs."""
        wanted = [signum for signum in FORWARDED if signal.getsignal(signum) is not signal.SIG_IGN]
        with anyio.open_signal_receiver(*wanted, signal.SIGTSTP) as signals:
            async for signum in signals:
                if signum == signal.SIGTSTP:
                    self._stop()
                else:
                    self.build.interrupt(int(signum))

    def _stop(self) -> None:
        """Ctrl-Z: the tasks first, then trun; and all go on together."""
        self.executor.stop()
        self.reporter.pause()
        os.kill(os.getpid(), signal.SIGSTOP)
        self.executor.resume()

    async def _tick(self) -> None:
        """What waits to be written is written, and what is shown live keeps up with the time."""
        while True:
            with anyio.move_on_after(TICK_S):
                await self._writable()
            self.reporter.tick(self.ambient.clock())

    async def _writable(self) -> None:
        """Until somebody who reads slowly takes more; for ever if nothing waits."""
        waiting = next((outlet for outlet in self.reporter.outlets if outlet.is_waiting), None)
        if waiting is None:
            await anyio.sleep_forever()
        else:
            await anyio.wait_writable(waiting)

    async def _time_out(self, timeout_s: float) -> None:
        await anyio.sleep(timeout_s)
        self.build.out_of_time(signal.SIGTERM)


def planned(graph: Graph, time: float) -> Iterator[TaskPlanned]:
    """What would become of each node, in an order in which it could: the answer of `--plan`, and of the run itself."""
    for name in graph.order:
        node = graph.nodes[name]
        if name in graph.skipped:
            yield TaskPlanned(time=time, task=name, would="skip", reasons=(graph.skipped[name],))
        elif not node.task.steps:
            yield TaskPlanned(time=time, task=name, would="fresh", reasons=("no command",))
        elif node.task.when is not None and (node.task.when.exists or node.task.when.cmd):
            yield TaskPlanned(time=time, task=name, would="depends", reasons=("`when` is asked when it is its turn",))
        else:
            yield TaskPlanned(time=time, task=name, would="run", reasons=("not cached",))


def critical_path(graph: Graph, durations_s: dict[str, float]) -> tuple[str, ...]:
    """The chain of nodes that took longest, the first one first."""
    total: dict[str, float] = {}
    before: dict[str, str | None] = {}
    for name in graph.order:
        needs = [edge.to for edge in graph.edges[name] if edge.kind in NEEDED]
        longest = max(needs, key=lambda other: total[other], default=None)
        before[name] = longest
        total[name] = durations_s.get(name, 0.0) + (total[longest] if longest is not None else 0.0)
    path: list[str] = []
    last = max(total, key=lambda other: total[other], default=None)
    while last is not None:
        if durations_s.get(last, 0.0) > 0:
            path.append(last)
        last = before[last]
    return tuple(reversed(path))


def plan(case: Case) -> Ended:
    """Say what would run and why, and run nothing."""
    _refuse_gaps(case.expansion, case.selection)
    refuse_unset(case.expansion, case.selection.graph)
    telling = reporter(case.request, case.expansion.project, case.ambient)
    try:
        for event in planned(case.selection.graph, case.ambient.clock()):
            telling.tell(event)
    finally:
        telling.close()
        telling.drain()
    return Ended(exit_code=EXIT_DONE)
