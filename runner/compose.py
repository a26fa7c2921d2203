"""Pick the implementations that a request names, importing only those."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.execute.jobserver import Slots
    from runner.execute.local import Local
    from runner.request import Ambient
    from runner.task import Node


def job_slots(jobs: int, style: str, ambient: Ambient) -> Slots:
    """As many slots as there are jobs, shared with what runs below as `style` says: auto, pipe, fifo or off."""
    from runner.execute import jobserver

    if style == "off" or ambient.os == "windows":
        return jobserver.Slots(jobs)
    if style == "auto":
        style = jobserver.best_style(ambient.environ)
    return jobserver.Jobserver(jobs, style)


def executor(ambient: Ambient, slots: Slots) -> Local:
    """What runs the actions of a run."""
    from runner.execute.local import Local

    return Local(ambient.environ, jobserver_fds=slots.fds)


def found(root: str) -> Callable[[Node, str], tuple[str, ...]]:
    """Looks up what a node's `inputs` or `outputs` match, relative to its folder."""

    def look(node: Node, which: str) -> tuple[str, ...]:
        import posixpath

        from runner.pattern import Globs
        from runner.tree.glob import find

        globs = node.inputs if which == "inputs" else Globs(node.outputs)
        return tuple(posixpath.relpath(entry.path, node.dir or ".") for entry in find(root, globs))

    return look
