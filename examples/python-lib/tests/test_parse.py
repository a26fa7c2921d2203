from __future__ import annotations

import pytest

from lapse import NotATime, parse


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90m", 5400),
        ("1h 30m", 5400),
        ("1h30m", 5400),
        ("1.5 hours", 5400),
        ("2 weeks, 3 days and 1 sec", 1_468_801),
        ("  10 MIN ", 600),
        ("1:30:00", 5400),
        ("2:05", 125),
        ("90:00", 5400),
        ("0:00.25", 0.25),
        ("PT1H30M", 5400),
        ("P1DT0.5S", 86_400.5),
        ("P2W", 1_209_600),
    ],
)
def test_a_length_of_time_is_read(text: str, seconds: float) -> None:
    assert parse(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "h", "12", "1h 30", "1 fortnight", "30m 1h", "1h 1h", "1:75:00", "P", "PT", "1h!"]
)
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(NotATime):
        parse(text)
