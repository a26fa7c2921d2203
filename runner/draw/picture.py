"""What every drawing of a graph holds: its nodes in order, its edges, and their names on one line."""

from __future__ import annotations

from runner.error import plain
from runner.noun import noun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.graph import Edge, Graph


@noun
class Picture:
    """Nodes as they are met from the wanted ones on, and each edge after the name of the node that follows."""

    names: tuple[str, ...]
    edges: tuple[tuple[str, Edge], ...]


def picture(graph: Graph, wanted: Iterable[str]) -> Picture:
    """The wanted nodes and all that they need."""
    names = dict.fromkeys(wanted)
    todo = list(names)
    for name in todo:
        for edge in graph.edges[name]:
            if edge.kind != "after" and edge.to not in names:
                names[edge.to] = None
                todo.append(edge.to)
    edges = ((name, edge) for name in names for edge in graph.edges[name] if edge.to in names)
    return Picture(names=tuple(names), edges=tuple(edges))


def why(edge: Edge) -> str:
    """What a drawing says of an edge: nothing of one from `deps`, which is the usual."""
    if edge.kind == "inferred":
        return one_line(f"{edge.input} reads {edge.output}")
    return "" if edge.kind == "deps" else edge.kind


def one_line(text: str) -> str:
    """The text on one line, without anything that drives a terminal."""
    return plain(text).replace("\n", "\\n")
