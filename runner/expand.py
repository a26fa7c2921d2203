"""Declared tasks to nodes: arguments filled in, names in paths resolved, each node made once."""

from __future__ import annotations

import posixpath

from runner.argument import ArgumentError, Stand, arg_words, canonical, defaults, missing, unknown
from runner.declare import arg_value
from runner.error import Refusal, refuse
from runner.pattern import Glob, Globs
from runner.task import File, Node
from runner.template import TemplateError, names, render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any, Final

    from runner.manifest import KeyPath
    from runner.request import Ambient, ArgValue
    from runner.task import Output, Project, Task

# What stands for a value in a path when it is only known once a run has asked a command for it.
ANYTHING: Final = "*"
# Names that a command may use and a path may not.
FOUND: Final = ("inputs", "outputs", "file")
NO_GLOBS: Final = Globs(())


class Words(dict[str, "ArgValue"]):
    """What names stand for; `env.NAME` is looked up in the environment without being listed."""

    def __init__(self, values: Mapping[str, ArgValue], env: Mapping[str, str]) -> None:
        super().__init__(values)
        self.env = env

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (
            isinstance(name, str) and name.startswith("env.") and name[4:] in self.env
        )

    def __missing__(self, name: str) -> ArgValue:
        return self.env[name[4:]]

    def widened(self, more: Mapping[str, ArgValue]) -> Words:
        """The same, and more names where these have none."""
        return Words({**more, **self}, self.env)


def widened(words: Mapping[str, ArgValue], more: Mapping[str, ArgValue]) -> Words:
    """The same names and environment, and more names where these have none."""
    return words.widened(more) if isinstance(words, Words) else Words({**more, **words}, {})


class Expansion:
    """Makes nodes of one project; the same task with the same arguments is the same node.

    `pending` are the vars that a command will tell, as templates over the other names.
    """

    def __init__(self, project: Project, ambient: Ambient, given: Mapping[str, str] | None = None) -> None:
        self.project = project
        self.manifest = project.manifest
        self.ambient = ambient
        self.nodes: dict[str, Node] = {}
        self.pending: dict[str, str] = {}
        self.env = self._outer_env()
        self.given = dict(given or {})
        self.known = self._known(self.given)
        self._fill_env()
        self._globs: dict[str, tuple[str, ...]] = {}

    def _outer_env(self) -> dict[str, str]:
        """What `{{env.NAME}}` sees: everything but a task's own `env`."""
        found: dict[str, str] = {}
        for _, layer in reversed(self.project.dotenv):
            found.update(layer)
        found.update(self.ambient.environ)
        for _, layer in reversed(self.project.env_layers):
            found.update(layer)
        return found

    def _fill_env(self) -> None:
        """Names in `[env]` and in profiles' `env` are filled in, as far as they are known before a run."""
        for _, layer in self.project.env_layers:
            for name, value in layer.items():
                if "{{" in value and self.env[name] == value and all(used in self.known for used in names(value)):
                    self.env[name] = render(value, self.known)

    def _known(self, given: Mapping[str, str]) -> dict[str, ArgValue]:
        base: dict[str, ArgValue] = {
            "root": self.project.root,
            "os": self.ambient.os,
            "arch": self.ambient.arch,
            "profile": " ".join(self.project.profiles),
        }
        known = dict(base)
        for name in self.project.vars:
            self._var(name, known, given, ())
        return known

    def _var(self, name: str, known: dict[str, ArgValue], given: Mapping[str, str], below: tuple[str, ...]) -> None:
        """Resolve one of `[vars]`, and those it names, into `known` or `pending`."""
        if name in known or name in self.pending:
            return
        if name in below:
            circle = " -> ".join([*below[below.index(name) :], name])
            raise refuse(f"vars name each other in a circle: {circle}", self.manifest.value("vars", name))
        raw = self.project.vars[name]
        is_command = isinstance(raw, dict)
        text = raw["cmd"] if isinstance(raw, dict) else _plain(raw)
        if name in given:
            known[name] = given[name]
            return
        with self.placed("vars", name):
            used = names(text)
            for other in used:
                if other in self.project.vars:
                    self._var(other, known, given, (*below, name))
            if is_command or any(other in self.pending for other in used):
                self.pending[name] = text
            else:
                known[name] = render(text, Words(known, self.env))

    def node(self, task: Task, args: Mapping[str, ArgValue] | None = None, rest: Sequence[str] = ()) -> Node:
        """The node for a task with these arguments, given as canonical text; what is not given has its default.

        *Raises*: Refusal for an argument that is missing or strange, or a path that cannot be.
        """
        try:
            usual = defaults(task, self.ambient.environ) if task.args else {}
        except ArgumentError as error:
            raise refuse(f"task `{task.name}`: {error}", self.manifest.key(*task.path), error.hint) from None
        values = {**usual, **(args or {})}
        name = node_name(task.name, usual, values, tuple(rest))
        found = self.nodes.get(name)
        if found is None:
            found = self.nodes[name] = self._made(task, name, values, tuple(rest))
        return found

    def outline(self, task: Task) -> Node:
        """The node as it is when nobody says its arguments: a required one stands for anything in paths."""
        if not task.args:
            return self.node(task)
        usual = defaults(task, self.ambient.environ)
        absent = {arg.name: ANYTHING for arg in missing(task, usual)}
        return self._made(task, task.name, {**usual, **absent}, ()) if absent else self.node(task)

    def skips(self, task: Task) -> str | None:
        """Why a task is skipped whatever happens, as far as that is known before anything runs."""
        if task.disabled is not None:
            return task.disabled
        if task.other_platforms:
            return f"no command for {self.ambient.os}, only for {', '.join(task.other_platforms)}"
        when = task.when
        if when is None:
            return None
        for name, wanted, is_so in (("os", when.os, self.ambient.os), ("arch", when.arch, self.ambient.arch)):
            if wanted and is_so not in wanted:
                return f"`when.{name}` is {' or '.join(wanted)}, this is {is_so}"
        if when.profile and not set(when.profile) & set(self.project.profiles):
            return f"`when.profile` is {' or '.join(when.profile)}"
        for name, value in when.env.items():
            if name not in self.env:
                return f"`when.env`: {name} is not set"
            if value is not None and self.env[name] != value:
                return f"`when.env`: {name} is not {value}"
        return None

    def called(self, task: Task, raw: Mapping[str, Any], path: KeyPath, caller: Node) -> Node:
        """The node that a dep or a step of another node names, with the arguments that it gives."""
        if not raw:
            return self.node(task)
        strange = unknown(task, raw)
        if strange is not None:
            raise refuse(str(strange), self.manifest.value(*path), strange.hint)
        stand = Stand(cwd=posixpath.join(self.project.root, caller.dir), dir=self.folder(task))
        values: dict[str, ArgValue] = {}
        with self.placed(*path):
            for name, value in raw.items():
                arg = task.args[name]

                def text(given: str, arg: Any = arg) -> str:
                    value = render(given, caller.words)
                    # What the caller itself was not given may be anything: this is a look, not a run.
                    return value if value == ANYTHING else canonical(arg, value, stand)

                values[name] = arg_value(arg, value, text)
        absent = missing(task, values)
        if absent:
            raise refuse(f"task `{task.name}` needs `{absent[0].name}`", self.manifest.value(*path))
        return self.node(task, values)

    def folder(self, task: Task) -> str:
        """The absolute folder that a task works in, as far as it is known without its arguments."""
        return posixpath.normpath(posixpath.join(self.project.root, task.dir.lstrip("/")))

    def _made(self, task: Task, name: str, values: Mapping[str, ArgValue], rest: tuple[str, ...]) -> Node:
        known: Mapping[str, ArgValue] = self.known
        words = Words(known, self._seen_env(task))
        for key, arg in task.args.items():
            words[key] = arg_words(arg, values.get(key))
        words["rest"] = rest
        words["task"] = task.name
        folder = self._dir(task, words)
        words["dir"] = folder or "."
        picks = self._picks(task, folder, words) if any("#" in entry.text for entry in task.inputs) else ()
        inputs = self._inputs(task, folder, words)
        has_ignored = any(entry.ignored for entry in task.inputs)
        outputs = self._outputs(task, folder, words)
        return Node(
            name=name,
            task=task,
            args=values,
            rest=rest,
            dir=folder,
            words=words,
            inputs=inputs,
            files=self._files(task, folder, words, inputs, has_picks=bool(picks)),
            picks=picks,
            even_ignored=self._inputs(task, folder, words, only_ignored=True) if has_ignored else NO_GLOBS,
            outputs=tuple(glob for _, glob in outputs),
            entries=tuple(entry for entry, _ in outputs),
        )

    def _seen_env(self, task: Task) -> Mapping[str, str]:
        """What `{{env.NAME}}` sees in one task: its own `env` first, where that names nothing itself."""
        if not task.env:
            return self.env
        return {**self.env, **{name: value for name, value in task.env.items() if "{{" not in value}}

    def _dir(self, task: Task, words: Words) -> str:
        if not task.dir:
            return ""
        text = self.path_text(task.dir, words, (*task.path, "dir"))
        folder = posixpath.normpath(text.lstrip("/")) if text.strip("/") else ""
        if folder == ".." or folder.startswith("../"):
            raise refuse(f"`dir` of task `{task.name}` is outside the project", self.manifest.value(*task.path, "dir"))
        return "" if folder == "." else folder

    def _files(self, task: Task, folder: str, words: Words, inputs: Globs, *, has_picks: bool) -> Globs:
        """The inputs that count whole. *Why* every file of the folder makes no edges: nobody meant any."""
        if task.cache.on and not task.inputs:
            return Globs((*inputs.globs, Glob.of("**", folder)))
        return self._inputs(task, folder, words, without_picks=True) if has_picks else inputs

    def _picks(self, task: Task, folder: str, words: Words) -> tuple[tuple[str, str], ...]:
        """The files of which only one key counts, each with that key."""
        found = []
        for at, entry in enumerate(task.inputs):
            file, key = file_and_key(entry.text)
            if key:
                path = (*task.path, "inputs", at)
                glob = self._glob(file, folder, words, path, self.project.outside)
                if not glob.is_literal or glob.is_negated:
                    raise refuse(f"`{entry.text}` takes a key of one file", self.manifest.value(*path))
                found += [(spelling.base, self.path_text(key, words, path)) for spelling in glob.spellings]
        return tuple(found)

    def _inputs(
        self, task: Task, folder: str, words: Words, *, only_ignored: bool = False, without_picks: bool = False
    ) -> Globs:
        texts: list[tuple[str, str, KeyPath]]
        entries = [(at, entry) for at, entry in enumerate(task.inputs) if entry.ignored or not only_ignored]
        if without_picks:
            entries = [(at, entry) for at, entry in entries if not file_and_key(entry.text)[1]]
        texts = [(entry.text, folder, ("inputs", at)) for at, entry in entries]
        texts += [(step.path, folder, ("file",)) for step in task.steps if isinstance(step, File) and not only_ignored]
        if not texts:
            return NO_GLOBS
        found = []
        for text, base, path in texts:
            for plain, anchor in self._unnamed(text, base, (*task.path, *path)):
                whole = (*task.path, *path)
                found.append(self._glob(file_and_key(plain)[0], anchor, words, whole, self.project.outside))
        return Globs(tuple(found))

    def _outputs(self, task: Task, folder: str, words: Words) -> list[tuple[Output, Glob]]:
        """The globs of a task's outputs, each with the entry that it stands in."""
        found = []
        for at, entry in enumerate(task.outputs):
            path = (*task.path, "outputs", at)
            for text, base in self._unnamed(entry.text, folder, path):
                found.append((entry, self._glob(text, base, words, path)))
        return found

    def _unnamed(self, text: str, folder: str, path: KeyPath) -> Iterator[tuple[str, str]]:
        """A pattern, or those that its `@name` stands for, each with the folder it is relative to."""
        negated = "!" if text.startswith("!@") else ""
        if not text.removeprefix("!").startswith("@"):
            yield text, folder
            return
        for other in self.named_globs(text.removeprefix("!")[1:], path):
            yield (other if not negated else other[1:] if other.startswith("!") else "!" + other), ""

    def named_globs(self, name: str, path: KeyPath, below: tuple[str, ...] = ()) -> tuple[str, ...]:
        """The patterns of a list in `[globs]`, those of lists that it names included."""
        if name in self._globs:
            return self._globs[name]
        place = self.manifest.value(*path)
        if name not in self.project.globs:
            from runner.error import did_you_mean

            raise refuse(f"unknown glob list `@{name}`", place, did_you_mean(name, self.project.globs))
        if name in below:
            raise refuse(f"glob lists name each other in a circle: {' -> '.join([*below, name])}", place)
        found: list[str] = []
        for at, text in enumerate(self.project.globs[name]):
            if text.startswith("@"):
                found += self.named_globs(text[1:], ("globs", name, at), (*below, name))
            else:
                found.append(text)
        self._globs[name] = tuple(found)
        return self._globs[name]

    def _glob(self, text: str, folder: str, words: Words, path: KeyPath, outside: Sequence[str] = ()) -> Glob:
        try:
            return Glob.of(self.path_text(text, words, path), folder, outside)
        except ValueError as error:
            if isinstance(error, TemplateError):
                raise
            raise refuse(str(error), self.manifest.value(*path), getattr(error, "hint", None)) from None

    def path_text(self, text: str, words: Words, path: KeyPath) -> str:
        """A path or pattern with its names filled in; what only a run can know stands for anything."""
        if "{{" not in text:
            return text
        with self.placed(*path):
            for name in names(text):
                if name in FOUND:
                    raise TemplateError(f"`{{{{{name}}}}}` cannot be used in a path")
            return render(text, Words({**dict.fromkeys(self.pending, ANYTHING), **words}, self.env))

    def placed(self, *path: str | int) -> Placed:
        """A block in which an error of a template or an argument becomes a refusal with the place of `path`."""
        return Placed(lambda: self.manifest.value(*path))


class Placed:
    """Turns errors that know no place into refusals that do."""

    def __init__(self, place: Callable[[], Any]) -> None:
        self.place = place

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """*Raises*: Refusal with the place."""
        if isinstance(error, TemplateError | ArgumentError) and not isinstance(error, Refusal):
            raise refuse(str(error), self.place(), error.hint) from None


def node_name(task: str, usual: Mapping[str, ArgValue], values: Mapping[str, ArgValue], rest: tuple[str, ...]) -> str:
    """A node as it is named everywhere: the task, and the arguments that differ from their defaults."""
    if not rest and values == usual:
        return task
    shown = [f"{name}={_shown(value)}" for name, value in values.items() if value != usual.get(name)]
    if rest:
        shown.append(f"--={_shown(rest)}")
    return f"{task}{{{','.join(shown)}}}"


def _shown(value: ArgValue) -> str:
    """A value in a node's name: bare where that is unmistakable, so that two values never make one name."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return "[" + " ".join(ascii(text) if " " in text else _shown(text) for text in value) + "]"
    if value and value.strip() == value and not set(value) & set(",{}[]='\"\\") and value.isprintable():
        return value
    return ascii(value)


def _plain(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def file_and_key(text: str) -> tuple[str, str]:
    """The two parts of an input such as `params.toml#model.lr`; of another one the text and nothing."""
    file, mark, key = text.partition("#")
    return (file, key) if mark and file.endswith((".toml", ".yaml", ".yml", ".json")) else (text, "")
