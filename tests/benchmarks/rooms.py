"""Folders with equal projects, one for each tool, kept for every question about the same project."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from .files import lay
from .measure import Case, Failed, Summary, timed
from .project import Project
from .question import Question
from .tools import Absent, Ask, Found, Tool


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A tool with what finding it gave."""

    tool: Tool
    found: Found | Absent


@dataclass(kw_only=True)
class Room:
    """A tool's folder, what was edited in it, and whether all was run once (or why that failed)."""

    folder: Path
    edits: dict[str, int] = field(default_factory=dict)
    is_primed: bool = False
    trouble: Failed | None = None


@dataclass(kw_only=True)
class Rooms:
    """All of them, below one folder."""

    top: Path
    made: dict[tuple[str, str], Room] = field(default_factory=dict)

    def case(self, row: Row, question: Question, project: Project) -> Case | Failed:
        """What to type there, everything ready for it, or why not."""
        if isinstance(row.found, Absent):
            return Failed(reason=f"absent: {row.found.reason}")
        ask = Ask(verb=question.verb, project=project, jobs=question.jobs)
        words = row.tool.words(ask)
        if words is None:
            return Failed(reason=f"has no {question.verb}")
        floor = is_floor(question, row.tool)
        room = self.room((question.room or question.name, "floors" if floor else row.tool.name), row, project)
        stage = question.stage(project=project, tool=row.tool, folder=room.folder, edits=room.edits)
        case = Case(
            name=row.tool.name,
            argv=(*row.found.words, *words),
            folder=room.folder,
            env=surroundings(row.tool, row.found, room.folder),
            before=stage.before,
            after=None if floor else stage.after,
            counted=question.counted,
            limit_s=question.limit_s,
            spend_s=question.spend_s,
        )
        if stage.is_primed and not floor:
            self.prime(room, case, row.tool)
        return room.trouble or case

    def room(self, key: tuple[str, str], row: Row, project: Project) -> Room:
        """The folder of that project and tool, written if it is new; the floors, who change nothing, have one."""
        if key not in self.made:
            assert isinstance(row.found, Found)
            folder = self.top / key[0] / key[1].replace(" ", "_")
            settle(row.tool, row.found, project, folder)
            self.made[key] = Room(folder=folder)
        return self.made[key]

    def prime(self, room: Room, case: Case, tool: Tool) -> None:
        """Run everything once, if that has not been; a tool that cannot has no figures for this project."""
        if room.is_primed or room.trouble:
            return
        hastened = {**case.env, **tool.hastened(room.folder)}
        result = timed(replace(case, before=None, after=None, env=hastened))
        room.is_primed = not isinstance(result, Failed)
        if isinstance(result, Failed):
            room.trouble = Failed(reason=f"its first run: {result.reason}", limit_s=result.limit_s)

    def learn(self, tool: Tool, question: Question, result: Summary | Failed) -> None:
        """What a measured run tells of the room: all is up to date now, or the tool cannot do that in the time."""
        room = self.made.get((question.room or question.name, tool.name))
        if room is None or question.verb != "build":
            return
        room.is_primed = isinstance(result, Summary)
        if isinstance(result, Failed) and result.limit_s is not None and not tool.hastened(room.folder):
            room.trouble = Failed(reason=f"in {question.name} {result.reason}", limit_s=result.limit_s)


def is_floor(question: Question, tool: Tool) -> bool:
    """Whether it only is there to compare with: then it has nothing to get right."""
    return tool.name in question.floors


def settle(tool: Tool, found: Found, project: Project, folder: Path) -> None:
    """Write the project's files and the tool's own into a new folder."""
    folder.mkdir(parents=True, exist_ok=True)
    lay(project, folder)
    tool.write(project, folder)
    if found.modules:
        (folder / "node_modules").symlink_to(found.modules)
    if tool.wants_git:
        commit(folder)


def commit(folder: Path) -> None:
    """Make a repository of it, everything in its first commit."""
    who = ["-c", "user.name=bench", "-c", "user.email=bench@example.com", "-c", "gc.auto=0"]
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "all"]):
        subprocess.run(["git", *who, *words], cwd=folder, check=True, stdin=subprocess.DEVNULL)


def surroundings(tool: Tool, found: Found, folder: Path) -> Mapping[str, str]:
    """The variables that the tool is run with, besides those of all."""
    beside = {"PATH": f"{Path(found.words[0]).parent}{os.pathsep}{os.defpath}"} if found.modules else {}
    return {**beside, **tool.environment(folder)}
