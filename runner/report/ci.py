"""Folding in the logs of CI systems, and fences around what would command them."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from runner.report import Page
    from runner.report.look import Ci

    class Fold(Protocol):
        """How one CI system folds a part of a log."""

        def open(self, title: str, time: float) -> bytes:
            """What begins a part that is folded away. *Units*: `time` is seconds since the epoch."""

        def close(self, time: float) -> bytes:
            """What ends the part that was opened last."""

        def fence(self, lines: bytes) -> bytes:
            """Whole lines of a task, so that the CI system takes none of them for a command."""


def unguessable() -> str:
    """A word that no log can hold by accident or by intent."""
    return os.urandom(16).hex()


class GitHub:
    """GitHub Actions.

    *Source*: "Workflow commands for GitHub Actions", and the runner's ActionCommand.cs: after leading white space `::`
    begins a command, and the older `##[` does so anywhere in a line.
    """

    def __init__(self, token: Callable[[], str] = unguessable) -> None:
        self._token = token

    def open(self, title: str, time: float) -> bytes:
        """The line that begins a group."""
        escaped = title.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        return f"::group::{escaped}\n".encode("utf-8", "surrogateescape")

    def close(self, time: float) -> bytes:
        """The line that ends a group."""
        return b"::endgroup::\n"

    def fence(self, lines: bytes) -> bytes:
        """The lines, with commands stopped around each run of lines that would be some."""
        if b"::" not in lines and b"##[" not in lines:
            return lines
        told = []
        token = b""
        for line in lines.splitlines(keepends=True):
            if _commands_github(line) != bool(token):
                if token:
                    told.append(b"::%s::\n" % token)
                    token = b""
                else:
                    # A new one each time: what was shown once can be read by a task that runs later.
                    token = self._token().encode()
                    told.append(b"::stop-commands::%s\n" % token)
            told.append(line)
        if token:
            told.append(b"::%s::\n" % token)
        return b"".join(told)


class GitLab:
    """GitLab CI.

    *Source*: "Custom collapsible sections" in the GitLab documentation: names of letters, digits and `_.-`. A task's
    own sections are harmless in cleaned text, since their mark needs a carriage return and an erase sequence.
    """

    def __init__(self) -> None:
        self._opened = 0
        self._slug = ""

    def open(self, title: str, time: float) -> bytes:
        """The line that begins a section."""
        self._opened += 1
        letters = "".join(char if char.isascii() and char.isalnum() else "_" for char in title)
        # The number keeps apart what differs only in other characters.
        self._slug = f"trun_{self._opened}_{letters[:60]}"
        mark = f"\x1b[0Ksection_start:{int(time)}:{self._slug}[collapsed=true]\r\x1b[0K{title}\n"
        return mark.encode("utf-8", "surrogateescape")

    def close(self, time: float) -> bytes:
        """The line that ends a section."""
        return f"\x1b[0Ksection_end:{int(time)}:{self._slug}\r\x1b[0K\n".encode()

    def fence(self, lines: bytes) -> bytes:
        """The lines as they are."""
        return lines


class Fenced:
    """A page on which nothing that a task wrote commands the CI system."""

    def __init__(self, page: Page, fold: Fold) -> None:
        self._page = page
        self._fold = fold

    def write(self, data: bytes) -> None:
        """Write whole lines."""
        self._page.write(self._fold.fence(data))


def fold_of(ci: Ci | None) -> Fold | None:
    """How the CI system folds, if it is one that does."""
    match ci:
        case "github":
            return GitHub()
        case "gitlab":
            return GitLab()
        case _:
            return None


def _commands_github(line: bytes) -> bool:
    return b"##[" in line or line.decode("utf-8", "replace").lstrip().startswith("::")
