"""What phrases say, in English, lists of them too."""

from __future__ import annotations

from collections.abc import Iterable

from sparktray.domain.phrase import Phrase


def said(text: object) -> str:
    """The English sentence; a placeholder without a value raises."""
    match text:
        case Phrase():
            values = {name: said(value) for name, value in text.values.items()}
            one = text.plural is None or text.count == 1
            return (text.msgid if one else text.plural or "").format_map(values)
        case list() | tuple():
            return ", ".join(map(said, text))
        case _:
            return str(text)


def all_said(texts: Iterable[Phrase]) -> list[str]:
    """Each of them."""
    return [said(text) for text in texts]
