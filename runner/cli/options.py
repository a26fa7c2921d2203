"""Every option of trun, in one table: lines are read by it, typer's app and the help are made from it."""

from __future__ import annotations

import posixpath

from runner.argument import ArgumentError
from runner.error import did_you_mean
from runner.noun import noun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any, Final, Literal

    # flag: takes no value · value: needs one · values: all words up to the next option, or the one after `=`
    # optional: takes one only after `=` · number: the next word, if it is one
    Kind = Literal["flag", "value", "values", "optional", "number"]
    Section = Literal["run", "look", "keep"]

# What `-j` alone stands for until the machine is known.
ALL_CORES: Final = 0
# What `--json` alone stands for.
STANDARD_OUTPUT: Final = "-"
DIGITS_AT_MOST: Final = 9


@noun
class Option:
    """One option: how it is typed, and what it says in a Request.

    `sets` is what it says without a value; a flag that is `repeatable` counts, a value that is makes a tuple.
    `measure` is what its value is; `verb` is the verb of one whose value says more. `belongs_to` is the verb without
    which it says nothing. `later` is recognised, and refused.
    """

    names: tuple[str, ...]
    section: Section
    help: str
    letter: str = ""
    kind: Kind = "flag"
    metavar: str = ""
    field: str = ""
    sets: Any = True
    repeatable: bool = False
    measure: Literal["text", "number", "seconds"] = "text"
    choices: tuple[str, ...] = ()
    later_choices: tuple[str, ...] = ()
    belongs_to: str = ""
    verb: str = ""
    later: bool = False

    @property
    def name(self) -> str:
        """How it is named in messages: the long name, if it has one."""
        return self.names[0] if self.names else f"-{self.letter}"

    @property
    def typed(self) -> str:
        """How it is typed: letter, long names, value."""
        words = ([f"-{self.letter}"] if self.letter else []) + ["/".join(self.names)] * bool(self.names)
        return ", ".join(words) + self.typed_value

    @property
    def typed_value(self) -> str:
        """What stands after its name."""
        if self.kind == "flag":
            return ""
        shapes = {"value": " {}", "values": " {}...", "optional": "[={}]", "number": " [{}]"}
        return shapes[self.kind].format(self.metavar)


def _run(*names: str, help: str = "", **more: Any) -> Option:
    return Option(names=names, section="run", help=help, **more)


def _look(*names: str, help: str, **more: Any) -> Option:
    return Option(names=names, section="look", help=help, **more)


def _keep(*names: str, help: str, **more: Any) -> Option:
    return Option(names=names, section="keep", help=help, **more)


OPTIONS: Final[tuple[Option, ...]] = (
    _run("--jobs", letter="j", kind="number", metavar="N", field="jobs", sets=ALL_CORES, measure="number",
         help="run at most N jobs at once; without N, and by default, one per core"),
    _run("--keep-going", letter="k", kind="optional", metavar="N", field="keep_going", sets=0, measure="number",
         help="go on after a failure, until N tasks have failed"),
    _run("--plan", letter="n", field="verb", sets="plan", help="say what would run and why; run nothing"),
    _run("--profile", letter="p", kind="value", metavar="P", field="profiles", repeatable=True,
         help="lay the profile P over the file; the last one wins"),
    _run("--choose", kind="value", metavar="S=B,B", repeatable=True, later=True, help="pick the branches of a stage"),
    _run("--tag", letter="t", kind="value", metavar="EXPR", field="tags", repeatable=True,
         help="only tasks whose tags fit; each further one narrows it"),
    _run("--affected", kind="optional", metavar="REF", later=True, help="only what changed against REF"),
    _run("--from", kind="value", metavar="T", field="from_", repeatable=True,
         help="leave out what lies before the task T"),
    _run("--until", kind="value", metavar="T", field="until", repeatable=True,
         help="leave out what lies after the task T"),
    _run("--force", letter="f", field="force", help="run the named targets anew, fresh or not"),
    _run("--no-cache", field="no_cache", help="run everything, and store nothing"),
    _run("--offline", later=True, help="use no remote"),
    _run("--cache-mode", kind="value", metavar="MODE", field="cache_mode",
         help="how the cache is used: local=rw, local=r, local=w or local=off"),
    _run("--strict-remote", later=True, help="a failure of the remote ends the run with 3"),
    _run("--execute", kind="optional", metavar="HOW", choices=("prefer", "require"), later=True,
         help="run tasks on the remote's engine"),
    _run("--watch", letter="w", later=True, help="run again when an input changes"),
    _run("--output", kind="value", metavar="HOW", field="output", help="how the output of tasks is told",
         choices=("prefixed", "grouped", "errors", "full", "quiet")),
    _run("--tui", "--no-tui", later=True, help="show the run on a full screen"),
    _run("--quiet", letter="q", field="quiet", repeatable=True, help="tell less; twice, less still"),
    _run("--verbose", letter="v", field="verbose", repeatable=True, help="tell more; twice, more still"),
    _run("--color", kind="value", metavar="WHEN", field="color", choices=("auto", "always", "never"),
         help="when to use colours"),
    _run("--json", kind="optional", metavar="FILE", field="json", sets=STANDARD_OUTPUT,
         help="events as JSON lines, or what is looked at as JSON, to standard output or FILE"),
    _run("--yes", letter="y", field="yes", help="answer yes to what tasks ask before they run"),
    _run(letter="C", kind="value", metavar="DIR", field="directory", repeatable=True, help="work as if started in DIR"),
    _run("--file", kind="value", metavar="FILE", field="file", help="take FILE instead of the nearest tasks file"),
    _run("--timeout", kind="value", metavar="T", field="timeout_s", measure="seconds",
         help="end the whole run after T, such as 30s or 10m"),
    _look("--list", letter="l", field="verb", sets="list", help="the tasks, with what they take"),
    _look("--all", field="all", belongs_to="list", help="with --list: the hidden tasks too"),
    _look("--show", field="verb", sets="show", help="the targets as resolved: command, folder, variables, files"),
    _look("--why", field="verb", sets="why", help="why each is fresh, would be restored, or would run"),
    _look("--graph", field="verb", sets="graph", help="what the targets need, as a graph"),
    _look("--format", kind="value", metavar="F", field="format", belongs_to="graph",
          help="with --graph: how it is drawn",
          choices=("tree", "mermaid", "dot", "json"), later_choices=("svg", "html")),
    _look("--report", kind="optional", metavar="FILE", later=True, help="one page about a run"),
    _look("--trace-events", kind="value", metavar="FILE", later=True, help="the run as Chrome trace events"),
    _look("--runs", field="verb", sets="runs", help="earlier runs; with targets, those that they were in"),
    _look("--log", field="verb", sets="log", help="the last logs of the targets"),
    _keep("--cache", kind="value", metavar="WHAT", field="cache", verb="cache", help="look after the local cache",
          choices=("stats", "list", "verify", "gc", "clear", "dir")),
    _keep("--lock", kind="value", metavar="WHAT", field="lock", verb="lock", help="look after tasks.lock",
          choices=("write", "check", "accept", "reset", "clean")),
    _keep("--clean", field="verb", sets="clean", help="remove what the last runs of the targets made"),
    _keep("--init", later=True, help="begin a tasks file"),
    _keep("--import", kind="value", metavar="FILE", later=True, help="begin a tasks file from what is there"),
    _keep("--check", field="verb", sets="check", help="check the file, and tell all that is wrong with it"),
    _keep("--fmt", kind="optional", metavar="check", choices=("check",), later=True, help="format the tasks file"),
    _keep("--schema", kind="optional", metavar="install", choices=("install",), later=True,
          help="the schema, for editors"),
    _keep("--completions", kind="value", metavar="SHELL", later=True, help="completion for a shell"),
    _keep("--mcp", later=True, help="serve the tasks to an MCP client"),
    _keep("--junit", kind="value", metavar="FILE", later=True, help="the run as a JUnit report"),
    _keep("--exec", field="is_exec", help="replay or run the command after --; no tasks file"),
    _keep("--inputs", kind="values", metavar="G", field="inputs", repeatable=True, belongs_to="exec",
          help="with --exec: what the command reads"),
    _keep("--outputs", kind="values", metavar="G", field="outputs", repeatable=True, belongs_to="exec",
          help="with --exec: what the command writes"),
    _keep("--uses-env", kind="values", metavar="N", field="uses_env", repeatable=True, belongs_to="exec",
          help="with --exec: variables that it sees, in its key"),
    _keep("--pass-env", kind="values", metavar="N", field="pass_env", repeatable=True, belongs_to="exec",
          help="with --exec: variables that it sees, not in its key"),
    _keep("--stamp-dir", kind="value", metavar="D", field="stamp_dir", belongs_to="exec",
          help="with --exec: the folder where all of it is kept"),
    _keep("--version", field="version", help="say which trun this is"),
    _keep("--help", letter="h", field="help", help="this text; with targets, what those take"),
)  # fmt: skip

LONG: Final[Mapping[str, Option]] = {name: option for option in OPTIONS for name in option.names}
LETTERS: Final[Mapping[str, Option]] = {option.letter: option for option in OPTIONS if option.letter}

# What goes with a command that no tasks file knows: these verbs, and no option that speaks of tasks or of a file.
EXEC_VERBS: Final = ("plan", "why")
OF_TASKS: Final = ("profiles", "tags", "from_", "until", "file", "output")

# What a run without the flag falls back to: variable, option, what it says.
VARIABLES: Final[tuple[tuple[str, str, str], ...]] = (
    ("TRUN_FILE", "--file", "as --file"),
    ("TRUN_PROFILE", "--profile", "as --profile, several with commas"),
    ("TRUN_JOBS", "--jobs", "as --jobs"),
    ("TRUN_CACHE_DIR", "", "where the cache is, whatever the file says"),
    ("TRUN_NO_CACHE", "", "as --no-cache, unless it is empty, 0 or false"),
    ("NO_COLOR", "", "no colours"),
    ("FORCE_COLOR", "", "colours also where there is no terminal"),
    ("CI", "", "grouped output, and no questions"),
)

EXIT_CODES: Final[tuple[tuple[str, str], ...]] = (
    ("0", "done"),
    ("1", "a task failed"),
    ("2", "the request or the file is wrong; nothing was run"),
    ("3", "a strict check failed"),
    ("130, 143, 129", "ended by SIGINT, SIGTERM or SIGHUP"),
    ("70", "a bug in trun"),
)


def value_of(option: Option, text: str, shown: str | None = None) -> str | int | float:
    """What the text after an option says; `shown` is how the option was named.

    *Units*: seconds for a duration.
    *Raises*: ArgumentError for a text that the option does not take.
    """
    shown = shown or option.name
    if option.measure == "number":
        return _number(shown, text)
    if option.measure == "seconds":
        return _seconds(shown, text)
    if text in option.later_choices:
        raise ArgumentError(f"`{shown} {text}` is not available yet in this version of trun")
    if option.choices and text not in option.choices:
        listed = ", ".join(f"`{choice}`" for choice in option.choices)
        raise ArgumentError(f"`{shown}` must be one of {listed}, not `{text}`", did_you_mean(text, option.choices))
    return text


def _number(shown: str, text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= DIGITS_AT_MOST and int(text) > 0:
        return int(text)
    raise ArgumentError(f"`{shown}` must be a number of at least 1, not `{text}`")


def _seconds(shown: str, text: str) -> float:
    from runner.declare import SECONDS

    number = text.rstrip("mshd")
    whole, dot, part = number.partition(".")
    digits = whole + part
    if (
        not (digits.isascii() and digits.isdigit() and whole and bool(part) == bool(dot))
        or len(digits) > DIGITS_AT_MOST
    ):
        number = ""
    scale = SECONDS.get(text[len(number) :])
    if not number or scale is None:
        raise ArgumentError(f"`{shown}` must be a duration such as `30s`, `10m` or `1.5h`, not `{text}`")
    if float(number) == 0:
        raise ArgumentError(f"`{shown}` must be longer than nothing, not `{text}`")
    return float(number) * scale


def is_number(word: str) -> bool:
    """Whether a word is a number: then it is never a task."""
    digits = word.lstrip("+-").replace(".", "", 1)
    return digits.isascii() and digits.isdigit()


def fields(said: Iterable[tuple[Option, Any]]) -> dict[str, Any]:
    """What options say together, by the Request's fields (and `help` and `version`); of two values the last counts."""
    made: dict[str, Any] = {}
    for option, value in said:
        if option.verb:
            made["verb"] = option.verb
        if option.field == "directory":
            # A second -C is taken from the first. Source: make and git.
            made["directory"] = posixpath.join(made.get("directory", ""), value)
        elif option.repeatable and option.kind == "flag":
            made[option.field] = made.get(option.field, 0) + 1
        elif option.repeatable:
            made[option.field] = (*made.get(option.field, ()), value)
        else:
            made[option.field] = value
    return made


def clashes(said: Sequence[Option]) -> Iterator[tuple[int, str]]:
    """Of the options said, those that cannot go with the others, and why."""
    verbs = [option for option in said if option.field == "verb" or option.verb]
    execs = [option for option in said if option.field == "is_exec"]
    owners = [*(verb.verb or verb.sets for verb in verbs), *("exec" for _ in execs)]
    for at, option in enumerate(said):
        if option in verbs and option is not verbs[0]:
            yield at, f"`{verbs[0].name}` and `{option.name}` do not go together"
        if execs and (option.field in OF_TASKS or (option in verbs and option.sets not in EXEC_VERBS)):
            yield at, f"`{execs[0].name}` and `{option.name}` do not go together"
        if option.belongs_to and option.belongs_to not in owners:
            yield at, f"`{option.name}` goes with `--{option.belongs_to}` only"
