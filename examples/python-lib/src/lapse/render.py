"""Write a length of time as text."""

from __future__ import annotations

from lapse.units import HOUR_S, MINUTE_S, UNITS


def words(seconds: float, *, most: int = 2) -> str:
    """At most `most` units, longest first: `1 hour 30 minutes`."""
    left, said = round(_positive(seconds)), []
    for name, size in UNITS:
        amount, left = divmod(left, size)
        if amount:
            said.append(f"{amount} {name}{'s' if amount != 1 else ''}")
    return " ".join(said[:most]) or "0 seconds"


def clock(seconds: float) -> str:
    """As a clock counts: `1:30:00`, or `2:05` below an hour."""
    left = round(_positive(seconds))
    hours, left = divmod(left, HOUR_S)
    minutes, left = divmod(left, MINUTE_S)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def iso(seconds: float) -> str:
    """As ISO 8601 writes a duration: `PT1H30M`."""
    left = round(_positive(seconds))
    if left and left % UNITS[0][1] == 0:
        return f"P{left // UNITS[0][1]}W"
    day, time = "", ""
    for name, size in UNITS[1:]:
        amount, left = divmod(left, size)
        if amount and name == "day":
            day = f"{amount}D"
        elif amount:
            time += f"{amount}{name[0].upper()}"
    return f"P{day}{'T' + time if time else ''}" if day or time else "PT0S"


def _positive(seconds: float) -> float:
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"a length of time is finite and not negative, unlike {seconds}")
    return seconds
