"""The file as written, with places."""

from __future__ import annotations

from runner.noun import noun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from runner.error import Place

    # ("tasks", "build", "deps", 1): keys and list indices from the top of the file.
    KeyPath = tuple[str | int, ...]


@noun
class Manifest:
    """A tasks file that is well formed and follows the schema; its places are looked up only when something is wrong.

    `root` is the absolute folder that the file is in, `shown` its name as a person would type it.
    """

    path: str
    root: str
    shown: str
    data: Mapping[str, Any]
    locate: Callable[[KeyPath, bool], Place | None]

    def key(self, *path: str | int) -> Place | None:
        """Where the key at the end of the path stands."""
        return self.locate(path, True)

    def value(self, *path: str | int) -> Place | None:
        """Where the value at the end of the path stands."""
        return self.locate(path, False)
