"""Where output goes: nobody reads it, somebody closes it, there is very much of it."""

from __future__ import annotations

import base64

import pytest

from tests.kit.puppet import Puppets
from tests.kit.space import Space

MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    "output", [["--output", "prefixed"], ["--output", "grouped"], ["--json"]], ids=lambda it: it[-1]
)
def test_tasks_finish_while_nobody_reads(space: Space, puppets: Puppets, output: list[str]) -> None:
    space.tasks(puppets.tasks(a="", b='deps = ["a"]'))
    trun = space.start(*output, "b")
    trun.read_no_more()
    a = puppets.arrive("a")
    a.ask("flood", 1, 3 * MEGABYTE)
    a.ask("flood", 2, 3 * MEGABYTE)
    a.exit()
    b = puppets.arrive("b")
    b.ask("flood", 1, MEGABYTE)
    b.exit()
    trun.read_again()
    ran = trun.wait().ok()
    if output == ["--json"]:
        assert len(ran.output("a", "stdout")) == 3 * MEGABYTE
        assert len(ran.output("b")) == MEGABYTE
    else:
        assert ran.stdout.count("x") + ran.stderr.count("x") > 6_999_000


@pytest.mark.parametrize(
    "output", [["--output", "prefixed"], ["--output", "grouped"], ["--json"]], ids=lambda it: it[-1]
)
def test_a_reader_that_goes_away_harms_no_task(space: Space, puppets: Puppets, output: list[str]) -> None:
    space.tasks(puppets.tasks(a="", b='deps = ["a"]'))
    trun = space.start(*output, "b")
    a = puppets.arrive("a")
    a.write("first\n")
    trun.hang_up()
    a.ask("flood", 1, MEGABYTE)
    a.exit()
    puppets.arrive("b").exit()
    ran = trun.wait()
    assert ran.returncode in (0, -13, 141)
    space.marked.none_left(2)


def test_a_reader_that_has_enough_hears_no_complaint(space: Space) -> None:
    import subprocess
    import sys

    space.tasks('[tasks]\na = "seq 100000; echo done > got"\n')
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m runner.main a | head -1"],
        cwd=space.root,
        env=space.environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert "Traceback" not in done.stderr
    assert "Broken" not in done.stderr
    assert "BUG" not in done.stderr
    assert space.read("got") == "done\n"
    space.marked.none_left(2)


def test_a_list_that_nobody_reads_to_its_end_is_no_fault(space: Space) -> None:
    import subprocess
    import sys

    space.tasks("[tasks]\n" + "".join(f't{n:04d} = "true"\n' for n in range(5000)))
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m runner.main --list | head -1"],
        cwd=space.root,
        env=space.environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert done.stderr == ""


def test_a_full_disk_below_standard_output_harms_no_task(space: Space) -> None:
    space.tasks('[tasks]\na = "seq 1000; echo done > got"\n')
    with open("/dev/full", "wb") as full:
        ran = space.run("a", stdout=full)
    assert space.read("got") == "done\n"
    assert "Traceback" not in ran.stderr
    assert ran.code != 70


def test_lines_of_parallel_tasks_never_tear(space: Space) -> None:
    line = "i=0; while [ $i -lt 300 ]; do i=$((i+1)); printf %s NAME; printf %s NAME; echo NAME; done"
    names = ["aaa", "bbb", "ccc", "ddd"]
    space.tasks("[tasks]\n" + "".join(f'{name} = "{line.replace("NAME", name)}"\n' for name in names))
    ran = space.run("--output", "prefixed", "-j4", *names).ok()
    lines = [text.split() for text in ran.stdout.splitlines() if any(name * 3 in text for name in names)]
    assert len(lines) == 1200
    for words in lines:
        assert any(words[0].startswith(name) and words[-1] == name * 3 for name in names), words


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe\x00\x01",
        b"\x1b]0;title\x07\x1b[2J",
        b"a\rb\r\nc",
        b"\x00" * 10000,
        "é漢😀".encode() * 1000,
        b"no end of line",
    ],
    ids=["binary", "escapes", "returns", "nuls", "letters", "unfinished"],
)
def test_bytes_are_kept_exactly_in_events(space: Space, puppets: Puppets, data: bytes) -> None:
    space.tasks(puppets.tasks(a=""))
    trun = space.start("--json", "a")
    a = puppets.arrive("a")
    a.write(data)
    a.exit()
    told = trun.wait().ok().of("task_output", "a")
    got = b"".join(base64.b64decode(one["base64"]) if "base64" in one else one["text"].encode() for one in told)
    assert got == data


def test_what_a_task_writes_is_told_at_once(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a=""))
    trun = space.start("--output", "prefixed", "a")
    a = puppets.arrive("a")
    a.write("early\n")
    space.wires.until(lambda: b"early" in trun.stdout, "the line while its task runs")
    a.exit()
    trun.wait().ok()


@pytest.mark.slow
@pytest.mark.parametrize("output", ["prefixed", "grouped", "errors", "json"])
def test_a_log_of_300_megabytes_takes_little_memory(space: Space, puppets: Puppets, output: str) -> None:
    space.tasks(puppets.tasks(a="", b='deps = ["a"]'))
    words = ["--json"] if output == "json" else ["--output", output]
    with open(space.temporary / "out", "wb") as file:
        trun = space.start(*words, "b", stdout=file)
        a = puppets.arrive("a")
        a.send("flood", 1, 300 * MEGABYTE)
        a.answer(120)
        a.exit()
        b = puppets.arrive("b", 60)
        peak_bytes = trun.peak_bytes()
        b.exit()
        trun.wait(60).ok()
    if output != "errors":
        assert (space.temporary / "out").stat().st_size >= 300 * MEGABYTE
    assert peak_bytes < 100_000_000


@pytest.mark.slow
@pytest.mark.parametrize("output", ["prefixed", "grouped", "json"])
def test_a_line_of_100_megabytes_takes_little_memory(space: Space, puppets: Puppets, output: str) -> None:
    line = "head -c 100000000 /dev/zero | tr '\\\\0' x; echo"
    space.tasks(f'[tasks.a]\nrun = "{line}"\n' + puppets.tasks(b='deps = ["a"]'))
    words = ["--json"] if output == "json" else ["--output", output]
    with open(space.temporary / "out", "wb") as file:
        trun = space.start(*words, "b", stdout=file)
        b = puppets.arrive("b", 120)
        peak_bytes = trun.peak_bytes()
        b.exit()
        trun.wait(60).ok()
    assert (space.temporary / "out").stat().st_size >= 100 * MEGABYTE
    assert peak_bytes < 100_000_000


@pytest.mark.slow
def test_memory_stays_small_while_nobody_reads(space: Space, puppets: Puppets) -> None:
    space.tasks(puppets.tasks(a="", b='deps = ["a"]'))
    trun = space.start("--output", "prefixed", "b")
    trun.read_no_more()
    a = puppets.arrive("a")
    a.send("flood", 1, 300 * MEGABYTE)
    a.answer(120)
    a.exit()
    b = puppets.arrive("b", 60)
    assert trun.peak_bytes() < 100_000_000
    b.exit()
    trun.read_again()
    trun.wait(120).ok()
