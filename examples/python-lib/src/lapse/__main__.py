"""`lapse 90m`: one length of time, every way of writing it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from lapse.parse import NotATime, parse
from lapse.render import clock, iso, words


def main(argv: Sequence[str] | None = None) -> int:
    """Print the length of time that the words of `argv` mean; 2 if they mean none."""
    text = " ".join(sys.argv[1:] if argv is None else argv)
    try:
        seconds = parse(text)
    except NotATime as error:
        print(f"lapse: {error}", file=sys.stderr)
        return 2
    print(f"{seconds:g} s", clock(seconds), iso(seconds), words(seconds), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
