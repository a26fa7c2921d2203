"""A reporter that keeps what it was told."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    from runner.event import Event

    _E = TypeVar("_E")


class Recorder:
    """Keeps all events in order."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.is_closed = False

    def tell(self, event: Event) -> None:
        """Keep the event."""
        assert not self.is_closed, "BUG: told after the end"
        self.events.append(event)

    def close(self) -> None:
        """Nothing is told from here on."""
        self.is_closed = True

    def of(self, kind: type[_E]) -> list[_E]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]
