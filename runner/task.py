"""One task as declared, resolved and frozen; and all that a file declares."""

from __future__ import annotations

from runner.noun import noun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, NewType

    from runner.manifest import KeyPath, Manifest
    from runner.pattern import Glob, Globs
    from runner.request import ArgValue

    TaskName = NewType("TaskName", str)


@noun
class Script:
    """A text for the task's shell."""

    text: str


@noun
class Argv:
    """Words for the system, without a shell."""

    words: tuple[str, ...]


@noun
class File:
    """A script or query file, run by the interpreter for its ending."""

    path: str


@noun
class Call:
    """A step that is another task."""

    task: str
    args: Mapping[str, Any] = {}


if TYPE_CHECKING:
    Step = Script | Argv | File | Call


@noun
class Dep:
    """A task that must be done first: a name or a glob over names, with arguments."""

    task: str
    args: Mapping[str, Any] = {}
    path: KeyPath = ()


@noun
class Arg:
    """One declared argument: how it is typed on the command line, what is accepted, what the template gives.

    `default` is canonical text (several texts for `multiple`), None where there is none.
    """

    name: str
    type: str = "string"
    default: ArgValue = None
    required: bool = False
    choices: tuple[str, ...] = ()
    pattern: str | None = None
    min: float | None = None
    max: float | None = None
    help: str = ""
    short: str | None = None
    flag: str | None = None
    positional: bool = False
    multiple: bool = False
    env: str | None = None

    @property
    def option(self) -> str:
        """The long option as typed: `_` is `-` on the command line."""
        return "--" + self.name.replace("_", "-")


@noun
class When:
    """What must hold for the task to run; otherwise it is skipped, and says why.

    `env` maps a variable to the value that it must have, None for any.
    """

    os: tuple[str, ...] = ()
    arch: tuple[str, ...] = ()
    env: Mapping[str, str | None] = {}
    exists: tuple[str, ...] = ()
    cmd: str | None = None
    profile: tuple[str, ...] = ()


@noun
class Retry:
    """How often to try again after a failure, and when. *Units*: `delay_s` seconds, times `backoff` each time."""

    count: int = 0
    delay_s: float = 1.0
    backoff: float = 2.0
    exit_codes: tuple[int, ...] = ()


@noun
class Output:
    """One declared output, as written."""

    text: str
    keep: bool = False
    optional: bool = False


@noun
class Input:
    """One declared input, as written."""

    text: str
    ignored: bool = False


@noun
class Caching:
    """How results of a task are kept. `on` is None where the file does not say: then declared inputs decide."""

    on: bool | None = None
    remote: bool = True
    failures: bool = False
    logs: bool = True
    portable: bool = False


@noun
class Task:
    """One declaration after profiles and templates; `{{…}}` still stands in its texts.

    *Units*: `timeout_s` and `expires_s` seconds, `memory_bytes` bytes, `weight` job slots.
    """

    name: str
    path: KeyPath
    desc: str = ""
    aliases: tuple[str, ...] = ()
    hidden: bool = False
    tags: tuple[str, ...] = ()
    group: str | None = None
    steps: tuple[Step, ...] = ()
    body: str = "run"
    other_platforms: tuple[str, ...] = ()
    dir: str = ""
    shell: tuple[str, ...] = ("sh", "-eu", "-c")
    deps: tuple[Dep, ...] = ()
    dropped: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    env: Mapping[str, str] = {}
    uses_env: tuple[str, ...] = ()
    pass_env: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()
    args: Mapping[str, Arg] = {}
    when: When | None = None
    cache: Caching = Caching()
    expires_s: float | None = None
    in_place: bool = False
    timeout_s: float | None = None
    retry: Retry = Retry()
    allow_failure: bool = False
    detach: bool = False
    exclusive: bool = False
    pools: Mapping[str, int] = {}
    weight: int = 1
    priority: float = 0.0
    memory_bytes: int = 0
    interactive: bool = False
    confirm: str | None = None
    finally_: str | None = None
    disabled: str | None = None

    @property
    def is_cached(self) -> bool:
        """Whether its results are kept. A step that is another task has results of its own."""
        is_meant = bool(self.inputs) if self.cache.on is None else self.cache.on
        return is_meant and bool(self.steps) and not any(isinstance(step, Call) for step in self.steps)


@noun
class Settings:
    """The defaults that a file (with its profile) gives to flags of the same name."""

    jobs: int | None = None
    keep_going: int | None = None
    output: str | None = None
    color: str | None = None
    jobserver: str = "auto"
    keep_runs: int = 50


@noun
class Cache:
    """Where results are kept on this machine, and how many.

    *Units*: `max_size` in bytes, `max_age` in seconds.
    """

    dir: str = ".trun/cache"
    max_size: int = 10 * 10**9
    max_age: float = 30 * 86400.0
    digest: str = "blake3"
    failures: bool = False


@noun
class Project:
    """All that a tasks file declares, after profiles and templates.

    `env_layers` and `dotenv` are (where it is said, the values), strongest first.
    """

    manifest: Manifest
    root: str
    name: str = ""
    default: str | None = None
    shell: tuple[str, ...] = ("sh", "-eu", "-c")
    tasks: Mapping[str, Task] = {}
    vars: Mapping[str, str | Mapping[str, str]] = {}
    globs: Mapping[str, tuple[str, ...]] = {}
    env_layers: tuple[tuple[str, Mapping[str, str]], ...] = ()
    dotenv: tuple[tuple[str, Mapping[str, str]], ...] = ()
    pools: Mapping[str, int] = {}
    interpreters: Mapping[str, str] = {}
    settings: Settings = Settings()
    cache: Cache = Cache()
    outside: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    from_: tuple[str, ...] = ()
    until: tuple[str, ...] = ()

    def named(self, word: str) -> Task | None:
        """The task of that name or alias."""
        found = self.tasks.get(word)
        if found is not None:
            return found
        return next((task for task in self.tasks.values() if word in task.aliases), None)


@noun
class Node:
    """A task with its arguments: what the graph is made of; each runs at most once in a run.

    `even_ignored` are those of the inputs that count where git ignores them; `files` are those that count whole, and
    `picks` the others: a file and the one key in it that counts.
    `entries` are what declares the `outputs`, one for each of them.
    `dir` is relative to the root, "" for the root itself; `words` is what each name stands for in `{{…}}`, where that
    is known before the run.
    """

    name: str
    task: Task
    args: Mapping[str, ArgValue]
    rest: tuple[str, ...]
    dir: str
    words: Mapping[str, ArgValue]
    inputs: Globs
    even_ignored: Globs
    outputs: tuple[Glob, ...]
    files: Globs
    picks: tuple[tuple[str, str], ...] = ()
    entries: tuple[Output, ...] = ()
