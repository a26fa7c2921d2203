"""Words to a Request: our own reading of a command line by the table of options.

| word | is |
|---|---|
| `--` | the end: what follows is the rest of the last target |
| `--help` | trun's, wherever it stands |
| another option after a target | the target's argument, if it declares one of that name or letter; else trun's |
| an option before the first target | trun's |
| a bare word after a target | its next positional argument, if one is open; else the next target |
| `NAME=VALUE` before the first target | a var of the file |

A value is the next word, or stands after `=`, or straight after a letter. One that begins with `-` needs `=` (a lone `-`
does not, nor does a negative number for a numeric argument), so a forgotten value is noticed. A bool takes none in the next word.
"""

from __future__ import annotations

import posixpath

from runner.argument import ArgumentError
from runner.cli.line import problem_of, variable_place
from runner.cli.options import ALL_CORES, LONG, VARIABLES, clashes, fields, value_of
from runner.cli.scan import Scan
from runner.cli.targets import Reading
from runner.error import Problem, Refusal, did_you_mean
from runner.noun import noun
from runner.request import Request, Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from runner.cli.scan import Spoken
    from runner.cli.targets import Aim
    from runner.request import Ambient
    from runner.task import Arg, Project, Task


@noun
class Where:
    """Which file a line points at, and through which profiles it is seen."""

    directory: str | None = None
    file: str | None = None
    profiles: tuple[str, ...] = ()


def locate(argv: Sequence[str], environ: Mapping[str, str], project: Project | None = None) -> Where:
    """Where the line points, as far as that is certain: without its tasks, what stands before the first target.

    A later `-C`, `--file` or `--profile` may be a target's own. Once the file is loaded, ask again with it: if the answer
    differs, load that one.
    """
    scan = Scan(argv, project)
    return _where(scan.said if project is not None else scan.said[: scan.certain], environ)


def candidate(argv: Sequence[str], environ: Mapping[str, str]) -> Where:
    """Where the line points if every option on it is trun's: to be tried where nothing else is found."""
    return _where(Scan(argv, None).said, environ)


def first_asked(argv: Sequence[str]) -> str | None:
    """`version`, or `help` on a line without targets: what is answered without looking for a file."""
    scan = Scan(argv, None)
    early = _fields(scan.said[: scan.certain])
    if "help" in early:
        return None if scan.aims else "help"
    return "version" if "version" in early else None


def parse(argv: Sequence[str], project: Project | None, ambient: Ambient) -> Request:
    """What a line asks of a project; without one, its bare words are targets as they are.

    `ambient.cwd` is the folder where trun was started, whatever `-C` says. The verb is `help` or `version` where these
    are asked for; then nothing else that is wrong counts, but for an unknown target.

    *Raises*: Refusal with all that is wrong with the line and with the variables that stand in for its options.
    """
    return _Answer(Scan(argv, project), project, ambient).request()


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


class _Answer:
    """Makes the Request of what a scan has found, or the Refusal."""

    def __init__(self, scan: Scan, project: Project | None, ambient: Ambient) -> None:
        self.scan = scan
        self.project = project
        self.ambient = ambient
        self.made = _fields(scan.said)
        self.is_help = self.made.pop("help", False)
        self.is_version = self.made.pop("version", False)
        cwd = posixpath.join(ambient.cwd, self.made.get("directory", ""))
        self.reading = Reading(scan.line, project, ambient, cwd) if project is not None else None

    def request(self) -> Request:
        """The request. *Raises*: Refusal."""
        if self.is_help:
            return self._help()
        if self.is_version:
            return Request(**{"verb": "version"})
        strange = _fall_back(self.made, self.ambient.environ)
        if self.made.get("jobs") == ALL_CORES:
            self.made["jobs"] = self.ambient.cpus
        for field in ("from_", "until"):
            self._resolve(field)
        named = self._named()
        targets = [self._target(task, aim) for task, aim in named]
        absent = self._absent(named, targets) if self.made.get("verb", "run") in RUNNING else []
        problems = [*strange, *self._found()]
        if absent and self.reading and (problems or not self._can_ask()):
            for at, arg in absent:
                problems.append(self.reading.missing(named[at][0], arg, named[at][1]))
        if problems:
            raise Refusal(*sorted(problems, key=_from_left_to_right))
        for at, arg in absent:
            targets[at] = self._asked(named[at][0], targets[at], arg)
        return Request(**self.made, targets=tuple(targets), vars=self.scan.vars)
