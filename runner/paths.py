"""Which paths a node's declaration is about: what it reads, what it makes, what it owns."""

from __future__ import annotations

from runner.digest import hasher
from runner.pattern import Globs
from runner.pattern.spelling import is_at_or_below
from runner.result import Made
from runner.tree import Wanted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.pattern.index import OutputIndex
    from runner.task import Node
    from runner.tree import Sight


def wanted(node: Node, producers: OutputIndex) -> Wanted:
    """Which paths are a node's inputs: not what git ignores, and nothing of what tasks make that it does not follow.

    What others make and it does follow counts whatever git says; so nothing depends on who ran first.
    """
    own = node.task.name
    dropped = node.task.dropped
    feeds = [feed for feed in producers.feeding(node.inputs) if feed.owner != own and feed.owner not in dropped]
    owners = {*(feed.owner for feed in feeds), *([own] if node.task.in_place else [])}
    return Wanted(
        globs=node.files,
        even_ignored=Globs((*node.even_ignored.globs, *(feed.output for feed in feeds))),
        leave_out=producers.besides(owners),
    )


def digest_of_outputs(outputs: Iterable[Made], algorithm: str) -> str:
    """The digest of all that a node made, as recorded: the same whether it ran, was restored, or was fresh."""
    said = [f"{made.path}\0{value_of(made)}\0" for made in sorted(outputs, key=lambda made: made.path)]
    return hasher(algorithm)("".join(said).encode("utf-8", "surrogateescape")).hexdigest()


def value_of(made: Made) -> str:
    """An output as one text, in the form of `Seen.value`."""
    if made.kind == "file":
        return f"{'x' if made.is_executable else 'f'}:{made.digest}"
    return f"l:{made.target}" if made.kind == "link" else "d:"


def unmatched(node: Node, inputs: Sequence[tuple[str, str]]) -> list[str]:
    """The patterns of a node's inputs that none of these paths has; the node's own outputs are none of its inputs."""
    if not node.task.inputs:
        return []
    paths = [path for path, _ in inputs]
    globs = [glob for glob in node.files.globs if not glob.is_negated]
    return [glob.text for glob in globs if not any(map(glob.matches, paths))]


def outputs_of(node: Node) -> Wanted:
    """The paths of a node's declared outputs; what git ignores counts too."""
    return Wanted(globs=Globs(node.outputs), respects_ignore=False)


def declares(node: Node, path: str) -> bool:
    """Whether a path is among a node's outputs, as they are declared."""
    globs = [glob for glob in node.outputs if not glob.is_negated]
    return any(glob.matches(path) or any(path == one.base for one in glob.spellings if one.is_named) for glob in globs)


def gathers(node: Node, path: str) -> bool:
    """Whether a path is an output only because a wildcard matches it, and it is not said that it is kept."""
    pairs = zip(node.entries, node.outputs, strict=True)
    found = [(entry, glob) for entry, glob in pairs if not glob.is_negated and glob.matches(path)]
    return all(not any(one.is_named for one in glob.spellings) and not entry.keep for entry, glob in found)


def lock_name(node: Node) -> str:
    """What a node's lock goes by: nodes of a task that make the same files may not run at once."""
    if not node.outputs:
        return node.name
    return "\n".join([node.task.name, *(text for glob in node.outputs for text in glob.normal)])


def owned_folders(node: Node) -> list[str]:
    """The folders that a node owns: what is in there and was not made by it is a stray."""
    return [
        spelling.base
        for entry, glob in zip(node.entries, node.outputs, strict=True)
        if not entry.keep and not glob.is_negated
        for spelling in glob.spellings
        if spelling.is_folder and spelling.is_named
    ]


def is_inside(path: str, folder: str) -> bool:
    """Whether a path lies below a folder, and is not the folder."""
    return is_at_or_below(path, folder) and path != folder


def made_of(seen: Sight) -> tuple[Made, ...]:
    """Outputs that were looked at, as they are recorded."""
    return (*(entry.made for entry in seen.entries), *map(empty_folder, seen.empty))


def empty_folder(folder: str) -> Made:
    """A folder that holds nothing, as an output."""
    return Made(path=folder, kind="folder")
