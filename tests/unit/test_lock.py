"""The text of tasks.lock: the same bytes for the same state, read back as it was, and refused where it is damaged."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.error import render
from runner.key import Part, plain_part
from runner.lockfile import Block, LockError, block_of, blocks_in, differences, listed, text_of
from runner.result import Made

HEX = "0123456789abcdef" * 4
OTHER = "fedcba9876543210" * 4
BUILD = Block(
    name="build",
    platform="linux x86_64",
    definition=HEX,
    inputs=(("src/a.c", f"f:{HEX}"), ("src/b.c", f"f:{HEX}")),
    outputs=(("out/app", f"x:{HEX}"), ("out/current", "l:app"), ("out/empty", "d:")),
)
TEST = Block(
    name="test",
    definition=HEX,
    variables=OTHER,
    inputs=f"tree:201:{HEX}",
    keys=(("params.toml#model.lr", f"v:{HEX}"),),
    deps=(("build", f"done:{HEX}"),),
)
TEXT = f"""\
# Made by trun; to be committed. What each task was made from, and what it made, by digests.
version = 1

[[task]]
name = "build"
platform = "linux x86_64"
definition = "{HEX}"

[task.inputs]
"src/a.c" = "f:{HEX}"
"src/b.c" = "f:{HEX}"

[task.outputs]
"out/app" = "x:{HEX}"
"out/current" = "l:app"
"out/empty" = "d:"

[[task]]
name = "test"
definition = "{HEX}"
variables = "{OTHER}"
inputs = "tree:201:{HEX}"

[task.keys]
"params.toml#model.lr" = "v:{HEX}"

[task.deps]
build = "done:{HEX}"
"""


def read(text: str) -> list[Block]:
    return list(blocks_in(text.encode()).values())


def fault(text: str | bytes) -> LockError:
    with pytest.raises(LockError) as caught:
        blocks_in(text.encode() if isinstance(text, str) else text)
    return caught.value


def part(label: str, value: str) -> Part:
    return plain_part(label, value)


ASPECTS = ("name", "platform", "definition", "variables", "inputs", "keys", "deps", "outputs")
PARTS = [part("platform", "linux x86_64"), part("format", "blake3"), part("command", "make"), part("shell", "sh")]


def made_of(*parts: Part, **more: str) -> Block:
    return block_of("t", [*PARTS, *parts], (), (), "blake3")


def test_blocks_are_written_in_the_order_of_names_with_a_line_for_each_entry() -> None:
    assert text_of([TEST, BUILD]) == TEXT


def test_what_was_written_is_read_back() -> None:
    assert read(TEXT) == [BUILD, TEST]


def test_a_lock_without_tasks_is_one() -> None:
    assert text_of([]).splitlines()[1:] == ["version = 1"]
    assert read(text_of([])) == []


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
ODD = st.binary(min_size=1).map(lambda data: data.decode("utf-8", "surrogateescape"))
PATHS = st.one_of(
    NAMES, ODD, st.sampled_from(["a\nb", 'say "x"', "it's", "back\\slash", "\\xff", "\udcff", "a = b # c"])
)
PAIRS = st.dictionaries(PATHS, PATHS).map(lambda found: tuple(sorted(found.items())))


@given(PAIRS, PAIRS, PAIRS, PAIRS)
def test_any_name_and_any_link_is_read_back(inputs: object, keys: object, deps: object, outputs: object) -> None:
    block = Block(name="t", definition=HEX, inputs=inputs, keys=keys, deps=deps, outputs=outputs)  # type: ignore[arg-type]
    text = text_of([block])
    assert read(text) == [block]
    assert tomllib.loads(text)["version"] == 1


@given(st.permutations(range(6)))
def test_the_same_state_makes_the_same_bytes_in_whatever_order_it_was_found(order: list[int]) -> None:
    parts = [*PARTS, part("env A", "=1"), part("probe cc", "12")]
    files = [(f"f{at}", f"f:{HEX}") for at in range(6)]
    made = [Made(path=path, digest=HEX) for path, _ in files]
    first = block_of("t", parts, tuple(files), made, "blake3")
    mixed = [parts[at] for at in order]
    other = block_of("t", mixed, tuple(files[at] for at in order), [made[at] for at in order], "blake3")
    assert text_of([first]) == text_of([other])


def test_line_ends_of_another_system_and_a_formatters_spaces_change_nothing() -> None:
    assert read(TEXT.replace("\n", "\r\n")) == [BUILD, TEST]
    assert read("\ufeff" + TEXT.replace(" = ", "=").replace("[task.", "  [task.")) == [BUILD, TEST]


@pytest.mark.parametrize(
    ("changed", "aspect"),
    [
        (part("command", "make -B"), "definition"),
        (part("shell", "bash"), "definition"),
        (part("dir", "web"), "definition"),
        (part("arg x", "=1"), "definition"),
        (part("rest", "1:a,"), "definition"),
        (part("outputs", "out/"), "definition"),
        (part("format", "sha256"), "definition"),
        (part("env X", "=1"), "variables"),
        (part("dotenv X", "=1"), "variables"),
        (part("uses_env X", "unset"), "variables"),
        (part("probe cc", "12"), "variables"),
        (part("var rev", "=1"), "variables"),
        (part("platform", "macos arm64"), "platform"),
        (part("pick a.toml#b", "1"), "keys"),
        (part("dep gen", "done:1"), "deps"),
    ],
)
def test_each_part_of_a_key_is_in_one_aspect_of_the_block(changed: Part, aspect: str) -> None:
    kept = [one for one in PARTS if one.label != changed.label]
    before, after = made_of(), block_of("t", [*kept, changed], (), (), "blake3")
    differing = [name for name in ASPECTS if getattr(before, name) != getattr(after, name)]
    assert differing == [aspect]


def test_a_secret_counts_by_its_value_and_not_by_what_one_machine_keeps_of_it() -> None:
    here = Part(label="uses_env T", value="=s3cret", shown="digest 1", is_secret=True)
    there = Part(label="uses_env T", value="=s3cret", shown="digest 2", is_secret=True)
    other = Part(label="uses_env T", value="=other", shown="digest 1", is_secret=True)
    assert made_of(here) == made_of(there)
    assert made_of(here) != made_of(other)
    assert "s3cret" not in text_of([made_of(here)])


def test_two_variables_cannot_pass_for_one() -> None:
    assert made_of(part("env A", "=1"), part("env B", "=2")) != made_of(part("env A", "=1env B=2"))


def test_200_files_are_listed_and_201_are_one_digest() -> None:
    files = [(f"f{at:03}", f"f:{HEX}") for at in range(201)]
    assert listed(reversed(files[:200]), "blake3") == tuple(files[:200])
    tree = listed(files, "blake3")
    assert isinstance(tree, str)
    assert tree.startswith("tree:201:")
    assert tree != listed([*files[:200], ("f200", f"x:{HEX}")], "blake3")


def test_what_git_could_not_merge_is_told_with_its_line() -> None:
    error = fault(TEXT.replace('name = "test"\n', f'name = "test"\n<<<<<<< ours\ndefinition = "{OTHER}"\n=======\n'))
    assert str(error) == "`tasks.lock:20` holds a merge that was not resolved"
    assert error.place is not None
    assert error.place.text == "<<<<<<< ours"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('name = "build"', "name = build", "`tasks.lock:5` is damaged"),
        ('name = "build"', 'name = "build" "x"', "`tasks.lock:5` is damaged"),
        ('name = "build"', 'a.b.c = "x"', "`tasks.lock:5` is damaged"),
        ('name = "build"', 'name = [["x"]]', "`tasks.lock:5` is damaged"),
        ('name = "build"', 'other = "x"', "`tasks.lock:4` is damaged"),
        ('name = "build"', "name = 1", "`tasks.lock:4` is damaged"),
        ('"src/b.c" =', '"src/a.c" =', "`tasks.lock:11` is damaged"),
        ('"d:"', '"d:\\q"', "`tasks.lock:16` is damaged"),
        ("[task.outputs]", "[task.strange]", "`tasks.lock:13` is damaged"),
        (f"tree:201:{HEX}", "tree:many", "`tasks.lock:18` is damaged"),
        ('name = "test"', 'name = "build"\nplatform = "linux x86_64"', "`tasks.lock:18` has `build` twice"),
        ("version = 1\n", "", "`tasks.lock:1` does not say its version"),
        ("version = 1\n", 'version = 1\nauthor = "me"\n', "`tasks.lock:1` has a strange `author`"),
    ],
)
def test_what_trun_would_not_write_is_refused_with_its_line(old: str, new: str, told: str) -> None:
    assert old in TEXT
    error = fault(TEXT.replace(old, new, 1))
    assert (str(error), error.is_future) == (told, False)


def test_bytes_that_are_no_text_are_refused_with_their_line() -> None:
    assert str(fault(b"version = 1\n\n# \xff\n")) == "`tasks.lock:3` is not UTF-8"


def test_a_later_format_is_told_before_anything_else() -> None:
    error = fault('version = 2\n\n<<<<<<< what = { ever = ["it", "is"] }\n')
    assert error.is_future
    assert str(error) == "`tasks.lock` is of format 2, which a later version of trun wrote"


@pytest.mark.parametrize("hurt", [" " * 200_000 + "x", '"' + "\\" * 200_001, "a." * 100_000 + "b = 1", "[" * 100_000])
def test_a_line_made_to_hurt_is_refused_in_linear_time(hurt: str) -> None:
    error = fault(f"version = 1\n{hurt}\n")
    assert str(error) == "`tasks.lock:2` is damaged"
    assert error.place is not None
    assert len(render_of(error)) < 1_000


def render_of(error: LockError) -> str:
    from runner.error import Problem

    return render([Problem(message=error.message, place=error.place)])


def test_each_difference_is_told_by_its_name() -> None:
    now = Block(
        name="build",
        platform="linux x86_64",
        definition=OTHER,
        variables=OTHER,
        inputs=(("src/a.c", f"f:{OTHER}"), ("src/c.c", f"f:{HEX}")),
        deps=(("gen", "done:1"),),
        outputs=(("out/app", f"f:{HEX}"), ("out/empty", "d:"), ("out/more", f"f:{HEX}")),
    )
    assert list(differences(BUILD, now)) == [
        "what the tasks file says of it changed",
        "a variable or a probe tells something else",
        "input `src/a.c` changed",
        "input `src/b.c` is gone",
        "input `src/c.c` is new",
        "dep `gen` is new",
        "output `out/app` changed",
        "output `out/current` is missing",
        "output `out/more` is new",
    ]
    assert list(differences(BUILD, BUILD)) == []


def test_many_files_that_differ_are_told_by_their_number() -> None:
    fewer = Block(name="test", inputs=(("a", "f:1"),))
    more = Block(name="test", inputs=f"tree:1201:{HEX}")
    assert list(differences(fewer, more)) == ["its inputs changed: 1,201 files, 1 file when it was locked"]
