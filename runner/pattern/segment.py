"""One segment of a path as a pattern: matched in linear time, intersected, compared."""

from __future__ import annotations

from functools import lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final, TypeAlias, TypeVar

    Ranges: TypeAlias = tuple[tuple[int, int], ...]
    Token: TypeAlias = str | Ranges  # one character, or a set of them
    Part: TypeAlias = "str | Segment"
    _P = TypeVar("_P")
    _I = TypeVar("_I")

_LAST: Final = 0x10FFFF
ANY: Final[Ranges] = ((1, 46), (48, _LAST))  # every character that a name can hold: no NUL, no slash
STAR: Final[Ranges] = ()  # a run of them, in a flat list of tokens

# What no wildcard ever stands for, with all beginnings of it: the intersection walks along these.
NEVER: Final = frozenset({"", ".", "..", ".git", ".trun"})
_BEGUN: Final = frozenset({word[:end] for word in NEVER for end in range(len(word) + 1)})

_POSIX: Final[dict[str, Ranges]] = {
    "alnum": ((48, 57), (65, 90), (97, 122)),
    "alpha": ((65, 90), (97, 122)),
    "blank": ((9, 9), (32, 32)),
    "cntrl": ((0, 31), (127, 127)),
    "digit": ((48, 57),),
    "graph": ((33, 126),),
    "lower": ((97, 122),),
    "print": ((32, 126),),
    "punct": ((33, 47), (58, 64), (91, 96), (123, 126)),
    "space": ((9, 10), (13, 13), (32, 32)),
    "upper": ((65, 90),),
    "xdigit": ((48, 57), (65, 70), (97, 102)),
}


class PatternError(ValueError):
    """What is wrong with a pattern, as a message without a place, and perhaps a hint."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class Segment:
    """A segment with a wildcard: groups of tokens, between which any run of characters may stand."""

    __slots__ = ("_between", "groups", "head", "is_doubled", "is_plain", "is_suffix", "tail", "text")

    def __init__(self, text: str, groups: list[list[Token]]) -> None:
        self.text = text
        self.is_doubled = any(not group for group in groups[1:-1])  # `a**b`
        inner = [group for group in groups[1:-1] if group]
        self.groups = groups if len(groups) == 1 else [groups[0], *inner, groups[-1]]
        self.is_plain = len(groups) > 1 and all(type(token) is str for group in groups for token in group)
        self.head = _leading(self.groups[0])
        self.tail = _leading(self.groups[-1][::-1])[::-1]
        self._between = tuple("".join(map(str, group)) for group in inner) if self.is_plain else ()
        self.is_suffix = self.is_plain and not self.head and not inner  # `*.c`

    def __repr__(self) -> str:
        return f"Segment({self.text!r})"

    def matches(self, name: str) -> bool:
        """Whether the name has this form.

        *Why*: each group may take its leftmost place, since what lies between two of them is free. That is linear,
        where trying every place for `a*a*a*b` is not.
        """
        if not self.is_plain:
            return aligned(self.groups, name, _holds)
        at, end = len(self.head), len(name) - len(self.tail)
        if at > end or not name.startswith(self.head) or not name.endswith(self.tail):
            return False
        for text in self._between:
            found = name.find(text, at, end)
            if found < 0:
                return False
            at = found + len(text)
        return True

    def tokens(self) -> list[Token]:
        """The segment as one flat list."""
        flat: list[Token] = list(self.groups[0])
        for group in self.groups[1:]:
            flat += [STAR, *group]
        return flat


def aligned(groups: Sequence[Sequence[_P]], items: Sequence[_I], fits: Callable[[_P, _I], bool]) -> bool:
    """Whether the groups lie on the items in this order, the first at the start, the last at the end."""
    first, last = groups[0], groups[-1]
    at, end = len(first), len(items) - len(last)
    if len(groups) == 1:
        return end == 0 and all(map(fits, first, items))
    if at > end or not all(map(fits, first, items)) or not all(map(fits, last, items[end:])):
        return False
    for group in groups[1:-1]:
        while not all(map(fits, group, items[at : at + len(group)])) or at + len(group) > end:
            at += 1
            if at + len(group) > end:
                return False
        at += len(group)
    return True


@lru_cache(maxsize=4096)
def segment(text: str) -> Part:
    """The parsed segment: a plain name (escapes resolved) if it has no wildcard.

    *Raises*: PatternError for a class that is not closed, is empty or has an unknown name, and for a lone backslash.
    *Source*: classes as git's wildmatch.c reads them, POSIX names included.
    """
    groups: list[list[Token]] = [[]]
    at = 0
    while at < len(text):
        char = text[at]
        if char == "*":
            groups.append([])
            at += 1
        elif char == "?":
            groups[-1].append(ANY)
            at += 1
        elif char == "[":
            ranges, at = char_class(text, at)
            groups[-1].append(_narrow(ranges))
        else:
            char, at = _char(text, at)
            groups[-1].append(char)
    if len(groups) == 1 and all(type(token) is str for token in groups[0]):
        return "".join(map(str, groups[0]))
    return Segment(text, groups)


def char_class(text: str, at: int) -> tuple[Ranges, int]:
    """The characters of the class that opens at `at`, and where it ends."""
    opened = at
    at += 1
    is_negated = text[at : at + 1] in ("!", "^")
    at += is_negated
    ranges: list[tuple[int, int]] = []
    last = ""
    first = at
    while at == first or text[at : at + 1] != "]":
        if at >= len(text):
            raise PatternError(f"`[` is never closed in `{text}`", "write `\\[` for the character itself")
        posix, end = _posix(text, at)
        if posix is not None:
            ranges += posix
            last, at = "", end
        elif text[at] == "-" and last and text[at + 1 : at + 2] not in ("", "]"):
            high, at = _char(text, at + 1)
            ranges.append((ord(last), ord(high)))
            last = ""
        else:
            last, at = _char(text, at)
            ranges.append((ord(last), ord(last)))
    found = _others([*ranges, (47, 47)]) if is_negated else _others([*_others(ranges), (47, 47)])
    if not found:
        raise PatternError(f"`{text[opened : at + 1]}` stands for no character")
    return found, at + 1


def meet(a: Part, b: Part) -> bool:
    """Whether some name has both forms.

    *Why*: one walk through both at once; a second one only where both match a name that no wildcard stands for, so that
    `.g?t` and `.gi?` have nothing in common.
    """
    if isinstance(a, str):
        return a == b if isinstance(b, str) else a not in NEVER and b.matches(a)
    if isinstance(b, str):
        return b not in NEVER and a.matches(b)
    if not _ends_agree(a, b) or not _walk(a.tokens(), b.tokens()):
        return False
    shared = [word for word in NEVER if a.matches(word) and b.matches(word)]
    return not shared or _walk_past(a.tokens(), b.tokens())


def inside(a: Part, b: Part) -> bool:
    """Whether every name of the form `a` surely has the form `b`; False also where that is hard to tell."""
    if isinstance(b, str):
        return a == b
    if isinstance(a, str):
        return b.matches(a)
    return a.text == b.text or aligned(b.groups, a.tokens(), _covers)


def _walk(a: list[Token], b: list[Token]) -> bool:
    """Whether some text has both forms."""
    seen: set[tuple[int, int]] = set()
    todo = [(0, 0)]
    while todo:
        at = todo.pop()
        if at in seen:
            continue
        seen.add(at)
        i, j = at
        one = a[i] if i < len(a) else None
        other = b[j] if j < len(b) else None
        if one is None and other is None:
            return True
        if one == STAR:
            todo.append((i + 1, j))
        if other == STAR:
            todo.append((i, j + 1))
        if one is not None and other is not None and (one == other or _share(one, other)):
            todo.append((i + (one != STAR), j + (other != STAR)))
    return False


def _share(one: Token, other: Token) -> bool:
    if isinstance(one, str):
        return _holds(other or ANY, one)
    return _holds(one or ANY, other) if isinstance(other, str) else bool(_common(one or ANY, other or ANY))


def _walk_past(a: list[Token], b: list[Token]) -> bool:
    """The same for texts that are not in NEVER: `said` is how much of such a word has been said; None is none of it."""
    seen: set[tuple[int, int, str | None]] = set()
    todo: list[tuple[int, int, str | None]] = [(0, 0, "")]
    while todo:
        state = todo.pop()
        if state in seen:
            continue
        seen.add(state)
        i, j, said = state
        if i == len(a) and j == len(b) and said not in NEVER:
            return True
        if i < len(a) and a[i] == STAR:
            todo.append((i + 1, j, said))
        if j < len(b) and b[j] == STAR:
            todo.append((i, j + 1, said))
        if i < len(a) and j < len(b):
            following = (i + (a[i] != STAR), j + (b[j] != STAR))
            todo += [(*following, longer) for longer in _said(said, _common(_set(a[i]), _set(b[j])))]
    return False


def _said(said: str | None, ranges: Ranges) -> list[str | None]:
    """What can have been said after one more character: a beginning of a word of NEVER, or something else (None)."""
    if said is None:
        return [None] if ranges else []
    longer: list[str | None] = [word for word in _BEGUN if word[:-1] == said != word and _holds(ranges, word[-1])]
    if sum(high - low + 1 for low, high in ranges) > len(longer):
        longer.append(None)
    return longer


def _ends_agree(a: Segment, b: Segment) -> bool:
    heads = a.head.startswith(b.head) or b.head.startswith(a.head)
    return heads and (a.tail.endswith(b.tail) or b.tail.endswith(a.tail))


def _holds(token: Token, char: str) -> bool:
    if isinstance(token, str):
        return token == char
    code = ord(char)
    return any(low <= code <= high for low, high in token)


def _covers(token: Token, other: Token) -> bool:
    return other != STAR and _common(_set(token), _set(other)) == _set(other)


def _set(token: Token) -> Ranges:
    if isinstance(token, str):
        return ((ord(token), ord(token)),)
    return token or ANY


def _common(a: Ranges, b: Ranges) -> Ranges:
    pairs = [(max(low, other), min(high, end)) for low, high in a for other, end in b]
    return tuple(pair for pair in pairs if pair[0] <= pair[1])


def _others(ranges: Sequence[tuple[int, int]]) -> Ranges:
    """The complement, in order and without touching neighbours."""
    gaps = []
    low = 1
    for start, end in sorted(pair for pair in ranges if pair[0] <= pair[1]):
        if start > low:
            gaps.append((low, start - 1))
        low = max(low, end + 1)
    return (*gaps, (low, _LAST)) if low <= _LAST else tuple(gaps)


def _narrow(ranges: Ranges) -> Token:
    """`[x]` is just `x`."""
    (low, high), *more = ranges
    return chr(low) if low == high and not more else ranges


def _leading(tokens: Sequence[Token]) -> str:
    text = ""
    for token in tokens:
        if not isinstance(token, str):
            break
        text += token
    return text


def _char(text: str, at: int) -> tuple[str, int]:
    if text[at] != "\\":
        return text[at], at + 1
    if at + 1 == len(text):
        raise PatternError(f"the backslash that ends `{text}` escapes nothing", "write `\\\\` for the character itself")
    return text[at + 1], at + 2


def _posix(text: str, at: int) -> tuple[Ranges | None, int]:
    """The characters of `[:name:]`, if one begins here."""
    end = text.find("]", at + 2)
    if not text.startswith("[:", at) or end <= at + 2 or text[end - 1] != ":":
        return None, at
    name = text[at + 2 : end - 1]
    if name not in _POSIX:
        raise PatternError(f"`[:{name}:]` is no class of characters")
    return _POSIX[name], end + 1
