"""One command as if nobody stood between: its bytes as they come, and a word of trun only where it is needed."""

from __future__ import annotations

from runner.event import WAITS, TaskEnded, TaskOutput, TaskPlanned, TaskStarted, Warned
from runner.report.wording import duration, one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from runner.event import Event
    from runner.report import Page
    from runner.result import Stream

WOULD: Final = {"restore": "would be replayed", "run": "would run"}


class Raw:
    """The bytes of each stream to its own. On standard error trun says what went wrong; more with `-v`, less with `-q`.

    *Units*: `level` is 0, above for each `-v`, below for each `-q`.
    """

    def __init__(self, out: Page, err: Page, level: int) -> None:
        self._pages: dict[Stream, Page] = {"stdout": out, "stderr": err}
        self._level = level
        self._has_started = False

    def tell(self, event: Event) -> None:
        """Write the bytes, or what trun has to say."""
        if isinstance(event, TaskOutput):
            self._pages[event.stream].write(event.data)
        elif isinstance(event, TaskPlanned) and event.would is not None:
            self._say("stdout", f"{WOULD.get(event.would, event.would)}: {'; '.join(event.reasons)}")
        else:
            for line in self._lines(event):
                self._say("stderr", line)

    def close(self) -> None:
        """Nothing is held back."""

    def _say(self, stream: Stream, line: str) -> None:
        self._pages[stream].write(one_line(line).encode("utf-8", "surrogateescape") + b"\n")

    def _lines(self, event: Event) -> Iterator[str]:
        match event:
            case Warned() if self._level >= (1 if event.message.startswith(WAITS) else 0):
                yield f"warning: {event.message}"
            case TaskStarted():
                self._has_started = True
                if self._level > 0:
                    yield f"trun: runs `{event.command}`"
            case TaskEnded():
                yield from self._end(event)
            case _:
                pass

    def _end(self, event: TaskEnded) -> Iterator[str]:
        if event.status == "timed_out":
            yield f"error: the command took longer than {duration(event.duration_s)}, and was ended"
        elif event.status == "failed":
            # A command that plainly fails says so itself.
            yield from (f"error: {reason}" for reason in event.reasons)
        if self._level > 0:
            how = "ran in" if self._has_started else "replayed in"
            why = "; ".join(event.reasons) if event.status in ("ran", "restored") else event.status
            yield f"trun: {how} {duration(event.duration_s)}: {why}"
