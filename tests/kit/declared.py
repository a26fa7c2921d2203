"""A project from the text of a tasks file, without a disk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.config import toml
from runner.config.place import place
from runner.config.schema import check as check_schema
from runner.error import Place, Refusal
from runner.expand import Expansion
from runner.graph import Graph
from runner.manifest import Manifest
from runner.profile import declared, overlay
from runner.request import Ambient, Request, Target
from runner.select import Selection, select
from runner.task import Project

ROOT = "/p"


def manifest_of(text: str, file: str = "tasks.toml") -> Manifest:
    data = toml.parse(text.encode(), file)
    problems = check_schema(data, locate=toml.locate, file=file, text=text)
    if problems:
        raise Refusal(*problems)

    def locate(path: Any, is_key: bool) -> Place:
        return place(file, text, toml.locate(text, path, key=is_key))

    return Manifest(path=f"{ROOT}/{file}", root=ROOT, shown=file, data=data, locate=locate)


def ambient_of(environ: Mapping[str, str] | None = None, **changes: Any) -> Ambient:
    world: dict[str, Any] = {"cwd": ROOT, "os": "linux", "arch": "x86_64", "cpus": 4, "clock": lambda: 0.0}
    return Ambient(environ=dict(environ or {}), **{**world, **changes})


def project_of(text: str, *profiles: str, os: str = "linux", dotenv: Any = ()) -> Project:
    manifest = manifest_of(text)
    return declared(manifest, overlay(manifest, profiles), os=os, dotenv=dotenv)


def expansion_of(text: str, *profiles: str, environ: Mapping[str, str] | None = None, **given: str) -> Expansion:
    return Expansion(project_of(text, *profiles), ambient_of(environ), given)


def selection_of(text: str, *targets: str, profiles: tuple[str, ...] = (), **request: Any) -> Selection:
    from runner.check import check

    expansion = expansion_of(text, *profiles)
    asked = Request(targets=tuple(Target(name=name) for name in targets), **request)
    return select(expansion, asked, check(expansion))


def graph_of(text: str, *targets: str) -> Graph:
    return selection_of(text, *targets).graph
