"""A graph as a JSON document, as the schema of views has it."""

from __future__ import annotations

from runner.draw.picture import picture

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.graph import Edge, Graph
    from runner.task import Node


def data(graph: Graph, wanted: Iterable[str]) -> str:
    """The document, on one line."""
    import json

    shown = picture(graph, wanted)
    needed = set(shown.names)
    document = {
        "v": 1,
        "view": "graph",
        "nodes": [_node(graph.nodes[name]) for name in graph.order if name in needed],
        "edges": [_edge(name, edge) for name, edge in shown.edges],
    }
    return json.dumps(document) + "\n"


def _node(node: Node) -> dict[str, object]:
    task = node.task
    return {"name": node.name, "task": task.name, "desc": task.desc, "group": task.group, "tags": task.tags}


def _edge(name: str, edge: Edge) -> dict[str, object]:
    patterns = {"input": edge.input, "output": edge.output} if edge.kind == "inferred" else {}
    return {"from": name, "to": edge.to, "kind": edge.kind, **patterns}
