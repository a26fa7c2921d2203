"""A look at the tree against a walk over all of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.pattern import Glob, Globs
from runner.tree.glob import find
from runner.tree.ignore import Ignore

FILES = [
    *(f"{folder}{name}" for folder in ("", "a/", "a/b/", "a/b/a/", "b/", "b/a/") for name in ("x", "x.c", ".x")),
    "a/.git/x",
    ".trun/x.c",
    "ab/x.c",
]
IGNORED = {".gitignore": "/a/b/\n.x\n!/b/.x\n", "b/.gitignore": "a\n*.c\n!x.c\n"}


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree")
    for path, content in [*dict.fromkeys(FILES, "").items(), *IGNORED.items()]:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    return root


def every_file(root: Path) -> list[str]:
    found = []
    for folder, _, files in os.walk(root):
        found += [os.path.relpath(os.path.join(folder, name), root) for name in files]
    return sorted(found)


PARTS = st.sampled_from(["a", "b", "*", "**", "a*", "x", "x.c", "*.c", ".x", "[ab]", "{a,b}"])
PATTERNS = st.builds(
    lambda bang, parts, end: bang + "/".join(parts) + end,
    st.sampled_from(["", "", "!"]),
    st.lists(PARTS, min_size=1, max_size=4),
    st.sampled_from(["", "", "/"]),
)
LISTS = st.lists(PATTERNS, max_size=4).map(lambda texts: Globs([Glob.of(text) for text in texts]))


@settings(deadline=None)
@given(LISTS, LISTS)
def test_a_look_finds_what_matches(root: Path, globs: Globs, left_out: Globs) -> None:
    found = find(str(root), globs, leave_out=left_out)
    expected = [path for path in every_file(root) if globs.matches(path) and not left_out.matches(path)]
    assert [entry.path for entry in found] == expected


@settings(deadline=None)
@given(LISTS, LISTS)
def test_a_look_leaves_out_what_is_ignored(root: Path, globs: Globs, even_ignored: Globs) -> None:
    ignore = Ignore(str(root))

    def is_named(path: str) -> bool:
        """Whether the path, or an ignored folder that it lies in, is named without a wildcard."""
        for spelling in globs.named:
            is_folder = os.path.isdir(root / spelling.base)
            if path == spelling.base and not is_folder and not spelling.is_folder:
                return True
            if is_folder and spelling.matches(path) and ignore.is_ignored(spelling.base, is_folder=True):
                return True
        return False

    def counts(path: str) -> bool:
        return not ignore.is_ignored(path) or is_named(path) or even_ignored.matches(path)

    found = find(str(root), globs, ignored=ignore, even_ignored=even_ignored)
    expected = [path for path in every_file(root) if globs.matches(path) and counts(path)]
    assert [entry.path for entry in found] == expected
