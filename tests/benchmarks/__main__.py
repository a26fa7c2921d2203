"""`python -m tests.benchmarks [WHAT…]`: the same door as run.py."""

from __future__ import annotations

import signal
import sys

from .command import main

signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # leave no folders and no processes
raise SystemExit(main(sys.argv[1:]))
