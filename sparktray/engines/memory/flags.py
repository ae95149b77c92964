"""Flags of the engines that say how much memory they take, as an entry of the catalogue gives them."""

from __future__ import annotations

import re
from collections.abc import Sequence

# vLLM 0.33 reads sizes so: 25k and 25.6k are thousands, 25K and 25M are powers of 1024. SGLang 0.5.23 takes
# the same for its tokens, 0.5.4 plain numbers only.
_SIZE = re.compile(r"(?P<number>[0-9]{1,18}(?:\.[0-9]{1,6})?)(?P<unit>[kKmMgGtT]?)(?:i?B)?")
_UNITS = {"": 1, **{sign: 1000**n for n, sign in enumerate("kmgt", 1)}}
_UNITS |= {sign: 1024**n for n, sign in enumerate("KMGT", 1)}


def flag_of(word: str) -> str:
    """The flag in a word, ``--x`` or ``--x=v``, with dashes; vLLM takes underscores as well."""
    return word.partition("=")[0].replace("_", "-")


def value_of(args: Sequence[str], *flags: str) -> str | None:
    """The value of the last of these flags, ``--x v`` or ``--x=v``; "" for one without a value."""
    found = None
    for index, word in enumerate(args):
        if word.startswith("--") and flag_of(word) in flags:
            _, equals, value = word.partition("=")
            found = value if equals else next(iter(args[index + 1 :]), "")
    return found


def size_of(args: Sequence[str], *flags: str) -> int | None:
    """A number of bytes or tokens, also with a unit; None without the flag or for no number."""
    found = _SIZE.fullmatch(value_of(args, *flags) or "")
    return None if found is None else int(float(found["number"]) * _UNITS[found["unit"]])


def fraction_of(args: Sequence[str], *flags: str) -> float | None:
    """A fraction above 0 and up to 1; None without the flag or for anything else."""
    text = value_of(args, *flags) or ""
    number = float(text) if re.fullmatch(r"[0-9]{0,3}\.?[0-9]{1,9}", text) else 0.0
    return number if 0 < number <= 1 else None
