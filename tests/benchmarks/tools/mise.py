"""mise: mise.toml."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from ..project import Project, Step
from . import Ask, Tool
from .sources import NPM

HOME = ".home"


class Mise(Tool):
    """Compares times only; it can store outputs since 2026.7.15, as an experiment that has to be asked for."""

    name = "mise"
    source = NPM(package="@jdxcode/mise-linux-x64", program="@jdxcode/mise-linux-x64/bin/mise")
    state = (HOME,)
    stores = False

    def write(self, project: Project, folder: Path) -> None:
        """mise.toml: a table for each step."""
        head = "[settings]\nexperimental = true\n" if self.stores else ""
        body = "".join(self.table(step, project) for step in project.steps)
        (folder / "mise.toml").write_text(head + body, encoding="utf-8")

    def table(self, step: Step, project: Project) -> str:
        """`[tasks.name]` and its keys; a folder as a pattern."""
        lines = [f"\n[tasks.{step.name}]"]
        if step.desc:
            lines.append(f"description = {json.dumps(step.desc)}")
        if deps := project.after(step):
            lines.append(f"depends = {json.dumps(list(deps))}")
        if step.command:
            lines.append(f"run = {json.dumps(step.command)}")
        if step.inputs:
            lines.append(f"sources = {json.dumps(list(step.inputs))}")
        if step.outputs:
            lines.append(f"outputs = {json.dumps(globs(step.outputs))}")
            lines += ["cache = { enabled = true }"] if self.stores else []
        return "\n".join(lines) + "\n"

    def words(self, ask: Ask) -> list[str] | None:
        """`run --jobs 2 all`, `tasks ls`, `run --dry-run all`."""
        match ask.verb:
            case "run" | "build":
                return ["run", "--quiet", "--jobs", str(ask.jobs), ask.project.goal]
            case "list":
                return ["tasks", "ls"]
            case "plan":
                return ["run", "--dry-run", ask.project.goal]
            case "restore":
                return ["run", "--quiet", "--jobs", str(ask.jobs), ask.project.goal] if self.stores else None

    def environment(self, folder: Path) -> Mapping[str, str]:
        """The project is to be trusted, what it keeps is below one folder, nothing is looked up."""
        home = folder / HOME
        places = {f"MISE_{name.upper()}_DIR": str(home / name) for name in ("data", "cache", "state", "config")}
        return {**places, "MISE_TRUSTED_CONFIG_PATHS": str(folder), "MISE_OFFLINE": "1", "MISE_YES": "1"}


class MiseCached(Mise):
    """The same with its experiment switched on."""

    name = "mise cached"
    stores = True


def globs(outputs: tuple[str, ...]) -> list[str]:
    """Outputs as most tools write them: a folder as all that is below it."""
    return [f"{output}**" if output.endswith("/") else output for output in outputs]
