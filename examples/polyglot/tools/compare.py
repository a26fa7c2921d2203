"""Ask every program in out/ the same questions, and tell in a table who answers what, and how fast."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

PROGRAMS = {
    "c": ["out/c/convert"],
    "rust": ["out/rust/convert"],
    "go": ["out/go/convert"],
    "node": ["node", "out/node/convert.mjs"],
    "python": [sys.executable, "out/python/convert.pyz"],
}
MANY = 100_000


def cases() -> list[tuple[str, str]]:
    """Questions with the answers they must get, out of spec/cases.txt."""
    lines = Path("spec/cases.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.partition(" = ") for line in lines if line and not line.startswith("#")]
    return [(question, answer) for question, _, answer in pairs]


def many() -> list[str]:
    """Questions enough to take some time, the same in every run."""
    spec = json.loads(Path("spec/units.json").read_text(encoding="utf-8"))
    ways = [(a, b) for units in spec.values() for a in units for b in units]
    questions, state = [], 1
    for number in range(MANY):
        state = state * 1_103_515_245 % 2_147_483_648 + 12_345  # an old generator, but nobody's library
        start, goal = ways[number % len(ways)]
        questions.append(f"{(state - 2**30) / 2**10} {start} {goal}")
    return questions


def ask(command: list[str], questions: list[str]) -> tuple[list[str], float]:
    """The answers, and the seconds they took."""
    begun_s = time.perf_counter()
    done = subprocess.run(command, input="\n".join(questions) + "\n", capture_output=True, text=True)
    took_s = time.perf_counter() - begun_s
    if done.returncode:
        print(done.stderr, end="", file=sys.stderr)
        return [f"exit status {done.returncode}"], took_s
    return done.stdout.splitlines(), took_s


def is_there(command: list[str]) -> bool:
    """Whether the program was built, and what runs it is at hand."""
    return Path(command[-1]).is_file() and (len(command) == 1 or shutil.which(command[0]) is not None)


def difference(questions: list[str], got: list[str], wanted: list[str]) -> str | None:
    """The first question that is answered otherwise, or None."""
    for question, one, other in zip(questions, got, wanted, strict=False):
        if one != other:
            return f"{question}: {one}, not {other}"
    return None if len(got) == len(wanted) else f"{len(got)} answers to {len(wanted)} questions"


def main() -> int:
    """1 if a program is wrong on a case, or differs from the first on the many."""
    known, bulk = cases(), many()
    questions, wanted = [question for question, _ in known], [answer for _, answer in known]
    there = {name: command for name, command in PROGRAMS.items() if is_there(command)}
    faults, first, rows = [], None, []
    for name, command in there.items():
        few, start_s = ask(command, questions)
        lots, took_s = ask(command, bulk)
        first = first or lots
        right = sum(one == other for one, other in zip(few, wanted, strict=False))
        wrong = (difference(questions, few, wanted), difference(bulk, lots, first))
        faults += [f"{name} says {fault}" for fault in wrong if fault]
        rows.append((name, f"{right} of {len(wanted)}", Path(command[-1]).stat().st_size, start_s, took_s))
    table(rows)
    for name in PROGRAMS:
        if name not in there:
            print(f"{name:<8}was not built, and is left out")
    if faults:
        print("\n".join(faults), file=sys.stderr)
        return 1
    programs = "1 program" if len(there) == 1 else f"{len(there)} programs"
    print(f"{programs}, one answer to each of {len(wanted) + MANY:,} questions")
    return 0


def table(rows: list[tuple[str, str, int, float, float]]) -> None:
    """A line for each program, the slowest with the longest bar."""
    print(f"{'program':<8}{'right':>9}{'bytes':>11}{'start':>9}{f'{MANY:,} more':>14}")
    slowest_s = max((row[-1] for row in rows), default=1.0)
    for name, right, size_bytes, start_s, took_s in rows:
        bar = "#" * max(1, round(24 * took_s / slowest_s))
        print(f"{name:<8}{right:>9}{size_bytes:>11,}{start_s * 1e3:>6.0f} ms{took_s * 1e3:>11.0f} ms  {bar}")


if __name__ == "__main__":
    sys.exit(main())
