"""Tasks files that are made to take long, or much memory, or to reach what should not be reached."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

TOML_BYTES = 1 << 20
YAML_BYTES = 256 << 10


def keys(count: int) -> list[str]:
    """So many keys, each as short as can be."""
    found: list[str] = []
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for length in range(1, 5):
        found += ("".join(word) for word in product(letters, repeat=length))
        if len(found) >= count:
            break
    return found[:count]


def filled(piece: str, size: int = TOML_BYTES, before: str = "", after: str = "") -> str:
    """A text of a size, of one piece again and again."""
    return before + piece * ((size - len(before) - len(after)) // len(piece.encode())) + after


def each(form: str, size: int = TOML_BYTES, before: str = "", after: str = "") -> str:
    """A text of a size, of one line or entry for each key; `@` is the key."""
    made, length = [before], len(before) + len(after)
    for key in keys(size):
        piece = form.replace("@", key)
        length += len(piece)
        if length > size:
            break
        made.append(piece)
    return "".join(made) + after


# Name, form, how many of them: as much as is let through.
WITHIN = [
    ("tables", "[@]\n", 59_900),
    ("tables below tables", "[@.a]\n", 29_900),
    ("headers of 32 parts", "[@" + ".a" * 31 + "]\n", 960),
    ("empty lists", "@=[]\n", 59_900),
    ("empty tables", "@={}\n", 59_900),
    ("keys", "@=1\n", 99_900),
    ("dotted keys", "@.a=1\n", 59_900),
    ("keys of 32 parts", "@" + ".a" * 31 + "=1\n", 1_930),
    ("variables of a wrong type", "vars.@=[]\n", 29_900),
    ("variables that are wrong", "vars.@=inf\n", 49_900),
    ("tasks that are wrong", "tasks.@=1\n", 59_900),
    ("tasks with names that cannot be", "tasks.' @'='x'\n", 59_900),
    ("right tasks and a wrong one", "tasks.@='x'\n", 59_900),
]


def toml_files() -> Iterator[tuple[str, str]]:
    """A name and a text for each."""
    dots32 = ".a" * 31
    yield "a key of ten thousand parts", ".".join("a" * 10_000) + " = 1"
    yield "a header of ten thousand parts", "[" + ".".join("a" * 10_000) + "]"
    yield "keys of 900 parts", each("@" + ".a" * 900 + "=1\n")
    yield "keys of 32 parts", each(f"@{dots32}=1\n")
    yield "headers of 32 parts", each(f"[@{dots32}]\n")
    yield "keys of 32 parts below a header of 32", each(f"@{dots32}=1\n", before="[" + ".".join("a" * 32) + "]\n")
    yield "deep lists", "a = " + "[" * 500_000
    yield "deep lists that are closed", "a = " + "[" * 500_000 + "]" * 500_000
    yield "lists of 390 levels", each("@ = " + "[" * 390 + "]" * 390 + "\n")
    yield "deep tables", "a = " + "{a = " * 200_000
    yield "deep lists behind strings", "a = " + '[ "]", ' * 100_000
    yield "an integer of a megabyte", "a = " + "1" * 1_000_000
    yield "an integer of 4,300 digits", "a = " + "1" * 4_300
    yield "a hexadecimal integer of a megabyte", "a = 0x" + "f" * 1_000_000
    yield "a fraction of a megabyte", "a = 0." + "1" * 1_000_000
    yield "an exponent of a megabyte", "a = 1e" + "1" * 1_000_000
    yield "an integer with a megabyte of underscores", filled("_1", before="a = 1")
    yield "a hundred thousand tables", each("[@]\n")
    yield "a hundred thousand tables below tables", each("[@.a]\n")
    yield "a hundred thousand entries of a list of tables", filled("[[a]]\n")
    yield "a hundred thousand empty lists", each("@=[]\n")
    yield "a hundred thousand empty tables", each("@={}\n")
    yield "a hundred thousand keys", each("@=1\n")
    yield "a hundred thousand dotted keys", each("@.a=1\n")
    yield "a hundred thousand variables of a wrong type", each("@=[]\n", before="[vars]\n")
    yield "a hundred thousand variables that are wrong", each("@=inf\n", before="[vars]\n")
    yield "a hundred thousand tasks that are wrong", each("@=1\n", before="[tasks]\n")
    yield "twenty thousand tasks of which each has a wrong key", each('[tasks.@]\nrun="x"\nnope=1\n')
    yield "tasks of which each has something for later", each('[tasks.@]\nrun="x"\nprobes=["x"]\n')
    yield "a list of many numbers", filled("1,", before="tasks.a = [", after="]")
    yield "a list of many tables", filled('{task="a"},', before="tasks.a.deps = [", after="5]")
    yield "a list of many equal choices", filled("1.5,", before="tasks.a.args.b.choices = [", after="]")
    yield "a table of many keys in braces", each("@=1,", before="tasks.a = {", after="}")
    for name, form, count in WITHIN:
        yield f"within the limits: {name}", "".join(form.replace("@", key) for key in keys(count))
    yield "within the limits: a list of numbers", "tasks.a = [" + "1," * 99_990 + "]"
    yield "within the limits: a list of equal choices", "tasks.a.args.b.choices = [" + "1," * 99_990 + "]"
    yield "within the limits: a list of tables", "tasks.a.deps = [" + '{task="a"},' * 49_000 + "5]"
    yield "within the limits: tables in braces", "vars = {" + "".join(f"{key}={{}}," for key in keys(33_000)) + "}"
    yield "a string of many escapes", filled("\\n", before='a = "', after='"')
    yield "a string of many escapes that is not closed", filled("\\n", before='a = "')
    yield "quotes", filled('"')
    yield "quotes and apostrophes", filled("\"'", before="a = ")
    yield "long quotes", filled('"""x', before="a = ")
    yield "backslashes", filled("\\", before='a = "')
    yield "spaces", filled(" ")
    yield "a value after a megabyte of spaces", filled(" ", before="a =", after="x")
    yield "line ends", filled("\n", TOML_BYTES - 1) + "x"
    yield "comments", filled("#\n", TOML_BYTES - 1) + "x"
    yield "a bare word", filled("a")
    yield "a wrong value below a long key", filled("x", before='tasks."', after='" = 1')
    yield "a long key twice", filled("x", TOML_BYTES // 2, before="tasks.a.", after=" = 1\n") * 2
    yield "a wrong word of a megabyte", filled("x", before='run.output = "', after='"')
    yield "a megabyte of faults", filled("a = x\n")
    yield "faults of lists", filled("a = [1 2]\n")
    yield "one key again and again", filled("a=1\n")
    yield "one table again and again", filled("[a]\n")
    yield "control characters", filled("\x01", before="a = '")
    yield "a megabyte of NUL", filled("\0")
    yield "wide characters", filled("𐀀", before="a = '", after="'")


def yaml_files() -> Iterator[tuple[str, str]]:
    """A name and a text for each."""
    names = ["x", *(f"*b{number}" for number in range(1000))]
    laughs = (f"b{at}: &b{at} [{','.join([names[at]] * 10)}]\n" for at in range(1000))
    yield "a billion laughs", "".join(laughs)
    double = (f"b{at}: &b{at} [{names[at]},{names[at]}]\n" for at in range(1000))
    yield "laughs of two", "".join(double)
    merges = (f"b{at}: &b{at}\n  <<: [{names[at]}, {names[at]}]\n  k{at}: 1\n" for at in range(1, 1000))
    yield "laughs of merges", "b0: &b0 {a: 1}\n" + "".join(merges)
    table = "".join(f"  {key}: 1\n" for key in keys(2_000))
    yield "many merges of a large table", each("@: {<<: *base}\n", YAML_BYTES, before=f"base: &base\n{table}")
    yield "aliases", filled("- *a\n", YAML_BYTES, before="- &a x\n")
    yield "anchors", each("- &@ x\n", YAML_BYTES)
    yield "an alias inside its anchor", "a: &a [*a]"
    yield "deep lists", "a: " + "[" * 200_000
    yield "deep lists on lines", filled("[\n", YAML_BYTES)
    yield "deep tables", filled("{a: ", YAML_BYTES)
    yield "deep dashes", filled("- ", YAML_BYTES)
    yield "deep question marks", filled("? ", YAML_BYTES)
    yield "deep blocks", "".join(" " * depth + "a:\n" for depth in range(700))
    yield "a list of many words", filled("a,", YAML_BYTES, before="tasks: [", after="]")
    yield "a list of many pairs", filled("a: b,", YAML_BYTES, before="tasks: [", after="]")
    yield "many keys", each("@: 1\n", YAML_BYTES)
    yield "many keys for variables", each("  @: []\n", YAML_BYTES, before="vars:\n")
    yield "many dashes", filled("- 1\n", YAML_BYTES)
    yield "many documents", filled("---\n", YAML_BYTES)
    yield "one key again and again", filled("a: 1\n", YAML_BYTES)
    yield "keys without values", each("@:\n", YAML_BYTES)
    yield "a tag as long as the file", filled("x", YAML_BYTES, before="a: !")
    yield "a tag of escapes", filled("%41", YAML_BYTES, before="a: !")
    yield "many tags", filled("- !x y\n", YAML_BYTES)
    yield "python objects", "a: !!python/object/apply:os.system [exit 1]"
    yield "spaces after a block mark", filled(" ", YAML_BYTES, before="a: |")
    yield "a long block", filled(" x\n", YAML_BYTES, before="a: |\n")
    yield "a folded block", filled(" x\n", YAML_BYTES, before="a: >\n")
    yield "a long plain text", filled("x ", YAML_BYTES, before="a: ")
    yield "a plain text of many lines", filled("  x\n", YAML_BYTES, before="a: x\n")
    yield "a long string", filled("x\n ", YAML_BYTES, before='a: "')
    yield "escapes", filled("\\n", YAML_BYTES, before='a: "', after='"')
    yield "a long key", filled("x", YAML_BYTES, after=": 1")
    yield "a long anchor", filled("a", YAML_BYTES, before="- &")
    yield "a long alias", filled("a", YAML_BYTES, before="a: *")
    yield "a long word where a table should be", filled("x", YAML_BYTES, before="tasks: ")
    yield "a long tag handle", filled("x", YAML_BYTES, before="a: !", after="!y z")
    yield "a long directive", filled("a", YAML_BYTES, before="%")
    yield "comments", filled("# x\n", YAML_BYTES - 1) + "x"
    yield "line ends", filled("\n", YAML_BYTES - 1) + "x"
    yield "tabs", filled("\t", YAML_BYTES)
    yield "colons", filled(":", YAML_BYTES)
    yield "bars", filled("|", YAML_BYTES)
    yield "brackets", filled("[]", YAML_BYTES)
    yield "an integer of many digits", filled("1", YAML_BYTES, before="a: ")
    yield "a fraction of many digits", filled("1", YAML_BYTES, before="a: 0.")
    yield "a megabyte", filled("a: 1\n", 1 << 20)
    yield "wide characters", filled("𐀀", YAML_BYTES, before="a: ")


FILES = {
    **{f"tasks.toml: {name}": text for name, text in toml_files()},
    **{f"tasks.yaml: {name}": text for name, text in yaml_files()},
}
