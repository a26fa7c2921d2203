"""Variables that a shell text mentions, that its caller has set, and that a cached task does not see."""

from __future__ import annotations

import re

from runner.task import Script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from typing import Final

    from runner.task import Task

SHELLS: Final = ("sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "busybox")
# Words after which a command begins.
BEFORE_COMMANDS: Final = ("if", "then", "else", "elif", "while", "until", "do", "!", "{", "time", "exec", "command")
# Words whose arguments are names that get a value by them; after the others only `NAME=value` gives one.
GIVING: Final = ("read", "local", "unset")
DECLARING: Final = (*GIVING, "export", "readonly", "declare", "typeset")
LOOPS: Final = ("for", "select")
# What shells set themselves, whatever the caller has.
OWN: Final = ("PWD", "OLDPWD", "SHLVL", "PPID", "IFS", "OPTIND", "OPTARG", "LINENO", "RANDOM", "SECONDS", "UID", "EUID")
NAME: Final = "[A-Za-z_][A-Za-z0-9_]*"
# What a text is made of outside of double quotes; the names of the groups are those of the methods below.
OUTSIDE: Final = re.compile(
    rf"""(?P<quoted>\\.|\$'(?:\\.|[^'\\])*'|'[^']*')|(?P<double>")|(?P<mention>\$(?:\{{[#!]?)?(?P<name>{NAME}))"""
    rf"""|(?P<comment>(?<![^\s;&|(])\#[^\n]*)|(?P<here><<-?[ \t]*(?P<mark>['"\\]?)(?P<end>{NAME})['"]?)|(?P<line>\n)"""
    r"""|(?P<opened>\$?\()|(?P<closed>\))|(?P<command>[;&|])|(?P<blank>\s+|[<>]+)|(?P<plain>[^\s;&|()'"$\\<>]+|.)""",
    re.DOTALL,
)
INSIDE: Final = re.compile(
    rf"""(?P<quoted>\\.)|(?P<double>")|(?P<mention>\$(?:\{{[#!]?)?(?P<name>{NAME}))|(?P<opened>\$\()"""
    r"""|(?P<quoted2>[^"$\\]+|.)""",
    re.DOTALL,
)
ASSIGNED: Final = re.compile(rf"({NAME})(?:\[[^]]*\])?\+?=")
HINT: Final = "name them in `uses_env`, so that they are in its key, or in `pass_env`, so that they are not"


def unseen(text: str, visible: Collection[str], callers: Collection[str]) -> list[str]:
    """The names that a shell text mentions and that are not `visible`, though the caller has them; in their order.

    What it sets itself before it mentions it is left out, and so is what stands in single quotes. The scan is a simple
    one: it knows quotes, comments, here-documents, assignments and loops, and nothing of `eval`.
    """
    mentioned = Scan(text).mentioned
    return [name for name in mentioned if name in callers and name not in visible and name not in OWN]


def unseen_of(task: Task, visible: Collection[str], callers: Collection[str]) -> list[str]:
    """The same for all that a task hands to its shell; nothing where that is no shell of this kind."""
    if task.shell[0].rpartition("/")[2] not in SHELLS:
        return []
    texts = [step.text for step in task.steps if isinstance(step, Script)]
    texts += [*task.probes, *([task.finally_] if task.finally_ is not None else [])]
    return list(dict.fromkeys(name for text in texts for name in unseen(text, visible, callers)))


def told(names: Iterable[str]) -> str:
    """The sentence about such variables, to follow the name of the task."""
    listed = ", ".join(f"`${name}`" for name in names)
    return f"mentions {listed}, which you have set and a cached task does not see"


class Scan:
    """Reads a shell text once. `mentioned` holds the variables in their order, but for those that it had set before."""

    def __init__(self, text: str, *, is_body: bool = False) -> None:
        self.mentioned: dict[str, None] = {}
        self._given: set[str] = set()
        # What may come next: "command", "names" of what gives values, "declared", a "loop" variable, or "arguments".
        self._next = "arguments" if is_body else "command"
        self._word = ""
        # Below which parentheses and quotes this is: how it goes on after each.
        self._above: list[tuple[str, str, str]] = []
        self._is_inside = is_body
        self._is_body = is_body
        self._bodies: list[tuple[str, bool]] = []
        self._read(text)

    def _read(self, text: str) -> None:
        at = 0
        while at < len(text):
            match = (INSIDE if self._is_inside else OUTSIDE).match(text, at)
            assert match is not None, "BUG: every character is something"
            at = match.end()
            kind = match.lastgroup or ""
            if match["mention"]:
                self._mention(match["name"])
            elif match["double"]:
                self._double()
            elif kind == "line":
                self._end_of_command()
                at = self._after_bodies(text, at)
            else:
                self._token(match)
        self._end_of_word()

    def _token(self, match: re.Match[str]) -> None:
        found = match.groupdict()
        if found["opened"]:
            self._above.append(("inside" if self._is_inside else "outside", self._next, self._word))
            self._is_inside, self._next, self._word = False, "command", ""
        elif found["quoted"] or found.get("quoted2"):
            self._word += " "
        elif found["here"]:
            self._end_of_word()
            self._bodies.append((found["end"], bool(found["mark"])))
        elif found["closed"]:
            self._closed()
        elif found["command"]:
            self._end_of_command()
        elif found["plain"]:
            self._word += found["plain"]
        else:
            self._end_of_word()

    def _mention(self, name: str) -> None:
        if name not in self._given:
            self.mentioned.setdefault(name)
        self._word += " "

    def _double(self) -> None:
        if self._is_body:
            return
        self._word += "" if self._is_inside else " "
        self._is_inside = not self._is_inside

    def _closed(self) -> None:
        self._end_of_command()
        if self._above:
            where, self._next, self._word = self._above.pop()
            self._is_inside = where == "inside"
            self._word += " "

    def _after_bodies(self, text: str, at: int) -> int:
        """Where the text goes on after the here-documents that begin here."""
        for end, is_quoted in self._bodies:
            lines = []
            for line in text[at:].splitlines(keepends=True):
                at += len(line)
                if line.strip() == end:
                    break
                lines.append(line)
            if not is_quoted:
                for name in Scan("".join(lines), is_body=True).mentioned:
                    self._mention(name)
        self._bodies.clear()
        self._word = ""
        return at

    def _end_of_command(self) -> None:
        self._end_of_word()
        self._next = "command"

    def _end_of_word(self) -> None:
        word, self._word = self._word, ""
        if not word:
            return
        assigned = ASSIGNED.match(word)
        if self._next in ("command", "names", "declared") and assigned is not None:
            self._given.add(assigned[1])
        elif self._next == "command":
            self._next = _after(word)
        elif self._next in ("names", "loop"):
            self._given.add(word)
            self._next = "names" if self._next == "names" else "arguments"


def _after(word: str) -> str:
    """What may follow the first word of a command."""
    if word in BEFORE_COMMANDS:
        return "command"
    if word in DECLARING:
        return "names" if word in GIVING else "declared"
    return "loop" if word in LOOPS else "arguments"
