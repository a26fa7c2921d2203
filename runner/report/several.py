"""Several reporters as one: what one does cannot harm the others or the run."""

from __future__ import annotations

from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner.event import Event
    from runner.report import Page, Reporter
    from runner.report.outlet import Outlet
    from runner.report.spool import Spool


class Several:
    """Tells everybody everything. One that raises is a bug: that is told once, and it is silent from there on."""

    def __init__(self, reporters: Sequence[Reporter], outlets: Sequence[Outlet], trouble: Page, spool: Spool) -> None:
        self._reporters = list(reporters)
        self._trouble = trouble
        self._spool = spool
        self.outlets = tuple(outlets)

    def tell(self, event: Event) -> None:
        """Tell each of them."""
        for reporter in tuple(self._reporters):
            try:
                reporter.tell(event)
            except Exception as error:
                self._mute(reporter, error)

    def tick(self, now: float) -> None:
        """Draw what is drawn, and send what waits; to be called about ten times a second while the run goes on."""
        self._each("tick", now)
        for outlet in self.outlets:
            outlet.flush_some()

    def pause(self) -> None:
        """Leave the terminal tidy, before the process is stopped; the next tick draws again."""
        self._each("pause")
        for outlet in self.outlets:
            outlet.flush_some()

    def close(self) -> None:
        """Close each of them. What is still on its way out is sent by `drain`."""
        self._each("close")
        self._reporters = []

    def drain(self, idle_s: float | None = None) -> None:
        """Wait until everything is out, then give back what was opened.

        *Units*: `idle_s` bounds the wait for somebody who reads nothing at all; None waits for ever.
        *Why*: apart from `close`, so that it can be done when the loop is over and a signal ends the wait in its
        ordinary way.
        """
        lost_bytes = sum(outlet.lost_bytes for outlet in self.outlets)
        if lost_bytes:
            self._trouble.write(b"warning: %d bytes of output are lost: no room for temporary files\n" % lost_bytes)
        for outlet in self.outlets:
            outlet.drain(idle_s)
        for outlet in self.outlets:
            outlet.close()
        self._spool.close()

    def _each(self, name: str, *args: object) -> None:
        for reporter in tuple(self._reporters):
            method = getattr(reporter, name, None)
            if method is not None:
                self._try(reporter, lambda call=method: call(*args))  # type: ignore[misc]

    def _try(self, reporter: Reporter, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:
            self._mute(reporter, error)

    def _mute(self, reporter: Reporter, error: Exception) -> None:
        self._reporters.remove(reporter)
        with suppress(Exception):
            getattr(reporter, "pause", reporter.close)()
        text = f"BUG: `{type(reporter).__name__}` is silent from here on: {type(error).__name__}: {error}"
        self._trouble.write((" ".join(text.split()) + "\n").encode("utf-8", "backslashreplace"))
