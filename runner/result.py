"""What crosses the seams: an action to an executor, an outcome back."""

from __future__ import annotations

from runner.noun import noun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Literal

    Status = Literal["ran", "fresh", "restored", "skipped", "failed", "timed_out", "cancelled"]
    Stream = Literal["stdout", "stderr"]
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


FAILED_STATUSES = ("failed", "timed_out", "cancelled")


def ending(outcome: Outcome) -> str:
    """How a command ended, in two words."""
    if outcome.timed_out:
        return "timed out"
    if outcome.signal is not None:
        return f"signal {outcome.signal}"
    return f"exit {outcome.exit_code}"
