"""What was asked, and the world it was asked in: read once, then handed down."""

from __future__ import annotations

from runner.noun import noun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Literal

    from runner.seal import Standing

    Verb = Literal[
        "run",
        "plan",
        "list",
        "show",
        "graph",
        "check",
        "why",
        "runs",
        "log",
        "cache",
        "lock",
        "clean",
        "help",
        "version",
    ]
    # An argument's value as canonical text; several for `multiple`; None where it is unset.
    ArgValue = str | tuple[str, ...] | None


@noun
class Ambient:
    """The world: environment, folder, machine, clocks, terminals, and a way to ask the person in front of it.

    *Units*: `began` is when this process began to read anything, in seconds since the epoch. `words` are those that it
    was started with, `standing` what is known by them to be as a good run left it.
    """

    environ: Mapping[str, str]
    cwd: str
    os: str
    arch: str
    cpus: int
    clock: Callable[[], float]
    began: float = 0.0
    words: tuple[str, ...] | None = None
    standing: Standing | None = None
    memory_bytes: int = 0
    stdin_is_terminal: bool = False
    stdout_is_terminal: bool = False
    stderr_is_terminal: bool = False
    ask: Callable[[str], str] | None = None


@noun
class Target:
    """One target with the arguments that were typed after it."""

    name: str
    args: Mapping[str, ArgValue] = {}
    rest: tuple[str, ...] = ()


@noun
class Request:
    """What the command line asked for; None means that it said nothing, so the file or the default decides.

    *Units*: `timeout_s` in seconds. `keep_going` is the number of failures after which nothing new starts, 0 for no
    limit. `is_exec` asks for one `command` without a tasks file, and what stands from `inputs` to `stamp_dir` is of it.
    """

    verb: Verb = "run"
    targets: tuple[Target, ...] = ()
    vars: Mapping[str, str] = {}
    directory: str | None = None
    file: str | None = None
    profiles: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    from_: tuple[str, ...] = ()
    until: tuple[str, ...] = ()
    jobs: int | None = None
    keep_going: int | None = None
    force: bool = False
    no_cache: bool = False
    cache_mode: str | None = None
    yes: bool = False
    timeout_s: float | None = None
    output: str | None = None
    color: str | None = None
    json: str | None = None
    format: str | None = None
    all: bool = False
    cache: str | None = None
    lock: str | None = None
    is_exec: bool = False
    command: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    uses_env: tuple[str, ...] = ()
    pass_env: tuple[str, ...] = ()
    stamp_dir: str | None = None
    quiet: int = 0
    verbose: int = 0
