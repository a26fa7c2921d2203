"""A graph as a text: for people a tree, for other programs Mermaid, Graphviz and JSON."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.graph import Graph


def drawn(graph: Graph, wanted: Iterable[str], form: str = "tree") -> str:
    """The graph of the wanted nodes and of all that they need, as `tree`, `mermaid`, `dot` or `json`."""
    if form == "mermaid":
        from runner.draw.mermaid import mermaid as draw
    elif form == "dot":
        from runner.draw.dot import dot as draw
    elif form == "json":
        from runner.draw.data import data as draw
    else:
        from runner.draw.tree import tree as draw
    return draw(graph, wanted)
