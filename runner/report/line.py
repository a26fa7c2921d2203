"""The prefixed way: every line of every task as it comes, with the name of the task before it."""

from __future__ import annotations

from runner.event import RunEnded, TaskEnded, TaskOutput, TaskRetried, TaskStarted
from runner.noun import replace
from runner.report.commentary import Commentary, as_bytes
from runner.report.width import clip_middle, columns, pad
from runner.report.wording import one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.event import Event
    from runner.report import Page
    from runner.report.clean import Shown
    from runner.report.wording import Wording
    from runner.result import Stream

# Names up to this width stand in one column; a longer one stands out and moves nobody. Above the other it is shortened.
PADDED_COLUMNS = 20
NAME_COLUMNS = 40


class Lines:
    """Prefixed lines: standard output and standard error of all tasks go to one page, whole lines only."""

    def __init__(self, page: Page, words: Wording) -> None:
        self._page = page
        self._words = words
        self._commentary = Commentary(words)
        self._streams: dict[str, dict[Stream, Shown]] = {}
        self._width = 0

    def tell(self, event: Event) -> None:
        """Write what the event completes."""
        match event:
            case TaskOutput():
                self._page.write(self._stream(event.task, event.stream).feed(event.data))
            case TaskStarted():
                self._make_room(event.task)
                if self._commentary.lines(event):
                    prefix = self._prefix(event.task, "bar")
                    for line in event.command.split("\n"):
                        shown = self._words.started(replace(event, command=line))
                        self._page.write(prefix + as_bytes([shown]))
            case TaskEnded() | TaskRetried():
                rest = self._rest(event.task)
                self._page.write(rest + as_bytes(self._commentary.lines(event)))
            case RunEnded():
                self.close()
                self._page.write(as_bytes(self._commentary.lines(event)))
            case _:
                self._page.write(as_bytes(self._commentary.lines(event)))

    def close(self) -> None:
        """Write the lines that nothing ended."""
        for task in list(self._streams):
            self._page.write(self._rest(task))

    def _rest(self, task: str) -> bytes:
        return b"".join([shown.end() for shown in self._streams.pop(task, {}).values()])

    def _stream(self, task: str, stream: Stream) -> Shown:
        streams = self._streams.get(task)
        if streams is None:
            self._make_room(task)
            streams = self._streams[task] = {}
        shown = streams.get(stream)
        if shown is None:
            from runner.report.clean import Shown

            has_colour = self._words.look.has_colour
            shown = streams[stream] = Shown(self._prefix(task, "bar"), self._prefix(task, "more"), has_colour)
        return shown

    def _make_room(self, task: str) -> None:
        """Widen the column of names for a long name, also for the tasks that run already."""
        width = columns(self._name(task))
        if self._width < width <= PADDED_COLUMNS:
            self._width = width
            for other, streams in self._streams.items():
                for shown in streams.values():
                    shown.prefix, shown.more = self._prefix(other, "bar"), self._prefix(other, "more")

    def _name(self, task: str) -> str:
        return clip_middle(one_line(task), NAME_COLUMNS, self._words.look.is_unicode)

    def _prefix(self, task: str, sign: str) -> bytes:
        name = self._words.paint.name(task, pad(self._name(task), self._width))
        bar = self._words.paint.as_("quiet", self._words.signs[sign])
        return f"{name} {bar} ".encode("utf-8", "surrogateescape")
