"""GNU make without its built-in rules and variables: Makefile."""

from __future__ import annotations

from pathlib import Path

from ..project import Project, Step
from . import Ask, Tool
from .sources import System


class Make(Tool):
    """`make -rR`, whatever version the system has."""

    name = "make -rR"
    source = System(program="make")

    def write(self, project: Project, folder: Path) -> None:
        """Makefile: a target phony if it makes no file, every recipe silent."""
        text = "".join(rule(step, project) for step in project.steps)
        (folder / "Makefile").write_text(text, encoding="utf-8")

    def words(self, ask: Ask) -> list[str] | None:
        """`-rR -j2 all`, `-rR -n all`; make has no list and no store."""
        match ask.verb:
            case "run" | "build":
                return ["-rR", f"-j{ask.jobs}", ask.project.goal]
            case "list" | "restore":
                return None
            case "plan":
                return ["-rR", "-n", ask.project.goal]


def rule(step: Step, project: Project) -> str:
    """`name: deps`, or `outputs: inputs`, and its recipe."""
    recipe = f"\t@{step.command.replace('$', '$$')}\n" if step.command else ""
    phony = "" if step.outputs else f".PHONY: {step.name}\n"
    deps = [target for name in step.deps for target in project.targets(name)]
    needs = " ".join([*step.inputs, *deps])  # make reads patterns among them by itself, and sees a new file so
    return f"{phony}{' '.join(project.targets(step.name))}: {needs}\n{recipe}"
