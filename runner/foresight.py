"""The tree as it would be once results had been brought back, for who asks what a run would do."""

from __future__ import annotations

from runner.paths import is_inside, value_of
from runner.tree import Seen, Sight

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.result import Made
    from runner.tree import Wanted


class Unforeseen(Exception):
    """What is not there yet cannot be told from its record alone."""


class Foreseen:
    """What restoring would make of the tree."""

    def __init__(self, gone: Iterable[str] = ()) -> None:
        self.gone_first = set(gone)
        self._made: dict[str, Made | None] = dict.fromkeys(self.gone_first)
        self._owned: list[str] = []

    def __bool__(self) -> bool:
        return bool(self._made or self._owned)

    def add(self, made: Iterable[Made], gone: Iterable[str], owned: Iterable[str]) -> None:
        """This will be there, that will not, and nothing else in these folders."""
        self._made.update(dict.fromkeys(gone))
        self._made.update({one.path: one for one in made})
        self._owned += owned

    def over(self, seen: Sight, wanted: Wanted) -> Sight:
        """What a look would see then. *Raises*: Unforeseen for a link, whose target may come later."""
        kept = [entry for entry in seen.entries if not self.replaces(entry.path)]
        for path, made in self._made.items():
            if made is not None and made.kind != "folder" and wanted.globs.matches(path) and not _is_out(path, wanted):
                if made.kind == "link":
                    raise Unforeseen(path)
                kept.append(Seen(path=path, value=value_of(made), stamp="", made=made))
        return Sight(entries=tuple(sorted(kept, key=lambda entry: entry.path)))

    def replaces(self, path: str) -> bool:
        """Whether what lies at a path now is not what would be there then."""
        return path in self._made or any(is_inside(path, folder) for folder in self._owned)


def _is_out(path: str, wanted: Wanted) -> bool:
    return wanted.leave_out is not None and wanted.leave_out.matches(path)
