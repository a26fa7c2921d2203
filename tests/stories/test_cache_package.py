"""The day of a small Python package: checked, tested, built, released, and then again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.kit.space import Space

PACKAGE = """
[tasks.lint]
run = "python3 tools/lint.py src tests"
inputs = ["src/**/*.py", "tests/**/*.py", "tools/lint.py"]

[tasks.typecheck]
run = "python3 tools/lint.py src"
inputs = ["src/**/*.py", "tools/lint.py"]

[tasks.test]
run = "PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=src python3 tests/test_shop.py"
inputs = ["src/**/*.py", "tests/**/*.py"]

[tasks.build]
run = "python3 tools/build.py"
inputs = ["src/**/*.py", "tools/build.py"]
outputs = ["dist/"]

[tasks.release]
deps = ["lint", "typecheck", "test"]
run = "cat dist/* > release.txt"
inputs = ["dist/**"]
outputs = ["release.txt"]
"""
SOURCES = {
    "src/shop/__init__.py": "",
    "src/shop/cart.py": "def total(prices):\n    return sum(prices)\n",
    "tests/test_shop.py": "from shop.cart import total\n\nassert total([1, 2]) == 3\n",
    "tools/lint.py": (
        "import ast, pathlib, sys\n"
        "for folder in sys.argv[1:]:\n"
        "    for path in sorted(pathlib.Path(folder).rglob('*.py')):\n"
        "        ast.parse(path.read_text())\n"
    ),
    # What a compiler does: comments and blank lines leave no trace.
    "tools/build.py": (
        "import ast, pathlib\n"
        "dist = pathlib.Path('dist')\n"
        "dist.mkdir(exist_ok=True)\n"
        "for path in sorted(pathlib.Path('src').rglob('*.py')):\n"
        "    (dist / (path.stem + '.txt')).write_text(ast.dump(ast.parse(path.read_text())))\n"
        "(dist / 'run').write_text('#!/bin/sh\\n')\n"
        "(dist / 'run').chmod(0o755)\n"
    ),
}
ALL = ("lint", "typecheck", "test", "build", "release")


def snapshot(folder: Path) -> Mapping[str, tuple[int, bytes]]:
    """All files below a folder: mode and bytes."""
    files = [path for path in sorted(folder.rglob("*")) if not path.is_dir()]
    return {path.relative_to(folder).as_posix(): (path.lstat().st_mode, path.read_bytes()) for path in files}


@pytest.fixture
def package(space: Space) -> Space:
    space.write({"tasks.toml": PACKAGE, **SOURCES})
    assert space.events("release").ok().statuses == dict.fromkeys(ALL, "ran")
    return space


def test_the_second_run_of_the_package_runs_nothing(package: Space) -> None:
    assert package.events("release").ok().statuses == dict.fromkeys(ALL, "fresh")


def test_the_dist_folder_of_the_package_comes_back_byte_for_byte(package: Space) -> None:
    before = snapshot(package.root / "dist")
    for name in before:
        (package.root / "dist" / name).unlink()
    (package.root / "dist").rmdir()
    ran = package.events("release").ok()
    assert ran.statuses == {**dict.fromkeys(ALL, "fresh"), "build": "restored"}
    assert snapshot(package.root / "dist") == before


def test_one_edited_file_of_the_package_runs_only_what_reads_it(package: Space) -> None:
    package.write({"tests/test_shop.py": SOURCES["tests/test_shop.py"] + "assert total([]) == 0\n"})
    ran = package.events("release").ok()
    # What is released waits for the tests, which have no output but that they went well.
    ran_anew = dict.fromkeys(("lint", "test", "release"), "ran")
    assert ran.statuses == {**dict.fromkeys(ALL, "fresh"), **ran_anew}


def test_a_comment_in_the_package_runs_nothing_above_what_compiles_it(package: Space) -> None:
    package.tasks(PACKAGE.replace('deps = ["lint", "typecheck", "test"]\n', ""))
    package.events("release").ok()
    package.write({"src/shop/cart.py": "# prices are in cents\n" + SOURCES["src/shop/cart.py"]})
    assert package.events("release").ok().statuses == {"build": "ran", "release": "fresh"}
