"""trun itself: tasks.toml."""

from __future__ import annotations

import json
from pathlib import Path

from ..project import Project, Step
from . import Ask, Tool
from .sources import Beside


class Trun(Tool):
    """The one that is measured: the `trun` of the environment that runs the benchmarks."""

    name = "trun"
    source = Beside(script="trun")
    state = (".trun",)

    def write(self, project: Project, folder: Path) -> None:
        """tasks.toml: the short form where a step is only a command; edges of files are inferred."""
        short = "".join(f"{step.name} = {json.dumps(step.command)}\n" for step in project.steps if is_short(step))
        long = "".join(table(step) for step in project.steps if not is_short(step))
        (folder / "tasks.toml").write_text(f"[tasks]\n{short}{long}", encoding="utf-8")

    def words(self, ask: Ask) -> list[str] | None:
        """`-j2 all`, `--list`, `--plan all`."""
        match ask.verb:
            case "run" | "build" | "restore":
                return [f"-j{ask.jobs}", ask.project.goal]
            case "list":
                return ["--list"]
            case "plan":
                return ["--plan", ask.project.goal]


def is_short(step: Step) -> bool:
    """Whether `name = "command"` says all there is."""
    return not (step.deps or step.desc or step.inputs or step.outputs)


def table(step: Step) -> str:
    """`[tasks.name]` and its keys."""
    lines = [f"\n[tasks.{step.name}]"]
    if step.desc:
        lines.append(f"desc = {json.dumps(step.desc)}")
    if step.deps:
        lines.append(f"deps = {json.dumps(list(step.deps))}")
    if step.command:
        lines.append(f"run = {json.dumps(step.command)}")
    if step.inputs:
        lines.append(f"inputs = {json.dumps(list(step.inputs))}")
    if step.outputs:
        lines.append(f"outputs = {json.dumps(list(step.outputs))}")
    return "\n".join(lines) + "\n"
