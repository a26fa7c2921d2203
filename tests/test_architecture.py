"""The house's rules, held: who may import whom, what dear libraries live where, how long things may be."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
RUNNER = TOP / "runner"

# An import may only point down, or to the same rank within the same room.
RANKS: dict[int, list[str]] = {
    10: ["main"],
    9: ["cli"],
    8: ["telling", "sealing", "drive", "run", "single", "watch", "draw", "start"],
    7: ["compose"],
    6: ["config.*", "tree.*", "store.*", "execute.*", "report.*", "hooks.*", "members.*", "testing"],
    5: ["build", "forecast"],
    4: [
        *("paths", "foresight", "ledger", "lockfile", "lock", "settle", "outputs", "leavings"),
        *("restoring", "bringing", "sweep", "ask", "attempt", "job"),
    ],
    3: ["config", "tree", "store", "execute", "report", "hooks", "members", "vcs", "history", "journal"],
    2: [
        *("template", "argument", "declare", "profile", "expand", "variables", "command", "unseen"),
        *("graph", "check", "select", "plan", "key"),
    ],
    1: ["error", "pattern", "request", "manifest", "task", "result", "event"],
    0: ["stamp", "seal", "noun", "digest", "premises", "locks"],
}

# Rooms that know only their own seam and the nouns.
SEAMS = ["config", "tree", "store", "execute", "report", "hooks", "members"]

# Each dear library has one home.
HOMES: dict[str, set[str]] = {
    "typer": {"cli.app"},
    "jsonschema": {"config.schema"},
    "ruamel": {"config.yaml", "tree.pick"},
    "tomli": {"config.toml", "lockfile"},
    "tomli_w": {"lockfile", "start.import_"},
    "pathspec": {"tree.ignore"},
    "wcwidth": {"report.width"},
    "blake3": {"digest"},
    "rich": {"cli.app"},
    "anyio": {
        "ask",
        "attempt",
        "job",
        "build",
        "drive",
        "watch",
        "compose",
        "execute",
        "store",
        "hooks",
        "testing",
        "report",
    },
    "asyncio": {"watch", "execute"},
}

# Pure rooms: no disk, no clock, no loop.
PURE = [
    "template",
    "argument",
    "declare",
    "profile",
    "variables",
    "command",
    "expand",
    "graph",
    "check",
    "select",
    "plan",
    "key",
    "pattern",
]
IMPURE = {"os", "time", "anyio", "asyncio", "subprocess", "socket", "select", "io", "pathlib", "shutil", "tempfile"}

# What importing costs more than the work: never at module level on the way to a list, a plan or a refusal.
LIGHT = ["error", "pattern", "request", "manifest", "task", "result", "event", "noun", "template", "argument"]
LIGHT += [
    "declare",
    "profile",
    "variables",
    "command",
    "expand",
    "graph",
    "check",
    "select",
    "plan",
    "config",
    "cli.line",
    "cli.scan",
    "cli.targets",
    "cli.reading",
    "cli.help",
    "cli.words",
    "cli.options",
    "cli.show",
    "cli.enter",
    "draw",
    "main",
]
DEAR = {"dataclasses", "typing", "enum", "pathlib", "json", "inspect", "asyncio", "anyio", "typer", "jsonschema"}
DEAR |= {"rich", "ruamel", "subprocess", "tempfile", "shutil", "difflib", "logging", "socket"}

# The quick lane may import these and no others.
QUICK = {"sys", "os", "stat", "errno", "time", "hashlib", "runner"}

WORLD_READERS = ["main", "cli"]


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(RUNNER.rglob("*.py")):
        parts = path.relative_to(RUNNER).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name or "__init__"] = path
    return found


MODULES = modules()
NAMES = [name for name in MODULES if name != "__init__"]


def rank(name: str) -> int:
    room = name.split(".")[0]
    for number, rooms in RANKS.items():
        if name in rooms or ("." in name and f"{room}.*" in rooms):
            return number
    for number, rooms in RANKS.items():
        if "." in name and room in rooms:
            return number
    pytest.fail(f"`runner/{name.replace('.', '/')}` has no rank: draw it into the table first")


def tree(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text())


def is_type_only(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports(node: ast.AST, *, at_module_level: bool = False) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt) and is_type_only(child):
            assert isinstance(child, ast.If)
            for other in child.orelse:
                yield from imports(other, at_module_level=at_module_level)
        elif isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports are absolute"
            yield child.module or ""
            if child.module == "runner":
                yield from (f"runner.{alias.name}" for alias in child.names if f"{alias.name}" in MODULES)
        elif not (at_module_level and isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)):
            yield from imports(child, at_module_level=at_module_level)


def own(name: str) -> set[str]:
    """The modules of ours that one imports, also those that only a type checker sees."""
    found = set()
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {full.removeprefix("runner.") for full in found if full.startswith("runner.")} & set(MODULES)


@pytest.mark.parametrize("name", NAMES)
def test_an_import_points_down(name: str) -> None:
    room = name.split(".")[0]
    for other in own(name):
        same_room = other.split(".")[0] == room
        if not same_room:
            assert rank(other) < rank(name) or (rank(other) == rank(name) and "." not in name + other), (
                f"{name} ({rank(name)}) imports {other} ({rank(other)})"
            )


def test_nothing_imports_itself_in_a_circle() -> None:
    below = {name: own(name) for name in NAMES}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"a circle of imports: {' -> '.join([*path, name])}"
        if name not in done:
            for other in sorted(below.get(name, ())):
                visit(other, (*path, name))
            done.add(name)

    for name in NAMES:
        visit(name, ())


@pytest.mark.parametrize("name", [name for name in NAMES if name.split(".")[0] in SEAMS])
def test_a_way_knows_only_its_own_seam_and_the_nouns(name: str) -> None:
    room = name.split(".")[0]
    strangers = {other.split(".")[0] for other in own(name)} & set(SEAMS) - {room}
    assert not strangers, f"{name} knows {strangers}"


@pytest.mark.parametrize("name", [name for name in NAMES if "." not in name and name in SEAMS])
def test_a_seam_pulls_in_none_of_its_ways(name: str) -> None:
    assert not {other for other in own(name) if other.startswith(f"{name}.")}


def test_nobody_imports_the_door_or_the_command_line() -> None:
    for name in NAMES:
        if name.split(".")[0] not in ("main", "cli"):
            assert not {other for other in own(name) if other.split(".")[0] in ("main", "cli")}, name


@pytest.mark.parametrize("name", NAMES)
def test_a_dear_library_lives_at_home(name: str) -> None:
    room = name.split(".")[0]
    for imported in imports(tree(name)):
        homes = HOMES.get(imported.split(".")[0])
        assert homes is None or name in homes or room in homes, f"{name} imports {imported}, at home in {homes}"


@pytest.mark.parametrize("name", [name for name in NAMES if name in PURE or name.startswith("pattern.")])
def test_a_pure_room_touches_nothing(name: str) -> None:
    assert not {top.split(".")[0] for top in imports(tree(name))} & IMPURE


@pytest.mark.parametrize(
    "name", [name for name in NAMES if name in LIGHT or name.split(".")[0] in ("config", "draw", "pattern")]
)
def test_the_light_path_loads_nothing_dear(name: str) -> None:
    dear = {top.split(".")[0] for top in imports(tree(name), at_module_level=True)} & DEAR
    assert not dear, f"{name} imports {dear} at module level"


@pytest.mark.parametrize("name", [name for name in NAMES if name in ("stamp", "seal")])
def test_the_quick_lane_imports_next_to_nothing(name: str) -> None:
    assert {top.split(".")[0] for top in imports(tree(name))} - {"__future__"} <= QUICK


@pytest.mark.parametrize("name", [name for name in NAMES if name.split(".")[0] not in WORLD_READERS])
def test_only_the_door_reads_the_world(name: str) -> None:
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            read = f"{node.value.id}.{node.attr}"
            assert read not in {"os.environ", "sys.argv", "os.getcwd", "time.time", "os.getenv"}, f"{name}: {read}"


@pytest.mark.parametrize("name", NAMES)
def test_a_module_opens_with_its_caption(name: str) -> None:
    caption = ast.get_docstring(tree(name))
    assert caption, f"{name} says nothing of itself"
    assert len(caption.splitlines()[0]) <= 110
    assert caption.splitlines()[0].endswith((".", ":")), f"{name}: a caption is a sentence"


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_of_a_size_that_can_be_read(name: str) -> None:
    assert len(MODULES[name].read_text().splitlines()) <= 500


def functions() -> list[tuple[str, int]]:
    found = []
    for name in NAMES:
        nodes = [node for node in ast.walk(tree(name)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        found += [(f"{name}.{node.name}", (node.end_lineno or node.lineno) - node.lineno + 1) for node in nodes]
    return found


def test_functions_are_short() -> None:
    lengths = sorted(length for _, length in functions())
    too_long = [pair for pair in functions() if pair[1] > 60]
    assert not too_long
    assert lengths[len(lengths) // 2] <= 10
    assert lengths[int(len(lengths) * 0.9)] <= 30


def test_names_say_what_a_thing_is() -> None:
    for name in NAMES:
        assert not {"utils", "util", "helpers", "helper", "common", "misc"} & set(name.split("."))
        for node in ast.walk(tree(name)):
            if isinstance(node, ast.ClassDef):
                assert not node.name.endswith(("Manager", "Helper", "Util", "Utils", "Service")), node.name


def test_the_top_level_holds_what_was_agreed() -> None:
    here = {path.name for path in TOP.iterdir() if not path.name.startswith(".")}
    agreed = {"pyproject.toml", "schema", "runner", "tests", "examples", "docs", "tasks.toml.example"}
    agreed |= {"README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "tasks.toml"}
    built = {"dist", "build", "site"}
    assert agreed <= here
    assert here <= agreed | built
