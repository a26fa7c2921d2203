"""The tasks file of a folder, found, read, and checked against the schema."""

from __future__ import annotations

import os

from runner.error import Refusal, refuse
from runner.manifest import Manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    from runner.config import Format
    from runner.error import Place
    from runner.manifest import KeyPath

NAMES: Final = ("tasks.toml", "tasks.yaml", "tasks.yml")


def find(cwd: str, directory: str | None = None, file: str | None = None) -> str:
    """The absolute path of the tasks file that a person in `cwd` means: walking up, unless `file` names it.

    *Raises*: Refusal where there is none, or two of them side by side.
    """
    start = os.path.normpath(os.path.join(cwd, directory or ""))
    if not os.path.isdir(start):
        raise refuse(f"the folder `{directory}` is not there")
    if file is not None:
        path = os.path.normpath(os.path.join(start, file))
        if not os.path.isfile(path):
            raise refuse(f"the tasks file `{file}` is not there")
        return path
    folder = start
    while True:
        found = [name for name in NAMES if os.path.isfile(os.path.join(folder, name))]
        if len(found) > 1:
            raise refuse(f"`{found[0]}` and `{found[1]}` are side by side in `{folder}`", None, "keep one of them")
        if found:
            return os.path.join(folder, found[0])
        if os.path.dirname(folder) == folder:
            raise refuse(f"no tasks.toml, tasks.yaml or tasks.yml in `{start}` or above")
        folder = os.path.dirname(folder)


def load(path: str, cwd: str) -> Manifest:
    """The file at an absolute path. *Raises*: Refusal with everything that is wrong with it."""
    shown = _shown(path, cwd)
    try:
        with open(path, "rb") as file:
            # One byte more than is ever taken, so that a huge file is refused without being read.
            data = file.read((1 << 20) + 1)
    except OSError as error:
        raise refuse(f"`{shown}` cannot be read: {error.strerror}") from None
    form = _format(path)
    parsed = form.parse(data, shown)
    text: list[str] = []

    def locate(key_path: KeyPath, is_key: bool) -> Place | None:
        from runner.config.place import place
        from runner.config.source import decoded

        if not text:
            text.append(decoded(data, shown))
        return place(shown, text[0], form.locate(text[0], key_path, key=is_key))

    _check(parsed, form, data, shown)
    return Manifest(path=path, root=os.path.dirname(path), shown=shown, data=parsed, locate=locate)


def _format(path: str) -> Format:
    if path.endswith((".yaml", ".yml")):
        from runner.config import yaml

        return yaml
    from runner.config import toml

    return toml


def _check(parsed: dict[str, Any], form: Format, data: bytes, shown: str) -> None:
    from runner.config.schema import check, later_keys
    from runner.config.source import decoded

    text = decoded(data, shown)
    problems = check(parsed, locate=form.locate, file=shown, text=text)
    problems = problems or later_keys(parsed, locate=form.locate, file=shown, text=text)
    if problems:
        raise Refusal(*problems)


def _shown(path: str, cwd: str) -> str:
    """The path as a person in `cwd` would type it, unless that is longer than the path itself."""
    relative = os.path.relpath(path, cwd)
    return relative if len(relative) <= len(path) else path
