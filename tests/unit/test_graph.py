"""Nodes, edges and cycles; what a run is about."""

from __future__ import annotations

import time

import pytest

from runner.error import Refusal
from runner.graph import name_matches
from runner.select import Expression
from tests.kit.declared import expansion_of, graph_of, selection_of

FILES = """
[tasks.gen]
run = "x"
outputs = ["gen/"]
[tasks.obj]
run = "x"
inputs = ["src/*.c", "gen/*.h"]
outputs = ["out/*.o"]
[tasks.link]
run = "x"
inputs = ["out/*.o"]
outputs = ["bin/app"]
[tasks.span]
run = "x"
inputs = ["**/*.h"]
[tasks.tree]
run = "x"
inputs = ["bin"]
[tasks.cut]
run = "x"
inputs = ["bin/*", "!bin/app"]
[tasks.dropped]
run = "x"
inputs = ["bin/app"]
deps = ["!link"]
"""


@pytest.mark.parametrize(
    ("target", "needed"),
    [
        ("obj", {"obj", "gen"}),
        ("link", {"link", "obj", "gen"}),
        ("span", {"span"}),
        ("tree", {"tree", "link", "obj", "gen"}),
        ("cut", {"cut"}),
        ("dropped", {"dropped"}),
    ],
)
def test_edges_come_from_files(target: str, needed: set[str]) -> None:
    assert set(graph_of(FILES, target).nodes) == needed


def test_a_cycle_of_deps_is_named() -> None:
    text = '[tasks.a]\ndeps = ["b"]\n[tasks.b]\ndeps = ["c"]\n[tasks.c]\ndeps = ["a"]\n'
    with pytest.raises(Refusal) as caught:
        graph_of(text, "a")
    assert str(caught.value) == "error: tasks need each other in a circle: a -> b -> c -> a"


def test_a_cycle_of_files_names_the_patterns() -> None:
    text = (
        '[tasks.a]\nrun = "x"\ninputs = ["y/b"]\noutputs = ["x/a"]\n'
        '[tasks.b]\nrun = "x"\ninputs = ["x/*"]\noutputs = ["y/b"]\n'
    )
    with pytest.raises(Refusal) as caught:
        graph_of(text, "a")
    assert str(caught.value) == (
        "error: tasks need each other in a circle: a -> b (`y/b` reads `y/b`) -> a (`x/*` reads `x/a`)\n"
        '  hint: an inferred edge is dropped by `deps = ["!name"]` or cut by `"!glob"` in `inputs`'
    )


ARGUED = """
[tasks.build]
run = "make {{env}}"
outputs = ["out/{{env}}/app"]
args.env = { default = "dev", choices = ["dev", "prod"] }
[tasks.ship]
run = "x"
deps = [{ task = "build", args = { env = "prod" } }]
[tasks.ship-any]
run = "x"
deps = [{ task = "build", args = { env = "{{where}}" } }]
args.where = { default = "prod" }
[tasks.read-dev]
run = "x"
inputs = ["out/dev/app"]
[tasks.read-prod]
run = "x"
inputs = ["out/prod/app"]
"""


def test_a_task_with_other_arguments_is_another_node() -> None:
    assert set(graph_of(ARGUED, "ship", "build").nodes) == {"ship", "build", "build{env=prod}"}
    assert set(graph_of(ARGUED, "ship-any", "ship").nodes) == {"ship-any", "ship", "build{env=prod}"}


def test_files_lead_to_the_node_that_makes_them() -> None:
    assert [edge.to for edge in graph_of(ARGUED, "read-dev").edges["read-dev"]] == ["build"]
    graph = graph_of(ARGUED, "ship", "read-prod")
    assert [edge.to for edge in graph.edges["read-prod"]] == ["build{env=prod}"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"a": "x,b=y"}, {"a": "x", "b": "y"}),
        ({"a": "'x'"}, {"a": "x"}),
        ({"a": ""}, {"a": None}),
        ({"m": ("x y",)}, {"m": ("x", "y")}),
        ({"m": ("x", "y")}, {"a": "[x y]"}),
    ],
)
def test_two_sets_of_arguments_never_make_one_name(first: object, second: object) -> None:
    text = '[tasks.t]\nrun = "x"\nargs.a = { default = "d" }\nargs.b = {}\nargs.m = { multiple = true }\n'
    expansion = expansion_of(text)
    task = expansion.project.tasks["t"]
    assert expansion.node(task, first).name != expansion.node(task, second).name  # type: ignore[arg-type]


def test_what_a_dep_needs_and_is_not_given_is_refused() -> None:
    text = '[tasks.a]\nargs.env = { required = true }\n[tasks.b]\ndeps = [{ task = "a", args = { en = "x" } }]\n'
    with pytest.raises(Refusal, match="task `a` has no argument `en`"):
        graph_of(text, "b")


CHAIN = """
[tasks.a]
run = "x"
tags = ["fast"]
[tasks.b]
run = "x"
deps = ["a"]
tags = ["slow"]
[tasks.c]
run = "x"
deps = ["b"]
[tasks.side]
run = "x"
tags = ["fast", "gpu"]
[tasks.all]
deps = ["c", "side"]
"""


@pytest.mark.parametrize(
    ("request_", "kept"),
    [
        ({}, {"a", "b", "c", "side", "all"}),
        ({"from_": ("b",)}, {"b", "c", "side", "all"}),
        ({"until": ("b",)}, {"a", "b", "side"}),
        ({"from_": ("b",), "until": ("b",)}, {"b", "side"}),
        ({"tags": ("fast",)}, {"a", "side"}),
        ({"tags": ("fast and not gpu",)}, {"a"}),
        ({"tags": ("slow",)}, {"a", "b"}),
        ({"tags": ("fast", "gpu")}, {"side"}),
    ],
)
def test_what_a_run_is_about(request_: dict[str, tuple[str, ...]], kept: set[str]) -> None:
    selection = selection_of(CHAIN, "all", **request_)
    assert selection.graph.needed(selection.wanted) == kept


def test_a_start_that_is_not_in_the_run_is_refused() -> None:
    with pytest.raises(Refusal) as caught:
        selection_of(CHAIN, "side", from_=("b",))
    assert str(caught.value) == (
        "error: `--from b`: task `b` is not part of this run\n  hint: name a target that needs it"
    )


@pytest.mark.parametrize(
    ("text", "tags", "fits"),
    [
        ("a", {"a"}, True),
        ("not a", {"a"}, False),
        ("a and b or c", {"c"}, True),
        ("a and (b or c)", {"c"}, False),
        ("not (a or b) and c", {"c"}, True),
        ("not not a", {"a"}, True),
    ],
)
def test_a_condition_over_tags(text: str, tags: set[str], fits: bool) -> None:
    assert Expression(text).fits(tags) is fits


@pytest.mark.parametrize("text", ["", "and", "a b", "(a", "a)", "not", "a or", "((((", "a and or b"])
def test_a_condition_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match="cannot be read"):
        Expression(text)


@pytest.mark.parametrize(
    ("glob", "name", "fits"),
    [("lint*", "lint:py", True), ("*", "a/b", True), ("t[1]", "t[1]", True), ("test[3.11,*]", "test[3.11,pg]", True),
     ("test[*]", "test1", False), ("?", "ab", False), ("{a,b}", "a", False)],
)  # fmt: skip
def test_brackets_in_globs_over_names_are_plain(glob: str, name: str, fits: bool) -> None:
    assert name_matches(glob, name) is fits


def test_growth_is_linear_in_a_chain_and_side_by_side() -> None:
    def chain(count: int) -> str:
        first = '[tasks.t0]\nrun = "x"\noutputs = ["o/0"]\n'
        return first + "".join(
            f'[tasks.t{at}]\nrun = "x"\ninputs = ["o/{at - 1}"]\noutputs = ["o/{at}"]\n' for at in range(1, count)
        )

    taken = []
    for count in (300, 1200):
        begun = time.process_time()
        assert len(graph_of(chain(count), f"t{count - 1}").order) == count
        taken.append(time.process_time() - begun)
    assert taken[1] < taken[0] * 4 * 3
