"""What was measured, kept: so that a later run can set trun beside a chosen few and recall the others."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .measure import Failed, Summary

Answer = Summary | Failed
Answers = Mapping[str, Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One answer with what it is worth: the version that gave it, when, and how busy the machine was."""

    answer: Answer
    version: str
    when: str
    load: float


@dataclass(kw_only=True)
class Results:
    """By question and tool. *Source*: `results.json`, written after each question."""

    path: Path
    kept: dict[str, dict[str, Kept]] = field(default_factory=dict)

    @classmethod
    def at(cls, path: Path) -> Results:
        """What was kept there before, if anything."""
        told = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return cls(path=path, kept={name: {tool: read(one) for tool, one in of.items()} for name, of in told.items()})

    def keep(self, question: str, answers: Answers, versions: Mapping[str, str], when: str) -> None:
        """Put answers in the place of older ones of the same tools, and write all down.

        A tool that is not there now leaves its older answer where it was.
        """
        load = round(os.getloadavg()[0], 2)
        for tool, answer in answers.items():
            if tool in versions:
                one = Kept(answer=answer, version=versions[tool], when=when, load=load)
                self.kept.setdefault(question, {})[tool] = one
        said = {name: {tool: told(one) for tool, one in of.items()} for name, of in self.kept.items()}
        beside = self.path.with_suffix(".new")
        beside.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
        beside.replace(self.path)

    def recalled(self, question: str, besides: Answers) -> dict[str, Answer]:
        """Earlier answers to `question` of tools that `besides` does not tell of."""
        return {tool: one.answer for tool, one in self.kept.get(question, {}).items() if tool not in besides}


def told(kept: Kept) -> dict[str, object]:
    """For JSON."""
    kind = "summary" if isinstance(kept.answer, Summary) else "failed"
    return {kind: asdict(kept.answer), "version": kept.version, "when": kept.when, "load": kept.load}


def read(said: dict[str, object]) -> Kept:
    """From JSON."""
    facts = dict(said)
    kind = Summary if "summary" in facts else Failed
    answer = facts.pop("summary" if kind is Summary else "failed")
    assert isinstance(answer, dict)
    return Kept(answer=kind(**answer), **facts)  # type: ignore[arg-type]
