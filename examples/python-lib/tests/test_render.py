from __future__ import annotations

import random

import pytest

from lapse import clock, iso, parse, words


@pytest.mark.parametrize(
    ("seconds", "as_words", "as_clock", "as_iso"),
    [
        (0, "0 seconds", "0:00", "PT0S"),
        (1, "1 second", "0:01", "PT1S"),
        (125, "2 minutes 5 seconds", "2:05", "PT2M5S"),
        (5400, "1 hour 30 minutes", "1:30:00", "PT1H30M"),
        (90_061, "1 day 1 hour", "25:01:01", "P1DT1H1M1S"),
        (1_209_600, "2 weeks", "336:00:00", "P2W"),
    ],
)
def test_a_length_of_time_is_written(
    seconds: int, as_words: str, as_clock: str, as_iso: str
) -> None:
    assert words(seconds) == as_words
    assert clock(seconds) == as_clock
    assert iso(seconds) == as_iso


def test_what_is_written_is_read_back() -> None:
    draw = random.Random(7)
    for seconds in (draw.randrange(10 ** draw.randrange(1, 8)) for _ in range(500)):
        assert parse(clock(seconds)) == seconds
        assert parse(iso(seconds)) == seconds
        assert parse(words(seconds, most=5)) == seconds


@pytest.mark.parametrize("seconds", [-1.0, float("inf"), float("nan")])
def test_what_cannot_be_a_length_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="finite and not negative"):
        words(seconds)
