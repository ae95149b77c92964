"""The one place where text from outside is made fit to show (names, model IDs, log lines)."""

from __future__ import annotations

import re
import unicodedata

_LONGEST_NAME = 64
_READ_OF_NAME = 1024  # what it may begin with that is not shown; to put 40,000 marks in order takes a second
_LONGEST_LINE = 2000  # one log line; SGLang prints its whole ServerArgs in one of 6 kB, of no use to a reader
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_QUOTED = r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\""""
_KEY = re.compile(
    r"""(api[-_]key['"]?\s*[=:]\s*|--(?:admin-)?api[-_]key\s+)"""
    rf"""(\*\*\*|{_QUOTED}|\[(?:{_QUOTED}|[^\]'"])*\]|[^\s,)]+)""",
    re.IGNORECASE,
)
# Letters and marks without a shape: Default_Ignorable_Code_Point of Unicode that is not "Cf", and the
# empty Braille cell.
_SHAPELESS = frozenset(
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2800, 0x3164, 0xFFA0}
).union(range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))


def _hidden(character: str) -> bool:
    """Control and format characters, bidirectional overrides among them, and such without a shape."""
    hidden = unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    return hidden or ord(character) in _SHAPELESS


def clean_name(text: str) -> str:
    """A name as plain text of one line: no hidden characters, at most 64 characters."""
    read = unicodedata.normalize("NFC", text[:_READ_OF_NAME])
    short = " ".join("".join(" " if _hidden(c) else c for c in read).split())
    whole = len(short) <= _LONGEST_NAME and len(text) <= _READ_OF_NAME
    return short if whole else short[: _LONGEST_NAME - 1] + "…"


def clean_line(text: str) -> str:
    """A log line as plain text: terminal codes dropped, keys masked, at most 2,000 characters.

    SGLang and vLLM print their arguments at start with the API key in clear (SGLang 0.5.4
    ``server_args=``, vLLM 0.33 ``non-default args``).
    """
    plain = _ANSI.sub("", text[: 2 * _LONGEST_LINE])
    visible = "".join(" " if c == "\t" else "" if _hidden(c) else c for c in plain)
    return _KEY.sub(r"\1***", visible)[:_LONGEST_LINE].rstrip()


def has_hidden(text: str) -> bool:
    """True when text holds a character a reader cannot see; such a model ID is not copied."""
    return any(_hidden(c) for c in text)


def split_log(text: str) -> tuple[str, ...]:
    """Cleaned, non-empty lines of a log chunk; progress bars end their lines with a bare return."""
    return tuple(line for line in map(clean_line, re.split(r"[\r\n]+", text)) if line)
