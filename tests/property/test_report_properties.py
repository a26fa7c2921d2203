"""What is shown does not depend on how bytes arrive, and drives no terminal."""

from __future__ import annotations

import json
from base64 import b64decode
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from runner.report.clean import Shown
from runner.report.jsonl import JsonLines
from runner.report.spool import Spool
from runner.report.width import clip, clip_middle, columns
from tests.kit.scripted import Paper, Script

ALPHABET = [
    b"a",
    b"bc ",
    b"\n",
    b"\r",
    b"\r\n",
    b"\x1b",
    b"\x1b[31m",
    b"\x1b[0m",
    b"\x1b[2K",
    b"\x1b]0;t\x07",
    b"\x1b]x",
]
ALPHABET += [
    b"\x08",
    b"\x00",
    b"\x07",
    b"\\",
    b"[",
    b"m",
    b"\xff",
    "ä".encode(),
    "日".encode(),
    "🎉".encode(),
    b"\xe6",
    b"\x9b",
]

written = st.lists(st.sampled_from(ALPHABET), max_size=40).map(b"".join) | st.binary(max_size=60)


def cut_up(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def shown(pieces: list[bytes], has_colour: bool, piece_bytes: int) -> bytes:
    stream = Shown(b"p|", b"p:", has_colour, piece_bytes)
    return b"".join([stream.feed(piece) for piece in pieces]) + stream.end()


@given(written, st.lists(st.integers(0, 80), max_size=8), st.booleans(), st.sampled_from([8, 13, 1000]))
def test_what_is_shown_does_not_depend_on_how_it_was_cut_up(
    data: bytes, cuts: list[int], has_colour: bool, piece_bytes: int
) -> None:
    assert shown(cut_up(data, cuts), has_colour, piece_bytes) == shown([data], has_colour, piece_bytes)


@given(written, st.sampled_from([8, 13, 1000]))
def test_nothing_but_text_and_colours_is_shown(data: bytes, piece_bytes: int) -> None:
    text = shown([data], False, piece_bytes).decode()
    assert all(char in "\t\n" or (char >= " " and not "\x7f" <= char <= "\x9f") for char in text)
    coloured = shown([data], True, piece_bytes).decode()
    rest = coloured.replace("\x1b[31m", "").replace("\x1b[0m", "")
    for line in coloured.splitlines():
        assert line.startswith(("p|", "p:"))
    assert "\x1b[2K" not in rest
    assert "\x07" not in rest


@given(st.lists(written, max_size=10))
def test_json_gives_back_every_byte(pieces: list[bytes]) -> None:
    paper = Paper()
    script = Script(JsonLines(paper, "0"))
    for piece in pieces:
        script.out("t", piece)
    script.end("t")
    events = [json.loads(line) for line in paper.data.splitlines()]
    outputs = [event for event in events if event["event"] == "task_output"]
    told = [b64decode(event["base64"]) if "base64" in event else event["text"].encode() for event in outputs]
    assert b"".join(told) == b"".join(pieces)
    assert events[-1]["event"] == "task_ended"


@given(
    st.lists(st.tuples(st.booleans(), st.binary(max_size=300)), max_size=60), st.integers(0, 600), st.integers(0, 900)
)
def test_a_log_gives_back_what_was_put_in(steps: list[tuple[bool, bytes]], memory: int, total: int) -> None:
    spool = Spool(total)
    logs = [spool.log(memory), spool.log(memory)]
    expected = [b"", b""]
    taken = [b"", b""]
    for number, (is_put, data) in enumerate(steps):
        which = number % 2
        if is_put:
            logs[which].add(data)
            expected[which] += data
        else:
            taken[which] += logs[which].take()
    for which in (0, 1):
        while piece := logs[which].take():
            taken[which] += piece
        assert not logs[which]
    assert taken == expected
    assert spool.held_bytes == 0
    spool.close()


@given(st.text(max_size=30), st.integers(1, 30))
def test_a_clipped_text_fits(text: str, limit: int) -> None:
    assert columns(clip(text, limit)) <= limit
    assert columns(clip_middle(text, limit)) <= limit
    if columns(text) <= limit:
        assert clip(text, limit) == clip_middle(text, limit) == text
