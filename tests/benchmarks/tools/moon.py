"""moon: .moon/workspace.yml and moon.yml."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from ..project import Project, Step
from . import Ask, Tool
from .mise import globs
from .sources import NPM

WORKSPACE = "projects:\n  root: '.'\ntelemetry: false\n"


class Moon(Tool):
    """One project, its tasks as scripts for the shell."""

    name = "moon"
    source = NPM(package="@moonrepo/cli", program="@moonrepo/core-linux-x64-gnu/moon")
    state = (".moon/cache",)
    wants_git = True

    def write(self, project: Project, folder: Path) -> None:
        """Both files; strings quoted as JSON, which YAML takes."""
        (folder / ".moon").mkdir()
        (folder / ".gitignore").write_text(".moon/cache\n.home\nout\nran\n.errors\n", encoding="utf-8")
        (folder / ".moon/workspace.yml").write_text(WORKSPACE, encoding="utf-8")
        body = "".join(f"  {step.name}: {json.dumps(task(step, project))}\n" for step in project.steps)
        (folder / "moon.yml").write_text(f"tasks:\n{body}", encoding="utf-8")

    def words(self, ask: Ask) -> list[str] | None:
        """`run root:all --concurrency 2`, `tasks`; it has no plan."""
        match ask.verb:
            case "run" | "build" | "restore":
                return ["run", f"root:{ask.project.goal}", "--concurrency", str(ask.jobs), "--quiet"]
            case "list":
                return ["tasks"]
            case "plan":
                return None

    def environment(self, folder: Path) -> Mapping[str, str]:
        """What it keeps for all projects is not to be the folder of this one's settings."""
        home = str(folder / ".home")
        return {"MOON_HOME": home, "PROTO_HOME": home, "PROTO_OFFLINE": "1", "MOON_DAEMON": "false", "HOME": home}


def task(step: Step, project: Project) -> dict[str, object]:
    """What moon.yml says of a step."""
    said: dict[str, object] = {"deps": [f"~:{name}" for name in project.after(step)]}
    if step.desc:
        said["description"] = step.desc
    if step.command:
        said["script"] = step.command
    if not step.outputs:
        return {**said, "inputs": [], "options": {"cache": False}}
    return {**said, "inputs": project.own(step), "outputs": globs(step.outputs)}
