"""The grouped way, and errors: the output of each task in one piece when it ends, failed ones last and once."""

from __future__ import annotations

from runner.event import RunEnded, TaskEnded, TaskOutput, TaskRetried, TaskStarted
from runner.noun import noun
from runner.report import Look
from runner.report.clean import Shown
from runner.report.commentary import Commentary, as_bytes
from runner.report.wording import Wording, is_bad

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.event import Event
    from runner.report import Page
    from runner.report.ci import Fold
    from runner.report.spool import Log, Spool
    from runner.result import Stream

INDENT = b"  "


@noun
class Block:
    """A node that failed: its end and its log, which wait for the end of the run."""

    ended: TaskEnded
    log: Log


class Grouped:
    """One block a node: what became of it, then what it wrote.

    `only_bad` leaves out the blocks of those that did not fail. With a `fold`, blocks are folded away but for failed
    ones.
    """

    def __init__(
        self, page: Page, spool: Spool, words: Wording, fold: Fold | None = None, only_bad: bool = False
    ) -> None:
        self._page = page
        self._spool = spool
        self._words = words
        self._fold = fold
        self._only_bad = only_bad
        self._commentary = Commentary(words, tells_each=not only_bad)
        # The title of a folded part is no place for colours.
        self._titles = Wording(Look(is_unicode=words.look.is_unicode), words.level)
        self._logs: dict[str, Log] = {}
        self._streams: dict[tuple[str, Stream], Shown] = {}
        self._bad: list[Block] = []
        self._started: set[str] = set()

    def tell(self, event: Event) -> None:
        """Keep output, write a block when a node ends, and all that waited when the run does."""
        match event:
            case TaskOutput():
                self._log(event.task).add(self._stream(event.task, event.stream).feed(event.data))
            case TaskRetried():
                self._end_lines(event.task)
                self._log(event.task).add(INDENT * (self._fold is None) + as_bytes([self._words.retried(event)]))
                self._commentary.tally.take(event)
            case TaskStarted():
                self._started.add(event.task)
                self._write(as_bytes(self._commentary.lines(event)))
            case TaskEnded():
                self._ended(event)
            case RunEnded():
                self.close(event.time)
                self._write(as_bytes(self._commentary.lines(event)))
            case _:
                self._write(as_bytes(self._commentary.lines(event)))

    def close(self, time: float = 0.0) -> None:
        """Write what waits: unfinished ones first, then failed ones, and last the one that failed first.

        *Why*: who reads a log from its end then meets the first failure first.
        """
        for task in list(self._logs):
            self._end_lines(task)
            self._write_log(self._logs.pop(task), task)
        blocks = [*self._bad[1:], *self._bad[:1]]
        self._bad = []
        for block in blocks:
            self._write(as_bytes([self._words.ended(block.ended)]))
            self._write_log(block.log, block.ended.task)

    def _ended(self, event: TaskEnded) -> None:
        self._end_lines(event.task)
        log = self._logs.pop(event.task, None)
        lines = as_bytes(self._commentary.lines(event))
        if is_bad(event) and not event.is_allowed:
            self._write(lines)
            # Without a word of its own it is told where the others are only if it was not told now.
            if log is not None or not lines:
                self._bad.append(Block(ended=event, log=log or self._spool.log(0)))
        elif log is None or self._only_bad:
            self._write(lines)
            if log is not None:
                log.drop()
        elif self._fold is None:
            self._write(lines or as_bytes([self._words.ended(event)]))
            self._write_log(log, event.task)
        else:
            self._page.write(self._fold.open(self._titles.ended(event), event.time))
            self._write_log(log, event.task)
            self._page.write(self._fold.close(event.time))

    def _log(self, task: str) -> Log:
        log = self._logs.get(task)
        if log is None:
            log = self._logs[task] = self._spool.log()
        return log

    def _stream(self, task: str, stream: Stream) -> Shown:
        shown = self._streams.get((task, stream))
        if shown is None:
            indent = INDENT if self._fold is None else b""
            shown = self._streams[task, stream] = Shown(indent, indent, self._words.look.has_colour)
        return shown

    def _end_lines(self, task: str) -> None:
        streams: tuple[Stream, Stream] = ("stdout", "stderr")
        for stream in streams:
            shown = self._streams.pop((task, stream), None)
            if shown is not None:
                self._log(task).add(shown.end())

    def _write(self, lines: bytes) -> None:
        """Write whole lines, so that nothing in them commands the CI system."""
        if lines:
            self._page.write(lines if self._fold is None else self._fold.fence(lines))

    def _write_log(self, log: Log, task: str) -> None:
        """What a node wrote. Only of one that was started here a CI system may take commands."""
        write = self._page.write if task in self._started else self._write
        carry = b""
        while data := log.take():
            end = data.rfind(b"\n") + 1
            write(carry + data[:end])
            carry = data[end:]
        write(carry)
        if log.lost_bytes:
            self._write(f"  ({log.lost_bytes} more bytes are lost: no room for temporary files)\n".encode())
