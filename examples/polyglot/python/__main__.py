"""Reads lines of "value from to" and answers each with one line."""

from __future__ import annotations

import sys

from units import UNITS


def answer(x: float) -> str:
    """Six digits after the point, rounded by arithmetic that every language shares."""
    if abs(x) > 9e9:
        return "too large"
    micro = int(abs(x) * 1e6 + 0.5)
    sign = "-" if x < 0 and micro > 0 else ""
    return f"{sign}{micro // 1_000_000}.{micro % 1_000_000:06}"


def convert(value: str, start: str, goal: str) -> str:
    """The value in the unit `goal`, or why not."""
    if start not in UNITS or goal not in UNITS:
        return "unknown unit"
    (quantity, factor, offset), (other, divisor, shift) = UNITS[start], UNITS[goal]
    if quantity != other:
        return f"no way from {quantity} to {other}"
    return answer((float(value) + offset) * factor / divisor - shift)


told = [convert(*words) for line in sys.stdin if len(words := line.split()) == 3]
sys.stdout.write("\n".join(told) + "\n")
