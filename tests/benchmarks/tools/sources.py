"""Where tools come from: PyPI or npm by package name, the system, or beside the running Python."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import Absent, Found

INSTALL_LIMIT_S = 300.0
VERSION_LIMIT_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PyPI:
    """A package with a binary in it, installed by pip into a throw-away environment."""

    package: str
    script: str

    def find(self, cache: Path) -> Found | Absent:
        """The installed script; installed first if it is not there."""
        home = cache / "venv"
        program = home / "bin" / self.script
        with alone(cache):
            if not program.exists():
                print(f"installing {self.package} with pip into {home}", file=sys.stderr, flush=True)
                refusal = install(self.package, home)
                if refusal:
                    return Absent(reason=refusal)
        if not program.exists():
            return Absent(reason=f"the package {self.package} has no script `{self.script}`")
        return version_of((str(program),))


@dataclass(frozen=True, slots=True, kw_only=True)
class NPM:
    """A package installed by the machine's npm into a throw-away folder.

    `program` is a file below its `node_modules`, run as it is or by `starter`; without one `starter` alone is run.
    *Why* the program of the platform's own package: a script of node around it would cost its users 40 ms.
    """

    package: str
    program: str
    starter: str = ""

    def find(self, cache: Path) -> Found | Absent:
        """The installed program with the version of its package; installed first if it is not there."""
        home = cache / "npm"
        said = home / "node_modules" / self.package / "package.json"
        with alone(cache):
            if not said.exists():
                print(f"installing {self.package} with npm into {home}", file=sys.stderr, flush=True)
                refusal = install_node(self.package, home)
                if refusal:
                    return Absent(reason=refusal)
        if not said.exists():
            return Absent(reason=f"npm has put no {self.package} into {home}")
        return self.installed(home / "node_modules", json.loads(said.read_text(encoding="utf-8"))["version"])

    def installed(self, modules: Path, version: str) -> Found | Absent:
        """The words that start it."""
        starter = shutil.which(self.starter, path=f"{os.defpath}{os.pathsep}{os.environ.get('PATH', '')}")
        if self.starter and starter is None:
            return Absent(reason=f"`{self.starter}` is not on the PATH")
        program = modules / self.program
        if not program.exists():
            return Absent(reason=f"the package {self.package} has no `{self.program}` for this platform")
        words = (*([starter] if starter else []), *([str(program)] if self.program else []))
        return Found(words=words, version=version, modules=modules if self.starter else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A program that the system has or has not."""

    program: str

    def find(self, cache: Path) -> Found | Absent:
        """The program on the PATH."""
        path = shutil.which(self.program)
        return version_of((path,)) if path else Absent(reason=f"`{self.program}` is not on the PATH")


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A script in the folder of the running Python: the development environment."""

    script: str

    def find(self, cache: Path) -> Found | Absent:
        """The script, if this environment has it."""
        path = Path(sys.executable).parent / self.script
        return version_of((str(path),)) if path.exists() else Absent(reason=f"`{path}` does not exist")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A program named on the command line."""

    words: tuple[str, ...]

    def find(self, cache: Path) -> Found | Absent:
        """The words as given, the first looked up on the PATH."""
        path = shutil.which(self.words[0])
        if path is None:
            return Absent(reason=f"`{self.words[0]}` is not a program")
        return version_of((str(Path(path).absolute()), *self.words[1:]))


@contextmanager
def alone(cache: Path) -> Iterator[None]:
    """Nobody else installs meanwhile: tests may run side by side."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install(package: str, home: Path) -> str:
    """Have pip put `package` into the environment at `home`; the reason if it could not, else nothing."""
    python = home / "bin" / "python"
    if not python.exists():
        try:
            venv.create(home, with_pip=True)
        except (OSError, subprocess.SubprocessError) as error:
            return last_line(str(error)) or type(error).__name__
    return installing([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", package])


def install_node(package: str, home: Path) -> str:
    """Have npm put `package` into the folder `home`; the reason if it could not, else nothing."""
    npm = shutil.which("npm")
    if npm is None:
        return "`npm` is not on the PATH"
    home.mkdir(exist_ok=True)
    if not (home / "package.json").exists():
        (home / "package.json").write_text('{"private": true}\n', encoding="utf-8")
    return installing([npm, "install", "--prefix", str(home), "--no-audit", "--no-fund", "--loglevel=error", package])


def installing(words: list[str]) -> str:
    """Run an installer; its last words if it could not, else nothing."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=INSTALL_LIMIT_S, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        return last_line(str(error)) or type(error).__name__
    return "" if done.returncode == 0 else last_line(done.stderr) or f"the installer ended with {done.returncode}"


def version_of(words: tuple[str, ...]) -> Found | Absent:
    """The tool with the first line that it prints for `--version`; absent if it cannot even do that."""
    try:
        done = subprocess.run(
            [*words, "--version"],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=VERSION_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return Absent(reason=last_line(str(error)))
    if done.returncode != 0:
        return Absent(reason=f"`--version` ended with {done.returncode}: {last_line(done.stderr)}")
    lines = done.stdout.split("\n")
    return Found(words=words, version=lines[0].strip())


def last_line(text: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
