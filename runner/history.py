"""Earlier runs: what became of their nodes, how long each took, and all that they wrote.

Each run has a folder below `.trun/runs`, named as the run is: `run.json`, and a log for each node that wrote something.
A log is a line that names the node, then frames: the stream's letter, the length as eight hex digits, the bytes.
"""

from __future__ import annotations

import os

from runner.locks import lock
from runner.noun import noun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, BinaryIO, Final, Literal

    from runner.result import Status, Stream

    State = Literal["ended", "unfinished", "running"]

VERSION: Final = 1
DOCUMENT: Final = "run.json"
LOG: Final = "trun log 1 "
LOG_ENDING: Final = ".log"
LETTERS: Final[dict[Stream, bytes]] = {"stdout": b"o", "stderr": b"e"}
STREAMS: Final[dict[bytes, Stream]] = {letter: stream for stream, letter in LETTERS.items()}
HEAD_BYTES: Final = 9
PIECE_BYTES: Final = 1 << 16
DOCUMENT_AT_MOST_BYTES: Final = 1 << 28
# What a node did that had a command to run or a result to bring back.
DID: Final = frozenset({"ran", "restored", "failed", "timed_out", "cancelled"})
NODE_KINDS: Final[dict[str, tuple[type, ...]]] = {
    **dict.fromkeys(("task", "status", "key", "log"), (str,)),
    **dict.fromkeys(("exit_code", "signal", "max_rss_bytes", "log_bytes", "lost_bytes"), (int,)),
    **dict.fromkeys(("ended", "duration_s", "cpu_s"), (int, float)),
    **dict.fromkeys(("is_allowed", "has_command"), (bool,)),
    **dict.fromkeys(("reasons", "started"), (list,)),
}
# So many runs tell how long a task takes.
TELLING_RUNS: Final = 10


@noun
class NodeRun:
    """What became of a node in a run.

    *Units*: `started` are the times of all attempts and `ended` that of the end, in seconds since the epoch. `log` is
    the name of its log in the run's folder, None where it wrote nothing; `lost_bytes` did not find room in it.
    """

    task: str
    status: Status
    reasons: tuple[str, ...] = ()
    key: str | None = None
    exit_code: int | None = None
    signal: int | None = None
    started: tuple[float, ...] = ()
    ended: float = 0.0
    duration_s: float = 0.0
    cpu_s: float | None = None
    max_rss_bytes: int | None = None
    is_allowed: bool = False
    has_command: bool = True
    log: str | None = None
    log_bytes: int = 0
    lost_bytes: int = 0


@noun
class RunSummary:
    """An earlier run. One that was killed is `unfinished`: how it ended and what its nodes did is not known.

    *Units*: `time` of its start in seconds since the epoch.
    """

    run: str
    folder: str
    state: State
    time: float
    targets: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    jobs: int = 0
    exit_code: int | None = None
    counts: Mapping[str, int] = {}
    duration_s: float = 0.0
    saved_s: float = 0.0
    critical_path: tuple[str, ...] = ()
    nodes: tuple[NodeRun, ...] = ()


@noun
class Logged:
    """The last time that a node did something, as far as that is kept; `path` is its log, None where it wrote nothing.

    `ended` is None for a run that did not come to its end.
    """

    task: str
    run: RunSummary
    ended: NodeRun | None = None
    path: str | None = None


def runs_folder(folder: str) -> str:
    """Where runs are kept, below the project's `.trun`."""
    return os.path.join(folder, "runs")


def when(run: str) -> float | None:
    """The time in the name of a run, None for what is no run. *Units*: seconds since the epoch."""
    millis, _, pid = run.partition("-")
    try:
        return int(millis, 16) / 1000 if int(pid, 16) >= 0 and run == run.lower() else None
    except ValueError:
        return None


def kept(folder: str) -> list[str]:
    """The names of the runs that are kept, the newest first."""
    try:
        names = os.listdir(runs_folder(folder))
    except OSError:
        return []
    found = [(time, name) for name in names if (time := when(name)) is not None]
    return [name for _, name in sorted(found, reverse=True)]


def runs(folder: str) -> Iterator[RunSummary]:
    """The runs that are kept below a project's `.trun`, the newest first. What a newer trun wrote is left out."""
    for name in kept(folder):
        found = run_of(folder, name)
        if found is not None:
            yield found


def run_of(folder: str, run: str) -> RunSummary | None:
    """One run, unless there is none, or a newer trun wrote it."""
    path = os.path.join(runs_folder(folder), run)
    if not os.path.isdir(path) or os.path.islink(path):
        return None
    told = _document(os.path.join(path, DOCUMENT))
    if told.get("v", VERSION) != VERSION:
        return None
    try:
        return _summary(run, path, told)
    except (TypeError, ValueError, AttributeError):
        return RunSummary(run=run, folder=path, state="unfinished", time=when(run) or 0.0)


def _document(path: str) -> dict[str, Any]:
    import json

    try:
        with open(path, "rb") as file:
            told = json.loads(file.read(DOCUMENT_AT_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _summary(run: str, path: str, told: dict[str, Any]) -> RunSummary:
    is_over = "exit_code" in told
    return RunSummary(
        run=run,
        folder=path,
        state="ended" if is_over else "running" if is_running(path) else "unfinished",
        time=float(told.get("time", when(run) or 0.0)),
        targets=tuple(map(str, told.get("targets", ()))),
        profiles=tuple(map(str, told.get("profiles", ()))),
        jobs=int(told.get("jobs", 0)),
        exit_code=int(told["exit_code"]) if is_over else None,
        counts={str(name): int(count) for name, count in told.get("counts", {}).items()},
        duration_s=float(told.get("duration_s", 0.0)),
        saved_s=float(told.get("saved_s", 0.0)),
        critical_path=tuple(map(str, told.get("critical_path", ()))),
        nodes=tuple(map(_node, told.get("nodes", ()))),
    )


def _node(told: dict[str, Any]) -> NodeRun:
    """*Raises*: TypeError where it does not say which node, or what became of it."""
    known: dict[str, Any] = {}
    for name, value in told.items():
        if isinstance(value, NODE_KINDS.get(name, ())):
            known[name] = tuple(value) if isinstance(value, list) else value
    if os.path.basename(known.get("log", "")) != known.get("log", ""):
        del known["log"]
    return NodeRun(**known)


def is_running(path: str) -> bool:
    """Whether a process still writes to a run's folder. Where nothing can be locked, none is known of."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return lock(fd, is_shared=True, waits=False) is False
    except OSError:
        return False
    finally:
        os.close(fd)


def is_of(node: str, task: str) -> bool:
    """Whether a node is that of a task, or an instance of it, with whatever arguments."""
    return node == task or node.startswith((f"{task}[", f"{task}{{"))


def last_logs(folder: str, task: str) -> list[Logged]:
    """The last log of each node of a task, in the order in which they ended; with a node's name, of that one."""
    found: dict[str, Logged] = {}
    for run in runs(folder):
        told = [logged for logged in logs(run) if is_of(logged.task, task) and logged.task not in found]
        found.update({logged.task: logged for logged in told})
        if task in found:
            break
    return list(found.values())


def last_log(folder: str, node: str) -> Logged | None:
    """The last time that a node did something, None where that is not known any more."""
    for run in runs(folder):
        for logged in logs(run):
            if logged.task == node:
                return logged
    return None


def logs(run: RunSummary) -> Iterator[Logged]:
    """The nodes that did something in a run, each with its log; in one that did not end, those that wrote something."""
    if run.state == "ended":
        for node in run.nodes:
            if node.status in DID and node.has_command:
                path = os.path.join(run.folder, node.log) if node.log is not None else None
                yield Logged(task=node.task, run=run, ended=node, path=path)
        return
    try:
        names = [name for name in os.listdir(run.folder) if name.endswith(LOG_ENDING)]
    except OSError:
        return
    for name in sorted(names, key=lambda name: (len(name), name)):
        path = os.path.join(run.folder, name)
        task = node_of(path)
        if task is not None:
            yield Logged(task=task, run=run, path=path)


def durations(folder: str) -> dict[str, float]:
    """How long each node took when it ran the last time, as far as the last runs tell. *Units*: seconds."""
    found: dict[str, float] = {}
    for at, run in enumerate(runs(folder)):
        if at == TELLING_RUNS:
            break
        for node in run.nodes:
            if node.status == "ran" and node.has_command:
                found.setdefault(node.task, node.duration_s)
    return found


def log_head(node: str) -> bytes:
    """The line that a node's log begins with."""
    text = node.replace("\\", "\\\\").replace("\n", "\\n")
    return f"{LOG}{text}\n".encode("utf-8", "surrogateescape")


def node_of(path: str) -> str | None:
    """The node that a log is of, None for what is no log."""
    try:
        with open(path, "rb") as file:
            line = file.readline(PIECE_BYTES).decode("utf-8", "surrogateescape")
    except OSError:
        return None
    if not line.startswith(LOG) or not line.endswith("\n"):
        return None
    return "\\".join(part.replace("\\n", "\n") for part in line[len(LOG) : -1].split("\\\\"))


def frame(stream: Stream, length: int) -> bytes:
    """What stands before so many bytes of a stream."""
    return LETTERS[stream] + b"%08x" % length


def frames(path: str) -> Iterator[tuple[Stream, bytes]]:
    """What a log holds, in the order in which it was written, in pieces that fit into memory. It may end anywhere.

    *Raises*: OSError where it cannot be read.
    """
    with open(path, "rb") as file:
        yield from frames_in(file)


def frames_in(file: BinaryIO) -> Iterator[tuple[Stream, bytes]]:
    """The same of an open log. *Raises*: OSError where it cannot be read."""
    if not file.readline(PIECE_BYTES).startswith(LOG.encode()):
        return
    while len(head := file.read(HEAD_BYTES)) == HEAD_BYTES:
        stream = STREAMS.get(head[:1])
        try:
            left = int(head[1:], 16)
        except ValueError:
            return
        if stream is None:
            return
        while left > 0 and (piece := file.read(min(left, PIECE_BYTES))):
            left -= len(piece)
            yield stream, piece
