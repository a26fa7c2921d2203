"""Read a length of time from text."""

from __future__ import annotations

import re

from lapse.units import HOUR_S, MINUTE_S, UNITS, seconds_in, unit_named

_PART = re.compile(r"\s*(?:and\s+|,\s*)?(\d+(?:\.\d+)?)\s*([a-z]+)", re.IGNORECASE)
_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{2}(?:\.\d+)?)")
_ISO = re.compile(
    r"P(?!$)(?:(\d+)W)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?"
)


class NotATime(ValueError):
    """A text that is no length of time."""


def parse(text: str) -> float:
    """The seconds that `text` means: `1h 30m`, `2 weeks, 3 days`, `1:30:00` or `PT1H30M`."""
    text = text.strip()
    if match := _CLOCK.fullmatch(text):
        return _clock(*match.groups())
    if match := _ISO.fullmatch(text):
        amounts = (float(group or 0) for group in match.groups())
        return sum(amount * size for amount, (_, size) in zip(amounts, UNITS, strict=True))
    return _words(text)


def _clock(hours: str | None, minutes: str, seconds: str) -> float:
    if float(seconds) >= 60 or (hours is not None and int(minutes) >= 60):
        raise NotATime("minutes and seconds of a clock stay below 60")
    return int(hours or 0) * HOUR_S + int(minutes) * MINUTE_S + float(seconds)


def _words(text: str) -> float:
    total, at, last = 0.0, 0, float("inf")
    while match := _PART.match(text, at):
        unit = unit_named(match[2])
        if unit is None:
            raise NotATime(f"unknown unit {match[2]!r}")
        size = seconds_in(unit)
        if size >= last:
            raise NotATime(f"{unit!r} stands after a unit that is no longer than it")
        total, at, last = total + float(match[1]) * size, match.end(), size
    if at == 0 or at != len(text):
        raise NotATime(f"not a length of time: {text!r}")
    return total
