"""`python -m tests.benchmarks [WHAT…]`: the same door as run.py."""

from __future__ import annotations

import sys

from .command import main

raise SystemExit(main(sys.argv[1:]))
