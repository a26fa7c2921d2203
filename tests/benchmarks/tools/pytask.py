"""pytask: task_steps.py."""

from __future__ import annotations

from pathlib import Path

from ..project import Project, Step
from . import Ask, Tool
from .sources import PyPI

HEAD = """from pathlib import Path
from subprocess import run

from pytask import task


def made(name, command, before, after):
    @task(id=name)
    def task_one(before=before, produces=after):
        run(command, shell=True, check=True)


"""


class Pytask(Tool):
    """Its tasks are functions with paths for arguments; it always does all of them, one at a time."""

    name = "pytask"
    source = PyPI(package="pytask", script="pytask")
    state = (".pytask", "pytask.lock")

    def write(self, project: Project, folder: Path) -> None:
        """task_steps.py: the steps that have a command, made in a loop."""
        steps = "".join(f"    {entry(step, project)},\n" for step in project.steps if step.command)
        body = f"for step in [\n{steps}]:\n    made(*step)\n"
        (folder / "task_steps.py").write_text(HEAD + body, encoding="utf-8")
        (folder / "pyproject.toml").write_text("[tool.pytask.ini_options]\npaths = ['.']\n", encoding="utf-8")

    def words(self, ask: Ask) -> list[str] | None:
        """`build`, `collect`; it stores nothing, and without files it has neither order nor a plan."""
        match ask.verb:
            case "build":
                return ["build", "--verbose", "0"]
            case "run":
                return None if any(step.deps for step in ask.project.steps[:-1]) else ["build", "--verbose", "0"]
            case "list":
                return ["collect"]
            case "plan" | "restore":
                return None


def entry(step: Step, project: Project) -> str:
    """The arguments of `made`, as Python."""
    before = ", ".join(f"Path({path!r}).absolute()" for path in project.reads(step))
    after = ", ".join(f"Path({path!r}).absolute()" for path in step.outputs)
    return f"({step.name!r}, {step.command!r}, [{before}], [{after}])"
