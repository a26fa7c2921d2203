"""nx: nx.json and project.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from ..project import Project, Step
from . import Ask, Tool
from .sources import NPM

SETTINGS = {"neverConnectToCloud": True, "analytics": False, "useInferencePlugins": False}


class Nx(Tool):
    """One project at the root, its targets as shell commands, without its daemon."""

    name = "nx"
    source = NPM(package="nx", program="nx/dist/bin/nx.js", starter="node")
    state = (".nx",)

    def write(self, project: Project, folder: Path) -> None:
        """The two files, and the package that it wants to see."""
        targets = {step.name: target(step, project) for step in project.steps}
        package = {"name": "root", "version": "1.0.0", "private": True}
        texts = {"nx.json": SETTINGS, "package.json": package, "project.json": {"name": "root", "targets": targets}}
        for name, said in texts.items():
            (folder / name).write_text(json.dumps(said, indent=1), encoding="utf-8")

    def words(self, ask: Ask) -> list[str] | None:
        """`run root:all --parallel=2`, `show project root`; its plan is a graph in a file."""
        match ask.verb:
            case "run" | "build" | "restore":
                return ["run", f"root:{ask.project.goal}", f"--parallel={ask.jobs}", "--outputStyle=static"]
            case "list":
                return ["show", "project", "root", "--json"]
            case "plan":
                return None

    def environment(self, folder: Path) -> Mapping[str, str]:
        """No daemon, no cloud, no terminal interface, no question."""
        off = {"NX_DAEMON": "false", "NX_TUI": "false", "NX_NO_CLOUD": "true", "NX_ISOLATE_PLUGINS": "false"}
        return {**off, "DO_NOT_TRACK": "1", "NX_INTERACTIVE": "false"}


def target(step: Step, project: Project) -> dict[str, object]:
    """What project.json says of a step."""
    said: dict[str, object] = {"dependsOn": list(project.after(step))}
    said |= {"command": step.command} if step.command else {"executor": "nx:noop"}
    if step.desc:
        said["metadata"] = {"description": step.desc}
    if not step.outputs:
        return said
    inputs = [f"{{workspaceRoot}}/{path}" for path in step.inputs if path not in project.makers]
    made = [{"dependentTasksOutputFiles": path} for path in step.inputs if path in project.makers]
    outputs = [f"{{workspaceRoot}}/{path.rstrip('/')}" for path in step.outputs]
    return {**said, "cache": True, "inputs": [*inputs, *made], "outputs": outputs}
