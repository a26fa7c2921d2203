"""All that a good run looked at; while none of it has moved, its answer stands.

A seal is derived: deleting it costs milliseconds, never correctness. It is one file for each line of words, below
`.trun/seals`, in three pieces: a head of lines for what is compared once, the paths, and for each path four numbers,
which `os.lstat` has to give again. *Why* numbers and no text: a hundred thousand texts take longer to make than the
files to be asked for.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Literal

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
# Numbers are read as the machine has them: a seal is of one machine.
_ORDER: Literal["little", "big"] = "little" if memoryview(b"\1\0").cast("h")[0] == 1 else "big"


class Seal:
    """What stands in a seal, but for paths and numbers.

    `words` is the line that was typed, `where` the folder it was typed in, from the root; `looks` are variables and
    terminals, by name and as they were; `secrets` variables by salted digests; `until` when it expires, 0 for never.
    """

    __slots__ = ("looks", "others", "secrets", "text", "until", "version", "where", "words")

    def __init__(self, words: Sequence[str], where: str, version: str) -> None:
        self.words = list(words)
        self.where = where
        self.version = version
        self.until = 0.0
        self.looks: dict[str, str] = {}
        self.secrets: dict[str, str] = {}
        self.others: list[tuple[str, str]] = []
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


def holds(words: Sequence[str], cwd: str, environ: Mapping[str, str], version: str) -> bytes | None:
    """The answer to a line of words, if there is one that still stands: what is to be written to standard output."""
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
    return _answer(root, lines[3:], body, environ)


def _answer(root: str, lines: Sequence[str], body: bytes, environ: Mapping[str, str]) -> bytes | None:
    count, length, until, text = lines[0].split(" ")
    if float(until) and float(until) < _now():
        return None
    for line in lines[1:]:
        kind, _, rest = line.partition(" ")
        label, _, said = rest.partition("=")
        if not _CHECKS[kind](root, label, said, environ):
            return None
    paths = body[: int(length)].decode("utf-8", "surrogateescape").split("\0")
    numbers = body[int(length) :]
    if len(paths) != int(count) or len(numbers) != WIDTH * int(count):
        return None
    os.chdir(root)
    if not _stand(paths, numbers):
        return None
    return bytes.fromhex(text)


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


def _stand(paths: list[str], numbers: bytes) -> bool:
    """Whether each path still gives its numbers."""
    if len(paths) < WORTH_A_FORK:
        return _all_stand(paths, numbers)
    lookers = min(LOOKERS_AT_MOST, _cpus())
    step = -(-len(paths) // lookers)
    children = []
    for start in range(step, len(paths), step):
        pid = os.fork()
        if pid == 0:
            found = 1
            try:
                found = not _all_stand(paths[start : start + step], numbers[start * WIDTH : (start + step) * WIDTH])
            finally:
                os._exit(found)
        children.append(pid)
    is_good = _all_stand(paths[:step], numbers[: step * WIDTH])
    for pid in children:
        is_good = os.waitpid(pid, 0)[1] == 0 and is_good
    return is_good


def _cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def _all_stand(paths: Iterable[str], numbers: bytes) -> bool:
    lstat = os.lstat
    table = memoryview(numbers).cast("q")
    columns = [table[at::NUMBERS].tolist() for at in range(NUMBERS)]
    try:
        for path, ctime_ns, mtime_ns, inode, size in zip(paths, *columns, strict=True):
            found = lstat(path)
            if (
                found.st_ctime_ns != ctime_ns
                or found.st_mtime_ns != mtime_ns
                or found.st_ino != inode
                or found.st_size != size
            ):
                return False
    except OSError:
        return False
    return True


def _sum(head: bytes, body: bytes) -> int:
    """A check of the head and of the body's length: of the body, each damage makes some path look moved."""
    return int.from_bytes(head, "big") % PRIME + len(body)


def write(root: str, seal: Seal, stamps: Mapping[str, str]) -> None:
    """Keep a seal; where it cannot be kept, nothing is lost.

    `stamps` are the tokens of `stamp` by path. One that covers more than `os.lstat` tells is compared as a text.
    """
    name = name_of(seal.words)
    if name is None:
        return
    plain: dict[str, list[int]] = {}
    for path, stamp in stamps.items():
        numbers = _numbers(stamp)
        if numbers is None:
            seal.others.append((path, stamp))
        else:
            plain[path] = numbers
    data = _encoded(seal, plain)
    beside = f"{root}/{FOLDER}/.{os.getpid()}"
    try:
        os.makedirs(f"{root}/{FOLDER}", exist_ok=True)
        with open(beside, "wb") as file:
            file.write(data)
        os.rename(beside, f"{root}/{FOLDER}/{name}")
    except OSError:
        pass


def _numbers(stamp: str) -> list[int] | None:
    """What is compared of a path, from its token: device, inode, mode, size, mtime, ctime."""
    parts = stamp.split(":")
    if len(parts) != 6 or ">" in stamp:
        return None
    _, inode, _, size, mtime_ns, ctime_ns = (int(part, 16) for part in parts)
    numbers = [ctime_ns, mtime_ns, inode, size]
    return numbers if all(-(1 << 63) <= number < 1 << 63 for number in numbers) else None


def _encoded(seal: Seal, plain: Mapping[str, Sequence[int]]) -> bytes:
    paths = "\0".join(plain).encode("utf-8", "surrogateescape")
    numbers = b"".join([number.to_bytes(8, _ORDER, signed=True) for numbers in plain.values() for number in numbers])
    lines = [ascii(seal.words), ascii(seal.where)]
    lines.append(f"{len(plain)} {len(paths)} {seal.until!r} {seal.text.hex()}")
    lines += [f"look {label}={said}" for label, said in seal.looks.items()]
    lines += [f"secret {label}={said}" for label, said in seal.secrets.items()]
    lines += [f"other {os.fsencode(path).hex()}={stamp}" for path, stamp in seal.others]
    head = "\n".join(lines).encode("utf-8", "surrogateescape")
    body = paths + numbers
    return f"{FORMAT} {seal.version} {_sum(head, body)}\n".encode() + head + b"\n\n" + body
