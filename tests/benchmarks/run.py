"""`python tests/benchmarks/run.py [WHAT…]`: the same door as `python -m tests.benchmarks`, from any folder."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    # A script's own folder comes first on the path, where `tools` would hide others: put the checkout there instead.
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    runpy.run_module("tests.benchmarks", run_name="__main__", alter_sys=True)
