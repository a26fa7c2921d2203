"""What reaches a command: its words, its environment, its folder, its shell, its standard input."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.kit.puppet import Puppets
from tests.kit.space import Space

NASTY = [
    "plain",
    "",
    " ",
    "  two  spaces ",
    "a'b",
    "''",
    'a"b',
    "a\\b",
    "\\",
    "\\n",
    "line\nbreak",
    "\n",
    "trailing\n",
    "tab\there",
    "$(echo x)",
    "`echo x`",
    "$HOME",
    "${HOME}",
    "$$",
    "!!",
    "!event",
    "*",
    "?[a-z]*",
    "~",
    "~root",
    "-x",
    "--",
    "--help",
    "-",
    "a;b",
    "a&&b",
    "a|b",
    "a > b",
    "<x",
    "#comment",
    "{a,b}",
    "{{not a name}}",
    "{{{{",
    "}}",
    "%s%d",
    "=",
    "a=b",
    "é ü 漢字 😀",
    "\u202e reversed",
    "\x01\x7f\x1b[31m",
    "\r",
    "a\udcffb",
    "x" * 5000,
]
TELL = "import os, sys; open(sys.argv[1], 'wb').write(b''.join(os.fsencode(word) + b'\\0' for word in sys.argv[2:]))"


def told(space: Space, name: str) -> list[str]:
    """The words that a command wrote, each ended by a NUL."""
    return [os.fsdecode(word) for word in (space.root / name).read_bytes().split(b"\0")[:-1]]


def q(text: str) -> str:
    """The text as TOML takes it."""
    return json.dumps(text)


@pytest.mark.parametrize("shell", [None, ["sh", "-eu", "-c"], ["bash", "-euo", "pipefail", "-c"], ["dash", "-c"]])
def test_the_rest_reaches_a_shell_as_it_was_typed(space: Space, shell: list[str] | None) -> None:
    line = f"shell = {json.dumps(shell)}\n" if shell else ""
    script = """printf '%s\\0' {{rest}} > words"""
    space.tasks(f"[tasks.a]\n{line}run = {q(script)}\n")
    space.run("a", "--", *NASTY).ok()
    assert told(space, "words") == NASTY


def test_the_rest_reaches_a_command_without_a_shell_as_it_was_typed(space: Space) -> None:
    space.tasks(f"[tasks.a]\ncmd = {json.dumps([sys.executable, '-I', '-S', '-c', TELL, 'words', '{{rest}}'])}\n")
    space.run("a", "--", *NASTY).ok()
    assert told(space, "words") == NASTY


def test_no_rest_is_no_word(space: Space) -> None:
    argv = json.dumps([sys.executable, "-I", "-S", "-c", TELL, "b", "{{rest}}", "end"])
    space.tasks(f"[tasks.a]\nrun = {q('set -- {{rest}}; echo $# > a')}\n[tasks.b]\ncmd = {argv}\n")
    space.run("a", "b").ok()
    assert space.read("a") == "0\n"
    assert told(space, "b") == ["end"]


@pytest.mark.parametrize("body", ["sh", "bash", "cmd"])
def test_arguments_reach_the_command_as_they_were_typed(space: Space, body: str) -> None:
    names = [f"a{n}" for n in range(len(NASTY))]
    holes = [f"{{{{{name}}}}}" for name in names]
    if body == "cmd":
        command = f"cmd = {json.dumps([sys.executable, '-I', '-S', '-c', TELL, 'words', *holes])}"
    else:
        script = "printf '%s\\0' " + " ".join(holes) + " > words"
        command = f'shell = ["{body}", "-c"]\nrun = {q(script)}'
    args = "".join(f"args.{name} = {{}}\n" for name in names)
    space.tasks(f"[tasks.t]\n{command}\n{args}")
    space.run("t", *(f"--{name}={value}" for name, value in zip(names, NASTY, strict=True))).ok()
    assert told(space, "words") == NASTY


def test_a_value_stays_one_word_within_a_longer_one(space: Space) -> None:
    values = [value for value in NASTY if value]
    script = "printf '%s\\0' " + " ".join(f"pre{{{{a{n}}}}}post" for n in range(len(values))) + " > words"
    args = "".join(f"args.a{n} = {{}}\n" for n in range(len(values)))
    space.tasks(f"[tasks.t]\nrun = {q(script)}\n{args}")
    space.run("t", *(f"--a{n}={value}" for n, value in enumerate(values))).ok()
    assert told(space, "words") == [f"pre{value}post" for value in values]


def test_a_list_becomes_several_words(space: Space) -> None:
    space.tasks(
        f"[tasks.t]\nrun = {q('''printf '%s,' {{files}} > words''')}\n"
        f"args.files = {{ multiple = true, positional = true }}\n"
    )
    space.run("t", "a b", "c'd", "e").ok()
    assert space.read("words") == "a b,c'd,e,"


def test_raw_is_the_bare_text(space: Space) -> None:
    space.tasks(f"[tasks.t]\nrun = {q('echo {{x|raw}} > words')}\nargs.x = {{ positional = true }}\n")
    space.run("t", "one two; echo three").ok()
    assert space.read("words") == "three\n" or space.read("words").endswith("three\n")


def test_doubled_braces_are_braces(space: Space) -> None:
    space.tasks(f"[tasks.t]\nrun = {q('''printf '%s' '{{{{.Names}}' > words''')}\n")
    space.run("t").ok()
    assert space.read("words") == "{{.Names}}"


def test_a_flag_gives_its_option_or_nothing(space: Space) -> None:
    space.tasks(
        f"[tasks.t]\nrun = {q('''printf '%s,' x {{pattern}} {{cov}} > words''')}\n"
        'args.pattern = { flag = "-k", short = "k" }\nargs.cov = { type = "bool", flag = "--cov" }\n'
    )
    space.run("t").ok()
    assert space.read("words") == "x,"
    space.run("t", "-k", "a or b", "--cov").ok()
    assert space.read("words") == "x,-k,a or b,--cov,"


def test_a_path_is_taken_from_where_the_user_stands(space: Space) -> None:
    space.tasks(
        f'[tasks.t]\ndir = "work"\nrun = {q("cat {{file}} > got")}\n'
        f'args.file = {{ type = "path", positional = true }}\n'
    )
    space.write({"here/there/x.txt": "right", "work/.keep": ""})
    space.run("t", "there/x.txt", cwd="here").ok()
    assert space.read("work/got") == "right"


def test_the_default_of_an_argument_may_come_from_a_variable(space: Space) -> None:
    space.tasks(f'[tasks.t]\nrun = {q("echo {{x}} > got")}\nargs.x = {{ env = "WHERE", default = "file" }}\n')
    space.run("t", env={"WHERE": "env"}).ok()
    assert space.read("got") == "env\n"
    space.run("t", "--x", "line", env={"WHERE": "env"}).ok()
    assert space.read("got") == "line\n"
    space.run("t").ok()
    assert space.read("got") == "file\n"


def test_the_project_is_known_by_name(space: Space) -> None:
    line = "printf '%s|' {{root}} {{dir}} {{task}} {{os}} {{env.WHO}} > {{root}}/got"
    space.tasks(f'[tasks.t]\ndir = "sub"\nrun = {q(line)}\n')
    space.write({"sub/.keep": ""})
    space.run("t", env={"WHO": "me & you"}).ok()
    root, folder, task, system, who = space.read("got").split("|")[:-1]
    assert os.path.samefile(root, space.root)
    assert folder in ("sub", str(space.root / "sub"))
    assert (task, who) == ("t", "me & you")
    assert system == {"linux": "linux", "darwin": "macos"}[sys.platform]


def test_inputs_and_outputs_are_the_files_as_found(space: Space) -> None:
    line = "printf '%s,' {{inputs}} > {{outputs}}"
    space.tasks(
        f'[tasks.t]\nrun = {q("touch out.txt")}\n[tasks.u]\ninputs = ["src/*.c", "!src/no.c"]\n'
        f"run = {q('printf %s, {{inputs}} > got')}\n"
    )
    space.write({"src/a b.c": "", "src/b.c": "", "src/no.c": "", "src/d.h": ""})
    space.run("u").ok()
    assert sorted(space.read("got").rstrip(",").split(",")) == ["src/a b.c", "src/b.c"]
    assert line


def test_inputs_are_looked_up_when_what_makes_them_is_done(space: Space) -> None:
    space.tasks(
        '[tasks.make]\nrun = "mkdir -p gen; : > gen/one; : > gen/two"\n'
        f'[tasks.use]\ndeps = ["make"]\ninputs = ["gen/*"]\nrun = {q("printf %s, {{inputs}} > got")}\n'
    )
    space.run("use").ok()
    assert sorted(space.read("got").rstrip(",").split(",")) == ["gen/one", "gen/two"]


def test_a_very_long_line_of_words_reaches_the_command(space: Space) -> None:
    words = [f"{n:06d}" for n in range(10000)]
    space.tasks(f"[tasks.t]\ncmd = {json.dumps([sys.executable, '-I', '-S', '-c', TELL, 'words', '{{rest}}'])}\n")
    space.run("t", "--", *words).ok()
    assert told(space, "words") == words


def test_a_line_that_is_too_long_for_the_system_fails_its_task(space: Space) -> None:
    space.tasks(f"[vars]\nv = {q('x' * 100_000)}\n[tasks.t]\nrun = {q(': {{v}}{{v}}')}\n")
    ran = space.events("t")
    assert ran.code == 1
    assert ran.statuses == {"t": "failed"}
    assert "too long" in str(ran.ended("t")["reasons"]).lower()


# Where and in what


def test_a_task_works_in_its_folder(space: Space) -> None:
    space.tasks('[tasks.a]\ndir = "sub dir"\nrun = "pwd > got"\n[tasks.b]\nrun = "pwd > got"\n')
    space.write({"sub dir/.keep": ""})
    space.run("a", "b", cwd="sub dir").ok()
    assert os.path.samefile(space.read("sub dir/got").strip(), space.root / "sub dir")
    assert os.path.samefile(space.read("got").strip(), space.root)


def test_a_step_does_not_change_the_folder_of_the_next(space: Space) -> None:
    space.tasks('[tasks]\na = ["cd sub", "pwd > got"]\n')
    space.write({"sub/.keep": ""})
    space.run("a").ok()
    assert os.path.samefile(space.read("got").strip(), space.root)


@pytest.mark.parametrize("line", ["false; echo on > got", "echo $NOT_SET_ANYWHERE > got; echo on > got"])
def test_a_script_ends_at_its_first_fault(space: Space, line: str) -> None:
    space.tasks(f"[tasks]\na = {q(line)}\n")
    assert space.run("a").code == 1
    assert not space.has("got") or "on" not in space.read("got")


def test_a_task_may_have_its_own_shell(space: Space) -> None:
    space.tasks(
        f'[project]\nshell = ["bash", "-c"]\n[tasks.a]\nrun = {q("[[ -n $BASH_VERSION ]] && echo $0 > a")}\n'
        f"[tasks.b]\nshell = [\"{sys.executable}\", \"-c\"]\nrun = \"open('b', 'w').write('python')\"\n"
    )
    space.run("a", "b").ok()
    assert space.read("a")
    assert space.read("b") == "python"


def test_a_script_of_many_lines_runs_as_one(space: Space) -> None:
    space.tasks('[tasks.a]\nrun = """\nx=1\nif true; then\n  echo $x > got\nfi\n"""\n')
    space.run("a").ok()
    assert space.read("got") == "1\n"


def test_a_platform_has_its_own_command(space: Space) -> None:
    space.tasks(
        '[tasks.a]\nrun.linux = "echo linux > got"\nrun.macos = "echo macos > got"\n'
        'run.windows = "echo windows > got"\n'
    )
    space.run("a").ok()
    assert space.read("got").strip() == {"linux": "linux", "darwin": "macos"}[sys.platform]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.sh", "echo sh > got"),
        ("x.bash", "[[ a == a ]] && echo sh > got"),
        ("x.py", "open('got', 'w').write('sh\\n')"),
        ("-x.py", "open('got', 'w').write('sh\\n')"),
        ("sub/x y.sh", "echo sh > got"),
        ("x.odd", "sh\n"),
    ],
)
def test_a_file_is_run_by_its_interpreter(space: Space, name: str, text: str) -> None:
    space.tasks(f'[interpreters]\n".odd" = "cat {{{{file}}}} > got"\n[tasks.a]\nfile = {q(name)}\n')
    space.write({name: text})
    space.run("a").ok()
    assert space.read("got") == "sh\n"


def test_a_file_is_found_from_the_folder_of_its_task(space: Space) -> None:
    space.tasks('[tasks.a]\ndir = "sub"\nfile = "x.sh"\n[tasks.b]\ndir = "sub"\nfile = "/top.sh"\n')
    space.write({"sub/x.sh": "echo a > a", "top.sh": "echo b > b"})
    space.run("a", "b").ok()
    assert space.read("sub/a") == "a\n"
    assert space.read("sub/b") == "b\n"


def test_a_file_without_an_interpreter_is_refused(space: Space) -> None:
    space.tasks('[tasks.a]\nfile = "x.strange"\n')
    space.write({"x.strange": ""})
    assert "x.strange" in space.events("a").refused().stderr


def test_a_link_to_the_project_is_a_name_for_it(space: Space) -> None:
    space.tasks('[tasks]\na = "pwd > got"\n')
    link = space.root.parent / "link"
    link.symlink_to(space.root)
    space.run("a", cwd=link).ok()
    assert os.path.samefile(space.read("got").strip(), space.root)


# Standard input


def test_standard_input_is_empty(space: Space) -> None:
    space.tasks('[tasks]\na = "cat > got"\n')
    ours, theirs = os.pipe()
    try:
        os.write(theirs, b"for trun\n")
        space.run("a", stdin=ours, limit_s=10).ok()
    finally:
        os.close(ours)
        os.close(theirs)
    assert space.read("got") == ""


def test_standard_input_may_be_closed(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a=""))
    trun = space.start("--json", "a", stdin=None, preexec_fn=lambda: os.close(0))
    puppet = puppets.arrive("a")
    assert puppet.ask("read", 0, 10) == b""
    puppet.exit()
    trun.wait().ok()


def test_standard_output_may_be_closed(space: Space) -> None:
    space.tasks('[tasks]\na = "echo loud; echo louder >&2; echo ran > got"\n')
    space.run("a", preexec_fn=lambda: os.close(1), stdout=None).ok()
    assert space.read("got") == "ran\n"


def test_all_standard_streams_may_be_closed(space: Space) -> None:
    space.tasks('[tasks]\na = "echo loud; echo louder >&2; echo ran > got"\n')
    space.run("a", preexec_fn=lambda: os.closerange(0, 3), stdin=None, stdout=None, stderr=None)
    assert space.read("got") == "ran\n"


def test_a_pipe_in_a_task_works_as_in_a_shell(space: Space) -> None:
    space.tasks('[tasks]\na = "yes | head -1 > got"\n')
    space.run("a", limit_s=10).ok()
    assert space.read("got") == "y\n"


def test_trun_can_be_asked_from_python_and_by_a_name(space: Space) -> None:
    space.tasks('[tasks]\na = "echo hello"\n')
    done = subprocess.run(
        [sys.executable, "-m", "runner.main", "-q", "a"],
        cwd=space.root,
        env=space.environ,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
