"""What each task of this example does: `python3 work.py TASK`. All of it is below out/, and told in out/log.txt."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

OUT = Path("out")
LOG = OUT / "log.txt"
LOCK = OUT / "store.lock"

# Where each shard begins; the last is three times as long as the others.
BOUNDS = [2_000_000, 2_040_000, 2_080_000, 2_120_000, 2_160_000, 2_200_000, 2_320_000]


@contextmanager
def told(task: str) -> Iterator[None]:
    """Begin and end in the log, by a clock that all processes share."""

    def tell(word: str) -> None:
        with LOG.open("a", encoding="utf-8") as log:  # one short line at a time: appending never tears it
            log.write(f"{time.monotonic_ns()} {word} {task}\n")

    tell("begin")
    try:
        yield
    finally:
        tell("end")


def begin() -> None:
    """An empty out/."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()


def is_prime(number: int) -> bool:
    """By trial: slow on purpose."""
    return number % 2 > 0 and all(number % odd for odd in range(3, int(number**0.5) + 1, 2))


def primes(shard: int) -> list[int]:
    """The primes of one shard."""
    return [number for number in range(BOUNDS[shard - 1], BOUNDS[shard]) if is_prime(number)]


def shard(name: str) -> str:
    """One shard of the store, in the old form: a number a line."""
    found = primes(int(name))
    (OUT / f"shard-{name}.txt").write_text("".join(f"{prime}\n" for prime in found), encoding="utf-8")
    return f"{len(found):,} primes"


def migrate() -> str:
    """Every shard in the new form, each number checked on the way; the old files go when all new ones are there."""
    LOCK.touch()
    old = sorted(OUT.glob("shard-*.txt"))
    for path in old:
        found = [int(line) for line in path.read_text(encoding="utf-8").split()]
        if not all(map(is_prime, found)):
            sys.exit(f"{path} holds what is no prime")
        path.with_suffix(".json").write_text(json.dumps(found), encoding="utf-8")
    for path in old:
        path.unlink()
    return f"{len(old)} shards are JSON now"


def store() -> list[int]:
    """All primes, from shards in the new form."""
    if LOCK.exists():
        sys.exit("the store is being migrated")
    shards = sorted(OUT.glob("shard-*.json"))
    return [prime for path in shards for prime in json.loads(path.read_text(encoding="utf-8"))]


def report(name: str) -> str:
    """Something about the primes in the store."""
    found = store()
    steps = [(later - earlier, earlier) for earlier, later in pairwise(found)]
    if name == "twins":
        return f"{sum(step == 2 for step, _ in steps):,} pairs of twins"
    if name == "gaps":
        return "the longest gap is {} after {:,}".format(*max(steps))
    if name == "digits":
        return "last digits: " + ", ".join(f"{n:,} x {d}" for d, n in sorted(Counter(p % 10 for p in found).items()))
    with ProcessPoolExecutor(2) as two:  # `audit` finds the first shards anew, two at a time
        again = [prime for part in two.map(primes, (1, 2)) for prime in part]
    if found[: len(again)] != again:
        sys.exit("the store does not hold what was put there")
    return f"{len(again):,} of {len(found):,} primes found again"


def aside(name: str) -> str:
    """Some work that has nothing to do with the store."""
    if name == "collatz":
        longest = max(map(collatz, range(1, 150_000)))
        return "the longest way to 1 below 150,000 has {} steps, from {:,}".format(*longest)
    ways = [1] + [0] * 2500
    for part in range(1, 2501):
        for total in range(part, 2501):
            ways[total] += ways[total - part]
    return f"2,500 splits into sums in {ways[2500]:.3e} ways"


def collatz(start: int) -> tuple[int, int]:
    """How many steps from here to 1, and from where."""
    number, steps = start, 0
    while number != 1:
        number, steps = (number // 2 if number % 2 == 0 else 3 * number + 1), steps + 1
    return steps, start


WORK: dict[str, Callable[[str], str]] = {"shard": shard, "report": report, "aside": aside}


def main(task: str) -> None:
    """Do it, between two lines of the log."""
    if task == "begin":
        begin()
        return
    kind, _, name = task.partition("-")
    with told(task):
        print(migrate() if task == "migrate" else WORK[kind](name))


if __name__ == "__main__":
    main(sys.argv[1])
