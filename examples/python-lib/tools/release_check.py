"""Tell whether dist/ holds what may be released, and what that is."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

MUST_BE_IN = {
    "wheel": ("lapse/__init__.py", "lapse/__main__.py", "lapse/py.typed"),
    "sdist": ("src/lapse/__init__.py", "tests/test_parse.py", "pyproject.toml", "README.md"),
}

# The wheel itself, not src/: -I keeps the current folder and the caller's packages out of it.
TRY = (
    "import sys; sys.path.insert(0, sys.argv[1]); import lapse; "
    "print(lapse.__version__, lapse.words(lapse.parse('90m')))"
)


def one(kind: str, pattern: str) -> Path:
    """The one file in dist/ that matches."""
    found = sorted(Path("dist").glob(pattern))
    if len(found) != 1:
        sys.exit(f"dist/ holds {len(found)} files like {pattern}, and should hold one {kind}")
    return found[0]


def names_in(path: Path) -> set[str]:
    """The files in the archive, without the sdist's own top folder."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            return set(wheel.namelist())
    with tarfile.open(path) as sdist:
        return {name.partition("/")[2] for name in sdist.getnames()}


def main() -> None:
    """Check both archives, then use the wheel."""
    files = {"wheel": one("wheel", "*.whl"), "sdist": one("sdist", "*.tar.gz")}
    for kind, path in files.items():
        absent = sorted(set(MUST_BE_IN[kind]) - names_in(path))
        if absent:
            sys.exit(f"{path} lacks {', '.join(absent)}")
    versions = {
        kind: path.name.split("-")[1].removesuffix(".tar.gz") for kind, path in files.items()
    }
    wheel = str(files["wheel"])
    said = subprocess.check_output([sys.executable, "-I", "-c", TRY, wheel], text=True)
    version, _, words = said.strip().partition(" ")
    if set(versions.values()) != {version} or words != "1 hour 30 minutes":
        sys.exit(f"the names say {versions}, the wheel itself says {said!r}")
    for path in files.values():
        print(f"{path}  {path.stat().st_size:,} bytes  {len(names_in(path))} files")
    print(f"lapse {version} is ready: its wheel imports, and says that 90m is {words}")


if __name__ == "__main__":
    main()
