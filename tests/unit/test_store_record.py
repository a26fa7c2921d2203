"""Records as bytes: what comes back, and what is not believed."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.digest import ALGORITHMS, hasher
from runner.noun import replace
from runner.result import Made, Record
from runner.store.record import SIZE_AT_MOST_BYTES, Flaw, blobs_of, decode, encode

KEY, ONE, LOG = "ab" * 32, "cd" * 32, "ef" * 32
RECORD = Record(
    key=KEY,
    task="build",
    exit_code=3,
    outputs=(
        Made(path="out/b.js", digest=ONE, size_bytes=12, is_executable=True),
        Made(path="out/l", kind="link", target="../x"),
        Made(path="out/empty", kind="folder"),
    ),
    log=LOG,
    log_bytes=7,
    parts=(("format", "1"), ("file a.js", ONE)),
    run="r1",
    by="ann@host",
    made_at=1700000000.25,
    duration_s=1.5,
)
TEXT = f"""\
trun record 1 blake3:PROOF
{{
 "key": "{KEY}",
 "task": "build",
 "exit_code": 3,
 "log": "{LOG}",
 "log_bytes": 7,
 "run": "r1",
 "by": "ann@host",
 "made_at": 1700000000.25,
 "duration_s": 1.5,
 "outputs": [
  {{"path": "out/b.js", "kind": "file", "digest": "{ONE}", "size_bytes": 12, "is_executable": true}},
  {{"path": "out/l", "kind": "link", "target": "../x"}},
  {{"path": "out/empty", "kind": "folder"}}],
 "parts": [
  ["format", "1"],
  ["file a.js", "{ONE}"]]
}}
"""


def sealed(body: bytes, start: str = "trun record 1 blake3:") -> bytes:
    """The body below a first line that is right."""
    return f"{start}{hasher('blake3')(body).hexdigest()}\n".encode() + body


def changed(**fields: object) -> bytes:
    """A record with some fields changed, that is as its first line says."""
    found = json.loads(encode(RECORD, "blake3").split(b"\n", 1)[1])
    return sealed(json.dumps({**found, **fields}).encode())


def output(**fields: object) -> bytes:
    """A record with one output like this."""
    return changed(outputs=[{"path": "x", **fields}])


def file(path: object = "x", **fields: object) -> bytes:
    """A record with one file like this."""
    return output(**{"path": path, "kind": "file", "digest": ONE, "size_bytes": 1, "is_executable": False, **fields})


def reason(data: bytes) -> str:
    """Why it is not believed."""
    found = decode(data, KEY)
    assert isinstance(found, Flaw), found
    assert not found.is_foreign
    return found.reason


def test_a_record_is_a_text_that_a_person_can_read() -> None:
    head, body = encode(RECORD, "blake3").decode().split("\n", 1)
    assert f"{head}\n{body}" == TEXT.replace("PROOF", hasher("blake3")(body.encode()).hexdigest())


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_record_comes_back(algorithm: str) -> None:
    assert decode(encode(RECORD, algorithm), KEY) == RECORD
    empty = Record(key=KEY, task="")
    assert decode(encode(empty, algorithm), KEY) == empty


def test_the_helpers_of_these_tests_make_sound_records() -> None:
    assert isinstance(decode(changed(), KEY), Record)
    assert isinstance(decode(file(), KEY), Record)
    assert isinstance(decode(output(kind="link", target="y"), KEY), Record)
    assert isinstance(decode(output(kind="folder"), KEY), Record)


def test_the_blobs_of_a_record_are_its_files_and_its_log() -> None:
    assert list(blobs_of(RECORD)) == [(ONE, 12), (LOG, 7)]
    assert list(blobs_of(replace(RECORD, log="", log_bytes=0))) == [(ONE, 12)]


# What anybody may call a file: bytes without NUL and slash, as Python has them.
NAMES = st.binary(min_size=1, max_size=12).map(lambda name: os.fsdecode(name.replace(b"\0", b"x").replace(b"/", b"x")))
PARTS = NAMES.filter(lambda name: name.lower() not in (".", "..", ".git", ".trun"))
PATHS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
DIGESTS = st.binary(min_size=32, max_size=32).map(bytes.hex)
TEXTS = st.text(max_size=20) | NAMES
TIMES = st.floats(allow_nan=False, allow_infinity=False)
SIZES = st.integers(0, (1 << 63) - 1)
OUTPUTS = st.one_of(
    st.builds(Made, path=PATHS, kind=st.just("file"), digest=DIGESTS, size_bytes=SIZES, is_executable=st.booleans()),
    st.builds(Made, path=PATHS, kind=st.just("link"), target=NAMES | PATHS),
    st.builds(Made, path=PATHS, kind=st.just("folder")),
)


def nested(outputs: list[Made]) -> bool:
    return any(one.path.startswith(f"{two.path}/") for one in outputs for two in outputs)


RECORDS = st.builds(
    Record,
    key=st.just(KEY),
    task=TEXTS,
    exit_code=st.integers(-(1 << 31), 1 << 31),
    outputs=st.lists(OUTPUTS, unique_by=lambda made: made.path, max_size=5)
    .filter(lambda made: not nested(made))
    .map(tuple),
    log=DIGESTS | st.just(""),
    log_bytes=SIZES,
    parts=st.lists(st.tuples(TEXTS, TEXTS), max_size=5).map(tuple),
    run=TEXTS,
    by=TEXTS,
    made_at=TIMES,
    duration_s=TIMES,
)


@given(RECORDS, st.sampled_from(ALGORITHMS))
def test_any_record_comes_back(record: Record, algorithm: str) -> None:
    data = encode(record, algorithm)
    assert data.isascii()
    assert decode(data, KEY) == record


@given(st.data())
def test_a_record_with_any_byte_changed_is_not_believed(data: st.DataObject) -> None:
    sound = encode(RECORD, "blake3")
    at = data.draw(st.integers(0, len(sound) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != sound[at]))
    assert isinstance(decode(sound[:at] + bytes([other]) + sound[at + 1 :], KEY), Flaw)


@pytest.mark.parametrize("end", range(0, len(TEXT) + 59, 7))
def test_a_record_that_is_cut_anywhere_is_not_believed(end: int) -> None:
    reason(encode(RECORD, "blake3")[:end])


@given(st.binary(max_size=300))
def test_garbage_is_no_record(data: bytes) -> None:
    assert isinstance(decode(data, KEY), Flaw)
    assert isinstance(decode(b"trun record 1 " + data, KEY), Flaw)
    assert isinstance(decode(sealed(data), KEY), Flaw)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(ONE),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["path", "kind", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.sampled_from(sorted(json.loads(TEXT.split("\n", 1)[1]))), JSON)
def test_a_field_that_is_anything_is_taken_or_refused(name: str, value: object) -> None:
    found = decode(changed(**{name: value}), KEY)
    assert isinstance(found, Flaw) or decode(encode(found, "blake3"), KEY) == found


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not a record"),
        (b"trun", "not a record"),
        (b"\0" * 500, "not a record"),
        (TEXT.encode(), "not what its first line says"),
        (encode(RECORD, "blake3") + b" ", "not what its first line says"),
        (encode(RECORD, "blake3").replace(b"blake3:", b"sha256:"), "not what its first line says"),
        (encode(RECORD, "blake3").replace(b"blake3:", b"md5:"), "not what its first line says"),
        (encode(RECORD, "blake3").replace(b"record 1", b"record x"), "not what its first line says"),
        (encode(RECORD, "blake3").replace(b"record 1", b"record -1"), "not what its first line says"),
        (sealed(b"\xff\xfe"), "not readable"),
        (sealed("{}".encode("utf-16")), "not readable"),
        (sealed(b"{"), "not readable"),
        (sealed(b"[" * 100_000), "not readable"),
        (sealed(b"[]"), "not the fields of a record"),
        (sealed(b"{}"), "not the fields of a record"),
        (changed(more=1), "not the fields of a record"),
        (changed(key="x"), "a key that is no digest"),
        (changed(key=ONE), "the record of another key"),
        (changed(key=None), "`key` is of the wrong kind"),
        (changed(exit_code=True), "`exit_code` is of the wrong kind"),
        (changed(exit_code=1.0), "`exit_code` is of the wrong kind"),
        (changed(exit_code=1 << 70), "a number out of range"),
        (changed(log="../x"), "a log that is no digest"),
        (changed(log_bytes=-1), "a negative size"),
        (changed(made_at=float("nan")), "a time that is none"),
        (changed(duration_s=float("inf")), "a time that is none"),
        (changed(made_at=10**400), "a time that is none"),
        (changed(outputs={}), "`outputs` is of the wrong kind"),
        (changed(outputs=["x"]), "an output that is neither file, link nor folder"),
        (changed(parts=[["a"]]), "a part that is no label and value"),
        (changed(parts=["ab"]), "a part that is no label and value"),
        (output(kind="fifo"), "an output that is neither file, link nor folder"),
        (output(kind=["file"]), "an output that is neither file, link nor folder"),
        (output(kind="folder", digest=ONE), "an output that is neither file, link nor folder"),
        (output(kind="link", target=""), "output `x`, which is no link"),
        (output(kind="link", target="a\0b"), "output `x`, which is no link"),
        (output(kind="link", target="\ud800"), "output `x`, which is no link"),
        (file(digest="x"), "output `x`, which is no file"),
        (file(digest=ONE.upper()), "output `x`, which is no file"),
        (file(digest="../" + ONE[3:]), "output `x`, which is no file"),
        (file(size_bytes=-1), "output `x`, which is no file"),
        (file(size_bytes=1 << 63), "output `x`, which is no file"),
        (file(size_bytes=1.0), "`size_bytes` of an output is of the wrong kind"),
        (file(is_executable=1), "`is_executable` of an output is of the wrong kind"),
        (file(path=None), "`path` of an output is of the wrong kind"),
    ],
)
def test_what_is_no_record_has_a_reason(data: bytes, why: str) -> None:
    found = reason(data)
    assert found == why


NO_PATHS = [
    "",
    "/",
    "/etc/passwd",
    "..",
    "../x",
    "a/../b",
    "a/..",
    ".",
    "./x",
    "a//b",
    "a/",
    "a\0b",
    "\ud800",
    "\udcc3\udca9",
]
NO_PATHS += [".git", ".git/config", "a/.git/x", ".GIT/x", ".trun", ".trun/cache/x", "a/.Trun"]


@pytest.mark.parametrize("path", NO_PATHS)
def test_a_path_that_no_output_has_is_not_believed_nor_written(path: str) -> None:
    assert reason(file(path=path)) == f"output `{path}`, which is no path below the root"
    with pytest.raises(ValueError, match="which is no path below the root"):
        encode(replace(RECORD, outputs=(Made(path=path, digest=ONE),)), "blake3")


@pytest.mark.parametrize(
    "path", ["-x", "a b", "a\nb", "'\"`$", "é", "\udcff", "..x", "x..", ".gitignore", "a/.git2", "\u2028", "😀"]
)
def test_a_path_that_somebody_may_have_is_believed(path: str) -> None:
    record = replace(RECORD, outputs=(Made(path=path, digest=ONE),))
    assert decode(encode(record, "blake3"), KEY) == record


@pytest.mark.parametrize(("first", "second"), [("a", "a"), ("a", "a/b"), ("a/b/c/d", "a/b")])
def test_outputs_that_cannot_be_there_at_once_are_not_believed(first: str, second: str) -> None:
    outputs = [Made(path=path, digest=ONE) for path in (first, second)]
    with pytest.raises(ValueError, match="output"):
        encode(replace(RECORD, outputs=tuple(outputs)), "blake3")
    shown = {"kind": "file", "digest": ONE, "size_bytes": 1, "is_executable": False}
    assert "output" in reason(changed(outputs=[{"path": path, **shown} for path in (first, second)]))


@pytest.mark.parametrize("version", ["0", "2", "10", "999999"])
def test_a_record_of_another_version_is_told_from_a_damaged_one(version: str) -> None:
    for rest in ("", " x", " blake3:" + ONE):
        found = decode(f"trun record {version}{rest}\n\0\xff".encode(), KEY)
        assert found == Flaw(reason=f"format {version}", is_foreign=True)


def test_a_huge_record_is_not_read() -> None:
    assert reason(bytes(SIZE_AT_MOST_BYTES + 1)) == "larger than 64 MiB"
    with pytest.raises(ValueError, match="larger than 64 MiB"):
        encode(replace(RECORD, by="x" * SIZE_AT_MOST_BYTES), "blake3")


def test_a_long_number_is_not_read() -> None:
    assert reason(sealed(b'{"key": ' + b"1" * 100_000 + b"}")) == "not readable"


@pytest.mark.parametrize(
    "record",
    [
        replace(RECORD, key="x"),
        replace(RECORD, log="x"),
        replace(RECORD, made_at=float("nan")),
        replace(RECORD, outputs=(Made(path="x"),)),
        replace(RECORD, outputs=(Made(path="x", kind="link", target="y", digest=ONE),)),
        replace(RECORD, outputs=(Made(path="x", kind="folder", is_executable=True),)),
        replace(RECORD, outputs=(Made(path="x", digest=ONE, target="y"),)),
    ],
)
def test_what_would_not_be_believed_is_not_written(record: Record) -> None:
    with pytest.raises(ValueError, match=r"."):
        encode(record, "blake3")
