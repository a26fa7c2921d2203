"""Pick the implementations that a request names, importing only those."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.execute.jobserver import Slots
    from runner.execute.local import Local
    from runner.pattern.index import OutputIndex
    from runner.report.several import Several
    from runner.request import Ambient, Request
    from runner.task import Node, Project


def job_slots(jobs: int, style: str, ambient: Ambient, *, is_asked: bool) -> Slots:
    """As many slots as there are jobs, shared with what runs below as `style` says: auto, pipe, fifo or off.

    Below a make, or another trun, its slots are shared, unless a number `is_asked` for: so does make itself.
    """
    from runner.execute import jobserver

    if style == "off" or ambient.os == "windows":
        return jobserver.Slots(jobs)
    auth = None if is_asked else jobserver.outer(ambient.environ)
    if auth is not None:
        return jobserver.Joined(jobs, auth)
    if style == "auto":
        style = jobserver.best_style(ambient.environ)
    try:
        return jobserver.Jobserver(jobs, style, ambient.environ)
    except OSError:
        # No place for a fifo: what runs below has to do without.
        return jobserver.Slots(jobs)


def executor(ambient: Ambient, slots: Slots) -> Local:
    """What runs the actions of a run."""
    from runner.execute.local import Local

    return Local(ambient.environ, jobserver_fds=slots.fds)


def found(root: str, producers: OutputIndex) -> Callable[[Node, str], tuple[str, ...]]:
    """Looks up what a node's `inputs` or `outputs` match, relative to its folder.

    Among inputs nothing counts that git ignores, but for what other tasks make that the node follows; and nothing that
    tasks make which it does not follow: so nothing depends on who ran first.
    """

    def look(node: Node, which: str) -> tuple[str, ...]:
        import posixpath

        from runner.pattern import Globs
        from runner.tree.glob import find
        from runner.tree.ignore import Ignore

        if which == "outputs":
            seen = find(root, Globs(node.outputs))
        else:
            feeds = [feed for feed in producers.feeding(node.inputs) if feed.owner != node.task.name]
            feeds = [feed for feed in feeds if feed.owner not in node.task.dropped]
            made = Globs((*node.even_ignored.globs, *(feed.output for feed in feeds)))
            others = producers.besides([feed.owner for feed in feeds])
            seen = find(root, node.inputs, ignored=Ignore(root), leave_out=others, even_ignored=made)
        return tuple(posixpath.relpath(f"/{entry.path}", f"/{node.dir}") for entry in seen)

    return look


def reporter(request: Request, project: Project, ambient: Ambient) -> Several:
    """All who are told of the run. *Raises*: Refusal where the file for events cannot be written."""
    from runner import __version__
    from runner.error import refuse
    from runner.report.telling import Asked, telling

    asked = Asked(
        environ=ambient.environ,
        version=__version__,
        output=request.output or project.settings.output,
        color=request.color or project.settings.color,
        json=request.json,
        level=request.verbose - request.quiet,
        is_plan=request.verb == "plan",
        out_is_terminal=ambient.stdout_is_terminal,
        err_is_terminal=ambient.stderr_is_terminal,
    )
    try:
        return telling(asked)
    except OSError as error:
        raise refuse(f"`--json={request.json}` cannot be written: {error.strerror}") from None
