"""How a key path, a key and a value are called when a person is told about them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from runner.manifest import KeyPath

SHOWN_AT_MOST: Final = 40
# Tables whose entries have a word of their own.
ENTRIES: Final = {"tasks": "task", "templates": "template", "profiles": "profile"}


def name(path: KeyPath) -> str:
    """`timeout` of task `build`, an entry of `globs.rust`, the file: with its backticks, ready for a sentence."""
    owner, below = _owner(path)
    if below and isinstance(below[-1], int):
        if owner and isinstance(below[0], int):
            return f"a step of {name(owner)}"
        return f"an entry of {name((*owner, *_up_to_a_key(below)))}"
    if not owner:
        return f"`{dotted(below)}`" if below else "the file"
    told = f"{ENTRIES[str(owner[0])]} {shown_key(str(owner[1]))}"
    return f"`{dotted(below)}` of {told}" if below else told


def inside(path: KeyPath) -> str:
    """Where a key stands, after "unknown key `x`": in task `build`, in `project`; nothing for the top of the file."""
    return f" in {name(path)}" if path else ""


def dotted(path: KeyPath) -> str:
    """The keys of a path as they are written in a file, without the places in lists."""
    return ".".join(cut(part) if _is_bare(part) else f'"{cut(part)}"' for part in path if isinstance(part, str))


def shown(value: object) -> str:
    """A value as it is written in a file, or what it is where that would be long."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{cut(escaped)}"'
    if isinstance(value, list):
        return "a list"
    return "a table" if isinstance(value, dict) else str(value)


def shown_key(key: str) -> str:
    """A key in its backticks, also an empty one."""
    return f"`{cut(key)}`" if key else '`""`'


def cut(text: str) -> str:
    """The beginning of a long text."""
    return text if len(text) <= SHOWN_AT_MOST else text[:SHOWN_AT_MOST] + "…"


def _is_bare(key: str) -> bool:
    return key.replace("-", "").replace("_", "").isalnum()


def _owner(path: KeyPath) -> tuple[KeyPath, KeyPath]:
    if len(path) > 1 and path[0] in ENTRIES:
        return path[:2], path[2:]
    return (), path


def _up_to_a_key(path: KeyPath) -> KeyPath:
    while path and isinstance(path[-1], int):
        path = path[:-1]
    return path
