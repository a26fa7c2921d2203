"""What a file says that a schema cannot see to be wrong: all of it at once, each with its place."""

from __future__ import annotations

from runner.argument import unknown
from runner.command import INTERPRETERS, texts
from runner.error import Problem, Refusal, did_you_mean
from runner.expand import FOUND
from runner.graph import is_glob, named_tasks, producers
from runner.pattern.overlap import clash, within
from runner.task import Call, File
from runner.template import TemplateError, names, parse, quoting
from runner.template import unknown as unknown_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from runner.error import Place
    from runner.expand import Expansion
    from runner.graph import Graph
    from runner.manifest import KeyPath
    from runner.pattern.index import OutputIndex
    from runner.task import Project, Task

BUILT_IN: Final = ("root", "dir", "task", "profile", "os", "arch", "file", "rest", *FOUND)
RESOURCES: Final = ("duckdb:", "sqlite:")


def check(expansion: Expansion) -> OutputIndex:
    """The outputs of a file in which nothing is wrong. *Raises*: Refusal with all that is."""
    project = expansion.project
    problems = [*_file_problems(project)]
    for task in project.tasks.values():
        problems += _task_problems(expansion, task)
    index = None
    try:
        index = producers(expansion)
    except Refusal as refusal:
        problems += refusal.problems
    if index is not None:
        problems += _collisions(project, index)
    if problems or index is None:
        raise Refusal(*_unique(problems))
    return index


def _unique(problems: list[Problem]) -> list[Problem]:
    return list(dict.fromkeys(problems))


def _file_problems(project: Project) -> Iterator[Problem]:
    manifest = project.manifest
    taken: dict[str, str] = {}
    for task in project.tasks.values():
        for alias in task.aliases:
            other = alias if alias in project.tasks else taken.get(alias)
            if other is not None:
                yield Problem(
                    message=f"alias `{alias}` of task `{task.name}` already names task `{other}`",
                    place=manifest.key(*task.path, "alias"),
                )
            taken[alias] = task.name
    if project.default is not None and project.named(project.default) is None:
        hint = did_you_mean(project.default, project.tasks)
        yield Problem(
            message=f"unknown task `{project.default}`", place=manifest.value("project", "default"), hint=hint
        )


def _task_problems(expansion: Expansion, task: Task) -> Iterator[Problem]:
    if task.deps or task.after:
        yield from _strange_names(expansion.project, task)
    if task.pools:
        yield from _strange_pools(expansion.project, task)
    if len(task.args) > 1:
        yield from _argument_clashes(expansion.project, task)
    yield from _templates(expansion, task)
    if task.steps:
        yield from _steps(expansion.project, task)
    if task.inputs or task.outputs or task.dir:
        try:
            yield from _files(expansion, task)
        except Refusal as refusal:
            yield from refusal.problems


def _strange_names(project: Project, task: Task) -> Iterator[Problem]:
    wanted: list[tuple[str, KeyPath]] = [(dep.task, dep.path) for dep in task.deps]
    wanted += [(word, (*task.path, "after", at)) for at, word in enumerate(task.after)]
    for word, path in wanted:
        if word in project.tasks and word != task.name:
            continue
        try:
            found = named_tasks(project, word, path, task)
        except Refusal as refusal:
            yield from refusal.problems
            continue
        if found == [task] and not is_glob(word):
            yield Problem(message=f"task `{task.name}` needs itself", place=project.manifest.value(*path))
    for dep in task.deps:
        target = project.named(dep.task)
        strange = unknown(target, dep.args) if target is not None else None
        if strange is not None:
            yield Problem(message=str(strange), place=project.manifest.value(*dep.path), hint=strange.hint)


def _strange_pools(project: Project, task: Task) -> Iterator[Problem]:
    place = project.manifest.value(*task.path, "pool")
    for pool, amount in task.pools.items():
        if pool not in project.pools:
            yield Problem(message=f"unknown pool `{pool}`", place=place, hint=did_you_mean(pool, project.pools))
        elif amount > project.pools[pool]:
            message = f"task `{task.name}` takes {amount} of pool `{pool}`, which has {project.pools[pool]}"
            yield Problem(message=message, place=place)


def _argument_clashes(project: Project, task: Task) -> Iterator[Problem]:
    """Two arguments that are typed alike."""
    typed: dict[str, str] = {}
    for arg in task.args.values():
        for option in (arg.option, f"-{arg.short}" if arg.short else None):
            if option is not None and option in typed:
                message = (
                    f"arguments `{typed[option]}` and `{arg.name}` of task `{task.name}` are both typed `{option}`"
                )
                yield Problem(message=message, place=project.manifest.key(*task.path, "args", arg.name))
            if option is not None:
                typed[option] = arg.name


def _templates(expansion: Expansion, task: Task) -> Iterator[Problem]:
    project = expansion.project
    for text, path in texts(task):
        if "{{" not in text:
            continue
        place = project.manifest.value(*task.path, *path)
        try:
            used = names(text)
        except TemplateError as error:
            yield Problem(message=str(error), place=place, hint=error.hint)
            continue
        yield from _unquotable(task, text, path, place)
        for name in used:
            if name.startswith("env.") or name in BUILT_IN or name in task.args or name in project.vars:
                continue
            hint = did_you_mean(name, [*task.args, *project.vars, *BUILT_IN])
            yield Problem(message=f"unknown name `{{{{{name}}}}}`", place=place, hint=hint)


def _unquotable(task: Task, text: str, path: KeyPath, place: Place | None) -> Iterator[Problem]:
    if path[0] not in ("run", "finally") or all(isinstance(part, str) or part.is_raw for part in parse(text)):
        return
    try:
        quoting(task.shell)("")
    except TemplateError as error:
        yield Problem(message=str(error), place=place, hint=error.hint)


def _steps(project: Project, task: Task) -> Iterator[Problem]:
    for at, step in enumerate(task.steps):
        path = (*task.path, task.body, at)
        if isinstance(step, Call):
            if is_glob(step.task):
                yield Problem(message="a step names one task, not a glob", place=project.manifest.value(*path))
                continue
            try:
                strange = unknown(named_tasks(project, step.task, path, task)[0], step.args)
            except Refusal as refusal:
                yield from refusal.problems
                continue
            if strange is not None:
                yield Problem(message=str(strange), place=project.manifest.value(*path), hint=strange.hint)
        elif isinstance(step, File) and "{{" not in step.path:
            ending = step.path[step.path.rfind(".") :] if "." in step.path else ""
            if ending not in project.interpreters and ending not in INTERPRETERS:
                hint = f'say how in `[interpreters]`, such as `"{ending}" = "program {{{{file}}}}"`' if ending else None
                place = project.manifest.value(*task.path, "file")
                yield Problem(message=f"no interpreter for `{step.path}`", place=place, hint=hint)


def _files(expansion: Expansion, task: Task) -> Iterator[Problem]:
    manifest = expansion.manifest
    written = {"inputs": [entry.text for entry in task.inputs], "outputs": [entry.text for entry in task.outputs]}
    for key, entries in written.items():
        for at, text in enumerate(entries):
            if text.startswith(RESOURCES):
                message = f"resources such as `{text}` are not available yet in this version of trun"
                yield Problem(message=message, place=manifest.value(*task.path, key, at))
                return
    node = expansion.outline(task)
    if not task.inputs or not node.outputs or task.in_place:
        return
    for output in node.outputs:
        for at, glob in enumerate(node.inputs.globs):
            cuts = [later for later in node.inputs.globs[at + 1 :] if later.is_negated]
            if not glob.is_negated and clash(output, glob) and not any(within(output, cut) for cut in cuts):
                yield Problem(
                    message=f"input `{glob.text}` of task `{task.name}` is one of its own outputs, `{output.text}`",
                    place=manifest.value(*task.path, "inputs", min(at, len(task.inputs) - 1)),
                )


def _collisions(project: Project, index: OutputIndex) -> Iterator[Problem]:
    for found in index.collisions():
        task, other = project.tasks[found.owner], project.tasks[found.other_owner]
        same = found.output.normal == found.other_output.normal
        how = (
            f"`{found.other_output.text}`"
            if same
            else f"`{found.output.text}` and `{found.other_output.text}`, which overlap"
        )
        yield Problem(
            message=f"tasks `{task.name}` and `{other.name}` both declare the output {how}",
            place=project.manifest.key(*other.path, "outputs"),
        )


def refuse_unset(expansion: Expansion, graph: Graph) -> None:
    """A run may not begin whose commands name variables that are not set. *Raises*: Refusal with all of them."""
    problems = []
    for node in graph.nodes.values():
        if node.name in graph.skipped:
            continue
        for text, path in texts(node.task):
            for name in names(text) if "{{" in text else ():
                if name.startswith("env.") and name not in node.words:
                    place = expansion.manifest.value(*node.task.path, *path)
                    problems.append(Problem(message=str(unknown_name(name, ())), place=place))
    if problems:
        raise Refusal(*_unique(problems))


def quoted_placeholders(project: Project) -> Iterator[Problem]:
    """Warnings for placeholders that stand inside quotes of a shell: they are quoted already."""
    for task in project.tasks.values():
        for text, path in texts(task):
            if path[0] not in ("run", "finally") or "{{" not in text:
                continue
            at = _inside_quotes(text)
            if at is not None:
                yield Problem(
                    message=f"{at} in task `{task.name}` stands inside quotes, and is quoted already",
                    place=project.manifest.value(*task.path, *path),
                    hint="leave out the quotes around it, or write `|raw`",
                )


def _inside_quotes(text: str) -> str | None:
    """The first placeholder that an open quote comes before."""
    quote = ""
    for part in parse(text):
        if not isinstance(part, str):
            if quote and not part.is_raw:
                return f"`{{{{{part.name}}}}}`"
            continue
        escaped = False
        for char in part:
            if escaped:
                escaped = False
            elif char == "\\" and quote != "'":
                escaped = True
            elif not quote and char in "'\"":
                quote = char
            elif char == quote:
                quote = ""
    return None
