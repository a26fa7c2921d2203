"""Which variables a shell text mentions and does not see."""

from __future__ import annotations

import pytest

from runner.task import Argv, Script, Task
from runner.unseen import told, unseen, unseen_of

CALLERS = ("A", "B", "C", "CC", "LONG_NAME1", "f", "PWD")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("echo $A", "A"),
        ("echo ${A} ${B:-none} ${#C} ${!CC}", "A B C CC"),
        ('echo "$A and ${B}"', "A B"),
        ("echo $LONG_NAME1$A", "LONG_NAME1 A"),
        ("echo $B $A $B", "B A"),
        ("echo ${X:-$A}", "A"),
        ('echo "$(echo $A)" `echo $B`', "A B"),
        ("make CC=$CC", "CC"),
        ("CC=$CC make", "CC"),
        ("A=$A; echo $A", "A"),
        ('export PATH="$A:$PATH"', "A"),
        ("export A\necho $A", "A"),
        ("cat <<EOF\nit's $A\nEOF\necho $B", "A B"),
        ("cat <<EOF | sort\n$A\nEOF", "A"),
        ("case $A in x) echo $B;; esac", "A B"),
        ("echo it\\'s $A", "A"),
        ("echo a#b $A", "A"),
        ("echo 'a\nb' $A", "A"),
        ('echo "it\'s $A"', "A"),
        ("! test -n $A && echo $B || echo $C", "A B C"),
        ("echo $A A=1", "A"),
        ("cc A=1 $A", "A"),
        ("(A=1; echo $A); { B=1; echo $B; }; echo $C", "C"),
    ],
)
def test_what_is_mentioned_is_found_in_its_order(text: str, names: str) -> None:
    assert unseen(text, (), CALLERS) == names.split()


@pytest.mark.parametrize(
    "text",
    [
        "echo $1 $@ $* $# $? $$ $! $- $0 ${1} ${@} $",
        "echo '$A' \\$A $'\\'$A'",
        "awk '{ print $A \"$B\" }'",
        "echo \"$(awk '{ print $A }')\"",
        "A=1; echo $A",
        "A=1 B=2\necho $A$B",
        "export A=1 B=2; echo $A $B",
        "A+=x; echo $A; CC[1]=x; echo ${CC[1]}",
        "for f in *; do echo $f; done",
        "for f do echo $f; done",
        "while read -r A B; do echo $A $B; done",
        "local A; echo $A",
        "if A=1; then echo $A; fi",
        "# $A\necho x # $B",
        "cat <<'EOF'\n$A\nEOF\necho x",
        'cat <<-"EOF"\n\t$A\n\tEOF\n',
        "cat <<\\EOF\n$A\nEOF",
        "A=1 && test $A || echo $A",
        "A='x y'; echo $A",
        "A='\\'; echo $A",
        "cd $PWD",
        'A="$(date)"; echo "$A"',
        "echo $X ${Y}",
        "",
    ],
)
def test_what_the_text_sets_or_only_quotes_is_not(text: str) -> None:
    assert unseen(text, (), CALLERS) == []


def test_what_is_visible_is_left_out() -> None:
    assert unseen("echo $A $B", {"A": "1"}, {"A": "1", "B": "2"}) == ["B"]


ODD = ["$", "${", '"', "'", "\\", "$(", ")", "<<", "<<EOF", "((", '"$(', "$'", "${A", "<<EOF\n", "`", "}", ";;", "\0"]


@pytest.mark.parametrize("text", ODD)
def test_a_text_that_is_no_shell_harms_nobody(text: str) -> None:
    assert set(unseen(text, (), CALLERS)) <= {"A"}


def test_all_that_a_task_hands_to_its_shell_is_read() -> None:
    task = Task(
        name="t",
        path=("tasks", "t"),
        steps=(Script(text="echo $B"), Argv(words=("echo", "$C")), Script(text="echo $B")),
        probes=("$CC --version",),
        finally_="rm $A",
    )
    assert unseen_of(task, (), CALLERS) == ["B", "CC", "A"]


def test_only_a_shell_is_read() -> None:
    def of(*shell: str) -> Task:
        return Task(name="t", path=("tasks", "t"), steps=(Script(text="print('$A', $B)"),), shell=shell)

    assert unseen_of(of("/bin/bash", "-c"), (), CALLERS) == ["B"]
    assert unseen_of(of("python3", "-c"), (), CALLERS) == []


def test_the_sentence_names_them() -> None:
    assert told(["A", "B"]) == "mentions `$A`, `$B`, which you have set and a cached task does not see"
