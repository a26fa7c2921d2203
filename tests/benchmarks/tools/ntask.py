"""ntask: tasks.py."""

from __future__ import annotations

from pathlib import Path

from ..project import Project, Step
from . import Ask, Tool
from .sources import PyPI


class NTask(Tool):
    """Its tasks are functions; one is cached if it says so."""

    name = "ntask"
    source = PyPI(package="ntask", script="ntask")
    state = (".ntask",)

    def write(self, project: Project, folder: Path) -> None:
        """tasks.py: a function for each step."""
        head = "from ntask import cached, shell, task\n"
        body = "".join(function(step, project) for step in project.steps)
        (folder / "tasks.py").write_text(head + body, encoding="utf-8")

    def words(self, ask: Ask) -> list[str] | None:
        """`--quiet --no-tui -j 2 all`, `--list`, `--dry-run all`."""
        match ask.verb:
            case "run" | "build" | "restore":
                return ["--quiet", "--no-tui", "--jobs", str(ask.jobs), ask.project.goal]
            case "list":
                return ["--list"]
            case "plan":
                return ["--dry-run", ask.project.goal]


def function(step: Step, project: Project) -> str:
    """The decorated function of a step."""
    deps = ", ".join(project.after(step))
    lines = ["\n", f"@task(deps=[{deps}])" if deps else "@task"]
    if step.outputs:
        lines.append(f"@cached(inputs={project.own(step)!r}, outputs={list(step.outputs)!r})")
    lines.append(f"def {step.name}():")
    if step.desc:
        lines.append(f"    {step.desc!r}")
    lines.append(f"    shell({step.command!r})" if step.command else "    pass")
    return "\n".join(lines) + "\n"
