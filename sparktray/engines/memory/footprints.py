"""A model's footprint from its folder and the flags it is started with."""

from __future__ import annotations

from sparktray.domain.catalogue import EngineKind
from sparktray.domain.facts.memory import Footprint, Share
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.text import clean_name
from sparktray.engines.memory.flags import value_of
from sparktray.engines.protocol import Launch
from sparktray.engines.sizes import (
    GIB,
    OVERHEAD,
    cache_bytes,
    kv_bytes_per_token,
    unread_cache,
    weights_bytes,
)


def token_bytes(launch: Launch, kind: EngineKind) -> int | Phrase:
    """What one token keeps in that engine's cache, or why that is not known."""
    args, folder = launch.model.args_for(kind), launch.folder
    width = cache_bytes(args)
    if width is None:
        name = clean_name(value_of(args, "--kv-cache-dtype") or "")
        return phrase("The cache's kind of numbers, {name}, is not known.", name=name)
    config = folder.config if folder is not None else None
    return kv_bytes_per_token(config or {}, width) or unread_cache(folder)


def of_tokens(launch: Launch, a_token: int | Phrase, tokens: int, share: Share | None) -> Footprint:
    """With a cache for so many tokens."""
    known = a_token if isinstance(a_token, int) else None
    cache = None if known is None else known * tokens
    unknown = a_token if isinstance(a_token, Phrase) else None
    return _made(launch, cache, share, known, tokens, unknown)


def of_cache(launch: Launch, cache: int) -> Footprint:
    """With a cache of so many bytes, 0 for a model that keeps nothing between requests."""
    return _made(launch, cache, None)


def of_share(launch: Launch, share: Share) -> Footprint:
    """Of an engine that nothing limits."""
    return _made(launch, None, share)


def _made(
    launch: Launch,
    cache: int | None,
    share: Share | None,
    a_token: int | None = None,
    tokens: int | None = None,
    unknown: Phrase | None = None,
) -> Footprint:
    figure, folder = launch.model.memory_gib, launch.folder
    weights = None if folder is None else weights_bytes(folder)
    if weights is None and unknown is None:
        unknown = phrase("The model's folder holds no weights.")
    fixed = None if figure is None else round(figure * GIB)
    return Footprint(weights, cache, OVERHEAD, a_token, tokens, share, fixed, unknown)
