from __future__ import annotations

import pytest

from lapse.__main__ import main


def test_a_length_of_time_is_told_every_way(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["1h", "30m"]) == 0
    assert capsys.readouterr().out == "5400 s\n1:30:00\nPT1H30M\n1 hour 30 minutes\n"


def test_nonsense_ends_in_2_and_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["soon"]) == 2
    assert capsys.readouterr().err == "lapse: not a length of time: 'soon'\n"
