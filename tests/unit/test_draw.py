"""Graphs as texts: what a tree repeats and what not, and that no name can break out of its place."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from runner.config.schema import schema_text
from runner.draw import drawn
from runner.draw.dot import label, quoted
from runner.draw.mermaid import escaped
from runner.draw.picture import one_line
from runner.draw.tree import LEVELS_AT_MOST
from runner.graph import Edge, Graph
from runner.pattern import Globs
from runner.task import Node, Task

SCHEMA = Draft7Validator(json.loads(schema_text("views")))
MANY = 10_000

Edges = Mapping[str, Sequence[str | Edge]]


def node(name: str) -> Node:
    task = Task(name=name, path=("tasks", name), desc=f"makes {name}", tags=("t",))
    none = Globs(())
    return Node(
        name=name, task=task, args={}, rest=(), dir="", words={}, inputs=none, even_ignored=none, outputs=(), files=none
    )


def graph(edges: Edges, skipped: Mapping[str, str] | None = None) -> Graph:
    """A graph from what each node needs; a bare name is an edge from `deps`."""
    made = {
        name: tuple(Edge(to=to, kind="deps") if isinstance(to, str) else to for to in below)
        for name, below in edges.items()
    }
    return Graph({name: node(name) for name in edges}, made, skipped or {})


def reads(to: str, input: str, output: str) -> Edge:
    return Edge(to=to, kind="inferred", input=input, output=output)


def later(to: str) -> Edge:
    return Edge(to=to, kind="after")


def test_a_tree_goes_from_the_targets_down() -> None:
    edges: Edges = {
        "test": ["lint", reads("gen", "gen/rust/**", "gen/")],
        "lint": [],
        "gen": ["tool"],
        "tool": [],
        "other": [],
    }
    assert drawn(graph(edges), ["test"]) == ("test\n├── lint\n└── gen   gen/rust/** reads gen/\n    └── tool\n")


def test_what_was_drawn_is_named_again_and_not_drawn_again() -> None:
    edges = {"all": ["a", "b", "leaf"], "a": ["c"], "b": ["c"], "c": ["leaf"], "leaf": []}
    assert drawn(graph(edges), ["all"]) == (
        "all\n├── a\n│   └── c\n│       └── leaf\n├── b\n│   └── c   (see above)\n└── leaf\n"
    )


def test_edges_say_their_kind_and_skipped_nodes_why() -> None:
    edges: Edges = {
        "ship": [Edge(to="build", kind="step"), "sign", later("clean")],
        "build": [],
        "sign": [],
        "clean": ["a"],
        "a": [],
    }
    drawing = drawn(graph(edges, {"sign": "`when.os` is macos, this is linux"}), ["ship", "clean"])
    assert drawing == (
        "ship\n"
        "├── build   step\n"
        "├── sign   skipped: `when.os` is macos, this is linux\n"
        "└── clean   after\n"
        "clean\n"
        "└── a\n"
    )


def test_a_target_below_another_one_is_drawn_there() -> None:
    assert drawn(graph({"a": [], "b": ["a"], "c": []}), ["a", "b", "c", "b"]) == "b\n└── a\nc\n"


def test_an_edge_of_two_kinds_is_drawn_once() -> None:
    assert drawn(graph({"a": ["b", later("b")], "b": []}), ["a"]) == "a\n└── b\n"


def test_what_only_comes_later_is_no_part_of_what_a_target_needs() -> None:
    for form in ("tree", "mermaid", "dot", "json"):
        assert "clean" not in drawn(graph({"a": [later("clean")], "clean": []}), ["a"], form)


def test_a_deep_tree_goes_on_at_the_left() -> None:
    names = [f"n{number}" for number in range(LEVELS_AT_MOST + 3)]
    lines = drawn(graph({**{a: [b] for a, b in pairwise(names)}, names[-1]: []}), names[:1]).splitlines()
    turn = LEVELS_AT_MOST
    assert lines[turn] == " " * 4 * (turn - 1) + f"└── n{turn}   (see below)"
    assert lines[turn + 1 :] == [f"n{turn}", f"└── n{turn + 1}", f"    └── n{turn + 2}"]


@pytest.mark.parametrize("form", ["tree", "mermaid", "dot", "json"])
@pytest.mark.parametrize("shape", ["chain", "fan"])
def test_ten_thousand_nodes_are_drawn_without_a_stack_of_calls(form: str, shape: str) -> None:
    names = [f"n{number}" for number in range(MANY)]
    chain = {a: [b] for a, b in pairwise(names)}
    fan: dict[str, list[str]] = {"n0": names[1:]}
    below = chain if shape == "chain" else fan
    drawing = drawn(graph({name: below.get(name, []) for name in names}), ["n0"], form)
    assert all(f"n{number}" in drawing for number in (0, 1, MANY // 2, MANY - 1))
    # No line but that of a document grows with the graph.
    assert form == "json" or max(map(len, drawing.splitlines())) < 200


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    count = draw(st.integers(1, 12))
    names = [f"n{number}" for number in range(count)]
    edges: dict[str, list[str | Edge]] = {}
    for at, name in enumerate(names):
        below = draw(st.lists(st.sampled_from(names[at + 1 :]), unique=True)) if at + 1 < count else []
        kinds = [draw(st.sampled_from(["deps", "step", "after", "inferred"])) for _ in below]
        edges[name] = [Edge(to=to, kind=kind, input="i", output="o") for to, kind in zip(below, kinds, strict=True)]
    return graph(edges)


@given(graphs(), st.data())
def test_each_node_that_is_needed_is_drawn_with_all_that_it_needs_once(made: Graph, data: st.DataObject) -> None:
    wanted = data.draw(st.lists(st.sampled_from(sorted(made.nodes)), min_size=1))
    needed = made.needed(wanted)
    lines = drawn(made, wanted).splitlines()
    named = [line.lstrip("│├└─ ").split("   ")[0] for line in lines]
    assert set(named) == needed
    # A line for each edge, and for each root one more.
    below = sum(1 for line in lines if line[0] != "n")
    assert below == sum(1 for name in needed for edge in made.edges[name] if edge.to in needed)
    assert len(lines) - below == len(set(wanted) - {to for name in needed for to in _needs(made, name)})


def _needs(made: Graph, name: str) -> set[str]:
    return {edge.to for edge in made.edges[name] if edge.kind != "after"}


@given(graphs())
def test_a_document_names_who_is_followed_before_who_follows(made: Graph) -> None:
    document = json.loads(drawn(made, made.nodes, "json"))
    SCHEMA.validate(document)
    order = [one["name"] for one in document["nodes"]]
    assert sorted(order) == sorted(made.nodes)
    assert all(order.index(edge["to"]) < order.index(edge["from"]) for edge in document["edges"])
    assert len(document["edges"]) == sum(map(len, made.edges.values()))


EVIL = 'a"b]; {c} <d> %%{e}%% `f` #g; \\h\n-->'


def test_a_name_stays_in_its_label_in_mermaid() -> None:
    drawing = drawn(graph({EVIL: ["style:x#1;"], "style:x#1;": []}, {"style:x#1;": 'no "y"'}), [EVIL], "mermaid")
    assert drawing == (
        "flowchart TD\n"
        '    n0["a#34;b]#59; {c} #60;d#62; #37;#37;{e}#37;#37; #96;f#96; #35;g#59; #92;h#92;n--#62;"]\n'
        '    n1["style#58;x#35;1#59;<br/>skipped#58; no #34;y#34;"]\n'
        "    n0 --> n1\n"
        "    classDef skipped stroke-dasharray: 4 4\n"
        "    class n1 skipped\n"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("web:build", "web:build"),
        ("build{env=prod,n=[1 2]}", "build{env=prod,n=[1 2]}"),
        ("my_task-1.2", "my_task-1.2"),
        ("größe", "größe"),
        ("_setup", "#95;setup"),
        ("**bold**", "#42;#42;bold#42;#42;"),
        ("1. first", "1#46; first"),
        ("- item", "#45; item"),
        ("http://x", "http#58;//x"),
        ("www.x", "www#46;x"),
        ("a+b:c", "a#43;b#58;c"),
    ],
)
def test_only_what_could_be_misread_is_a_number_in_mermaid(text: str, said: str) -> None:
    assert escaped(text) == said


@given(st.text())
def test_mermaid_gives_any_text_back(text: str) -> None:
    said = escaped(text)
    assert re.fullmatch(r"(?:[\w /.,={}\[\]:-]|#\d+;)*", said)
    assert re.sub(r"#(\d+);", lambda found: chr(int(found[1])), said) == one_line(text)


def test_a_name_stays_in_its_quotes_in_dot() -> None:
    edges: Edges = {EVIL: [reads("%2", 'in "q" \\', "out & in"), "a"], "%2": [], "a": []}
    assert drawn(graph(edges, {"a": "why\nnot"}), [EVIL], "dot") == (
        "digraph tasks {\n"
        "    node [shape=box]\n"
        '    "a\\"b]; {c} <d> %%{e}%% `f` #g; \\\\h\n-->"'
        ' [label="a\\"b]; {c} <d> %%{e}%% `f` #g; \\\\h\\\\n-->"]\n'
        '    "%2" [label="%2"]\n'
        '    "a" [style=dashed, label="a\\nskipped: why\\\\nnot"]\n'
        '    "a\\"b]; {c} <d> %%{e}%% `f` #g; \\\\h\n-->" -> "%2"'
        ' [style=dashed, label="in \\"q\\" \\\\ reads out &amp; in"]\n'
        '    "a\\"b]; {c} <d> %%{e}%% `f` #g; \\\\h\n-->" -> "a"\n'
        "}\n"
    )


def read_as_dot(text: str) -> str:
    """A quoted word as the scanner of Graphviz reads it: of its escapes only that of a quote goes away."""
    found = re.fullmatch(r'"((?:[^"\\]|\\.)*)"', text, re.DOTALL)
    assert found is not None
    return re.sub(r'\\(["\\])', lambda pair: '"' if pair[1] == '"' else "\\\\", found[1])


@given(st.text(), st.text())
def test_dot_keeps_names_apart_and_labels_as_they_are(name: str, other: str) -> None:
    assert (read_as_dot(quoted(name)) == read_as_dot(quoted(other))) == (name == other)
    # What a label holds after that is read once more, for escapes and for entities.
    shown = read_as_dot(label(name))
    assert re.fullmatch(r"(?:[^\\&]|\\\\|&amp;)*", shown)
    assert shown.replace("\\\\", "\\").replace("&amp;", "&") == one_line(name)
