"""A pasted text as a POSIX shell takes it apart."""

from __future__ import annotations

import pytest

from sparktray.decide.finding.shell_words import LONGEST, RunLineError, Word, commands_in
from tests.pure.decide.finding.saying import said


def words(text: str) -> list[list[str]]:
    return [[word.text for word in command.words] for command in commands_in(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n\t\n", []),
        ("a b\tc", [["a", "b", "c"]]),
        ("a \\\n  b", [["a", "b"]]),
        ("a \\  \n  b", [["a", "b"]]),  # a blank behind the backslash: a slip of copying
        ("a\\\nb", [["ab"]]),
        ("a\\  \nb", [["a", "b"]]),
        ("a `\n b", [["a", "b"]]),  # PowerShell
        ("a \\\r\n b\rc", [["a", "b"], ["c"]]),
        ("a 'b c' \"d e\"'f'", [["a", "b c", "d ef"]]),
        ("a '' \"\"", [["a", "", ""]]),
        (r'a "\"\\\$\`" "\x" \; \\', [["a", '"\\$`', "\\x", ";", "\\"]]),
        ('a "b\\\nc"', [["a", "bc"]]),
        ("a; b && c || d | e & f\ng (h)", [[c] for c in "abcdef"] + [["g"], ["h"]]),
        ("a >/dev/null 2>&1 b <x &>y >>z c", [["a", "b", "c"]]),
        ("a # b ; c\nd#e", [["a"], ["d#e"]]),
        ("# only", []),
        ("a \\", [["a", ""]]),
        ("X=1 a X=2", [["a", "X=2"]]),
        ("a $", [["a", "$"]]),
    ],
)
def test_words(text: str, expected: list[list[str]]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("X=/m; a $X/b", Word("/m/b")),
        ('export X=/m Y=2\na "${X}$Y"', Word("/m2")),
        ("X='a b'; Y=$X; a $Y", Word("a b")),
        ("a ${X:-/d}", Word("/d")),
        ("X=1; a ${X-/d}", Word("1")),
        ("a '$X'", Word("$X")),
        ("a $X", Word("$X", ("$X",))),
        ("a ${X}/b", Word("$X/b", ("$X",))),
        ('a "$X"', Word("$X", ("$X",))),
        ("X=~/m; a $X", Word("~/m", ("~",))),
        ("a ~/b", Word("~/b", ("~",))),
        ("a b:~/c", Word("b:~/c", ("~",))),
        ("a b~/c", Word("b~/c")),
        ("a ~other", Word("~other")),
        ("a $(pwd)/x", Word("$(pwd)/x", ("$(pwd)",))),
        ("a $(b $(c))", Word("$(b $(c))", ("$(b $(c))",))),
        ("a ${X%/*}", Word("${X%/*}", ("${X%/*}",))),
        ("a `pwd`", Word("`pwd`", ("`pwd`",))),
        ('a "`pwd`"', Word("`pwd`", ("`pwd`",))),
    ],
)
def test_what_is_filled_in_and_what_stays_open(text: str, last: Word) -> None:
    assert commands_in(text)[-1].words[-1] == last


def test_variables_before_a_command_are_known_for_it() -> None:
    (first, second) = commands_in("A=1 B=$A x; export C=3; y")
    assert first.variables == {"A": Word("1"), "B": Word("$A", ("$A",))}
    assert second.variables == {"C": Word("3")}


@pytest.mark.parametrize("text", ["a 'b", 'a "b', "a $(b", "a ${b%", "a `b", 'a "$(b"'])
def test_what_is_never_closed(text: str) -> None:
    with pytest.raises(RunLineError) as raised:
        commands_in(text)
    assert raised.value.problem.code == "run-line-syntax"
    assert said(raised.value.problem.cause) and said(raised.value.problem.remedy)


@pytest.mark.parametrize("text", ["x" * (LONGEST + 1), "A=xxxxxxxx\n" + "A=$A$A\n" * 40, 'A="$A$A";' * 40])
def test_a_text_that_grows_without_end(text: str) -> None:
    with pytest.raises(RunLineError) as raised:
        commands_in("A=xxxxxxxx\n" + text)
    assert raised.value.problem.code == "run-line-too-long"
