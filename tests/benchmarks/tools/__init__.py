"""A tool to compare with: how it is had, how it is told of a project, and what to type."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from ..project import Project

# What can be asked of a tool. A later question (`restore`, say) adds a word here, and a case to each adapter.
Verb = Literal["run", "list", "plan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One thing to type."""

    verb: Verb
    project: Project
    jobs: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A tool that can be run: the words that start it, and its version as it tells it."""

    words: tuple[str, ...]
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A tool that cannot be had here, and why."""

    reason: str


class Source(Protocol):
    """Where a tool comes from."""

    def find(self, cache: Path) -> Found | Absent:
        """The tool, fetched into `cache` if need be."""


class Tool(Protocol):
    """One adapter: a class without state, in a file of its own."""

    @property
    def name(self) -> str:
        """What its rows are called."""

    @property
    def source(self) -> Source:
        """How it is had."""

    @property
    def state(self) -> tuple[str, ...]:
        """What it keeps beside the project, removed where a question wants a first time."""

    def write(self, project: Project, folder: Path) -> None:
        """Leave in `folder` what the tool needs to know of `project`."""

    def words(self, ask: Ask) -> list[str] | None:
        """What follows the tool's name to do that; None if it has no such thing."""
