"""`--why`: why each is fresh, would be restored, or would run; every ingredient that changed, old and new."""

from __future__ import annotations

from runner.forecast import foreseen
from runner.key import UNSET, reason
from runner.report.wording import duration, one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, Final

    from runner.compose import Kept
    from runner.forecast import WithLoop
    from runner.key import Change
    from runner.settle import Verdict
    from runner.telling import Case

VALUE_CHARS_AT_MOST: Final = 200
WOULD: Final = {
    "run": "would run",
    "restore": "would be restored",
    "fresh": "fresh",
    "skip": "would be skipped",
    "depends": "depends",
}


def why(case: Case, kept: Kept, with_loop: WithLoop) -> str:
    """The answer for the targets, and for what they need that is not fresh: as text, or as one document."""
    verdicts = foreseen(case.selection.graph, kept.settle, with_loop)
    shown = [name for name in verdicts if _is_of_interest(case, name, verdicts)]
    if case.request.json is not None:
        import json

        targets = [_target(name, verdicts[name]) for name in shown]
        return json.dumps({"v": 1, "view": "why", "targets": targets}) + "\n"
    return "".join(line + "\n" for name in shown for line in _told(name, verdicts[name]))


def _is_of_interest(case: Case, name: str, verdicts: Mapping[str, Verdict]) -> bool:
    graph = case.selection.graph
    above = [other for other in case.selection.wanted if not graph.nodes[other].task.steps]
    is_member = any(edge.to == name for other in above for edge in graph.edges[other])
    return name in case.selection.wanted or is_member or verdicts[name].would != "fresh"


def _told(name: str, verdict: Verdict) -> Iterator[str]:
    yield f"{one_line(name)}: {WOULD[verdict.would]}"
    changed = {reason(change): change for change in verdict.changes}
    for text in verdict.reasons:
        yield f"  {one_line(text)}"
        if text in changed:
            yield from _both(changed.pop(text))
    for text, change in changed.items():
        yield f"  {one_line(text)}"
        yield from _both(change)
    yield from _origin(verdict)


def _both(change: Change) -> Iterator[str]:
    for label, value in (("old", change.old), ("new", change.new)):
        if value is not None:
            yield f"    {label}  {_value(value)}"


def _plain(value: str | None) -> str | None:
    """A value as it was said: what is kept marks what is set, so that nothing is not taken for an empty text."""
    return None if value in (None, UNSET) else (value or "").removeprefix("=")


def _value(value: str) -> str:
    plain = _plain(value)
    text = one_line(UNSET if plain is None else plain)
    return text if len(text) <= VALUE_CHARS_AT_MOST else text[: VALUE_CHARS_AT_MOST - 1] + "…"


def _origin(verdict: Verdict) -> Iterator[str]:
    """For a hit: which run made it, and when."""
    made = _made(verdict)
    if made is not None:
        from runner.cli.runs import moment

        who = f" by {one_line(made['by'])}" if made["by"] else ""
        yield f"  made in run {one_line(made['run'])}{who}, {moment(made['time'])}, in {duration(made['duration_s'])}"
    if verdict.key is not None:
        yield f"  key {verdict.key.digest}"


def _made(verdict: Verdict) -> dict[str, Any] | None:
    record, last = verdict.record, verdict.last
    if verdict.would == "restore" and record is not None:
        return {"run": record.run, "by": record.by, "time": record.made_at, "duration_s": record.duration_s}
    if verdict.would == "fresh" and last is not None:
        return {"run": last.run, "by": "", "time": last.made_at, "duration_s": last.duration_s}
    return None


def _target(name: str, verdict: Verdict) -> dict[str, Any]:
    return {
        "task": name,
        "would": verdict.would,
        "reasons": list(verdict.reasons),
        "key": verdict.key.digest if verdict.key is not None else None,
        "changes": [
            {"what": change.label, "old": _plain(change.old), "new": _plain(change.new)} for change in verdict.changes
        ],
        "made": _made(verdict),
    }
