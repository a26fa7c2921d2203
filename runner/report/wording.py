"""The words for what became of a task: one line each, the same in every way of telling."""

from __future__ import annotations

from runner.error import plain
from runner.report.paint import Paint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.event import TaskEnded, TaskRetried, TaskStarted, Warned
    from runner.report import Look

UNICODE_SIGNS = {
    "good": "✓",
    "bad": "✗",
    "quiet": "-",
    "warn": "!",
    "again": "↻",
    "bar": "│",
    "more": "┊",
    "dot": " · ",
    "to": " → ",
}
ASCII_SIGNS = {
    "good": "+",
    "bad": "x",
    "quiet": "-",
    "warn": "!",
    "again": "~",
    "bar": "|",
    "more": ":",
    "dot": ", ",
    "to": " -> ",
}

COMMAND_SHOWN_AT_MOST = 200
# What a task says that always runs: no news on its line.
NOT_CACHED = ("not cached",)


def duration(seconds: float) -> str:
    """A span of time as people say it."""
    if round(seconds, 1) < 60:
        return f"{max(0.0, seconds):.1f}s"
    minutes, rest_s = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {rest_s:02}s"
    return f"{minutes // 60}h {minutes % 60:02}m"


def memory(size_bytes: int) -> str:
    """An amount of memory as people say it."""
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{max(1, round(size_bytes / 1e6))} MB"


def signal_name(number: int) -> str:
    """`SIGTERM` for 15; `signal 99` for what this platform does not know."""
    from signal import Signals

    try:
        return Signals(number).name
    except ValueError:
        return f"signal {number}"


def one_line(text: str) -> str:
    """The text on one line, with what would drive a terminal spelled out."""
    return plain(text).replace("\n", "\\n")


def how(event: TaskEnded) -> str:
    """What became of a node, without its name and without how long it took: nothing where it plainly ran."""
    match event.status:
        case "ran":
            return ""
        case "failed" if event.signal is not None:
            told = f"killed by {signal_name(event.signal)}"
        case "failed" if event.exit_code:
            told = f"exit {event.exit_code}"
        case "timed_out":
            told = f"timed out after {duration(event.duration_s)}"
        case "fresh" | "restored":
            return event.status
        case _:
            told = event.status
    if event.reasons:
        told += ": " + "; ".join(map(one_line, event.reasons))
    return told + ", allowed" if event.is_allowed and is_bad(event) else told


def is_bad(event: TaskEnded) -> bool:
    """True if the node itself went wrong, be it allowed or not."""
    return event.status in ("failed", "timed_out")


class Wording:
    """Words and signs for one place: in colour or not, in Unicode or ASCII, and as much as was asked for.

    *Units*: `level` is 0, above for each `-v`, below for each `-q`.
    """

    def __init__(self, look: Look, level: int = 0) -> None:
        self.look = look
        self.level = level
        self.paint = Paint(look.has_colour)
        self.signs = UNICODE_SIGNS if look.is_unicode else ASCII_SIGNS

    def sign(self, meaning: str) -> str:
        """The sign for a meaning, in its colour."""
        return self.paint.as_(meaning, self.signs[meaning])

    def meaning(self, event: TaskEnded) -> str:
        """What an end means: good, bad, warn (it was allowed to fail), or quiet (nothing was done)."""
        if is_bad(event):
            return "warn" if event.is_allowed else "bad"
        return "quiet" if event.status in ("skipped", "cancelled") else "good"

    def ended(self, event: TaskEnded) -> str:
        """The line that tells the end of a node."""
        meaning = self.meaning(event)
        told = how(event)
        parts = [f"{self.sign(meaning)} {one_line(event.task)}"]
        if told:
            parts.append(self.paint.as_(meaning, told) if meaning in ("bad", "warn") else told)
        if event.duration_s and event.status in ("ran", "failed", "cancelled"):
            parts.append(self.paint.as_("quiet", duration(event.duration_s)))
        return "  ".join(parts + self._costs(event))

    def _costs(self, event: TaskEnded) -> list[str]:
        """Why it ran or was restored; with `-v` all of why, and processor time and memory."""
        told = []
        if self.level > 0:
            if event.cpu_s is not None:
                told.append(f"cpu {duration(event.cpu_s)}")
            if event.max_rss_bytes:
                told.append(memory(event.max_rss_bytes))
        is_news = self.level > 0 or event.reasons != NOT_CACHED
        if event.reasons and is_news and event.status in ("ran", "fresh", "restored"):
            told.append(f"({self._why(event.reasons)})")
        return [self.paint.as_("quiet", text) for text in told]

    def _why(self, reasons: tuple[str, ...]) -> str:
        if self.level > 0 or len(reasons) == 1:
            return "; ".join(map(one_line, reasons))
        return f"{one_line(reasons[0])}, +{len(reasons) - 1} more"

    def started(self, event: TaskStarted) -> str:
        """With `-v`: the line that tells which command was started."""
        command = one_line(event.command.strip())
        if len(command) > COMMAND_SHOWN_AT_MOST:
            command = command[: COMMAND_SHOWN_AT_MOST - 3] + "..."
        return self.paint.as_("quiet", f"$ {command}")

    def retried(self, event: TaskRetried) -> str:
        """The line that tells that a node gets another attempt."""
        delay = f" in {duration(event.delay_s)}" if event.delay_s else ""
        sign = self.paint.as_("warn", self.signs["again"])
        attempt = f"(attempt {event.attempt + 1} of {event.of})"
        return f"{sign} {one_line(event.task)}  {one_line(event.why)}, again{delay} {attempt}"

    def warned(self, event: Warned) -> str:
        """The line of a warning."""
        about = f"`{one_line(event.task)}`: " if event.task is not None else ""
        return f"{self.paint.as_('warn', 'warning:')} {about}{plain(event.message)}"

    def dotted(self, *parts: str) -> str:
        """The parts that say something, side by side."""
        return self.signs["dot"].join(part for part in parts if part)
