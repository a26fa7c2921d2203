"""A graph as an indented tree: from the targets down to what they need."""

from __future__ import annotations

from runner.draw.picture import one_line, why

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Final

    from runner.graph import Edge, Graph

# A chain of ten thousand would indent its end by forty thousand columns: what lies deeper begins again at the left.
LEVELS_AT_MOST: Final = 24
GAP: Final = "   "


def tree(graph: Graph, wanted: Iterable[str]) -> str:
    """The tree of the wanted nodes; what stands in it already is named again, but not drawn again."""
    return "".join(f"{line}\n" for line in _Tree(graph).lines(list(wanted)))


class _Tree:
    """Draws each node with what it needs once."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.drawn: set[str] = set()
        # Those too deep to be drawn where they stand, in order, as a set that keeps it.
        self.later: dict[str, None] = {}

    def lines(self, wanted: list[str]) -> Iterator[str]:
        """The trees of those that no other wanted one needs, then what was too deep in them."""
        needed = self.graph.needed(wanted)
        inner = {edge.to for name in needed for edge in self.graph.edges[name] if edge.kind != "after"}
        todo = [name for name in dict.fromkeys(wanted) if name not in inner]
        while todo:
            for name in todo:
                if name not in self.drawn:
                    yield from self._below(name, needed)
            todo, self.later = list(self.later), {}

    def _below(self, root: str, needed: set[str]) -> Iterator[str]:
        # Each entry: the edge that leads here, what stands before its line, what stands before those below it, and how
        # deep it is.
        stack: list[tuple[str, Edge | None, str, str, int]] = [(root, None, "", "", 0)]
        while stack:
            name, edge, lead, indent, level = stack.pop()
            edges = self._edges(name, needed)
            remark = self._remark(name, edge, has_edges=bool(edges), level=level)
            facts = (one_line(name), why(edge) if edge is not None else "", self._skipped(name), remark)
            yield lead + GAP.join(fact for fact in facts if fact)
            if remark or (edge is not None and edge.kind == "after"):
                continue
            self.drawn.add(name)
            for at, below in enumerate(reversed(edges)):
                turn, bar = ("└── ", "    ") if at == 0 else ("├── ", "│   ")
                stack.append((below.to, below, indent + turn, indent + bar, level + 1))

    def _edges(self, name: str, needed: set[str]) -> list[Edge]:
        """The edges down from a node, one to each other node: the first says most."""
        found: dict[str, Edge] = {}
        for edge in self.graph.edges[name]:
            if edge.to in needed:
                found.setdefault(edge.to, edge)
        return list(found.values())

    def _remark(self, name: str, edge: Edge | None, *, has_edges: bool, level: int) -> str:
        """Where what a node needs is drawn, if not here. Who only comes later needs nothing of it."""
        if not has_edges or (edge is not None and edge.kind == "after"):
            return ""
        if name in self.drawn:
            return "(see above)"
        if name in self.later or level >= LEVELS_AT_MOST:
            self.later[name] = None
            return "(see below)"
        return ""

    def _skipped(self, name: str) -> str:
        reason = self.graph.skipped.get(name)
        return f"skipped: {one_line(reason)}" if reason is not None else ""
