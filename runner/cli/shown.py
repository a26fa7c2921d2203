"""Nodes as resolved: each with all that is known of it without running anything; and as one JSON document."""

from __future__ import annotations

import os
import posixpath

from runner.cli.veil import Veil
from runner.graph import named_tasks
from runner.noun import noun
from runner.pattern import Glob, PatternError
from runner.task import File, Script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from runner.expand import Expansion
    from runner.graph import Edge, Graph
    from runner.request import ArgValue, Request
    from runner.task import Node

    # Looks up what a node's `inputs` or `outputs` match, relative to its folder.
    Found = Callable[[Node, str], Sequence[str]]


@noun
class Shown:
    """A node as resolved, fit to be shown to anybody. Paths and patterns are relative to the root.

    `others` is how many more variables it sees, from the environment; in `confirm` and `finally_` names are filled in.
    """

    node: Node
    command: list[str]
    shell: tuple[str, ...]
    env: list[tuple[str, str, str]]
    others: int
    inputs: list[str]
    inputs_found: list[str]
    outputs: list[str]
    outputs_found: list[str]
    deps: list[str]
    inferred: list[Edge]
    args: Mapping[str, ArgValue]
    skipped: str | None
    confirm: str
    finally_: str
    probes: list[str]


class Seeing:
    """Resolves the nodes of one graph, without running anything."""

    def __init__(self, expansion: Expansion, request: Request, graph: Graph, found: Found) -> None:
        self.project = expansion.project
        self.graph = graph
        self.found = found
        self.veil = Veil(expansion, request.vars)

    def shown(self, name: str) -> Shown:
        """One node as resolved."""
        node = self.graph.nodes[name]
        env, others = self.veil.environment(node)
        return Shown(
            node=node,
            command=self.veil.command(node),
            shell=self._shell(node),
            env=env,
            others=others,
            inputs=_patterns(node.inputs.globs, node.dir),
            inputs_found=self._files(node, "inputs"),
            outputs=_patterns(node.outputs, node.dir),
            outputs_found=self._files(node, "outputs"),
            deps=self._deps(node),
            inferred=[edge for edge in self.graph.edges[name] if edge.kind == "inferred"],
            args=self.veil.args(node),
            skipped=self.graph.skipped.get(name),
            confirm=self.veil.text(node, "confirm", node.task.confirm),
            finally_=self.veil.text(node, "finally", node.task.finally_),
            probes=[self.veil.text(node, "probes", text) for text in node.task.probes],
        )

    def _shell(self, node: Node) -> tuple[str, ...]:
        """The task's shell, where one is used."""
        endings = tuple(self.project.interpreters)
        uses = any(isinstance(step, Script) or _ends(step, endings) for step in node.task.steps)
        return node.task.shell if uses or node.task.finally_ or node.task.probes else ()

    def _files(self, node: Node, which: str) -> list[str]:
        if not getattr(node, which):
            return []
        paths = [posixpath.normpath(posixpath.join(node.dir, path)) for path in self.found(node, which)]
        # An output that is named without a wildcard stands for itself, there or not.
        return [path for path in paths if which == "inputs" or os.path.lexists(os.path.join(self.project.root, path))]

    def _deps(self, node: Node) -> list[str]:
        """The nodes of its deps; the tasks where it is skipped, since those then have no nodes."""
        if node.name not in self.graph.skipped:
            return [edge.to for edge in self.graph.edges[node.name] if edge.kind == "deps"]
        named = (named_tasks(self.project, dep.task, dep.path, node.task) for dep in node.task.deps)
        return [task.name for tasks in named for task in tasks]


def _ends(step: object, endings: tuple[str, ...]) -> bool:
    return isinstance(step, File) and step.path.endswith(endings)


def _patterns(globs: Sequence[Glob], folder: str) -> list[str]:
    """The patterns as they stand from the root: as somebody wrote them, if that can be told."""
    return [("!" if glob.is_negated else "") + text for glob in globs for text in _from_root(glob, folder)]


def _from_root(glob: Glob, folder: str) -> Sequence[str]:
    body = glob.text.removeprefix("!")
    for text in (posixpath.join(folder, body), body):
        # The patterns of `[globs]` stand at the root, wherever the task works.
        if ".." not in text and _stands_for(text.lstrip("/"), glob):
            return [text.lstrip("/")]
    return glob.normal


def _stands_for(text: str, glob: Glob) -> bool:
    try:
        return Glob.of(f"/{text}").normal == glob.normal
    except PatternError:
        # With its folder in front it may have become too long.
        return False


def document(shown: Sequence[Shown]) -> str:
    """The nodes as one JSON document on one line, as the schema of views has it."""
    import json

    return json.dumps({"v": 1, "view": "show", "targets": [_target(one) for one in shown]}) + "\n"


def _target(shown: Shown) -> dict[str, object]:
    keys = ("command", "shell", "inputs", "inputs_found", "outputs", "outputs_found", "deps", "args", "probes")
    return {
        "task": shown.node.name,
        "dir": shown.node.dir or ".",
        "env": [{"name": name, "value": value, "from": source} for name, value, source in shown.env],
        "inferred": [{"task": edge.to, "input": edge.input, "output": edge.output} for edge in shown.inferred],
        **{key: getattr(shown, key) for key in keys},
        "cached": shown.node.task.is_cached,
        "expires_s": shown.node.task.expires_s,
        "in_place": shown.node.task.in_place,
    }
