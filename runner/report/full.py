"""The full way: the bytes of tasks as they come, each stream to its own."""

from __future__ import annotations

from runner.event import RunEnded, TaskEnded, TaskOutput, TaskRetried, TaskStarted
from runner.report.clean import Shown
from runner.report.commentary import Commentary, as_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.event import Event
    from runner.report import Page
    from runner.report.ci import Fold
    from runner.report.wording import Wording
    from runner.result import Stream


class Full:
    """Raw bytes without a prefix; trun's own lines go to standard error.

    In CI (`fold` is given) the log of a node that was not started here is cleaned and fenced: nobody here wrote it.
    """

    def __init__(self, out: Page, err: Page, words: Wording, fold: Fold | None = None) -> None:
        self._pages: dict[Stream, Page] = {"stdout": out, "stderr": err}
        self._words = words
        self._fold = fold
        self._commentary = Commentary(words)
        self._started: set[str] = set()
        self._replayed: dict[tuple[str, Stream], Shown] = {}
        # On one terminal a line of trun would go on where a task's unfinished line stopped.
        self._meet = words.look.is_terminal or out is err
        self._is_unfinished: dict[Stream, bool] = {"stdout": False, "stderr": False}

    def tell(self, event: Event) -> None:
        """Write the bytes, or what trun has to say."""
        match event:
            case TaskOutput():
                self._output(event)
                return
            case TaskStarted():
                self._started.add(event.task)
            case TaskEnded() | TaskRetried():
                self._end(event.task)
            case RunEnded():
                self.close()
            case _:
                pass
        self._say(as_bytes(self._commentary.lines(event)))

    def close(self) -> None:
        """Write the lines that nothing ended."""
        for task in {task for task, _ in self._replayed}:
            self._end(task)

    def _output(self, event: TaskOutput) -> None:
        if self._fold is None or event.task in self._started:
            self._pages[event.stream].write(event.data)
            if event.data:
                self._is_unfinished[event.stream] = not event.data.endswith(b"\n")
            return
        shown = self._replayed.setdefault((event.task, event.stream), Shown(b"", b"", self._words.look.has_colour))
        self._pages[event.stream].write(self._fold.fence(shown.feed(event.data)))

    def _end(self, task: str) -> None:
        self._started.discard(task)
        streams: tuple[Stream, Stream] = ("stdout", "stderr")
        for stream in streams:
            shown = self._replayed.pop((task, stream), None)
            if shown is not None and self._fold is not None:
                self._pages[stream].write(self._fold.fence(shown.end()))

    def _say(self, lines: bytes) -> None:
        if not lines:
            return
        if self._is_unfinished["stderr"] or (self._meet and self._is_unfinished["stdout"]):
            lines = b"\n" + lines
            self._is_unfinished = {"stdout": False, "stderr": False}
        self._pages["stderr"].write(lines)
