"""The table of options holds together, and names what the Request has."""

from __future__ import annotations

import pytest

from runner.cli.options import LETTERS, LONG, OPTIONS, VARIABLES, Option, is_number, value_of
from runner.request import Request

FIELDS = Request.__slots__  # type: ignore[attr-defined]
AVAILABLE = (
    "-j -k -n -p -t --from --until -f -y -C --file --timeout --output --color -q -v --json --list -l --all --show "
    "--graph --format --check --version --help -h --jobs --keep-going --plan --profile --tag --force --yes --quiet "
    "--verbose --no-cache --cache-mode --why --runs --log --cache --clean --exec --inputs --outputs --uses-env "
    "--pass-env --stamp-dir --lock"
)
LATER = (
    "--choose --affected --offline --strict-remote --execute --watch -w --tui --no-tui --report --trace-events "
    "--init --import --fmt --schema --completions --mcp --junit"
)


def known(word: str) -> Option:
    return LONG[word] if word.startswith("--") else LETTERS[word[1]]


def test_no_two_options_have_one_name() -> None:
    words = [*(name for option in OPTIONS for name in option.names), *(o.letter for o in OPTIONS if o.letter)]
    assert len(words) == len(set(words))


@pytest.mark.parametrize("option", [option for option in OPTIONS if not option.later], ids=lambda option: option.name)
def test_an_option_fills_a_field_of_the_request(option: Option) -> None:
    assert option.field in (*FIELDS, "help", "version")
    assert option.help
    assert bool(option.metavar) == (option.kind != "flag")


def test_every_field_of_the_request_can_be_asked_for() -> None:
    said = {option.field for option in OPTIONS}
    assert set(FIELDS) - said == {"targets", "vars", "command"}


def test_what_is_available_is_what_was_promised() -> None:
    now = {f"-{o.letter}" for o in OPTIONS if o.letter and not o.later}
    now |= {name for o in OPTIONS if not o.later for name in o.names}
    assert now == set(AVAILABLE.split())


@pytest.mark.parametrize("word", LATER.split())
def test_what_comes_later_is_known_already(word: str) -> None:
    assert known(word).later


def test_a_variable_stands_in_for_an_option_that_there_is() -> None:
    assert all(not name or not LONG[name].later for _, name, _ in VARIABLES)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1ms", 0.001), ("30s", 30), ("10m", 600), ("1.5h", 5400), ("2d", 172800), ("0.25s", 0.25), ("007s", 7)],
)
def test_a_duration_is_in_seconds(text: str, seconds: float) -> None:
    assert value_of(LONG["--timeout"], text) == seconds


@pytest.mark.parametrize(
    "text", ["", "s", "30", "-1s", "1 s", "1,5s", ".5s", "1.s", "1ss", "1e3s", "infs", "1S", "0ms", "٣s"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be (a duration|longer)"):
        value_of(LONG["--timeout"], text)


@pytest.mark.parametrize("word", ["0", "4", "-4", "+4", "1.5", "007"])
def test_a_number_is_told_from_a_task(word: str) -> None:
    assert is_number(word)


@pytest.mark.parametrize("word", ["", "-", "4x", "x4", "1.2.3", "1e5", "٣", "²", "1_000"])
def test_what_is_no_number_may_be_a_task(word: str) -> None:
    assert not is_number(word)
