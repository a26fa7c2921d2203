"""The floor: what starting Python costs, in the environment trun runs in."""

from __future__ import annotations

from pathlib import Path

from ..project import Project
from . import Ask, Source
from .sources import Given


class Interpreter:
    """A Python that does nothing, with the given flags."""

    state: tuple[str, ...] = ()

    def __init__(self, program: str, *flags: str) -> None:
        self.name = " ".join(["python", *flags])
        self.flags = flags
        self.source: Source = Given(words=(program,))

    def write(self, project: Project, folder: Path) -> None:
        """Nothing: it reads no project."""

    def words(self, ask: Ask) -> list[str] | None:
        """`-c pass`, whatever is asked."""
        return [*self.flags, "-c", "pass"]
