"""What is told of a run at its beginning and at its end, whichever way it goes."""

from __future__ import annotations

from runner.error import EXIT_DONE, EXIT_TASK_FAILED
from runner.event import RunEnded, RunStarted, TaskPlanned
from runner.noun import noun
from runner.plan import NEEDED
from runner.result import FAILED_STATUSES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.compose import Kept
    from runner.event import Event, TaskEnded
    from runner.expand import Expansion
    from runner.graph import Graph
    from runner.request import Ambient, Request
    from runner.select import Selection


@noun
class Ended:
    """What came of a run: the exit code, and the signal that it was ended by.

    *Units*: `patience_s` bounds the wait for somebody who does not read what is still to be told; None for ever.
    """

    exit_code: int
    signal: int | None = None
    patience_s: float | None = None


@noun
class Case:
    """What was asked, what of the project that is about, and in which world."""

    request: Request
    expansion: Expansion
    selection: Selection
    ambient: Ambient


def jobs(case: Case) -> int:
    """How many job slots the run has."""
    return case.request.jobs or case.expansion.project.settings.jobs or case.ambient.cpus


def opening(case: Case, kept: Kept) -> Iterator[Event]:
    """That the run began, and which nodes are in it."""
    graph, project = case.selection.graph, case.expansion.project
    yield RunStarted(
        time=kept.begun,
        run=kept.run,
        targets=case.selection.wanted,
        jobs=jobs(case),
        profiles=project.profiles,
        root=project.root,
        total=len(graph.nodes),
    )
    for name in graph.order:
        yield TaskPlanned(time=kept.begun, task=name)


def closing(graph: Graph, ended: Mapping[str, TaskEnded], kept: Kept, exit_code: int, saved_s: float) -> RunEnded:
    """How the run ended."""
    counts: dict[str, int] = {}
    for event in ended.values():
        counts[event.status] = counts.get(event.status, 0) + 1
    now = kept.clock()
    return RunEnded(
        time=now,
        exit_code=exit_code,
        counts=counts,
        critical_path=critical_path(graph, {name: event.duration_s for name, event in ended.items()}),
        saved_s=saved_s,
        duration_s=now - kept.begun,
    )


def own_exit(event: TaskEnded) -> int:
    """The exit code of a single command as its own, and 128+n where the signal n ended it.

    What went wrong around a command that was content is a failure all the same.
    """
    if event.signal is not None and event.status != "timed_out":
        return 128 + event.signal
    if event.status in FAILED_STATUSES or event.status == "skipped":
        return event.exit_code or EXIT_TASK_FAILED
    return event.exit_code or EXIT_DONE


def critical_path(graph: Graph, durations_s: dict[str, float]) -> tuple[str, ...]:
    """The chain of nodes that took longest, the first one first."""
    total: dict[str, float] = {}
    before: dict[str, str | None] = {}
    for name in graph.order:
        needs = [edge.to for edge in graph.edges[name] if edge.kind in NEEDED]
        longest = max(needs, key=lambda other: total[other], default=None)
        before[name] = longest
        total[name] = durations_s.get(name, 0.0) + (total[longest] if longest is not None else 0.0)
    path: list[str] = []
    last = max(total, key=lambda other: total[other], default=None)
    while last is not None:
        if durations_s.get(last, 0.0) > 0:
            path.append(last)
        last = before[last]
    return tuple(reversed(path))
