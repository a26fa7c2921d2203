"""Files that are made to hurt end soon, within little memory, and reach nothing; files made at random too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.config import Format, dotenv, toml, yaml
from runner.config.schema import check, later_keys
from runner.config.source import STRUCTURES_AT_MOST, VALUES_AT_MOST
from runner.config.yaml import EVENTS_AT_MOST
from runner.error import Refusal, render
from tests.fuzz.hostile import FILES

TOP = Path(__file__).resolve().parent.parent.parent
EXAMPLE = (TOP / "tests" / "data" / "product_example.toml").read_text(encoding="utf-8")
FORMATS: dict[str, Format] = {"tasks.toml": toml, "tasks.yaml": yaml}

# Files that are only large are taken; all others are refused.
HARMLESS = {"tasks.toml: spaces", "tasks.toml: within the limits: right tasks and a wrong one"}

# Three times what such a file may take: for a machine that is slow or busy.
CPU_SECONDS_AT_MOST = 3
MEMORY_BYTES_AT_MOST = 100 << 20

# The child's own high-water mark: what getrusage says begins at the size of its parent.
CHILD = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_CPU, ({CPU_SECONDS_AT_MOST}, {CPU_SECONDS_AT_MOST}))
sys.path.insert(0, {str(TOP)!r})
from runner.config.load import load
from runner.error import Refusal
try:
    load(sys.argv[1], "/")
    print("taken")
except Refusal as refusal:
    print("refused", len(str(refusal)))
with open("/proc/self/status") as status:
    print(*(line.split()[1] for line in status if line.startswith("VmHWM")))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="measures memory as Linux tells it")
@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_ends_soon_and_within_little_memory(name: str, tmp_path: Path) -> None:
    path = tmp_path / name.partition(":")[0]
    path.write_text(FILES[name], encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", CHILD, str(path)], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == 0, "it took too long"
    ended, memory_kib = done.stdout.splitlines()
    assert ended.split()[0] == ("taken" if name in HARMLESS else "refused")
    assert int(memory_kib) * 1024 < MEMORY_BYTES_AT_MOST
    if ended.startswith("refused"):
        # What is told of a megabyte fits on a screen or two.
        assert int(ended.split()[1]) < 10_000


def test_every_hostile_file_is_within_the_size_that_is_read_or_just_beyond() -> None:
    assert len(FILES) >= 100
    assert max(len(text.encode()) for text in FILES.values()) <= 1 << 20


def message(file: str, text: str) -> str:
    with pytest.raises(Refusal) as caught:
        FORMATS[file].parse(text.encode(), file)
    (problem,) = caught.value.problems
    return problem.message


def test_there_are_only_so_many_tables_and_lists() -> None:
    many = "".join(f"[t{number}]\n" for number in range(STRUCTURES_AT_MOST + 1))
    assert message("tasks.toml", many) == f"more than {STRUCTURES_AT_MOST:,} tables and lists"


def test_there_are_only_so_many_keys_and_values() -> None:
    keys = "".join(f"{number}=1\n" for number in range(VALUES_AT_MOST + 1))
    assert message("tasks.toml", keys) == f"more than {VALUES_AT_MOST:,} keys and values"
    numbers = "a = [" + "1," * (VALUES_AT_MOST + 1) + "]"
    assert message("tasks.toml", numbers) == f"more than {VALUES_AT_MOST:,} keys and values"
    assert (
        message("tasks.yaml", "a: [" + "1," * EVENTS_AT_MOST + "]") == f"more than {EVENTS_AT_MOST:,} keys and values"
    )


def test_ten_thousand_tasks_are_within_the_limits() -> None:
    text = "".join(f'[tasks.t{n}]\nrun="true"\ndeps=["t{n - 1}"]\ninputs=["a"]\noutputs=["b"]\n' for n in range(10_000))
    assert len(toml.parse(text.encode(), "tasks.toml")["tasks"]) == 10_000


# ---- files made at random

PIECES = st.sampled_from(
    [
        *(
            '"',
            "'",
            '"""',
            "'''",
            "[",
            "]",
            "[[",
            "]]",
            "{",
            "}",
            ",",
            "=",
            ".",
            ":",
            "#",
            "\n",
            "\n\n",
            " ",
            "\t",
            "\\",
        ),
        *(
            "- ",
            "? ",
            ": ",
            "&a ",
            "*a",
            "!x ",
            "|\n",
            ">\n",
            "<<: ",
            "%YAML 1.2\n",
            "---\n",
            "...\n",
            "  ",
            "\r\n",
            "\r",
        ),
        *(
            "tasks",
            "a",
            "run",
            "x",
            "1",
            "0",
            "-1",
            "1.5",
            "inf",
            "true",
            "null",
            "2024-01-31",
            "é",
            "𐀀",
            "\u2028",
            "\x85",
        ),
        *(
            'a = "x"\n',
            "[tasks.a]\n",
            "a: x\n",
            "tasks:\n",
            "\x00",
            "\x07",
            "\ufeff",
            "\\u0041",
            "\\q",
            "@",
            "`",
            "10m",
        ),
    ]
)


def read(file: str, data: bytes) -> dict[str, Any] | Refusal:
    try:
        return dotenv.parse(data.decode(), file) if file == ".env" else FORMATS[file].parse(data, file)
    except Refusal as refusal:
        return refusal


def places_are_inside(refusal: Refusal, data: bytes) -> None:
    assert refusal.problems
    assert render(refusal.problems)
    lines = data.decode("utf-8", "replace").count("\n") + 1
    for place in (problem.place for problem in refusal.problems if problem.place is not None):
        assert 1 <= place.line <= lines
        assert 1 <= place.column <= len(place.text) + 1


def told(file: str, data: bytes) -> None:
    """A file is either plain data that can be looked at, or a refusal whose places are in it."""
    made = read(file, data)
    if isinstance(made, Refusal):
        places_are_inside(made, data)
        return
    form = FORMATS[file]
    text = data.decode("utf-8-sig").replace("\r\n", "\n")
    problems = check(made, locate=form.locate, file=file, text=text)
    problems = problems or later_keys(made, locate=form.locate, file=file, text=text)
    if problems:
        places_are_inside(Refusal(*problems), data)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(FORMATS)), st.lists(PIECES, max_size=25))
def test_pieces_put_together_are_data_or_a_refusal(file: str, pieces: list[str]) -> None:
    told(file, "".join(pieces).encode())


@given(st.sampled_from(sorted(FORMATS)), st.binary(max_size=60))
def test_bytes_are_data_or_a_refusal(file: str, data: bytes) -> None:
    told(file, data)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(EXAMPLE)), st.integers(0, 12), st.lists(PIECES, max_size=3))
def test_a_right_file_with_a_hole_is_data_or_a_refusal(at: int, length: int, pieces: list[str]) -> None:
    told("tasks.toml", (EXAMPLE[:at] + "".join(pieces) + EXAMPLE[at + length :]).encode())


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES | st.sampled_from(["A=", "$A", "${A}", "${", "export "]), max_size=20))
def test_a_dotenv_file_is_variables_or_a_refusal(pieces: list[str]) -> None:
    data = "".join(pieces).encode()
    made = read(".env", data)
    if isinstance(made, Refusal):
        places_are_inside(made, data)
    else:
        assert all(isinstance(key, str) and isinstance(value, str) for key, value in made.items())
