"""ninja: build.ninja."""

from __future__ import annotations

from pathlib import Path

from ..project import Project, Step
from . import Ask
from .sources import PyPI


class Ninja:
    """The one to be near: no shell of its own, no walk, no hash."""

    name = "ninja"
    source = PyPI(package="ninja", script="ninja")
    state = (".ninja_log", ".ninja_deps")

    def write(self, project: Project, folder: Path) -> None:
        """build.ninja: a statement for each step, with the command as its variable."""
        head = "rule command\n  command = $cmd\n  description = $out\n\n"
        body = "".join(statement(step) for step in project.steps)
        (folder / "build.ninja").write_text(head + body, encoding="utf-8")

    def words(self, ask: Ask) -> list[str] | None:
        """`-j2 all`, `-t targets all`, `-n all`."""
        match ask.verb:
            case "run":
                return [f"-j{ask.jobs}", ask.project.goal]
            case "list":
                return ["-t", "targets", "all"]
            case "plan":
                return ["-n", ask.project.goal]


def statement(step: Step) -> str:
    """`build name: command || deps`: order only, as for the others, which do not compare files here."""
    deps = " ".join(step.deps)
    if not step.command:
        return f"build {step.name}: phony {deps}\n"
    before = f" || {deps}" if deps else ""
    return f"build {step.name}: command{before}\n  cmd = {step.command.replace('$', '$$')}\n"
