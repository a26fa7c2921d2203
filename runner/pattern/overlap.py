"""Which globs have paths in common, which lie within another, and what that makes of outputs and inputs."""

from __future__ import annotations

from runner.pattern.segment import aligned, inside, meet
from runner.pattern.spelling import ANYTHING, grouped, is_at_or_below

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.pattern import Glob
    from runner.pattern.segment import Part
    from runner.pattern.spelling import Parts, Spelling


def overlap(a: Glob, b: Glob) -> bool:
    """Whether some path is matched by both, whatever their negation.

    A pattern without a wildcard counts as a folder only if the other one names something in it: `a/b.json` and
    `a/**/*.c` have nothing in common.
    """
    return _any_pair(meets, a, b)


def within(a: Glob, b: Glob) -> bool:
    """Whether every path of `a` surely is one of `b`; False also where that is hard to tell.

    A pattern without a wildcard counts as the one path that it names.
    """
    return all(any(is_within(one, other) for other in b.spellings) for one in a.spellings)


def feeds(output: Glob, input: Glob) -> bool:
    """Whether who has this input follows who has this output.

    So it is if the input is or matches a file that the output names, or begins inside a folder or glob; not if it
    merely spans that folder.
    """
    return _any_pair(feeds_one, output, input)


def clash(output: Glob, input: Glob) -> bool:
    """Whether a task may not have both, since the input is its own output or begins inside it.

    False if it merely spans it, as `**/*.c` does `parser.c`: then the output is left out of the inputs.
    """
    return _any_pair(_clashes, output, input)


def collide(a: Glob, b: Glob) -> bool:
    """Whether two tasks may not have these outputs: one path could be made by both, or one lies in the other."""
    return overlap(a, b)


def meets(a: Spelling, b: Spelling) -> bool:
    """`overlap` for one alternative of each."""
    if a.ups != b.ups or not (a.start.startswith(b.start) or b.start.startswith(a.start)):
        return False
    if a.is_named and b.is_named:
        return is_at_or_below(a.base, b.base) or is_at_or_below(b.base, a.base)
    if a.is_file or b.is_file:
        file, other = (a, b) if a.is_file else (b, a)
        return other.matches(file.base) or is_at_or_below(other.base, file.base)
    return _have_common(a.parts, b.parts)


def is_within(a: Spelling, b: Spelling) -> bool:
    """Whether every path of the one form surely has the other."""
    if a.ups != b.ups:
        return False
    if b.is_file:
        return is_at_or_below(a.base, b.base)
    if a.is_file:
        return b.matches(a.base)
    return aligned(grouped(b.parts), a.parts, _covers)


def feeds_one(output: Spelling, input: Spelling) -> bool:
    """`feeds` for one alternative of each."""
    begins_inside = is_at_or_below(input.base, output.base)
    if output.is_file:
        return begins_inside or input.matches(output.base)
    return begins_inside and meets(output, input)


def _clashes(output: Spelling, input: Spelling) -> bool:
    return is_at_or_below(input.base, output.base) and meets(output, input)


def _any_pair(holds: Callable[[Spelling, Spelling], bool], a: Glob, b: Glob) -> bool:
    return any(holds(one, other) for one in a.spellings for other in b.spellings)


def _covers(part: Part, other: Part | None) -> bool:
    return other is not None and inside(other, part)


def _have_common(a: Parts, b: Parts) -> bool:
    """Whether some path has both forms: one walk through both at once."""
    if not _parts_meet(a[-1], b[-1]):
        return False
    seen: set[tuple[int, int]] = set()
    todo = [(0, 0)]
    while todo:
        at = todo.pop()
        if at in seen:
            continue
        seen.add(at)
        i, j = at
        if i == len(a) and j == len(b):
            return True
        if i < len(a) and a[i] is None:
            todo.append((i + 1, j))
        if j < len(b) and b[j] is None:
            todo.append((i, j + 1))
        if i < len(a) and j < len(b) and (a[i], b[j]) != (None, None) and _parts_meet(a[i], b[j]):
            todo.append((i + (a[i] is not None), j + (b[j] is not None)))
    return False


def _parts_meet(a: Part | None, b: Part | None) -> bool:
    return meet(ANYTHING if a is None else a, ANYTHING if b is None else b)
