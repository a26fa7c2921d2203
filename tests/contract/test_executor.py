"""What every executor promises, held for the one of this machine and for the fake."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import pytest

from runner.execute.local import Local
from runner.result import Action, Outcome
from runner.testing.executor import FakeExecutor

if TYPE_CHECKING:
    from runner.execute import Executor

COMMANDS = {
    "good": "exit 0",
    "bad": "exit 3",
    "dies": "kill -9 $$",
    "long": "sleep 60",
    "other": "sleep 60",
}
FAKED = {
    "bad": Outcome(exit_code=3),
    "dies": Outcome(signal=9),
}
Opened = Callable[[], AbstractAsyncContextManager["Executor"]]


@asynccontextmanager
async def local() -> AsyncIterator[Executor]:
    async with Local(os.environ, grace_s=5) as executor:
        yield executor


@asynccontextmanager
async def fake() -> AsyncIterator[Executor]:
    yield FakeExecutor(FAKED, lambda task: 10_000_000 if task in ("long", "other") else 1)


@pytest.fixture(params=[local, fake], ids=["local", "fake"])
def opened(request: pytest.FixtureRequest) -> Opened:
    made: Opened = request.param
    return made


def action(task: str, cwd: Path) -> Action:
    return Action(task=task, argv=("sh", "-c", COMMANDS[task]), env=dict(os.environ), cwd=str(cwd))


def nothing(stream: str, data: bytes) -> None:
    """Takes what nobody wants."""


@pytest.mark.parametrize(
    ("task", "exit_code", "signum", "is_good"),
    [("good", 0, None, True), ("bad", 3, None, False), ("dies", None, 9, False)],
)
def test_a_command_that_fails_is_an_outcome(
    opened: Opened, tmp_path: Path, task: str, exit_code: int | None, signum: int | None, is_good: bool
) -> None:
    async def main() -> None:
        async with opened() as executor:
            outcomes.append(await executor.run(action(task, tmp_path), nothing))

    outcomes: list[Outcome] = []
    anyio.run(main)
    (outcome,) = outcomes
    assert (outcome.exit_code, outcome.signal, outcome.is_good) == (exit_code, signum, is_good)


def test_an_interrupt_cancels_all_that_runs_and_nothing_is_left(opened: Opened, tmp_path: Path) -> None:
    outcomes: list[Outcome] = []

    left: list[tuple[str, ...]] = []

    async def main() -> None:
        async with opened() as executor, anyio.create_task_group() as group:

            async def one(task: str) -> None:
                outcomes.append(await executor.run(action(task, tmp_path), nothing))

            group.start_soon(one, "long")
            group.start_soon(one, "other")
            await anyio.wait_all_tasks_blocked() if isinstance(executor, Local) else await anyio.lowlevel.checkpoint()
            executor.interrupt(signal.SIGINT)
            while len(outcomes) < 2:
                await anyio.lowlevel.checkpoint()
            left.append(await executor.close())

    anyio.run(main)
    assert left == [()]
    assert [outcome.cancelled for outcome in outcomes] == [True, True]


def test_cancelling_the_call_ends_the_command(opened: Opened, tmp_path: Path) -> None:
    async def main() -> tuple[str, ...]:
        async with opened() as executor:
            with anyio.move_on_after(0.05) as scope:
                await executor.run(action("long", tmp_path), nothing)
            assert scope.cancelled_caught
            return await executor.close()

    assert anyio.run(main) == ()


def test_several_run_at_once(opened: Opened, tmp_path: Path) -> None:
    async def main() -> list[str]:
        ended: list[str] = []
        async with opened() as executor, anyio.create_task_group() as group:

            async def one(task: str) -> None:
                await executor.run(action(task, tmp_path), nothing)
                ended.append(task)

            group.start_soon(one, "long")
            group.start_soon(one, "good")
            while "good" not in ended:
                await anyio.lowlevel.checkpoint()
            assert ended == ["good"]
            executor.kill()
        return ended

    assert anyio.run(main) == ["good", "long"]


def test_a_second_close_says_nothing(opened: Opened) -> None:
    async def main() -> tuple[str, ...]:
        async with opened() as executor:
            await executor.close()
            return await executor.close()

    assert anyio.run(main) == ()
