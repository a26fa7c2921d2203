"""What a node runs: its words and its folder."""

from __future__ import annotations

import posixpath

from runner.error import refuse
from runner.expand import Words, widened
from runner.result import Action
from runner.task import Argv, Call, File, Script
from runner.template import TemplateError, names, quoting, render, render_words
from runner.variables import Variables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Final

    from runner.error import Refusal
    from runner.expand import Expansion
    from runner.request import ArgValue
    from runner.task import Node, Task

# How a file is run, by its ending; `[interpreters]` says it for others, and otherwise for these.
INTERPRETERS: Final[dict[str, tuple[str, ...]]] = {
    ".sh": ("sh", "-eu"),
    ".bash": ("bash", "-eu"),
    ".py": ("python3",),
    ".js": ("node",),
    ".mjs": ("node",),
    ".ts": ("npx", "--no-install", "tsx"),
    ".rb": ("ruby",),
    ".pl": ("perl",),
    ".R": ("Rscript",),
}
# What a command may name and only a run can know.
FOUND: Final = ("inputs", "outputs")


class Commands:
    """Turns steps of nodes into actions, for one project in one world.

    `extra` are variables that trun itself sets for every command, such as the jobserver's.
    """

    def __init__(self, expansion: Expansion, extra: Mapping[str, str] | None = None) -> None:
        self.project = expansion.project
        self.ambient = expansion.ambient
        self.expansion = expansion
        self._is_plain: dict[str, bool] = {}
        self.variables = Variables(expansion, dict(extra or {}))

    def folder(self, node: Node) -> str:
        """The absolute folder that a node works in."""
        return posixpath.join(self.project.root, node.dir) if node.dir else self.project.root

    def argv(self, node: Node, step: Script | Argv | File, words: Mapping[str, ArgValue]) -> tuple[str, ...]:
        """The words of one step. *Raises*: Refusal with the place for what cannot be interpolated."""
        task = node.task
        with self.expansion.placed(*task.path, task.body):
            match step:
                case Script(text=text):
                    return (*task.shell, render(text, words, quoting(task.shell)))
                case Argv(words=raw):
                    return tuple(word for text in raw for word in render_words(text, words))
                case File(path=path):
                    return self._interpreted(task, render(path, words), words)

    def _interpreted(self, task: Task, file: str, words: Mapping[str, ArgValue]) -> tuple[str, ...]:
        if file.startswith("/"):
            file = posixpath.relpath(file.lstrip("/"), str(words["dir"]))
        ending = posixpath.splitext(file)[1]
        said = self.project.interpreters.get(ending)
        if said is not None:
            with_file = widened(words, {"file": file})
            return (*task.shell, render(said, with_file, quoting(task.shell)))
        if ending not in INTERPRETERS:
            hint = f'say how in `[interpreters]`, such as `"{ending}" = "program {{{{file}}}}"`' if ending else None
            raise TemplateError(f"no interpreter for `{file}`", hint)
        # A name that begins with a dash is a file all the same.
        return (*INTERPRETERS[ending], file if not file.startswith("-") else f"./{file}")

    def script(self, node: Node, text: str, key: str | int, words: Mapping[str, ArgValue]) -> Action:
        """A text of another key, such as `finally`, or of a probe by its number, as an action of the node."""
        path = ("probes", key) if isinstance(key, int) else (key,)
        with self.expansion.placed(*node.task.path, *path):
            argv = (*node.task.shell, render(text, words, quoting(node.task.shell)))
        return self._action(node, argv, words)

    def action(self, node: Node, step: Script | Argv | File, words: Mapping[str, ArgValue]) -> Action:
        """One step as what an executor takes."""
        return self._action(node, self.argv(node, step, words), words)

    def _action(self, node: Node, argv: tuple[str, ...], words: Mapping[str, ArgValue]) -> Action:
        return Action(
            task=node.name,
            argv=argv,
            env=self.variables.plain(node, words),
            cwd=self.folder(node),
            own=self.variables.own(node),
            timeout_s=node.task.timeout_s,
            owns_terminal=node.task.interactive,
            detach=node.task.detach,
        )

    def late(self, node: Node) -> set[str]:
        """The names that a node's commands use and only a run can know: files as found, vars that a command tells, and
        those that these name."""
        if self.is_plain(node.task) and not self.variables.has_templates():
            return set()
        used = {name for text, _ in texts(node.task) if "{{" in text for name in names(text)}
        used |= self.variables.late()
        todo = [name for name in used if name in FOUND or name in self.expansion.pending]
        found: set[str] = set()
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += self.pending_in(name) if name not in FOUND else []
        return found

    def is_plain(self, task: Task) -> bool:
        """Whether a task names nothing anywhere."""
        found = self._is_plain.get(task.name)
        if found is None:
            found = self._is_plain[task.name] = not any("{{" in text for text, _ in texts(task))
        return found

    def pending_in(self, name: str) -> list[str]:
        """The vars that a command tells and that this var's own text names."""
        return [other for other in names(self.expansion.pending[name]) if other in self.expansion.pending]

    def var(self, name: str, words: Mapping[str, ArgValue]) -> Action | None:
        """The command that tells a var, in the root; None for a var that only names others."""
        if not isinstance(self.project.vars[name], dict):
            return None
        shell = self.project.shell
        with self.expansion.placed("vars", name):
            argv = (*shell, render(self.expansion.pending[name], words, quoting(shell)))
        return Action(task=f"vars.{name}", argv=argv, env=self.variables.fixed(), cwd=self.project.root)

    def var_text(self, name: str, words: Mapping[str, ArgValue]) -> str:
        """A var that names others, once those are known."""
        with self.expansion.placed("vars", name):
            return render(self.expansion.pending[name], words)

    def refused_var(self, name: str, why: str) -> Refusal:
        """The refusal for a var whose command failed."""
        return refuse(f"the command of var `{name}` failed: {why}", self.project.manifest.value("vars", name))

    def refused_probe(self, node: Node, at: int, why: str) -> Refusal:
        """The refusal for a probe that failed."""
        place = self.project.manifest.value(*node.task.path, "probes", at)
        return refuse(f"probe `{node.task.probes[at]}` of task `{node.task.name}` failed: {why}", place)

    def shown(self, node: Node, words: Mapping[str, ArgValue]) -> list[str]:
        """The steps as a person would type them; what only a run can know stays as it is written."""
        with self.expansion.placed(*node.task.path, node.task.body):
            return self._shown(node, words)

    def _shown(self, node: Node, words: Mapping[str, ArgValue]) -> list[str]:
        late = {name: f"{{{{{name}}}}}" for name in (*self.expansion.pending, *FOUND)}
        kept = Veiled({**late, **words}, words, node, self.expansion)
        found = []
        for step in node.task.steps:
            if isinstance(step, Call):
                given = ",".join(f"{name}={value}" for name, value in step.args.items())
                found.append(f"trun {step.task}" + (f" {{{given}}}" if given else ""))
            elif isinstance(step, Script):
                found.append(render(step.text, kept, lenient(quoting(node.task.shell))))
            else:
                quote = quoting(("sh",))
                found.append(" ".join(quote(word) for word in self.argv(node, step, kept)))
        return found


class Veiled(Words):
    """What names stand for in a text that is told: variables stay names, also where a var was made of them."""

    def __init__(
        self, values: Mapping[str, ArgValue], words: Mapping[str, ArgValue], node: Node, expansion: Expansion
    ) -> None:
        # What a command tells is known by what it printed.
        texts = {name: str(said) for name, said in expansion.project.vars.items() if not isinstance(said, dict)}
        made_of_names = {name for name, text in texts.items() if names(text)}
        self.apart = made_of_names - set(node.task.args) - set(expansion.given)
        super().__init__({name: value for name, value in values.items() if name not in self.apart}, {})
        self.words = words
        self.expansion = expansion

    def __contains__(self, name: object) -> bool:
        return dict.__contains__(self, name) or name in self.apart or name in self.words

    def __missing__(self, name: str) -> ArgValue:
        if name in self.apart:
            return render(str(self.expansion.project.vars[name]), self)
        return f"{{{{{name}}}}}"

    def widened(self, more: Mapping[str, ArgValue]) -> Words:
        """The same, and more names where these have none."""
        self.update({name: value for name, value in more.items() if name not in self})
        return self


def lenient(quote: Callable[[str], str]) -> Callable[[str], str]:
    """The quoting, but for a placeholder that stays as it is."""
    return lambda text: text if text.startswith("{{") and text.endswith("}}") else quote(text)


def texts(task: Task) -> list[tuple[str, tuple[str | int, ...]]]:
    """Every text of a task in which names may stand, with the key it stands at."""
    found: list[tuple[str, tuple[str | int, ...]]] = []
    for at, step in enumerate(task.steps):
        path = (task.body, at) if len(task.steps) > 1 else (task.body,)
        match step:
            case Script(text=text) | File(path=text):
                found.append((text, path))
            case Argv(words=words):
                found += [(word, (task.body, number)) for number, word in enumerate(words)]
            case Call(args=args):
                found += [(str(value), path) for value in args.values()]
    found += [(value, ("env", name)) for name, value in task.env.items()]
    found += [(entry.text, ("inputs", at)) for at, entry in enumerate(task.inputs)]
    found += [(entry.text, ("outputs", at)) for at, entry in enumerate(task.outputs)]
    found += [
        (text, (key,))
        for key, text in (("dir", task.dir), ("confirm", task.confirm), ("finally", task.finally_))
        if text
    ]
    found += [(text, ("probes", at)) for at, text in enumerate(task.probes)]
    if task.when is not None and task.when.cmd:
        found.append((task.when.cmd, ("when", "cmd")))
    return found
