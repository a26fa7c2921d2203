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

# What a control character begins, and the rest of a colour as the first group; all else is to be dropped. It begins
# with one class of characters, which makes searching fast; each class excludes what follows it, which makes it linear.
# *Source*: ECMA-48 5.4 (control sequences), 5.6 (strings), and xterm's habit to end a string with BEL.
DRIVES = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f](?:(?<=\x1b)(?:"
    r"(\[[0-9;:]{0,48}m)"
    r"|\[[0-?]*[ -/]*[@-~]?"
    r"|[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?"
    r"|[ -/]*[0-~]"
    r"))?"
)
COLOUR = re.compile(r"\x1b\[([0-9;:]{0,48})m")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
STRING = re.compile(r"\x1b[\]PX^_][^\x07\x1b]*\Z")
STRING_END = re.compile(r"\x07|\x1b\\")
OVERSTRUCK = re.compile(r"[^\x08\x1b\n]\x08")
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
        self._has_colour = has_colour
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
        if b"\r\n" in whole:
            whole = whole.replace(b"\r\n", b"\n")
        is_short = len(whole) <= self._piece_bytes or max(map(len, whole.split(b"\n"))) <= self._piece_bytes
        if self._is_cut or not is_short or b"\r" in whole:
            return b"".join([self._line(line) for line in whole[:-1].split(b"\n")])
        if not self._colours and _is_plain(whole):
            return self.prefix + whole[:-1].replace(b"\n", b"\n" + self.prefix) + b"\n"
        lines = self._visible(whole[:-1].decode("utf-8", "replace")).split("\n")
        return b"".join([self._coloured(self.prefix, line) for line in lines])

    def _line(self, line: bytes) -> bytes:
        """One complete line: the last thing that a terminal would show of it."""
        begun = b""
        if b"\r" in line or len(line) > self._piece_bytes:
            begun, line = self._begun(line.rstrip(b"\r"))
        shown = begun + self._piece(line)
        self._is_cut = self._is_in_string = False
        return shown

    def _begun(self, line: bytes) -> tuple[bytes, bytes]:
        """The full pieces of a line, and what is left.

        What a carriage return overwrote is shown only as far as it was too long to be held until then.
        """
        *overwritten, last = line.split(b"\r")
        begun = [self._pieces(segment)[0] for segment in overwritten if len(segment) > self._piece_bytes]
        pieces, rest = self._pieces(last)
        return b"".join(begun) + pieces, rest

    def _overlong(self) -> bytes:
        """The pieces of a line that goes on; what a carriage return overwrote is forgotten at once."""
        held = bytes(self._carry)
        # A carriage return at the end may be the first half of an end of line.
        body = held.rstrip(b"\r")
        begun, rest = self._begun(body)
        self._carry = bytearray(rest + (b"\r" if len(body) < len(held) else b""))
        return begun

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
        if not (self._colours or self._is_in_string or data.translate(None, SAFE)):
            return prefix + data + b"\n"
        text = data.decode("utf-8", "replace")
        if self._is_in_string:
            end = STRING_END.search(text)
            text = text[end.end() :] if end else ""
            self._is_in_string = end is None
        self._is_in_string = self._is_in_string or STRING.search(text) is not None
        return self._coloured(prefix, self._visible(text))

    def _visible(self, text: str) -> str:
        """The text without what drives a terminal."""
        if "\x08" in text:
            text = OVERSTRUCK.sub("", text)
        if self._has_colour and not CONTROL.search(COLOUR.sub("", text)):
            return text
        return DRIVES.sub(_colour_only if self._has_colour else "", text)

    def _coloured(self, prefix: bytes, text: str) -> bytes:
        """One line, in the colours that the one before left in force; they end with the line."""
        if self._colours or "\x1b" in text:
            before, self._colours = self._colours, _colours_after(self._colours, text)
            return prefix + (before + text).encode() + RESET + b"\n"
        return prefix + text.encode() + b"\n"


def _is_plain(lines: bytes) -> bool:
    """True if the lines can be shown as they are: nearly always, so this may not look at each of them."""
    odd = lines.translate(None, SAFE)
    if odd:
        if min(odd) < 128 or C1_LEAD in lines:
            return False
        try:
            lines.decode()
        except UnicodeDecodeError:
            return False
    return True


def _colour_only(found: re.Match[str]) -> str:
    rest = found.group(1)
    return "\x1b" + rest if rest else ""


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
    if text.startswith(("\x1b[0m", "\x1b[m"), text.rfind("\x1b")):
        return ""
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
