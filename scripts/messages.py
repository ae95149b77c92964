"""Collect the sentences of the program and merge them into the German catalogue (`make messages`).

Translations that exist are kept, new sentences arrive empty, sentences that are gone are dropped.
"""

from __future__ import annotations

import ast
import io
import sys
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
GERMAN = ROOT / "resources" / "locale" / "de" / "LC_MESSAGES" / "sparktray.po"

# How many leading arguments of each call are sentences (singular, or singular and plural).
CALLS = {"phrase": 1, "phrase_n": 2}
HEADER = "# German translation of sparktray.\n# The msgids come from the code: refresh with `make messages`."


@dataclass(frozen=True, slots=True)
class Sentence:
    """One message id in the code and where it stands; `plural` is None for a plain sentence."""

    msgid: str
    plural: str | None
    place: str


class NotLiteral(ValueError):
    """A call of `phrase` or `phrase_n` whose sentence cannot be read from the source."""


def sentences_of(source: str, name: str) -> list[Sentence]:
    """Every sentence of one module's source text, nested calls included; raises `NotLiteral`.

    An own walk of the syntax tree, because it refuses a sentence that is put together at run time:
    an extractor that passes over it would leave it untranslated unnoticed.
    """
    found = []
    for node in ast.walk(ast.parse(source, name)):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)
        if called not in CALLS:
            continue
        place = f"{name}:{node.lineno}"
        texts = [
            argument.value
            for argument in node.args[: CALLS[called]]
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
        ]
        if len(texts) != CALLS[called]:
            raise NotLiteral(f"{place}: the sentence given to {called}() must be a plain string")
        found.append(Sentence(texts[0], texts[1] if called == "phrase_n" else None, place))
    return found


def sentences_in(package: Path) -> list[Sentence]:
    """Every sentence of all modules below `package`, by file and order; raises `NotLiteral`."""
    found = []
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package.parent).as_posix()
        found += sentences_of(path.read_text(encoding="utf-8"), name)
    return found


def read_german(path: Path) -> Catalog:
    """The German catalogue, or an empty one when there is none yet."""
    if not path.exists():
        return Catalog(locale="de", domain="sparktray")
    with path.open("rb") as text:
        return read_po(text, locale="de", domain="sparktray", abort_invalid=True)


def merged(german: Catalog, sentences: list[Sentence]) -> str:
    """The text of the refreshed catalogue: the same input gives the same bytes."""
    fresh = Catalog(locale="de", domain="sparktray", charset="utf-8", fuzzy=False)
    for sentence in sentences:
        msgid = sentence.msgid if sentence.plural is None else (sentence.msgid, sentence.plural)
        known = german.get(sentence.msgid)
        # A sentence that became plural (or ceased to be) needs its translation made anew.
        keep = known is not None and known.id == msgid
        fresh.add(msgid, known.string if keep and known is not None else None)
        if keep and known is not None:
            fresh[sentence.msgid].flags |= known.flags - {"python-brace-format", "python-format"}
            fresh[sentence.msgid].user_comments = known.user_comments
    out = io.BytesIO()
    write_po(out, fresh, sort_output=True, width=100, omit_header=True)
    header = (
        f"{HEADER}\n"
        'msgid ""\nmsgstr ""\n'
        '"Project-Id-Version: sparktray\\n"\n'
        '"Language: de\\n"\n'
        '"MIME-Version: 1.0\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Content-Transfer-Encoding: 8bit\\n"\n'
        f'"Plural-Forms: nplurals={fresh.num_plurals}; plural={fresh.plural_expr};\\n"\n\n'
    )
    return header + out.getvalue().decode("utf-8")


def main() -> int:
    """Rewrite the German catalogue from the code."""
    text = merged(read_german(GERMAN), sentences_in(ROOT / "sparktray"))
    GERMAN.parent.mkdir(parents=True, exist_ok=True)
    GERMAN.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
