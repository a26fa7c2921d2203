"""GNU make without its built-in rules and variables: Makefile."""

from __future__ import annotations

from pathlib import Path

from ..project import Project, Step
from . import Ask
from .sources import System


class Make:
    """`make -rR`, whatever version the system has."""

    name = "make -rR"
    source = System(program="make")
    state: tuple[str, ...] = ()

    def write(self, project: Project, folder: Path) -> None:
        """Makefile: every target phony, every recipe silent."""
        (folder / "Makefile").write_text("".join(rule(step) for step in project.steps), encoding="utf-8")

    def words(self, ask: Ask) -> list[str] | None:
        """`-rR -j2 all`, `-rR -n all`; make has no list."""
        match ask.verb:
            case "run":
                return ["-rR", f"-j{ask.jobs}", ask.project.goal]
            case "list":
                return None
            case "plan":
                return ["-rR", "-n", ask.project.goal]


def rule(step: Step) -> str:
    """`name: deps` and its recipe."""
    recipe = f"\t@{step.command.replace('$', '$$')}\n" if step.command else ""
    return f".PHONY: {step.name}\n{step.name}: {' '.join(step.deps)}\n{recipe}"
