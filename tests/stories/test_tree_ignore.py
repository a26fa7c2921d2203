"""What is ignored, as the real git says it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.error import Refusal
from runner.pattern import Glob, Globs
from runner.tree.glob import find
from runner.tree.ignore import Ignore, rules

ENVIRON = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "HOME": os.devnull}


def git(folder: Path, *words: str, given: bytes = b"") -> bytes:
    done = subprocess.run(["git", *words], cwd=folder, env=ENVIRON, input=given, capture_output=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    return tmp_path


def write(root: Path, files: dict[str, str]) -> None:
    for path, content in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(os.fsencode(content))


def everything(root: Path) -> list[str]:
    """All paths below a folder, folders with a slash; what git does not enter is left out."""
    found = []
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if name != ".git"]
        start = os.path.relpath(folder, root)
        start = "" if start == "." else start + "/"
        found += [start + name for name in files] + [start + name + "/" for name in names]
    return found


def git_ignores(root: Path) -> set[str]:
    asked = b"".join(os.fsencode(path.rstrip("/")) + b"\0" for path in everything(root))
    said = git(root, "check-ignore", "--no-index", "--stdin", "-z", given=asked)
    return {os.fsdecode(path) for path in said.split(b"\0") if path}


def ours(root: Path) -> set[str]:
    ignore = Ignore(str(root))
    paths = everything(root)
    return {path.rstrip("/") for path in paths if ignore.is_ignored(path.rstrip("/"), is_folder=path.endswith("/"))}


PATHS_TRIED = """
a.o b.c src/a.o src/a.c src/keep.o src/deep/er/x.o build/x build/keep/y web/build/z web/dist doc/frotz a/doc/frotz
foo/bar foo/bar2/x #hash !bang x1 x[1] back\\slash .env logs/1.log logs/a/2.log UPPER
"""
TREE = dict.fromkeys([*PATHS_TRIED.split(), "space ", "tab\t", "new\nline", "caf\u00e9", "caf\udcff"], "")

LINES = [
    "*.o",
    "*.o\n!keep.o",
    "!keep.o\n*.o",
    "build",
    "build/",
    "/build/",
    "/build/*\n!/build/keep",
    "/build\n!/build/keep/y",
    "build/**",
    "dist/",
    "doc/frotz",
    "/doc/frotz",
    "**/doc/frotz",
    "**/doc/",
    "a/**/frotz",
    "a/**",
    "src/**/x.o",
    "**",
    "**/",
    "*/",
    "/*\n!/src",
    "*\n!*/\n!*.c",
    "foo/*",
    "foo/**/x",
    "\\#hash",
    "#hash",
    "\\!bang",
    "!bang",
    "space ",
    "space\\ ",
    "space\\  ",
    "tab\t",
    "caf?",
    "caf??",
    "caf\u00e9",
    "caf[\u00e9]",
    "caf*",
    "x[1]",
    "x\\[1\\]",
    "x[[]1]",
    "x[",
    "back\\\\slash",
    "back\\slash",
    "a.o\\",
    "new*line",
    "new?line",
    ".*",
    ".env\r\n*.c\r\n",
    "\ufeff*.o",
    "logs/*.log",
    "logs/**/*.log",
    "[[:upper:]]*",
    "[[:upper:]",
    "[[:nope:]]*",
    "[!a-z]*",
    "[^a-z]*",
    "[a-b]*",
    "[]a]*",
    "[!]a]*",
    "[z-a]*",
    "[--9]*",
    "[a\\]b]*",
    "s[q-s]c",
    "s[/]c/a.c",
    "src/a[.]o",
    "src//a.o",
    "//src",
    "src/a.o/",
    "src\\/a.o",
    "src/\\a.o",
    "/",
    "!",
    "!/",
    "",
    " ",
    "***",
    "a***o",
    "src/***/x.o",
    "**.o",
    "s**/a.o",
    "?rc/",
    "*/*/",
    "*.o \n",
    "  *.o",
    "a.o\0b",
    "*.O",
    "./a.o",
    "../a.o",
    "src/../a.o",
    "build/\n!build/keep/\n",
    "src/*\n!src/deep/\n",
]


@pytest.mark.parametrize("lines", LINES)
def test_each_kind_of_line_means_what_it_means_to_git(repository: Path, lines: str) -> None:
    write(repository, {**TREE, ".gitignore": lines})
    assert ours(repository) == git_ignores(repository)


def test_deeper_files_override(repository: Path) -> None:
    write(
        repository,
        {
            **TREE,
            ".gitignore": "*.o\n/build\n*.log\n",
            "src/.gitignore": "!keep.o\n/a.c\ndeep/er/\n",
            "src/deep/.gitignore": "!er/\n!*.o\n",
            "build/.gitignore": "!x\n",
            "logs/a/.gitignore": "!*.log\n",
            ".git/info/exclude": "b.c\n!a.o\nUPPER\n",
        },
    )
    assert ours(repository) == git_ignores(repository)
    assert {"b.c", "a.o", "build/x", "src/a.c"} <= ours(repository)
    assert "src/keep.o" not in ours(repository)


def test_untracked_ignored_files_are_those_that_git_lists(repository: Path) -> None:
    write(repository, {**TREE, ".gitignore": "*.o\nbuild/\n/web/*\n!/web/dist\n", "src/.gitignore": "!keep.o\n"})
    listed = git(repository, "ls-files", "-o", "-i", "--exclude-standard", "-z").split(b"\0")
    whole = {entry.path for entry in find(str(repository), Globs([Glob.of("**")]))}
    kept = {entry.path for entry in find(str(repository), Globs([Glob.of("**")]), ignored=Ignore(str(repository)))}
    assert whole - kept == {os.fsdecode(path) for path in listed if path}


def test_rules_above_the_project_count(repository: Path) -> None:
    write(
        repository,
        {
            ".gitignore": "*.o\n/apps/web/gen\n",
            "apps/.gitignore": "!keep.o\n/web/x\n",
            ".git/info/exclude": "apps/web/y\nz\n",
            **dict.fromkeys(["apps/web/a.o", "apps/web/keep.o", "apps/web/gen/a", "apps/web/x", "apps/web/y"], ""),
            **dict.fromkeys(["apps/web/z", "apps/web/s/z", "apps/web/s/gen/a", "apps/web/\u00e9/a.o"], ""),
        },
    )
    project = repository / "apps/web"
    ignore = Ignore(str(project))
    assert ours(project) == git_ignores(project) == {"a.o", "gen", "gen/a", "x", "y", "z", "s/z", "\u00e9/a.o"}
    assert ignore.above == ("../../.git/info/exclude", "../../.gitignore", "../.gitignore")
    assert ignore.asked == {**dict.fromkeys(ignore.above, True), ".gitignore": False}


def test_a_project_in_an_ignored_folder_is_one_of_its_own(repository: Path) -> None:
    write(repository, {".gitignore": "/tmp/\n*.o\n", "tmp/p/a.o": "", "tmp/p/b.x": "", "tmp/p/.gitignore": "*.x"})
    assert ours(repository / "tmp/p") == {"b.x"}


def test_without_a_repository_ignore_files_count_all_the_same(tmp_path: Path) -> None:
    write(tmp_path, {**TREE, ".gitignore": "*.o\n", "src/.gitignore": "!keep.o\n"})
    assert ours(tmp_path) == {"a.o", "src/a.o", "src/deep/er/x.o"}


def test_a_linked_worktree_shares_its_exclude_file(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    write(repository, {"a.c": "", ".git/info/exclude": "*.o\n"})
    git(repository, "add", ".")
    who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    git(repository, *who, "commit", "-q", "-m", "x")
    other = tmp_path_factory.mktemp("worktrees") / "other"
    git(repository, "worktree", "add", "-q", str(other))
    write(other, {"b.o": ""})
    assert ours(other) == git_ignores(other) == {"b.o"}


def test_only_regular_files_are_read(repository: Path) -> None:
    write(repository, {"a/x.o": "", "b/x.o": "", "c/x.o": "", "rules": "*.o\n"})
    (repository / "a/.gitignore").symlink_to("../rules")
    os.mkfifo(repository / "b/.gitignore")
    (repository / "c/.gitignore").mkdir()
    assert not ours(repository) & {"a/x.o", "b/x.o", "c/x.o"}
    assert Ignore(str(repository)).is_ignored("a/x.o") is False


def test_an_ignore_file_of_monstrous_size_is_refused(repository: Path) -> None:
    write(repository, {"src/.gitignore": "#" * (1 << 20) + "\n"})
    with pytest.raises(Refusal, match=r"^error: `src/.gitignore` is larger than 1 MiB$"):
        Ignore(str(repository)).level("src")


def test_an_ignore_file_that_cannot_be_read_is_refused(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(repository, {"src/.gitignore": ""})
    opened = os.open

    def guarded(path: str, flags: int) -> int:
        if path.endswith("src/.gitignore"):
            raise PermissionError(13, "Permission denied", path)
        return opened(path, flags)

    monkeypatch.setattr(os, "open", guarded)
    with pytest.raises(Refusal, match=r"^error: `src/.gitignore` cannot be read: permission denied$"):
        Ignore(str(repository)).level("src")


def test_each_ignore_file_is_read_once(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(repository, {**TREE, ".gitignore": "*.o\n"})
    opened = os.open
    read = []

    def counted(path: str, flags: int) -> int:
        read.append(os.path.relpath(path, repository))
        return opened(path, flags)

    monkeypatch.setattr(os, "open", counted)
    ignore = Ignore(str(repository))
    for _ in range(2):
        find(str(repository), Globs([Glob.of("src/**")]), ignored=ignore)
        find(str(repository), Globs([Glob.of("build/*")]), ignored=ignore)
    expected = [".git/info/exclude", ".gitignore", "build/.gitignore", "src/.gitignore"]
    assert sorted(read) == [*expected, "src/deep/.gitignore", "src/deep/er/.gitignore"]


def test_a_line_that_would_take_for_ever_takes_none() -> None:
    hostile = rules(b"a*" * 50 + b"b\n" + b"**/a/" * 50 + b"b\n" + b"*?" * 50 + b"b\n" + b"[ab]*" * 50 + b"c\n")
    assert hostile.verdict("a" * 200, "a" * 200, is_folder=False) is None
    assert hostile.verdict("a/" * 200 + "a", "a", is_folder=False) is None


NAMES = st.sampled_from(["a", "b", "ab", "a.b", ".a", "\u00e9", "ba"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
PIECES = st.sampled_from(["a", "b", "ab", ".", "*", "?", "[ab]", "[!a]", "\\a", "\u00e9", "[a-b.]"])
SEGMENTS = st.one_of(
    st.lists(PIECES, min_size=1, max_size=3).map("".join).filter(lambda part: "**" not in part),
    NAMES,
    st.just("**"),
    st.just("*"),
)
IGNORE_LINES = st.builds(
    lambda bang, slash, parts, end: bang + slash + "/".join(parts) + end,
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "", "/"]),
    st.lists(SEGMENTS, min_size=1, max_size=3),
    st.sampled_from(["", "", "/"]),
)
IGNORE_FILES = st.lists(IGNORE_LINES, min_size=1, max_size=5).map("\n".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    paths=st.lists(PATHS, min_size=1, max_size=12),
    files=st.dictionaries(st.one_of(st.just(""), PATHS), IGNORE_FILES, min_size=1, max_size=3),
)
def test_random_trees_are_ignored_as_by_git(
    tmp_path_factory: pytest.TempPathFactory, paths: list[str], files: dict[str, str]
) -> None:
    root = tmp_path_factory.mktemp("random")
    git(root, "init", "-q", "--template=")
    for path in paths:
        file = root / path
        if not any(above.is_file() for above in file.parents) and not file.exists():
            write(root, {path: ""})
    for folder, content in files.items():
        if (root / folder).is_dir():
            write(root, {f"{folder}/.gitignore" if folder else ".gitignore": content})
    assert ours(root) == git_ignores(root)
