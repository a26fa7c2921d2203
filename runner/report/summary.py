"""The end of a run in a few lines: what failed first, how many ended how, how long it took and why that long."""

from __future__ import annotations

from runner.report.wording import duration, how, one_line, signal_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.event import RunEnded
    from runner.report.tally import Tally
    from runner.report.wording import Wording

ORDER = ("ran", "restored", "fresh", "failed", "timed_out", "allowed", "skipped", "cancelled")
WORDS = {"timed_out": "timed out", "allowed": "failed as allowed"}

# A shorter run needs no explanation of where its time went.
WORTH_EXPLAINING_S = 1.0
NODES_SHOWN_AT_MOST = 6


def summary(tally: Tally, ended: RunEnded, words: Wording, tells_each: bool = True) -> list[str]:
    """The lines to end with; none where all has been said: a run of one command whose end was told.

    `tells_each` is True where the end of each node has its own line above.
    """
    is_good = ended.exit_code == 0
    if words.level < 0 and is_good:
        return []
    if tally.commands == 1 and tally.last is not None and ended.exit_code in (0, 1):
        was_told = tells_each and (tally.last.status != "fresh" or words.level > 0)
        return [] if was_told else [words.ended(tally.last)]
    counts = words.dotted(*_counts(tally, words, is_good), _saved(ended), _took(tally, ended))
    first = _first(tally, ended, words)
    if first:
        return [*first, f"  {counts}"]
    return [f"{words.sign('good' if is_good else 'bad')} {counts}", *_critical_path(tally, ended, words)]


def _first(tally: Tally, ended: RunEnded, words: Wording) -> list[str]:
    """What a person must know before all else."""
    lines = []
    if ended.exit_code > 128:
        lines.append(
            f"{words.sign('bad')} {words.paint.as_('bad', f'interrupted by {signal_name(ended.exit_code - 128)}')}"
        )
    if tally.first_bad is not None:
        lines.append(_first_bad(tally, words))
    if tally.other_bad:
        more = tally.bad - 1 - len(tally.other_bad)
        names = [*map(one_line, tally.other_bad), *([f"and {more} more"] if more else [])]
        lines.append(f"  then {', '.join(names)}")
    return lines


def _first_bad(tally: Tally, words: Wording) -> str:
    event = tally.first_bad
    assert event is not None
    head = words.paint.as_("bad", f"{one_line(event.task)} failed{' first' if tally.bad > 1 else ''}")
    took = f" after {duration(event.duration_s)}" if event.status == "failed" and event.duration_s else ""
    told = "" if how(event) == "failed" else f": {how(event).removeprefix('failed: ')}"
    # What went wrong in a sentence of its own comes last.
    return f"{words.sign('bad')} {head}{took}{told}" if event.reasons else f"{words.sign('bad')} {head}{told}{took}"


def _counts(tally: Tally, words: Wording, is_good: bool) -> list[str]:
    if not tally.counts:
        return (
            [f"{', '.join(map(one_line, tally.targets))}: nothing to do"]
            if is_good and tally.targets
            else ["nothing to do"]
        )
    told = []
    for status in ORDER:
        if status in tally.counts:
            text = f"{tally.counts[status]} {WORDS.get(status, status)}"
            told.append(words.paint.as_("bad", text) if status in ("failed", "timed_out") else text)
    return told


def _saved(ended: RunEnded) -> str:
    return f"{duration(ended.saved_s)} saved" if round(ended.saved_s, 1) >= WORTH_EXPLAINING_S else ""


def _took(tally: Tally, ended: RunEnded) -> str:
    """How long it took; nothing where nothing was done, so that the same is always told in the same words."""
    is_idle = ended.exit_code == 0 and set(tally.counts) <= {"fresh", "skipped"}
    return "" if is_idle else duration(ended.duration_s)


def _critical_path(tally: Tally, ended: RunEnded, words: Wording) -> list[str]:
    """The chain that took longest, in a good run: making anything else faster would not have helped."""
    path = [task for task in ended.critical_path if task in tally.durations_s]
    took_s = sum(tally.durations_s[task] for task in path)
    if len(path) < 2 or took_s <= WORTH_EXPLAINING_S or ended.exit_code != 0:
        return []
    shown = path
    if len(path) > NODES_SHOWN_AT_MOST and words.level <= 0:
        # Those that took longest, in their order.
        longest = set(sorted(path, key=lambda task: -tally.durations_s[task])[: NODES_SHOWN_AT_MOST - 1])
        shown = [task for task in path if task in longest]
    steps = [f"{one_line(task)} {duration(tally.durations_s[task])}" for task in shown]
    more = f" and {len(path) - len(shown)} more" if len(shown) < len(path) else ""
    text = f"  critical path {duration(took_s)}: {words.signs['to'].join(steps)}{more}"
    return [words.paint.as_("quiet", text)]
