"""What nodes left in the tree, removed where it still is what they made: of tasks that are gone, or on request."""

from __future__ import annotations

from runner.noun import noun, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from runner.ledger import LastRun, Ledger
    from runner.pattern.index import OutputIndex
    from runner.task import Project
    from runner.tree import Tree


@noun
class Removed:
    """What was removed, and what was kept because it is something else now; paths from the root."""

    paths: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


def task_of(node: str) -> str:
    """The task that a node's name begins with."""
    return node.partition("{")[0].partition("[")[0]


def vanished(ledger: Ledger, project: Project) -> list[str]:
    """The nodes whose task is no longer declared."""
    return [name for name in ledger.names() if task_of(name) not in project.tasks]


def leftover(
    ledger: Ledger, producers: OutputIndex, names: Iterable[str], read: Callable[[], Collection[str]]
) -> list[tuple[str, LastRun]]:
    """Nodes that are gone and what they made, without what another task makes now or `read`s by its name.

    What a node changed in place was somebody else's before: nothing of that is theirs.
    """
    found = []
    for name in names:
        last = ledger.get(name)
        if last is None:
            continue
        adopted = read() if last.outputs else ()
        kept = (made for made in last.outputs if made.path not in adopted and not producers.owners(made.path))
        # What was accepted, or is as the lock has it, was not made here.
        outputs = tuple(kept) if last.status in ("ran", "restored") else ()
        found.append((name, replace(last, outputs=() if last.in_place else outputs)))
    return found


def clear(tree: Tree, ledger: Ledger, found: Iterable[tuple[str, LastRun]]) -> Removed:
    """Remove outputs that are as they were recorded, and forget their nodes."""
    removed: list[str] = []
    kept: list[str] = []
    for name, last in found:
        gone, other = tree.remove(last.outputs)
        removed += gone
        kept += other
        ledger.forget(name)
    tree.renew()
    return Removed(paths=tuple(removed), kept=tuple(kept))
