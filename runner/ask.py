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
    from runner.result import Sink
    from runner.task import Node


class Asking:
    """Asks on behalf of nodes; a var's command is run once in a run, by the first node that needs it.

    `found` gives the paths that a node's `inputs` or `outputs` match, relative to its folder.
    """

    def __init__(self, commands: Commands, executor: Executor, found: Callable[[Node, str], tuple[str, ...]]) -> None:
        self.commands = commands
        self.executor = executor
        self.found = found
        self._vars: dict[str, str | Refusal] = {}
        self._lock = anyio.Lock()

    async def condition(self, node: Node, words: Mapping[str, ArgValue]) -> str | None:
        """Why a node is skipped, as `when` says where it has to look or to ask; None where it runs."""
        when = node.task.when
        if when is None:
            return None
        folder = self.commands.folder(node)
        for path in when.exists:
            base = self.commands.project.root if path.startswith("/") else folder
            if not os.path.lexists(os.path.join(base, path.lstrip("/"))):
                return f"`when.exists`: {path} is not there"
        if when.cmd is None:
            return None
        action = self.commands.script(node, when.cmd, "when", words)
        outcome = await self.executor.run(action, lambda stream, data: None)
        return None if outcome.is_good else f"`when.cmd`: `{action.argv[-1]}` ended with {ending(outcome)}"

    async def words(self, node: Node, sink: Sink) -> Mapping[str, ArgValue]:
        """What names stand for in the node's commands; what a var's command complains of goes to the sink.

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
                    words[name] = await self._var(name, sink)
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
