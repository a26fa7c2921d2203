"""What a place can show, as the environment tells."""

from __future__ import annotations

import pytest

from runner.report.look import ci_of, has_colour, is_unicode, look_of, mode_of
from runner.report.paint import NAMES, Paint
from runner.report.width import clip, clip_middle, columns, pad

XTERM = {"TERM": "xterm-256color", "LANG": "en_GB.UTF-8"}


@pytest.mark.parametrize(
    ("environ", "is_terminal", "color", "expected"),
    [
        (XTERM, True, None, True),
        (XTERM, False, None, False),
        (XTERM, False, "always", True),
        (XTERM, True, "never", False),
        (XTERM, True, "auto", True),
        ({**XTERM, "NO_COLOR": "1"}, True, None, False),
        ({**XTERM, "NO_COLOR": ""}, True, None, True),
        ({**XTERM, "NO_COLOR": "1"}, True, "always", True),
        ({**XTERM, "NO_COLOR": "1", "FORCE_COLOR": "1"}, True, None, False),
        ({**XTERM, "FORCE_COLOR": "1"}, False, None, True),
        ({**XTERM, "FORCE_COLOR": "0"}, True, None, False),
        ({"TERM": "dumb"}, True, None, False),
        ({}, True, None, False),
        ({"GITHUB_ACTIONS": "true"}, False, None, True),
        ({"GITLAB_CI": "true"}, False, None, True),
        ({"CI": "true"}, False, None, False),
    ],
)
def test_colours(environ: dict[str, str], is_terminal: bool, color: str | None, expected: bool) -> None:
    assert has_colour(environ, is_terminal, color) is expected


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"LANG": "C.UTF-8"}, True),
        ({"LANG": "de_DE.utf8"}, True),
        ({"LANG": "C"}, False),
        ({}, False),
        ({"LC_ALL": "C", "LANG": "C.UTF-8"}, False),
        ({"LC_ALL": "", "LANG": "C.UTF-8"}, True),
        ({"LC_CTYPE": "C.UTF-8", "LANG": "C"}, True),
        ({"GITHUB_ACTIONS": "true"}, True),
    ],
)
def test_unicode(environ: dict[str, str], expected: bool) -> None:
    assert is_unicode(environ) is expected


@pytest.mark.parametrize(
    ("environ", "asked", "expected"),
    [
        ({}, None, "prefixed"),
        ({"CI": "true"}, None, "grouped"),
        ({"CI": "false"}, None, "prefixed"),
        ({"CI": ""}, None, "prefixed"),
        ({"GITHUB_ACTIONS": "true"}, None, "grouped"),
        ({"CI": "1"}, "full", "full"),
        ({}, "quiet", "quiet"),
    ],
)
def test_the_way_of_telling(environ: dict[str, str], asked: str | None, expected: str) -> None:
    assert mode_of(environ, asked) == expected


def test_a_status_is_drawn_on_terminals_that_are_not_dumb() -> None:
    assert look_of(XTERM, True).is_live
    assert not look_of(XTERM, False).is_live
    assert not look_of({"TERM": "dumb"}, True).is_live
    assert look_of({**XTERM, "NO_COLOR": "1"}, True).is_live


def test_ci_systems() -> None:
    assert ci_of({"GITHUB_ACTIONS": "true", "GITLAB_CI": "true"}) == "github"
    assert ci_of({"GITLAB_CI": "true"}) == "gitlab"
    assert ci_of({"CI": "true", "GITHUB_ACTIONS": "false"}) is None


def luminance(number: int) -> float:
    levels = [0, 95, 135, 175, 215, 255]
    cube = number - 16
    channels = [levels[cube // 36] / 255, levels[cube // 6 % 6] / 255, levels[cube % 6] / 255]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colours_of_names_can_be_read_on_black_and_on_white() -> None:
    for number in NAMES:
        assert (luminance(number) + 0.05) / 0.05 >= 3.6
        assert 1.05 / (luminance(number) + 0.05) >= 3.6
    assert len(set(NAMES)) == len(NAMES)


def test_a_name_keeps_its_colour() -> None:
    paint = Paint(True)
    first = [paint.name(f"t{number}", "x") for number in range(len(NAMES))]
    assert len(set(first)) == len(NAMES)
    assert [paint.name(f"t{number}", "x") for number in range(len(NAMES))] == first
    assert Paint(False).name("t", "x") == "x"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", 5),
        ("", 0),
        ("日本", 4),
        ("e\u0301", 1),
        ("🎉", 2),
        ("❤\ufe0f", 2),
        ("👩\u200d👩", 4),
        ("ﾊ", 1),
        ("ä", 1),
    ],
)
def test_columns(text: str, expected: int) -> None:
    assert columns(text) == expected


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("short", 5, "short"), ("longer", 5, "long…"), ("日本語", 5, "日本…"), ("日本語", 4, "日…"), ("abc", 1, "…"),
        ("abc", 0, ""), ("e\u0301e\u0301e\u0301", 2, "e\u0301…"), ("👩\u200d👩\u200d👧", 4, "👩…"),
    ],
)  # fmt: skip
def test_clipping(text: str, limit: int, expected: str) -> None:
    assert clip(text, limit) == expected


def test_clipping_in_the_middle_keeps_both_ends() -> None:
    assert clip_middle("build{version=1.0.2}", 12) == "build{….0.2}"
    assert clip_middle("build{version=1.0.2}", 12, is_unicode=False) == "build...0.2}"
    assert pad("日本", 6) == "日本  "
