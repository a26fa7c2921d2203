"""The seam to whatever turns jobs into outcomes."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from runner.result import Action, Outcome, Sink

    class Executor(Protocol):
        """Runs actions, several at once, and leaves nothing behind."""

        async def run(self, action: Action, sink: Sink) -> Outcome:
            """What became of the action; every byte that it wrote went to the sink before.

            A command that fails is an outcome, and so is one that cannot be started. Cancelling the call ends the
            command.
            """

        def interrupt(self, signum: int) -> None:
            """Hand a signal to all that runs, once; whatever is still there after the grace time is killed."""

        def kill(self) -> None:
            """Kill all that runs, at once."""

        async def close(self) -> tuple[str, ...]:
            """End what tasks left running, and say what that was."""

    class JobSlots(Protocol):
        """Slots for what runs at once, which may be shared with the commands themselves. *Units*: `free` in slots."""

        free: int

        def take(self, count: int) -> None:
            """Use slots that are free."""

        def give(self, count: int) -> None:
            """They are free again."""

        def lend(self) -> None:
            """Nothing here waits for a slot: others may have those that are free."""

        def reclaim(self, wanted: int) -> bool:
            """Get back lent slots until so many are free. True if any came."""

        def recount(self) -> None:
            """Nothing runs, so all slots are here."""

        def fileno(self) -> int:
            """A descriptor that is readable when a slot can be reclaimed; -1 if none is ever lent."""
