"""What only a run can know: whether a condition holds, what a var's command tells, which files there are."""

from __future__ import annotations

import os

import anyio

from runner.error import Refusal
from runner.expand import Words, widened
from runner.result import ending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.command import Commands
    from runner.execute import Executor
    from runner.request import ArgValue
    from runner.result import Action, Sink
    from runner.task import Node, When

# Conditions that are asked at the same time.
ASKED_AT_ONCE = 4


class Asking:
    """Asks on behalf of nodes; a var's command is run once in a run, by the first node that needs it.

    `found` gives the paths that a node's `inputs` or `outputs` match, relative to its folder.
    """

    def __init__(
        self,
        commands: Commands,
        executor: Executor,
        found: Callable[[Node, str], tuple[str, ...]],
        sinks: Callable[[str], Sink],
    ) -> None:
        self.commands = commands
        self.executor = executor
        self.found = found
        self.sinks = sinks
        self._vars: dict[str, str | Refusal] = {}
        self._conditions: dict[str, str | None] = {}
        self._probes: dict[tuple[object, ...], str] = {}
        self._lock = anyio.Lock()
        # What is asked needs no job slot, yet it shall not be asked of all nodes at once.
        self._few = anyio.Semaphore(ASKED_AT_ONCE)

    async def condition(self, node: Node) -> str | None:
        """Why a node is skipped, as `when` says where it has to look or to ask; None where it runs."""
        when = node.task.when
        if when is None:
            return None
        if node.name not in self._conditions:
            self._conditions[node.name] = await self._condition(node, when)
        return self._conditions[node.name]

    async def _condition(self, node: Node, when: When) -> str | None:
        folder = self.commands.folder(node)
        for path in when.exists:
            base = self.commands.project.root if path.startswith("/") else folder
            if not os.path.lexists(os.path.join(base, path.lstrip("/"))):
                return f"`when.exists`: {path} is not there"
        if when.cmd is None:
            return None
        action = self.commands.script(node, when.cmd, "when", await self.words(node))
        async with self._few:
            outcome = await self.executor.run(action, lambda stream, data: None)
        return None if outcome.is_good else f"`when.cmd`: `{action.argv[-1]}` ended with {ending(outcome)}"

    async def probes(self, node: Node, words: Mapping[str, ArgValue]) -> tuple[str, ...]:
        """What the node's probes print, without the last line ends; each command is run once.

        *Raises*: Refusal where one fails.
        """
        return tuple([await self._probe(node, at, words) for at in range(len(node.task.probes))])

    async def _probe(self, node: Node, at: int, words: Mapping[str, ArgValue]) -> str:
        action = self.commands.script(node, node.task.probes[at], at, words)
        # Which node asks does not matter to what is told.
        question = (action.argv, action.cwd, tuple(sorted(action.env.items())))
        async with self._lock:
            if question not in self._probes:
                self._probes[question] = await self._told(node, at, action)
        return self._probes[question]

    async def _told(self, node: Node, at: int, action: Action) -> str:
        written: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
        outcome = await self.executor.run(action, lambda stream, data: written[stream].append(data))
        if not outcome.is_good:
            self.sinks(node.name)("stderr", b"".join(written["stderr"]))
            raise self.commands.refused_probe(node, at, outcome.trouble or ending(outcome))
        return b"".join(written["stdout"]).decode("utf-8", "surrogateescape").rstrip("\n")

    async def words(self, node: Node) -> Mapping[str, ArgValue]:
        """What names stand for in the node's commands; what a var's command complains of is told as the node's.

        *Raises*: Refusal where a var's command fails.
        """
        late = self.commands.late(node)
        if not late:
            return node.words
        words = widened(node.words, {})
        for name in late:
            if name in ("inputs", "outputs"):
                words[name] = self.found(node, name)
            else:
                async with self._lock:
                    words[name] = await self._var(name, self.sinks(node.name))
        return words

    async def _var(self, name: str, sink: Sink) -> str:
        if name not in self._vars:
            try:
                self._vars[name] = await self._ask(name, sink)
            except Refusal as refusal:
                self._vars[name] = refusal
        found = self._vars[name]
        if isinstance(found, Refusal):
            raise found
        return found

    async def _ask(self, name: str, sink: Sink) -> str:
        words = Words(self.commands.expansion.known, self.commands.expansion.env)
        for other in self.commands.pending_in(name):
            words[other] = await self._var(other, sink)
        action = self.commands.var(name, words)
        if action is None:
            return self.commands.var_text(name, words)
        written: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
        outcome = await self.executor.run(action, lambda stream, data: written[stream].append(data))
        if not outcome.is_good:
            sink("stderr", b"".join(written["stderr"]))
            raise self.commands.refused_var(name, outcome.trouble or ending(outcome))
        return b"".join(written["stdout"]).decode("utf-8", "surrogateescape").rstrip("\n")
