"""What must be so before a run, and what must have come of it after: a fast wrong answer is no answer."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from .files import content, different, digests, empty, wrong
from .project import RAN, SEED, Project
from .tools import Tool


@dataclass(kw_only=True)
class Scene:
    """A tool's folder around each run. `before` and `after` are not timed; `after` tells what is wrong, if anything."""

    project: Project
    tool: Tool
    folder: Path
    edits: dict[str, int] = field(default_factory=dict)

    is_primed = False  # whether everything has been run once, before the first run that counts

    def before(self) -> None:
        """Make the world as the question wants it."""

    def after(self) -> str:
        """What the run has got wrong; nothing if it is right."""
        return ""

    def forget(self) -> None:
        """Remove what the tool keeps between runs: the next one is its first."""
        for name in self.tool.state:
            shutil.rmtree(self.folder / name, ignore_errors=True)
            if (self.folder / name).exists():
                (self.folder / name).unlink()

    def runs(self) -> int:
        """How many commands have really run since `before` of the scenes that care."""
        note = self.folder / RAN
        return note.read_bytes().count(b"\n") if note.exists() else 0

    def count_anew(self) -> None:
        """From here on."""
        (self.folder / RAN).unlink(missing_ok=True)


class Anyhow(Scene):
    """As it comes."""


class Forgotten(Scene):
    """What the tool remembers is removed each time."""

    def before(self) -> None:
        self.forget()


class First(Scene):
    """Neither outputs nor memory of them: everything runs, once."""

    def before(self) -> None:
        self.forget()
        empty(self.folder / "out")
        self.count_anew()

    def after(self) -> str:
        trouble, every = wrong(digests(self.project, self.edits), self.folder), len(self.project.makers)
        return trouble or (f"ran {self.runs()} tasks of {every}" if self.runs() != every else "")


class Fresh(Scene):
    """Nothing has changed: nothing may run. Who brings equal outputs back once more is slow, not wrong."""

    is_primed = True
    expected: dict[str, bytes] | None = None

    def before(self) -> None:
        self.count_anew()

    def after(self) -> str:
        if self.expected is None:
            self.expected = digests(self.project, self.edits)
        trouble = wrong(self.expected, self.folder)
        return trouble or (f"ran {self.runs()} tasks, where nothing had changed" if self.runs() else "")


class Edited(Scene):
    """One file of one task that nobody follows has changed: that task runs and no other."""

    is_primed = True

    def before(self) -> None:
        part = self.project.folders[-1]
        path = part.files()[0]
        self.edits[path] = self.edits.get(path, 0) + 1
        (self.folder / path).write_bytes(content(path, part, self.edits[path]))
        self.count_anew()

    def after(self) -> str:
        trouble = wrong(digests(self.project, self.edits), self.folder)
        return trouble or (f"ran {self.runs()} tasks, where one had to run" if self.runs() != 1 else "")


class Restored(Scene):
    """The outputs are gone and nothing has changed: they come back without a run."""

    is_primed = True

    def before(self) -> None:
        shutil.rmtree(self.folder / "out", ignore_errors=True)
        self.count_anew()

    def after(self) -> str:
        if self.runs():
            return "ran the command again instead"
        return different(self.folder / SEED, self.folder / "out")


Stage = type[Scene]
