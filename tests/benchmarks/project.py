"""Equal projects: one neutral description that every adapter writes in its own tool's format."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

# What no format escapes, so that an adapter only has to think of quotes, backslashes and `$`.
FORBIDDEN = ("\n", "{{", "}}")
RAN = "ran"  # where each step that really runs leaves a line, unknown to the tools
SEED = "seed"  # what a step may copy, declared by none: a restore is not to pay for digesting it


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One task: a line for the shell (or none: a group), and the steps before it.

    `inputs` are paths, or all files of a folder as `folder/*.txt`; `outputs` are paths, or a folder as `folder/`.
    """

    name: str
    command: str = ""
    deps: tuple[str, ...] = ()
    desc: str = ""
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for text in FORBIDDEN:
            if text in self.command or text in self.desc:
                raise ValueError(f"a step cannot say {text!r}: {self.name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """`count` files of `size_bytes` each, made once: nobody's outputs."""

    path: str
    count: int
    size_bytes: int

    def files(self) -> list[str]:
        """Their paths, sorted as a shell sorts them."""
        return [f"{self.path}/f{number:05}.txt" for number in range(1, self.count + 1)]


@dataclass(frozen=True, kw_only=True)
class Project:
    """Steps in an order in which they could run, the one to ask for, and the files that are there before."""

    steps: tuple[Step, ...]
    goal: str
    folders: tuple[Folder, ...] = ()

    @cached_property
    def has_files(self) -> bool:
        """Whether any step declares what it makes: then the question is whether that is up to date."""
        return any(step.outputs for step in self.steps)

    @cached_property
    def makers(self) -> dict[str, str]:
        """The step that makes each output."""
        return {output: step.name for step in self.steps for output in step.outputs}

    @cached_property
    def sources(self) -> dict[str, list[str]]:
        """The files that each pattern for a folder matches."""
        return {f"{folder.path}/*.txt": folder.files() for folder in self.folders}

    @cached_property
    def made_by(self) -> dict[str, tuple[str, ...]]:
        """The outputs of each step."""
        return {step.name: step.outputs for step in self.steps}

    def reads(self, step: Step) -> list[str]:
        """Every file that `step` reads, patterns spelled out: for tools that have none."""
        return [path for pattern in step.inputs for path in self.sources.get(pattern, [pattern])]

    def own(self, step: Step) -> list[str]:
        """The inputs of `step` that no other step makes: for tools whose keys take those before into account."""
        return [path for path in step.inputs if path not in self.makers]

    def after(self, step: Step) -> tuple[str, ...]:
        """Every step before `step`, those among them that make its inputs: for tools that do not infer it."""
        made = (self.makers[path] for path in step.inputs if path in self.makers)
        return tuple(dict.fromkeys([*step.deps, *made]))

    def targets(self, name: str) -> tuple[str, ...]:
        """What a tool of files calls that step: its outputs, or its name if it makes none."""
        return self.made_by[name] or (name,)


def single(command: str = "true") -> Project:
    """A project of one task."""
    return Project(steps=(Step(name="one", command=command),), goal="one")


def side_by_side(count: int, command: str = "true", *, described: bool = False) -> Project:
    """`count` tasks that know nothing of each other, and `all` that wants them."""
    steps = tuple(
        Step(name=numbered(number), command=command, desc=f"What step {number} is for" if described else "")
        for number in range(1, count + 1)
    )
    return Project(steps=(*steps, Step(name="all", deps=tuple(step.name for step in steps))), goal="all")


def chain(count: int, command: str = "true") -> Project:
    """`count` tasks, each after the one before it."""
    steps = tuple(
        Step(name=numbered(number), command=command, deps=(numbered(number - 1),) if number > 1 else ())
        for number in range(1, count + 1)
    )
    return Project(steps=steps, goal=numbered(count))


def log(size_bytes: int) -> Project:
    """One task that prints `size_bytes` in lines of 100."""
    return single(f"yes {'x' * 99} | head -c {size_bytes}")


def layered(count: int, each: int, *, size_bytes: int = 500) -> Project:
    """`count` tasks in ten layers (fewer if they would be narrower than five), and `all` that wants the topmost.

    Each digests `each` files of its own folder and the outputs of two tasks of the layer below, and leaves a line in
    `ran`, with what every shell has built in: so that it can be told who ran and who was only brought back.
    """
    width = max(5, count // 10)
    steps = tuple(digesting(number, width) for number in range(1, count + 1))
    folders = tuple(
        Folder(path=f"src/{numbered(number)}", count=each, size_bytes=size_bytes) for number in range(1, count + 1)
    )
    top = tuple(step.name for step in steps[-width:])
    return Project(steps=(*steps, Step(name="all", deps=top)), goal="all", folders=folders)


def digesting(number: int, width: int) -> Step:
    """The step of that number: below it are the one in its column and the next column's."""
    layer, column = divmod(number - 1, width)
    below = [(layer - 1) * width + other % width + 1 for other in (column, column + 1)] if layer else []
    inputs = (f"src/{numbered(number)}/*.txt", *(f"out/{numbered(other)}.txt" for other in below))
    output = f"out/{numbered(number)}.txt"
    command = f"echo {number} >> {RAN}; sha256sum {' '.join(inputs)} > {output}"
    return Step(name=numbered(number), command=command, inputs=inputs, outputs=(output,))


def copying(count: int, size_bytes: int, large_bytes: int) -> Project:
    """One task whose outputs are `count` files and a large one."""
    command = f"echo 1 >> {RAN}; mkdir -p out && cp -R {SEED}/. out"
    step = Step(name="one", command=command, inputs=("src/one/*.txt",), outputs=("out/",))
    folders = (
        Folder(path="src/one", count=1, size_bytes=500),
        Folder(path=f"{SEED}/small", count=count, size_bytes=size_bytes),
        Folder(path=f"{SEED}/large", count=1, size_bytes=large_bytes),
    )
    return Project(steps=(step,), goal="one", folders=folders)


def numbered(number: int) -> str:
    """The name of the step with that number; all of one length up to 99,999."""
    return f"t{number:05}"
