"""What a unit is called and how long it is."""

from __future__ import annotations

WEEK_S = 604_800
DAY_S = 86_400
HOUR_S = 3_600
MINUTE_S = 60

# Longest first, and in the order in which a text must name them.
UNITS: tuple[tuple[str, int], ...] = (
    ("week", WEEK_S),
    ("day", DAY_S),
    ("hour", HOUR_S),
    ("minute", MINUTE_S),
    ("second", 1),
)

# The short forms that people write besides the name, its plural and its first letter.
SHORT = {"wk": "week", "hr": "hour", "hrs": "hour", "min": "minute", "mins": "minute"} | {
    "sec": "second",
    "secs": "second",
}


def unit_named(word: str) -> str | None:
    """The unit that `word` means, if it means one."""
    word = word.lower()
    for name, _ in UNITS:
        if word in (name, name + "s", name[0]):
            return name
    return SHORT.get(word)


def seconds_in(unit: str) -> int:
    """How many seconds one `unit` has."""
    return dict(UNITS)[unit]
