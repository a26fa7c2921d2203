"""The files of a project on the disk, and what its outputs must hold."""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Mapping
from pathlib import Path

from .project import SEED, Folder, Project

Edits = Mapping[str, int]  # path to the number of its edit


def lay(project: Project, folder: Path) -> None:
    """Write every file that is there before the first run, and the folder for outputs."""
    for part in project.folders:
        (folder / part.path).mkdir(parents=True)
        for path in part.files():
            (folder / path).write_bytes(content(path, part))
    if project.has_files:
        (folder / "out").mkdir()


def content(path: str, part: Folder, edit: int = 0) -> bytes:
    """What a file holds: its path, the number of its last edit, and filler; noise that does not compress for copies."""
    if part.path.startswith(SEED):
        return random.Random(path).randbytes(part.size_bytes)
    return f"{path} {edit}\n".encode().ljust(part.size_bytes - 1, b".") + b"\n"


def digests(project: Project, edits: Edits) -> dict[str, bytes]:
    """What `sha256sum` must have left in each output of a layered project."""
    held = {
        path: hashlib.sha256(content(path, part, edits.get(path, 0))).hexdigest()
        for part in project.folders
        for path in part.files()
    }
    made: dict[str, bytes] = {}
    for step in project.steps:
        for output in step.outputs:
            made[output] = "".join(f"{held[path]}  {path}\n" for path in project.reads(step)).encode()
            held[output] = hashlib.sha256(made[output]).hexdigest()
    return made


def wrong(expected: Mapping[str, bytes], folder: Path) -> str:
    """The first output that does not hold what it must; nothing if all do."""
    for path, text in expected.items():
        try:
            if (folder / path).read_bytes() != text:
                return f"`{path}` has wrong content"
        except FileNotFoundError:
            return f"`{path}` is missing"
    return ""


def different(folder: Path, copy: Path) -> str:
    """The first file of `folder` that `copy` has not, or not alike, or has besides; nothing if they are equal."""
    ours, theirs = files_below(folder), files_below(copy)
    for path in sorted(ours | theirs):
        if path not in theirs:
            return f"`{path}` is missing"
        if path not in ours:
            return f"`{path}` is a stray"
        if (folder / path).read_bytes() != (copy / path).read_bytes():
            return f"`{path}` has wrong content"
    return ""


def files_below(folder: Path) -> set[str]:
    """The relative paths of all files below."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def empty(folder: Path) -> None:
    """`folder` with nothing in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
