from __future__ import annotations

import pytest

from runner.noun import noun, replace


@noun
class Point:
    """Two numbers."""

    x: int
    y: int = 2


def test_a_noun_is_made_by_keywords_and_has_defaults() -> None:
    assert (Point(x=1).x, Point(x=1).y) == (1, 2)
    with pytest.raises(TypeError):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Point(1)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Point(x=1, z=3)  # type: ignore[call-arg]


def test_a_noun_is_frozen_and_has_no_room_for_more() -> None:
    point = Point(x=1)
    with pytest.raises(AttributeError, match="frozen"):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        point.z = 2  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        del point.x
    assert not hasattr(point, "__dict__")


def test_nouns_are_compared_and_hashed_by_value() -> None:
    assert Point(x=1) == Point(x=1, y=2)
    assert Point(x=1) != Point(x=2)
    assert Point(x=1).__eq__((1, 2)) is False
    assert len({Point(x=1), Point(x=1), Point(x=3)}) == 2


def test_a_noun_shows_what_differs_from_its_defaults() -> None:
    assert repr(Point(x=1)) == "Point(x=1)"
    assert repr(Point(x=1, y=5)) == "Point(x=1, y=5)"


def test_replace_makes_another_one() -> None:
    point = Point(x=1)
    assert replace(point, y=7) == Point(x=1, y=7)
    assert point.y == 2
