"""The floors: what starting Python costs in the environment trun runs in, and looking at every file, and copying."""

from __future__ import annotations

from ..floors import COPY, FIND, WALK
from ..project import SEED
from . import Ask, Source, Tool
from .sources import Given, System

WALKING = """
from os import scandir
def walk(folder):
    with scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                walk(entry.path)
            else:
                entry.stat(follow_symlinks=False)
walk(".")
"""


class Interpreter(Tool):
    """A Python that does nothing, with the given flags."""

    def __init__(self, program: str, *flags: str) -> None:
        self.name = " ".join(["python", *flags])
        self.flags = flags
        self.source: Source = Given(words=(program,))

    def words(self, ask: Ask) -> list[str] | None:
        """`-c pass`, whatever is asked."""
        return [*self.flags, "-c", "pass"]


class Walk(Tool):
    """A Python that asks for every file's stat and does nothing with it."""

    name = WALK

    def __init__(self, program: str) -> None:
        self.source: Source = Given(words=(program,))

    def words(self, ask: Ask) -> list[str] | None:
        """scandir and stat, whatever is asked."""
        return ["-c", WALKING]


class Find(Tool):
    """The system's `find`, made to ask for every file's stat."""

    name = FIND
    source = System(program="find")

    def words(self, ask: Ask) -> list[str] | None:
        """Files that are larger than any here."""
        return [".", "-size", "+99999999"]


class Copy(Tool):
    """The system's `cp -a`, from what the task copies to where its outputs are."""

    name = COPY
    source = System(program="cp")

    def words(self, ask: Ask) -> list[str] | None:
        """It can restore, so to speak, and has nothing to run."""
        return ["-a", f"{SEED}/.", "out"] if ask.verb == "restore" else None
