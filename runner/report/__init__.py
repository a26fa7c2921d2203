"""The seam to everybody who wants to be told of a run: people, CI, machines."""

from __future__ import annotations

from runner.noun import noun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from runner.event import Event

    class Reporter(Protocol):
        """Folds the events of a run into something that a person or a machine reads."""

        def tell(self, event: Event) -> None:
            """Take one event. Never blocks, never awaits; what it raises is a bug."""

        def close(self) -> None:
            """Tell what was held back; nothing is told afterwards. A second call does nothing."""

    class Page(Protocol):
        """Where text goes."""

        def write(self, data: bytes) -> None:
            """Take some bytes. Never blocks and never raises for what becomes of them."""


def ordinary_size() -> tuple[int, int]:
    """Columns and lines of a terminal that does not tell."""
    return 80, 24


@noun
class Look:
    """What the place can show that a reporter writes to.

    *Units*: `size` gives columns and lines as they are now. `is_live` is True where a status can be redrawn in place.
    """

    is_terminal: bool = False
    is_live: bool = False
    has_colour: bool = False
    is_unicode: bool = True
    size: Callable[[], tuple[int, int]] = ordinary_size
