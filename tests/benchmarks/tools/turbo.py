"""turbo: turbo.json and the scripts of package.json."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from ..project import Project, Step
from . import Ask, Tool
from .mise import globs
from .sources import NPM

# What `npm run` does in the end, without npm: the scripts lie in files.
STAND_IN = '#!/bin/sh\n[ "$1" = run ] || exit 2\n. "./.scripts/$2"\n'


class Turbo(Tool):
    """One package, its scripts as tasks; each that runs is started by npm."""

    name = "turbo"
    source = NPM(package="turbo", program="@turbo/linux-64/bin/turbo")
    state = (".turbo", "node_modules")

    def write(self, project: Project, folder: Path) -> None:
        """Both files, and a stand-in for npm that `hastened` puts in its place."""
        scripts = {step.name: step.command for step in project.steps if step.command}
        package = {"name": "bench", "version": "1.0.0", "private": True, "packageManager": "npm@10.0.0"}
        (folder / "package.json").write_text(json.dumps({**package, "scripts": scripts}, indent=1), encoding="utf-8")
        tasks = {step.name: task(step, project) for step in project.steps}
        (folder / "turbo.json").write_text(json.dumps({"tasks": tasks}, indent=1), encoding="utf-8")
        for path, text in {
            ".bin/npm": STAND_IN,
            **{f".scripts/{name}": text for name, text in scripts.items()},
        }.items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
        (folder / ".bin/npm").chmod(0o755)

    def words(self, ask: Ask) -> list[str] | None:
        """`run all --concurrency=2`, `run all --dry-run`; `run` alone lists, and calls that a failure."""
        match ask.verb:
            case "run" | "build" | "restore":
                return ["run", ask.project.goal, f"--concurrency={ask.jobs}", "--output-logs=errors-only"]
            case "list":
                return None
            case "plan":
                return ["run", ask.project.goal, "--dry-run"]

    def environment(self, folder: Path) -> Mapping[str, str]:
        """Nothing is sent; there has been no daemon for runs since 2.9."""
        return {"TURBO_TELEMETRY_DISABLED": "1", "DO_NOT_TRACK": "1", "TURBO_NO_UPDATE_NOTIFIER": "1"}

    def hastened(self, folder: Path) -> Mapping[str, str]:
        """The stand-in instead of npm."""
        return {"PATH": f"{folder / '.bin'}{os.pathsep}{os.defpath}"}


def task(step: Step, project: Project) -> dict[str, object]:
    """What turbo.json says of a step."""
    said: dict[str, object] = {"dependsOn": list(project.after(step))}
    if step.desc:
        said["description"] = step.desc
    if not step.outputs:
        return {**said, "cache": False}
    return {**said, "inputs": project.own(step), "outputs": globs(step.outputs)}
