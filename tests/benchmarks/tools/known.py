"""Every tool that is compared, in the order of the rows: a new adapter is one file and one line here."""

from __future__ import annotations

from . import Tool
from .just import Just
from .make import Make
from .ninja import Ninja
from .python import Interpreter
from .task import GoTask
from .trun import Trun


def runners() -> list[Tool]:
    """The tools that run tasks, trun first."""
    return [Trun(), Ninja(), Make(), Just(), GoTask()]


def floors(python: str) -> list[Tool]:
    """What nothing written in Python can be faster than: bare, and as the environment starts it."""
    return [Interpreter(python, "-I", "-S"), Interpreter(python)]
