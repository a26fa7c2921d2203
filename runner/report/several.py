"""Several reporters as one: what one does cannot harm the others or the run."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.event import Event
    from runner.report import Page, Reporter


class Several:
    """Tells everybody everything. One that raises is a bug: it is told of once, and is silent from there on."""

    def __init__(self, reporters: Sequence[Reporter], trouble: Page) -> None:
        self._reporters = list(reporters)
        self._trouble = trouble

    def tell(self, event: Event) -> None:
        """Tell each of them."""
        for reporter in tuple(self._reporters):
            try:
                reporter.tell(event)
            except Exception as error:
                self._mute(reporter, error)

    def tick(self, now: float) -> None:
        """Let those who draw do so; to be called about ten times a second while the run goes on."""
        for reporter in tuple(self._reporters):
            tick = getattr(reporter, "tick", None)
            if tick is not None:
                try:
                    tick(now)
                except Exception as error:
                    self._mute(reporter, error)

    @property
    def wants_ticks(self) -> bool:
        """True if somebody draws."""
        return any(hasattr(reporter, "tick") for reporter in self._reporters)

    def close(self) -> None:
        """Close each of them."""
        for reporter in tuple(self._reporters):
            try:
                reporter.close()
            except Exception as error:
                self._mute(reporter, error)
        self._reporters = []

    def _mute(self, reporter: Reporter, error: Exception) -> None:
        self._reporters.remove(reporter)
        name = type(reporter).__name__
        text = f"BUG: the reporter `{name}` is silent from here on: {type(error).__name__}: {error}"
        self._trouble.write((" ".join(text.split()) + "\n").encode("utf-8", "backslashreplace"))
