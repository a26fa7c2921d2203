"""The measuring core, held: equal projects, fair turns, right figures, nothing dropped in silence."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import pytest

from . import command
from .anchors import anchored, judged, ratios, times
from .command import main, options, wanted_questions
from .measure import Case, Failed, Result, Sample, Summary, environment, interleave, summary, timed
from .memory import MARK, SETTLED, Watch, end_marked, high_water_bytes, memory_in
from .project import Project, Step
from .question import Goal, Limit, Question
from .questions import QUESTIONS, chosen
from .results import Results
from .scenes import Forgotten
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
    before = Forgotten(project=THREE, tool=keeps, folder=tmp_path).before
    assert isinstance(timed(Case(name="x", argv=argv, folder=tmp_path, before=before)), Sample)


def test_a_run_that_left_something_wrong_is_a_failure(tmp_path: Path) -> None:
    wrong = Case(name="x", argv=(*PYTHON, "pass"), folder=tmp_path, after=lambda: "`a` is missing")
    assert timed(wrong) == Failed(reason="wrong: `a` is missing")


def test_a_run_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    endless = Case(name="x", argv=(*PYTHON, "import os; os.read(os.pipe()[0], 1)"), folder=tmp_path, limit_s=0.3)
    assert timed(endless) == Failed(reason="not done after 0 s", limit_s=0.3)


def test_a_case_that_has_taken_its_time_is_not_run_again() -> None:
    once = [sample(4.0)]
    slow = Case(name="slow", argv=(), folder=Path(), spend_s=10.0)
    slower = Case(name="slower", argv=(), folder=Path(), spend_s=1.0)
    taken = interleave([slow, slower, case("quick")], 6, lambda _: once[0])
    assert {name: len(samples) for name, samples in taken.items() if isinstance(samples, list)} == {
        "slow": 3,
        "slower": 1,
        "quick": 6,
    }


@pytest.mark.skipif(not Path("/proc/self/exe").exists(), reason="needs /proc")
def test_what_a_run_leaves_behind_is_ended() -> None:
    argv = [*PYTHON, "import os; print(flush=True); os.read(0, 1)"]
    pipe = subprocess.PIPE
    with (
        subprocess.Popen(argv, env={MARK: "gone"}, stdin=pipe, stdout=pipe) as ours,
        subprocess.Popen(argv, env={MARK: "goner"}, stdin=pipe, stdout=pipe) as other,
    ):
        assert ours.stdout is not None
        assert other.stdout is not None
        ours.stdout.readline()
        other.stdout.readline()
        end_marked("gone")
        assert ours.wait() == -9
        assert other.poll() is None


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


def test_a_goal_may_speak_of_another_question_and_of_some_milliseconds() -> None:
    answers: dict[str, Summary | Failed] = {"trun": took(0.25), "python": took(0.2), "moon": SLOW}
    others: dict[str, dict[str, Summary | Failed]] = {"fresh": {"trun": took(0.1)}}
    assert [
        verdict(goal, answers, others)
        for goal in (
            Goal(over="trun", of="fresh", plus_s=0.1),
            Goal(over="trun", of="fresh", at_most=3.0),
            Goal(over="trun", of="another"),
            Goal(over="python", plus_s=0.06),
            Goal(over="moon", at_most=0.25),
            Goal(over="moon", at_most=0.001),
        )
    ] == [
        "goal: trun at most 1 x trun in fresh + 100 ms: +150.0 ms, NOT MET",
        "goal: trun at most 3 x trun in fresh: 2.50, met",
        "goal: trun at most 1 x trun in another: not measured",
        "goal: trun at most 1 x python + 60 ms: +50.0 ms, met",
        "goal: trun at most 0.25 x moon: under 0.03, met (it was not done after 10 s)",
        "goal: trun at most 0.001 x moon: not measured",
    ]


# All questions together

SLOW = Failed(reason="not done after 10 s", limit_s=10.0)
WRONG = Failed(reason="wrong: `a` is missing")
OTHER = Question(name="fresh-1000x10", title="Another", project=lambda scale: THREE, column="fresh")
TOGETHER: dict[str, dict[str, Summary | Failed]] = {
    "q": {"trun": took(0.3), "ninja": took(0.2), "moon": SLOW, "nx": WRONG},
    "fresh-1000x10": {"trun": took(0.1, own_bytes=3 << 20), "just": Failed(reason="has no build")},
}


def test_all_questions_make_one_table_of_times_and_one_of_ratios() -> None:
    asked = Question(name="q", title="A question", project=lambda scale: THREE, column="q")
    together = times([asked, OTHER], TOGETHER, {"q": {"ninja"}})
    assert together.columns == ("", "q", "fresh", "MiB fresh")
    assert together.rows == (
        ("trun", "300", "100", "3.0"),
        ("ninja", "200*", "", ""),
        ("moon", "> 10,000", "", ""),
        ("nx", "wrong", "", ""),
        ("just", "", "-", ""),
    )
    assert together.notes == ("* measured earlier, not in this run",)
    assert ratios([asked, OTHER], TOGETHER).rows == (
        ("trun", "1.00", "1.00"),
        ("ninja", "1.50", ""),
        ("moon", "< 0.03", ""),
        ("nx", "", ""),
        ("just", "", ""),
    )


def test_goals_are_told_with_their_question_and_the_missed_ones_last_of_the_measured() -> None:
    goals = (Goal(over="ninja", at_most=1.2), Goal(over="moon"), Goal(over="nx"))
    asked = Question(name="q", title="A question", project=lambda scale: THREE, goals=goals)
    assert judged([asked], TOGETHER, {"q": {"moon"}}) == [
        "q: trun at most 1 x moon: under 0.03, met (it was not done after 10 s) *",
        "q: trun at most 1 x nx: not measured",
        "q: trun at most 1.2 x ninja: 1.50, NOT MET",
    ]


def test_answers_are_kept_and_recalled_for_tools_that_were_not_asked(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    Results.at(path).keep("q", TOGETHER["q"], {"trun": "1", "ninja": "2", "moon": "3"}, "then")
    Results.at(path).keep("q", {"trun": took(9.0)}, {"trun": "2"}, "now")
    again = Results.at(path)
    assert again.recalled("q", {"trun": took(1.0)}) == {"ninja": took(0.2), "moon": SLOW}
    assert (again.kept["q"]["trun"].answer, again.kept["q"]["trun"].version) == (took(9.0), "2")
    assert again.kept["q"]["ninja"].when == "then"
    assert again.recalled("another", {}) == {}


# The command


def test_a_word_names_a_question_or_a_family_of_them() -> None:
    assert [question.name for question in chosen(["list", "tiny"])] == ["list-first", "list", "tiny"]
    assert chosen([]) == list(QUESTIONS)


def test_an_unknown_word_is_refused_before_anything_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tiyn"]) == 2
    assert capsys.readouterr().err.startswith("error: `tiyn` is not one of: tiny, true, ")
    assert main(["tiny", "--tools", "nijna"]) == 2
    assert capsys.readouterr().err.startswith("error: `nijna` is not one of: trun, ninja, make -rR, just, go-task, ")


def test_every_goal_is_over_something_that_has_a_row() -> None:
    rows = {question.name: {tool.name for tool in runners()} | set(question.floors) for question in QUESTIONS}
    assert set().union(*rows.values()) == {tool.name for tool in [*runners(), *floors(sys.executable)]}
    for question in QUESTIONS:
        for goal in question.goals:
            if isinstance(goal, Goal):
                assert goal.over in rows[goal.of or question.name]
                assert not question.tools or goal.over in question.tools
        assert question.notes.keys() | set(question.tools) <= rows[question.name]


def test_a_goal_that_speaks_of_another_question_finds_it_asked_before() -> None:
    asked: set[str] = set()
    for question in QUESTIONS:
        asked.add(question.name)
        assert {goal.of for goal in question.goals if isinstance(goal, Goal) and goal.of} <= asked


def test_what_needs_gigabytes_is_measured_only_when_asked_for() -> None:
    assert [question.name for question in anchored(QUESTIONS) if question.is_large] == ["grow-files"]
    assert [question.name for question in wanted_questions(options().parse_args(["grow"]))] == ["grow-tasks"]
    asked = wanted_questions(options().parse_args(["anchors", "--large"]))
    assert asked == anchored(QUESTIONS)


def test_the_command_measures_what_is_there_tells_what_is_not_and_keeps_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "RESULTS", tmp_path / "results.json")
    assert main(["tiny", "--tools", "trun", "--trun", "/no/such", "--runs", "1", "--no-memory", "--markdown"]) == 0
    told = capsys.readouterr().out
    assert "### tiny: One task, `true` (median of 1)" in told
    assert "| trun | - |" in told
    assert "- trun: absent: `/no/such` is not a program" in told
    assert "| python -I -S | " in told
    assert set(Results.at(tmp_path / "results.json").kept["tiny"]) == {"python -I -S", "python"}


@pytest.mark.slow
def test_the_whole_command_at_a_small_scale(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--scale", "0.001", "--runs", "1"]) == 0
    told = capsys.readouterr().out
    asked = [question.name for question in QUESTIONS if not question.is_large]
    assert [line.split(":")[0] for line in told.splitlines() if "(median of 1" in line] == asked
    assert "ended with" not in told


@pytest.mark.slow
def test_the_anchors_in_a_quick_look_end_in_tables_of_all_questions_and_every_goal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["anchors", "--quick", "--tools", "trun,ninja,make -rR", "--no-memory"]) == 0
    told = capsys.readouterr().out
    assert "trun / tool: below 1 trun is ahead" in told
    goals = told.split("\nGoals (sizes x 0.01")[1].splitlines()[1:]
    wanted = [goal for question in QUESTIONS if question.column and not question.is_large for goal in question.goals]
    assert len(goals) == len(wanted)
    assert any(line.startswith("- fresh-1000x10: trun at most 1 x make -rR: ") for line in goals)
