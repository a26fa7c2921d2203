"""`--list`: the tasks, what each is for and what it takes; for people in columns, or as one document."""

from __future__ import annotations

from runner.cli.targets import metavar
from runner.error import columns, plain, refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any, Final

    from runner.request import Request
    from runner.task import Arg, Project, Task

    Paint = Callable[[str, str], str]

NAMES_AT_MOST: Final = 30
# Below this a description is not worth a column of its own.
COLUMN_AT_LEAST: Final = 16
CHOICES_AT_MOST: Final = 40
ELLIPSIS: Final = "…"
DEFAULT: Final = " (default)"


def listing(project: Project, request: Request, width: int = 0, *, color: bool = False) -> str:
    """The list: with targets of those, otherwise of all tasks that are not hidden.

    *Units*: `width` in columns, 0 for lines as long as they come. *Raises*: Refusal for tags that nothing has.
    """
    tasks = listed(project, request)
    if request.json is not None:
        return document(project, tasks)
    if not tasks:
        return _nothing(project)
    paint = _painted if color else _unpainted
    return "\n".join(_Columns(project, tasks, width, paint).blocks())


def listed(project: Project, request: Request) -> list[Task]:
    """The tasks to be told, in the order of the file."""
    if request.targets:
        named = {target.name for target in request.targets}
        tasks = [task for task in project.tasks.values() if task.name in named]
    else:
        tasks = [task for task in project.tasks.values() if request.all or not task.hidden]
    if not request.tags:
        return tasks
    from runner.select import Expression

    tests = [Expression(text) for text in request.tags]
    found = [task for task in tasks if all(test.fits(task.tags) for test in tests)]
    if not found:
        raise refuse(f"no task fits `-t {' '.join(request.tags)}`")
    return found


class _Columns:
    """Names on the left, and beside them what each is for, and below that what it takes."""

    def __init__(self, project: Project, tasks: Sequence[Task], width: int, paint: Paint) -> None:
        self.tasks = tasks
        self.paint = paint
        self.default = project.named(project.default) if project.default is not None else None
        self.names = {task.name: _names(task) for task in tasks}
        self.width = width
        widest = max(map(columns, self.names.values()))
        bound = min(NAMES_AT_MOST, width * 2 // 5) if width else NAMES_AT_MOST
        self.left = 2 + min(widest, bound) + 2
        if width and width - self.left < COLUMN_AT_LEAST:
            # No room for two columns: what a task is for stands below its name.
            self.left = 4
        self.right = max(width - self.left, 1) if width else 0

    def blocks(self) -> Iterator[str]:
        """The tasks of each group under its name, those of none first."""
        groups: dict[str, list[Task]] = {"": []}
        for task in self.tasks:
            groups.setdefault(task.group or "", []).append(task)
        for group, tasks in groups.items():
            if tasks:
                heading = [self.paint("1", self._cut(plain(group), self.width))] if group else []
                yield "\n".join([*heading, *(line for task in tasks for line in self._lines(task))]) + "\n"

    def _lines(self, task: Task) -> Iterator[str]:
        name = self.names[task.name]
        texts = [("", desc)] if (desc := self._desc(task)) else []
        if task.args:
            texts += [("2", line) for line in self._wrapped(map(taken, task.args.values()))]
        gap = self.left - 2 - columns(name)
        shown = "  " + self.paint("36", self._cut(name, self.width - 2))
        if gap < 2 and texts:
            yield shown
        elif texts:
            style, text = texts.pop(0)
            yield f"{shown}{' ' * gap}{self.paint(style, text)}"
        else:
            yield shown
        for style, text in texts:
            yield " " * self.left + self.paint(style, text)

    def _desc(self, task: Task) -> str:
        desc = plain(task.desc.strip().partition("\n")[0]) if task.desc else ""
        if task is not self.default or 0 < self.right < COLUMN_AT_LEAST:
            return self._cut(desc, self.right)
        return f"{self._cut(desc, self.right - len(DEFAULT))}{DEFAULT}".lstrip()

    def _wrapped(self, words: Iterable[str]) -> list[str]:
        """The words in as many lines as they take."""
        lines: list[str] = []
        for word in words:
            if lines and (not self.right or columns(lines[-1]) + 1 + columns(word) <= self.right):
                lines[-1] += f" {word}"
            else:
                lines.append(self._cut(word, self.right))
        return lines

    def _cut(self, text: str, limit: int) -> str:
        """As much of the text as fits, with a mark where something is missing."""
        # No character takes more columns than it has bytes: most texts need no closer look.
        if not self.width or len(text.encode(errors="surrogatepass")) <= limit or columns(text) <= limit:
            return text
        kept = text[: max(limit - 1, 0)]
        while columns(kept) >= limit > 0:
            kept = kept[:-1]
        return kept + ELLIPSIS


def _nothing(project: Project) -> str:
    count = len(project.tasks)
    if not count:
        return f"{project.manifest.shown}: no tasks\n"
    return f"{count} hidden task{'s' * (count > 1)}: `--list --all` shows {'them' if count > 1 else 'it'}\n"


def _painted(code: str, text: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if code else text


def _unpainted(_: str, text: str) -> str:
    return text


def _names(task: Task) -> str:
    """A task's name, and behind it its others."""
    return ", ".join((task.name, *task.aliases)) if task.aliases else task.name


def taken(arg: Arg) -> str:
    """An argument as it is typed, in brackets unless it must be."""
    value = plain("|".join(arg.choices)).replace("\n", "\\n")
    if not value or columns(value) > CHOICES_AT_MOST:
        value = metavar(arg)
    if arg.type == "bool":
        word = f"--no-{arg.option[2:]}" if arg.default == "true" else arg.option
    else:
        word = value if arg.positional else f"{arg.option} {value}"
    word = word if arg.required else f"[{word}]"
    return f"{word}..." if arg.multiple else word


def document(project: Project, tasks: Iterable[Task]) -> str:
    """The tasks as one JSON document on one line, as the schema of views has it."""
    import json

    file = project.manifest.path.removeprefix(project.root.rstrip("/") + "/")
    return json.dumps({"v": 1, "view": "list", "tasks": [_task(project, task, file) for task in tasks]}) + "\n"


def _task(project: Project, task: Task, file: str) -> dict[str, Any]:
    place = project.manifest.key(*task.path)
    return {
        "name": task.name,
        "desc": task.desc,
        "aliases": task.aliases,
        "group": task.group,
        "tags": task.tags,
        "args": {name: _arg(arg) for name, arg in task.args.items()},
        "hidden": task.hidden,
        "file": file,
        "line": place.line if place is not None else None,
    }


def _arg(arg: Arg) -> dict[str, Any]:
    keys = ("type", "default", "required", "choices", "pattern", "min", "max", "help", "short", "flag")
    return {key: getattr(arg, key) for key in (*keys, "positional", "multiple", "env")}
