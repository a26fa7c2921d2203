"""go-task: Taskfile.yml."""

from __future__ import annotations

import json
from pathlib import Path

from ..project import Project, Step
from . import Ask, Tool
from .sources import PyPI


class GoTask(Tool):
    """`task`; its shell is built in, so a shell builtin costs it no process."""

    name = "go-task"
    source = PyPI(package="go-task-bin", script="task")
    state = (".task",)

    def write(self, project: Project, folder: Path) -> None:
        """Taskfile.yml: silent, strings quoted as JSON, which YAML takes.

        *Why* once: it looks at a task again for each way that leads to it, and in layers the ways double.
        """
        head = 'version: "3"\nsilent: true\nrun: once\ntasks:\n'
        body = "".join(entry(step, project) for step in project.steps)
        (folder / "Taskfile.yml").write_text(head + body, encoding="utf-8")

    def words(self, ask: Ask) -> list[str] | None:
        """`--concurrency 2 all`, `--list-all`, `--dry all`."""
        match ask.verb:
            case "run" | "build":
                return ["--concurrency", str(ask.jobs), ask.project.goal]
            case "list":
                return ["--list-all"]
            case "plan":
                return ["--dry", ask.project.goal]
            case "restore":
                return None  # it stores no outputs


def entry(step: Step, project: Project) -> str:
    """One task of the map."""
    lines = [f"  {step.name}:"]
    if step.desc:
        lines.append(f"    desc: {json.dumps(step.desc)}")
    if deps := project.after(step):
        lines.append(f"    deps: {json.dumps(list(deps))}")
    if step.inputs:
        lines.append(f"    sources: {json.dumps(list(step.inputs))}")
    if step.outputs:
        lines.append(f"    generates: {json.dumps(list(step.outputs))}")
    if step.command:
        lines.append(f"    cmds: {json.dumps([step.command])}")
    return "\n".join(lines) + "\n"
