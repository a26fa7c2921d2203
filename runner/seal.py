"""All that a good run looked at; while none of it has moved, its answer stands.

A seal is derived: deleting it costs milliseconds, never correctness. It is one file for each line of words, below
`.trun/seals`, in three pieces: a head of lines for what is compared once, the paths, and for each path four numbers,
which `os.lstat` has to give again. *Why* numbers and no text: a hundred thousand texts take longer to make than the
files to be asked for.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAMES = ("tasks.toml", "tasks.yaml", "tasks.yml")
FOLDER = ".trun/seals"
FORMAT = "trun seal 1"
NAME_AT_MOST = 120
# What is compared of each path: ctime, mtime, inode, size. A change of mode or owner moves ctime too.
NUMBERS = 4
WIDTH = 8 * NUMBERS
# From so many paths on, two processes that look are faster than one.
WORTH_A_FORK = 6_000
LOOKERS_AT_MOST = 4
# A prime that fits a machine word, so that the head's digest costs one division.
PRIME = (1 << 61) - 1
NEWLINE = b"\n"
# With more that moved, knowing what did not saves little.
MOVED_AT_MOST = 500


class Seal:
    """What stands in a seal, but for paths and numbers.

    `words` is the line that was typed, `where` the folder it was typed in, from the root; `looks` are variables and
    terminals, by name and as they were; `secrets` variables by salted digests; `until` when it expires, 0 for never.
    `plain` are paths with the numbers they gave, of which the first `fixed` hold for all nodes; `others` those of which
    more is compared, as a text. `nodes` are keys and the paths that each hangs on.
    """

    __slots__ = (
        *("fixed", "looks", "nodes", "others", "plain", "secrets", "text", "until", "version", "where", "words"),
    )

    def __init__(self, words: Sequence[str], where: str, version: str) -> None:
        self.words = list(words)
        self.where = where
        self.version = version
        self.until = 0.0
        self.looks: dict[str, str] = {}
        self.secrets: dict[str, str] = {}
        self.fixed = 0
        self.plain: dict[str, list[int]] = {}
        self.others: dict[str, str] = {}
        self.nodes: dict[str, tuple[str, list[str]]] = {}
        self.text = b""


def name_of(words: Sequence[str]) -> str | None:
    """The name of the seal for a line; None for a line that has none."""
    name = "+".join(words) or "+"
    for char, code in (("%", "%25"), ("/", "%2f"), ("\0", "%00")):
        name = name.replace(char, code)
    return name if len(name) <= NAME_AT_MOST and not name.startswith(".") else None


def root_of(folder: str) -> str | None:
    """The folder of the nearest tasks file, if there is just one."""
    while True:
        found = sum(os.path.exists(f"{folder}/{name}") for name in NAMES)
        if found:
            return folder if found == 1 else None
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


class Standing:
    """What a seal says when it is looked at: its answer, if all stands; else which nodes still do.

    `keys` are those that nodes had, `watched` the places in `paths` of what each hangs on; `numbers` are what those
    gave, `moved` the places of those that do not give that any more. `others` were compared as texts, and all stand.
    """

    __slots__ = ("keys", "moved", "numbers", "others", "paths", "text", "watched")

    def __init__(self, text: bytes | None, moved: set[int], paths: list[str], numbers: bytes) -> None:
        self.text = text
        self.moved = moved
        self.paths = paths
        self.numbers = numbers
        self.others: dict[str, str] = {}
        self.keys: dict[str, str] = {}
        self.watched: dict[str, list[int]] = {}

    def stands(self, node: str, key: str) -> bool:
        """Whether nothing that a node hangs on has moved, and it has the key that it had."""
        return self.keys.get(node) == key and self.moved.isdisjoint(self.watched[node])

    def stamps(self, node: str) -> list[tuple[str, list[int]]]:
        """What a node hangs on, with the numbers that were seen."""
        table = memoryview(self.numbers).cast("q")
        return [(self.paths[at], table[at * NUMBERS : (at + 1) * NUMBERS].tolist()) for at in self.watched[node]]


def look_up(words: Sequence[str], cwd: str, environ: Mapping[str, str], version: str) -> Standing | None:
    """What the seal of a line of words says now; None where there is none that can be used."""
    name = name_of(words)
    root = root_of(cwd) if name is not None else None
    if root is None:
        return None
    try:
        fd = os.open(f"{root}/{FOLDER}/{name}", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(fd, "rb", buffering=0) as file:
            data = file.read()
    except (OSError, ValueError):
        return None
    head, _, body = data.partition(b"\n\n")
    lines = head.decode("utf-8", "surrogateescape").split("\n")
    if lines[0] != f"{FORMAT} {version} {_sum(head.partition(NEWLINE)[2], body)}":
        return None
    if lines[1:3] != [ascii(list(words)), ascii(cwd[len(root) :])]:
        return None
    found = _looked(root, lines[3:], body, environ)
    os.chdir(cwd)
    return found


def _looked(root: str, lines: Sequence[str], body: bytes, environ: Mapping[str, str]) -> Standing | None:
    count, length, fixed, until, text = lines[0].split(" ")
    is_good = True
    for line in lines[1:]:
        kind, _, rest = line.partition(" ")
        label, _, said = rest.partition("=")
        if not _CHECKS[kind](root, label, said, environ):
            if kind != "look" or label.startswith("TRUN_"):
                return None
            is_good = False
    table = int(length) + WIDTH * int(count)
    paths = body[: int(length)].decode("utf-8", "surrogateescape").split("\0")
    numbers = body[int(length) : table]
    if len(paths) != int(count) or len(numbers) != WIDTH * int(count):
        return None
    os.chdir(root)
    # What was read before anything was judged comes first, and the ledger last of it: others may have written there.
    if _moved(paths[: int(fixed)], numbers[: int(fixed) * WIDTH], 0):
        return None
    moved = _all_moved(paths, numbers)
    if moved is None or (float(until) and float(until) < _now()):
        return None
    if not moved and is_good:
        return Standing(bytes.fromhex(text), moved, paths, numbers)
    found = Standing(None, moved, paths, numbers)
    others = (line.removeprefix("other ").partition("=") for line in lines[1:] if line.startswith("other "))
    found.others = {bytes.fromhex(path).decode("utf-8", "surrogateescape"): said for path, _, said in others}
    for line in body[table:].decode("utf-8", "surrogateescape").split("\n")[:-1]:
        node, key, watched = line.split("\t")
        found.keys[node] = key
        found.watched[node] = [int(at) for at in watched.split()]
    return found


def _now() -> float:
    from time import time

    return time()


def _is_look(root: str, label: str, said: str, environ: Mapping[str, str]) -> bool:
    return look(label, environ) == said


def look(label: str, environ: Mapping[str, str]) -> str:
    """A variable, or whether a descriptor is a terminal, as one text."""
    if label.isdigit():
        try:
            return str(os.isatty(int(label)))
        except OSError:
            return "False"
    return ascii(environ.get(label))


def _is_secret(root: str, label: str, said: str, environ: Mapping[str, str]) -> bool:
    salt, _, digest = said.partition(":")
    return secret(label, bytes.fromhex(salt), environ) == digest


def secret(label: str, salt: bytes, environ: Mapping[str, str]) -> str:
    """The digest of a variable, or of all whose names begin with what stands before a `*`."""
    from hashlib import sha256

    names = [name for name in sorted(environ) if name.startswith(label[:-1])] if label.endswith("*") else [label]
    told = ascii([(name, environ.get(name)) for name in names])
    return sha256(salt + told.encode()).hexdigest()


def _is_other(root: str, label: str, said: str, environ: Mapping[str, str]) -> bool:
    from runner.stamp import stamp

    return stamp(os.path.join(root, bytes.fromhex(label).decode("utf-8", "surrogateescape"))) == said


_CHECKS = {"look": _is_look, "secret": _is_secret, "other": _is_other}


def _all_moved(paths: list[str], numbers: bytes) -> set[int] | None:
    """The paths that do not give their numbers any more; None where those are many."""
    if len(paths) < WORTH_A_FORK:
        found = _moved(paths, numbers, 0)
        return None if len(found) > MOVED_AT_MOST else set(found)
    step = -(-len(paths) // min(LOOKERS_AT_MOST, _cpus()))
    children = [
        _look_beside(paths[start : start + step], numbers[start * WIDTH : (start + step) * WIDTH], start)
        for start in range(step, len(paths), step)
    ]
    found = _moved(paths[:step], numbers[: step * WIDTH], 0)
    is_whole = True
    for pid, fd in children:
        with open(fd, "rb") as file:
            told = file.read().split()
        is_whole = os.waitpid(pid, 0)[1] == 0 and is_whole
        found += map(int, told)
    return set(found) if is_whole and len(found) <= MOVED_AT_MOST else None


def _look_beside(paths: list[str], numbers: bytes, start: int) -> tuple[int, int]:
    """A process that looks at some of the paths, and the descriptor on which it tells which have moved."""
    reads, writes = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writes)
        return pid, reads
    code = 1
    try:
        found = _moved(paths, numbers, start)
        os.write(writes, " ".join(map(str, found[: MOVED_AT_MOST + 1])).encode())
        code = 0
    finally:
        os._exit(code)


def _cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def _moved(paths: list[str], numbers: bytes, start: int) -> list[int]:
    """The paths that do not give their numbers any more, numbered from `start`."""
    lstat = os.lstat
    table = memoryview(numbers).cast("q")
    columns = [table[at::NUMBERS].tolist() for at in range(NUMBERS)]
    moved = []
    for at, (path, ctime_ns, mtime_ns, inode, size) in enumerate(zip(paths, *columns, strict=True), start):
        try:
            found = lstat(path)
        except OSError:
            moved.append(at)
            continue
        if (
            found.st_ctime_ns != ctime_ns
            or found.st_mtime_ns != mtime_ns
            or found.st_ino != inode
            or found.st_size != size
        ):
            moved.append(at)
    return moved


def _sum(head: bytes, body: bytes) -> int:
    """A check of the head and of the body's length: of the body, each damage makes some path look moved."""
    return int.from_bytes(head, "big") % PRIME + len(body)


def write(root: str, seal: Seal) -> None:
    """Keep a seal; where it cannot be kept, nothing is lost."""
    name = name_of(seal.words)
    if name is None:
        return
    beside = f"{root}/{FOLDER}/.{os.getpid()}"
    try:
        os.makedirs(f"{root}/{FOLDER}", exist_ok=True)
        with open(beside, "wb") as file:
            file.write(_encoded(seal))
        os.rename(beside, f"{root}/{FOLDER}/{name}")
    except OSError:
        pass


def numbers_of(stamp: str) -> list[int] | None:
    """What is compared of a path, from its token: of device, inode, mode, size, mtime, ctime the last four but one.

    None for one that covers more than `os.lstat` tells, or that is of nothing.
    """
    parts = stamp.split(":")
    if len(parts) != 6 or ">" in stamp:
        return None
    numbers = [int(parts[5], 16), int(parts[4], 16), int(parts[1], 16), int(parts[3], 16)]
    return numbers if all(-(1 << 63) <= number < 1 << 63 for number in numbers) else None


def _encoded(seal: Seal) -> bytes:
    place = {path: at for at, path in enumerate(seal.plain)}
    paths = "\0".join(seal.plain).encode("utf-8", "surrogateescape")
    flat = [number for numbers in seal.plain.values() for number in numbers]
    # Numbers are read as the machine has them: a seal is of one machine.
    numbers = b"".join([number.to_bytes(8, sys.byteorder, signed=True) for number in flat])
    nodes = [
        f"{node}\t{key}\t{' '.join([str(place[path]) for path in watched if path in place])}\n"
        for node, (key, watched) in seal.nodes.items()
    ]
    lines = [ascii(seal.words), ascii(seal.where)]
    lines.append(f"{len(seal.plain)} {len(paths)} {seal.fixed} {seal.until!r} {seal.text.hex()}")
    lines += [f"look {label}={said}" for label, said in seal.looks.items()]
    lines += [f"secret {label}={said}" for label, said in seal.secrets.items()]
    lines += [f"other {os.fsencode(path).hex()}={stamp}" for path, stamp in seal.others.items()]
    head = "\n".join(lines).encode("utf-8", "surrogateescape")
    body = paths + numbers + "".join(nodes).encode("utf-8", "surrogateescape")
    return f"{FORMAT} {seal.version} {_sum(head, body)}\n".encode() + head + b"\n\n" + body
