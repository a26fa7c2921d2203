"""doit: dodo.py."""

from __future__ import annotations

from pathlib import Path

from ..project import Project, Step
from . import Ask, Tool
from .sources import PyPI

HEAD = """from glob import glob

DOIT_CONFIG = {"verbosity": 0}


def task_all_of_them():
    for name, doc, command, deps, inputs, outputs in STEPS:
        yield {
            "basename": name,
            "doc": doc,
            "actions": [command] if command else None,
            "task_dep": deps,
            "file_dep": [path for pattern in inputs for path in (glob(pattern) if "*" in pattern else [pattern])],
            "targets": outputs,
        }


"""


class Doit(Tool):
    """Its tasks are Python, so a generator of tasks: what its users would write."""

    name = "doit"
    source = PyPI(package="doit", script="doit")
    state = (".doit.db", ".doit.db.db", ".doit.db.dir", ".doit.db.dat", ".doit.db.bak")

    def write(self, project: Project, folder: Path) -> None:
        """dodo.py: the steps as a list, and the function that yields them."""
        steps = "".join(f"    {entry(step)!r},\n" for step in project.steps)
        (folder / "dodo.py").write_text(f"{HEAD}STEPS = [\n{steps}]\n", encoding="utf-8")

    def words(self, ask: Ask) -> list[str] | None:
        """`-n 2 -P thread all`, `list`; it plans nothing and stores nothing."""
        match ask.verb:
            case "run" | "build":
                return ["run", "-n", str(ask.jobs), "-P", "thread", ask.project.goal]
            case "list":
                return ["list"]
            case "plan" | "restore":
                return None


def entry(step: Step) -> tuple[str, str, str, list[str], list[str], list[str]]:
    """What the function needs of a step."""
    return (step.name, step.desc, step.command, list(step.deps), list(step.inputs), list(step.outputs))
