"""Holding text back while a task owns the terminal."""

from __future__ import annotations

from runner.event import TaskEnded, TaskRetried, TaskStarted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.event import Event
    from runner.report import Page, Reporter
    from runner.report.spool import Spool


class Curtain:
    """A page that can be closed: what is written then is kept, and goes out in order when it is opened."""

    def __init__(self, page: Page, spool: Spool) -> None:
        self._page = page
        self._log = spool.log()
        self._is_closed = False

    def write(self, data: bytes) -> None:
        """Pass the bytes on, or keep them."""
        if self._is_closed:
            self._log.add(data)
        else:
            self._page.write(data)

    def close(self) -> None:
        """From now on, keep what is written."""
        self._is_closed = True

    def open(self) -> None:
        """Pass on what was kept, and from now on everything."""
        self._is_closed = False
        while data := self._log.take():
            self._page.write(data)


class Owners:
    """The nodes that own the terminal now: at most one, as long as nobody starts two."""

    def __init__(self) -> None:
        self._tasks: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._tasks)

    def take(self, event: Event) -> None:
        """Note who begins or ceases to own the terminal."""
        match event:
            case TaskStarted(owns_terminal=True):
                self._tasks.add(event.task)
            case TaskEnded() | TaskRetried():
                self._tasks.discard(event.task)
            case _:
                pass


class Yielding:
    """Tells a reporter everything, and closes its curtains while a task owns the terminal."""

    def __init__(self, inner: Reporter, curtains: Sequence[Curtain]) -> None:
        self._inner = inner
        self._curtains = curtains
        self._owners = Owners()

    def tell(self, event: Event) -> None:
        """Pass the event on: the start of an owner is still seen, its end is told after what was held."""
        was_owned = bool(self._owners)
        self._owners.take(event)
        if was_owned and not self._owners:
            self._open()
        self._inner.tell(event)
        if self._owners:
            for curtain in self._curtains:
                curtain.close()

    def close(self) -> None:
        """Let out what is held, then close the reporter."""
        self._open()
        self._inner.close()

    def _open(self) -> None:
        for curtain in self._curtains:
            curtain.open()
