"""A graph in Mermaid's language, for where Markdown is shown with its diagrams drawn."""

from __future__ import annotations

import re

from runner.draw.picture import one_line, picture, why

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

    from runner.graph import Graph

ARROWS: Final = {"deps": "-->", "inferred": "-->", "step": "==>", "after": "-.->"}
# All that Mermaid, or the Markdown that it reads labels as, could take for anything but itself: also a mark at the edge
# of a word, a list's number or dash, the beginning of an address.
WILD: Final = re.compile(
    r"[^\w /.,={}\[\]:-]|(?<![^\W_])_|_(?![^\W_])|(?<!\w):|:(?!\w)|^-|(?<=\d)\.(?= )|(?<=[wW]{3})\.",
)


def mermaid(graph: Graph, wanted: Iterable[str]) -> str:
    """The flowchart: an arrow leads from who follows to who comes first. *Source*: mermaid.js.org/syntax/flowchart."""
    shown = picture(graph, wanted)
    ids = {name: f"n{at}" for at, name in enumerate(shown.names)}
    lines = ["flowchart TD"]
    skipped = []
    for name, number in ids.items():
        label = escaped(name)
        if name in graph.skipped:
            label += f"<br/>skipped#58; {escaped(graph.skipped[name])}"
            skipped.append(number)
        lines.append(f'    {number}["{label}"]')
    for name, edge in shown.edges:
        said = escaped(why(edge))
        label = f'|"{said}"|' if said else ""
        lines.append(f"    {ids[name]} {ARROWS[edge.kind]}{label} {ids[edge.to]}")
    if skipped:
        lines += ["    classDef skipped stroke-dasharray: 4 4", f"    class {','.join(skipped)} skipped"]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """The text for a label in quotes: what could be read as more than itself by its number, such as `#34;`."""
    text = one_line(text)
    if not WILD.search(text):
        return text
    # Where a number follows, "style:" would make Mermaid eat its semicolon: no colon may stand before one.
    return WILD.sub(_number, text).replace(":", "#58;")


def _number(found: re.Match[str]) -> str:
    return f"#{ord(found[0])};"
