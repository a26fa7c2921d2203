"""The command line from its words to an exit code."""

from __future__ import annotations

import os
import sys

from runner.error import EXIT_DONE, Refusal, refuse, render

# The words of a line whose answer can be remembered.
PLAIN_LIST = ("--list", "-l", "--all")
DOTENV_BYTES = 1 << 20

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.cli.words import Where
    from runner.manifest import Manifest
    from runner.request import Ambient, Request
    from runner.task import Project
    from runner.telling import Case, Ended


def enter(argv: Sequence[str], ambient: Ambient) -> Ended | int:
    """Do what the words ask for. The exit code, or how a run ended."""
    try:
        if not {"--list", "-l"}.isdisjoint(argv) and all(word in PLAIN_LIST for word in argv):
            return plain_list(argv, ambient)
        return answered(argv, ambient)
    except Refusal as refusal:
        print(painted(render(refusal.problems), ambient), file=sys.stderr)
        return refusal.exit_code


def plain_list(argv: Sequence[str], ambient: Ambient) -> int:
    """`--list` of the file above, and nothing else: from memory while the file has not moved."""
    from runner.cli.remembered import question, recall, remember
    from runner.config.load import find

    path = find(ambient.cwd, None, ambient.environ.get("TRUN_FILE") or None)
    looks = [ambient.environ.get(name) for name in ("NO_COLOR", "FORCE_COLOR", "TERM", "CI", "TRUN_PROFILE")]
    line = question(path, ["--all" in argv, columns(ambient), ambient.stdout_is_terminal, *looks])
    text = recall(path, line)
    if text is None:
        from runner.cli.listing import listing
        from runner.cli.words import parse

        project = opened(argv, ambient)
        request = parse(argv, project, ambient)
        text = listing(project, request, columns(ambient), color=has_colour(ambient, request))
        if not request.json and request.verb == "list":
            remember(path, line, text, ambient)
    print(text, end="")
    return EXIT_DONE


def version() -> int:
    """Print which trun this is."""
    from runner import __version__

    print(f"trun {__version__}")
    return EXIT_DONE


def opened(argv: Sequence[str], ambient: Ambient) -> Project:
    """The project that the words point at, seen through the profiles that they name."""
    from runner.cli.words import candidate, locate
    from runner.config.load import find, load

    where = locate(argv, ambient.environ)
    try:
        path = find(ambient.cwd, where.directory, where.file)
    except Refusal:
        # No file here; a `-C` behind a target may be what says where it is.
        where = candidate(argv, ambient.environ)
        path = find(ambient.cwd, where.directory, where.file)
    project = seen(load(path, ambient.cwd), where, ambient)
    again = locate(argv, ambient.environ, project)
    if again != where:
        path = find(ambient.cwd, again.directory, again.file)
        project = seen(load(path, ambient.cwd), again, ambient)
    return project


def seen(manifest: Manifest, where: Where, ambient: Ambient) -> Project:
    """The file through its profiles, with its dotenv files."""
    from runner.profile import declared, overlay

    return declared(
        manifest, overlay(manifest, where.profiles), os=ambient.os, dotenv=dotenvs(manifest, ambient.environ)
    )


def dotenvs(manifest: Manifest, environ: Mapping[str, str]) -> list[tuple[str, dict[str, str]]]:
    """The dotenv files that are there, the strongest first; they may name variables of the caller."""
    names = manifest.data.get("project", {}).get("dotenv", ())
    found = []
    for name in reversed([names] if isinstance(names, str) else names):
        try:
            with open(os.path.join(manifest.root, name), "rb") as file:
                data = file.read(DOTENV_BYTES + 1)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise refuse(f"`{name}` cannot be read: {error.strerror}") from None
        from runner.config.dotenv import parse

        if len(data) > DOTENV_BYTES:
            raise refuse(f"`{name}` has more than {DOTENV_BYTES >> 10:,} KiB")
        found.append((name, parse(data.decode("utf-8", "surrogateescape"), name, environ)))
    return found


def answered(argv: Sequence[str], ambient: Ambient) -> Ended | int:
    """What the words ask for; for help and the version no file has to be there."""
    from runner.cli.words import first_asked

    asked = first_asked(argv)
    if asked == "version":
        return version()
    if asked == "help":
        from runner.cli.app import show_help

        return show_help(ambient)
    if asked == "exec":
        from runner.cli.exec_ import case_on, done, why_of

        case = case_on(argv, ambient)
        return shown(why_of(case), case.request) if case.request.verb == "why" else done(case)
    return answer(argv, opened(argv, ambient), ambient)


def answer(argv: Sequence[str], project: Project, ambient: Ambient) -> Ended | int:
    """What the words ask of a project."""
    from runner.cli.words import parse

    request = parse(argv, project, ambient)
    if request.verb == "version":
        return version()
    if request.verb == "help":
        from runner.cli.help import task_help

        print(task_help(project, request.targets, columns(ambient) or 80))
        return EXIT_DONE
    if request.verb in ("cache", "runs", "log"):
        return looked_after(request, project, ambient)
    if request.verb == "lock":
        return locked(argv, ambient)
    if request.verb == "list" or not (request.targets or request.verb in ("show", "graph", "check", "clean")):
        from runner.cli.listing import listing

        return shown(listing(project, request, columns(ambient), color=has_colour(ambient, request)), request)
    return resolved(request, project, ambient)


def resolved(request: Request, project: Project, ambient: Ambient) -> Ended | int:
    """Verbs that need the graph."""
    from runner.check import check
    from runner.expand import Expansion
    from runner.select import select

    expansion = Expansion(project, ambient, request.vars)
    if request.verb == "check":
        from runner.cli.checking import checking

        text, code = checking(expansion, request)
        print(text, end="")
        return code
    selection = select(expansion, everything(request, project), check(expansion))
    if request.verb in ("run", "plan", "why", "clean"):
        from runner.telling import Case

        return judged(Case(request=request, expansion=expansion, selection=selection, ambient=ambient))
    from runner.cli.show import view

    return shown(view(request, expansion, selection, color=has_colour(ambient, request)), request)


def judged(case: Case) -> Ended | int:
    """Verbs that go by what was made before, and by what is there now."""
    from runner import run

    match case.request.verb:
        case "run":
            return run.run(case)
        case "plan":
            return run.plan(case)
    from runner.compose import kept

    keeping = kept(case.request, case.selection, case.expansion, case.ambient)
    try:
        if case.request.verb == "clean":
            from runner.cli.caching import cleaned

            return shown(cleaned(case, keeping), case.request)
        from runner.cli.why import why

        return shown(why(case, keeping, run.with_loop(case, keeping)), case.request)
    finally:
        keeping.close()


def locked(argv: Sequence[str], ambient: Ambient) -> int:
    """What is done with the lock. It is about the default profile, whatever `TRUN_PROFILE` says."""
    from runner.cli.lock import locking
    from runner.cli.words import parse
    from runner.noun import replace

    plain = {name: value for name, value in ambient.environ.items() if name != "TRUN_PROFILE"}
    ambient = replace(ambient, environ=plain)
    project = opened(argv, ambient)
    text, code = locking(parse(argv, project, ambient), project, ambient)
    print(text, end="")
    return code


def looked_after(request: Request, project: Project, ambient: Ambient) -> int:
    """What is kept of earlier runs, and in the cache."""
    from runner.premises import home

    if request.verb == "cache":
        from runner.cli.caching import caching

        text, code = caching(request, project, ambient)
        shown(text, request)
        return code
    from runner.cli.runs import run_list, show_logs

    if request.verb == "log":
        return show_logs(home(project.root), request, ambient)
    return shown(run_list(home(project.root), request), request)


def shown(text: str, request: Request) -> int:
    """Write what was looked at to standard output, or a document to the file that `--json` names."""
    if request.json in (None, "", "-"):
        print(text, end="")
        return EXIT_DONE
    try:
        with open(str(request.json), "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
    except OSError as error:
        raise refuse(f"`--json={request.json}` cannot be written: {error.strerror}") from None
    return EXIT_DONE


def everything(request: Request, project: Project) -> Request:
    """Without targets, a look tells of all tasks."""
    from runner.noun import replace
    from runner.request import Target

    if request.targets:
        return request
    return replace(request, targets=tuple(Target(name=name) for name in project.tasks))


def columns(ambient: Ambient) -> int:
    """How wide a page may be: as the terminal is; without one, as long as its lines are (0)."""
    if not ambient.stdout_is_terminal:
        return 0
    try:
        return os.get_terminal_size(1).columns
    except OSError:
        return 80


def has_colour(ambient: Ambient, request: Request) -> bool:
    """Whether what is looked at is coloured."""
    from runner.report.look import has_colour

    return has_colour(ambient.environ, ambient.stdout_is_terminal, request.color)


def painted(text: str, ambient: Ambient) -> str:
    """An error for a terminal: its first word stands out."""
    environ = ambient.environ
    wants = ambient.stderr_is_terminal and environ.get("TERM") != "dumb"
    if environ.get("NO_COLOR") or not (wants or environ.get("FORCE_COLOR")):
        return text
    lines = [f"\x1b[1;31merror\x1b[0m{line[5:]}" if line.startswith("error:") else line for line in text.split("\n")]
    return "\n".join(lines)
