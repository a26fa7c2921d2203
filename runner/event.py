"""Every fact worth telling, as data: the union behind `--json`."""

from __future__ import annotations

from runner.noun import noun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from runner.result import Status, Stream

# How a warning begins that only says why nothing happens for a while.
WAITS: Final = "waits for"


@noun
class RunStarted:
    """A run began. *Units*: `time` in all events is seconds since the epoch."""

    time: float
    run: str
    targets: tuple[str, ...]
    jobs: int
    profiles: tuple[str, ...]
    root: str
    total: int


@noun
class TaskPlanned:
    """A node is part of the run; with `--plan`, what would become of it."""

    time: float
    task: str
    would: str | None = None
    reasons: tuple[str, ...] = ()


@noun
class TaskReady:
    """All that a node needs is done."""

    time: float
    task: str


@noun
class TaskStarted:
    """A command of a node was started."""

    time: float
    task: str
    command: str
    attempt: int = 1
    owns_terminal: bool = False


@noun
class TaskOutput:
    """Some bytes that a node wrote."""

    time: float
    task: str
    stream: Stream
    data: bytes


@noun
class TaskRetried:
    """An attempt failed and another one follows. *Units*: `delay_s` seconds until then."""

    time: float
    task: str
    attempt: int
    of: int
    delay_s: float
    why: str


@noun
class TaskEnded:
    """A node came to its end: exactly one for each node of a run."""

    time: float
    task: str
    status: Status
    reasons: tuple[str, ...] = ()
    key: str | None = None
    exit_code: int | None = None
    signal: int | None = None
    duration_s: float = 0.0
    cpu_s: float | None = None
    max_rss_bytes: int | None = None
    outputs: tuple[str, ...] = ()
    is_allowed: bool = False
    has_command: bool = True


@noun
class Warned:
    """Something that a person should know and that does not change the outcome."""

    time: float
    message: str
    task: str | None = None


@noun
class RunEnded:
    """The run is over. *Units*: `saved_s` and `duration_s` in seconds."""

    time: float
    exit_code: int
    counts: Mapping[str, int]
    critical_path: tuple[str, ...]
    saved_s: float
    duration_s: float


if TYPE_CHECKING:
    Event = (
        RunStarted | TaskPlanned | TaskReady | TaskStarted | TaskOutput | TaskRetried | TaskEnded | Warned | RunEnded
    )
