"""go-task: Taskfile.yml."""

from __future__ import annotations

import json
from pathlib import Path

from ..project import Project, Step
from . import Ask
from .sources import PyPI


class GoTask:
    """`task`; its shell is built in, so a shell builtin costs it no process."""

    name = "go-task"
    source = PyPI(package="go-task-bin", script="task")
    state = (".task",)

    def write(self, project: Project, folder: Path) -> None:
        """Taskfile.yml: silent, strings quoted as JSON, which YAML takes."""
        head = 'version: "3"\nsilent: true\ntasks:\n'
        body = "".join(entry(step) for step in project.steps)
        (folder / "Taskfile.yml").write_text(head + body, encoding="utf-8")

    def words(self, ask: Ask) -> list[str] | None:
        """`--concurrency 2 all`, `--list-all`, `--dry all`."""
        match ask.verb:
            case "run":
                return ["--concurrency", str(ask.jobs), ask.project.goal]
            case "list":
                return ["--list-all"]
            case "plan":
                return ["--dry", ask.project.goal]


def entry(step: Step) -> str:
    """One task of the map."""
    lines = [f"  {step.name}:"]
    if step.desc:
        lines.append(f"    desc: {json.dumps(step.desc)}")
    if step.deps:
        lines.append(f"    deps: {json.dumps(list(step.deps))}")
    if step.command:
        lines.append(f"    cmds: {json.dumps([step.command])}")
    return "\n".join(lines) + "\n"
