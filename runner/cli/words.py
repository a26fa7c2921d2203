"""Words to a Request: our own reading of a command line by the table of options.

| word | is |
|---|---|
| `--` | the end: what follows is the rest of the last target |
| `--help` | trun's, wherever it stands |
| another option after a target | the target's argument, if it declares one of that name or letter; else trun's |
| an option before the first target | trun's |
| a bare word after a target | its next positional argument, if one is open; else the next target |
| `NAME=VALUE` before the first target | a var of the file |

With `--exec` there are no targets and no vars, and what follows `--` is the command.

A value is the next word, or stands after `=`, or straight after a letter. One that begins with `-` needs `=`, so that a
forgotten value is noticed; a lone `-` does not, nor does a negative number for a numeric argument. A bool never takes
the next word. Of two values for one thing the last counts, unless it takes several.
"""

from __future__ import annotations

import posixpath

from runner.argument import ArgumentError
from runner.cli.line import SHOWN_AS, problem_of, variable_place
from runner.cli.options import ALL_CORES, LONG, VARIABLES, clashes, fields, value_of
from runner.cli.reading import Reading
from runner.cli.scan import Scan
from runner.cli.targets import stranger
from runner.error import SHOWN_AT_MOST, Problem, Refusal
from runner.noun import noun, replace
from runner.request import Request, Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final

    from runner.cli.scan import Spoken
    from runner.cli.targets import Names
    from runner.request import Ambient
    from runner.task import Project

# Verbs that must know what each target is given; the others can tell of a task without it.
RUNNING: Final = ("run", "plan", "why")
CUTS: Final = ("from_", "until")


@noun
class Where:
    """Which file a line points at, and through which profiles it is seen."""

    directory: str | None = None
    file: str | None = None
    profiles: tuple[str, ...] = ()


def locate(argv: Sequence[str], environ: Mapping[str, str], project: Project | None = None) -> Where:
    """Where the line points, as far as that is certain: without its tasks, what stands before the first target.

    A later `-C`, `--file` or `--profile` may be a target's own. Once the file is loaded, ask again with it: if the
    answer differs, load that one.
    """
    scan = Scan(argv, project)
    return _where(scan.said if project is not None else scan.said[: scan.certain], environ)


def candidate(argv: Sequence[str], environ: Mapping[str, str]) -> Where:
    """Where the line points if every option on it is trun's: to be tried where nothing else is found."""
    return _where(Scan(argv, None).said, environ)


def first_asked(argv: Sequence[str]) -> str | None:
    """`version`, `exec`, or `help` on a line without targets: what is answered without looking for a file."""
    scan = Scan(argv, None)
    early = _fields(scan.said[: scan.certain])
    if "help" in early:
        return None if scan.aims else "help"
    return "version" if "version" in early else "exec" if "is_exec" in early else None


def parse(argv: Sequence[str], project: Project | None, ambient: Ambient) -> Request:
    """What a line asks of a project; without one, its bare words are targets as they are.

    `ambient.cwd` is the folder where trun was started, whatever `-C` says. The verb is `help` or `version` where these
    are asked for; then nothing else that is wrong counts, but for an unknown target.

    *Raises*: Refusal with all that is wrong with the line and with the variables that stand in for its options.
    """
    scan = Scan(argv, project)
    said = _fields(scan.said)
    asks_help, asks_version = said.pop("help", False), said.pop("version", False)
    if asks_help:
        return _help(scan, said)
    if asks_version:
        return Request(**{**said, "verb": "version"})
    is_exec = "is_exec" in said
    problems = [*_fall_back(said, ambient.environ), *([] if is_exec else scan.strangers), *scan.problems]
    problems += _clashes(scan)
    if said.get("jobs") == ALL_CORES:
        said["jobs"] = ambient.cpus
    if is_exec:
        targets: tuple[Target, ...] = ()
        problems += _not_exec(scan)
    elif project is None or scan.names is None:
        targets = tuple(Target(name=aim.word, rest=aim.rest) for aim in scan.aims)
    else:
        problems += _cuts(scan, scan.names, said)
        reading = Reading(
            scan.line, project, replace(ambient, cwd=posixpath.join(ambient.cwd, said.get("directory", "")))
        )
        targets = _targets(scan, reading, said, problems)
    if problems:
        raise Refusal(*sorted(problems, key=_from_left_to_right))
    return Request(**said, targets=targets, vars={} if is_exec else scan.vars, command=scan.command)


def _not_exec(scan: Scan) -> list[Problem]:
    """What is wrong with a line that asks for one command without a tasks file."""
    hint = "the command stands after `--`"
    problems = [
        Problem(message="`--exec` takes no targets", place=scan.line.place(at), hint=hint) for at in scan.bare[:1]
    ]
    if not scan.command and scan.exec_at is not None:
        hint = "write it after `--`, as in `trun --exec --inputs a.c --outputs a.o -- cc -c a.c`"
        problems.append(Problem(message="`--exec` needs a command", place=scan.line.place(scan.exec_at), hint=hint))
    return problems


def _fields(said: Sequence[Spoken]) -> dict[str, Any]:
    return fields((spoken.option, spoken.value) for spoken in said)


def _where(said: Sequence[Spoken], environ: Mapping[str, str]) -> Where:
    made = _fields(said)
    _fall_back(made, environ)
    return Where(**{name: made[name] for name in ("directory", "file", "profiles") if name in made})


def _fall_back(made: dict[str, Any], environ: Mapping[str, str]) -> list[Problem]:
    """Fills in what variables say where the line says nothing; what is wrong with them."""
    problems = []
    for variable, name, _ in VARIABLES:
        text = environ.get(variable, "")
        if not name or not text or LONG[name].field in made:
            continue
        option = LONG[name]
        try:
            if option.repeatable:
                made[option.field] = tuple(text.replace(",", " ").split())
            else:
                made[option.field] = value_of(option, text, variable)
        except ArgumentError as error:
            problems.append(problem_of(error, variable_place(variable, text)))
    return problems


def _help(scan: Scan, said: Mapping[str, Any]) -> Request:
    if scan.strangers:
        raise Refusal(*scan.strangers)
    names = [task.name for aim in scan.aims for task in aim.tasks] if scan.names else [aim.word for aim in scan.aims]
    return Request(**{**said, "verb": "help"}, targets=tuple(Target(name=name) for name in names))


def _clashes(scan: Scan) -> list[Problem]:
    told = [
        Problem(message=message, place=scan.line.place(scan.said[at].named_at))
        for at, message in clashes([spoken.option for spoken in scan.said])
    ]
    # One option with several values says the same for each.
    return [*dict.fromkeys(told)]


def _cuts(scan: Scan, names: Names, said: dict[str, Any]) -> list[Problem]:
    """Puts the names of tasks where `--from` and `--until` have aliases and globs; what is wrong with them."""
    problems: list[Problem] = []
    for field in CUTS:
        found: list[str] = []
        for spoken in scan.said:
            if spoken.option.field == field:
                tasks = names.find(spoken.value)
                found += [task.name for task in tasks]
                if not tasks:
                    near = scan.near(spoken.value) if len(problems) < SHOWN_AT_MOST else None
                    problems.append(stranger(spoken.value, scan.line.place(spoken.at, spoken.start), near))
        if found:
            said[field] = tuple(found)
    return problems


def _targets(scan: Scan, reading: Reading, said: dict[str, Any], problems: list[Problem]) -> tuple[Target, ...]:
    """The targets with their arguments; adds to the problems what is wrong with these."""
    for aim in scan.aims:
        for task in aim.tasks if aim.is_known else ():
            reading.take(task, aim)
    if said.get("verb", "run") in RUNNING:
        if not scan.aims and said.get("tags"):
            reading.take_all()
        elif not scan.aims and not reading.take_default():
            said["verb"] = "list"
        reading.demand()
    problems += reading.problems
    if reading.absent and (problems or not reading.can_ask):
        problems += reading.missing()
    return () if problems else reading.targets()


def _from_left_to_right(problem: Problem) -> tuple[bool, int]:
    place = problem.place
    return (True, 0) if place is None or place.file != SHOWN_AS else (False, place.column)
