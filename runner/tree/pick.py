"""One key of a TOML, YAML or JSON file, as an input by itself."""

from __future__ import annotations

import os

from runner.error import refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    from runner.tree import Tree

SIZE_AT_MOST_BYTES: Final = 1 << 24


def picked(tree: Tree, path: str, key: str) -> str:
    """What stands at a dotted key of a file, as a text that no other value has.

    *Raises*: Refusal where there is no such file or key, or the file cannot be read as what its name says.
    """
    value = _parsed(path, _content(tree, path))
    for part in key.split("."):
        value = _below(value, part, path, key)
    import json

    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def _below(value: Any, part: str, path: str, key: str) -> Any:
    if isinstance(value, dict) and part in value:
        return value[part]
    if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
        return value[int(part)]
    raise refuse(f"`{path}` has no key `{key}`")


def _content(tree: Tree, path: str) -> bytes:
    try:
        with os.fdopen(tree.open(path), "rb") as file:
            data = file.read(SIZE_AT_MOST_BYTES + 1)
    except OSError as error:
        raise refuse(f"`{path}` cannot be read: {(error.strerror or str(error)).lower()}") from None
    if len(data) > SIZE_AT_MOST_BYTES:
        raise refuse(f"`{path}` is larger than {SIZE_AT_MOST_BYTES >> 20} MiB")
    return data


def _parsed(path: str, data: bytes) -> Any:
    try:
        text = data.decode("utf-8-sig")
        if path.endswith(".json"):
            import json

            return json.loads(text)
        if path.endswith(".toml"):
            import tomllib

            return tomllib.loads(text)
        from ruamel.yaml import YAML

        return YAML(typ="safe", pure=True).load(text)
    except (ValueError, RecursionError) as error:
        raise refuse(f"`{path}` cannot be read: {str(error).splitlines()[0]}") from None
    except Exception as error:
        # ruamel.yaml has no common ancestor for its errors that could be named without loading it.
        raise refuse(f"`{path}` cannot be read: {str(error).splitlines()[0]}") from None
