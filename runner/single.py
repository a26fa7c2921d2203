"""One command without a tasks file: as a project of one task, replayed from what is kept, or run and kept."""

from __future__ import annotations

import os

from runner.check import check, refuse_unset
from runner.compose import by, kept, reporter
from runner.error import EXIT_DONE, refuse
from runner.event import TaskEnded, TaskOutput, TaskPlanned, TaskReady, Warned
from runner.expand import Expansion
from runner.forecast import foreseen
from runner.locks import NodeLock
from runner.manifest import Manifest
from runner.noun import replace
from runner.outputs import Origin, Outputs
from runner.request import Target
from runner.restoring import Restoring
from runner.select import select
from runner.settle import NoAsks, driven
from runner.task import Arg, Argv, Caching, Input, Output, Project, Settings, Task
from runner.telling import Case, Ended, closing, opening, own_exit
from runner.variables import STACK, stacked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from runner.compose import Kept
    from runner.error import Place
    from runner.manifest import KeyPath
    from runner.report.several import Several
    from runner.request import Ambient, Request
    from runner.settle import Verdict
    from runner.task import Node

NAME: Final = "exec"
# What the ledger is named after: no tasks file is called that, and what is not in a tasks file it must not clear away.
FILE: Final = "--exec"
PATH: Final[KeyPath] = ("tasks", NAME)
# Below the premises, where what a command writes waits until it is stored.
LOGS: Final = "exec"
NAME_CHARS_AT_MOST: Final = 32
DIGEST_DIGITS: Final = 12
# All folders above the root, where inputs may be.
ABOVE: Final = ("..",)


def case_of(request: Request, ambient: Ambient, locate: Callable[[KeyPath, bool], Place | None]) -> Case:
    """The command as a project of one task, in the folder that it runs in. *Raises*: Refusal.

    *Why* the folder is an argument: then it is in the key, as everything that the command may ask for is.
    """
    named = os.path.join(ambient.cwd, request.directory or "")
    root = os.path.realpath(named)
    if not os.path.isdir(root):
        raise refuse(f"the folder `{request.directory or ambient.cwd}` is not there")
    stamp_dir = request.stamp_dir
    if stamp_dir is not None:
        stamp_dir = os.path.join(root, stamp_dir)
        if os.path.lexists(stamp_dir) and not os.path.isdir(stamp_dir):
            raise refuse(f"`--stamp-dir {request.stamp_dir}` is not a folder")
    task = _task(request, (os.path.normpath(named), root), locate)
    target = Target(name=NAME, args={"command": _told_apart(request.command, root)}, rest=request.command)
    manifest = Manifest(path=os.path.join(root, FILE), root=root, shown=FILE, data={}, locate=locate)
    project = Project(
        manifest=manifest, root=root, tasks={NAME: task}, outside=ABOVE, settings=Settings(output="raw", keep_runs=0)
    )
    request = replace(request, targets=(target,), stamp_dir=stamp_dir)
    expansion = Expansion(project, replace(ambient, cwd=root))
    selection = select(expansion, request, check(expansion))
    return Case(request=request, expansion=expansion, selection=selection, ambient=expansion.ambient)
