"""What the documents hold: their files, links, anchors, and the commands that a reader would type."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = (
    *(ROOT / name for name in ("README.md", "README.de.md", "ARCHITECTURE.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
)
_LINK = re.compile(r"\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`(sparktray(?: [^`]+)?)`")
# Written from what programs say, which may name commands with places to be filled in.
_OF_THE_PROGRAM = frozenset({"errors.md", "failures.md", "faults.md", "switching.md"})


@dataclass(frozen=True, slots=True)
class Command:
    """A command line of the program in a document; ``typed`` stands in a block, ready to be pasted."""

    page: str
    words: tuple[str, ...]
    typed: bool


def links(page: Path) -> Iterator[str]:
    """All targets of links and pictures."""
    for found in _LINK.finditer(_without_code(page)):
        yield found[1] or found[2]


def anchors(page: Path) -> set[str]:
    """The anchors that a forge makes of the headings."""
    heads = re.findall(r"^#+ (.+)$", _without_code(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def commands() -> tuple[Command, ...]:
    """Every command of the program that a reader is told, in blocks and within text."""
    found: dict[Command, None] = {}
    for page in PAGES:
        if page.name in _OF_THE_PROGRAM or page.name == "CHANGELOG.md":
            continue
        text, name = page.read_text(encoding="utf-8"), page.relative_to(ROOT).as_posix()
        for language, block in _FENCE.findall(text):
            if language == "sh":
                lines = (line for line in block.splitlines() if line.startswith("sparktray"))
                found |= dict.fromkeys(Command(name, tuple(shlex.split(line)[1:]), True) for line in lines)
        inline = (each[1] for each in _INLINE.finditer(_without_code(page, inline=False)))
        found |= dict.fromkeys(Command(name, tuple(shlex.split(line)[1:]), False) for line in inline)
    return tuple(found)


def targets() -> set[str]:
    """All targets of make that the documents name."""
    return {name for page in PAGES for name in re.findall(r"`make ([a-z-]+)", page.read_text("utf-8"))}


def _without_code(page: Path, *, inline: bool = True) -> str:
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    return re.sub(r"`[^`\n]*`", "", text) if inline else text
