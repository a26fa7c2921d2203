"""Draw out/log.txt as a timeline, and fail if it shows together what must be apart."""

from __future__ import annotations

import sys
from pathlib import Path

WIDTH = 56
Span = tuple[str, int, int]

# What the pools of tasks.toml allow: how many of these may overlap.
POOLS = {"disk": (3, ("shard-",)), "big": (1, ("report-twins", "report-gaps"))}


def spans() -> list[Span]:
    """(task, begin, end) of each task in the log, in nanoseconds, earliest first."""
    times: dict[str, list[int]] = {}
    for line in Path("out/log.txt").read_text(encoding="utf-8").splitlines():
        at_ns, _, task = line.split()
        times.setdefault(task, []).append(int(at_ns))
    halves = [task for task, at in times.items() if len(at) != 2]
    if halves:
        sys.exit(f"begun and not ended, or begun twice: {', '.join(halves)}")
    return sorted(((task, begin, end) for task, (begin, end) in times.items()), key=lambda span: span[1])


def beside(one: Span, other: Span) -> bool:
    """Whether both ran at some moment."""
    return one[1] < other[2] and other[1] < one[2]


def most_at_once(some: list[Span]) -> int:
    """The largest number that ran at one moment; it is reached when one of them begins."""
    return max((sum(begin <= at < end for _, begin, end in some) for _, at, _ in some), default=0)


def draw(all_: list[Span]) -> None:
    """A line for each task."""
    first, last = all_[0][1], max(end for *_, end in all_)
    scale = WIDTH / (last - first)
    for task, begin, end in all_:
        left, right = int((begin - first) * scale), int((end - first) * scale)
        bar = ("=" if task == "migrate" else "#") * max(1, right - left)
        print(f"{task:<16}|{' ' * left + bar:<{WIDTH + 1}}| {(end - begin) / 1e6:>5.0f} ms")


def main() -> int:
    """1 if the barrier or a pool did not hold."""
    all_ = spans()
    draw(all_)
    barrier = next(span for span in all_ if span[0] == "migrate")
    faults = [f"{span[0]} ran beside migrate" for span in all_ if span is not barrier and beside(span, barrier)]
    for pool, (limit, who) in POOLS.items():
        seen = most_at_once([span for span in all_ if span[0].startswith(who)])
        if seen > limit:
            faults.append(f"{seen} at once in the pool {pool}, which holds {limit}")
    if Path("out/store.lock").exists():
        faults.append("the lock of migrate is still there")
    if faults:
        print("\n".join(faults), file=sys.stderr)
        return 1
    print(f"migrate ran alone; of the other {len(all_) - 1} tasks at most {most_at_once(all_)} ran at once")
    return 0


if __name__ == "__main__":
    sys.exit(main())
