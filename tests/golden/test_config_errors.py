"""What is said of a tasks file or a dotenv file that cannot be taken: every text of `config_errors.txt`, verbatim."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.config import dotenv, toml, yaml
from runner.config.schema import check, later_keys
from runner.error import Refusal, render


def cases() -> Iterator[tuple[str, str, str]]:
    """A caption with the file's name, the file, and what is said of it."""
    text = Path(__file__).with_name("config_errors.txt").read_text(encoding="utf-8")
    for block in text.split("\n======\n")[1:]:
        caption, _, rest = block.partition("\n")
        content, _, said = rest.partition("\n------\n")
        yield caption, content, said.strip("\n")


CASES = {caption: (content, said) for caption, content, said in cases()}


def said_of(file: str, content: str) -> str:
    data = content.replace("␀", "\0").replace("␉", "\t").replace("␇", "\a").encode()
    try:
        if file == ".env":
            dotenv.parse(data.decode(), file)
            return ""
        form = toml if file == "tasks.toml" else yaml
        made = form.parse(data, file)
    except Refusal as refusal:
        return str(refusal)
    text = data.decode()
    problems = check(made, locate=form.locate, file=file, text=text)
    problems = problems or later_keys(made, locate=form.locate, file=file, text=text)
    return render(problems)


@pytest.mark.parametrize("caption", CASES)
def test_a_wrong_file_is_told_in_these_words(caption: str) -> None:
    content, said = CASES[caption]
    assert said_of(caption.partition(":")[0], content) == said


def test_no_two_cases_have_one_caption() -> None:
    assert len(CASES) == len(list(cases()))


@pytest.mark.parametrize("file", ["tasks.toml", "tasks.yaml", ".env"])
def test_every_format_has_its_texts(file: str) -> None:
    told = {line for caption, (_, said) in CASES.items() if caption.startswith(file) for line in said.splitlines()}
    assert len({line for line in told if line.startswith("error: ")}) >= {".env": 8}.get(file, 40)


def test_no_text_speaks_the_language_of_schemas() -> None:
    for _, said in CASES.values():
        for word in (
            "schema",
            "additionalProperties",
            "anyOf",
            "instance",
            "property",
            "validator",
            "regex",
            "pattern",
        ):
            assert word not in said.replace("args.p.pattern", "")
