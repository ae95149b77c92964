"""Tables of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of one; whatever stands in a cell stays in it."""
    every = (head, ["---"] * len(head), *([_cell(each) for each in row] for row in rows))
    return ["| " + " | ".join(row) + " |" for row in every]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
