"""wireit: package.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from ..project import Project, Step
from . import Ask, Tool
from .mise import globs
from .sources import NPM


class Wireit(Tool):
    """A wrapper of scripts: it only runs below npm, whose start is in its time as it is for its users."""

    name = "wireit"
    source = NPM(package="wireit", program="", starter="npm")
    state = (".wireit",)

    def write(self, project: Project, folder: Path) -> None:
        """package.json: each script says `wireit`, and below its name what it is."""
        scripts = {step.name: "wireit" for step in project.steps}
        told = {step.name: script(step, project) for step in project.steps}
        package = {"name": "bench", "version": "1.0.0", "private": True, "scripts": scripts, "wireit": told}
        (folder / "package.json").write_text(json.dumps(package, indent=1), encoding="utf-8")

    def words(self, ask: Ask) -> list[str] | None:
        """`npm run all`, `npm run` lists; it has no plan."""
        match ask.verb:
            case "run" | "build" | "restore":
                return ["run", "--silent", ask.project.goal]
            case "list":
                return ["run"]
            case "plan":
                return None

    def environment(self, folder: Path) -> Mapping[str, str]:
        """How many at once is a variable; npm looks for no newer npm."""
        return {"WIREIT_PARALLEL": "2", "WIREIT_CACHE": "local", "NPM_CONFIG_UPDATE_NOTIFIER": "false"}


def script(step: Step, project: Project) -> dict[str, object]:
    """What the `wireit` section says of a step."""
    said: dict[str, object] = {"dependencies": list(project.after(step))}
    if step.command:
        said["command"] = step.command
    if step.outputs:
        said |= {"files": project.own(step), "output": globs(step.outputs)}
    return said
