"""What trun itself says of a run, line by line: starts, retries, ends, warnings and the summary."""

from __future__ import annotations

from runner.event import RunEnded, TaskEnded, TaskRetried, TaskStarted, Warned
from runner.report.summary import summary
from runner.report.tally import Tally
from runner.report.wording import is_bad, one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.event import Event
    from runner.report.wording import Wording

# When one failure skips hundreds, nobody reads hundreds of lines; the summary counts them.
IDLE_LINES_AT_MOST = 10


class Commentary:
    """Turns events into trun's own lines, as many as the level asks for.

    `tells_each` is False where only the summary is wanted, not the end of each node.
    """

    def __init__(self, words: Wording, tells_each: bool = True) -> None:
        self.words = words
        self.tally = Tally()
        self._tells_each = tells_each
        self._idle = 0

    def lines(self, event: Event) -> list[str]:
        """What to say of an event."""
        self.tally.take(event)
        match event:
            case TaskEnded():
                return [self.words.ended(event)] if self._is_worth_a_line(event) else []
            case TaskStarted() if self.words.level > 0:
                return [f"{self.words.paint.as_('quiet', '>')} {one_line(event.task)}  {self.words.started(event)}"]
            case TaskRetried() if self._tells_each and self.words.level >= 0:
                return [self.words.retried(event)]
            case Warned():
                return [self.words.warned(event)]
            case RunEnded():
                return summary(self.tally, event, self.words, self._tells_each)
            case _:
                return []

    def _is_worth_a_line(self, event: TaskEnded) -> bool:
        if not self._tells_each:
            return False
        if self.words.level > 0 or is_bad(event):
            return self.words.level >= 0 or not event.is_allowed
        if self.words.level < 0 or not event.has_command or event.status == "fresh":
            return False
        if event.status in ("skipped", "cancelled"):
            self._idle += 1
            return self._idle <= IDLE_LINES_AT_MOST
        return True


def as_bytes(lines: list[str]) -> bytes:
    """Lines as they are written. A name that is no Unicode goes out as the bytes that it is."""
    return "".join([f"{line}\n" for line in lines]).encode("utf-8", "surrogateescape")
