"""What a place can show, and how a run is told there: read from the environment that is handed in."""

from __future__ import annotations

from runner.report import Look, ordinary_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Literal

    Ci = Literal["github", "gitlab"]
    Mode = Literal["prefixed", "grouped", "errors", "full", "quiet"]

DUMB = ("", "dumb", "unknown")


def look_of(
    environ: Mapping[str, str],
    is_terminal: bool,
    color: str | None = None,
    size: Callable[[], tuple[int, int]] = ordinary_size,
) -> Look:
    """The look of standard output (or of standard error, if that is where people's text goes)."""
    return Look(
        is_terminal=is_terminal,
        is_live=is_terminal and environ.get("TERM", "") not in DUMB,
        has_colour=has_colour(environ, is_terminal, color),
        is_unicode=is_unicode(environ),
        size=size,
    )


def has_colour(environ: Mapping[str, str], is_terminal: bool, color: str | None = None) -> bool:
    """True if colours are wanted: the option decides, then `NO_COLOR`, then `FORCE_COLOR`, then the place.

    *Source*: no-color.org and force-color.org: present and not empty. CI systems that draw colours are places that
    have them.
    """
    if color in ("always", "never"):
        return color == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return environ["FORCE_COLOR"] not in ("0", "false")
    if is_terminal:
        return environ.get("TERM", "") not in DUMB
    return ci_of(environ) is not None


def is_unicode(environ: Mapping[str, str]) -> bool:
    """True if the locale is one of UTF-8. *Source*: POSIX: the first of these three that is set and not empty."""
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        if environ.get(name):
            return "utf8" in environ[name].lower().replace("-", "")
    # CI systems often set no locale at all and draw UTF-8 all the same.
    return ci_of(environ) is not None


def ci_of(environ: Mapping[str, str]) -> Ci | None:
    """The CI system whose folding marks are understood here, if any."""
    if environ.get("GITHUB_ACTIONS") == "true":
        return "github"
    if environ.get("GITLAB_CI"):
        return "gitlab"
    return None


def mode_of(environ: Mapping[str, str], asked: str | None) -> Mode:
    """How the run is told: as asked, else grouped in CI and prefixed everywhere else."""
    match asked:
        case "prefixed" | "grouped" | "errors" | "full" | "quiet":
            return asked
        case _:
            in_ci = environ.get("CI", "") not in ("", "0", "false") or ci_of(environ) is not None
            return "grouped" if in_ci else "prefixed"
