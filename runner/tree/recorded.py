"""What is wrong with outputs as they were recorded: a record may come from anywhere, and names what it replaces."""

from __future__ import annotations

from runner.digest import is_digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Final

    from runner.result import Made

HIDDEN: Final = (".git", ".trun")


def fault(outputs: Sequence[Made]) -> str | None:
    """Why outputs can be restored nowhere, None if they can."""
    leaves: set[str] = set()
    folders: set[str] = set()
    for made in outputs:
        wrong = _path_fault(made.path) or _content_fault(made)
        if wrong is None and made.path in leaves:
            wrong = f"`{made.path}` is recorded twice"
        if wrong is not None:
            return wrong
        leaves.add(made.path)
        folders.update(above(made.path))
    for made in outputs:
        if made.path in folders:
            return f"`{made.path}` is recorded as what it is, and as a folder of others"
    return None


def _path_fault(path: str) -> str | None:
    names = path.split("/")
    if not path or "\0" in path or not {"", ".", ".."}.isdisjoint(names):
        return f"`{path}` is no path below the project's root"
    # Letters count alike on file systems that do not tell them apart.
    hidden = next((name for name in names if name.lower() in HIDDEN), None)
    return None if hidden is None else f"`{path}` reaches into `{hidden}`"


def _content_fault(made: Made) -> str | None:
    if made.kind == "file":
        return None if is_digest(made.digest) else f"`{made.path}` is recorded without its content"
    if made.kind == "link":
        return link_fault(made.path, made.target)
    return None if made.kind == "folder" else f"`{made.path}` is recorded as what trun does not know: `{made.kind}`"


def link_fault(path: str, text: str) -> str | None:
    """Why a link may not be made, None if it may.

    *Why* `..` only at the beginning: where `a/..` leads to depends on what `a` is; the folders above the link itself
    are known to be folders.
    """
    names = [name for name in text.split("/") if name not in ("", ".")]
    ups = 0
    while ups < len(names) and names[ups] == "..":
        ups += 1
    if not text or "\0" in text:
        return f"the link `{path}` points nowhere"
    if text.startswith("/"):
        return f"the link `{path}` points to a place of one machine: `{text}`"
    if ups > path.count("/") or ".." in names[ups:]:
        return f"the link `{path}` could leave the project: `{text}`"
    return None


def above(path: str) -> Iterable[str]:
    """The folders that a path is in, nearest first, without the root."""
    at = path.rfind("/")
    while at > 0:
        yield path[:at]
        at = path.rfind("/", 0, at)
