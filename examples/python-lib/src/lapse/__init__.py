"""Lengths of time as people write them: `1h 30m`, `1:30:00`, `PT1H30M`."""

from __future__ import annotations

from lapse.parse import NotATime, parse
from lapse.render import clock, iso, words

__version__ = "0.3.0"

__all__ = ["NotATime", "clock", "iso", "parse", "words"]
