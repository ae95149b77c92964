"""Fail when a sentence of the program has no finished German translation."""

from __future__ import annotations

import sys
from pathlib import Path
from string import Formatter

from babel.messages.catalog import Catalog

from scripts.messages import GERMAN, ROOT, NotLiteral, Sentence, read_german, sentences_in


def faults(sentences: list[Sentence], german: Catalog) -> list[str]:
    """One line for each sentence that is missing, unfinished or names other values in German."""
    found: dict[str, None] = {}
    for sentence in sentences:
        fault = fault_of(sentence, german)
        if fault is not None:
            found[f"{sentence.place}: {fault}: {sentence.msgid!r}"] = None
    known = {sentence.msgid for sentence in sentences}
    for message in german:
        msgid = message.id[0] if isinstance(message.id, (list, tuple)) else message.id
        if msgid and msgid not in known:
            found[f"not in the code any more, run make messages: {msgid!r}"] = None
    return list(found)


def fault_of(sentence: Sentence, german: Catalog) -> str | None:
    """What is wrong with the translation of one sentence, or None."""
    message = german.get(sentence.msgid)
    if message is None:
        return "not in the German catalogue, run make messages"
    if "fuzzy" in message.flags:
        return "the German translation is marked fuzzy"
    texts = list(message.string) if isinstance(message.string, (list, tuple)) else [message.string]
    wanted = [sentence.msgid] if sentence.plural is None else [sentence.msgid, sentence.plural]
    if len(texts) != len(wanted):
        return "singular and plural differ from the code, run make messages"
    for original, text in zip(wanted, texts, strict=True):
        if not text:
            return "no German translation"
        try:
            same = placeholders(original) == placeholders(text)
        except ValueError as error:
            return f"braces do not match ({error})"
        if not same:
            return f"other placeholders in German, {text!r}"
    return None


def placeholders(text: str) -> set[str]:
    """The names between braces; raises `ValueError` when the braces are unbalanced."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def main(root: Path = ROOT, catalogue: Path = GERMAN) -> int:
    """Print the faults; 1 when there are any."""
    try:
        found = faults(sentences_in(root / "sparktray"), read_german(catalogue))
    except NotLiteral as error:
        found = [str(error)]
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
