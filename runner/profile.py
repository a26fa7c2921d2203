"""Overlays: a manifest and the profiles that were asked for, to all that the file declares."""

from __future__ import annotations

from runner import task as nouns
from runner.argument import ArgumentError, canonical
from runner.declare import DEFAULT_SHELL, Declaring, arg_value, extended, seconds, size_bytes, table, texts
from runner.error import Problem, Refusal, did_you_mean, refuse
from runner.noun import noun, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from runner.manifest import KeyPath, Manifest
    from runner.task import Project, Task

    DotEnv = Sequence[tuple[str, Mapping[str, str]]]


@noun
class Overlay:
    """What the profiles say together; the rightmost has won already. `paths` says where each argument value stands."""

    names: tuple[str, ...] = ()
    vars: Mapping[str, Any] = {}
    env: Mapping[str, str] = {}
    args: Mapping[tuple[str, str], tuple[Any, KeyPath]] = {}
    disabled: Mapping[str, str] = {}
    from_: tuple[str, ...] = ()
    until: tuple[str, ...] = ()
    run: Mapping[str, Any] = {}
    cache: Mapping[str, Any] = {}


def overlay(manifest: Manifest, names: Sequence[str]) -> Overlay:
    """The profiles of these names and those that they extend, as one.

    *Raises*: Refusal for a strange name or a circle.
    """
    order: list[str] = []
    for name in names:
        _extend(manifest, name, (), order)
    profiles = manifest.data.get("profiles", {})
    merged: dict[str, dict[Any, Any]] = {"vars": {}, "env": {}, "args": {}, "disabled": {}, "run": {}, "cache": {}}
    cut: dict[str, tuple[str, ...]] = {"from": (), "until": ()}
    for name in order:
        raw = profiles[name]
        for key in ("vars", "env", "run", "cache"):
            merged[key].update(raw.get(key, {}))
        for task, values in raw.get("args", {}).items():
            for arg, value in values.items():
                merged["args"][task, arg] = (value, ("profiles", name, "args", task, arg))
        merged["disabled"].update(dict.fromkeys(texts(raw.get("disable")), name))
        for group in texts(raw.get("enable")):
            merged["disabled"].pop(group, None)
        # Where a run starts and stops is what this profile says, never what it inherits and then says otherwise.
        for key in cut:
            cut[key] = texts(raw.get(key)) or cut[key]
    return Overlay(names=tuple(order), from_=cut["from"], until=cut["until"], **merged)


def _extend(manifest: Manifest, name: str, below: tuple[str, ...], order: list[str]) -> None:
    profiles = manifest.data.get("profiles", {})
    if name not in profiles:
        place = manifest.value("profiles", below[-1], "extends") if below else None
        hint = did_you_mean(name, profiles) or (None if profiles else f"`{manifest.shown}` has no profiles")
        raise refuse(f"unknown profile `{name}`", place, hint)
    if name in below:
        circle = " -> ".join([*below[below.index(name) :], name])
        raise refuse(f"profiles extend each other in a circle: {circle}", manifest.value("profiles", name, "extends"))
    for base in texts(profiles[name].get("extends")):
        _extend(manifest, base, (*below, name), order)
    # Named again it counts where it stands last.
    if name in order:
        order.remove(name)
    order.append(name)


def declared(manifest: Manifest, over: Overlay, *, os: str, dotenv: DotEnv = ()) -> Project:
    """All that the file declares, after profiles and templates. *Raises*: Refusal with everything that is wrong."""
    data = manifest.data
    project = data.get("project", {})
    declaring = Declaring(manifest, os, texts(project.get("shell")) or DEFAULT_SHELL)
    problems: list[Problem] = []
    tasks: dict[str, Task] = {}
    for name, raw in data.get("tasks", {}).items():
        try:
            tasks[name] = _task(declaring, over, name, raw)
        except Refusal as refusal:
            problems += refusal.problems
    problems += _strange_arguments(manifest, over, tasks)
    if problems:
        raise Refusal(*problems)
    profile_env = tuple((f"profile {name}", _strings(data["profiles"][name].get("env", {}))) for name in over.names)
    return nouns.Project(
        manifest=manifest,
        root=manifest.root,
        name=project.get("name", ""),
        default=project.get("default"),
        shell=declaring.shell,
        tasks=tasks,
        vars={**data.get("vars", {}), **over.vars},
        globs={name: tuple(value) for name, value in data.get("globs", {}).items()},
        env_layers=(*reversed(profile_env), ("[env]", _strings(data.get("env", {})))),
        dotenv=tuple(dotenv),
        pools=data.get("pools", {}),
        interpreters=data.get("interpreters", {}),
        settings=settings({**data.get("run", {}), **over.run}),
        cache=cache({**data.get("cache", {}), **over.cache}),
        outside=tuple(project.get("outside", ())),
        profiles=over.names,
        from_=over.from_,
        until=over.until,
    )


def settings(raw: Mapping[str, Any]) -> nouns.Settings:
    """The `[run]` table, with what profiles say over it."""
    keep_going = raw.get("keep_going")
    if isinstance(keep_going, bool):
        keep_going = 0 if keep_going else None
    return nouns.Settings(
        jobs=raw.get("jobs"),
        keep_going=keep_going,
        output=raw.get("output"),
        color=raw.get("color"),
        jobserver=raw.get("jobserver", "auto"),
        keep_runs=raw.get("keep_runs", 50),
    )


def cache(raw: Mapping[str, Any]) -> nouns.Cache:
    """The `[cache]` table, with what profiles say over it."""
    read: dict[str, Any] = {"max_size": size_bytes, "max_age": seconds}
    made: dict[str, Any] = {key: read[key](value) if key in read else value for key, value in raw.items()}
    return nouns.Cache(**made)


def _strings(raw: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: ("true" if value else "false") if isinstance(value, bool) else str(value) for name, value in raw.items()
    }


def _task(declaring: Declaring, over: Overlay, name: str, raw: Any) -> Task:
    manifest = declaring.manifest
    path = ("tasks", name)
    raw = table(raw)
    if "extends" in raw:
        raw = extended(raw, [_template(manifest, base, name, ()) for base in texts(raw["extends"])])
    made = declaring.task(name, raw, path)
    if made.group is not None and made.group in over.disabled:
        made = replace(made, disabled=f"profile `{over.disabled[made.group]}` disables group `{made.group}`")
    changed = {arg: pair for (task, arg), pair in over.args.items() if task == name}
    return _with_arguments(manifest, made, changed) if changed else made


def _template(manifest: Manifest, base: str, name: str, below: tuple[str, ...]) -> Mapping[str, Any]:
    templates = manifest.data.get("templates", {})
    kind = ("templates", below[-1]) if below else ("tasks", name)
    if base not in templates:
        raise refuse(f"unknown template `{base}`", manifest.value(*kind, "extends"), did_you_mean(base, templates))
    if base in below:
        raise refuse(
            f"templates extend each other in a circle: {' -> '.join([*below, base])}", manifest.value(*kind, "extends")
        )
    raw = templates[base]
    return extended(raw, [_template(manifest, other, name, (*below, base)) for other in texts(raw.get("extends"))])


def _with_arguments(manifest: Manifest, task: Task, changed: Mapping[str, tuple[Any, KeyPath]]) -> Task:
    args = dict(task.args)
    for name, (value, path) in changed.items():
        arg = args.get(name)
        if arg is None:
            hint = did_you_mean(name, args)
            raise refuse(f"task `{task.name}` has no argument `{name}`", manifest.key(*path), hint)
        try:
            default = arg_value(arg, value, lambda text, arg=arg: canonical(arg, text))
        except ArgumentError as error:
            raise refuse(str(error), manifest.value(*path), error.hint) from None
        args[name] = replace(arg, default=default, env=None)
    return replace(task, args=args)


def _strange_arguments(manifest: Manifest, over: Overlay, tasks: Mapping[str, Task]) -> list[Problem]:
    """Values that profiles give to tasks that are not there."""
    known = manifest.data.get("tasks", {})
    return [
        Problem(message=f"unknown task `{task}`", place=manifest.key(*path[:-1]), hint=did_you_mean(task, known))
        for (task, _), (_, path) in over.args.items()
        if task not in known and task not in tasks
    ]
