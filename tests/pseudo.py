"""A language for tests: every sentence longer and accented, so that clipped and untranslated ones show."""

from __future__ import annotations

import re

from sparktray.wording import Speech, Wording

# IBM's guideline for the room that translations of whole sentences take.
LONGER_BY = 0.4
_PLACEHOLDER = re.compile(r"(\{\{|\}\}|\{[^{}]*\})")
_ACCENTS = str.maketrans("AaCcDdEeGgHhIiJjKkLlNnOoRrSsTtUuWwYyZz", "ÅåÇçÐđÉéĜĝĤĥÎîĴĵĶķĹĺÑñÖöŔŕŠšŢţÛûŴŵÝýŽž")

# Longer sentences have more words, not one that no window holds in a wide font (30 letters of DejaVu Sans at
# twice the size are 600 pixels).
_WORD = "~" * 16


def pseudo(text: str) -> str:
    """The sentence in brackets, accented, longer by two fifths; placeholders as they are."""
    parts = _PLACEHOLDER.split(text)
    accented = "".join(part if number % 2 else part.translate(_ACCENTS) for number, part in enumerate(parts))
    more = round(len(text) * LONGER_BY)
    words = [_WORD[: more - begin] for begin in range(0, more, len(_WORD))]
    return f"[{accented}{' '.join(words)}]"


def pseudo_n(one: str, many: str, count: int) -> str:
    """The same of the form that English has for the number."""
    return pseudo(one if count == 1 else many)


PSEUDO = Speech("x-pseudo", pseudo, pseudo_n)


def pseudo_wording() -> Wording:
    """Speaks it until told to speak another."""
    return Wording(speech=PSEUDO)
