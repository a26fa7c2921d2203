"""Who needs whom: deps as written, edges inferred from files; strangers and cycles are named."""

from __future__ import annotations

from itertools import pairwise

from runner.argument import missing
from runner.error import did_you_mean, refuse
from runner.noun import noun
from runner.pattern.index import OutputIndex
from runner.pattern.segment import segment
from runner.task import Call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from runner.expand import Expansion
    from runner.manifest import KeyPath
    from runner.pattern.index import Feed
    from runner.task import Node, Project, Task


@noun
class Edge:
    """Why a node comes after another one: `deps`, `inferred` (with the two patterns), `after`, or a `step`."""

    to: str
    kind: str
    output: str = ""
    input: str = ""


class Graph:
    """The nodes of a run, what each needs, and an order in which what is needed comes first.

    `skipped` holds why a node is skipped whatever happens. *Raises*: Refusal for a cycle.
    """

    def __init__(
        self, nodes: Mapping[str, Node], edges: Mapping[str, tuple[Edge, ...]], skipped: Mapping[str, str]
    ) -> None:
        self.nodes = nodes
        self.edges = edges
        self.skipped = skipped
        self.order = topological(nodes, edges)

    def consumers(self, kinds: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
        """For each node those that come after it, with the kind of the edge."""
        found: dict[str, list[tuple[str, str]]] = {}
        for name, edges in self.edges.items():
            for edge in edges:
                if edge.kind in kinds:
                    found.setdefault(edge.to, []).append((name, edge.kind))
        return found

    def reached(self, names: Iterable[str], steps: Callable[[str], Iterable[str]]) -> set[str]:
        """The nodes that can be reached, the first ones included."""
        found: set[str] = set()
        todo = list(names)
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += steps(name)
        return found

    def needed(self, names: Iterable[str]) -> set[str]:
        """These nodes and all that they need."""
        return self.reached(names, lambda name: (edge.to for edge in self.edges[name] if edge.kind != "after"))

    def needing(self, names: Iterable[str]) -> set[str]:
        """These nodes and all that need them."""
        consumers = self.consumers(("deps", "inferred", "step"))
        return self.reached(names, lambda name: (other for other, _ in consumers.get(name, ())))

    def without(self, names: set[str]) -> Graph:
        """The graph without some of its nodes."""
        kept = {name: node for name, node in self.nodes.items() if name not in names}
        edges = {name: tuple(edge for edge in self.edges[name] if edge.to in kept) for name in kept}
        return Graph(kept, edges, {name: why for name, why in self.skipped.items() if name in kept})


def grow(expansion: Expansion, targets: Iterable[Node], producers: OutputIndex) -> Graph:
    """The graph of these targets and of all that they need. *Raises*: Refusal for strangers and cycles."""
    growing = _Growing(expansion, producers)
    for node in targets:
        growing.add(node)
    growing.infer()
    growing.infer_from_arguments()
    growing.order_only()
    edges = {name: tuple(found.values()) for name, found in growing.edges.items()}
    return Graph(growing.nodes, edges, growing.skipped)


def producers(expansion: Expansion) -> OutputIndex:
    """What each task of the file makes, to be asked who feeds an input."""
    return OutputIndex(
        (task.name, output)
        for task in expansion.project.tasks.values()
        if task.outputs and expansion.skips(task) is None
        for output in expansion.outline(task).outputs
    )


class _Growing:
    """Nodes and edges as they are found."""

    def __init__(self, expansion: Expansion, producers: OutputIndex) -> None:
        self.expansion = expansion
        self.project = expansion.project
        self.producers = producers
        self.nodes: dict[str, Node] = {}
        self.edges: dict[str, dict[tuple[str, str], Edge]] = {}
        self.skipped: dict[str, str] = {}
        self.of_task: dict[str, list[str]] = {}
        self._inferred: set[str] = set()

    def add(self, node: Node) -> None:
        """A node and all that its declaration says it needs."""
        todo = [node]
        while todo:
            one = todo.pop()
            if one.name in self.nodes:
                continue
            self.nodes[one.name] = one
            self.edges[one.name] = {}
            self.of_task.setdefault(one.task.name, []).append(one.name)
            why = self.expansion.skips(one.task)
            if why is not None:
                self.skipped[one.name] = why
                continue
            todo += reversed(self._declared(one))

    def _declared(self, node: Node) -> list[Node]:
        found = []
        for dep in node.task.deps:
            tasks = named_tasks(self.project, dep.task, dep.path, node.task)
            found += [(self.expansion.called(task, dep.args, dep.path, node), "deps") for task in tasks]
        for at, step in enumerate(node.task.steps):
            if isinstance(step, Call):
                path = (*node.task.path, node.task.body, at)
                task = named_tasks(self.project, step.task, path, node.task)[0]
                found.append((self.expansion.called(task, step.args, path, node), "step"))
        for other, kind in found:
            self._edge(node.name, Edge(to=other.name, kind=kind))
        return [other for other, _ in found]

    def _edge(self, name: str, edge: Edge) -> None:
        kind = "deps" if edge.kind == "inferred" else edge.kind
        self.edges[name].setdefault((edge.to, kind), edge)

    def infer(self) -> None:
        """Edges from files, and the tasks that they pull in, until nothing new is found."""
        todo = list(self.nodes)
        while todo:
            name = todo.pop()
            if name in self._inferred or name in self.skipped:
                continue
            self._inferred.add(name)
            before = len(self.nodes)
            self._infer(self.nodes[name])
            todo += list(self.nodes)[before:]

    def _infer(self, node: Node) -> None:
        if not node.inputs:
            return
        for feed in self.producers.feeding(node.inputs):
            owner = feed.owner
            if owner == node.task.name or self._is_dropped(node, owner):
                continue
            # The index was asked about the node without arguments; of others it knows nothing.
            nodes = self.of_task.get(owner, ())
            made = [other for other in nodes if other == owner or _feeds(self.nodes[other], node)]
            if not made:
                made = [self._pulled(node, owner).name]
            for other in made:
                self._edge(node.name, _inferred(other, feed))

    def _pulled(self, node: Node, owner: str) -> Node:
        task = self.project.tasks[owner]
        pulled = self.expansion.node(task)
        absent = missing(task, pulled.args)
        if absent:
            hint = f'say with which: `deps = [{{ task = "{owner}", args = {{ {absent[0].name} = … }} }}]`'
            place = self.project.manifest.key(*node.task.path, "inputs")
            raise refuse(
                f"task `{node.task.name}` reads what `{owner}` makes, and `{owner}` needs `{absent[0].name}`",
                place,
                hint,
            )
        self.add(pulled)
        return pulled

    def _is_dropped(self, node: Node, owner: str) -> bool:
        return any(drop == owner or ("*" in drop and name_matches(drop, owner)) for drop in node.task.dropped)

    def infer_from_arguments(self) -> None:
        """Edges to nodes whose outputs differ from their task's by its arguments, where those are in the run."""
        special = [node for node in self.nodes.values() if node.name != node.task.name and node.outputs]
        if not special:
            return
        index = OutputIndex((node.name, output) for node in special for output in node.outputs)
        for node in self.nodes.values():
            if not node.inputs or node.name in self.skipped:
                continue
            for feed in index.feeding(node.inputs):
                task = self.nodes[feed.owner].task.name
                if feed.owner != node.name and not self._is_dropped(node, task):
                    self._edge(node.name, _inferred(feed.owner, feed))

    def order_only(self) -> None:
        """`after`: only where both are in the run."""
        for node in self.nodes.values():
            for at, word in enumerate(node.task.after):
                path = (*node.task.path, "after", at)
                for task in named_tasks(self.project, word, path, node.task):
                    for other in self.of_task.get(task.name, ()):
                        self._edge(node.name, Edge(to=other, kind="after"))


def _inferred(to: str, feed: Feed) -> Edge:
    return Edge(to=to, kind="inferred", output=feed.output.text, input=feed.input.text)


def _feeds(producer: Node, consumer: Node) -> bool:
    return bool(OutputIndex((producer.name, output) for output in producer.outputs).feeding(consumer.inputs))


def name_matches(glob: str, name: str) -> bool:
    """Whether a name matches a glob over names, in which brackets are plain characters."""
    escaped = "".join("\\" + char if char in "[]{}\\" else char for char in glob)
    part = segment(escaped.replace("/", "\0"))
    plain = name.replace("/", "\0")
    return part == plain if isinstance(part, str) else part.matches(plain)


def is_glob(word: str) -> bool:
    """Whether a word is a glob over names rather than a name."""
    return "*" in word or "?" in word


def named_tasks(project: Project, word: str, path: KeyPath, asker: Task | None = None) -> list[Task]:
    """The tasks of a name, an alias or a glob over names, but for the one that asks.

    *Raises*: Refusal where there is none, with the nearest name.
    """
    exact = project.named(word)
    if exact is not None:
        return [exact]
    if is_glob(word):
        found = [task for task in project.tasks.values() if name_matches(word, task.name) and task is not asker]
        if found:
            return found
        raise refuse(f"no task matches `{word}`", project.manifest.value(*path))
    known = [*project.tasks, *(alias for task in project.tasks.values() for alias in task.aliases)]
    raise refuse(f"unknown task `{word}`", project.manifest.value(*path), did_you_mean(word, known))


def topological(nodes: Mapping[str, Node], edges: Mapping[str, Sequence[Edge]]) -> tuple[str, ...]:
    """The names so that what is needed comes first, otherwise as they were found. *Raises*: Refusal for a cycle."""
    waiting = {name: len(edges[name]) for name in nodes}
    consumers: dict[str, list[str]] = {}
    for name, found in edges.items():
        for edge in found:
            consumers.setdefault(edge.to, []).append(name)
    free = [name for name in nodes if waiting[name] == 0]
    order: list[str] = []
    while free:
        order += free
        freed = []
        for name in free:
            for other in consumers.get(name, ()):
                waiting[other] -= 1
                if waiting[other] == 0:
                    freed.append(other)
        free = freed
    if len(order) < len(nodes):
        raise _cycle({name for name in nodes if waiting[name] > 0}, nodes, edges)
    return tuple(order)


def _cycle(left: set[str], nodes: Mapping[str, Node], edges: Mapping[str, Sequence[Edge]]) -> Exception:
    """The refusal that names one cycle among these nodes, each with what makes it follow the next."""
    way: list[str] = []
    name = next(name for name in nodes if name in left)
    while name not in way:
        way.append(name)
        name = next(edge.to for edge in edges[name] if edge.to in left)
    circle = [*way[way.index(name) :], name]
    shown = [circle[0]]
    for here, there in pairwise(circle):
        edge = next(edge for edge in edges[here] if edge.to == there)
        why = (
            f" (`{edge.input}` reads `{edge.output}`)"
            if edge.kind == "inferred"
            else f" ({edge.kind})"
            if edge.kind != "deps"
            else ""
        )
        shown.append(f"{there}{why}")
    if len(circle) == 2:
        message = f"task `{circle[0]}` needs itself"
    else:
        message = f"tasks need each other in a circle: {' -> '.join(shown)}"
    hint = None
    if any(edge.kind == "inferred" for here in circle for edge in edges[here] if edge.to in circle):
        hint = 'an inferred edge is dropped by `deps = ["!name"]` or cut by `"!glob"` in `inputs`'
    return refuse(message, None, hint)
