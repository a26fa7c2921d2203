"""For each ready node: fresh, to be restored, or to be run; and why. Run, plan and `--why` all ask here."""

from __future__ import annotations

from runner.foresight import Foreseen
from runner.key import Ingredients, Key, changes, key_of, plain_part, reason
from runner.noun import noun, replace
from runner.paths import digest_of_outputs, empty_folder, is_inside, made_of, outputs_of, owned_folders, wanted
from runner.stamp import RACY, stamp
from runner.tree import Sight

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
    from typing import Final, Literal, Protocol, TypeVar

    from runner.command import Commands
    from runner.key import Change, Part
    from runner.ledger import LastRun, Ledger
    from runner.pattern.index import OutputIndex
    from runner.request import ArgValue
    from runner.result import Made, Record
    from runner.seal import Standing
    from runner.select import Selection
    from runner.store import Store
    from runner.task import Node
    from runner.tree import Tree, Wanted

    _T = TypeVar("_T")
    Look = Callable[[], Sequence[Made]]
    Would = Literal["run", "restore", "fresh", "skip", "depends"]
    How = Literal["done", "failed", "skipped"]

    class Asks(Protocol):
        """Asks what only a command can tell; each question once in a run."""

        async def condition(self, node: Node) -> str | None:
            """Why the node is skipped, as far as `when` has to look or to ask."""

        async def words(self, node: Node) -> Mapping[str, ArgValue]:
            """What names stand for in the node's commands."""

        async def probes(self, node: Node, words: Mapping[str, ArgValue]) -> tuple[str, ...]:
            """What the node's probes print."""

    class Lock(Protocol):
        """Knows of nodes what this machine may not have seen yet."""

        def last_run(self, node: Node, key: Key, parts: Sequence[Part], made: Look) -> LastRun | None:
            """What is known of a node whose ingredients and outputs are all as they are locked; None for any other."""


NOTHING: Final = Sight(entries=())
# How many reasons a task's line has room for; `--why` has them all.
NOT_CACHED: Final = "not cached"
FAILED: Final = "it failed"
LOCKED: Final = "as `tasks.lock` has it"
UNCHANGED: Final = "nothing has changed"
NOT_KEPT: Final = "its result is not in the cache"


@noun
class Modes:
    """How caches are used: whether results are looked for and kept, for which nodes in no case; whether what was
    written is told again each time (`replays`), so that nothing is fresh."""

    reads: bool = True
    writes: bool = True
    is_off: bool = False
    forced: frozenset[str] = frozenset()
    failures: bool = False
    replays: bool = False


@noun
class End:
    """How a node ended, as its dependents' keys see it: the digest of its outputs, or its key; None: not known yet."""

    how: How
    digest: str | None = None


@noun
class Verdict:
    """What is to be done with a node, and why.

    `last` is what was known of it, `known` what of that stood in the ledger; `sights` are its inputs and outputs.
    """

    would: Would
    reasons: tuple[str, ...] = ()
    key: Key | None = None
    changes: tuple[Change, ...] = ()
    last: LastRun | None = None
    known: LastRun | None = None
    record: Record | None = None
    sights: tuple[Sight, Sight] = (NOTHING, NOTHING)


class Settle:
    """Judges the nodes of one run, each once what it needs has ended."""

    def __init__(
        self,
        selection: Selection,
        commands: Commands,
        sources: Sources,
        modes: Modes,
    ) -> None:
        self.graph = selection.graph
        self.whole = selection.whole or selection.graph
        self.commands = commands
        self.tree = sources.tree
        self.ledger = sources.ledger
        self.store = sources.store
        self.sources = sources
        self.modes = modes
        self.algorithm = commands.project.cache.digest
        self.ingredients = Ingredients(commands, sources.veil)
        self.ends: dict[str, End] = {}
        self._made: dict[str, tuple[Made, ...]] = {}
        self.keys: dict[str, Key] = {}
        # What was judged since anything was last done.
        self.verdicts: dict[str, Verdict] = {}
        self._foreseen = Foreseen()
        # What the lock knew of nodes that the ledger did not know as they are.
        self.believed: dict[str, LastRun] = {}
        # What a look at the tree has shown already to be as a good run left it, and the nodes of which that is so.
        self._standing = sources.standing
        self._stands: set[str] = set()
        self.parts: dict[str, list[Part]] = {}
        self._wanted: dict[str, Wanted] = {}
        self._format = plain_part("format", self.algorithm)

    def ended(self, name: str, how: How, outputs: Iterable[Made] | None = None) -> None:
        """A node has ended, and made this, if it declares that it makes something.

        A group ends as those that it is made of did: what may fail must not be hidden behind it.
        """
        if how == "done" and not self.whole.nodes[name].task.steps:
            ends = [self.ends.get(edge.to) for edge in self.whole.edges[name] if edge.kind == "deps"]
            how = "failed" if any(end is not None and end.how == "failed" for end in ends) else how
        if outputs is not None:
            outputs = self._made[name] = tuple(outputs)
        digest = None if outputs is None else digest_of_outputs(outputs, self.algorithm)
        self.ends[name] = End(how=how, digest=digest)

    def renew(self) -> None:
        """Something was done: what was seen and judged before may no longer be so."""
        self.tree.renew()
        self.verdicts.clear()
        self._standing = None

    def start_over(self) -> None:
        """Forget what was judged, and how nodes ended."""
        self.ends.clear()
        self.keys.clear()
        self.verdicts.clear()
        self._foreseen = Foreseen(self._foreseen.gone_first)

    def stands(self, name: str) -> bool:
        """Whether a node was found fresh by what was known already, without a look of its own."""
        return name in self._stands

    def stand(self, name: str) -> None:
        """A node that has nothing to do stands if all that it needs does."""
        if all(edge.to in self._stands for edge in self.whole.edges[name]):
            self._stands.add(name)

    async def judge(self, node: Node, asks: Asks) -> Verdict:
        """What is to be done with a node whose deps have ended. *Raises*: Refusal for what is found wrong only now."""
        if node.name in self.verdicts:
            return self.verdicts[node.name]
        standing = self._known(node)
        if standing is not None:
            return standing
        task = node.task
        if not task.is_cached:
            return Verdict(would="run", reasons=(NOT_CACHED,))
        why = await asks.condition(node) if task.when is not None else None
        if why is not None:
            return Verdict(would="skip", reasons=(why,))
        if self.modes.is_off:
            return Verdict(would="run", reasons=("the cache is off",))
        key, inputs = await self._key(node, asks)
        known = last = self.ledger.get(node.name)
        found = self._judged(node, key, last)
        self.believed.pop(node.name, None)
        if found.last is not None:
            last = self.believed[node.name] = found.last
        return replace(found, key=key, last=last, known=known, sights=(inputs, found.sights[1]))

    def _known(self, node: Node) -> Verdict | None:
        """The verdict on a node of which it is known already that nothing moved that it hangs on, nor its deps."""
        standing, modes = self._standing, self.modes
        if standing is None or node.name in modes.forced or modes.is_off or modes.replays:
            return None
        if any(
            edge.to not in self._stands for edge in self.whole.edges[node.name] if edge.kind in ("deps", "inferred")
        ):
            return None
        last = self.ledger.get(node.name)
        if last is None or last.ended != "done" or not standing.stands(node.name, last.key):
            return None
        self._stands.add(node.name)
        key = self.keys[node.name] = Key(digest=last.key, parts=last.parts, inputs=last.inputs)
        return Verdict(would="fresh", key=key, last=last)

    def _judged(self, node: Node, key: Key, last: LastRun | None) -> Verdict:
        known = () if last is None else tuple(changes((last.parts, last.inputs), (key.parts, key.inputs)))
        if node.name in self.modes.forced:
            return Verdict(would="run", reasons=("forced",), changes=known)
        reasons, seen = self._unfresh(node, key, last, known)
        if not reasons and not self.modes.replays:
            return Verdict(would="fresh", sights=(NOTHING, seen))
        locked = self._locked(node, key) if reasons != (FAILED,) else None
        if locked is not None:
            sights = (NOTHING, self.made(node))
            return Verdict(would="fresh", reasons=(LOCKED,), last=locked, sights=sights)
        record = self._recorded(node, key)
        if record is not None:
            why = reasons or (UNCHANGED,)
            return Verdict(would="restore", reasons=why, changes=known, record=record, sights=(NOTHING, seen))
        return Verdict(would="run", reasons=reasons or (NOT_KEPT,), changes=known, sights=(NOTHING, seen))

    def _unfresh(
        self, node: Node, key: Key, last: LastRun | None, known: Sequence[Change]
    ) -> tuple[tuple[str, ...], Sight]:
        """Why a node is not fresh; its outputs as they are now."""
        if last is None:
            return ("no earlier result",), NOTHING
        if last.key != key.digest:
            return tuple(map(reason, known)) or ("its key changed",), NOTHING
        if self._is_expired(node, last.made_at):
            return ("its result has expired",), NOTHING
        if last.ended != "done" and not self.modes.replays:
            return (FAILED,), NOTHING
        seen = self.made(node)
        return tuple(self.strange(node, last.outputs, seen)), seen

    def _locked(self, node: Node, key: Key) -> LastRun | None:
        """What the lock knows of a node, if all is as it says."""
        if self.sources.lock is None or self.modes.replays:
            return None
        record = self._recorded(node, key) if self.keeps_failures(node) else None
        if record is not None and record.exit_code:
            return None
        return self.sources.lock.last_run(node, key, self.parts[node.name], lambda: made_of(self.made(node)))

    def made(self, node: Node) -> Sight:
        """A node's outputs as they are now."""
        return self.tree.look(outputs_of(node)) if node.outputs else NOTHING

    def strange(self, node: Node, recorded: Sequence[Made], seen: Sight) -> list[str]:
        """What is not as recorded among a node's outputs."""
        here = {entry.path: entry.made for entry in seen.entries}
        here.update({folder: empty_folder(folder) for folder in seen.empty})
        told = []
        for made in recorded:
            now = here.pop(made.path, None)
            if now is None:
                told.append(f"output `{made.path}` is missing")
            elif now != made:
                told.append(f"output `{made.path}` changed")
        owned = owned_folders(node)
        told += [
            f"`{path}` does not belong in `{folder}/`" for path in here for folder in owned if is_inside(path, folder)
        ]
        return told

    def _recorded(self, node: Node, key: Key) -> Record | None:
        """A result in the cache that may be brought back."""
        if self.store is None or not self.modes.reads or node.task.in_place:
            return None
        record = self.store.find(key.digest)
        if record is None or self._is_expired(node, record.made_at):
            return None
        if record.exit_code and not self.keeps_failures(node):
            return None
        return record

    def has_all(self, record: Record) -> bool:
        """Whether all that a record refers to is in the cache, and sound."""
        return self.store is not None and self.store.has(record)

    def keeps_failures(self, node: Node) -> bool:
        """Whether a failure of this node is a result too."""
        return node.task.cache.failures or self.modes.failures

    def _is_expired(self, node: Node, made_at: float) -> bool:
        expires_s = node.task.expires_s
        # What claims to be of a far future was made by a clock that was wrong.
        return expires_s is not None and abs(self.sources.clock() - made_at) > expires_s

    async def key_now(self, node: Node, asks: Asks) -> Key | None:
        """The key with all as it lies there, whatever is known of what was made; None for a node that is skipped."""
        if node.name not in self.graph.skipped and (node.task.when is None or await asks.condition(node) is None):
            return (await self._key(node, asks))[0]
        self.ended(node.name, "skipped")
        return None

    async def _key(self, node: Node, asks: Asks) -> tuple[Key, Sight]:
        words = await asks.words(node) if self._is_late(node) else node.words
        probes = await asks.probes(node, words) if node.task.probes else ()
        parts = [self._format, *self.ingredients.parts(node, words, probes)]
        parts += [plain_part(f"pick {file}#{key}", self.sources.pick(file, key)) for file, key in node.picks]
        parts += await self._dep_parts(node, asks)
        seen = self.inputs(node)
        self.parts[node.name] = parts
        key = self.keys[node.name] = key_of(
            parts, [(entry.path, entry.value) for entry in seen.entries], self.algorithm
        )
        return key, seen

    def is_still(self, node: Node, seen: Sight) -> bool:
        """Whether nothing of a look at a node's inputs has moved since: then another one would see the same."""
        root = self.commands.project.root
        # Of what was looked at too soon after it had changed, the content has to be asked.
        racy = [entry for entry in seen.entries if entry.stamp == RACY]
        pairs = [(entry.path, entry.stamp) for entry in seen.entries if entry.stamp != RACY]
        is_still = all(stamp(f"{root}/{path}") == token for path, token in (*pairs, *seen.watched))
        return is_still and not node.picks and not self.tree.moved(racy)

    def written(self, seen: Sight) -> str:
        """Of a look at inputs whose content is the same now, one that was written meanwhile all the same.

        It may have been another one for a while. What was looked at too soon after it had changed proves nothing.
        """
        root = self.commands.project.root
        for entry in seen.entries:
            if entry.stamp != RACY and stamp(f"{root}/{entry.path}") != entry.stamp:
                return f"`{entry.path}` was written"
        return ""

    def moved_dep(self, node: Node) -> str:
        """A declared dep whose outputs are no longer what they were when the node's key was made."""
        for edge in self.graph.edges[node.name]:
            made = self._made.get(edge.to)
            if edge.kind == "deps" and made:
                dep = self.graph.nodes[edge.to]
                if any(not self.is_there(one) for one in made if one.kind != "folder"):
                    return f"what `{dep.name}` made changed"
        return ""

    def key_again(self, node: Node) -> Key:
        """The key as it is now if only files have moved since it was made: to find out whether they did."""
        labels = {f"pick {file}#{name}": (file, name) for file, name in node.picks}
        parts = [
            plain_part(part.label, self.sources.pick(*labels[part.label])) if part.label in labels else part
            for part in self.parts[node.name]
        ]
        return key_of(parts, [(entry.path, entry.value) for entry in self.inputs(node).entries], self.algorithm)

    def inputs(self, node: Node) -> Sight:
        """A node's inputs as they are now."""
        if not node.files:
            return NOTHING
        if node.name not in self._wanted:
            self._wanted[node.name] = wanted(node, self.sources.producers)
        seen = self.tree.look(self._wanted[node.name])
        return self._foreseen.over(seen, self._wanted[node.name]) if self._foreseen else seen

    def foresee_gone(self, path: str) -> None:
        """From now on the tree is seen without this."""
        self._foreseen.gone_first.add(path)
        self._foreseen.add((), (path,), ())

    def foresee(self, node: Node, record: Record, last: LastRun | None) -> None:
        """From now on the tree is seen as if this had been restored: for who asks what a run would do."""
        # What is no longer as it was recorded stays: it is somebody's work.
        older = last.outputs if last is not None else ()
        gone = [made.path for made in older if self.is_there(made)]
        self._foreseen.add(record.outputs, gone, owned_folders(node))

    def is_there(self, made: Made) -> bool:
        """Whether an output is in the tree now as it was recorded."""
        seen = self.tree.seen(made.path)
        return seen is not None and seen.made == made

    def is_foreseen(self, path: str) -> bool:
        """Whether this would not be as it lies there now."""
        return self._foreseen.replaces(path)

    async def _dep_parts(self, node: Node, asks: Asks) -> list[Part]:
        found = []
        for edge in self.whole.edges[node.name]:
            if edge.kind not in ("deps", "inferred"):
                continue
            end = self.ends.get(edge.to) or self._left_out(edge.to)
            if edge.kind == "inferred":
                # Of what it made, the files that are read are inputs; how it ended is told only where that is odd.
                found += [] if end.how == "done" else [plain_part(f"dep {edge.to}", end.how)]
                continue
            found.append(plain_part(f"dep {edge.to}", f"{end.how}:{await self._end_digest(edge.to, end, asks)}"))
        return found

    def _left_out(self, name: str) -> End:
        """What a node made that is left out of this run: as it lies there now."""
        node = self.whole.nodes[name]
        if name in self.whole.skipped:
            self.ended(name, "skipped")
        elif node.outputs:
            self.ended(name, "done", made_of(self.made(node)))
        else:
            self.ended(name, "done")
        return self.ends[name]

    async def _end_digest(self, name: str, end: End, asks: Asks) -> str:
        if end.digest is not None:
            return end.digest
        if end.how == "skipped":
            return ""
        for other in self._keyless(name):
            await self._key(self.whole.nodes[other], asks)
        return self.keys[name].digest

    def _keyless(self, name: str) -> list[str]:
        """The nodes that have no key yet and whose keys are part of this one's, what is needed first."""
        found: dict[str, None] = {}
        todo = [name]
        while todo:
            one = todo.pop()
            end = self.ends.get(one) or self._left_out(one)
            if one in self.keys or end.digest is not None or end.how == "skipped":
                continue
            found.pop(one, None)
            found[one] = None
            todo += [edge.to for edge in self.whole.edges[one] if edge.kind == "deps"]
        return [*reversed(found)]

    def _is_late(self, node: Node) -> bool:
        pending = self.commands.expansion.pending
        return bool(pending) and not self.commands.late(node).isdisjoint(pending)


class NeedsLoop(Exception):
    """A command has to be asked, for which there must be a loop."""


class NoAsks:
    """Asks nothing: who judges with it learns by NeedsLoop whether something has to be asked."""

    async def condition(self, node: Node) -> str | None:
        """*Raises*: NeedsLoop."""
        raise NeedsLoop

    async def words(self, node: Node) -> Mapping[str, ArgValue]:
        """*Raises*: NeedsLoop."""
        raise NeedsLoop

    async def probes(self, node: Node, words: Mapping[str, ArgValue]) -> tuple[str, ...]:
        """*Raises*: NeedsLoop."""
        raise NeedsLoop


def driven(judging: Coroutine[object, object, _T]) -> _T:
    """The end of a judgement that waits for nothing: an event loop costs more than many of them."""
    try:
        judging.send(None)
    except StopIteration as ended:
        found: _T = ended.value
        return found
    raise AssertionError("BUG: a judgement without a loop waited for something")


@noun
class Sources:
    """What judging needs of the world: files, memory, cache, clock, lock, and how secrets are veiled.

    `pick` gives one key of a file, as a text; `veil` what may be kept of a secret, by its name and value.
    """

    tree: Tree
    ledger: Ledger
    store: Store | None
    producers: OutputIndex
    clock: Callable[[], float]
    pick: Callable[[str, str], str]
    veil: Callable[[str, str], str]
    standing: Standing | None = None
    lock: Lock | None = None
