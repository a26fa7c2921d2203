"""A clock that goes on only when it is told to."""

from __future__ import annotations


class FakeClock:
    """Seconds since the epoch, as the test has them; each look lets `step_s` pass. *Units*: seconds."""

    def __init__(self, now_s: float = 1_000_000_000.0, step_s: float = 0.0) -> None:
        self.now_s = now_s
        self.step_s = step_s

    def __call__(self) -> float:
        """What time it is."""
        self.now_s += self.step_s
        return self.now_s
