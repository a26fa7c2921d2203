"""Every block of every page is run, or checked; generated pages are as the code tells; links lead somewhere."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from runner.config import schema, toml, yaml
from tests.docs.pages import TOP, Block, Said, agrees, blocks, name_of, pages, session
from tests.examples.copied import CI, MADE, is_there

README = "README.md"
PAGES = {name_of(page): page.read_text(encoding="utf-8") for page in pages()}
BLOCKS = {name: [*blocks(name, text)] for name, text in PAGES.items()}
SOURCES = ("c", "go", "js", "make", "py", "rust")
KINDS = {"toml", "yaml", "console", "sh", *SOURCES}
TOOLS = {"a C compiler": "cc", "cargo": "cargo", "node": "node"}
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def of_kind(*kinds: str) -> list[Any]:
    return [pytest.param(one, id=one.where) for found in BLOCKS.values() for one in found if one.kind in kinds]


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", TOP / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.mark.parametrize(
    "name", ["reference/tasks-file.md", "reference/command-line.md", "reference/events.md", "map.md"]
)
def test_a_generated_page_is_what_the_code_tells(name: str) -> None:
    made = generator().PAGES[name]()
    assert PAGES[f"docs/{name}"] == made, f"docs/{name} is old: run `trun docs`"


def test_all_that_is_generated_is_committed() -> None:
    assert set(generator().PAGES) == {
        name.removeprefix("docs/") for name, text in PAGES.items() if "Made by docs/generate.py" in text[:80]
    }


@pytest.mark.parametrize("name", PAGES)
def test_every_block_is_of_a_kind_that_is_looked_at(name: str) -> None:
    for block in BLOCKS[name]:
        assert block.kind in KINDS, f"{block.where}: nothing runs or checks `{block.kind}`"
        if block.kind in SOURCES:
            after = [one for one in BLOCKS[name] if one.line > block.line and one.kind == "console"]
            assert block.file, f"{block.where}: the first line names the file"
            assert after, f"{block.where}: no command after it uses it"


@pytest.mark.parametrize("block", of_kind("sh"))
def test_only_the_readme_has_commands_that_are_not_run(block: Block) -> None:
    lines = block.text.splitlines()
    assert block.page == README
    assert len(lines) == 1
    assert lines[0].startswith("python3 -m venv .venv && .venv/bin/pip install -q ")


@pytest.mark.parametrize("heading", ["Run it", "Test it"])
def test_the_readme_has_one_command_to_run_and_one_to_test(heading: str) -> None:
    section = PAGES[README].partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    assert [block.kind for block in blocks(README, section)][:1] == ["sh"]


@pytest.mark.parametrize("block", of_kind("toml", "yaml"))
def test_a_file_of_tasks_follows_the_schema(block: Block) -> None:
    format = toml if block.kind == "toml" else yaml
    data = format.parse(block.text.encode(), block.where)
    if block.file and not block.file.endswith(("tasks.toml", "tasks.yaml", "tasks.yml")):
        assert data, f"{block.where}: an empty file"
        return
    told = {"locate": format.locate, "file": block.where, "text": block.text}
    assert schema.check(data, **told) == []
    assert schema.later_keys(data, **told) == []


class Place:
    """A folder in which the blocks of one page come true."""

    def __init__(self, path: Path) -> None:
        self.path = path / "page"
        self.path.mkdir()
        known = {name: value for name, value in os.environ.items() if name not in CI and name[:5] != "TRUN_"}
        for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "FORCE_COLOR", "PYTHONPATH"):
            known.pop(name, None)
        here = str(Path(sys.executable).parent)
        self.env = known | {"NO_COLOR": "1", "LC_ALL": "C.UTF-8", "PATH": os.pathsep.join([here, os.environ["PATH"]])}
        self.env["PYTHONDONTWRITEBYTECODE"] = "1"

    def write(self, block: Block) -> None:
        assert block.file
        file = self.path / block.file
        file.parent.mkdir(parents=True, exist_ok=True)
        # What the first line says is for the reader of the page; a file for make or a shell does not mind it.
        file.write_text(block.text, encoding="utf-8")

    def do(self, command: str) -> tuple[int, list[str]]:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.path,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        return done.returncode, [line.rstrip() for line in done.stdout.splitlines()]

    def show(self, said: Said, block: Block) -> None:
        """Run one command, and hold the page to what it says."""
        code, printed = self.do(said.command)
        lines = [line.rstrip() for line in said.lines]
        while lines and not lines[-1]:
            lines.pop()
        loose, is_ordered = "loose" in block.info, not {"loose", "unordered"} & set(block.info)
        shown = "\n".join(printed)
        assert agrees(lines, printed, is_ordered=is_ordered, loose=loose), (
            f"{block.where}: `{said.command}` printed\n{shown}"
        )
        assert code == 0, f"{block.where}: `{said.command}` ended with {code}; show that with `; echo $?`\n{shown}"


def told(name: str, place: Place) -> None:
    """Everything on a page, from its top to its end."""
    for block in BLOCKS[name]:
        if block.file:
            place.write(block)
        elif block.kind == "console":
            for said in session(block):
                place.show(said, block)


def with_sessions() -> Iterator[str]:
    for name, found in BLOCKS.items():
        if name != README and any(block.kind == "console" for block in found):
            yield name


@pytest.mark.parametrize("name", [*with_sessions()])
def test_a_page_tells_what_happens(name: str, tmp_path: Path) -> None:
    if any(block.kind == "make" for block in BLOCKS[name]) and not is_there("make", ["make", "--version"]):
        pytest.skip("make is not here")
    told(name, Place(tmp_path))


@pytest.mark.slow
def test_the_readme_tells_what_happens(tmp_path: Path) -> None:
    """Slow, since it compiles four languages."""
    found = [is_there(what, [tool, "--version"]) for what, tool in TOOLS.items()] + [is_there("go", ["go", "version"])]
    if not all(found):
        pytest.skip("the readme shows what one sees where all tools are")
    place = Place(tmp_path)
    shutil.copytree(TOP / "examples", place.path / "examples", ignore=MADE)
    told(README, place)


@pytest.mark.parametrize(
    "block", [one for one in of_kind("yaml") if one.values[0].file and "tasks" not in one.values[0].file]
)
def test_a_pipeline_asks_for_tasks_that_are_there(block: Block, tmp_path: Path) -> None:
    place = Place(tmp_path)
    for other in BLOCKS[block.page]:
        if other.file and other.line < block.line:
            place.write(other)
    lines = [line.strip().removeprefix("- ").removeprefix("run: ") for line in block.text.splitlines()]
    commands = [line for line in lines if line.startswith("trun ")]
    assert commands
    for command in commands:
        code, printed = place.do(f"{command} --plan")
        assert code == 0, "\n".join(printed)


def anchors(text: str) -> set[str]:
    """What a renderer of Markdown makes of the headings."""
    found = [line.lstrip("#").strip() for line in text.splitlines() if line.startswith("#")]
    kept = ["".join(char for char in one.lower() if char.isalnum() or char in " -_") for one in found]
    return {one.replace(" ", "-") for one in kept}


@pytest.mark.parametrize("name", PAGES)
def test_a_link_leads_somewhere(name: str) -> None:
    for link in LINK.findall(PAGES[name]):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = (TOP / name).parent / path if path else TOP / name
        assert target.exists(), f"{name}: `{link}` leads nowhere"
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), f"{name}: no heading for `{link}`"


def test_every_page_can_be_found_from_the_index() -> None:
    found: set[str] = set()
    todo = ["docs/index.md"]
    while todo:
        name = todo.pop()
        if name in found or name not in PAGES:
            continue
        found.add(name)
        for link in LINK.findall(PAGES[name]):
            path = link.partition("#")[0]
            if path and "://" not in path:
                todo.append(os.path.relpath((TOP / name).parent / path, TOP))
    assert {name for name in PAGES if name.startswith("docs/")} <= found


def test_a_line_of_a_page_is_compared_but_for_what_varies() -> None:
    assert agrees(["✓ a  0.1s", "done"], ["✓ a  1m02s", "done"])
    assert agrees(["a", "...", "z"], ["a", "b", "c", "z"])
    assert agrees(["a ... z"], ["a b z"])
    assert not agrees(["a"], ["a", "b"])
    assert not agrees(["a", "b"], ["a"])
    assert not agrees(["7 ran"], ["8 ran"])
    assert not agrees(["b", "a"], ["a", "b"])
    assert agrees(["b", "a"], ["a", "b"], is_ordered=False)
    assert not agrees(["b", "a"], ["a", "b", "c"], is_ordered=False)
    assert agrees(["count │ b"], ["count  │ b"], is_ordered=False)
    assert not agrees(["count │ b"], ["count  │ b"])
    assert agrees(["c  16,280  54 ms  ###"], ["c  9 1 ms #####"], is_ordered=False, loose=True)
    assert not agrees(["c  16,280  54 ms"], ["d  16,280  54 ms"], is_ordered=False, loose=True)
