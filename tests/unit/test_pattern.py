"""Globs: what they match, what they refuse, how they meet."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from runner.pattern import Glob, Globs, PatternError
from runner.pattern.index import OutputIndex
from runner.pattern.overlap import clash, collide, feeds, overlap, within


def globs(*texts: str, dir: str = "") -> Globs:
    return Globs([Glob.of(text, dir) for text in texts])


MATCHES = [
    # pattern, matched, not matched
    ("a.c", ["a.c", "a.c/x"], ["b.c", "x/a.c", "a.cc", "a.c2/x"]),
    ("src", ["src", "src/a", "src/a/b"], ["srcs", "x/src"]),
    ("src/", ["src/a", "src/a/b"], ["src", "srcs/a"]),
    ("./src//a/../b/", ["src/b/c"], ["src/b", "src/a/c"]),
    (".", ["a", "a/b", ".env"], [".git/HEAD", "../a"]),
    ("/", ["a", "a/b"], [".trun/x"]),
    ("*.c", ["a.c", ".c", ".a.c", "a.b.c"], ["a.h", "x/a.c", "a.c/x"]),
    ("*", ["a", ".env"], ["a/b", ".git", ".trun"]),
    ("**", ["a", "a/b", ".x/.y"], [".git", "a/.git", "a/.git/x", ".trun/x", "../a"]),
    ("**/*.c", ["a.c", "x/a.c", "x/y/.c"], ["a.h", "a.c/x", "x/.git/a.c", "../a.c"]),
    ("src/**", ["src/a", "src/a/b"], ["src", "srcs/a"]),
    ("src/**/", ["src/a", "src/a/b"], ["src"]),
    ("src/**/*.c", ["src/a.c", "src/x/y/a.c"], ["a.c", "src.c", "src/a.h"]),
    (
        "src/**/test/*.py",
        ["src/test/a.py", "src/a/b/test/c.py", "src/test/test/a.py"],
        ["src/test/a/b.py", "test/a.py"],
    ),
    ("**/a/**/b", ["a/b", "x/a/b", "a/x/b", "x/a/y/z/b"], ["a", "b", "a/b/c", "xa/b"]),
    ("a/**/**/b", ["a/b", "a/x/y/b"], ["a", "ab"]),
    ("packages/*/", ["packages/x/a", "packages/x/a/b"], ["packages/x"]),
    ("packages/*", ["packages/x"], ["packages/x/a"]),
    ("a?c", ["abc", "a.c", "a\nc", "a\udcffc"], ["ac", "a/c", "abbc"]),
    ("[abc].o", ["a.o", "c.o"], ["d.o", "ab.o", "[.o"]),
    ("[a-cx]*", ["a", "bz", "x"], ["d", "y"]),
    ("[!a]", ["b", "!", "é"], ["a", "", "ab"]),
    ("[^a]", ["b", "!"], ["a"]),
    ("[]a]x", ["]x", "ax"], ["bx"]),
    ("[!]]", ["a"], ["]"]),
    ("[a-]", ["a", "-"], ["b"]),
    ("[a\\]b]", ["a", "]", "b"], ["\\"]),
    ("x[[:digit:][:upper:]]", ["x1", "xA"], ["xa", "x:"]),
    ("a[b/]c", ["abc"], ["a/c"]),
    ("{a,b}.c", ["a.c", "b.c"], ["c.c", "{a,b}.c", "a"]),
    ("{a,b/{c,d}}/*", ["a/x", "b/c/x", "b/d/x"], ["b/x", "c/x"]),
    ("a{,b}", ["a", "ab"], ["b"]),
    ("a{x}", ["ax"], ["a{x}"]),
    ("[{,}]", ["{", ",", "}"], ["a"]),
    ("a,b", ["a,b"], ["a", "b"]),
    ("\\*", ["*"], ["a"]),
    ("\\{a,b\\}", ["{a,b}"], ["a"]),
    ("a\\/b", ["a/b"], ["a"]),
    ("[*]", ["*"], ["a"]),
    ("a*b*c", ["abc", "abbc", "axbxc", "abcbc"], ["ac", "acb", "abcd"]),
    ("*aa*aa*", ["aaaa", "xaabaay"], ["aaa", "aabab"]),
    ("a*[bc]?*d", ["axbxd", "abcbd", "abccd"], ["abd", "axd"]),
    ("ab*ba", ["abba", "abxba"], ["aba"]),
    ("\\!x", ["!x"], ["x"]),
    ("line\nbreak*", ["line\nbreak", "line\nbreak2"], ["line"]),
    ("*\udcff", ["\udcff", "a\udcff"], ["a"]),
    (".gi?", [".gix"], [".git"]),
    ("a/.g*", ["a/.gitignore"], ["a/.git"]),
]


@pytest.mark.parametrize(("text", "path"), [(text, path) for text, yes, _ in MATCHES for path in yes])
def test_a_glob_matches(text: str, path: str) -> None:
    assert Glob.of(text).matches(path)


@pytest.mark.parametrize(("text", "path"), [(text, path) for text, _, no in MATCHES for path in no])
def test_a_glob_does_not_match(text: str, path: str) -> None:
    assert not Glob.of(text).matches(path)


@pytest.mark.parametrize(
    ("text", "dir", "normal"),
    [
        ("*.c", "web", ("web/*.c",)),
        ("/x/*.c", "web", ("x/*.c",)),
        ("../lib/a", "web/app", ("web/lib/a",)),
        ("./", "web", ("web/",)),
        ("..", "web", ("/",)),
        ("{/a,b}", "web", ("a", "web/b")),
        ("{a,b}/**", "", ("a/**/*", "b/**/*")),
        ("*", "odd[1]*", ("odd\\[1\\]\\*/*",)),
        ("a//b/./c/../d", "", ("a/b/d",)),
        ("{a,a}", "", ("a",)),
    ],
)
def test_a_glob_is_anchored_at_the_tasks_folder(text: str, dir: str, normal: tuple[str, ...]) -> None:
    assert Glob.of(text, dir).normal == normal


def test_a_glob_says_what_it_is() -> None:
    assert Glob.of("src/a/*.c").base == "src/a"
    assert Glob.of("src/a.c").base == "src/a.c"
    assert Glob.of("src/").base == "src"
    assert Glob.of("**/*.c").base == ""
    assert Glob.of("{a/b,a/c}/*.c").base == "a"
    assert Glob.of("{a,b}").is_literal
    assert Glob.of("\\*.c").is_literal
    assert not Glob.of("{a,b*}").is_literal
    assert Glob.of("a/").is_folder
    assert Glob.of("a/.").is_folder
    assert not Glob.of("a/**").is_folder
    assert Glob.of("!a").is_negated
    assert Glob.of("!a") != Glob.of("a")
    assert Glob.of("x/../a") == Glob.of("./a")
    assert repr(Glob.of("!src//*.c")) == "Glob(!src/*.c)"


DIGITS = "{0,1,2,3,4,5,6,7,8,9}"
BOMB = f"the alternatives of a pattern may have 65,536 characters in all: `{DIGITS * 3}{'x' * 37}…`"
REFUSED = [
    ("", "an empty pattern names nothing: ``"),
    ("!", "an empty pattern names nothing: `!`"),
    ("../x", "the pattern leaves the project: `../x`"),
    ("a/../../*.c", "the pattern leaves the project: `a/../../*.c`"),
    ("/..", "the pattern leaves the project: `/..`"),
    ("**/../a", "`..` follows a wildcard: `**/../a`"),
    ("src/a**b/c", "`**` is only a part of `a**b`: `src/a**b/c`"),
    ("***", "`**` is only a part of `***`"),
    ("[ab", "`[` is never closed in `[ab`"),
    ("[]", "`[` is never closed in `[]`"),
    ("a/[[:word:]]", "`[:word:]` is no class of characters: `a/[[:word:]]`"),
    ("[/]", "`[/]` stands for no character"),
    ("{a,b", "`{` is never closed in `{a,b`"),
    ("a}", "`}` was never opened in `a}`"),
    ("{a,}", "an empty alternative names nothing: `{a,}`"),
    ("a\\", "the backslash that ends `a\\` escapes nothing"),
    (".git/HEAD", "no pattern reaches into `.git`: `.git/HEAD`"),
    ("x/{a,.trun}/**", "no pattern reaches into `.trun`: `x/{a,.trun}/**`"),
    ("[.]git/x", "no pattern reaches into `.git`: `[.]git/x`"),
    ("a\0b", "a pattern holds a character that no path can have: `a\0b`"),
    ("a\ud800b", "a pattern holds a character that no path can have: `a\ud800b`"),
    ("{a,b}" * 10, "`" + "{a,b}" * 10 + "` stands for more than 1,000 patterns"),
    ("?" * 1025, "a pattern with wildcards may have 1,024 characters, not 1,025: `" + "?" * 100 + "…`"),
    (DIGITS * 3 + "x" * 80, BOMB),
    ("{" * 400, "`{` is never closed in `" + "{" * 100 + "…`"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_a_glob_that_is_wrong_is_refused(text: str, message: str) -> None:
    with pytest.raises(PatternError) as refused:
        Glob.of(text)
    assert str(refused.value) == message
    assert len(message) < 200


def test_a_negated_glob_may_name_what_is_never_reached() -> None:
    assert not globs("**", "!.git/").matches(".git/HEAD")


def test_a_thousand_alternatives_are_taken() -> None:
    assert len(Glob.of(DIGITS * 3).spellings) == 1_000


def test_a_glob_reaches_only_the_outside_folders_that_are_named() -> None:
    data = Glob.of("../../data/**/*.csv", "web", outside=["../data"])
    assert data.base == "../data"
    assert data.matches("../data/x/a.csv")
    assert not data.matches("data/x/a.csv")
    assert not overlap(data, Glob.of("**"))
    assert not within(data, Glob.of("**"))
    assert not Glob.of("**").covers("../data")
    assert data.covers("../data") is False
    assert Glob.of("../data/", outside=["../data"]).covers("../data/x")
    with pytest.raises(PatternError, match=r"the pattern leaves the project: `\.\./database/x`"):
        Glob.of("../database/x", outside=["../data"])


def test_in_a_list_the_last_match_decides() -> None:
    mixed = globs("src/**", "!src/gen/**", "src/gen/keep.c")
    assert mixed.matches("src/a")
    assert not mixed.matches("src/gen/a")
    assert mixed.matches("src/gen/keep.c")
    assert not globs("!a").matches("a")
    assert not globs("a", "!*").matches("a")
    assert not globs().matches("a")


def test_a_list_knows_where_to_look() -> None:
    assert globs("src/**/*.c", "src/gen/*.h", "lib/*", "a/b.c", "!x/**").bases == ("lib", "src")
    assert globs("**/*.c", "src/*").bases == ("",)
    assert globs("a*/x", "a-b/*").bases == ("",)
    assert globs("a/*", "a-b/*", "a/c/*").bases == ("a", "a-b")
    assert [str(spelling) for spelling in globs("{x,y}", "z/", "*").named] == ["x", "y", "z/"]
    outside = Globs([Glob.of("../data/*", outside=["../data"]), Glob.of("*"), Glob.of("src/*")])
    assert outside.bases == ("../data", "")


@pytest.mark.parametrize(
    ("texts", "folder", "could", "covers"),
    [
        (["src/**/*.c"], "", True, False),
        (["src/**/*.c"], "src", True, False),
        (["src/**/*.c"], "src/a/b", True, False),
        (["src/**/*.c"], "lib", False, False),
        (["src/**/*.c"], "srcs", False, False),
        (["src/*.c"], "src/a", False, False),
        (["src/*/*.c"], "src/a", True, False),
        (["src/*/*.c"], "src/a/b", False, False),
        (["src/a.c"], "src", True, False),
        (["src/a.c"], "src/a.c", True, True),
        (["src/"], "src/x/y", True, True),
        (["src/**"], "src", True, True),
        (["a/*/"], "a/b", True, True),
        (["a/*/"], "a", True, False),
        (["**", "!node_modules/"], "node_modules/x", False, False),
        (["**", "!**/node_modules/**"], "a/node_modules", False, False),
        (["**", "!**/node_modules/**", "a/node_modules/x/*.js"], "a/node_modules", True, False),
        (["**", "!**/*.c"], "a", True, False),
        (["!a", "a/b"], "a", True, False),
        (["!**/*.c", "a/"], "a", True, True),
        (["!a/"], "a", False, False),
    ],
)
def test_a_walk_is_pruned(texts: list[str], folder: str, could: bool, covers: bool) -> None:
    assert globs(*texts).could_be_below(folder) is could
    assert globs(*texts).covers(folder) is covers


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("a/*.c", "a/x.c", True),
        ("a/*.c", "a/*.h", False),
        ("a/*.c", "b/*.c", False),
        ("**/*.c", "src/**", True),
        ("a/**/b", "**/c", False),
        ("a/**/b", "a/*", True),
        ("*a", "a*", True),
        ("a*b", "b*a", False),
        ("[ab]x", "[bc]x", True),
        ("[ab]x", "[!ab]x", False),
        ("?", "??", False),
        ("gen/", "gen/a/b.c", True),
        ("gen/", "gen", True),
        ("gen/", "gen2/", False),
        ("a", "a/b", True),
        ("a/b.json", "a/**/*.c", False),  # nothing says that `b.json` is a folder
        ("a/b", "a/b/*.c", True),
        (".gi?", ".g?t", False),
        (".gi?", ".g?x", True),
        (".?", "?.", False),
        (".tr*", "?trun", False),
        ("x{1,2}", "x[23]", True),
        ("**/**/x", "x", True),
    ],
)
def test_globs_overlap(a: str, b: str, expected: bool) -> None:
    assert overlap(Glob.of(a), Glob.of(b)) is expected
    assert overlap(Glob.of(b), Glob.of(a)) is expected
    assert collide(Glob.of(a), Glob.of(b)) is expected


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("a.c", "*.c", True),
        ("a/x", "a/", True),
        ("gen/rust/**", "gen/", True),
        ("gen/", "gen/**", True),
        ("gen/**", "gen", True),
        ("a/*.c", "a/**", True),
        ("a/*.c", "a/*", True),
        ("a/b*.c", "a/*.c", True),
        ("a/[bc].c", "a/[a-d].?", True),
        ("**/x/*.c", "**/*.c", True),
        ("a/**/b/**/c", "a/**/c", True),
        ("{a,b}/*.c", "*/*.c", True),
        ("{a,b}/*.c", "{b,c,a}/*", True),
        ("[ab]?*", "[ab]?*", True),
        ("a/**", "a/*.c", False),
        ("**", "a/**", False),
        ("*", "?", False),
        ("[a-d]", "[bc]", False),
        ("gen/", "gen/rust/", False),
        ("a/**/c", "a/*/c", False),
    ],
)
def test_globs_lie_within(a: str, b: str, expected: bool) -> None:
    assert within(Glob.of(a), Glob.of(b)) is expected


FEEDS = [
    # output, input, edge, clash
    ("target/api", "target/api", True, True),
    ("target/api", "target/*", True, False),
    ("target/api", "target/", True, False),
    ("target/api", "target", True, False),
    ("target/api", "**", True, False),
    ("target/api", "target/apis", False, False),
    ("target/api", "lib/*", False, False),
    ("dist", "dist/a.js", True, True),
    ("dist", "dist/**/*.js", True, True),
    ("src/parser.c", "**/*.c", True, False),
    ("gen/", "gen/rust/**", True, True),
    ("gen/", "gen/", True, True),
    ("gen/", "gen", True, True),
    ("gen/", "gen/a.c", True, True),
    ("gen/", "**/*.c", False, False),
    ("gen/", "./", False, False),
    ("gen/", "ge*/x.c", False, False),
    ("gen/", "gen2/x.c", False, False),
    ("web/dist/", "web/**/*.ts", False, False),
    ("web/dist/", "web/", False, False),
    ("web/dist/", "web/{dist,src}/*.ts", True, True),
    ("out/*.o", "out/a.o", True, True),
    ("out/*.o", "out/*.o", True, True),
    ("out/*.o", "out/**", True, True),
    ("out/*.o", "out", True, True),
    ("out/*.o", "out/*.c", False, False),
    ("out/*.o", "**/*.o", False, False),
    ("out/**/*.o", "out/x/*.o", True, True),
    ("src/**/*.gen.go", "src/schema.proto", False, False),
    ("src/*/gen/", "src/a/gen/x.c", True, True),
    ("*.o", "*.c", False, False),
    ("{a,b}.txt", "b.txt", True, True),
]


@pytest.mark.parametrize(("output", "input", "edge", "clashes"), FEEDS)
def test_an_edge_follows_from_an_output_and_an_input(output: str, input: str, edge: bool, clashes: bool) -> None:
    assert feeds(Glob.of(output), Glob.of(input)) is edge
    assert clash(Glob.of(output), Glob.of(input)) is clashes


def feeding(index: OutputIndex, *texts: str) -> list[tuple[str, str, str]]:
    return [(feed.owner, feed.output.text, feed.input.text) for feed in index.feeding(globs(*texts))]


def test_an_edge_tells_the_two_patterns_that_made_it() -> None:
    index = OutputIndex([("codegen", Glob.of("gen/")), ("lib", Glob.of("lib/a.so")), ("obj", Glob.of("obj/*.o"))])
    assert feeding(index, "gen/rust/**", "**/*.so", "obj/") == [
        ("codegen", "gen/", "gen/rust/**"),
        ("lib", "lib/a.so", "**/*.so"),
        ("obj", "obj/*.o", "obj/"),
    ]
    assert feeding(index, "**/*.rs") == []


def test_a_later_negation_cuts_an_edge() -> None:
    index = OutputIndex([("codegen", Glob.of("gen/")), ("lib", Glob.of("lib/a.so")), ("dist", Glob.of("dist"))])
    assert feeding(index, "gen/rust/**", "!gen/**") == []
    assert feeding(index, "gen/rust/**", "!gen/") == []
    assert feeding(index, "gen/rust/**", "!**/rust/**") == []
    assert feeding(index, "gen/rust/**", "!gen/rust/tmp/**") == [("codegen", "gen/", "gen/rust/**")]
    assert feeding(index, "!gen/**", "gen/rust/**") == [("codegen", "gen/", "gen/rust/**")]
    assert feeding(index, "lib/*", "!lib/a.*") == []
    assert feeding(index, "lib/*", "!lib/*.c") == [("lib", "lib/a.so", "lib/*")]
    assert feeding(index, "lib/*", "!lib/*", "**/a.so") == [("lib", "lib/a.so", "**/a.so")]
    assert feeding(index, "dist/js/*", "!dist/**") == []


def test_outputs_of_two_owners_collide() -> None:
    index = OutputIndex(
        [
            ("a", Glob.of("out/a.o")),
            ("b", Glob.of("out/*.o")),
            ("b", Glob.of("out/b.o")),
            ("c", Glob.of("gen/x/")),
            ("d", Glob.of("gen/")),
            ("e", Glob.of("dist")),
            ("f", Glob.of("dist/f")),
            ("g", Glob.of("distance")),
        ]
    )
    found = [(one.owner, one.output.text, one.other_owner, one.other_output.text) for one in index.collisions()]
    assert sorted(found) == [
        ("a", "out/a.o", "b", "out/*.o"),
        ("c", "gen/x/", "d", "gen/"),
        ("e", "dist", "f", "dist/f"),
    ]


def test_what_others_make_is_left_out() -> None:
    index = OutputIndex([("own", Glob.of("build/")), ("other", Glob.of("web/dist/")), ("dep", Glob.of("gen/*.c"))])
    besides = index.besides({"dep"})
    assert besides.matches("build/a.c")
    assert besides.covers("web/dist")
    assert besides.covers("web/dist/js")
    assert not besides.covers("web")
    assert not besides.matches("gen/a.c")
    assert not besides.matches("src/a.c")
    assert index.owners("gen/a.c") == ["dep"]
    assert index.owners("web/dist/x/y") == ["other"]


def lines_run(call: Callable[[], object]) -> int:
    """How many lines of ours a call runs: time that no clock has to measure."""
    count = 0

    def step(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        if "pattern" not in frame.f_code.co_filename:
            return None
        count += event == "line"
        return step

    before = sys.gettrace()
    sys.settrace(step)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("?a*" * 20 + "?c*b", "a"),
        ("*[ab][ab][ab][ab]c" * 3 + "*b", "a"),
        ("**/a/" * 20 + "**/x/**/b", "a/"),
        ("**/a/a/a/a/x/**/b", "a/"),
        ("**/?a*?a*?c*b/**/b", "aaaa/"),
    ],
)
def test_matching_takes_time_in_proportion(pattern: str, path: str) -> None:
    glob = Glob.of(pattern)
    glob.matches(path)
    short = lines_run(lambda: glob.matches(path * 200 + "b"))
    long = lines_run(lambda: glob.matches(path * 800 + "b"))
    assert short > 200
    assert long <= 4.5 * short


def test_a_star_among_plain_text_costs_one_search_each() -> None:
    glob = Glob.of("a*" * 20 + "c*b")
    glob.matches("a")
    assert lines_run(lambda: glob.matches("a" * 10_000 + "b")) < 200


def test_an_index_looks_at_few_of_many_tasks() -> None:
    def question(tasks: int) -> int:
        outputs = [(f"t{n}", Glob.of(text.format(n=n))) for n in range(tasks) for text in OUTPUTS]
        index = OutputIndex(outputs)
        ask = globs("out/t7/x.o", "gen/t7/**", "all/t7.txt", "src/*/t7.c", "flat/x.t7", "flat/*.t7", "**/t7.h")
        index.feeding(ask)
        return lines_run(lambda: index.feeding(ask))

    assert question(1_000) <= 1.5 * question(100)


OUTPUTS = ["out/t{n}/", "gen/t{n}/*.c", "all/t{n}.txt", "src/a/t{n}.c", "flat/*.t{n}", "wide/t{n}*.log"]


def test_collisions_are_found_among_many_tasks() -> None:
    def search(tasks: int) -> int:
        outputs = [(f"t{n}", Glob.of(text.format(n=n))) for n in range(tasks) for text in OUTPUTS[:-1]]
        return lines_run(lambda: list(OutputIndex(outputs).collisions()))

    assert search(400) <= 8 * search(100)
