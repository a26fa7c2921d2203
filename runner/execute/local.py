"""Actions as processes of this machine, through the reaper."""

from __future__ import annotations

import asyncio
import os
import signal
from time import monotonic

import anyio

from runner.execute.group import adopt_orphans
from runner.execute.pump import Pump, Running
from runner.execute.terminal import Terminal, modes, set_modes
from runner.result import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from runner.result import Action, Sink

GRACE_S = 10.0
# After the command has ended its pipes are read on for so long, if something that it left holds them open.
DRAIN_S = 0.25
# What is still there at the end of the run has so long to end by itself.
SWEEP_S = 1.0
# What a command writes is seen at the latest after this; a shorter one is read when it has ended.
UNWATCHED_S = 0.02
NOT_FOUND = 127
NOT_EXECUTABLE = 126


class Local:
    """An executor: each command in a process group of its own, below a reaper that ends what is left.

    Entered as an asynchronous context, in whose task group it listens. What is written to two streams at about the same
    time keeps its order sooner if pipes are watched at once, which costs more: `unwatched_s` is how long they are not.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        grace_s: float = GRACE_S,
        unwatched_s: float = UNWATCHED_S,
        jobserver_fds: tuple[int, ...] = (),
    ) -> None:
        self.environ = environ
        self.grace_s = grace_s
        self.unwatched_s = unwatched_s
        self.jobserver_fds = jobserver_fds
        self.interrupted: int | None = None
        self._pumps: dict[bool, Pump] = {}
        self._programs: dict[tuple[str, str], str | None] = {}
        self._running: dict[Running, anyio.Event] = {}
        self._closed = anyio.Event()
        self._group = anyio.create_task_group()

    async def __aenter__(self) -> Local:
        await self._group.__aenter__()
        # Should a reaper be killed, what it had started comes here.
        adopt_orphans()
        # Its interpreter starts while this one still thinks.
        self._pump(leaves=False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        try:
            with anyio.CancelScope(shield=True):
                if kind is not None:
                    self.kill()
                await self.close()
        finally:
            self._group.cancel_scope.cancel()
        return await self._group.__aexit__(kind, error, trace)

    def _pump(self, *, leaves: bool) -> Pump:
        """The reaper for tasks that leave nothing, or for those that say `detach`."""
        found = self._pumps.get(leaves)
        if found is None or found.is_dead:
            found = self._pumps[leaves] = Pump(self.environ, leaves=leaves, jobserver_fds=self.jobserver_fds)
            # A standing watch: anyio only has one for a single time, which costs a third of a short command.
            asyncio.get_running_loop().add_reader(found.fileno(), self._turn, found)
        return found

    def _watch(self, pump: Pump) -> None:
        if not pump.is_dead:
            pump.watch()

    def _turn(self, pump: Pump) -> None:
        pump.turn()
        if pump.swept is not None:
            asyncio.get_running_loop().remove_reader(pump.fileno())
            pump.close()
            self._closed.set()

    async def run(self, action: Action, sink: Sink) -> Outcome:
        """What became of the action; every byte that it wrote went to the sink before."""
        program = self._program(action)
        if program is None:
            return Outcome(exit_code=NOT_FOUND, trouble=f"command `{action.argv[0]}` not found")
        begun_s = monotonic()
        pump = self._pump(leaves=action.detach)
        terminal = Terminal() if action.owns_terminal else None
        changed = anyio.Event()
        if not pump.has_unwatched:
            asyncio.get_running_loop().call_later(self.unwatched_s, self._watch, pump)

        def tell() -> None:
            # A reaper that is gone says so before there is anything to wait with.
            changed.set()
            if (waiting := self._running.get(running) if running is not None else None) is not None:
                waiting.set()

        running: Running | None = None
        running = pump.start(action, program, sink, tell)
        self._running[running] = changed
        try:
            ended = await self._wait(pump, running, terminal)
            if terminal is not None:
                terminal.take_back()
            return self._outcome(running, ended, begun_s)
        finally:
            pump.forget(running)
            del self._running[running]

    async def _wait(self, pump: Pump, running: Running, terminal: Terminal | None) -> str:
        """Until the command has ended, by itself or otherwise: `ran`, `timed out` or `cancelled`."""
        timeout_s = running.action.timeout_s
        try:
            if timeout_s is None:
                await self._over(pump, running, terminal)
            else:
                with anyio.move_on_after(timeout_s):
                    await self._over(pump, running, terminal)
                if not running.is_over:
                    await self._end(pump, running, signal.SIGTERM, self.grace_s)
                    return "timed out"
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await self._end(pump, running, signal.SIGKILL, 0)
            raise
        if self.interrupted is not None:
            await self._last_member(pump, running)
            return "cancelled"
        await self._drained(pump, running)
        return "ran"

    async def _changed(self, running: Running) -> None:
        event = self._running[running]
        await event.wait()
        self._running[running] = anyio.Event()

    async def _over(self, pump: Pump, running: Running, terminal: Terminal | None) -> None:
        while not running.is_over:
            await self._changed(running)
            if running.stop_signal is not None:
                stopped, running.stop_signal = running.stop_signal, None
                self._stopped(pump, running, stopped, terminal)

    def _stopped(self, pump: Pump, running: Running, signum: int, terminal: Terminal | None) -> None:
        """A command that owns the terminal was stopped from it, and so is trun; another one wanted the terminal."""
        if terminal is not None and terminal.is_ours:
            theirs = modes()
            self.stop()
            terminal.take_back()
            os.kill(os.getpid(), signal.SIGSTOP)
            set_modes(theirs)
            # Before anything is woken: who owns the terminal must not find itself in the background.
            pump.hand_terminal(running)
            self.resume()
        elif signum in (signal.SIGTTIN, signal.SIGTTOU):
            pump.signal(running, signal.SIGKILL)
            running.sink(
                "stderr", b"trun: stopped because it wants the terminal; say `interactive = true` in its task\n"
            )

    async def _drained(self, pump: Pump, running: Running) -> None:
        pump.drain(running)
        if running.fds:
            with anyio.move_on_after(DRAIN_S):
                while running.fds:
                    await self._changed(running)
            pump.drain(running)

    async def _end(self, pump: Pump, running: Running, signum: int, grace_s: float) -> None:
        """Signal the group, and after the grace time kill it; then wait until it is gone."""
        pump.signal(running, signum)
        with anyio.move_on_after(grace_s):
            await self._gone(running)
        if not running.gone:
            pump.signal(running, signal.SIGKILL)
            await self._gone(running)
        pump.drain(running)

    async def _gone(self, running: Running) -> None:
        while not (running.gone and running.is_over):
            await self._changed(running)

    async def _last_member(self, pump: Pump, running: Running) -> None:
        """After an interrupt: until the whole group is gone; the grace time of the interrupt ends that."""
        if not running.gone:
            pump.signal(running, 0)
        await self._gone(running)
        pump.drain(running)

    def _outcome(self, running: Running, ended: str, begun_s: float) -> Outcome:
        if running.trouble is not None:
            return Outcome(exit_code=NOT_EXECUTABLE, trouble=_unstarted(running), duration_s=monotonic() - begun_s)
        assert running.wait_status is not None, "BUG: an outcome before the end"
        code = os.waitstatus_to_exitcode(running.wait_status)
        cpu_s, rss_bytes = running.usage or (None, None)
        return Outcome(
            exit_code=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            duration_s=monotonic() - begun_s,
            cpu_s=cpu_s,
            max_rss_bytes=rss_bytes,
            timed_out=ended == "timed out",
            cancelled=ended == "cancelled",
            left=() if running.action.detach else tuple(running.left),
        )

    def _program(self, action: Action) -> str | None:
        """The absolute path of the command, as the task's own `PATH` has it."""
        name, path = action.argv[0], action.own.get("PATH", action.env.get("PATH", os.defpath))
        if "/" in name:
            program = os.path.join(action.cwd, name)
            # Where the folder is not there, that is what is told.
            return program if os.path.lexists(program) or not os.path.isdir(action.cwd) else None
        if (name, path) not in self._programs:
            candidates = (os.path.join(action.cwd, folder, name) for folder in path.split(os.pathsep))
            self._programs[name, path] = next(filter(_is_program, candidates), None)
        return self._programs[name, path]

    def interrupt(self, signum: int) -> None:
        """Hand a signal to all that runs, once; whatever is still there after the grace time is killed."""
        if self.interrupted is not None:
            return
        self.interrupted = signum
        for running in self._running:
            self._pump(leaves=running.action.detach).signal(running, signum)
        self._group.start_soon(self._out_of_grace)

    async def _out_of_grace(self) -> None:
        await anyio.sleep(self.grace_s)
        self.kill()

    def kill(self) -> None:
        """Kill all that runs, at once."""
        self.interrupted = self.interrupted or signal.SIGKILL
        for running in self._running:
            self._pump(leaves=running.action.detach).signal(running, signal.SIGKILL)

    def stop(self) -> None:
        """Stop all that runs, as Ctrl-Z does."""
        for pump in self._pumps.values():
            pump.signal_tree(signal.SIGSTOP)

    def resume(self) -> None:
        """Let all that was stopped go on."""
        for pump in self._pumps.values():
            pump.signal_tree(signal.SIGCONT)

    async def close(self) -> tuple[str, ...]:
        """End what tasks left running, and say what that was."""
        told: list[str] = []
        for pump in self._pumps.values():
            self._closed = anyio.Event()
            if pump.swept is None:
                pump.end(signal.SIGKILL if self.interrupted else signal.SIGTERM, 0 if self.interrupted else SWEEP_S)
                await self._closed.wait()
            told += [f"{process} of task `{task}`" if task else process for task, process in pump.swept or ()]
        self._pumps.clear()
        return tuple(told)


def _unstarted(running: Running) -> str:
    argv, cwd = running.action.argv, running.action.cwd
    if not os.path.isdir(cwd):
        return f"the folder `{cwd}` is not there"
    return f"`{argv[0]}` could not be started: {os.strerror(running.trouble or 0)}"


def _is_program(path: str) -> bool:
    return os.access(path, os.X_OK) and os.path.isfile(path)
