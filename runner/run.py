"""A request to an exit code: what is wanted is judged, built if need be, told, and judged again."""

from __future__ import annotations

import os

from runner.bringing import Bringing
from runner.check import refuse_unset
from runner.compose import by, kept, reporter
from runner.error import EXIT_DONE, Problem, Refusal, refuse
from runner.event import TaskEnded, TaskOutput, TaskPlanned, TaskReady, Warned
from runner.forecast import foreseen
from runner.leavings import clear, leftover, vanished
from runner.outputs import Origin, Outputs
from runner.sealing import seal
from runner.telling import Case, Ended, closing, opening
from runner.template import render
from runner.variables import STACK, stacked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runner.compose import Kept
    from runner.expand import Expansion
    from runner.forecast import WithLoop
    from runner.report.several import Several
    from runner.request import Ambient
    from runner.select import Selection
    from runner.settle import Asks


def run(case: Case) -> Ended:
    """Run what was selected, telling it as asked. *Raises*: Refusal before anything has run."""
    _refuse_gaps(case.expansion, case.selection)
    refuse_unset(case.expansion, case.selection.graph)
    _refuse_nesting(case.expansion, case.selection, case.ambient)
    declined = _declined(case)
    keeping = kept(case.request, case.selection, case.expansion, case.ambient)
    telling = reporter(case.request, case.expansion.project, case.ambient, keeping.recorded)
    patience_s: float | None = None
    try:
        _remove_leavings(case, keeping, telling)
        if not declined and _is_done(case, keeping, telling):
            return _told_done(case, keeping, telling)
        from runner.drive import drive

        ended = drive(case, declined, telling, keeping)
        patience_s = ended.patience_s
        return ended
    finally:
        telling.close()
        telling.drain(patience_s)
        keeping.tidy(case.expansion.project.cache, case.ambient.environ)


def _is_done(case: Case, keeping: Kept, telling: Several) -> bool:
    """Whether nothing is left to do, perhaps once what can be restored was."""
    sweep, wanted = keeping.sweep, case.selection.wanted
    if sweep.run(wanted):
        return True
    if not sweep.only_restores:
        return False

    def warn(message: str, task: str | None) -> None:
        telling.tell(Warned(time=keeping.begun, message=message, task=task))

    outputs = Outputs(keeping.settle, case.expansion.project.root, Origin(run=keeping.run, by=by(case.ambient)), warn)
    return sweep.run(wanted, Bringing(outputs, keeping.folder, keeping.run).bring)


def _remove_leavings(case: Case, keeping: Kept, telling: Several) -> None:
    """What vanished tasks have left behind, unchanged, goes before anything reads it."""
    sources = keeping.settle.sources
    gone = vanished(sources.ledger, case.expansion.project)
    if gone:
        left = leftover(sources.ledger, sources.producers, gone, lambda: _named(case.expansion))
        removed = clear(sources.tree, sources.ledger, left)
        if removed.paths:
            files = f"`{removed.paths[0]}`" + (f" and {len(removed.paths) - 1} more" if len(removed.paths) > 1 else "")
            message = f"removed {files}, left behind by what is no longer declared: {', '.join(gone)}"
            telling.tell(Warned(time=keeping.begun, message=message))


def _named(expansion: Expansion) -> set[str]:
    """The files that some task reads by their names."""
    nodes = map(expansion.outline, expansion.project.tasks.values())
    return {
        spelling.base
        for node in nodes
        for glob in node.inputs.globs
        for spelling in glob.spellings
        if spelling.is_named
    }


def _told_done(case: Case, keeping: Kept, telling: Several) -> Ended:
    """Nothing has to be done: that is told, and it needs no loop."""
    graph, settle, sweep = case.selection.graph, keeping.settle, keeping.sweep
    for outlet in telling.outlets:
        outlet.heard = b""
    for event in opening(case, keeping):
        telling.tell(event)
    ended: dict[str, TaskEnded] = {}
    saved_s = 0.0
    for name in graph.order:
        telling.tell(TaskReady(time=keeping.begun, task=name))
        brought = sweep.brought.get(name)
        if brought is not None:
            saved_s += brought.record.duration_s
            for stream, data in brought.written:
                telling.tell(TaskOutput(time=keeping.begun, task=name, stream=stream, data=data))
        ended[name] = sweep.end(name, keeping.begun)
        telling.tell(ended[name])
        verdict = settle.verdicts.get(name)
        saved_s += verdict.last.duration_s if verdict is not None and verdict.last is not None else 0.0
    troubles = keeping.close()
    for trouble in troubles:
        telling.tell(Warned(time=keeping.begun, message=trouble))
    telling.tell(closing(graph, ended, keeping, EXIT_DONE, saved_s))
    telling.close()
    if not sweep.brought and not troubles and not any(outlet.heard for outlet in telling.outlets[1:]):
        seal(case, keeping, telling.outlets[0].heard or b"")
    return Ended(exit_code=EXIT_DONE)


def _refuse_gaps(expansion: Expansion, selection: Selection) -> None:
    """What was left out must have been made before."""
    root = expansion.project.root
    used = {edge.to for edges in selection.graph.edges.values() for edge in edges}
    problems = []
    for node in selection.left_out:
        for output in node.outputs:
            path = output.base
            if not os.path.lexists(os.path.join(root, path)):
                message = f"`{output.text}` is missing, and `{node.name}`, which makes it, is left out of this run"
                problems.append(Problem(message=message, hint=f"run `trun {node.name}` first"))
    if problems and (used or selection.graph.nodes):
        raise Refusal(*problems)


def _refuse_nesting(expansion: Expansion, selection: Selection, ambient: Ambient) -> None:
    """A task that runs trun on what it is itself a part of would wait for itself, or never end."""
    above = ambient.environ.get(STACK, "").split("\n")
    wanted = selection.graph.needed(selection.wanted)
    for name in selection.graph.order:
        if name in wanted and stacked(expansion.project.root, name) in above:
            raise refuse(f"task `{name}` is running already, and this trun was started by it")


def _declined(case: Case) -> dict[str, str]:
    """The nodes that somebody said no to, and those that only they need, each with the reason.

    *Raises*: Refusal where nobody can be asked.
    """
    request, selection, ambient, manifest = case.request, case.selection, case.ambient, case.expansion.manifest
    wanted = selection.graph.needed(selection.wanted)
    asking = [name for name in selection.graph.order if name in wanted and selection.graph.nodes[name].task.confirm]
    asking = [name for name in asking if name not in selection.graph.skipped]
    if request.yes or not asking:
        return {}
    if ambient.ask is None:
        hint = "`--yes` answers, where no terminal is there to ask on"
        nodes = selection.graph.nodes
        places = [manifest.value(*nodes[name].task.path, "confirm") for name in asking]
        messages = [f"task `{name}` asks before it runs" for name in asking]
        problems = zip(messages, places, strict=True)
        raise Refusal(*(Problem(message=message, place=place, hint=hint) for message, place in problems))
    declined = {}
    for name in asking:
        node = selection.graph.nodes[name]
        question = render(node.task.confirm or "", node.words)
        if ambient.ask(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
            declined[name] = "declined"
    if declined:
        left = selection.graph.reached(
            selection.wanted,
            lambda name: () if name in declined else (edge.to for edge in selection.graph.edges[name]),
        )
        declined |= {name: f"only what was declined needs it: {', '.join(declined)}" for name in wanted - left}
    return declined


def plan(case: Case) -> Ended:
    """Say what would run and why, and run nothing but what has to be asked for that."""
    _refuse_gaps(case.expansion, case.selection)
    refuse_unset(case.expansion, case.selection.graph)
    keeping = kept(case.request, case.selection, case.expansion, case.ambient)
    _foresee_leavings(case, keeping)
    verdicts = foreseen(case.selection.graph, keeping.settle, with_loop(case, keeping))
    telling = reporter(case.request, case.expansion.project, case.ambient, None)
    try:
        for name, verdict in verdicts.items():
            telling.tell(TaskPlanned(time=keeping.begun, task=name, would=verdict.would, reasons=verdict.reasons))
    finally:
        keeping.close()
        telling.close()
        telling.drain()
    return Ended(exit_code=EXIT_DONE)


def _foresee_leavings(case: Case, keeping: Kept) -> None:
    """The tree is seen without what a run would remove first."""
    sources = keeping.settle.sources
    gone = vanished(sources.ledger, case.expansion.project)
    for _, last in leftover(sources.ledger, sources.producers, gone, lambda: _named(case.expansion)):
        for made in last.outputs:
            seen = sources.tree.seen(made.path)
            if seen is not None and seen.made == made:
                keeping.settle.foresee_gone(made.path)


def with_loop(case: Case, keeping: Kept) -> WithLoop:
    """Gives work something that can ask commands, and waits for its end."""

    def call(work: Callable[[Asks], Awaitable[None]]) -> None:
        from runner.drive import asking

        asking(case, keeping, work)

    return call
