"""The measuring core, held: equal projects, fair turns, right figures, nothing dropped in silence."""

from __future__ import annotations

import itertools
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from .command import main
from .measure import Case, Failed, Result, Sample, Summary, environment, interleave, summary, timed
from .memory import MARK, SETTLED, Watch, high_water_bytes, memory_in
from .project import Project, Step
from .questions import QUESTIONS, Goal, Limit, Question, chosen, forget
from .sheet import sheet, verdict
from .table import Table, as_markdown, as_text, mebibytes, milliseconds, ratio
from .tools.known import floors, runners
from .tools.python import Interpreter

THREE = Project(
    steps=(
        Step(name="a", command="echo $HOME", desc="What a does"),
        Step(name="b", command="true"),
        Step(name="all", deps=("a", "b")),
    ),
    goal="all",
)

PYTHON = (sys.executable, "-I", "-S", "-c")


def sample(wall_s: float, *, own_bytes: int | None = None, printed_bytes: int = 0) -> Sample:
    return Sample(
        wall_s=wall_s, cpu_s=wall_s * 2, largest_bytes=1 << 20, printed_bytes=printed_bytes, own_bytes=own_bytes
    )


def took(wall_s: float, own_bytes: int | None = None) -> Summary:
    return summary([sample(wall_s)], [sample(9.0, own_bytes=own_bytes)] if own_bytes else [])


def case(name: str, folder: Path = Path(), *argv: str) -> Case:
    return Case(name=name, argv=argv, folder=folder)


# Turns and figures


def test_the_order_turns_by_one_each_round() -> None:
    order: list[str] = []

    def once(which: Case) -> Result:
        order.append(which.name)
        return sample(1.0)

    taken = interleave([case("a"), case("b"), case("c")], 3, once)
    assert "".join(order) == "abcbcacab"
    assert {name: len(samples) for name, samples in taken.items() if isinstance(samples, list)} == {
        "a": 3,
        "b": 3,
        "c": 3,
    }


def test_a_case_that_fails_drops_out_and_the_others_go_on() -> None:
    tries = itertools.count()

    def once(which: Case) -> Result:
        return Failed(reason="broken") if which.name == "a" and next(tries) == 1 else sample(1.0)

    taken = interleave([case("a"), case("b")], 4, once)
    assert taken == {"a": Failed(reason="broken"), "b": [sample(1.0)] * 4}
    assert next(tries) == 2


def test_a_summary_is_the_median_of_times_and_the_most_of_memory() -> None:
    times = [sample(time_s, printed_bytes=int(time_s)) for time_s in (5.0, 1.0, 2.0, 4.0)]
    weights = [sample(9.0, own_bytes=7), sample(9.0, own_bytes=8), sample(9.0)]
    assert summary(times, weights) == Summary(
        runs=4,
        wall_s=3.0,
        low_s=1.0,
        high_s=5.0,
        cpu_s=6.0,
        printed_bytes=1,
        largest_bytes=1 << 20,
        own_bytes=8,
    )


def test_without_weighings_there_is_no_memory_to_tell() -> None:
    assert (summary([sample(1.0)]).largest_bytes, summary([sample(1.0)]).own_bytes) == (None, None)


def test_a_run_counts_what_was_printed(tmp_path: Path) -> None:
    counted = Case(name="x", argv=(*PYTHON, "print('x' * 99_999)"), folder=tmp_path, counted=True)
    result = timed(counted)
    assert isinstance(result, Sample)
    assert result.printed_bytes == 100_000
    assert result.cpu_s > 0
    assert result.wall_s > 0


def test_a_run_that_fails_gives_its_exit_code_and_first_words(tmp_path: Path) -> None:
    argv = (*PYTHON, "import sys; sys.stderr.write('\\nno rule\\nmore'); sys.exit(4)")
    assert timed(case("x", tmp_path, *argv)) == Failed(reason="ended with 4: no rule")


def test_a_run_that_cannot_start_is_a_failure(tmp_path: Path) -> None:
    assert timed(case("x", tmp_path, "/no/such/program")) == Failed(reason="could not be started")


def test_what_is_to_be_forgotten_is_gone_before_the_run(tmp_path: Path) -> None:
    (tmp_path / ".state").mkdir()
    (tmp_path / ".state" / "file").touch()
    (tmp_path / ".log").touch()
    argv = (*PYTHON, "import os, sys; sys.exit(len({'.state', '.log'} & set(os.listdir('.'))))")
    keeps = Interpreter(sys.executable)
    keeps.state = (".state", ".log")
    assert timed(case("x", tmp_path, *argv)) == Failed(reason="ended with 2: it said nothing")
    assert isinstance(
        timed(Case(name="x", argv=argv, folder=tmp_path, before=partial(forget, keeps, tmp_path))), Sample
    )


def test_no_tool_sees_a_jobserver_or_a_setting_of_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MAKEFLAGS", "TRUN_JOBS", "CI", "NO_COLOR"):
        monkeypatch.setenv(name, "1")
    seen = environment(case("x", tmp_path), "mark")
    assert seen.keys() <= {"LANG", "LC_ALL", "TMPDIR", "USER", "PATH", "HOME", "TERM", "SHELL", MARK}


# Memory


def test_high_water_is_read_in_bytes_and_is_nothing_for_the_dead() -> None:
    assert high_water_bytes(memory_in(b"Name:\tx\nVmPeak:\t 99 kB\nVmHWM:\t    12 kB\n")) == 12_288
    assert high_water_bytes(memory_in(b"Name:\tx\nState:\tZ (zombie)\n")) == 0


@pytest.mark.skipif(not Path("/proc/self/exe").exists(), reason="needs /proc")
def test_the_tools_processes_are_added_up_and_its_tasks_are_not() -> None:
    # The parent starts a copy of itself and `cat`, and all three wait for the end of our pipe.
    heavy = "import os, sys; kept = bytearray(30 << 20); print(flush=True); os.read(0, 1)"
    both = (
        "import os, sys\n"
        f"os.posix_spawn(sys.executable, [sys.executable, '-I', '-S', '-c', {heavy!r}], os.environ)\n"
        "os.posix_spawn('/bin/cat', ['cat'], os.environ)\n"
        "os.waitpid(-1, 0); os.waitpid(-1, 0)\n"
    )
    env = {MARK: "this one"}
    pipe = subprocess.PIPE
    with subprocess.Popen([*PYTHON, both], env=env, stdin=pipe, stdout=pipe) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        parent.stdout.readline()
        watches = {mark: Watch(parent.pid, -1, mark) for mark in ("this one", "another")}
        for watch in [*watches.values()] * SETTLED:
            watch.look()
        assert len(watches["this one"].looks) == 2
        assert watches["this one"].peak_bytes > (30 << 20) + (8 << 20)
        assert watches["another"].peak_bytes == 0


# Tables


FIGURES = Table(
    title="Title", columns=("", "ms", "x"), rows=(("a", "1.0", "10.00"), ("long", "22", "")), notes=("note",)
)


def test_a_table_as_text() -> None:
    assert as_text(FIGURES).split("\n") == [
        "Title",
        "----------------",
        "       ms      x",
        "----------------",
        "a     1.0  10.00",
        "long   22",
        "  note",
    ]


def test_a_table_as_markdown() -> None:
    assert as_markdown(FIGURES) == (
        "### Title\n\n|  | ms | x |\n| --- | ---: | ---: |\n| a | 1.0 | 10.00 |\n| long | 22 |  |\n\n- note"
    )


def test_figures_are_short() -> None:
    assert [milliseconds(time_s) for time_s in (0.00412, 0.0517, 1.0604)] == ["4.1", "52", "1,060"]
    assert [mebibytes(size) for size in (None, 1 << 20, 3 << 19)] == ["", "1.0", "1.5"]
    assert [ratio(3.0, over) for over in (2.0, None, 0.0)] == ["1.50", "", ""]


ASKED = Question(
    name="q",
    title="A question",
    project=lambda scale: THREE,
    goals=(Goal(over="ninja", at_most=1.5),),
    notes={"ninja": "differs", "just": "not said, as it has no row"},
)


def test_a_sheet_has_ratios_to_trun_and_no_empty_column() -> None:
    table = sheet(ASKED, {"trun": took(0.3), "ninja": took(0.2)})
    assert table == Table(
        title="q: A question (median of 1)",
        columns=("", "ms", "least", "most", "cpu ms", "x trun"),
        rows=(
            ("trun", "300", "300", "300", "600", "1.00"),
            ("ninja", "200", "200", "200", "400", "0.67"),
        ),
        notes=("ninja: differs", "goal: trun at most 1.5 x ninja: 1.50, met"),
    )


def test_an_absent_tool_keeps_its_row_and_says_why() -> None:
    table = sheet(ASKED, {"trun": Failed(reason="absent: no such file"), "ninja": took(0.2)}, 0.5)
    assert table.title == "q: A question (median of 1, sizes x 0.5)"
    assert table.rows[0] == ("trun", "-", "", "", "")
    assert table.notes == (
        "trun: absent: no such file",
        "ninja: differs",
        "goal: trun at most 1.5 x ninja: not measured",
    )


def test_a_sheet_where_nothing_could_be_measured_still_says_so() -> None:
    table = sheet(ASKED, {"trun": Failed(reason="broken")})
    assert as_text(table).split("\n") == [
        "q: A question (median of 0)",
        "--------",
        "      ms",
        "--------",
        "trun   -",
        "  trun: broken",
        "  goal: trun at most 1.5 x ninja: not measured",
    ]


def test_goals_are_judged_by_what_was_found() -> None:
    answers: dict[str, Summary | Failed] = {
        "trun": took(0.31, own_bytes=200 << 20),
        "ninja": took(0.2),
        "just": Failed(reason="broken"),
    }
    assert [
        verdict(goal, answers)
        for goal in (
            Goal(over="ninja", at_most=1.5),
            Goal(over="just", at_most=1.0),
            Limit(what="wall_s", at_most=2.0),
            Limit(what="own_bytes", at_most=150 << 20),
        )
    ] == [
        "goal: trun at most 1.5 x ninja: 1.55, NOT MET",
        "goal: trun at most 1 x just: not measured",
        "goal: trun under 2 s: 0.31 s, met",
        "goal: trun, all its processes, under 150.0 MiB: 200.0, NOT MET",
    ]


# The command


def test_a_word_names_a_question_or_a_family_of_them() -> None:
    assert [question.name for question in chosen(["list", "tiny"])] == ["list-first", "list", "tiny"]
    assert chosen([]) == list(QUESTIONS)


def test_an_unknown_word_is_refused_before_anything_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tiyn"]) == 2
    assert capsys.readouterr().err.startswith("error: `tiyn` is not one of: tiny, true, ")
    assert main(["tiny", "--tools", "nijna"]) == 2
    assert capsys.readouterr().err == "error: `nijna` is not one of: trun, ninja, make -rR, just, go-task\n"


def test_every_goal_is_over_something_that_has_a_row() -> None:
    names = {tool.name for tool in runners()}
    bare = {tool.name for tool in floors(sys.executable)}
    for question in QUESTIONS:
        for goal in question.goals:
            if isinstance(goal, Goal):
                assert goal.over in (names | bare if question.floors else names)
        assert question.notes.keys() <= names


def test_the_command_measures_what_is_there_and_tells_what_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tiny", "--tools", "trun", "--trun", "/no/such", "--runs", "1", "--no-memory", "--markdown"]) == 0
    told = capsys.readouterr().out
    assert "### tiny: One task, `true` (median of 1)" in told
    assert "| trun | - |" in told
    assert "- trun: absent: `/no/such` is not a program" in told
    assert "| python -I -S | " in told


@pytest.mark.slow
def test_the_whole_command_at_a_small_scale(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--scale", "0.001", "--runs", "1"]) == 0
    told = capsys.readouterr().out
    assert [line.split(":")[0] for line in told.splitlines() if "(median of 1" in line] == [q.name for q in QUESTIONS]
    assert "ended with" not in told
