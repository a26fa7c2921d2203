"""A task's bytes as people may see them: whole lines, in colour, and nothing else that drives a terminal."""

from __future__ import annotations

import re

# A line that is longer is shown in pieces.
PIECE_BYTES = 64 * 1024
# How far back from a cut an escape sequence may have begun.
SEQUENCE_BYTES = 64
# How much of the colours in force is carried over to the next line.
COLOURS_BYTES = 64

RESET = b"\x1b[0m"
SAFE = bytes([9, 10, *range(32, 127)])
# What a C1 control is encoded as begins with this.
C1_LEAD = b"\xc2"

# The first group is a colour; all else is to be dropped. Every class of characters excludes what follows it, so
# matching is linear.
# *Source*: ECMA-48 5.4 (control sequences), 5.6 (strings), and xterm's habit to end a string with BEL.
DRIVES = re.compile(
    r"(\x1b\[[0-9;:]{0,48}m)"
    r"|\x1b\[[0-?]*[ -/]*[@-~]?"
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0a-\x1a\x1c-\x1f\x7f-\x9f]+"
)
COLOUR = re.compile(r"\x1b\[([0-9;:]*)m")
STRING = re.compile(r"\x1b[\]PX^_][^\x07\x1b]*\Z")
STRING_END = re.compile(r"\x07|\x1b\\")
OVERSTRUCK = re.compile(r"[^\x08\x1b]\x08")
UNFINISHED = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|[ -/]*)\Z")


def cleaned(data: bytes) -> str:
    """One line without colours and without anything else that drives a terminal."""
    return DRIVES.sub("", OVERSTRUCK.sub("", data.decode("utf-8", "replace")))


class Shown:
    """One stream of a node, as whole lines: feed it bytes in any pieces, get text to write.

    Bytes that are no UTF-8 show as U+FFFD. What a carriage return overwrote is left out. A line longer than
    `piece_bytes` comes in pieces, of which all but the first have `more` instead of `prefix` before them. The result
    does not depend on how the bytes were cut up.
    """

    def __init__(self, prefix: bytes, more: bytes, has_colour: bool, piece_bytes: int = PIECE_BYTES) -> None:
        self.prefix = prefix
        self.more = more
        self._keep = r"\1" if has_colour else ""
        self._piece_bytes = piece_bytes
        self._carry = bytearray()
        self._is_cut = False
        self._is_in_string = False
        self._colours = ""

    def feed(self, data: bytes) -> bytes:
        """The lines that are complete now."""
        end = data.rfind(b"\n") + 1
        if not end:
            self._carry += data
            return self._overlong() if len(self._carry) > self._piece_bytes else b""
        whole = bytes(self._carry) + data[:end] if self._carry else data[:end]
        self._carry = bytearray(data[end:])
        shown = self._lines(whole)
        return shown + self._overlong() if len(self._carry) > self._piece_bytes else shown

    def end(self) -> bytes:
        """The last line, if it has no newline at its end; the colours in force are forgotten."""
        rest = bytes(self._carry)
        self._carry.clear()
        # Many a progress bar ends by erasing itself: that is no line.
        shown = self._line(rest) if cleaned(rest.rstrip(b"\r").rpartition(b"\r")[2]) else b""
        self._is_cut = self._is_in_string = False
        self._colours = ""
        return shown

    def _lines(self, whole: bytes) -> bytes:
        if not (self._is_cut or self._colours) and self._is_plain(whole):
            return self.prefix + whole[:-1].replace(b"\n", b"\n" + self.prefix) + b"\n"
        return b"".join([self._line(line) for line in whole[:-1].split(b"\n")])

    def _is_plain(self, whole: bytes) -> bool:
        """True if the lines can be shown as they are: nearly always, so this may not look at each of them."""
        odd = whole.translate(None, SAFE)
        if odd:
            if min(odd) < 128 or C1_LEAD in whole:
                return False
            try:
                whole.decode()
            except UnicodeDecodeError:
                return False
        return len(whole) <= self._piece_bytes or max(map(len, whole.split(b"\n"))) <= self._piece_bytes

    def _line(self, line: bytes) -> bytes:
        """One complete line: the last thing that a terminal would show of it."""
        *overwritten, last = line.rstrip(b"\r").split(b"\r")
        # Only of what was too long to be held a part was shown before it was overwritten.
        begun = b"".join(self._pieces(segment)[0] for segment in overwritten if len(segment) > self._piece_bytes)
        pieces, rest = self._pieces(last)
        shown = begun + pieces + self._piece(rest)
        self._is_cut = self._is_in_string = False
        return shown

    def _overlong(self) -> bytes:
        """The pieces of a line that goes on; what a carriage return overwrote is forgotten at once."""
        # A carriage return at the end may be the first half of an end of line.
        held = bytes(self._carry)
        body = held.rstrip(b"\r")
        *overwritten, last = body.split(b"\r")
        begun = b"".join(self._pieces(segment)[0] for segment in overwritten if len(segment) > self._piece_bytes)
        pieces, rest = self._pieces(last)
        self._carry = bytearray(rest + (b"\r" if len(body) < len(held) else b""))
        return begun + pieces

    def _pieces(self, segment: bytes) -> tuple[bytes, bytes]:
        """All full pieces, and what is left."""
        shown = []
        while len(segment) > self._piece_bytes:
            cut = _cut(segment[: self._piece_bytes])
            shown.append(self._piece(segment[:cut]))
            segment = segment[cut:]
            self._is_cut = True
        return b"".join(shown), segment

    def _piece(self, data: bytes) -> bytes:
        prefix = self.more if self._is_cut else self.prefix
        text = self._visible(data.decode("utf-8", "replace"))
        if self._colours or "\x1b" in text:
            before, self._colours = self._colours, _colours_after(self._colours, text)
            return prefix + (before + text).encode() + RESET + b"\n"
        return prefix + text.encode() + b"\n"

    def _visible(self, text: str) -> str:
        if self._is_in_string:
            end = STRING_END.search(text)
            if end is None:
                return ""
            self._is_in_string = False
            text = text[end.end() :]
        if "\x08" in text:
            text = OVERSTRUCK.sub("", text)
        if "\x1b" in text:
            self._is_in_string = STRING.search(text) is not None
        return DRIVES.sub(self._keep, text)


def _cut(piece: bytes) -> int:
    """Where to cut so that no character and no escape sequence is torn, looking only at what comes before."""
    near = piece[-SEQUENCE_BYTES:]
    unfinished = UNFINISHED.search(near)
    if unfinished and unfinished.start() + len(piece) > len(near):
        return len(piece) - len(near) + unfinished.start()
    for back in range(1, min(4, len(piece))):
        byte = piece[-back]
        if byte >= 0xC0:
            needs = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(piece) - back if needs > back else len(piece)
        if byte < 0x80:
            break
    return len(piece)


def _colours_after(before: str, text: str) -> str:
    """The colours in force at the end of a line, as the sequences that set them."""
    for found in COLOUR.finditer(text):
        codes = found.group(1)
        if codes.strip("0;") == "":
            before = ""
        elif codes.startswith(("0;", ";")):
            before = found.group()
        elif len(before) + len(found.group()) <= COLOURS_BYTES:
            before += found.group()
        else:
            before = found.group()
    return before
