"""The controlling terminal: lent to a task that owns it for a while, and put back as it was.

*Source*: the job control chapters of POSIX.1-2017 and of the GNU C Library manual.
"""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

STDIN_FD = 0


class Terminal:
    """Remembers the modes and the foreground group of the terminal at descriptor 0, if that is one and is ours."""

    def __init__(self) -> None:
        self.modes: Any = None
        self.is_ours = False
        try:
            self.is_ours = os.isatty(STDIN_FD) and os.tcgetpgrp(STDIN_FD) == os.getpgrp()
        except OSError:
            return
        if self.is_ours:
            self.modes = modes()

    def take_back(self) -> None:
        """Be in the foreground again, with the modes as they were when the terminal was lent."""
        if not self.is_ours:
            return
        # A process in the background that sets the foreground group is stopped for it, unless it ignores that.
        before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        try:
            os.tcsetpgrp(STDIN_FD, os.getpgrp())
            set_modes(self.modes)
        except OSError:
            pass  # the terminal is gone: nothing to put back
        finally:
            signal.signal(signal.SIGTTOU, before)


def modes() -> Any:
    """The terminal's modes, or None where they cannot be told."""
    import termios

    try:
        return termios.tcgetattr(STDIN_FD)
    except termios.error:
        return None


def set_modes(wanted: Any) -> None:
    """Put modes back that modes() gave."""
    import termios

    if wanted is None:
        return
    try:
        termios.tcsetattr(STDIN_FD, termios.TCSADRAIN, wanted)
    except termios.error:
        pass  # the terminal is gone
