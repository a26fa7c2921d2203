"""`--lock`: write, check, accept, reset and clean `tasks.lock`."""

from __future__ import annotations

from runner import run
from runner.argument import defaults, missing
from runner.check import check, refuse_unset
from runner.compose import by, is_default, kept
from runner.error import EXIT_DONE, EXIT_REFUSED, EXIT_STRICT, Problem, Refusal, refuse
from runner.expand import Expansion
from runner.forecast import foreseen
from runner.history import is_of
from runner.ledger import LastRun, LedgerError
from runner.lock import is_lockable
from runner.lockfile import NAME, LockError, block_of, differences
from runner.locks import NodeLock
from runner.noun import replace
from runner.outputs import Origin, Outputs
from runner.paths import made_of
from runner.plan import NEEDED
from runner.premises import prepare
from runner.report.wording import one_line
from runner.request import Target
from runner.select import select
from runner.settle import NeedsLoop, NoAsks, driven
from runner.telling import Case

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Final

    from runner.compose import Kept
    from runner.key import Key
    from runner.lockfile import Block, Blocks
    from runner.request import Ambient, Request
    from runner.settle import Asks
    from runner.task import Node, Project

BEGIN: Final = "`trun --lock write` begins one"
MEND: Final = "resolve what git could not merge, or write it anew with `trun --lock write`"
LATER: Final = "use the version of trun that wrote it, or a later one"


def locking(request: Request, project: Project, ambient: Ambient) -> tuple[str, int]:
    """What was done, or found, and the exit code. *Raises*: Refusal."""
    what = request.lock or "check"
    if what in ("write", "check", "clean"):
        _refuse_other_views(what, request, project)
    expansion = Expansion(project, ambient, request.vars)
    producers = check(expansion)
    lockable = [task.name for task in project.tasks.values() if is_lockable(expansion.outline(task))]
    targets = request.targets or tuple(Target(name=name) for name in lockable)
    _refuse_missing(targets, project, ambient)
    selection = select(expansion, replace(request, targets=targets), producers)
    case = Case(request=request, expansion=expansion, selection=selection, ambient=ambient)
    keeping = kept(request, selection, expansion, ambient)
    ways: Mapping[str, Callable[[Locking], tuple[str, int]]] = {
        "write": Locking.write,
        "check": Locking.check,
        "accept": Locking.accept,
        "reset": Locking.reset,
        "clean": Locking.clean,
    }
    try:
        return ways[what](Locking(case, keeping, lockable))
    except LockError as error:
        raise _refused(error, EXIT_STRICT if what == "check" else EXIT_REFUSED) from None
    except LedgerError as error:
        raise refuse(str(error)) from None
    finally:
        keeping.close()


def _refuse_other_views(what: str, request: Request, project: Project) -> None:
    """The lock is about the file as everybody sees it."""
    if project.profiles:
        raise refuse(f"`--lock {what}` is about the default profile, not `{'`, `'.join(project.profiles)}`")
    if request.vars:
        raise refuse(f"`--lock {what}` takes no vars: `{next(iter(request.vars))}` would be locked for everybody")
    if not is_default(project):
        raise refuse(f"`{NAME}` is about the tasks file that is found by itself, not `{project.manifest.shown}`")
    if what == "clean" and request.targets:
        raise refuse("`--lock clean` takes no targets", hint="`--lock reset` does")
    told = next((target for target in request.targets if target.args or target.rest), None)
    if told is not None:
        raise refuse(f"`--lock {what}` is about tasks without arguments, and `{told.name}` is given some")


def _refuse_missing(targets: Iterable[Target], project: Project, ambient: Ambient) -> None:
    for target in targets:
        task = project.tasks[target.name]
        absent = missing(task, {**defaults(task, ambient.environ), **target.args})
        if absent:
            raise refuse(f"task `{task.name}` needs `{absent[0].name}`")


def _refused(error: LockError, exit_code: int) -> Refusal:
    hint = LATER if error.is_future else MEND
    message = f"`{NAME}` {error.message}"
    return Refusal(Problem(message=message, place=error.place, hint=hint), exit_code=exit_code)


class Locking:
    """One thing to be done with a lock; `lockable` are all tasks that may be in it."""

    def __init__(self, case: Case, keeping: Kept, lockable: Sequence[str]) -> None:
        self.case = case
        self.kept = keeping
        self.lock = keeping.lock
        self.settle = keeping.settle
        self.graph = case.selection.graph
        self.project = case.expansion.project
        self.lockable = lockable
        self.is_all = not case.request.targets

    def write(self) -> tuple[str, int]:
        """Lock what is fresh of the targets and all that they need; what is not stays as it was in the lock."""
        refuse_unset(self.case.expansion, self.graph)
        prepare(self.project.root)
        verdicts = foreseen(self.graph, self.settle, run.with_loop(self.case, self.kept))
        # What is asked for by name is in the graph; of all the others it is told why they are missing.
        others = [task for task in self.project.tasks.values() if self.is_all and task.name not in self.graph.nodes]
        told = [f"left out {task.name}: its results expire" for task in others if task.is_cached and task.expires_s]
        known: dict[str, LastRun] = {}
        for name, node in self.graph.nodes.items():
            verdict = verdicts[name]
            if not node.task.is_cached:
                continue
            if node.task.expires_s is not None:
                told.append(f"left out {one_line(name)}: its results expire")
            elif not is_lockable(node):
                told.append(f"left out {one_line(name)}: it has arguments that are not the default ones")
            elif verdict.would != "fresh" or verdict.last is None:
                how = "it depends " * (verdict.would == "depends") + verdict.reasons[0]
                told.append(f"left out {one_line(name)}, which is not fresh: {one_line(how)}")
            else:
                known[name] = verdict.last
        self._written(lambda: self.lock.update(self.settle, known, anew=True))
        return "".join(f"{line}\n" for line in [*told, f"{NAME}: {_tasks(len(known))} locked"]), EXIT_DONE

    def _written(self, work: Callable[[], object]) -> None:
        try:
            work()
        except OSError as error:
            raise refuse(f"`{NAME}` cannot be written: {error.strerror}") from None

    def check(self) -> tuple[str, int]:
        """Compare what is locked with what lies there; nothing is run but what a plan would ask."""
        refuse_unset(self.case.expansion, self.graph)
        blocks = self.lock.read()
        if blocks is None:
            raise Refusal(Problem(message=f"there is no `{NAME}`", hint=BEGIN), exit_code=EXIT_STRICT)
        keys = self._keys()
        wrong: dict[str, list[str]] = {}
        for name, key in keys.items():
            node = self.graph.nodes[name]
            if is_lockable(node):
                said = list(self._differences(node, key, blocks))
                # What a dep has made is told of the dep.
                said = [text for text in said if not text.startswith(tuple(f"dep `{other}` " for other in wrong))]
                if said:
                    wrong[name] = said
        if self.is_all:
            for name in self._gone(blocks):
                wrong[name] = ["is locked, and no task that is cached"]
        if not wrong:
            count = sum(is_lockable(self.graph.nodes[name]) for name in keys)
            return f"{NAME}: {_tasks(count)} as locked\n", EXIT_DONE
        told = [f"{one_line(name)}: {one_line(text)}\n" for name, texts in wrong.items() for text in texts]
        return "".join(told) + f"{NAME}: {_tasks(len(wrong))} not as locked\n", EXIT_STRICT

    def _differences(self, node: Node, key: Key, blocks: Blocks) -> Iterator[str]:
        locked = blocks.get(self.lock.slot(node))
        if locked is not None:
            yield from differences(locked, self._block_now(node, key))
            return
        others = sorted(platform or "any platform" for name, platform in blocks if name == node.name)
        here = self.lock.slot(node)[1] or "any platform"
        yield f"is locked for {', '.join(others)}, not for {here}" if others else "is not locked"

    def _block_now(self, node: Node, key: Key) -> Block:
        made = made_of(self.settle.made(node))
        return block_of(node.name, self.settle.parts[node.name], key.inputs, made, self.settle.algorithm)

    def _keys(self) -> dict[str, Key]:
        """The keys of all nodes that are cached and not skipped, with all as it lies there."""
        found: dict[str, Key] = {}

        async def look(asks: Asks) -> None:
            for name in self.graph.order:
                node = self.graph.nodes[name]
                if node.task.is_cached or node.task.when is not None or name in self.graph.skipped:
                    key = await self.settle.key_now(node, asks)
                    if key is not None and node.task.is_cached:
                        found[name] = key

        try:
            driven(look(NoAsks()))
        except NeedsLoop:
            found.clear()
            self.settle.start_over()
            run.with_loop(self.case, self.kept)(look)
        return found

    def _targets(self) -> list[str]:
        """The nodes that are meant: targets themselves, and instead of one without a command what that needs."""
        found: dict[str, None] = {}
        todo = [*reversed(self.case.selection.wanted)]
        seen: set[str] = set()
        while todo:
            name = todo.pop()
            if name in seen:
                continue
            seen.add(name)
            if self.graph.nodes[name].task.steps:
                found[name] = None
            else:
                todo += [edge.to for edge in reversed(self.graph.edges[name]) if edge.kind in NEEDED]
        return list(found)

    def accept(self) -> tuple[str, int]:
        """Take what lies there for what the targets make: fresh here, and so locked, but never in a cache."""
        refuse_unset(self.case.expansion, self.graph)
        prepare(self.project.root)
        named = [name for name in self.case.selection.wanted if self.graph.nodes[name].task.steps]
        for name in named:
            if not self.graph.nodes[name].task.is_cached:
                raise refuse(f"task `{name}` is not cached: it runs each time, whatever is accepted")
        keys = self._keys()
        accepted = [name for name in self._targets() if name in keys]
        self._refuse_missing_outputs(accepted)
        known = {name: self._accepted(self.graph.nodes[name], keys[name]) for name in accepted}
        for name, last in known.items():
            self._record(name, last)
        lines = [f"accepted {one_line(name)}\n" for name in accepted]
        self._update({name: last for name, last in known.items() if is_lockable(self.graph.nodes[name])})
        return "".join(lines) or "nothing to accept\n", EXIT_DONE

    def _refuse_missing_outputs(self, names: Iterable[str]) -> None:
        origin = Origin(run=self.kept.run, by=by(self.case.ambient))
        outputs = Outputs(self.settle, self.project.root, origin, lambda message, task: None)
        problems = [
            Problem(message=f"task `{name}`: declared output `{text}` is missing, and cannot be accepted")
            for name in names
            for text in outputs.collect(self.graph.nodes[name]).missing
        ]
        if problems:
            raise Refusal(*problems)

    def _accepted(self, node: Node, key: Key) -> LastRun:
        return LastRun(
            key=key.digest,
            parts=key.parts,
            inputs=key.inputs,
            outputs=made_of(self.settle.made(node)),
            in_place=node.task.in_place,
            status="accepted",
            run=self.kept.run,
            made_at=self.case.ambient.clock(),
        )

    def _record(self, name: str, last: LastRun) -> None:
        lock = NodeLock(self.kept.folder, name, self.kept.run)
        if not lock.try_take():
            raise refuse(f"task `{name}` is being run by another process", hint="wait until it is done")
        try:
            ledger = self.settle.ledger
            ledger.record(name, last)
            if ledger.troubles:
                raise refuse(ledger.troubles[0])
        finally:
            lock.release()

    def _update(self, known: Mapping[str, LastRun]) -> None:
        """Bring the lock up to date, if there is one and it can be: what is known here is so in any case."""
        if not self.lock.place.is_ours:
            return
        if self.lock.read() is not None:
            self._written(lambda: self.lock.update(self.settle, known))

    def reset(self) -> tuple[str, int]:
        """Forget what is known of the targets' tasks, here and in the lock; without targets, of all."""
        prepare(self.project.root)
        ledger = self.settle.ledger
        targets = self._targets()
        forgotten = [name for name in ledger.names() if self.is_all or any(is_of(name, one) for one in targets)]
        for name in forgotten:
            ledger.forget(name)
        blocks = self.lock.read() if self.lock.place.is_ours else None
        ours = ("", self.lock.place.platform)
        gone = [slot for slot in blocks or () if slot[1] in ours and (self.is_all or slot[0] in targets)]
        self._drop(blocks, gone)
        count = len({*forgotten, *(name for name, _ in gone)})
        return f"forgot {_tasks(count)}\n", EXIT_DONE

    def clean(self) -> tuple[str, int]:
        """Drop what is locked of tasks that are gone, or that are not locked any more."""
        blocks = self.lock.read()
        if blocks is None:
            raise refuse(f"there is no `{NAME}`", hint=BEGIN)
        gone = [slot for slot in blocks if self._is_gone(slot)]
        self._drop(blocks, gone)
        lines = [f"dropped {one_line(name)}{f' for {platform}' * bool(platform)}\n" for name, platform in gone]
        return "".join(lines) or "nothing to drop\n", EXIT_DONE

    def _is_gone(self, slot: tuple[str, str]) -> bool:
        """Whether no task has that name, or it is locked in the other way: for one platform, or for any."""
        name, platform = slot
        return name not in self.lockable or self.project.tasks[name].cache.portable == bool(platform)

    def _gone(self, blocks: Blocks) -> list[str]:
        return list(dict.fromkeys(name for name, _ in blocks if name not in self.lockable))

    def _drop(self, blocks: Blocks | None, gone: Sequence[tuple[str, str]]) -> None:
        if blocks is not None and gone:
            self._written(lambda: self.lock.write({slot: blocks[slot] for slot in blocks if slot not in gone}))


def _tasks(count: int) -> str:
    return f"{count:,} task{'s' * (count != 1)}"
