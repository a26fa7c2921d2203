"""Everything that decides a result, part by part, then as one digest: the same parts are explained and hashed.

*Source*: product.md §4.1 says what is a part and what is none.
"""

from __future__ import annotations

from runner.command import Veiled
from runner.digest import hasher
from runner.noun import noun, replace
from runner.task import Call, Script
from runner.template import quoting, render
from runner.variables import CALLER, is_glob

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Final

    from runner.command import Commands
    from runner.expand import Expansion
    from runner.request import ArgValue
    from runner.task import Node

FORMAT: Final = "1"
UNSET: Final = "unset"
# What a name that stays as it is written stands for: an absolute path, or what other parts say.
KEPT: Final = ("root", "inputs", "outputs")
# Stands around a name that is kept, so that nobody's literal braces make the same text.
MARK: Final = "\0"
SHOWN_CHARS_AT_MOST: Final = 2000


@noun
class Part:
    """One ingredient. `value` is hashed; `shown` is what is kept of it and told, which of a secret is a salted digest.

    `is_secret` parts leave this machine by their names alone.
    """

    label: str
    value: str
    shown: str
    is_secret: bool = False


@noun
class Key:
    """The digest of all that decides a result, and what went into it: parts as shown, and inputs by path and value."""

    digest: str
    parts: tuple[tuple[str, str], ...]
    inputs: tuple[tuple[str, str], ...]
    secrets: tuple[str, ...] = ()


@noun
class Change:
    """One ingredient that is not as it was; None where it was not there, or is not."""

    label: str
    old: str | None
    new: str | None


def plain_part(label: str, value: str) -> Part:
    """A part that may be told as it is; a long one is told by its beginning and its digest."""
    shown = value
    if len(value) > SHOWN_CHARS_AT_MOST:
        shown = f"{value[:SHOWN_CHARS_AT_MOST]}… ({digest_of(value)})"
    return Part(label=label, value=value, shown=shown)


def digest_of(text: str, algorithm: str = "blake3") -> str:
    """The digest of a text, whose surrogates stand for bytes."""
    return hasher(algorithm)(text.encode("utf-8", "surrogateescape")).hexdigest()


def key_of(parts: Sequence[Part], inputs: Sequence[tuple[str, str]], algorithm: str) -> Key:
    """The key of these ingredients. Length-prefixed, so no two lists are one text."""
    listed = "".join([f"{path}\0{value}\0" for path, value in inputs])
    said = "".join([f"{len(part.label)}:{part.label}{len(part.value)}:{part.value}" for part in parts])
    text = f"{FORMAT} {algorithm} {len(parts)} {len(inputs)}\n{said}{listed}"
    return Key(
        digest=hasher(algorithm)(text.encode("utf-8", "surrogatepass")).hexdigest(),
        parts=tuple((part.label, part.shown) for part in parts),
        inputs=tuple(inputs),
        secrets=tuple(part.label for part in parts if part.is_secret),
    )


def changes(
    old: tuple[Iterable[tuple[str, str]], Iterable[tuple[str, str]]],
    new: tuple[Iterable[tuple[str, str]], Iterable[tuple[str, str]]],
) -> list[Change]:
    """What differs between two lists of parts and inputs: what is said first, then files, then the rest."""
    found = []
    for before, after, prefix in ((old[0], new[0], ""), (old[1], new[1], "input ")):
        was, now = dict(before), dict(after)
        labels = [*now, *(label for label in was if label not in now)]
        found += [
            Change(label=prefix + label, old=was.get(label), new=now.get(label))
            for label in labels
            if was.get(label) != now.get(label)
        ]
    # Deps come last: what they made is mostly told by the files that are read of it.
    return sorted(found, key=lambda change: change.label.startswith("dep "))


def reason(change: Change) -> str:
    """A change in a few words, for the line of a task."""
    kind, _, name = change.label.partition(" ")
    what = "is new" if change.old is None else "is gone" if change.new is None else "changed"
    match kind:
        case "input" | "pick":
            return f"`{name}` {what}"
        case "env" | "dotenv" | "uses_env":
            is_set = change.new not in (None, UNSET) and change.old in (None, UNSET)
            is_unset = change.new in (None, UNSET)
            return f"variable `{name}` {'is set now' if is_set else 'is no longer set' if is_unset else 'changed'}"
        case "arg":
            return f"argument `{name}` {what}"
        case "probe":
            return f"probe `{name}` {'tells something else' if what == 'changed' else what}"
        case "var":
            return f"var `{name}` {what}"
        case "dep":
            return f"dep `{name}` {_dep(change, what)}"
        case "platform":
            return f"this is {change.new}"
        case "format":
            return "keys are made differently now"
        case "outputs":
            return "the declared outputs changed"
    return f"the {kind} changed"


def _dep(change: Change, what: str) -> str:
    if what != "changed":
        return what
    was, now = (change.old or "").partition(":")[0], (change.new or "").partition(":")[0]
    return "made something else" if was == now else f"ended otherwise: {now}"


class Ingredients:
    """What the file, the command line and the environment say of nodes' keys; what lies on disk is added by others.

    `veil` makes of the name and the value of a secret what may be kept of it.
    """

    def __init__(self, commands: Commands, veil: Callable[[str, str], str]) -> None:
        self.commands = commands
        self.expansion = commands.expansion
        self.project = commands.project
        self.ambient = commands.ambient
        self.veil = veil
        self._shared: list[Part] | None = None

    def parts(self, node: Node, words: Mapping[str, ArgValue], probes: Sequence[str] = ()) -> list[Part]:
        """All that is said of a node; `probes` is what its probes printed."""
        masked = Masked(self.expansion, node, words)
        found = [] if node.task.cache.portable else [plain_part("platform", f"{self.ambient.os} {self.ambient.arch}")]
        if node.task.steps:
            found.append(self._command(node, masked))
            found.append(plain_part("shell", "\0".join(node.task.shell)))
            found.append(plain_part("dir", node.dir or "."))
        found += self._variables(node, masked)
        found += [plain_part(f"arg {name}", _text(value)) for name, value in node.args.items()]
        if node.rest:
            found.append(plain_part("rest", _text(node.rest)))
        if node.outputs:
            found.append(plain_part("outputs", _outputs(node)))
        for text, told in zip(node.task.probes, probes, strict=True) if probes else ():
            found.append(plain_part(f"probe {text}", told))
        for name in sorted(masked.used_vars):
            value = words[name]
            found.append(plain_part(f"var {name}", _text(value)))
        for name in sorted(masked.used_env):
            # The words of a command may hold what is secret; where it came from is told, what it is only by a digest.
            found.append(self._secret("uses_env", name, self.env_value(node, name)))
        return found

    def env_value(self, node: Node, name: str) -> str:
        """What `{{env.NAME}}` stands for in a node."""
        value = node.words[f"env.{name}"]
        return value if isinstance(value, str) else _text(value)

    def _command(self, node: Node, words: Masked) -> Part:
        told, kinds = [], ""
        with self.expansion.placed(*node.task.path, node.task.body):
            for step in node.task.steps:
                kinds += "s" if isinstance(step, Script) else "c" if isinstance(step, Call) else "a"
                if isinstance(step, Script):
                    told.append(_script(node, step.text, words))
                elif isinstance(step, Call):
                    told.append(f"{step.task} {sorted(step.args.items())}")
                else:
                    told.append(_text(self.commands.argv(node, step, words)))
        if node.task.finally_:
            kinds += "f"
            told.append(f"finally: {_script(node, node.task.finally_, words)}")
        part = masked_part("command", told[0] if len(told) == 1 else _text(told))
        # A script, the words of an argv and a list of steps may read alike, and are not.
        return part if kinds == "s" else replace(part, value=f"{kinds}{MARK}{part.value}")

    def _variables(self, node: Node, masked: Masked) -> list[Part]:
        task = node.task
        if not (task.env or task.uses_env or task.pass_env or self.commands.variables.has_templates()):
            if self._shared is None:
                self._shared = list(self._layered(node, masked))
            return self._shared
        found = {part.label.partition(" ")[2]: part for part in self._layered(node, masked)}
        used = self._named(task.uses_env, self.ambient.environ)
        passed = set(self._named(task.pass_env, found)).difference(task.env, used)
        for name in passed:
            if name in found and found[name].label.startswith("dotenv "):
                del found[name]
        for name in used:
            said = found.get(name)
            if said is not None and said.label.startswith("env "):
                continue
            # Where it is said makes no difference to who sees it: dotenv speaks where the caller does not.
            value = self.ambient.environ.get(name, said.value[1:] if said is not None else None)
            found.pop(name, None)
            found[name] = self._secret("uses_env", name, value)
        for name, value in task.env.items():
            with self.expansion.placed(*task.path, "env", name):
                found[name] = masked_part(f"env {name}", "=" + render(value, masked))
        return list(found.values())

    def _layered(self, node: Node, masked: Masked) -> Iterator[Part]:
        """What dotenv files, `[env]` and profiles say."""
        variables = self.commands.variables
        dotenv = {source for source, _ in self.project.dotenv}
        for name, (value, source) in sorted(variables.layers(is_strict=True).items()):
            if source in dotenv:
                yield self._secret("dotenv", name, value)
            elif source != CALLER and source in variables.templated:
                with self.expansion.placed():
                    yield masked_part(f"env {name}", "=" + render(value, masked))

    def _named(self, patterns: Sequence[str], known: Iterable[str]) -> list[str]:
        """The names that are said, there or not, and those that a glob over names matches."""
        said = [name for name in patterns if not is_glob(name)]
        globs = [name for name in patterns if is_glob(name)]
        return sorted({*said, *self.commands.variables.callers(globs)} if globs else set(said))

    def _secret(self, kind: str, name: str, value: str | None) -> Part:
        if value is None:
            return Part(label=f"{kind} {name}", value=UNSET, shown=UNSET)
        return Part(label=f"{kind} {name}", value="=" + value, shown=self.veil(name, value), is_secret=True)


class Masked(Veiled):
    """What names stand for in a text that is kept: variables of the environment stay names, and so does the root.

    `used_env` and `used_vars` gather the variables, and the vars that a command tells, that were asked for.
    """

    def __init__(self, expansion: Expansion, node: Node, words: Mapping[str, ArgValue]) -> None:
        super().__init__(words, words, node, expansion)
        said = expansion.project.vars.items()
        self.told = {name for name, value in said if isinstance(value, dict)} - {*node.task.args, *expansion.given}
        self.apart |= {*KEPT, *self.told}
        for name in self.apart:
            self.pop(name, None)
        self.used_env: set[str] = set()
        self.used_vars: set[str] = set()

    def __missing__(self, name: str) -> ArgValue:
        if name in KEPT:
            return placeholder(name)
        if name in self.told:
            self.used_vars.add(name)
            return self.words[name]
        if name in self.apart:
            return super().__missing__(name)
        self.used_env.add(name[4:])
        return placeholder(name)


def _script(node: Node, text: str, words: Masked) -> str:
    """What a shell is given, but for names that stay as they are: of these it is told which are not quoted."""
    quote = quoting(node.task.shell)

    def lenient(text: str) -> str:
        is_name = text.count(MARK) == 2 and text.startswith(MARK) and text.endswith(f"}}}}{MARK}")
        return f"{text[:-3]} }}}}{MARK}" if is_name else quote(text)

    told = render(text, words, lenient)
    return told.replace(f"}}}}{MARK}", f"|raw}}}}{MARK}").replace(f" |raw}}}}{MARK}", f"}}}}{MARK}")


def placeholder(name: str) -> str:
    """A name that stays as it is written in a text that is kept; no text of a person's is like it."""
    return f"{MARK}{{{{{name}}}}}{MARK}"


def masked_part(label: str, value: str) -> Part:
    """A part in which names stay as they are written: what is told of it does not show how they are marked."""
    return Part(label=label, value=value, shown=plain_part(label, value.replace(MARK, "")).shown)


def _text(value: ArgValue | Sequence[str]) -> str:
    """A value as a text that no other value has."""
    if value is None:
        return UNSET
    if isinstance(value, str):
        return "=" + value
    return "".join(f"{len(text)}:{text}," for text in value)


def _outputs(node: Node) -> str:
    """The declared outputs from the root, with what is said of each."""
    flags = [("keep " * entry.keep) + ("optional " * entry.optional) for entry in node.entries]
    told = zip(flags, node.outputs, strict=True)
    return _text([text for flag, glob in told for text in (flag, str(len(glob.normal)), *glob.normal)])
