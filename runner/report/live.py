"""A live status at the bottom of the terminal: what runs, for how long, and how far the run is."""

from __future__ import annotations

from runner.event import RunEnded, TaskEnded, TaskOutput, TaskRetried
from runner.report.curtain import Owners
from runner.report.screen import Row
from runner.report.tally import Tally
from runner.report.width import clip, clip_middle, columns, pad
from runner.report.wording import duration, one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.event import Event
    from runner.report import Reporter
    from runner.report.screen import Screen
    from runner.report.wording import Wording

# A run that is over sooner never shows a status.
FIRST_DRAWN_AFTER_S = 0.2
# A little less than the tenth of a second between two ticks, so that none comes too early by a rounding error.
DRAWN_EVERY_S = 0.095
ROWS_AT_MOST = 8
NAME_COLUMNS = 24
# Of a line that is not at its end yet, this much is kept to be shown.
TAIL_BYTES = 400


class Live:
    """Tells another reporter everything, whose lines scroll by above the status.

    *Units*: `now` is the same clock as that of the events.
    """

    def __init__(self, inner: Reporter, screen: Screen, words: Wording) -> None:
        self._inner = inner
        self._screen = screen
        self._words = words
        self._tally = Tally()
        self._owners = Owners()
        self._tails: dict[str, bytes] = {}
        self._drawn_at: float | None = None
        self._is_over = False

    def tell(self, event: Event) -> None:
        """Pass the event on, and draw if it is time to."""
        self._inner.tell(event)
        self._tally.take(event)
        self._owners.take(event)
        match event:
            case TaskOutput():
                self._keep_tail(event)
            case TaskEnded() | TaskRetried():
                self._tails.pop(event.task, None)
            case RunEnded():
                self._is_over = True
            case _:
                pass
        self._update(event.time)

    def tick(self, now: float) -> None:
        """Keep up with the time."""
        self._update(now)

    def pause(self) -> None:
        """Leave nothing of the status on the screen; the next tick draws it again."""
        self._screen.wipe()
        self._drawn_at = None

    def close(self) -> None:
        """Close the other reporter, and leave nothing of the status."""
        self._is_over = True
        self._inner.close()
        self._screen.wipe()

    def _update(self, now: float) -> None:
        if self._owners or self._is_over or not self._tally.total:
            self._drawn_at = None
            self._screen.wipe()
        elif now - self._tally.began < FIRST_DRAWN_AFTER_S and now >= self._tally.began:
            self._screen.wipe()
        elif self._is_due(now) and not self._screen.is_busy:
            self._drawn_at = now
            self._screen.show(self._rows(now))

    def _is_due(self, now: float) -> bool:
        # A clock that was put back makes it due as well.
        return self._drawn_at is None or not 0 <= now - self._drawn_at < DRAWN_EVERY_S

    def _keep_tail(self, event: TaskOutput) -> None:
        """Keep what a task wrote since its last newline: a progress bar, a question, a line of dots."""
        recent = event.data[-4 * TAIL_BYTES :]
        line = recent.rpartition(b"\n")[2]
        if len(line) == len(event.data):
            line = self._tails.get(event.task, b"") + line
        overwritten, _, last = line.rstrip(b"\r").rpartition(b"\r")
        ending = b"\r" if line.endswith(b"\r") else b""
        self._tails[event.task] = (last or overwritten)[-TAIL_BYTES:] + ending

    def _rows(self, now: float) -> Sequence[Row]:
        width, height = self._words.look.size()
        # The last column stays empty: writing there makes some terminals wrap and others not.
        width = max(1, width - 1)
        shown = list(self._tally.running.items())[: max(0, min(ROWS_AT_MOST, height // 3))]
        if not shown:
            return [self._status(now, width)]
        names = min(NAME_COLUMNS, max(columns(one_line(task)) for task, _ in shown))
        return [*(self._task(task, now - since, names, width) for task, since in shown), self._status(now, width)]

    def _task(self, task: str, took_s: float, names: int, width: int) -> Row:
        """One task that runs: its name, its time, and the line that it is writing."""
        is_unicode = self._words.look.is_unicode
        took = _whole(took_s)
        names = max(1, min(names, width - 4 - len(took)))
        name = pad(clip_middle(one_line(task), names, is_unicode), names)
        plain = f"  {name}  {took}"
        if len(took) + 4 > width:
            plain = clip(plain, width, is_unicode)
            return Row(text=plain, width=columns(plain))
        text = f"  {self._words.paint.name(task, name)}  {took}"
        room = width - columns(plain) - 2
        tail = self._tail(task)
        if tail and room >= 8:
            tail = clip(tail, room, is_unicode)
            return Row(text=f"{text}  {self._words.paint.as_('quiet', tail)}", width=columns(plain) + 2 + columns(tail))
        return Row(text=text, width=columns(plain))

    def _tail(self, task: str) -> str:
        data = self._tails.get(task, b"")
        if not data:
            return ""
        from runner.report.clean import cleaned

        # The beginning may be torn out of a character.
        return cleaned(data.rstrip(b"\r")).lstrip("\ufffd").strip().replace("\t", " ")

    def _status(self, now: float, width: int) -> Row:
        """How far the run is, in as many words as fit."""
        tally, paint = self._tally, self._words.paint
        running = len(tally.running)
        waiting = max(0, tally.total - tally.done - running)
        parts = [
            (f"{tally.done}/{tally.total} done", "strong", 0),
            (f"{running} running" if running else "", "", 3),
            (f"{waiting} waiting" if waiting else "", "", 4),
            (f"{tally.bad} failed" if tally.bad else "", "bad", 1),
            (duration(max(0.0, now - tally.began)), "", 2),
        ]
        dot = self._words.signs["dot"]
        for dispensable in (5, 4, 3, 2, 1):
            fitting = [part for part in parts if part[0] and part[2] < dispensable]
            plain = dot.join(text for text, _, _ in fitting)
            if columns(plain) <= width:
                painted = dot.join(paint.as_(meaning, text) if meaning else text for text, meaning, _ in fitting)
                return Row(text=painted, width=columns(plain))
        plain = clip(parts[0][0], width, self._words.look.is_unicode)
        return Row(text=plain, width=columns(plain))


def _whole(seconds: float) -> str:
    """A time that goes on: without tenths, which would only flicker."""
    whole = int(max(0.0, seconds))
    return f"{whole}s" if whole < 60 else duration(whole)
