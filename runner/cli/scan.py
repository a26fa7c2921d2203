"""A command line read once, from left to right: options, vars, targets, what is said to each, and what is wrong."""

from __future__ import annotations

from runner.argument import FALSE, TRUE, ArgumentError
from runner.cli.line import Line, problem_of, spelled
from runner.cli.options import LETTERS, LONG, is_number, value_of
from runner.cli.targets import Aim, Names, Said, metavar, stranger
from runner.error import SHOWN_AT_MOST, Place, Problem, did_you_mean, nearest
from runner.noun import noun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Final

    from runner.cli.options import Kind, Option
    from runner.task import Arg, Project

NUMERIC: Final = ("int", "float")


@noun
class Spoken:
    """An option of trun with what it says, and where that stands; `named_at` is where the option itself does."""

    option: Option
    value: Any
    at: int
    start: int = 0
    named_at: int = 0


@noun
class Typed:
    """An option as it was typed: its name, the word and where in it, and what stands in the same word after it."""

    shown: str
    at: int
    start: int = 0
    given: str | None = None
    given_start: int = 0
    is_last: bool = True


class Scan:
    """What a line says, word by word. Without a project every option is trun's, and every bare word a target."""

    def __init__(self, argv: Sequence[str], project: Project | None) -> None:
        self.line = Line(argv)
        self.project = project
        self.names = Names(project) if project is not None else None
        self.said: list[Spoken] = []
        # How many of those stand before the first target: they are trun's whatever the tasks are.
        self.certain = 0
        self.vars: dict[str, str] = {}
        # Where bare words stand that are no argument of a target: for `--exec`, which takes none.
        self.bare: list[int] = []
        # What stands after `--` on a line with `--exec`.
        self.command: tuple[str, ...] = ()
        self.aims: list[Aim] = []
        self.problems: list[Problem] = []
        # What is wrong with words that name no task: it counts also where only help is asked for.
        self.strangers: list[Problem] = []
        self._at = 0
        # The bare word after an option that nobody knows may be its value: it makes no error of its own.
        self._may_be_value = False
        # Arguments typed in front of their target: they are not missing too.
        self._misplaced: set[str] = set()
        self._read()
        if not self.aims:
            self.certain = len(self.said)

    def _read(self) -> None:
        words = self.line.words
        while self._at < len(words):
            at = self._at
            self._at += 1
            word = words[at]
            if word == "--":
                self._rest(at)
                return
            if word.startswith("--"):
                self._long(at, word)
            elif word.startswith("-") and len(word) > 1 and not self._is_value(word):
                self._letters(at, word)
            else:
                self._bare(at, word)

    @property
    def _aim(self) -> Aim | None:
        return self.aims[-1] if self.aims else None

    def _wrong(self, message: str, place: Place, hint: str | None = None) -> None:
        self.problems.append(Problem(message=message, place=place, hint=hint))

    def _place(self, typed: Typed) -> Place:
        # In `-kfz` the letter alone, but of the first one the dash too.
        is_inside = typed.start > 1
        return self.line.place(typed.at, typed.start if is_inside else 0, 1 if is_inside else len(typed.shown))

    # Options

    def _long(self, at: int, word: str) -> None:
        name, mark, text = word.partition("=")
        typed = Typed(shown=name, at=at, given=text if mark else None, given_start=len(name) + 1)
        own = self._aim.long(name) if self._aim and name != "--help" else None
        if own is not None:
            self._argument(*own, typed)
        elif name in LONG:
            self._option(LONG[name], typed)
        else:
            self._strange(typed)

    def _letters(self, at: int, word: str) -> None:
        """A word such as `-kfj4`: letters, up to one whose value is the rest of the word."""
        start = 1
        while start < len(word):
            letter = word[start]
            arg = self._aim.letter(letter) if self._aim else None
            option = LETTERS.get(letter)
            kind = ("flag" if arg.type == "bool" else "value") if arg else option.kind if option else "flag"
            typed = _letter(at, word, start, kind)
            if arg is not None:
                self._argument(arg, False, typed)
            elif option is not None:
                self._option(option, typed)
            else:
                self._strange(typed)
                return
            start = len(word) if typed.is_last else start + 1

    def _option(self, option: Option, typed: Typed) -> None:
        if option.later:
            self._later(option, typed)
        elif option.kind == "flag":
            if typed.given is not None:
                self._wrong(f"`{typed.shown}` takes no value", self._place(typed))
            self._say(option, option.sets, typed)
        elif typed.given is not None:
            self._value(option, typed, typed.given)
        elif option.kind == "values":
            self._values(option, typed)
        elif option.kind == "value":
            found = self._next()
            self._value(option, typed, self.line.words[found] if found is not None else "", found)
        elif option.kind == "number" and typed.is_last and is_number("".join(self.line.words[self._at : self._at + 1])):
            self._at += 1
            self._value(option, typed, self.line.words[self._at - 1], self._at - 1)
        else:
            self._say(option, option.sets, typed)

    def _value(self, option: Option, typed: Typed, text: str, at: int | None = None) -> None:
        """A value, in the same word or in the one at `at`."""
        if not text:
            listed = ", ".join(f"`{choice}`" for choice in option.choices)
            message = f"`{typed.shown}` needs a value" + (f", one of {listed}" if listed else "")
            mark = "=" if option.kind == "optional" else " "
            self._wrong(message, self._place(typed), self._how(typed, mark + option.metavar))
            return
        at, start = (typed.at, typed.given_start) if at is None else (at, 0)
        try:
            self._say(option, value_of(option, text, typed.shown), typed, at, start)
        except ArgumentError as error:
            self.problems.append(problem_of(error, self.line.place(at, start)))

    def _values(self, option: Option, typed: Typed) -> None:
        """All words that follow, up to the next option; at least one."""
        found = self._next()
        if found is None:
            self._value(option, typed, "")
        while found is not None:
            self._value(option, typed, self.line.words[found], found)
            found = self._next()

    def _say(self, option: Option, value: Any, typed: Typed, at: int | None = None, start: int = 0) -> None:
        at = typed.at if at is None else at
        self.said.append(Spoken(option=option, value=value, at=at, start=start, named_at=typed.at))

    def _later(self, option: Option, typed: Typed) -> None:
        name = typed.shown if typed.shown in option.names else option.name
        self._wrong(f"`{name}` is not available yet in this version of trun", self._place(typed))
        # What belongs to it is passed over, so that it makes no error of its own.
        if option.kind == "value" and typed.given is None:
            self._next()

    def _argument(self, arg: Arg, is_negated: bool, typed: Typed) -> None:
        """An option that is the target's own."""
        assert self._aim is not None
        self._aim.filled.add(arg.name)
        if is_negated and typed.given is not None:
            self._wrong(f"`{typed.shown}` takes no value", self._place(typed))
        elif typed.given is not None:
            self._aim.say(Said(name=arg.name, text=typed.given, at=typed.at, start=typed.given_start))
        elif arg.type == "bool":
            self._aim.say(Said(name=arg.name, text="false" if is_negated else "true", at=typed.at))
        elif (found := self._next(is_numeric=arg.type in NUMERIC)) is not None:
            self._aim.say(Said(name=arg.name, text=self.line.words[found], at=found))
        else:
            message = f"`{typed.shown}` of `{self._aim.word}` needs a value"
            self._wrong(message, self._place(typed), self._how(typed, " " + metavar(arg)))

    def _how(self, typed: Typed, value: str) -> str:
        """How a value is typed that is not there; one that looks like an option that nobody knows was meant as one."""
        words = self.line.words
        following = words[self._at] if self._at < len(words) and typed.given is None else ""
        if following.startswith("-") and following != "--" and not self._is_option(following):
            self._at += 1
            return f"a value that begins with `-` is written `{typed.shown}={following}`"
        return f"write `{typed.shown}{value}`"

    def _is_option(self, word: str) -> bool:
        name = word.partition("=")[0]
        aim = self._aim
        if name.startswith("--"):
            return name in LONG or (aim is not None and aim.long(name) is not None)
        return name[1:2] in LETTERS or (aim is not None and aim.letter(name[1:2]) is not None)

    def _strange(self, typed: Typed) -> None:
        """An option that nobody knows."""
        aim = self._aim
        self._may_be_value = typed.given is None
        if aim is not None and not aim.is_known and not aim.tasks:
            return
        word = self.line.words[typed.at]
        if "-" + word.partition("=")[0] in LONG:
            name = word.partition("=")[0]
            self._wrong(f"unknown option `{name}`", self.line.place(typed.at, 0, len(name)), f"did you mean `-{name}`?")
            return
        inside = f" in `{spelled(word)}`" if typed.start and len(word) > 2 else ""
        self._wrong(f"unknown option `{spelled(typed.shown)}`{inside}", self._place(typed), self._meant(typed, aim))

    def _meant(self, typed: Typed, aim: Aim | None) -> str | None:
        """What somebody meant who typed an option that is none: a later target's, one of a like name."""
        name = typed.shown
        for other in self._aims_after(typed.at):
            found = other.long(name)
            arg = found[0] if found else other.letter(name[1:])
            if arg is not None:
                self._misplaced.add(arg.name)
                return f"`{name}` is an argument of `{other.word}`: write it after `{other.word}`"
        known = [arg.option[2:] for arg in (aim.args() if aim else ())] + [long[2:] for long in LONG]
        near = nearest(name[2:], known) if name.startswith("--") and not self._is_full() else None
        if near is not None:
            return f"did you mean `--{near}`?"
        return f"`trun {aim.word} --help` shows what it takes" if aim and aim.is_known and aim.tasks else None

    def near(self, word: str) -> str | None:
        """The task that was probably meant; looked for as long as somebody will be shown it."""
        return self.names.near(word) if self.names is not None and not self._is_full() else None

    def _is_full(self) -> bool:
        return len(self.problems) + len(self.strangers) >= SHOWN_AT_MOST

    def _aims_after(self, at: int) -> Iterator[Aim]:
        """What the words after one would be as targets."""
        if self.names is not None and not self._is_full():
            for word in dict.fromkeys(self.line.words[at + 1 :]):
                yield Aim(word, at, self.names.find(word))

    def _next(self, *, is_numeric: bool = False) -> int | None:
        """The next word, if it can be a value."""
        at = self._at
        if at == len(self.line.words):
            return None
        word = self.line.words[at]
        if word.startswith("-") and word != "-" and not (is_numeric and is_number(word)):
            return None
        self._at += 1
        return at

    # Bare words

    def _is_value(self, word: str) -> bool:
        """Whether a word that looks like an option is a negative number for the target before it."""
        if self._aim is None or self.names is None or not is_number(word) or self._aim.letter(word[1]):
            return False
        arg = self._aim.place_for(word, self.names)
        return arg is not None and arg.type in NUMERIC

    def _bare(self, at: int, word: str) -> None:
        may_be_value, self._may_be_value = self._may_be_value, False
        name, mark, value = word.partition("=")
        arg = self._aim.place_for(word, self.names) if self._aim and self.names else None
        if self._aim is not None and arg is not None:
            self._aim.filled.add(arg.name)
            if not may_be_value:
                self._aim.say(Said(name=arg.name, text=word, at=at))
        elif not self.aims and mark and name.replace("-", "_").isidentifier():
            self.bare.append(at)
            self._var(at, name, value)
        else:
            if not may_be_value:
                self.bare.append(at)
            self._target(at, word, may_be_value=may_be_value)

    def _var(self, at: int, name: str, value: str) -> None:
        self.vars[name] = value
        if self.project is None or name in self.project.vars:
            return
        hint = None if self._is_full() else did_you_mean(name, self.project.vars)
        option = "--" + name.replace("_", "-")
        for other in self._aims_after(at):
            if other.long(option):
                self._misplaced.add(name)
                hint = f"the argument of `{other.word}` is written after it: `{option}={value}`"
        if hint is None and not self.project.vars:
            hint = f"`{self.project.manifest.shown}` declares no vars"
        self._wrong(f"unknown var `{name}`", self.line.place(at, 0, len(name)), hint)

    def _target(self, at: int, word: str, *, may_be_value: bool) -> None:
        if not self.aims:
            self.certain = len(self.said)
        if self.names is None:
            self.aims.append(Aim(word, at, ()))
            return
        tasks = self.names.find(word)
        if tasks:
            self.aims.append(Aim(word, at, tasks))
            self.aims[-1].filled |= self._misplaced
        elif not may_be_value:
            near = self.near(word)
            self.strangers.append(stranger(word, self.line.place(at), near, self._no_task(at, word)))
            self.aims.append(Aim(word, at, self.names.find(near) if near else (), is_known=False))

    def _no_task(self, at: int, word: str) -> str | None:
        """What a bare word was probably meant to be, if that is no task."""
        name, mark, _ = word.partition("=")
        before = self.line.words[at - 1]
        own = self._aim.long(before) if self._aim else None
        if own is not None and own[0].type == "bool" and word.lower() in (*TRUE, *FALSE):
            return f"write `{before}={word}`"
        if f"--{word}" in LONG:
            return f"did you mean `--{word}`?"
        if mark and self._aim and self._aim.long("--" + name.replace("_", "-")):
            return f"the argument of `{self._aim.word}` is written `--{word}`"
        if mark and self.project and name in self.project.vars:
            return "vars stand before the first target"
        return None

    @property
    def exec_at(self) -> int | None:
        """Where trun's `--exec` stands, None on a line without."""
        return next((spoken.at for spoken in self.said if spoken.option.field == "is_exec"), None)

    def _rest(self, at: int) -> None:
        if self.exec_at is not None:
            self.command = self.line.words[at + 1 :]
        elif self.aims:
            self.aims[-1].rest = self.line.words[at + 1 :]
        else:
            self._wrong("`--` needs a target in front of it, to take what follows", self.line.place(at))


def _letter(at: int, word: str, start: int, kind: Kind) -> Typed:
    """One letter of a word, with the rest of the word if that is its value."""
    after = word[start + 1 :]
    has_value = (
        after[:1] == "=" or (after and kind == "value") or (after and kind == "number" and not after[0].isalpha())
    )
    given = after.removeprefix("=") if has_value else None
    return Typed(
        shown=f"-{word[start]}",
        at=at,
        start=start,
        given=given,
        given_start=len(word) - len(given or ""),
        is_last=bool(has_value) or not after,
    )
