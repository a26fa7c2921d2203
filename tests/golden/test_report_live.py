"""The live status on a terminal: what is on the screen at each moment, and what is left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from runner.report import Look
from runner.report.curtain import Curtain, Yielding
from runner.report.line import Lines
from runner.report.live import Live
from runner.report.screen import Screen
from runner.report.spool import Spool
from runner.report.wording import Wording
from tests.kit.screen import Screen as Terminal
from tests.kit.scripted import Script

if TYPE_CHECKING:
    from runner.report.outlet import Outlet


class Wire:
    """What leads to the terminal: can be slow, and counts."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.is_waiting = False
        self.writes: list[str] = []

    def write(self, data: bytes) -> None:
        self.writes.append(data.decode())
        self.terminal.feed(self.writes[-1])


class Stage:
    """A script, told live on a model of a terminal."""

    def __init__(self, width: int = 80, height: int = 24, has_colour: bool = True, is_unicode: bool = True) -> None:
        self.terminal = Terminal(width, height)
        self.wire = Wire(self.terminal)
        look = Look(
            is_terminal=True,
            is_live=True,
            has_colour=has_colour,
            is_unicode=is_unicode,
            size=lambda: (self.terminal.width, self.terminal.height),
        )
        words = Wording(look)
        screen = Screen(cast("Outlet", self.wire), look.size)
        self.spool = Spool()
        curtain = Curtain(screen, self.spool)
        self.live = Live(Yielding(Lines(curtain, words), [curtain]), screen, words)
        self.script = Script(self.live)

    @property
    def rows(self) -> list[str]:
        return self.terminal.rows


def busy(stage: Stage) -> Script:
    script = stage.script
    script.begin("codegen", "lint", "日本語", "test[3.11,pg]", "api", "deploy", "check")
    script.start("codegen")
    script.start("lint")
    script.start("日本語")
    script.out("codegen", "reading a.proto\nreading b.proto\n")
    script.wait(1.0)
    script.end("codegen", duration_s=1.0)
    script.out("日本語", "\rprogress 10%\rprogress 60%")
    script.end("lint", "failed", exit_code=1, duration_s=1.0)
    script.start("test[3.11,pg]")
    script.err("test[3.11,pg]", "\x1b[31m.....F\x1b[0m")
    script.wait(1.5)
    return script


def test_the_status_tells_what_runs_at_80_columns() -> None:
    stage = Stage(80)
    busy(stage)
    assert stage.rows == [
        "codegen │ reading a.proto",
        "codegen │ reading b.proto",
        "✓ codegen  1.0s",
        "✗ lint  exit 1  1.0s",
        "  日本語         2s  progress 60%",
        "  test[3.11,pg]  1s  .....F",
        "2/7 done · 2 running · 3 waiting · 1 failed · 2.5s",
    ]
    assert stage.terminal.wraps == 0


def test_the_status_fits_20_columns() -> None:
    stage = Stage(20)
    busy(stage)
    assert stage.rows[-3:] == ["  日本語         2s", "  test[3.11,pg]  1s", "2/7 done · 1 failed"]
    busy_lines = [row for row in stage.terminal.everything if row.startswith("  ")]
    assert all(len(row) <= 19 for row in busy_lines)


def test_the_status_at_200_columns_is_the_one_of_80() -> None:
    wide, usual = Stage(200), Stage(80)
    busy(wide)
    busy(usual)
    assert wide.rows == usual.rows


def test_the_status_in_ascii() -> None:
    stage = Stage(80, has_colour=False, is_unicode=False)
    busy(stage)
    assert stage.rows[-1] == "2/7 done, 2 running, 3 waiting, 1 failed, 2.5s"


@pytest.mark.parametrize("width", [1, 2, 5, 10, 20, 21, 40, 80, 200])
@pytest.mark.parametrize("height", [1, 2, 4, 24])
def test_nothing_of_the_status_remains(width: int, height: int) -> None:
    stage = Stage(width, height)
    script = busy(stage)
    script.end("日本語", duration_s=2.5)
    script.end("test[3.11,pg]", "failed", exit_code=2, duration_s=1.5)
    for task in ("api", "deploy", "check"):
        script.end(task, "skipped", reasons=("needs lint",))
    script.over(1)
    text = "".join(stage.terminal.everything).replace(" ", "")
    for word in ("done", "running", "waiting"):
        assert word not in text
    ending = "✗lintfailedfirst:exit1after1.0sthentest[3.11,pg]1ran·2failed·3skipped·2.5s"
    assert text.endswith(ending.replace("1ran", "2ran"))
    assert text.count("日本語") == 2 if width > 1 else True
    assert not stage.terminal.is_synchronized
    assert stage.terminal.column == 0


def test_the_scrollback_holds_each_line_once_and_in_order() -> None:
    stage = Stage(80, 10)
    script = stage.script
    script.begin("a", "b", "c")
    for task in ("a", "b", "c"):
        script.start(task)
    for number in range(300):
        script.out("abc"[number % 3], f"line {number}\n")
        script.wait(0.03 if number % 7 else 0.2)
    for task in ("a", "b", "c"):
        script.end(task, duration_s=1.0)
    script.over()
    lines = [row for row in stage.terminal.everything if "line" in row]
    assert lines == [f"{'abc'[number % 3]} │ line {number}" for number in range(300)]
    assert len(stage.terminal.everything) == 300 + 3 + 1


def test_lines_longer_than_the_terminal_wrap_and_harm_nothing() -> None:
    stage = Stage(20, 10)
    script = stage.script
    script.begin("a", "b")
    script.start("a")
    for _ in range(30):
        script.out("a", "x" * 55 + "\n")
        script.wait(0.2)
    script.end("a", duration_s=1.0)
    script.end("b", "fresh")
    script.over()
    text = "".join(stage.terminal.everything)
    assert text.startswith(("a │ " + "x" * 55) * 30)
    assert "running" not in text


def test_at_most_ten_redraws_a_second() -> None:
    stage = Stage()
    script = stage.script
    script.begin("a", "b")
    script.start("a")
    script.wait(0.5)
    before = len(stage.wire.writes)
    for number in range(1000):
        script.at += 0.001
        script.out("a", f"line {number}\n")
    assert len(stage.wire.writes) - before <= 11
    script.wait(0.2)
    assert "a │ line 999" in stage.rows


def test_only_rows_that_changed_are_written() -> None:
    stage = Stage()
    script = stage.script
    script.begin("first", "second")
    script.start("first")
    script.start("second")
    script.wait(2.05)
    before = len(stage.wire.writes)
    script.wait(0.3)
    assert len(stage.wire.writes) > before
    for written in stage.wire.writes[before:]:
        assert "first" not in written
        assert "second" not in written
        assert "done" in written
        assert len(written) < 80


def test_lines_and_status_are_one_write() -> None:
    stage = Stage()
    script = stage.script
    script.begin("a", "b")
    script.start("a")
    script.wait(0.5)
    script.out("a", "hello\n")
    before = len(stage.wire.writes)
    script.wait(0.1)
    assert len(stage.wire.writes) == before + 1
    written = stage.wire.writes[-1]
    assert written.startswith("\x1b[?2026h")
    assert written.endswith("\x1b[?2026l")
    assert "hello" in written
    assert "done" in written


def test_much_output_is_not_held_until_the_next_redraw() -> None:
    stage = Stage()
    script = stage.script
    script.begin("a")
    script.start("a")
    script.wait(0.5)
    before = len(stage.wire.writes)
    for _ in range(40):
        script.out("a", "y" * 4000 + "\n")
    assert len(stage.wire.writes) > before


def test_a_short_run_shows_no_status() -> None:
    stage = Stage()
    script = stage.script
    script.begin("a", "b")
    script.start("a")
    script.out("a", "hello\n")
    script.at = 0.1
    script.end("a", duration_s=0.1)
    script.end("b", duration_s=0.1)
    script.over()
    assert stage.wire.writes == [
        "\x1b[38;5;31ma\x1b[0m \x1b[2m│\x1b[0m hello\n",
        "\x1b[32m✓\x1b[0m a  \x1b[2m0.1s\x1b[0m\n",
        "\x1b[32m✓\x1b[0m b  \x1b[2m0.1s\x1b[0m\n",
        "\x1b[32m✓\x1b[0m 2 ran · 0.1s\n",
    ]


def test_while_a_task_owns_the_terminal_nothing_is_written() -> None:
    stage = Stage(has_colour=False)
    script = stage.script
    script.begin("shell", "other", "last")
    script.start("other")
    script.wait(0.5)
    script.start("shell", owns_terminal=True)
    assert stage.rows == []
    before = len(stage.wire.writes)
    script.out("other", "one\n")
    script.wait(3.0)
    script.out("other", "two\n")
    script.end("other", duration_s=3.5)
    assert len(stage.wire.writes) == before
    stage.terminal.feed("$ exit\n")
    script.end("shell", duration_s=3.0)
    script.wait(0.2)
    assert stage.rows == [
        "$ exit",
        "other │ one",
        "other │ two",
        "✓ other  3.5s",
        "✓ shell  3.0s",
        "2/3 done · 1 waiting · 3.7s",
    ]


def test_what_is_held_for_an_owner_takes_little_memory() -> None:
    import tracemalloc

    stage = Stage()
    script = stage.script
    script.begin("shell", "other")
    script.start("shell", owns_terminal=True)
    script.start("other")
    tracemalloc.start()
    for _ in range(300):
        script.out("other", "z" * 99 + "\n" + ("z" * 999 + "\n") * 64)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000
    stage.spool.close()


def test_a_pause_leaves_nothing_and_the_next_tick_draws_again() -> None:
    stage = Stage()
    script = stage.script
    script.begin("a", "b")
    script.start("a")
    script.wait(1.0)
    stage.live.pause()
    assert stage.rows == []
    stage.terminal.feed("[1]+  Stopped\n$ fg\n")
    script.wait(0.1)
    assert stage.rows == ["[1]+  Stopped", "$ fg", "  a  1s", "0/2 done · 1 running · 1 waiting · 1.1s"]


def test_a_terminal_that_takes_nothing_is_not_given_more_redraws() -> None:
    stage = Stage()
    script = stage.script
    script.begin("a", "b")
    script.start("a")
    script.wait(0.5)
    stage.wire.is_waiting = True
    before = len(stage.wire.writes)
    script.wait(5.0)
    assert len(stage.wire.writes) == before


def test_a_clock_that_is_put_back_does_not_stop_the_status() -> None:
    stage = Stage()
    script = stage.script
    script.begin("a", "b")
    script.start("a")
    script.wait(5.0)
    script.at -= 3600
    before = len(stage.wire.writes)
    script.out("a", "hello\n")
    assert len(stage.wire.writes) > before
    assert any("hello" in row for row in stage.rows)


def test_a_narrower_window_is_drawn_anew_where_rows_were_wrapped() -> None:
    stage = Stage(80)
    script = stage.script
    script.begin("a", "b")
    script.start("a")
    script.out("a", "kept\n")
    script.wait(1.0)
    # The terminal wraps what no longer fits, as those with reflow do.
    reflowed = Terminal(20, 24)
    reflowed.feed("\n".join(stage.rows))
    assert reflowed.rows == ["a │ kept", "  a  1s", "0/2 done · 1 running", " · 1 waiting · 1.0s"]
    stage.terminal = stage.wire.terminal = reflowed
    script.wait(0.1)
    assert reflowed.rows == ["a │ kept", "  a  1s", "0/2 done · 1.1s"]


def test_only_as_many_tasks_as_fit_are_shown() -> None:
    stage = Stage(80, 12)
    script = stage.script
    tasks = [f"t{number}" for number in range(20)]
    script.begin(*tasks)
    for task in tasks:
        script.start(task)
    script.wait(1.1)
    assert stage.rows == ["  t0  1s", "  t1  1s", "  t2  1s", "  t3  1s", "0/20 done · 20 running · 1.1s"]


def test_a_row_shows_the_line_that_is_being_written() -> None:
    stage = Stage(has_colour=False)
    script = stage.script
    script.begin("a", "b")
    script.start("a")
    seen = []
    for piece in ("....", "..F", ".\n", "10%\r", "\r20%", "\r", "\x1b[2K30%\r\n", "Password: ", "x" * 200, "\n"):
        script.out("a", piece)
        script.wait(0.2)
        seen.append(stage.rows[-2].partition("s")[2].strip())
    assert seen == [
        "....", "......F", "", "10%", "20%", "20%", "", "Password:",
        "Password: " + "x" * 59 + "…", "",
    ]  # fmt: skip
