"""Pick the implementations that a request names, importing only those."""

from __future__ import annotations

from runner.noun import noun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Final

    from runner.execute.jobserver import Slots
    from runner.execute.local import Local as Executor
    from runner.expand import Expansion
    from runner.lock import Lock
    from runner.pattern.index import OutputIndex
    from runner.report.recorded import Recorded
    from runner.report.several import Several
    from runner.request import Ambient, Request
    from runner.select import Selection
    from runner.settle import Modes, Settle
    from runner.store.local import Local
    from runner.sweep import Sweep
    from runner.task import Cache, Node, Project
    from runner.tree.disk import Disk
    from runner.tree.memory import Memory

MODES_HINT: Final = "each of `local` and `remote` is `rw`, `r`, `w` or `off`"


def job_slots(jobs: int, style: str, ambient: Ambient, *, is_asked: bool) -> Slots:
    """As many slots as there are jobs, shared with what runs below as `style` says: auto, pipe, fifo or off.

    Below a make, or another trun, its slots are shared, unless a number `is_asked` for: so does make itself.
    """
    from runner.execute import jobserver

    if style == "off" or ambient.os == "windows":
        return jobserver.Slots(jobs)
    auth = None if is_asked else jobserver.outer(ambient.environ)
    if auth is not None:
        return jobserver.Joined(jobs, auth)
    if style == "auto":
        style = jobserver.best_style(ambient.environ)
    try:
        return jobserver.Jobserver(jobs, style, ambient.environ)
    except OSError:
        # No place for a fifo: what runs below has to do without.
        return jobserver.Slots(jobs)


def executor(ambient: Ambient, slots: Slots, *, is_exec: bool = False) -> Executor:
    """What runs the actions of a run. The output of a single command is watched from the start, to keep its order."""
    from runner.execute.local import UNWATCHED_S, Local

    return Local(ambient.environ, unwatched_s=0.0 if is_exec else UNWATCHED_S, jobserver_fds=slots.fds)


def found(root: str, producers: OutputIndex) -> Callable[[Node, str], tuple[str, ...]]:
    """Looks up what a node's `inputs` or `outputs` match, relative to its folder.

    An output that is named without a wildcard is one whether it is there or not.
    """

    def look(node: Node, which: str) -> tuple[str, ...]:
        import posixpath

        from runner.paths import wanted
        from runner.pattern import Globs
        from runner.tree.glob import find
        from runner.tree.ignore import Ignore

        if which == "outputs":
            paths: list[str] = []
            for glob in node.outputs:
                is_file = glob.is_literal and not glob.is_folder
                bases = [spelling.base for spelling in glob.spellings]
                paths += bases if is_file else [entry.path for entry in find(root, Globs((glob,)))]
        else:
            seen = wanted(node, producers)
            even = seen.even_ignored
            globs = node.inputs or node.files
            looked = find(root, globs, ignored=Ignore(root), leave_out=seen.leave_out, even_ignored=even)
            paths = [entry.path for entry in looked]
        return tuple(posixpath.relpath(f"/{path}", f"/{node.dir}") for path in dict.fromkeys(paths))

    return look


@noun
class Kept:
    """What lasts beyond a run: what was judged by, where it is kept, and since when the run goes on."""

    settle: Settle
    sweep: Sweep
    recorded: Recorded
    folder: str
    run: str
    begun: float
    clock: Callable[[], float]
    memory: Memory
    lock: Lock
    store: Local

    def close(self) -> list[str]:
        """Keep what was learnt; what went wrong with that, for warnings."""
        sources = self.settle.sources
        self.lock.close(self.settle)
        sources.tree.close()
        sources.ledger.close()
        self.store.close()
        return [*self.memory.troubles, *sources.ledger.troubles, *self.store.troubles, *self.lock.troubles]

    def tidy(self, cache: Cache, environ: Mapping[str, str]) -> None:
        """Have the cache collected by a process that nobody waits for, if that is due; told last of all."""
        from runner.store.gc import due

        folder, now_s = self.store.folder, self.clock()
        if due(folder, cache.max_size, now_s):
            from runner.store.later import start

            few = {name: environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in environ}
            start(folder, cache.max_size, cache.max_age, now_s, few)


def modes(request: Request, project: Project, ambient: Ambient, wanted: Sequence[str]) -> Modes:
    """How caches are used in a run."""
    from runner.settle import Modes

    local = cache_modes(request.cache_mode).get("local", "rw")
    is_off = request.no_cache or ambient.environ.get("TRUN_NO_CACHE", "").lower() not in ("", "0", "false")
    return Modes(
        reads="r" in local,
        writes="w" in local and not is_off,
        is_off=is_off,
        forced=frozenset(wanted if request.force else ()),
        failures=project.cache.failures,
        replays=request.is_exec,
    )


def cache_modes(text: str | None) -> dict[str, str]:
    """`local=rw,remote=r` as pairs. *Raises*: Refusal for what is none."""
    from runner.error import refuse

    found: dict[str, str] = {}
    for pair in text.split(",") if text is not None else ():
        name, _, how = pair.partition("=")
        if name not in ("local", "remote") or how not in ("rw", "r", "w", "off"):
            raise refuse(f"`--cache-mode` must be such as `local=rw,remote=r`, not `{text}`", None, MODES_HINT)
        found[name] = "" if how == "off" else how
    return found


def cache_folder(project: Project, ambient: Ambient) -> str:
    """Where the results of this machine are kept: as `TRUN_CACHE_DIR` says, else as the file does."""
    import os

    said = ambient.environ.get("TRUN_CACHE_DIR") or project.cache.dir
    if said == "~" or said.startswith("~/"):
        said = ambient.environ.get("HOME", "~") + said[1:]
    base = ambient.cwd if ambient.environ.get("TRUN_CACHE_DIR") else project.root
    return os.path.normpath(os.path.join(base, said))


def kept(request: Request, selection: Selection, expansion: Expansion, ambient: Ambient) -> Kept:
    """What a run, or a look at what it would do, goes by."""
    import os

    from runner.command import Commands
    from runner.ledger import Ledger
    from runner.premises import home, prepare
    from runner.report.recorded import Recorded
    from runner.settle import Settle, Sources
    from runner.store.local import Local
    from runner.sweep import Sweep
    from runner.tree.disk import Disk
    from runner.tree.memory import Memory

    project = expansion.project
    is_run = request.verb == "run"
    base = request.stamp_dir or project.root
    folder = prepare(base) if is_run else home(base)
    state = os.path.join(folder, "state")
    begun = ambient.clock()
    memory = Memory(os.path.join(state, f"digests.{project.cache.digest}"))
    tree = Disk(
        project.root,
        algorithm=project.cache.digest,
        memory=memory,
        clock_ns=lambda: int(ambient.clock() * 1e9),
        base=base,
    )
    cache = cache_folder(project, ambient) if request.stamp_dir is None else os.path.join(folder, "cache")
    store = Local(cache, algorithm=project.cache.digest, clock=ambient.clock)
    lock = lock_of(request, project, ambient, folder)
    sources = Sources(
        tree=tree,
        ledger=Ledger(os.path.join(state, ledger_name(project))),
        store=store,
        producers=selection.producers,
        clock=ambient.clock,
        pick=_picker(tree),
        veil=_veil(folder),
        standing=ambient.standing if is_run else None,
        lock=lock if is_default(project) else None,
    )
    how = modes(request, project, ambient, selection.wanted)
    settle = Settle(selection, Commands(expansion), sources, how)
    return Kept(
        settle=settle,
        sweep=Sweep(settle),
        recorded=Recorded(folder, project.settings.keep_runs),
        folder=folder,
        run=f"{int(begun * 1000):x}-{os.getpid():x}",
        begun=begun,
        clock=ambient.clock,
        memory=memory,
        store=store,
        lock=lock,
    )


def lock_of(request: Request, project: Project, ambient: Ambient, folder: str) -> Lock:
    """The lock of a project. A run keeps it current, unless it sees the file otherwise than all others do, or in CI."""
    from runner.lock import Lock, LockPlace

    is_ours = is_default(project) and not (project.profiles or request.vars or request.is_exec)
    place = LockPlace(
        root=project.root,
        folder=folder,
        platform=f"{ambient.os} {ambient.arch}",
        algorithm=project.cache.digest,
        is_run=request.verb == "run",
        is_ours=is_ours,
        in_ci=ambient.environ.get("CI", "") not in ("", "0", "false"),
    )
    return Lock(place, ambient.clock)


def is_default(project: Project) -> bool:
    """Whether this is the file of its folder that is taken when none is named."""
    return ledger_name(project) == "ledger"


def ledger_name(project: Project) -> str:
    """The name of the ledger: each tasks file of a folder has its own, since each knows other tasks."""
    import os

    name = os.path.basename(project.manifest.path)
    return "ledger" if name in ("tasks.toml", "tasks.yaml", "tasks.yml") else f"ledger.{name}"


def by(ambient: Ambient) -> str:
    """Who makes results now, and where: for those who find them later."""
    import os

    user = ambient.environ.get("USER") or ambient.environ.get("LOGNAME") or str(os.getuid())
    return f"{user}@{os.uname().nodename}"


def _veil(folder: str) -> Callable[[str, str], str]:
    """Makes of a secret what may be kept of it: a digest that only this project can make."""
    known: list[bytes] = []

    def veil(name: str, value: str) -> str:
        from runner.digest import hasher
        from runner.premises import salt

        if not known:
            known.append(salt(folder))
        told = f"{name}\0{value}".encode("utf-8", "surrogateescape")
        return "digest " + hasher("blake3")(known[0] + told).hexdigest()[:16]

    return veil


def _picker(tree: Disk) -> Callable[[str, str], str]:
    """Gives one key of a file, as a text."""

    def pick(file: str, key: str) -> str:
        from runner.tree.pick import picked

        return picked(tree, file, key)

    return pick


def reporter(request: Request, project: Project, ambient: Ambient, recorded: Recorded | None) -> Several:
    """All who are told of the run; it is recorded first. *Raises*: Refusal where events cannot be written to a file."""
    from runner import __version__
    from runner.error import refuse
    from runner.report.telling import Asked, telling

    asked = Asked(
        environ=ambient.environ,
        version=__version__,
        output=request.output or project.settings.output,
        color=request.color or project.settings.color,
        json=request.json,
        level=request.verbose - request.quiet,
        is_plan=request.verb == "plan",
        out_is_terminal=ambient.stdout_is_terminal,
        err_is_terminal=ambient.stderr_is_terminal,
    )
    try:
        return telling(asked, recorded)
    except OSError as error:
        raise refuse(f"`--json={request.json}` cannot be written: {error.strerror}") from None
