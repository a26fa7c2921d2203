"""Globs against slow and obvious counterparts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from runner.pattern import Glob, Globs, PatternError, index, minimal
from runner.pattern.index import OutputIndex
from runner.pattern.overlap import feeds, overlap, within
from runner.pattern.segment import Segment, inside, meet, segment
from runner.pattern.texts import Texts

# ---- the counterparts: straight from the definition, exponential, no shared code

HIDDEN = {".", "..", ".git", ".trun"}


def slow_matches(pattern: str, path: str) -> bool:
    names = path.split("/")
    if HIDDEN & set(names):
        return False
    return any(slow_one(one, names) for one in slow_braces(pattern))


def slow_braces(text: str) -> list[str]:
    """Braces written out, innermost first."""
    for start in range(len(text) - 1, -1, -1):
        if text[start] == "{":
            end = text.index("}", start)
            parts = text[start + 1 : end].split(",")
            return [one for part in parts for one in slow_braces(text[:start] + part + text[end + 1 :])]
    return [text]


def slow_one(pattern: str, names: list[str]) -> bool:
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    is_named = not set(pattern) & set("*?[")
    if pattern == "." or pattern.endswith(("/", "/.")):
        return slow_segments([*parts, "**", "*"], names)
    if is_named:
        return names[: len(parts)] == parts
    if parts[-1] == "**":
        parts.append("*")
    return slow_segments(parts, names)


def slow_segments(parts: list[str], names: list[str]) -> bool:
    if not parts:
        return not names
    if parts[0] == "**":
        return any(slow_segments(parts[1:], names[skipped:]) for skipped in range(len(names) + 1))
    return bool(names) and slow_name(parts[0], names[0]) and slow_segments(parts[1:], names[1:])


def slow_name(part: str, name: str) -> bool:
    if not part:
        return not name
    if part[0] == "*":
        return any(slow_name(part[1:], name[skipped:]) for skipped in range(len(name) + 1))
    if part[0] == "[":
        end = part.index("]")
        inner = part[1:end]
        wanted = set(inner.lstrip("!"))
        return bool(name) and ((name[0] in wanted) != (inner[0] == "!")) and slow_name(part[end + 1 :], name[1:])
    return bool(name) and part[0] in ("?", name[0]) and slow_name(part[1:], name[1:])


# ---- what is tried


@pytest.fixture(autouse=True, scope="module")
def each_crowd_is_sorted() -> Iterator[None]:
    """No crowd is so small that all in it are looked at."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "FEW", 0)
        yield


TOKENS = st.sampled_from(["a", "b", ".", "*", "?", "[ab]", "[!a]", "{a,b}", "{,a*}"])
SEGMENTS = st.lists(TOKENS, min_size=1, max_size=4).map("".join).filter(lambda part: "**" not in part)
FOLDERS = st.one_of(SEGMENTS, st.just("**"), st.just("a"), st.just("b"))
PATTERNS = st.builds(
    lambda parts, end: "/".join(parts) + end, st.lists(FOLDERS, min_size=1, max_size=4), st.sampled_from(["", "", "/"])
)
NAMES = st.one_of(
    st.text("ab.", min_size=1, max_size=4).filter(lambda name: name != "."), st.sampled_from([".git", ".trun", ".gitx"])
)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


def parsed(text: str) -> Glob:
    """The glob, unless it is one that is refused."""
    try:
        return Glob.of(text)
    except PatternError:
        assume(False)
        raise


@settings(deadline=None)
@given(PATTERNS, st.lists(PATHS, min_size=1, max_size=20))
def test_matching_agrees_with_the_definition(text: str, paths: list[str]) -> None:
    assume(".." not in text)
    glob = parsed(text)
    for path in paths:
        assert glob.matches(path) is slow_matches(text, path), path


@settings(deadline=None)
@given(PATTERNS)
def test_the_normal_form_means_the_same(text: str) -> None:
    glob = parsed(text)
    for normal in glob.normal:
        again = Glob.of("/" + normal, "elsewhere")
        assert again.normal == (normal,)


LONG_NAMES = ["".join(name) for length in range(1, 7) for name in product("ab", repeat=length)]
SHORT_SEGMENTS = (
    st.lists(st.sampled_from(["a", "b", "?", "*", "[ab]", "[!a]", "[!ab]"]), min_size=1, max_size=5)
    .map("".join)
    .filter(lambda part: "**" not in part and sum(part.count(char) for char in "ab?") <= 3)
)


def holds(part: str | Segment, name: str) -> bool:
    return part == name if isinstance(part, str) else part.matches(name)


@settings(deadline=None)
@given(SHORT_SEGMENTS, SHORT_SEGMENTS)
def test_segments_meet_if_a_name_has_both_forms(a: str, b: str) -> None:
    one, other = segment(a), segment(b)
    # A third letter stands for all that `[!ab]` can be; six of them are as long as the shortest common name can get.
    names = [*LONG_NAMES, *(name.replace("b", "c") for name in LONG_NAMES), *MIXED]
    assert meet(one, other) is any(holds(one, name) and holds(other, name) for name in names)


MIXED = ["".join(name) for length in range(1, 7) for name in product("abc", repeat=length)]


@settings(deadline=None)
@given(SHORT_SEGMENTS, SHORT_SEGMENTS)
def test_a_segment_is_inside_only_if_all_its_names_are(a: str, b: str) -> None:
    one, other = segment(a), segment(b)
    if inside(one, other):
        assert all(holds(other, name) for name in MIXED if holds(one, name))


# One letter at most for each of two segments: then these names and five levels are enough for a witness.
TINY = st.sampled_from(["a", "b", "*", "a*", "*a", "*b", "b*", "?", "[ab]", "**", "**"])
TINY_PATTERNS = st.builds(
    lambda parts, end: "/".join(parts) + end,
    st.lists(TINY, min_size=1, max_size=3).filter(lambda parts: sum(part != "**" for part in parts) <= 2),
    st.sampled_from(["", "", "/"]),
)
TINY_NAMES = ["a", "b", "ab", "ba"]
UNIVERSE = ["/".join(names) for depth in range(1, 6) for names in product(TINY_NAMES, repeat=depth)]
MATCHED: dict[str, frozenset[str]] = {}


def matched(text: str) -> frozenset[str]:
    if text not in MATCHED:
        MATCHED[text] = frozenset(path for path in UNIVERSE if slow_matches(text, path))
    return MATCHED[text]


def is_file(text: str) -> bool:
    return not set(text) & set("*?[") and not text.endswith("/")


def slow_overlap(a: str, b: str) -> bool:
    """Common paths; a plain path has a tree only where the other pattern begins in it."""
    one, other = set(matched(a)), set(matched(b))
    if is_file(a) and not is_below(Glob.of(b).base, a):
        one = {a}
    if is_file(b) and not is_below(Glob.of(a).base, b):
        other = {b}
    return bool(one & other)


def is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")


@settings(deadline=None)
@given(TINY_PATTERNS, TINY_PATTERNS)
def test_overlap_is_exact(a: str, b: str) -> None:
    assert overlap(parsed(a), parsed(b)) is slow_overlap(a, b)


@settings(deadline=None)
@given(TINY_PATTERNS, TINY_PATTERNS)
def test_within_is_sound(a: str, b: str) -> None:
    if within(parsed(a), parsed(b)):
        assert ({a} if is_file(a) else matched(a)) <= matched(b)


@settings(deadline=None)
@given(TINY_PATTERNS)
def test_a_glob_is_within_itself_and_overlaps_itself(text: str) -> None:
    assert within(parsed(text), parsed(text))
    assert overlap(parsed(text), parsed(text))


LISTS = st.lists(st.tuples(st.booleans(), TINY_PATTERNS), min_size=1, max_size=4)
FOLDERS_OF_UNIVERSE = ["", *(path for path in UNIVERSE if path.count("/") < 2)]


@settings(deadline=None)
@given(LISTS, st.sampled_from(FOLDERS_OF_UNIVERSE))
def test_pruning_loses_nothing(entries: list[tuple[bool, str]], folder: str) -> None:
    globs = Globs([Glob.of("!" * negated + text) for negated, text in entries])
    below = [path for path in UNIVERSE if not folder or path.startswith(folder + "/")]
    wanted = {path for path in below if slow_last(entries, path)}
    assert {path for path in below if globs.matches(path)} == wanted
    assert {path for path in below if globs.matcher()(path)} == wanted
    if wanted:
        assert globs.could_be_below(folder)
    if globs.covers(folder):
        assert wanted == set(below)
    starts = [*globs.bases, *(spelling.base for spelling in globs.named)]
    assert all(any(not start or is_below(path, start) for start in starts) for path in wanted)


def slow_last(entries: list[tuple[bool, str]], path: str) -> bool:
    verdicts = [not negated for negated, text in entries if path in matched(text)]
    return bool(verdicts) and verdicts[-1]


INDEXED = st.lists(st.tuples(st.sampled_from("pqrs"), TINY_PATTERNS), max_size=12)
CROWD = ["a*", "b*", "a*b", "*b", "*a", "?", "b", "b/*a", "b/*b", "b/a*b", "b/", "b/a"]
CROWDED = st.lists(st.tuples(st.sampled_from("pqrs"), st.sampled_from(CROWD)), max_size=30)


@settings(deadline=None)
@given(st.one_of(INDEXED, CROWDED), TINY_PATTERNS)
def test_the_index_finds_the_edges_that_pairs_make(outputs: list[tuple[str, str]], input: str) -> None:
    globs = [(owner, Glob.of(text)) for owner, text in outputs]
    found = OutputIndex(globs).feeding(Globs([parsed(input)]))
    wanted = [(owner, glob.text) for owner, glob in globs if feeds(glob, Glob.of(input))]
    assert [(feed.owner, feed.output.text) for feed in found] == wanted


@settings(deadline=None)
@given(TINY_PATTERNS, LISTS)
def test_an_edge_is_cut_only_if_nothing_is_left_of_it(output: str, entries: list[tuple[bool, str]]) -> None:
    made = {output} if is_file(output) else matched(output)
    feeding = [(negated, text) for negated, text in entries if negated or feeds(parsed(output), Glob.of(text))]
    outputs_index = OutputIndex([("owner", Glob.of(output))])
    if outputs_index.feeding(Globs(Glob.of("!" * negated + text) for negated, text in entries)):
        assert not all(negated for negated, _ in feeding)
        return
    # What is named counts as a file here, on both sides.
    read: set[str] = set()
    for negated, text in feeding:
        read = read - matched(text) if negated else read | ({text} if is_file(text) else matched(text))
    assert not made & read


@settings(deadline=None)
@given(st.one_of(INDEXED, CROWDED))
def test_the_index_finds_the_collisions_that_pairs_make(outputs: list[tuple[str, str]]) -> None:
    globs = [(owner, Glob.of(text)) for owner, text in outputs]
    found = [
        (one.owner, one.output.text, one.other_owner, one.other_output.text) for one in OutputIndex(globs).collisions()
    ]
    wanted = [
        (owner, glob.text, other, later.text)
        for at, (owner, glob) in enumerate(globs)
        for other, later in globs[at + 1 :]
        if owner != other and overlap(glob, later)
    ]
    assert sorted(found) == sorted(wanted)


@settings(deadline=None)
@given(st.one_of(INDEXED, CROWDED), st.sets(st.sampled_from("pqrs")), st.sampled_from(UNIVERSE))
def test_the_index_knows_whose_a_path_is(outputs: list[tuple[str, str]], known: set[str], path: str) -> None:
    globs = [(owner, Glob.of(text)) for owner, text in outputs]
    outputs_index = OutputIndex(globs)
    owners = [owner for owner, glob in globs if glob.matches(path)]
    assert outputs_index.owners(path) == list(dict.fromkeys(owners))
    besides = outputs_index.besides(known)
    assert besides.matches(path) is bool(set(owners) - known)
    others = [glob for owner, glob in globs if owner not in known]
    assert besides.covers(path) is any(glob.covers(path) for glob in others)


@settings(deadline=None)
@given(st.sets(st.text("ab", max_size=4)), st.text("ab", max_size=5))
def test_texts_know_which_of_them_begin_one_another(texts: set[str], text: str) -> None:
    ordered = Texts(texts)
    assert set(ordered.leading_to(text)) == {other for other in texts if text.startswith(other)}
    assert list(ordered.starting_with(text)) == sorted(other for other in texts if other.startswith(text))
    assert ordered.count(text) == sum(other.startswith(text) for other in texts)
    near = list(ordered.near(text))
    assert len(near) == len(set(near))
    assert set(near) == {other for other in texts if text.startswith(other) or other.startswith(text)}


@settings(deadline=None)
@given(st.sets(st.sampled_from(["", *UNIVERSE[:20], "a-b", "a.b/c"])))
def test_minimal_folders_still_hold_all(folders: set[str]) -> None:
    kept = minimal(folders)
    assert set(kept) <= folders
    assert all(any(not one or is_below(folder, one) for one in kept) for folder in folders)
    assert not any(one != other and (not other or is_below(one, other)) for one in kept for other in kept)
