"""The text of `tasks.lock`: a block for each task, read, compared, and written so that git can merge it.

A line of the text is a whole entry, so that the whole file can be looked through for what is none before the parser
sees it. *Why*: a file made to hurt a TOML parser has to be of another shape, and what a merge left behind is found with
its place.
"""

from __future__ import annotations

from runner.digest import hasher
from runner.error import Place
from runner.noun import noun
from runner.paths import value_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any, Final

    from runner.key import Part
    from runner.result import Made

    Pairs = tuple[tuple[str, str], ...]
    # Paths, each with what it is; or one digest over all of them.
    Files = Pairs | str
    # Blocks by task and platform.
    Blocks = dict[tuple[str, str], "Block"]

NAME: Final = "tasks.lock"
FORMAT: Final = 1
HEADER: Final = "# Made by trun; to be committed. What each task was made from, and what it made, by digests.\n"
SIZE_AT_MOST_BYTES: Final = 1 << 26
# More files than these are told by one digest.
FILES_AT_MOST: Final = 200
# Parts of a key that the world says, and not the file: told by one digest together.
WORLDLY: Final = ("env", "dotenv", "uses_env", "probe", "var")
TEXTS: Final = ("name", "platform", "definition", "variables")
TABLES: Final = ("inputs", "keys", "deps", "outputs")

# Patterns are compiled when they are needed: a run that finds all fresh needs none.
_STRING: Final = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|' + r"'[^']*+'"
_LINE: Final = (
    r"[ \t]*+(?:\[\[task\]\]|\[task\.(?:inputs|keys|deps|outputs)\]"
    rf"|(?:[A-Za-z0-9_-]++|{_STRING})[ \t]*+=[ \t]*+(?:{_STRING}|[0-9]{{1,9}}+))?[ \t]*+(?:\#.*+)?\r?"
)
_VERSION: Final = r"(?m)^version[ \t]*+=[ \t]*+([0-9]{1,9}+)[ \t]*+\r?$"
_TREE: Final = r"tree:[0-9]{1,9}:[0-9a-f]{64}"
_HEADS: Final = r"(?m)^[ \t]*+\[\[task\]\]"
_PLACE: Final = r"\(at line (\d+), column \d+\)"
# What git writes into a file that it could not merge.
_MARKS: Final = ("<<<<<<<", "|||||||", "=======", ">>>>>>>")
# A byte of a path that is no UTF-8, and the backslash that spells it out.
_ODD: Final = "[\\\\\udc80-\udcff]"
_SPELLED: Final = r"\\(\\|x[0-9a-f]{2})"


@noun
class Block:
    """What is locked of one task on one platform, "" for any.

    `definition` is a digest of what the file says of it, `variables` one over its variables and probes together. `keys`
    are the inputs that are one key of a file. What lies on disk is told by path: `inputs` as `Seen.value`, `outputs` as
    `paths.value_of`; more than 200 of them by one text.
    """

    name: str
    platform: str = ""
    definition: str = ""
    variables: str = ""
    inputs: Files = ()
    keys: Pairs = ()
    deps: Pairs = ()
    outputs: Files = ()


class LockError(Exception):
    """The file cannot be believed: why, and where. One of a later version may not be overwritten either."""

    def __init__(self, message: str, place: Place | None = None, *, is_future: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.is_future = is_future

    def __str__(self) -> str:
        where = f"{NAME}:{self.place.line}" if self.place is not None else NAME
        return f"`{where}` {self.message}"


def block_of(name: str, parts: Sequence[Part], inputs: Pairs, outputs: Iterable[Made], algorithm: str) -> Block:
    """The block of a task that has these ingredients and made this."""
    said: dict[str, list[tuple[str, str]]] = {}
    for part in parts:
        kind, _, rest = part.label.partition(" ")
        group = kind if kind in ("platform", "pick", "dep") else "variables" if kind in WORLDLY else "definition"
        # What is shown tells as much, and the ledger has it too.
        value = part.value if part.is_secret else part.shown
        said.setdefault(group, []).append((rest if kind in ("pick", "dep") else part.label, value))
    return Block(
        name=name,
        platform=said["platform"][0][1] if "platform" in said else "",
        definition=_digest(said.get("definition", ()), algorithm),
        variables=_digest(said["variables"], algorithm) if "variables" in said else "",
        inputs=listed(inputs, algorithm),
        keys=tuple(sorted((path, "v:" + _digest([("", value)], algorithm)) for path, value in said.get("pick", ()))),
        deps=tuple(sorted(said.get("dep", ()))),
        outputs=listed([(made.path, value_of(made)) for made in outputs], algorithm),
    )


def listed(files: Iterable[tuple[str, str]], algorithm: str) -> Files:
    """Files as they are locked: in order, or as one text where they are many."""
    pairs = tuple(sorted(files))
    if len(pairs) <= FILES_AT_MOST:
        return pairs
    return f"tree:{len(pairs)}:{_digest(pairs, algorithm)}"


def _digest(pairs: Iterable[tuple[str, str]], algorithm: str) -> str:
    """One digest over labels and values. Length-prefixed, so no two lists are one text."""
    text = "".join([f"{len(label)}:{label}{len(value)}:{value}" for label, value in sorted(pairs)])
    return hasher(algorithm)(text.encode("utf-8", "surrogatepass")).hexdigest()


def text_of(blocks: Iterable[Block]) -> str:
    """The file that holds these blocks: for the same blocks always the same bytes."""
    from tomli_w import dumps

    # Table by table: the writer would put a small one on one line.
    told = [HEADER, dumps({"version": FORMAT})]
    for block in sorted(blocks, key=lambda block: (block.name, block.platform)):
        told += ["\n[[task]]\n", dumps({name: value for name, value in _texts(block).items() if value})]
        for table in TABLES:
            files: Files = getattr(block, table)
            if files and not isinstance(files, str):
                entries = {_spelled(path): _spelled(value) for path, value in files}
                told += [f"\n[task.{table}]\n", dumps(entries)]
    return "".join(told)


def _texts(block: Block) -> dict[str, str]:
    trees = {name: files for name in TABLES if isinstance(files := getattr(block, name), str)}
    return {name: getattr(block, name) for name in TEXTS} | trees


def blocks_in(data: bytes) -> Blocks:
    """What a file holds. *Raises*: LockError for one of a later version, and for what trun would not have written."""
    import re

    if len(data) > SIZE_AT_MOST_BYTES:
        raise LockError(f"is larger than {SIZE_AT_MOST_BYTES >> 20} MiB, the most that is read")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise LockError("is not UTF-8", Place(file=NAME, line=line, column=1)) from None
    version = re.search(_VERSION, text)
    if version is not None and int(version[1]) > FORMAT:
        raise LockError(f"is of format {version[1]}, which a later version of trun wrote", is_future=True)
    _refuse_strange_lines(text)
    try:
        found = _loads(text)
    except ValueError as error:
        raise _unparsed(text, str(error)) from None
    if found.pop("version", None) != FORMAT:
        raise _at(text, 1, "does not say its version")
    return _blocks(text, found)


def _refuse_strange_lines(text: str) -> None:
    """*Raises*: LockError for the first line that trun would not write."""
    import re

    matches = re.compile(_LINE).fullmatch
    for number, line in enumerate(text.split("\n"), start=1):
        if matches(line) is None:
            is_merge = line.startswith(_MARKS)
            raise _at(text, number, "holds a merge that was not resolved" if is_merge else "is damaged")


def _loads(text: str) -> dict[str, Any]:
    # The compiled one first: same functions, less than half the time.
    try:
        from tomli import loads
    except ImportError:
        from tomllib import loads
    return loads(text)


def _unparsed(text: str, message: str) -> LockError:
    """What the parser complains of, with its place: `Cannot overwrite a value (at line 7, column 3)`."""
    import re

    found = re.search(_PLACE, message)
    # It names the character behind what is wrong, which is the end of its line.
    return _at(text, int(found[1]) if found else text.count("\n") + 1, "is damaged")


def _at(text: str, number: int, message: str) -> LockError:
    line = text.split("\n")[number - 1].rstrip("\r")
    return LockError(message, Place(file=NAME, line=number, column=1, width=max(1, len(line)), text=line))


def _blocks(text: str, found: dict[str, Any]) -> Blocks:
    tables = found.pop("task", [])
    if found or not isinstance(tables, list):
        raise _at(text, 1, f"has a strange `{next(iter(found), 'task')}`")
    made: Blocks = {}
    for at, table in enumerate(tables):
        block = _block(table)
        if block is None or (block.name, block.platform) in made:
            # Two sides of a merge may each have brought the same task.
            raise _at(text, _line_of(text, at), "is damaged" if block is None else f"has `{block.name}` twice")
        made[block.name, block.platform] = block
    return made


def _line_of(text: str, at: int) -> int:
    """The line where a block begins."""
    import re

    start = [match.start() for match in re.finditer(_HEADS, text)][at]
    return text.count("\n", 0, start) + 1


def _block(table: Mapping[str, Any]) -> Block | None:
    """A table as a block; None if it is none."""
    if not table.get("name") or not {*TEXTS, *TABLES}.issuperset(table):
        return None
    told: dict[str, Any] = {}
    for name, value in table.items():
        if name in TEXTS or (isinstance(value, str) and name in ("inputs", "outputs")):
            is_sound = isinstance(value, str) and (name in TEXTS or _is_tree(value))
            told[name] = value
        else:
            is_sound = isinstance(value, dict) and all(isinstance(text, str) for text in value.values())
            told[name] = tuple(sorted(_pairs(value))) if is_sound else ()
        if not is_sound:
            return None
    return Block(**told)


def _is_tree(value: str) -> bool:
    import re

    return re.fullmatch(_TREE, value) is not None


def _pairs(table: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for path, value in table.items():
        yield (_read(path), _read(value)) if "\\" in path or "\\" in value else (path, value)


def _spelled(text: str) -> str:
    """A text that UTF-8 can hold: bytes that are none are spelled out."""
    if text.isascii() and "\\" not in text:
        return text
    import re

    return re.sub(_ODD, lambda found: "\\\\" if found[0] == "\\" else f"\\x{ord(found[0]) - 0xDC00:02x}", text)


def _read(text: str) -> str:
    import re

    return re.sub(_SPELLED, lambda found: "\\" if found[1] == "\\" else chr(0xDC00 + int(found[1][1:], 16)), text)


def differences(locked: Block, now: Block) -> Iterator[str]:
    """What is not as locked, in words."""
    if locked.definition != now.definition:
        yield "what the tasks file says of it changed"
    if locked.variables != now.variables:
        yield "a variable or a probe tells something else"
    yield from _changed(locked.inputs, now.inputs, "input")
    yield from _changed(locked.keys, now.keys, "input")
    yield from _changed(locked.deps, now.deps, "dep")
    yield from _changed(locked.outputs, now.outputs, "output")


def _changed(locked: Files, now: Files, noun: str) -> Iterator[str]:
    if isinstance(locked, str) or isinstance(now, str):
        if locked != now:
            yield f"its {noun}s changed: {_count(now)}, {_count(locked)} when it was locked"
        return
    was, is_ = dict(locked), dict(now)
    for path in sorted({*was, *is_}):
        if was.get(path) != is_.get(path):
            gone = "is missing" if noun == "output" else "is gone"
            how = "is new" if path not in was else gone if path not in is_ else "changed"
            yield f"{noun} `{path}` {how}"


def _count(files: Files) -> str:
    told = files.split(":")[1] if isinstance(files, str) else ""
    count = int(told) if told else len(files)
    return f"{count:,} file{'s' * (count != 1)}"
