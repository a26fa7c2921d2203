"""An executor that runs nothing: every command ends as the test says, and all is counted."""

from __future__ import annotations

import anyio

from runner.result import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.result import Action, Sink

GOOD = Outcome(exit_code=0)


class FakeExecutor:
    """Ends each action after some turns of the loop with what `outcomes` has for its task, else well.

    `begun` and `ended` hold the tasks in order, `most` how many ran at once at the most; `on_start` sees each action
    with the tasks that run then.
    """

    def __init__(
        self,
        outcomes: Mapping[str, Outcome] | None = None,
        turns: Callable[[str], int] = lambda task: 1,
        on_start: Callable[[Action, frozenset[str]], None] = lambda action, running: None,
    ) -> None:
        self.outcomes = dict(outcomes or {})
        self.turns = turns
        self.on_start = on_start
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.most = 0
        self.interrupted: int | None = None
        self._running: set[str] = set()

    async def run(self, action: Action, sink: Sink) -> Outcome:
        """What the test says, after as many turns of the loop as it says."""
        self.begun.append(action.task)
        self._running.add(action.task)
        self.most = max(self.most, len(self._running))
        self.on_start(action, frozenset(self._running))
        try:
            for _ in range(self.turns(action.task)):
                if self.interrupted is not None:
                    return Outcome(signal=self.interrupted, cancelled=True)
                await anyio.lowlevel.checkpoint()
            return self.outcomes.get(action.task, GOOD)
        finally:
            self._running.remove(action.task)
            self.ended.append(action.task)

    def interrupt(self, signum: int) -> None:
        """All that runs ends by this signal at its next turn."""
        self.interrupted = self.interrupted or signum

    def kill(self) -> None:
        """All that runs ends at its next turn."""
        self.interrupt(9)

    async def close(self) -> tuple[str, ...]:
        """Nothing is ever left."""
        return ()
