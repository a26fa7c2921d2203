"""A plan for people: what a run would do with each node, and why."""

from __future__ import annotations

from runner.event import TaskPlanned, Warned
from runner.report.commentary import as_bytes
from runner.report.wording import one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.event import Event
    from runner.report import Page
    from runner.report.wording import Wording

ORDER = ("run", "depends", "restore", "fresh", "skip")
MEANINGS = {"run": "good", "depends": "warn", "skip": "quiet", "fresh": "quiet"}
WIDEST = max(map(len, ORDER))


class Planned:
    """One line a node, in the order of the plan, and at the end how many of each; with `-q` only that."""

    def __init__(self, page: Page, words: Wording) -> None:
        self._page = page
        self._words = words
        self._counts: dict[str, int] = {}

    def tell(self, event: Event) -> None:
        """Write the line of a node."""
        match event:
            case TaskPlanned():
                would = event.would or ""
                self._counts[would] = self._counts.get(would, 0) + 1
                if self._words.level >= 0:
                    self._page.write(as_bytes([self._line(event)]))
            case Warned():
                self._page.write(as_bytes([self._words.warned(event)]))
            case _:
                pass

    def close(self) -> None:
        """Write how many of each there are."""
        told = [f"{self._counts[would]} {would}" for would in ORDER if would in self._counts]
        self._page.write(as_bytes([self._words.dotted(*told) or "nothing to do"]))

    def _line(self, event: TaskPlanned) -> str:
        would = (event.would or "").ljust(WIDEST)
        meaning = MEANINGS.get(event.would or "")
        head = self._words.paint.as_(meaning, would) if meaning else would
        reasons = "; ".join(map(one_line, event.reasons))
        told = f"  {self._words.paint.as_('quiet', reasons)}" if reasons else ""
        return f"{head}  {one_line(event.task)}{told}"
