"""What was found, in a few words for people."""

from __future__ import annotations

from sparktray.decide.finding.proposals import Found
from sparktray.decide.showing.models import words_of_fit
from sparktray.domain.catalogue import ModelKind
from sparktray.domain.phrase import Phrase, phrase
from sparktray.engines.models.facts import ModelFacts
from sparktray.engines.sizes import GIB

NOT_KNOWN = phrase("not known")


def architecture_words(facts: ModelFacts) -> Phrase:
    """The architecture and, where they are known, experts and parameters."""
    name: object = facts.architecture or NOT_KNOWN
    more: list[Phrase] = []
    if facts.kind is ModelKind.EMBEDDING:
        more.append(phrase("embeds"))
    if facts.experts is not None and facts.experts > 1:
        more.append(phrase("{count} experts", count=facts.experts))
    if facts.parameters is not None:
        more.append(phrase("{billions} B parameters", billions=facts.parameters / 1e9))
    return phrase("{parts}", parts=[name, *more])


def quantization_words(facts: ModelFacts) -> Phrase:
    """As the model's files name it."""
    return phrase("{name}", name=facts.quantization or NOT_KNOWN)


def context_words(found: Found) -> Phrase:
    """The entry's context in tokens, and of how many the model was trained for."""
    trained = found.facts.trained_context
    if trained is None:
        return NOT_KNOWN
    if found.context is None or found.context == trained:
        return phrase("{count}", count=trained)
    return phrase("{context} of {trained}", context=found.context, trained=trained)


def size_words(facts: ModelFacts) -> Phrase:
    """What its weights take on the disk."""
    if facts.weights_bytes is None:
        return NOT_KNOWN
    return phrase("{gib} GiB", gib=facts.weights_bytes / GIB)


def need_words(found: Found) -> Phrase:
    """What it would take of the memory, and whether it fits now."""
    if found.fit is not None:
        return words_of_fit(found.fit)
    if found.needs is not None:
        return phrase("{gib} GiB", gib=found.needs / GIB)
    return NOT_KNOWN
