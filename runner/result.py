"""What crosses the seams: an action to an executor, an outcome back; what a store keeps of it."""

from __future__ import annotations

from runner.noun import noun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Literal

    Status = Literal["ran", "fresh", "restored", "skipped", "failed", "timed_out", "cancelled"]
    Stream = Literal["stdout", "stderr"]
    Kind = Literal["file", "link", "folder"]
    # Takes every byte a task writes, as it comes.
    Sink = Callable[[Stream, bytes], None]


@noun
class Action:
    """What an executor needs to run one command, and no more.

    *Units*: `timeout_s` in seconds from the start of the command. `cwd` is an absolute folder; `argv[0]` is looked up
    in the `PATH` of its environment: `env`, which many actions share, and what `own` says over that. `owns_terminal`
    hands the terminal over; otherwise standard input is empty.
    """

    task: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str
    own: Mapping[str, str] = {}
    timeout_s: float | None = None
    owns_terminal: bool = False
    detach: bool = False


@noun
class Outcome:
    """What became of a command.

    *Units*: `exit_code` is None where a signal ended it, `signal` is its number; `cpu_s` is user and system time of the
    command and all that it waited for; `max_rss_bytes` the largest of them; `left` names what it left running.
    """

    exit_code: int | None = None
    signal: int | None = None
    duration_s: float = 0.0
    cpu_s: float | None = None
    max_rss_bytes: int | None = None
    timed_out: bool = False
    cancelled: bool = False
    left: tuple[str, ...] = ()
    trouble: str | None = None

    @property
    def is_good(self) -> bool:
        """True if the command ended with 0, by itself and in time."""
        return self.exit_code == 0 and not self.timed_out and not self.cancelled and self.trouble is None


@noun
class Made:
    """One output as it was recorded; its path is relative to the root.

    *Units*: `size_bytes` of a file's content. `digest` is that of a file's content; a link has its text in `target`
    instead, a folder (recorded only where it is empty) neither.
    """

    path: str
    kind: Kind = "file"
    digest: str = ""
    size_bytes: int = 0
    is_executable: bool = False
    target: str = ""


@noun
class Record:
    """What a store keeps of one result: all that brings it back, and what tells where it came from.

    *Units*: `made_at` in seconds since the epoch, `duration_s` in seconds. `log` is the digest of all that the task
    wrote, in the order in which it did ("" where that was nothing or was not kept). `parts` are the ingredients of the
    key, labels and values; of variables that may be secret the name alone. `by` says who made it, and where.
    """

    key: str
    task: str
    exit_code: int = 0
    outputs: tuple[Made, ...] = ()
    log: str = ""
    log_bytes: int = 0
    parts: tuple[tuple[str, str], ...] = ()
    run: str = ""
    by: str = ""
    made_at: float = 0.0
    duration_s: float = 0.0


FAILED_STATUSES = ("failed", "timed_out", "cancelled")


def ending(outcome: Outcome) -> str:
    """How a command ended, in two words."""
    if outcome.timed_out:
        return "timed out"
    if outcome.signal is not None:
        return f"signal {outcome.signal}"
    return f"exit {outcome.exit_code}"
