"""`--show` and `--graph`: the targets as resolved, and what they need."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.expand import Expansion
    from runner.request import Request
    from runner.select import Selection


def view(request: Request, expansion: Expansion, selection: Selection, *, color: bool = False) -> str:
    """What `--show` or `--graph` writes."""
    if request.verb == "graph":
        from runner.draw import drawn

        return drawn(selection.graph, selection.wanted, request.format or ("tree" if request.json is None else "json"))
    from runner.cli.shown import Seeing, document
    from runner.compose import found

    seeing = Seeing(expansion, request, selection.graph, found(expansion.project.root, selection.producers))
    shown = [seeing.shown(name) for name in dict.fromkeys(selection.wanted)]
    if request.json is not None:
        return document(shown)
    from runner.cli.sheet import sheet

    return "\n".join(sheet(one, is_whole=request.verbose > 0, color=color) for one in shown)
