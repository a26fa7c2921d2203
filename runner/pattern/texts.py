"""Texts in order, asked which of them begin one another."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Texts:
    """A set of texts that does not change."""

    __slots__ = ("_sorted",)

    def __init__(self, texts: Iterable[str]) -> None:
        self._sorted = sorted(texts)

    def near(self, text: str) -> Iterator[str]:
        """Those that the text begins with, and those that begin with it."""
        yield from self.leading_to(text)
        yield from (other for other in self.starting_with(text) if other != text)

    def count(self, text: str) -> int:
        """How many begin with the text, nearly."""
        return bisect_left(self._sorted, text + "\U0010ffff") - bisect_left(self._sorted, text)

    def starting_with(self, text: str) -> Iterator[str]:
        """Those that begin with the text, in order."""
        for at in range(bisect_left(self._sorted, text), len(self._sorted)):
            if not self._sorted[at].startswith(text):
                return
            yield self._sorted[at]

    def leading_to(self, text: str) -> Iterator[str]:
        """Those that the text begins with, longest first.

        *Why*: they all sort before it, and whatever sorts between the two begins in the same way. So the nearest one
        before the text either is one of them, or tells how much of the text can still matter: a few steps, however
        many texts there are.
        """
        while True:
            at = bisect_right(self._sorted, text) - 1
            if at < 0:
                return
            nearest = self._sorted[at]
            if not text.startswith(nearest):
                text = _shared(nearest, text)
                continue
            yield nearest
            if not nearest:
                return
            text = nearest[:-1]


def _shared(a: str, b: str) -> str:
    """The longest text that both begin with."""
    length = 0
    for one, other in zip(a, b, strict=False):
        if one != other:
            break
        length += 1
    return a[:length]
