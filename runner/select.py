"""Which nodes a run is about: targets, tags, and where it starts and stops."""

from __future__ import annotations

from runner.error import did_you_mean, refuse
from runner.graph import grow, named_tasks
from runner.noun import noun
from runner.plan import NEEDED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from typing import Final

    from runner.expand import Expansion
    from runner.graph import Graph
    from runner.pattern.index import OutputIndex
    from runner.request import Request, Target
    from runner.task import Node

WORDS_AT_MOST: Final = 200


@noun
class Selection:
    """The graph of a run, the nodes that it wants for their own sake, and those that were cut off before them.

    `whole` is the graph with those, where there are any: what they have made is in the keys of those who need them.
    """

    graph: Graph
    wanted: tuple[str, ...]
    producers: OutputIndex
    left_out: tuple[Node, ...] = ()
    whole: Graph | None = None


def select(expansion: Expansion, request: Request, producers: OutputIndex) -> Selection:
    """The nodes that a request asks for. *Raises*: Refusal for strangers, cycles, and what is about nothing."""
    project = expansion.project
    nodes = [_node(expansion, target) for target in request.targets]
    graph = grow(expansion, nodes, producers)
    wanted = [node.name for node in nodes]
    if request.tags:
        wanted = tagged(graph, wanted, request.tags)
        graph = graph.without(set(graph.nodes) - graph.needed(wanted))
    starts = request.from_ or project.from_
    stops = request.until or project.until
    if not starts and not stops:
        return Selection(graph=graph, wanted=tuple(wanted), producers=producers)
    gone = cut(expansion, graph, starts, stops)
    left_out = tuple(node for node in graph.nodes.values() if node.name in gone)
    whole, graph = graph, graph.without(gone)
    wanted = [name for name in wanted if name in graph.nodes] or [*graph.nodes]
    lower = [name for name in graph.nodes if name not in graph.needed(wanted)]
    wanted += _tops(graph, lower)
    return Selection(graph=graph, wanted=tuple(wanted), producers=producers, left_out=left_out, whole=whole)


def _node(expansion: Expansion, target: Target) -> Node:
    """The node that a target means; a look may be at one whose arguments nobody said."""
    task = expansion.project.tasks[target.name]
    if not target.args and not target.rest:
        return expansion.outline(task)
    return expansion.node(task, target.args, target.rest)


def _tops(graph: Graph, names: Sequence[str]) -> list[str]:
    """Those that no other of them needs."""
    inner = {edge.to for name in names for edge in graph.edges[name] if edge.kind in NEEDED}
    steps = {edge.to for edges in graph.edges.values() for edge in edges if edge.kind == "step"}
    return [name for name in names if name not in inner and name not in steps]


def cut(expansion: Expansion, graph: Graph, starts: Sequence[str], stops: Sequence[str]) -> set[str]:
    """The nodes that lie before where the run starts, or after where it stops."""
    gone: set[str] = set()
    first = _in_run(expansion, graph, starts, "--from")
    if first:
        gone |= graph.needed(first) - first
        # What starts a run may need another one that starts it.
        gone -= first
    last = _in_run(expansion, graph, stops, "--until")
    if last:
        gone |= graph.needing(last) - last
    return gone


def _in_run(expansion: Expansion, graph: Graph, words: Sequence[str], option: str) -> set[str]:
    found = set()
    for word in words:
        tasks = {task.name for task in named_tasks(expansion.project, word, ())}
        names = {node.name for node in graph.nodes.values() if node.task.name in tasks}
        if not names:
            raise refuse(
                f"`{option} {word}`: task `{word}` is not part of this run", None, "name a target that needs it"
            )
        found |= names
    return found


def tagged(graph: Graph, wanted: Sequence[str], expressions: Sequence[str]) -> list[str]:
    """The nodes among these and what they need whose tags fit all expressions; a node without a command is none.

    *Raises*: Refusal for an expression that cannot be read, or where nothing fits.
    """
    tests = [Expression(text) for text in expressions]
    reached = graph.needed(wanted)
    found = [
        name
        for name in graph.order
        if name in reached
        and graph.nodes[name].task.steps
        and all(test.fits(graph.nodes[name].task.tags) for test in tests)
    ]
    known = sorted({tag for node in graph.nodes.values() for tag in node.task.tags})
    for test in tests:
        for tag in test.tags:
            if tag not in known:
                raise refuse(
                    f"`-t {test.text}`: no task of this run has the tag `{tag}`", None, did_you_mean(tag, known)
                )
    if not found:
        raise refuse(f"no task of this run fits `-t {' '.join(expressions)}`")
    return found


class Expression:
    """A condition over tags: names, `and`, `or`, `not`, brackets. *Raises*: Refusal for what cannot be read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tags: list[str] = []
        self._words = text.replace("(", " ( ").replace(")", " ) ").split()
        self._at = 0
        if len(self._words) > WORDS_AT_MOST:
            raise self._refused("it is too long")
        self._tree = self._or()
        if self._at < len(self._words):
            raise self._refused(f"`{self._words[self._at]}` was not expected")

    def _refused(self, why: str) -> Exception:
        return refuse(f"`-t {self.text}` cannot be read: {why}", None, "write it as `slow and not (gpu or net)`")

    def _peek(self) -> str | None:
        return self._words[self._at] if self._at < len(self._words) else None

    def _take(self, word: str) -> bool:
        is_next = self._peek() == word
        self._at += is_next
        return is_next

    def _or(self) -> tuple[object, ...]:
        parts = [self._and()]
        while self._take("or"):
            parts.append(self._and())
        return ("or", *parts)

    def _and(self) -> tuple[object, ...]:
        parts = [self._not()]
        while self._take("and"):
            parts.append(self._not())
        return ("and", *parts)

    def _not(self) -> tuple[object, ...]:
        if self._take("not"):
            return ("not", self._not())
        if self._take("("):
            inner = self._or()
            if not self._take(")"):
                raise self._refused("a bracket is not closed")
            return inner
        word = self._peek()
        if word is None or word in ("and", "or", ")"):
            raise self._refused("a tag is missing" if word is None else f"`{word}` was not expected")
        self._at += 1
        self.tags.append(word)
        return ("tag", word)

    def fits(self, tags: Collection[str]) -> bool:
        """Whether a task with these tags is meant."""
        return self._holds(self._tree, tags)

    def _holds(self, tree: tuple[object, ...], tags: Collection[str]) -> bool:
        kind, *parts = tree
        if kind == "tag":
            return parts[0] in tags
        inner = (self._holds(part, tags) for part in parts)  # type: ignore[arg-type]
        if kind == "not":
            return not next(inner)
        return any(inner) if kind == "or" else all(inner)
