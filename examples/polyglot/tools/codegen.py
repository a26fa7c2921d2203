"""Write the table of spec/units.json in each language, below gen/."""

from __future__ import annotations

import json
from pathlib import Path

HEAD = "Code generated from spec/units.json by tools/codegen.py; DO NOT EDIT."

# (name, quantity, factor, offset): the base unit's amount is (value + offset) * factor.
# Factor and offset stay text all the way, so that every compiler reads the same digits.
Rows = list[tuple[str, str, str, str]]


def rows() -> Rows:
    """The spec, flat."""
    spec = json.loads(Path("spec/units.json").read_text(encoding="utf-8"))
    return [
        (name, quantity, factor, offset) for quantity, units in spec.items() for name, (factor, offset) in units.items()
    ]


def c(table: Rows) -> str:
    """A header with one static table."""
    body = "".join(f'    {{"{n}", "{q}", {f}, {o}}},\n' for n, q, f, o in table)
    return (
        f"/* {HEAD} */\n"
        "struct unit {\n    const char *name, *quantity;\n    double factor, offset;\n};\n\n"
        f"static const struct unit UNITS[] = {{\n{body}}};\n"
    )


def rust(table: Rows) -> str:
    """A module."""
    body = "".join(f'    ("{n}", "{q}", {f}_f64, {o}_f64),\n' for n, q, f, o in table)
    return f"// {HEAD}\npub const UNITS: &[(&str, &str, f64, f64)] = &[\n{body}];\n"


def go(table: Rows) -> str:
    """A package."""
    body = "".join(f'\t"{n}": {{"{q}", {f}, {o}}},\n' for n, q, f, o in table)
    return (
        f"// {HEAD}\n\n// Package units is a table of units by name.\npackage units\n\n"
        "type Unit struct {\n\tQuantity       string\n\tFactor, Offset float64\n}\n\n"
        f"var ByName = map[string]Unit{{\n{body}}}\n"
    )


def node(table: Rows) -> str:
    """An ES module."""
    body = "".join(f'  ["{n}", ["{q}", {f}, {o}]],\n' for n, q, f, o in table)
    return f"// {HEAD}\nexport const UNITS = new Map([\n{body}]);\n"


def python(table: Rows) -> str:
    """A module."""
    body = "".join(f'    "{n}": ("{q}", {f}, {o}),\n' for n, q, f, o in table)
    return f'"""{HEAD}"""\n\nUNITS: dict[str, tuple[str, float, float]] = {{\n{body}}}\n'


def main() -> None:
    """One file for each language, and what Go wants beside it."""
    table = rows()
    made = {
        "c/units.h": c(table),
        "rust/units.rs": rust(table),
        "go/units.go": go(table),
        "go/go.mod": "module polyglot/units\n\ngo 1.21\n",
        "node/units.mjs": node(table),
        "python/units.py": python(table),
    }
    for name, text in made.items():
        path = Path("gen", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"{path}  {len(table)} units")


if __name__ == "__main__":
    main()
