"""A tool to compare with: how it is had, how it is told of a project, and what to type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from ..project import Project

# What can be asked of a tool: `build` brings declared outputs up to date, `restore` brings them back from a store.
# Another one is a word here, and a case in each adapter.
Verb = Literal["run", "list", "plan", "build", "restore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One thing to type."""

    verb: Verb
    project: Project
    jobs: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A tool that can be run: the words that start it, and its version as it tells it.

    `modules`, if any, is the `node_modules` that its projects want beside them.
    """

    words: tuple[str, ...]
    version: str
    modules: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A tool that cannot be had here, and why."""

    reason: str


class Source(Protocol):
    """Where a tool comes from."""

    def find(self, cache: Path) -> Found | Absent:
        """The tool, fetched into `cache` if need be."""


class Tool:
    """One adapter: a class in a file of its own."""

    name: str  # what its rows are called
    source: Source  # how it is had
    state: tuple[str, ...] = ()  # what it keeps beside the project, removed where a question wants a first time

    wants_git = False  # whether it caches only what lies in a repository

    def write(self, project: Project, folder: Path) -> None:
        """Leave in `folder` what the tool needs to know of `project`."""

    def words(self, ask: Ask) -> list[str] | None:
        """What follows the tool's name to do that; None if it has no such thing."""
        raise NotImplementedError

    def environment(self, folder: Path) -> Mapping[str, str]:
        """Variables that it needs to keep to itself: no daemon, nothing sent, nothing looked up elsewhere."""
        return {}

    def hastened(self, folder: Path) -> Mapping[str, str]:
        """Variables besides, for a first run that only prepares: what may not be timed so, but leaves the same."""
        return {}
