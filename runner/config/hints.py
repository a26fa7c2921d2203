"""What would make a wrong file right: the word that was most likely meant, the value as it should be written."""

from __future__ import annotations

from runner.config.naming import SHOWN_AT_MOST, shown
from runner.error import did_you_mean, nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Final

    from runner.config.accept import Compiler

# What other tools call it, where no likeness of spelling would lead to it.
ELSEWHERE: Final = {
    "cmds": "run",
    "command": "run",
    "commands": "run",
    "script": "run",
    "steps": "run",
    "sources": "inputs",
    "generates": "outputs",
    "targets": "outputs",
    "depends": "deps",
    "depends_on": "deps",
    "dependsOn": "deps",
    "dependencies": "deps",
    "needs": "deps",
    "description": "desc",
    "doc": "desc",
    "summary": "desc",
    "environment": "env",
    "cwd": "dir",
    "workdir": "dir",
    "aliases": "alias",
    "variables": "vars",
    "dotenv": "project.dotenv",
}
BOOLEANS: Final = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false"}
# Values that other tools have another word for.
OTHER_WORDS: Final = {
    "darwin": "macos",
    "osx": "macos",
    "mac": "macos",
    "win32": "windows",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "rw": "read-write",
    "ro": "read",
}


def for_key(key: str, schema: Mapping[str, Any], compiler: Compiler) -> str | None:
    """The hint for an unknown key: its name elsewhere, one table further down, or what is spelled alike."""
    known = schema.get("properties", {})
    if ELSEWHERE.get(key, "").partition(".")[0] in known:
        return f"did you mean `{ELSEWHERE[key]}`?"
    for above, below in known.items():
        if key in compiler.resolved(below).get("properties", {}):
            return f"did you mean `{above}.{key}`?"
    return did_you_mean(key, known)


def for_value(value: Any, schema: Mapping[str, Any], compiler: Compiler) -> str | None:
    """The hint for a wrong value, where it is plain what was meant."""
    kinds = compiler.table(schema).keys()
    if isinstance(value, str):
        return _for_text(value, schema, compiler)
    if isinstance(value, int | float) and not isinstance(value, bool) and str in kinds and dict not in kinds:
        # Of 3.10 only 3.1 is left.
        return f'put it in quotes: `"{value}"`' if isinstance(value, int) else "put it in quotes"
    return None


def rule(schema: Mapping[str, Any]) -> str | None:
    """What a schema says of itself, as a hint."""
    said = str(schema.get("description", "")).removesuffix(".")
    return said[:1].lower() + said[1:] if said else None


def _for_text(value: str, schema: Mapping[str, Any], compiler: Compiler) -> str | None:
    kinds = compiler.table(schema).keys()
    if "enum" in schema:
        known = [word for word in schema["enum"] if isinstance(word, str)]
        meant = OTHER_WORDS.get(value)
        found = meant if meant in known else nearest(value, known)
        return f'did you mean `"{found}"`?' if found else None
    if bool in kinds and value.lower() in BOOLEANS:
        return f"write `{BOOLEANS[value.lower()]}`, without quotes"
    if int in kinds and value.isdecimal():
        return f"write `{int(value)}`, without quotes"
    if list in kinds and len(value) <= SHOWN_AT_MOST:
        return f"write a list: `[{shown(value)}]`"
    return None
