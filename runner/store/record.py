"""A record to bytes and back: JSON that a person can read, below one line that proves it whole."""

from __future__ import annotations

from runner.digest import ALGORITHMS, hasher, is_digest
from runner.noun import noun
from runner.result import Made, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Final

FORMAT: Final = "1"
HEAD: Final = b"trun record "
HEAD_AT_MOST_BYTES: Final = 128
SIZE_AT_MOST_BYTES: Final = 64 << 20
NUMBER_AT_MOST: Final = 1 << 63
# No output lies there, whatever a record says. The file systems of some machines take `.GIT` for `.git`.
FORBIDDEN_PARTS: Final = frozenset({"", ".", "..", ".git", ".trun"})

# What a record has to say, and of which kind; a format that says more or less has another number.
FIELDS: Final = {
    "key": (str,),
    "task": (str,),
    "exit_code": (int,),
    "log": (str,),
    "log_bytes": (int,),
    "run": (str,),
    "by": (str,),
    "made_at": (float, int),
    "duration_s": (float, int),
    "outputs": (list,),
    "parts": (list,),
}
OUTPUT_FIELDS: Final[dict[str, dict[str, type]]] = {
    "file": {"path": str, "kind": str, "digest": str, "size_bytes": int, "is_executable": bool},
    "link": {"path": str, "kind": str, "target": str},
    "folder": {"path": str, "kind": str},
}


@noun
class Flaw:
    """Why bytes are no record. One that is `foreign` is another version's and may be sound: it is left alone."""

    reason: str
    is_foreign: bool = False


def blobs_of(record: Record) -> Iterator[tuple[str, int]]:
    """The digest and size of each blob that a record needs; one may come twice."""
    for made in record.outputs:
        if made.kind == "file":
            yield made.digest, made.size_bytes
    if record.log:
        yield record.log, record.log_bytes


def encode(record: Record, algorithm: str) -> bytes:
    """The bytes of a record: `trun record 1 <algorithm>:<digest of the rest>`, then JSON, an output a line.

    *Raises*: ValueError with the reason, for a record that would not be believed when it is read.
    *Why* by hand: `json` indents only in Python, ten times slower.
    """
    _check(record)
    from json.encoder import encode_basestring_ascii as quoted

    outputs = ",".join(f"\n  {_shown(made, quoted)}" for made in record.outputs)
    parts = ",".join(f"\n  [{quoted(label)}, {quoted(value)}]" for label, value in record.parts)
    body = f"""{{
 "key": {quoted(record.key)},
 "task": {quoted(record.task)},
 "exit_code": {record.exit_code:d},
 "log": {quoted(record.log)},
 "log_bytes": {record.log_bytes:d},
 "run": {quoted(record.run)},
 "by": {quoted(record.by)},
 "made_at": {float(record.made_at)!r},
 "duration_s": {float(record.duration_s)!r},
 "outputs": [{outputs}],
 "parts": [{parts}]
}}
""".encode()
    digest = hasher(algorithm)(body).hexdigest()
    data = b"%s%s %s:%s\n%s" % (HEAD, FORMAT.encode(), algorithm.encode(), digest.encode(), body)
    if len(data) > SIZE_AT_MOST_BYTES:
        raise ValueError("its record is larger than 64 MiB")
    return data


def decode(data: bytes, key: str) -> Record | Flaw:
    """The record that bytes hold, if they are sound and it is the one of that key; otherwise why not."""
    if len(data) > SIZE_AT_MOST_BYTES:
        return Flaw(reason="larger than 64 MiB")
    end = data.find(b"\n", 0, HEAD_AT_MOST_BYTES)
    if end < 0 or not data.startswith(HEAD):
        return Flaw(reason="not a record")
    version, _, proof = data[len(HEAD) : end].decode("ascii", "replace").partition(" ")
    if version != FORMAT and version.isdecimal() and version.isascii():
        return Flaw(reason=f"format {version}", is_foreign=True)
    body = data[end + 1 :]
    algorithm, _, digest = proof.partition(":")
    if version != FORMAT or algorithm not in ALGORITHMS or hasher(algorithm)(body).hexdigest() != digest:
        return Flaw(reason="not what its first line says")
    try:
        record = _record(_json(body))
        _check(record)
    except ValueError as error:
        return Flaw(reason=str(error))
    if record.key != key:
        return Flaw(reason="the record of another key")
    return record


def _shown(made: Made, quoted: Any) -> str:
    start = f'{{"path": {quoted(made.path)}, "kind": "{made.kind}"'
    if made.kind == "folder":
        return start + "}"
    if made.kind == "link":
        return f'{start}, "target": {quoted(made.target)}}}'
    executable = "true" if made.is_executable else "false"
    return f'{start}, "digest": "{made.digest}", "size_bytes": {made.size_bytes:d}, "is_executable": {executable}}}'


def _json(body: bytes) -> Any:
    from json import loads

    try:
        return loads(body.decode())
    except (ValueError, RecursionError):
        raise ValueError("not readable") from None


def _record(found: Any) -> Record:
    if type(found) is not dict or found.keys() != FIELDS.keys():
        raise ValueError("not the fields of a record")
    for name, kinds in FIELDS.items():
        if type(found[name]) not in kinds:
            raise ValueError(f"`{name}` is of the wrong kind")
    for name in ("made_at", "duration_s"):
        try:
            found[name] = float(found[name])
        except OverflowError:
            raise ValueError("a time that is none") from None
    found["outputs"] = tuple([_made(one) for one in found["outputs"]])
    found["parts"] = tuple([_part(one) for one in found["parts"]])
    return Record(**found)


def _made(found: Any) -> Made:
    fields = OUTPUT_FIELDS.get(found["kind"]) if type(found) is dict and type(found.get("kind")) is str else None
    if fields is None or found.keys() != fields.keys():
        raise ValueError("an output that is neither file, link nor folder")
    for name, kind in fields.items():
        if type(found[name]) is not kind:
            raise ValueError(f"`{name}` of an output is of the wrong kind")
    return Made(**found)


def _part(found: Any) -> tuple[str, str]:
    if type(found) is not list or len(found) != 2 or type(found[0]) is not str or type(found[1]) is not str:
        raise ValueError("a part that is no label and value")
    return found[0], found[1]


def _check(record: Record) -> None:
    """*Raises*: ValueError with what is wrong with a record, be it made here or read."""
    if not is_digest(record.key):
        raise ValueError("a key that is no digest")
    if record.log and not is_digest(record.log):
        raise ValueError("a log that is no digest")
    for number in (record.exit_code, record.log_bytes):
        if not -NUMBER_AT_MOST < number < NUMBER_AT_MOST:
            raise ValueError("a number out of range")
    for time_s in (record.made_at, record.duration_s):
        if time_s - time_s != 0:  # neither infinite nor NaN
            raise ValueError("a time that is none")
    if record.log_bytes < 0:
        raise ValueError("a negative size")
    for made in record.outputs:
        _check_output(made)
    _check_nesting(record.outputs)


def _check_output(made: Made) -> None:
    if not _is_path(made.path):
        raise ValueError(f"output `{made.path}`, which is no path below the root")
    if made.kind == "file":
        is_right = is_digest(made.digest) and 0 <= made.size_bytes < NUMBER_AT_MOST and not made.target
    else:
        is_right = not made.digest and not made.size_bytes and not made.is_executable
        is_right = is_right and (_is_text(made.target) if made.kind == "link" else not made.target)
    if not is_right:
        raise ValueError(f"output `{made.path}`, which is no {made.kind}")


def _is_path(path: str) -> bool:
    return FORBIDDEN_PARTS.isdisjoint(path.lower().split("/")) and _is_text(path)


def _is_text(text: str) -> bool:
    """Whether it names bytes, and no other text names the same: then it can be a path or the text of a link."""
    if text.isascii():
        return bool(text) and "\0" not in text
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape") == text and "\0" not in text
    except UnicodeEncodeError:
        return False


def _check_nesting(outputs: tuple[Made, ...]) -> None:
    """Nothing is recorded twice, nor below what is no folder."""
    if len({made.path for made in outputs}) != len(outputs):
        raise ValueError("an output that is there twice")
    solid = {made.path for made in outputs if made.kind != "folder"}
    known: set[str] = {""}
    for made in outputs:
        folder = made.path.rpartition("/")[0]
        while folder not in known:
            if folder in solid:
                raise ValueError(f"output `{made.path}` below `{folder}`, which is no folder")
            known.add(folder)
            folder = folder.rpartition("/")[0]
