"""ninja: build.ninja."""

from __future__ import annotations

from pathlib import Path

from ..project import Project, Step
from . import Ask, Tool
from .sources import PyPI


class Ninja(Tool):
    """The one to be near: no shell of its own, no walk, no hash."""

    name = "ninja"
    source = PyPI(package="ninja", script="ninja")
    state = (".ninja_log", ".ninja_deps")

    def write(self, project: Project, folder: Path) -> None:
        """build.ninja: a statement for each step, with the command as its variable."""
        head = "rule command\n  command = $cmd\n  description = $out\n\n"
        body = "".join(statement(step, project) for step in project.steps)
        (folder / "build.ninja").write_text(head + body, encoding="utf-8")

    def words(self, ask: Ask) -> list[str] | None:
        """`-j2 all`, `-t targets all`, `-n all`; it stores nothing."""
        match ask.verb:
            case "run" | "build":
                return [f"-j{ask.jobs}", ask.project.goal]
            case "list":
                return ["-t", "targets", "all"]
            case "plan":
                return ["-n", ask.project.goal]
            case "restore":
                return None


def statement(step: Step, project: Project) -> str:
    """`build out: command inputs`, or `build name: command || deps`: order only, where no files are declared."""
    deps = " ".join(target for name in step.deps for target in project.targets(name))
    if not step.command:
        return f"build {step.name}: phony {deps}\n"
    reads = "".join(f" {path}" for path in project.reads(step))
    before = f" || {deps}" if deps else ""
    made = " ".join(project.targets(step.name))
    return f"build {made}: command{reads}{before}\n  cmd = {step.command.replace('$', '$$')}\n"
