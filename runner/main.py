"""The door: the quick answer if there is one, otherwise the command line."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.request import Ambient
    from runner.seal import Standing


def main() -> int:
    """Run trun on the words that it was started with. The exit code; a run that a signal ended dies by that signal."""
    standing = _answer_at_once()
    _spare_collections()
    _open_standard_streams()
    _let_any_text_out()
    try:
        return _entered(standing)
    except KeyboardInterrupt:
        return _die_by(2)
    except BrokenPipeError:
        _mute()
        return 0
    except Exception as error:
        return _confess(error)


def _answer_at_once() -> Standing | None:
    """Where all is as a good run left it, or only the version is asked for: say so, and end; else what still stands.

    *Why* so abruptly: an orderly end of the interpreter takes as long as finding the answer.
    """
    from runner import __version__

    words = sys.argv[1:]
    if words == ["--version"]:
        _write(f"trun {__version__}\n".encode())
        os._exit(0)
    from runner.seal import look_up

    try:
        cwd = os.getcwd()
        named = os.environ.get("PWD", cwd)
        standing = look_up(words, cwd, os.environ, __version__) if named == cwd else None
    except (OSError, ValueError):
        return None
    if standing is not None and standing.text is not None:
        _write(standing.text)
        os._exit(0)
    return standing


def _write(text: bytes) -> None:
    """All of a text to standard output; a reader who is gone does not want it."""
    view = memoryview(text)
    try:
        while view:
            view = view[os.write(1, view) :]
    except OSError:
        pass


def _spare_collections() -> None:
    """Until something runs, hardly anything becomes garbage: looking for it takes a tenth of the time."""
    import gc

    gc.disable()


def _open_standard_streams() -> None:
    """A closed one is opened on nothing, or the next file would get its number, and what is meant for people."""
    for fd, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(fd, "r" if fd == 0 else "w", closefd=False))


def _let_any_text_out() -> None:
    """Names are bytes, and a locale may know fewer characters than a file: neither may end trun."""
    import io

    for stream in (sys.stdout, sys.stderr):
        is_utf8 = stream.encoding.lower().replace("-", "") == "utf8"
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="surrogateescape" if is_utf8 else "backslashreplace")


def _entered(standing: Standing | None) -> int:
    from runner.cli.enter import enter

    ended = enter(sys.argv[1:], _ambient(standing))
    sys.stdout.flush()
    if isinstance(ended, int):
        return ended
    return ended.exit_code if ended.signal is None else _die_by(ended.signal)


def _ambient(standing: Standing | None) -> Ambient:
    from runner.cli.world import ambient

    return ambient(standing)


def _die_by(signum: int) -> int:
    """End as a program ends that does not handle the signal, so that whoever started it sees the same."""
    import signal

    sys.stdout.flush()
    signal.signal(signum, signal.SIG_DFL)
    os.kill(os.getpid(), signum)
    return 128 + signum


def _mute() -> None:
    """Nobody reads any more: let the interpreter flush into nothing."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())


def _confess(error: Exception) -> int:
    """A bug in trun: a short report, with where it happened."""
    import traceback

    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{os.path.basename(os.path.dirname(last.filename))}/{os.path.basename(last.filename)}:{last.lineno}"
    print(f"BUG: {type(error).__name__}: {error} (at {where} in {last.name})", file=sys.stderr)
    print("  this is a fault of trun; TRUN_TRACEBACK=1 shows all of it", file=sys.stderr)
    if os.environ.get("TRUN_TRACEBACK"):
        traceback.print_exception(error)
    return 70


if __name__ == "__main__":
    sys.exit(main())
