"""All who are told of a run, as was asked: for people, for CI, for machines; and where their text goes."""

from __future__ import annotations

from runner.noun import noun
from runner.report.look import ci_of, look_of, mode_of
from runner.report.outlet import both_outlets, outlet_to_file
from runner.report.several import Several
from runner.report.spool import Spool
from runner.report.wording import Wording

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.report import Page, Reporter
    from runner.report.outlet import Outlet

STANDARD_OUTPUT = ("", "-")
# How one command without a tasks file is told.
RAW = "raw"


@noun
class Asked:
    """How a run is to be told.

    *Units*: `level` is 0, above for each `-v`, below for each `-q`. `json` is None, `-` for standard output, or a file.
    """

    environ: Mapping[str, str]
    version: str
    output: str | None = None
    color: str | None = None
    json: str | None = None
    level: int = 0
    is_plan: bool = False
    out_is_terminal: bool = False
    err_is_terminal: bool = False


def telling(asked: Asked, recorded: Reporter | None = None, out_fd: int = 1, err_fd: int = 2) -> Several:
    """Everybody who is to be told; it is recorded first. *Raises*: OSError if JSON cannot be written to its file."""
    spool = Spool()
    out, err = both_outlets(out_fd, err_fd, spool)
    outlets = [out] if out is err else [out, err]
    reporters: list[Reporter] = [] if recorded is None else [recorded]
    # Events for machines have standard output for themselves.
    has_machine = asked.json is not None and asked.json in STANDARD_OUTPUT
    if asked.json is not None:
        from runner.report.jsonl import JsonLines

        page = out if has_machine else outlet_to_file(asked.json, spool)
        if page not in outlets:
            outlets.append(page)
        reporters.append(JsonLines(page, asked.version))
    reporters.append(_people(asked, err if has_machine else out, err, spool))
    return Several(reporters, outlets, err, spool)


def _people(asked: Asked, out: Outlet, err: Outlet, spool: Spool) -> Reporter:
    if asked.output == RAW:
        from runner.report.raw import Raw

        return Raw(out, err, asked.level)
    is_terminal = asked.err_is_terminal if out is err else asked.out_is_terminal
    look = look_of(asked.environ, is_terminal, asked.color, out.size)
    words = Wording(look, asked.level)
    if asked.is_plan:
        from runner.report.planned import Planned

        return Planned(out, words)
    mode = "quiet" if asked.level < -1 else mode_of(asked.environ, asked.output)
    if mode in ("prefixed", "grouped", "errors") and look.is_live and asked.level >= 0:
        return _live(mode, words, out, spool)
    from runner.report.curtain import Curtain, Yielding

    curtain = Curtain(out, spool)
    curtains = [curtain] if out is err else [curtain, Curtain(err, spool)]
    if mode in ("full", "quiet"):
        return Yielding(_outspoken(mode, asked, words, curtains), curtains)
    return Yielding(_way(mode, asked, words, curtain, spool), curtains)


def _live(mode: str, words: Wording, out: Outlet, spool: Spool) -> Reporter:
    from runner.report.curtain import Curtain, Yielding
    from runner.report.live import Live
    from runner.report.screen import Screen

    screen = Screen(out, words.look.size)
    curtain = Curtain(screen, spool)
    return Live(Yielding(_way(mode, None, words, curtain, spool), [curtain]), screen, words)


def _way(mode: str, asked: Asked | None, words: Wording, page: Page, spool: Spool) -> Reporter:
    """The way that shows what tasks write on one page. On a terminal with a status there is no CI to command."""
    from runner.report.ci import Fenced, fold_of

    fold = fold_of(ci_of(asked.environ)) if asked is not None else None
    if mode == "prefixed":
        from runner.report.line import Lines

        return Lines(page if fold is None else Fenced(page, fold), words)
    from runner.report.group import Grouped

    return Grouped(page, spool, words, fold, only_bad=mode == "errors")


def _outspoken(mode: str, asked: Asked, words: Wording, pages: Sequence[Page]) -> Reporter:
    """The ways that keep standard output and standard error apart."""
    if mode == "quiet":
        from runner.report.quiet import Quiet

        return Quiet(pages[-1], words)
    from runner.report.ci import fold_of
    from runner.report.full import Full

    return Full(pages[0], pages[-1], words, fold_of(ci_of(asked.environ)))
