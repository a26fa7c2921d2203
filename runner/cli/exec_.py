"""`--exec`: the words of a line to a project of one task, and what is asked of that."""

from __future__ import annotations

import os
import posixpath

from runner.check import check
from runner.error import Problem, Refusal, refuse
from runner.expand import Expansion
from runner.manifest import Manifest
from runner.noun import noun, replace
from runner.request import Target
from runner.select import select
from runner.task import Arg, Argv, Caching, Input, Output, Project, Settings, Task
from runner.telling import Case

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final

    from runner.error import Place
    from runner.manifest import KeyPath
    from runner.request import Ambient, Request
    from runner.telling import Ended

NAME: Final = "exec"
# The ledger is named after it: no tasks file is called that, and a run of tasks must not clear away what is known here.
FILE: Final = "--exec"
# All folders above, where inputs may lie.
OUTSIDE: Final = ("..",)
# Without inputs a cached task reads all that is there; a command without `--inputs` reads nothing.
NO_INPUTS: Final = "!**"
SHOWN_CHARS_AT_MOST: Final = 32
DIGEST_DIGITS: Final = 12


@noun
class Here:
    """The current folder: as it is named, and where it is whatever links lead there."""

    named: str
    root: str


def case_on(argv: Sequence[str], ambient: Ambient) -> Case:
    """What a line with `--exec` asks for. *Raises*: Refusal with places on that line."""
    from runner.cli.words import parse

    return case_of(parse(argv, None, ambient), ambient, _places(argv))


def done(case: Case) -> Ended:
    """The command replayed or run; or only told which of it."""
    from runner import single

    return single.plan(case) if case.request.verb == "plan" else single.run(case)


def case_of(request: Request, ambient: Ambient, locate: Callable[[KeyPath, bool], Place | None]) -> Case:
    """The command as a project of one task, in the folder that it runs in. *Raises*: Refusal."""
    named = os.path.normpath(os.path.join(ambient.cwd, request.directory or ""))
    here = Here(named=named, root=os.path.realpath(named))
    if not os.path.isdir(here.root):
        raise refuse(f"the folder `{request.directory or ambient.cwd}` is not there")
    task = _task(request, here, locate)
    manifest = Manifest(path=os.path.join(here.root, FILE), root=here.root, shown=FILE, data={}, locate=locate)
    settings = Settings(output="raw")
    project = Project(manifest=manifest, root=here.root, tasks={NAME: task}, outside=OUTSIDE, settings=settings)
    target = Target(name=NAME, args={"command": _short(request.command, here)})
    request = replace(request, targets=(target,), stamp_dir=_stamp_dir(request, here))
    expansion = Expansion(project, ambient)
    selection = select(expansion, request, check(expansion))
    return Case(request=request, expansion=expansion, selection=selection, ambient=ambient)


def _task(request: Request, here: Here, locate: Callable[[KeyPath, bool], Place | None]) -> Task:
    """*Why* the folder is an argument: so it is in the key, like everything that the command may ask for."""
    inputs = [_from_here(text, here) for text in request.inputs]
    outputs = [_from_here(text, here) for text in request.outputs]
    problems = [
        Problem(
            message=f"output `{request.outputs[at]}` is outside of the current folder",
            place=locate(("tasks", NAME, "outputs", at), False),
            hint="`-C DIR` works in a folder above it",
        )
        for at, text in enumerate(outputs)
        if posixpath.normpath(text).split("/")[0] == ".."
    ]
    if problems:
        raise Refusal(*problems)
    return Task(
        name=NAME,
        path=("tasks", NAME),
        steps=(Argv(words=tuple(map(_literal, request.command))),),
        body="cmd",
        inputs=tuple(Input(text=text) for text in inputs or (NO_INPUTS,)),
        outputs=tuple(Output(text=text) for text in outputs),
        uses_env=request.uses_env,
        pass_env=request.pass_env,
        args={"command": Arg(name="command"), "folder": Arg(name="folder", default=here.root)},
        cache=Caching(on=True, failures=True),
    )


def _from_here(text: str, here: Here) -> str:
    """A pattern as a task has it. One from the root of all files is one from here, and an `@` is nothing special."""
    negated = "!" if text.startswith("!") else ""
    body = text.removeprefix("!")
    if body.startswith("/"):
        body = _relative(body, here)
    if body.startswith("@"):
        body = f"\\{body}"
    return negated + _literal(body)


def _relative(body: str, here: Here) -> str:
    for folder in (here.named, here.root):
        start = folder.rstrip("/") + "/"
        if f"{body}/" == start or body.startswith(start):
            return body[len(start) :].lstrip("/") or "./"
    return posixpath.relpath(body, here.root) + "/" * body.endswith("/")


def _literal(text: str) -> str:
    return text.replace("{{", "{{{{")


def _short(command: Sequence[str], here: Here) -> str:
    """A command in its folder, in a few characters that no other one has: what it is remembered by."""
    from runner.key import digest_of

    whole = "".join(f"{len(word)}:{word}" for word in (here.root, *command))
    name = "".join(char if char.isalnum() or char in "._+" else "_" for char in posixpath.basename(command[0]))
    return f"{name[:SHOWN_CHARS_AT_MOST]}-{digest_of(whole)[:DIGEST_DIGITS]}"


def _stamp_dir(request: Request, here: Here) -> str | None:
    if request.stamp_dir is None:
        return None
    path = os.path.join(here.root, request.stamp_dir)
    if os.path.lexists(path) and not os.path.isdir(path):
        raise refuse(f"`--stamp-dir {request.stamp_dir}` is not a folder")
    return path


def _places(argv: Sequence[str]) -> Callable[[KeyPath, bool], Place | None]:
    """Where on the line the value stands that a key of the task has."""

    def locate(path: KeyPath, _: bool) -> Place | None:
        from runner.cli.scan import Scan

        match path:
            case ("tasks", str(), str(key), int(at), *_):
                scan = Scan(argv, None)
                said = [spoken for spoken in scan.said if spoken.option.field == key]
                return scan.line.place(said[at].at, said[at].start) if at < len(said) else None
        return None

    return locate


def why_of(case: Case) -> str:
    """Why the command would run or be replayed: as text, or as one document."""
    from runner import single
    from runner.cli.why import why
    from runner.report.wording import one_line

    keeping = single.keep(case)
    try:
        text = why(case, keeping, single.no_loop)
    finally:
        keeping.close()
    if case.request.json is None:
        head, _, rest = text.partition("\n")
        would = head.rpartition(": ")[2].replace("restored", "replayed")
        command = " ".join(keeping.settle.commands.shown(single.only(case), single.only(case).words))
        text = f"{one_line(command)}: {would}\n{rest}"
    return text
