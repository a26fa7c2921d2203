"""Job slots, shared with make, cargo and ninja below through GNU make's jobserver.

Each slot that is not used here is a byte in a pipe; whoever below wants to run one more thing reads a byte, and writes
it back. A command that runs has one slot that is not in the pipe. *Source*: GNU make manual, "POSIX Jobserver
Interaction". GNU make before 4.4 knows only inherited descriptors, upstream's ninja only a fifo.
"""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN = b"+"
FIFO_SINCE = (4, 4)
AUTH = ("--jobserver-auth=", "--jobserver-fds=")
# What the reaper gives the two ends of the pipe to commands as.
THEIR_FDS = "4,5"


class Slots:
    """A number of job slots, all of them kept here. *Units*: `free` counts slots that nobody uses."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.free = total

    @property
    def fds(self) -> tuple[int, ...]:
        """Descriptors that every command inherits."""
        return ()

    def variables(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The variables that tell commands of the slots."""
        return {}

    def take(self, count: int) -> None:
        """Use slots that are free."""
        assert count <= self.free, f"BUG: {count} slots taken of {self.free}"
        self.free -= count

    def give(self, count: int) -> None:
        """They are free again."""
        self.free += count

    def lend(self) -> None:
        """Nothing here waits for a slot: others may have those that are free."""

    def reclaim(self, wanted: int) -> bool:
        """Get back slots that were lent, up to so many free ones. True if any came."""
        return False

    def fileno(self) -> int:
        """A descriptor that is readable when a slot can be reclaimed; -1 if none is ever lent."""
        return -1

    def recount(self) -> None:
        """Nothing of ours runs, so all slots are here: tokens of a killed make are not lost."""

    def close(self) -> None:
        """Nothing runs any more."""


class Jobserver(Slots):
    """Slots that commands share. `style` is `fifo` or `pipe`; both are one fifo, handed on by name or by descriptor."""

    def __init__(self, total: int, style: str, environ: Mapping[str, str]) -> None:
        super().__init__(total)
        self.style = style
        # As tempfile does it, which takes as long to import as half an interpreter does to start.
        self.folder = os.path.join(environ.get("TMPDIR") or "/tmp", f"trun-jobs-{os.urandom(8).hex()}")
        os.mkdir(self.folder, 0o700)
        self.path = os.path.join(self.folder, "fifo")
        os.mkfifo(self.path, 0o600)
        # Our own description, so that not waiting here does not make the others' reads fail.
        self.own = os.open(self.path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self.theirs = (os.open(self.path, os.O_RDONLY), os.open(self.path, os.O_WRONLY)) if style == "pipe" else ()
        self.lent = 0
        if style == "pipe":
            self._unlink()

    @property
    def fds(self) -> tuple[int, ...]:
        """The two ends of the pipe, if that is how they are handed on."""
        return self.theirs

    def variables(self, environ: Mapping[str, str]) -> dict[str, str]:
        """`MAKEFLAGS` with the jobserver, and with the flags that were there before."""
        auth = f"fifo:{self.path}" if self.style == "fifo" else THEIR_FDS
        kept = [word for word in environ.get("MAKEFLAGS", "").split() if not word.startswith(("-j", "--jobserver-"))]
        # Single letters stand first, without a dash; make then reads the rest as options.
        letters = kept.pop(0) if kept and not kept[0].startswith("-") and "=" not in kept[0] else ""
        flags = " ".join([f"{letters} -j{self.total}".rstrip(), f"--jobserver-auth={auth}", *kept])
        return {"MAKEFLAGS": flags if letters else " " + flags.lstrip()}

    def lend(self) -> None:
        """Write all that is free into the pipe, which holds it without waiting: a pipe takes 65,536 bytes."""
        if self.free > 0:
            self.lent += os.write(self.own, TOKEN * self.free)
            self.free = 0

    def reclaim(self, wanted: int) -> bool:
        """Read what can be read at once."""
        missing = min(wanted - self.free, self.lent)
        if missing <= 0:
            return False
        try:
            got = len(os.read(self.own, missing))
        except BlockingIOError:
            return False
        self.lent -= got
        self.free += got
        return got > 0

    def fileno(self) -> int:
        """The reading end."""
        return self.own

    def recount(self) -> None:
        """Empty the pipe, and have all slots again."""
        try:
            while os.read(self.own, 65536):
                pass
        except BlockingIOError:
            pass
        self.lent = 0
        self.free = self.total

    def _unlink(self) -> None:
        for remove, path in ((os.unlink, self.path), (os.rmdir, self.folder)):
            try:
                remove(path)
            except OSError:
                pass

    def close(self) -> None:
        """Take the fifo away."""
        for fd in (self.own, *self.theirs):
            os.close(fd)
        self._unlink()


class Joined(Slots):
    """Slots of a jobserver further up, a make's or another trun's, that this trun is a client of.

    One slot came with being started; all others are read from its pipe and written back.
    """

    def __init__(self, at_most: int, auth: str) -> None:
        super().__init__(1)
        self.at_most = at_most
        self.auth = auth
        self.held = b""
        self.in_use = 0
        name = auth.removeprefix("fifo:") if auth.startswith("fifo:") else f"/dev/fd/{auth.partition(',')[0]}"
        self.own = os.open(name, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    @property
    def fds(self) -> tuple[int, ...]:
        """The two ends of the pipe, if that is how it was handed on."""
        return () if self.auth.startswith("fifo:") else tuple(int(fd) for fd in self.auth.split(","))

    def variables(self, environ: Mapping[str, str]) -> dict[str, str]:
        """`MAKEFLAGS` as it came, with the descriptors as commands will have them."""
        if self.auth.startswith("fifo:"):
            return {}
        return {"MAKEFLAGS": environ["MAKEFLAGS"].replace(f"={self.auth}", f"={THEIR_FDS}")}

    def take(self, count: int) -> None:
        """Use slots that are free."""
        super().take(count)
        self.in_use += count

    def give(self, count: int) -> None:
        """They are free again."""
        super().give(count)
        self.in_use -= count

    def lend(self) -> None:
        """Write back what is not used, but for the slot that came with being started."""
        surplus = min(len(self.held), self.free)
        if surplus:
            os.write(self.own, self.held[:surplus])
            self.held = self.held[surplus:]
            self.free -= surplus

    def reclaim(self, wanted: int) -> bool:
        """Read what can be read at once."""
        missing = min(wanted - self.free, self.at_most - self.in_use - self.free)
        if missing <= 0:
            return False
        try:
            got = os.read(self.own, missing)
        except OSError:
            return False
        self.held += got
        self.free += len(got)
        return bool(got)

    def fileno(self) -> int:
        """The reading end."""
        return self.own

    def close(self) -> None:
        """Write everything back."""
        if self.held:
            os.write(self.own, self.held)
        os.close(self.own)


def outer(environ: Mapping[str, str]) -> str | None:
    """The jobserver that `MAKEFLAGS` tells of, if it can be reached from here."""
    found = [word.partition("=")[2] for word in environ.get("MAKEFLAGS", "").split() if word.startswith(AUTH)]
    auth = found[-1] if found else ""
    try:
        mode = os.stat(auth[5:] if auth.startswith("fifo:") else int(auth.partition(",")[0])).st_mode
    except (OSError, ValueError):
        return None
    return auth if stat.S_ISFIFO(mode) else None


def make_version(text: str) -> tuple[int, ...]:
    """The version that `make --version` prints, () if it is no GNU make."""
    line = text.partition("\n")[0]
    if not line.startswith("GNU Make "):
        return ()
    numbers = line.removeprefix("GNU Make ").split(".")
    return tuple(int(number) for number in numbers if number.isdigit())


def best_style(environ: Mapping[str, str]) -> str:
    """`fifo` where the GNU make that would be found is new enough to take one, or there is none; else `pipe`."""
    import subprocess

    places = [os.path.join(folder, "make") for folder in environ.get("PATH", os.defpath).split(os.pathsep)]
    make = next((place for place in places if os.access(place, os.X_OK)), None)
    if make is None:
        return "fifo"
    try:
        told = subprocess.run(
            [make, "--version"], capture_output=True, text=True, timeout=5, check=False, env={"LC_ALL": "C"}
        )
    except (OSError, subprocess.SubprocessError, ValueError):
        return "pipe"
    return "fifo" if make_version(told.stdout) >= FIFO_SINCE else "pipe"
