"""A run in which something has to be done: the loop, what interrupts it, and what is told of it."""

from __future__ import annotations

import gc
import os
import signal

import anyio

from runner.ask import Asking
from runner.attempt import Doors
from runner.build import Build, Policy
from runner.compose import by, executor, found, job_slots
from runner.error import EXIT_DONE, EXIT_TASK_FAILED
from runner.event import Warned
from runner.job import Keeping
from runner.outputs import Origin, Outputs
from runner.plan import Limits, Plan
from runner.telling import Ended, closing, opening, own_exit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from runner.compose import Kept
    from runner.event import Event
    from runner.report.several import Several
    from runner.settle import Asks
    from runner.telling import Case

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
TICK_S = 0.1
# After an interrupt, who does not read has so long to go on reading.
PATIENCE_S = 1.0


def drive(case: Case, declined: Mapping[str, str], telling: Several, kept: Kept) -> Ended:
    """How the run ended."""
    # What was made so far stays: from here on only what is new is looked at.
    gc.freeze()
    gc.enable()
    return anyio.run(Drive(case, declined, telling, kept).run)


def asking(case: Case, kept: Kept, work: Callable[[Asks], Awaitable[None]]) -> None:
    """Do some work that has to ask commands, outside of a run. *Raises*: Refusal where one fails."""

    async def ask() -> None:
        slots = job_slots(1, "off", case.ambient, is_asked=False)
        async with executor(case.ambient, slots) as runs:
            look = found(case.expansion.project.root, case.selection.producers)
            await work(Asking(kept.settle.commands, runs, look, lambda name: lambda stream, data: None))

    anyio.run(ask)


class Drive:
    """One run in which something has to be done, from the first event to the last."""

    def __init__(self, case: Case, declined: Mapping[str, str], telling: Several, kept: Kept) -> None:
        self.case = case
        self.request = case.request
        self.expansion = case.expansion
        self.project = case.expansion.project
        self.selection = case.selection
        self.graph = case.selection.graph
        self.ambient = case.ambient
        self.declined = declined
        self.reporter = telling
        self.kept = kept
        self.jobs = self.request.jobs or self.project.settings.jobs or self.ambient.cpus
        self.begun = kept.begun

    async def run(self) -> Ended:
        """The run itself."""
        self.slots = job_slots(
            self.jobs, self.project.settings.jobserver, self.ambient, is_asked=self.request.jobs is not None
        )
        try:
            async with executor(self.ambient, self.slots, is_exec=self.request.is_exec) as self.executor:
                self.build = self._build()
                async with anyio.create_task_group() as side:
                    side.start_soon(self._listen)
                    side.start_soon(self._tick)
                    timeout_s = self.request.timeout_s
                    if timeout_s is not None:
                        side.start_soon(self._time_out, timeout_s)
                    for event in opening(self.case, self.kept):
                        self._tell(event)
                    await self.build.run()
                    side.cancel_scope.cancel()
                self._tell_left(await self.executor.close())
            return self._end()
        finally:
            self.slots.close()

    def _build(self) -> Build:
        commands = self.kept.settle.commands
        commands.variables.extend(self.slots.variables(self.ambient.environ))
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
        return Build(plan, commands, doors, policy, self._keeping())

    def _keeping(self) -> Keeping:
        settle = self.kept.settle
        outputs = Outputs(settle, self.project.root, Origin(run=self.kept.run, by=by(self.ambient)), self._warn)
        return Keeping(
            settle=settle,
            outputs=outputs,
            folder=self.kept.folder,
            run=self.kept.run,
            log_of=self.kept.recorded.log_of,
            brought=self.kept.sweep.brought,
        )

    def _warn(self, message: str, task: str | None) -> None:
        self._tell(Warned(time=self.ambient.clock(), message=message, task=task))

    def _tell(self, event: Event) -> None:
        self.reporter.tell(event)

    def _tell_left(self, left: tuple[str, ...]) -> None:
        known = {process.partition(" ")[0] for process in self.build.left}
        for process in left:
            if process.partition(" ")[0] in known:
                continue
            self._tell(Warned(time=self.ambient.clock(), message=f"ended a process that was left running: {process}"))

    def _end(self) -> Ended:
        build = self.build
        signum = build.interrupted
        failed = build.failures or self.declined or build.is_out_of_time
        exit_code = 128 + signum if signum is not None else EXIT_TASK_FAILED if failed else EXIT_DONE
        if self.request.is_exec and signum is None:
            exit_code = own_exit(*build.ended.values())
        for trouble in self.kept.close():
            self._warn(trouble, None)
        self._tell(closing(self.graph, build.ended, self.kept, exit_code, build.saved_s))
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
