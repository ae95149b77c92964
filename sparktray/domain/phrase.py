"""A sentence that is not yet in any language: what pure code returns instead of text."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Phrase(msgspec.Struct, frozen=True):
    """A message id (the English sentence with ``{placeholders}``) and its values.

    ``plural`` and ``count`` are set together when the sentence depends on a number. Values may be
    phrases themselves and are rendered first. Rendered by ``wording.Wording`` only.
    """

    msgid: str
    values: Mapping[str, object] = msgspec.field(default_factory=dict)
    plural: str | None = None
    count: int | None = None


def phrase(msgid: str, /, **values: object) -> Phrase:
    """Build a sentence; the message extraction looks for calls of this name."""
    return Phrase(msgid, values)


def phrase_n(msgid: str, plural: str, count: int, /, **values: object) -> Phrase:
    """Build a sentence that depends on ``count``, which is also the value ``{count}``."""
    return Phrase(msgid, {"count": count, **values}, plural, count)
