"""Write docs/errors.md: each code word of an error with its exit code, what is said, and what helps.

Read from the program's own text: every place that makes a `Problem`, and the sentences for the road.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.tables import table
from sparktray.cli.problems import exit_of

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "errors.md"
_COLUMNS = ("Code", "Exit", "What is said", "What helps")
_HEAD = """\
# Errors by their code

Written by `make error-table` from the program's own text. With `--json` an error is
`{"error": {"code", "message", "remedy"}}` on stderr; the codes and the exit codes do not change with the
language. Words in braces are filled in, and a code may stand for several sentences. Where no exit code is
named it is 1, or 7 when an operation was refused before anything was changed.

What an engine or Docker itself says when a start fails is in [failures.md](failures.md).
"""


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """One sentence of one code."""

    code: str
    said: str
    helps: str


def rows() -> tuple[Row, ...]:
    """All of them, by code."""
    found = set()
    for path in sorted((ROOT / "sparktray").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef):
                found |= set(_of_function(function))
    return tuple(sorted(found))


def _of_function(function: ast.FunctionDef) -> Iterator[Row]:
    named = _Names(function)
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and _makes_problem(node.func) and len(node.args) >= 3:
            yield from _row(named, *node.args[:3])
        if isinstance(node, ast.Match) and ast.unparse(node.subject).rpartition(".")[2] == "code":
            for case in node.cases:
                yield from _of_case(named, case)


class _Names:
    """What the names of a function stand for."""

    def __init__(self, function: ast.FunctionDef) -> None:
        self._assigned = [
            (node.lineno, target.id, node.value)
            for node in ast.walk(function)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        ]

    def meant(self, node: ast.expr) -> ast.expr:
        """The expression itself, or what its name was last given above that line."""
        if not isinstance(node, ast.Name):
            return node
        above = [each for each in self._assigned if each[1] == node.id and each[0] < node.lineno]
        return max(above, key=lambda each: each[0])[2] if above else node


def _makes_problem(called: ast.expr) -> bool:
    """`Problem(code, cause, remedy)`, and `place.error(code, message, remedy)` of the catalogue."""
    named = isinstance(called, ast.Name) and called.id == "Problem"
    return named or (isinstance(called, ast.Attribute) and called.attr == "error")


def _of_case(named: _Names, case: ast.match_case) -> Iterator[Row]:
    """`case "code": return cause, remedy`."""
    patterns = case.pattern.patterns if isinstance(case.pattern, ast.MatchOr) else [case.pattern]
    for statement in case.body:
        if isinstance(statement, ast.Return) and isinstance(statement.value, ast.Tuple):
            for pattern in patterns:
                if isinstance(pattern, ast.MatchValue) and len(statement.value.elts) == 2:
                    yield from _row(named, pattern.value, *statement.value.elts)


def _row(named: _Names, *parts: ast.expr) -> Iterator[Row]:
    code, said, helps = map(named.meant, parts)
    if isinstance(code, ast.Constant) and isinstance(code.value, str) and code.value:
        texts = [_text(each) for each in (said, helps)]
        if texts[0] is not None:
            yield Row(code.value, texts[0], texts[1] or "")


def _text(node: ast.expr) -> str | None:
    """The English of `phrase("…", …)`; None for what is made elsewhere."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "allowed":
        return "Allowed: {allowed}"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "phrase":
        first = node.args[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            return first.value
    return None


# No exit code: what `exit_of` says for a code that has none of its own.
_NONE = -1


def _exit(code: str) -> str:
    number = exit_of(code, _NONE)
    return "" if number == _NONE else str(number)


def page() -> str:
    """The whole page."""
    cells = ((f"`{row.code}`", _exit(row.code), row.said, row.helps) for row in rows())
    return "\n".join([_HEAD, *table(_COLUMNS, cells), ""])


def main() -> int:
    """Rewrite the page."""
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
