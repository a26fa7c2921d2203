"""The events of a run so far, added up: how many are where, what failed, how long each took."""

from __future__ import annotations

from runner.event import RunStarted, TaskEnded, TaskPlanned, TaskReady, TaskRetried, TaskStarted
from runner.report.wording import is_bad

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.event import Event

NAMED_AT_MOST = 5


class Tally:
    """Where a run stands. Only nodes with a command are in `counts`: a group does nothing, so nobody wants it counted.

    *Units*: `began` and the values of `running` are times of events.
    """

    def __init__(self) -> None:
        self.targets: tuple[str, ...] = ()
        self.began = 0.0
        self.total = 0
        self.done = 0
        self.ready: set[str] = set()
        self.running: dict[str, float] = {}
        self.counts: dict[str, int] = {}
        self.durations_s: dict[str, float] = {}
        self.first_bad: TaskEnded | None = None
        self.other_bad: list[str] = []
        self.bad = 0
        self.last: TaskEnded | None = None
        self._planned = 0

    @property
    def commands(self) -> int:
        """How many nodes with a command have come to their end."""
        return sum(self.counts.values())

    def take(self, event: Event) -> None:
        """Add an event."""
        match event:
            case TaskEnded():
                self._ended(event)
            case TaskStarted():
                self.ready.discard(event.task)
                # A second attempt goes on with the clock of the first.
                self.running.setdefault(event.task, event.time)
            case TaskReady():
                self.ready.add(event.task)
            case TaskPlanned():
                self._planned += 1
                self.total = max(self.total, self._planned)
            case RunStarted():
                self.targets = event.targets
                self.began = event.time
                self.total = max(self.total, event.total)
            case TaskRetried() | _:
                pass

    def _ended(self, event: TaskEnded) -> None:
        self.done += 1
        self.running.pop(event.task, None)
        self.ready.discard(event.task)
        if not event.has_command:
            return
        self.last = event
        status = "allowed" if is_bad(event) and event.is_allowed else event.status
        self.counts[status] = self.counts.get(status, 0) + 1
        if event.duration_s:
            self.durations_s[event.task] = event.duration_s
        if is_bad(event) and not event.is_allowed:
            self._went_wrong(event)

    def _went_wrong(self, event: TaskEnded) -> None:
        self.bad += 1
        if self.first_bad is None:
            self.first_bad = event
        elif len(self.other_bad) < NAMED_AT_MOST:
            self.other_bad.append(event.task)
