"""The quiet way: nothing, but one line for each task that fails."""

from __future__ import annotations

from runner.event import RunEnded, TaskEnded
from runner.report.commentary import as_bytes
from runner.report.summary import summary
from runner.report.tally import Tally
from runner.report.wording import is_bad

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.event import Event
    from runner.report import Page
    from runner.report.wording import Wording


class Quiet:
    """Tells failures only; a run that ends badly for another reason gets the first line of its summary."""

    def __init__(self, page: Page, words: Wording) -> None:
        self._page = page
        self._words = words
        self._tally = Tally()

    def tell(self, event: Event) -> None:
        """Write a line if the event is a failure."""
        self._tally.take(event)
        match event:
            case TaskEnded() if is_bad(event) and not event.is_allowed:
                self._page.write(as_bytes([self._words.ended(event)]))
            case RunEnded() if event.exit_code != 0 and not self._tally.bad:
                self._page.write(as_bytes(summary(self._tally, event, self._words, tells_each=False)[:1]))
            case _:
                pass

    def close(self) -> None:
        """Nothing was held back."""
