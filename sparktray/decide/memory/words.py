"""The sum in words: what a model takes and of what parts, what is there, what stays."""

from __future__ import annotations

from sparktray.domain.catalogue import EngineKind
from sparktray.domain.facts.memory import Base, Footprint, MemorySum
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.snapshot import Snapshot
from sparktray.engines.memory.shares import DROP_CACHES
from sparktray.engines.sizes import GIB


def sum_lines(snapshot: Snapshot, found: MemorySum) -> tuple[Phrase, ...]:
    """The sum, a sentence a line, with what its engine makes of the page cache."""
    takes, server = found.takes, snapshot.catalogue.server(found.server)
    if takes is None:
        return (*_unknown(found), _there(found))
    lines = [
        _takes(found, takes),
        *_cache(found.footprint, takes),
        _there(found),
        _outcome(found.room - takes),
    ]
    if found.footprint.fills:
        lines.append(phrase("Nothing fits beside it; with a context in models.json it would take less."))
    vllm = server is not None and server.engine is EngineKind.VLLM
    crowded = _crowded(found, takes) if vllm else None
    return tuple(lines) if crowded is None else (*lines, crowded)


def _unknown(found: MemorySum) -> tuple[Phrase, ...]:
    reason = found.footprint.unknown
    told = phrase("What {model} takes of the memory is not known.", model=found.model)
    return (told,) if reason is None else (told, reason)


def _takes(found: MemorySum, takes: int) -> Phrase:
    what, values = found.footprint, {"model": found.model, "size": gib(takes)}
    if what.fixed is not None:
        return phrase("{model} takes {size} GiB by its entry in models.json.", **values)
    if what.share is not None and takes != what.parts:
        values["percent"] = round(100 * what.share.fraction)
        if what.share.of is Base.TOTAL:
            return phrase("{model} takes {size} GiB: {percent} % of all memory.", **values)
        return phrase("{model} takes {size} GiB: {percent} % of what is available when it starts.", **values)
    return phrase(
        "{model} takes {size} GiB: weights {weights} + cache {cache} + overhead {overhead}.",
        weights=gib(what.weights or 0),
        cache=gib(what.cache or 0),
        overhead=gib(what.overhead),
        **values,
    )


def _cache(what: Footprint, takes: int) -> tuple[Phrase, ...]:
    """How the cache comes about, where its tokens are what was asked for."""
    if what.fixed is not None or what.tokens is None or what.a_token is None or what.cache is None:
        return ()
    kib, fewer = round(what.a_token / 1024, 1), (what.parts or 0) - takes
    if fewer <= 0:
        return (phrase("The cache is for {tokens} tokens of {kib} KiB each.", tokens=what.tokens, kib=kib),)
    holds = max(0, what.cache - fewer) // what.a_token
    return (
        phrase(
            "Its cache then holds about {holds} tokens of {kib} KiB each, not the {tokens} asked for.",
            holds=holds,
            kib=kib,
            tokens=what.tokens,
        ),
    )


def _there(found: MemorySum) -> Phrase:
    sizes = {
        "available": gib(found.available),
        "total": gib(found.total),
        "kept": gib(found.kept),
        "room": gib(max(0, found.room)),
    }
    if not found.stops:
        return phrase(
            "{available} of {total} GiB are available, {kept} are kept for the host: {room} GiB can be had.",
            **sizes,
        )
    return phrase(
        "{available} of {total} GiB are available, {back} come back from {names}, {kept} are kept for the "
        "host: {room} GiB can be had.",
        back=gib(found.at_start - found.available),
        names=", ".join(found.stops),
        **sizes,
    )


def _outcome(over: int) -> Phrase:
    if over < 0:
        return phrase("{size} GiB are missing.", size=gib(-over))
    return phrase("It fits, and {size} GiB can be had beside it.", size=gib(over))


def _crowded(found: MemorySum, takes: int) -> Phrase | None:
    """Older vLLM does not count as free what the page cache holds, though the host would give it up."""
    if found.unused is None or found.unused + found.back >= takes:
        return None
    return phrase(
        "{size} GiB of it hold the page cache, which older vLLM takes for used. If it does not start for "
        "want of memory, empty that cache on the host: {command}",
        size=gib(max(0, found.available - found.unused)),
        command=DROP_CACHES,
    )


def gib(size: int) -> float:
    """Bytes as GiB to one decimal."""
    return round(size / GIB, 1)
