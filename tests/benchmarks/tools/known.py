"""Every tool that is compared, in the order of the rows: a new adapter is one file and one line here."""

from __future__ import annotations

from . import Tool
from .doit import Doit
from .just import Just
from .make import Make
from .mise import Mise, MiseCached
from .moon import Moon
from .ninja import Ninja
from .ntask import NTask
from .nx import Nx
from .pytask import Pytask
from .python import Copy, Find, Interpreter, Walk
from .task import GoTask
from .trun import Trun
from .turbo import Turbo
from .wireit import Wireit


def runners() -> list[Tool]:
    """The tools that run tasks, trun first."""
    near: list[Tool] = [Trun(), Ninja(), Make(), Just(), GoTask(), Doit(), NTask(), Pytask()]
    return [*near, Mise(), MiseCached(), Turbo(), Wireit(), Moon(), Nx()]


def floors(python: str) -> list[Tool]:
    """What nothing written in Python can be faster than: bare, as the environment starts it, with a look at all."""
    return [Interpreter(python, "-I", "-S"), Interpreter(python), Walk(python), Find(), Copy()]
