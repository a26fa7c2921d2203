"""`--why`: why each is fresh, would be restored, or would run; every ingredient that changed, old and new."""

from __future__ import annotations

from runner.forecast import foreseen
from runner.key import UNSET, reason
from runner.report.wording import duration, one_line
from runner.settle import LOCKED

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
# Of what two long values have in common, so much is shown before they part.
COMMON_CHARS: Final = 40
# What the values of inputs begin with.
KINDS: Final = {"f": "file", "x": "executable file"}
# Where what is known of a node comes from, if not from a run.
TAKEN: Final = {"lock": "taken from `tasks.lock`", "accepted": "accepted as it lay there"}
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
            yield from both(changed.pop(text))
    for text, change in changed.items():
        yield f"  {one_line(text)}"
        yield from both(change)
    yield from _origin(verdict)


def both(change: Change) -> Iterator[str]:
    """A line each for what an ingredient was and what it is, as far as it was and is there."""
    told = {
        label: one_line(UNSET if value == UNSET else _plain(change.label, value) or "")
        for label, value in (("old", change.old), ("new", change.new))
        if value is not None
    }
    start = _parting(*told.values()) if len(told) == 2 else 0
    for label, text in told.items():
        yield f"    {label}  {_cut(text, start)}".rstrip()


def _parting(old: str, new: str) -> int:
    """Where to begin to show two values, so that what differs is seen."""
    if max(len(old), len(new)) <= VALUE_CHARS_AT_MOST:
        return 0
    same = next((at for at, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), None)
    same = min(len(old), len(new)) if same is None else same
    return max(0, same - COMMON_CHARS) if same > VALUE_CHARS_AT_MOST - COMMON_CHARS else 0


def _cut(text: str, start: int) -> str:
    text = f"…{text[start:]}" if start else text
    return text if len(text) <= VALUE_CHARS_AT_MOST else text[: VALUE_CHARS_AT_MOST - 1] + "…"


def _plain(label: str, value: str | None) -> str | None:
    """A value as it was said. What is kept marks what is set, and how long each text of several is."""
    if value is None or value == UNSET:
        return None
    if label.startswith("input "):
        return _content(value)
    if label == "shell":
        return value.replace("\0", " ")
    texts = _texts(value)
    if texts is not None:
        return f"[{', '.join(_plain('', text) or '' for text in texts)}]"
    return value.removeprefix("=")


def _content(value: str) -> str:
    """What is kept of an input, in words."""
    kind, _, rest = value.partition(":")
    if kind != "l":
        return f"{KINDS[kind]} {rest}" if kind in KINDS else value
    text, _, target = rest.partition(":")
    return f"link to {text}" + (f", {_content(target)}" if target not in ("", "-") else "")


def _texts(value: str) -> list[str] | None:
    """The texts of which a value is the list, each with its length before it; None for a value that is none."""
    found = []
    while value:
        length, mark, rest = value.partition(":")
        size = int(length) if mark and length.isascii() and length.isdigit() and len(length) < 7 else -1
        if size < 0 or rest[size : size + 1] != ",":
            return None
        found.append(rest[:size])
        value = rest[size + 1 :]
    return found or None


def _origin(verdict: Verdict) -> Iterator[str]:
    """For a hit: which run made it, and when."""
    made = _made(verdict)
    if made is not None:
        from runner.cli.runs import moment

        who = f" by {one_line(made['by'])}" if made["by"] else ""
        yield f"  made in run {one_line(made['run'])}{who}, {moment(made['time'])}, in {duration(made['duration_s'])}"
    last = verdict.last
    if verdict.would == "fresh" and last is not None and last.status in TAKEN and LOCKED not in verdict.reasons:
        from runner.cli.runs import moment

        yield f"  {TAKEN[last.status]}, {moment(last.made_at)}"
    if verdict.key is not None:
        yield f"  key {verdict.key.digest}"


def _made(verdict: Verdict) -> dict[str, Any] | None:
    record, last = verdict.record, verdict.last
    if verdict.would == "restore" and record is not None:
        return {"run": record.run, "by": record.by, "time": record.made_at, "duration_s": record.duration_s}
    if verdict.would == "fresh" and last is not None and last.status in ("ran", "restored"):
        return {"run": last.run, "by": "", "time": last.made_at, "duration_s": last.duration_s}
    return None


def _target(name: str, verdict: Verdict) -> dict[str, Any]:
    return {
        "task": name,
        "would": verdict.would,
        "reasons": list(verdict.reasons),
        "key": verdict.key.digest if verdict.key is not None else None,
        "changes": [
            {
                "what": change.label,
                "old": _plain(change.label, change.old),
                "new": _plain(change.label, change.new),
            }
            for change in verdict.changes
        ],
        "made": _made(verdict),
    }
