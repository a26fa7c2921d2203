"""What becomes of a task's bytes before people see them."""

from __future__ import annotations

import tracemalloc

import pytest

from runner.report.clean import PIECE_BYTES, Shown


def shown(*pieces: bytes, has_colour: bool = True, piece_bytes: int = PIECE_BYTES) -> str:
    stream = Shown(b"a | ", b"a : ", has_colour, piece_bytes)
    return (b"".join([stream.feed(piece) for piece in pieces]) + stream.end()).decode()


def test_lines_get_their_prefix() -> None:
    assert shown(b"one\ntwo\n\nthree") == "a | one\na | two\na | \na | three\n"


def test_a_line_waits_for_its_end() -> None:
    stream = Shown(b"a | ", b"a : ", True)
    assert stream.feed(b"one\ntw") == b"a | one\n"
    assert stream.feed(b"o") == b""
    assert stream.feed(b"\nthree") == b"a | two\n"
    assert stream.end() == b"a | three\n"
    assert stream.end() == b""


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        (b"\x1b[2Jtop\x1b[H", "top"),  # clear, move
        (b"\x1b[?1049halternate\x1b[?25l", "alternate"),  # modes
        (b"\x1b]0;my title\x07after", "after"),  # title, ended by BEL
        (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),  # hyperlinks, ended by ST
        (b"\x1bP1;2qsixel\x1b\\after", "after"),  # device control
        (b"\x1b_application\x1b\\after\x1b^private\x1b\\.", "after."),
        (b"\x1b(Bset\x1b)0\x1b#8", "set"),  # character sets
        (b"\x1bcreset\x1b7\x1b8\x1b=", "reset"),
        (b"\x00N\x00U\x00L", "NUL"),
        (b"bell\x07 tab\tkept", "bell tab\tkept"),
        (b"\x7fdel\x0e\x0f\x1a", "del"),
        ("\x9b31mc1\x85\x90".encode(), "31mc1"),
        (b"\x1b[12;34", ""),  # torn off
        (b"\x1b", ""),
        (b"\x1b]0;never ended", ""),
        (b"\x1b[1\x1b[2Kx", "x"),
        (b"\x00\x1b[2Kx", "x"),
        (b"\x1b[" + b"1;" * 100 + b"mtoo long to be a colour", "too long to be a colour"),
        (b"N\x08NA\x08AM\x08ME\x08E", "NAME"),  # overstruck, as manuals do
        (b"\xff\xfe bad \xc3", "\ufffd\ufffd bad \ufffd"),
        ("grün 日本 🎉".encode(), "grün 日本 🎉"),
        (b"10%\r50%\r100%", "100%"),
        (b"10%\r50%\r100%\r", "100%"),
        (b"dos\r", "dos"),
        (b"building\r\x1b[Kdone", "done"),
    ],
)
def test_only_text_and_colours_are_seen(written: bytes, seen: str) -> None:
    assert shown(written + b"\n") == f"a | {seen}\n"
    assert shown(written) == (f"a | {seen}\n" if seen else "")


def test_colours_end_with_the_line_and_go_on_in_the_next() -> None:
    assert shown(b"\x1b[1;31mred\nstill\x1b[0m\nplain\n") == (
        "a | \x1b[1;31mred\x1b[0m\na | \x1b[1;31mstill\x1b[0m\x1b[0m\na | plain\n"
    )


def test_colours_that_add_up_are_carried_over_together() -> None:
    assert shown(b"\x1b[1m\x1b[31mx\ny\x1b[m\nz\n").splitlines()[1:] == [
        "a | \x1b[1m\x1b[31my\x1b[m\x1b[0m",
        "a | z",
    ]


def test_a_reset_and_a_colour_at_once_replace_what_was() -> None:
    assert shown(b"\x1b[1mx\x1b[0;32my\nz\n").splitlines()[1] == "a | \x1b[0;32mz\x1b[0m"


def test_colours_carried_over_are_bounded() -> None:
    line = shown(b"\x1b[38;5;200m" * 1000 + b"x\ny\n").splitlines()[1]
    assert len(line) < 100
    assert line.startswith("a | \x1b[38;5;200m")


def test_without_colour_colours_are_dropped_too() -> None:
    assert shown(b"\x1b[31mred\x1b[0m\n", has_colour=False) == "a | red\n"


def test_a_progress_bar_that_erases_itself_is_no_line() -> None:
    assert shown(b"50%\r100%\r\x1b[K") == ""
    assert shown(b"50%\r100%\r\x1b[K", b"\x1b[0m") == ""


def test_progress_without_a_newline_is_forgotten_as_it_goes() -> None:
    stream = Shown(b"a | ", b"a : ", True)
    tracemalloc.start()
    for number in range(20_000):
        assert stream.feed(b"\rprogress %d" % number) == b""
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000
    assert stream.end() == b"a | progress 19999\n"


def test_an_end_of_line_may_be_torn() -> None:
    assert shown(b"one\r", b"\ntwo\r", b"", b"\n") == "a | one\na | two\n"


def test_a_long_line_comes_in_pieces_that_say_so() -> None:
    assert shown(b"x" * 25 + b"\nshort\n", piece_bytes=10) == ("a | xxxxxxxxxx\na : xxxxxxxxxx\na : xxxxx\na | short\n")


def test_a_line_of_just_a_piece_is_one_piece() -> None:
    assert shown(b"x" * 10, b"\n", piece_bytes=10) == "a | xxxxxxxxxx\n"
    assert shown(b"x" * 10, b"\r\n", piece_bytes=10) == "a | xxxxxxxxxx\n"


def test_a_piece_tears_no_character_and_no_colour() -> None:
    assert shown("äöüäöüä\n".encode(), piece_bytes=9) == "a | äöüä\na : öüä\n"
    assert shown(b"1234567\x1b[31mred\x1b[0m\n", piece_bytes=9) == (
        "a | 1234567\na : \x1b[31mred\x1b[0m\na : \x1b[31m\x1b[0m\x1b[0m\n"
    )


def test_a_string_that_goes_on_in_the_next_piece_is_dropped_there_too() -> None:
    assert shown(b"ab\x1b]52;c;" + b"Q" * 40 + b"\x07cd\nef\n", piece_bytes=16) == (
        "a | ab\na : \na : \na : cd\na | ef\n"
    )


def test_a_line_of_100_mb_takes_little_memory() -> None:
    stream = Shown(b"a | ", b"a : ", True)
    chunk = b"0123456789abcdef" * 4096
    tracemalloc.start()
    seen = bare = 0
    for _ in range(1600):
        piece = stream.feed(chunk)
        seen += len(piece)
        bare += len(piece) - 5 * piece.count(b"\n")
    last = stream.end()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert bare + len(last) - 5 == 1600 * len(chunk)
    assert peak < 2_000_000


def test_a_long_line_of_escapes_takes_time_in_proportion() -> None:
    # Each of these would be quadratic for an expression that could match in two ways.
    for hostile in (b"\x1b[", b"\x1b]", b"\x1b[1;", b"\x1b", b"\x1b]x\x1b", b"a\x08", b"\r"):
        assert "\x1b" not in shown(hostile * 100_000 + b"\n", has_colour=False)
