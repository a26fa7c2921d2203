"""A graph in the language of Graphviz."""

from __future__ import annotations

from runner.draw.picture import one_line, picture, why

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

    from runner.graph import Graph

STYLES: Final = {"inferred": "dashed", "after": "dotted", "step": "bold"}


def dot(graph: Graph, wanted: Iterable[str]) -> str:
    """The digraph: an arrow leads from who follows to who comes first. *Source*: graphviz.org/doc/info/lang.html."""
    shown = picture(graph, wanted)
    lines = ["digraph tasks {", "    node [shape=box]"]
    lines += [f"    {quoted(name)}{_look(name, graph.skipped.get(name))}" for name in shown.names]
    for name, edge in shown.edges:
        style = f" [style={STYLES[edge.kind]}, label={label(why(edge))}]" if edge.kind in STYLES else ""
        lines.append(f"    {quoted(name)} -> {quoted(edge.to)}{style}")
    return "\n".join([*lines, "}"]) + "\n"


def _look(name: str, skipped: str | None) -> str:
    if skipped is not None:
        return f" [style=dashed, label={label(name, f'skipped: {skipped}')}]"
    # Graphviz shows a name as it is, unless it could be read as more, or as a node without one.
    is_plain = name.isprintable() and not name.startswith("%") and not set(name) & set('\\"&')
    return "" if is_plain else f" [label={label(name)}]"


def quoted(name: str) -> str:
    """A name that stands for a node: two never become one."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def label(*lines: str) -> str:
    """What is shown: its backslashes and its entities stand for themselves."""
    shown = (one_line(line).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(shown) + '"'
