"""just: justfile."""

from __future__ import annotations

from pathlib import Path

from ..project import Project, Step
from . import Ask, Tool
from .sources import PyPI


class Just(Tool):
    """Runs dependencies one after the other unless a recipe says `[parallel]`, so ours all do."""

    name = "just"
    source = PyPI(package="rust-just", script="just")

    def write(self, project: Project, folder: Path) -> None:
        """justfile: every recipe silent."""
        (folder / "justfile").write_text("\n".join(recipe(step) for step in project.steps), encoding="utf-8")

    def words(self, ask: Ask) -> list[str] | None:
        """`--jobs 2 all`, `--list`, `--dry-run all`."""
        match ask.verb:
            case "run":
                return ["--jobs", str(ask.jobs), ask.project.goal]
            case "list":
                return ["--list"]
            case "plan":
                return ["--dry-run", ask.project.goal]
            case "build" | "restore":
                return None  # it knows nothing of files


def recipe(step: Step) -> str:
    """One recipe; its comment is its description."""
    comment = f"# {step.desc}\n" if step.desc else ""
    parallel = "[parallel]\n" if len(step.deps) > 1 else ""
    head = " ".join([f"{step.name}:", *step.deps])
    body = f"    @{step.command}\n" if step.command else ""
    return f"{comment}{parallel}{head}\n{body}"
