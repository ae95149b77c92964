"""What a person can choose once an operation is over and did not do what was wished."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from sparktray.decide.changing.preflight import USAGE
from sparktray.decide.changing.room import LEAST_CONTEXT, holds_memory
from sparktray.domain.operation import (
    BackWish,
    Operation,
    OperationEnd,
    StopWish,
    SwitchWish,
    WhenBusy,
    Wish,
)
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.problem import Failure
from sparktray.domain.snapshot import Snapshot


class EnterSecret(msgspec.Struct, frozen=True):
    """Have a person give the secret of that name; what was wished is wished again ``then``.

    None where nothing was: ``server`` runs and asks for it.
    """

    name: str
    then: SwitchWish | None
    server: str = ""


WayOn = tuple[Phrase, Wish | EnterSecret]
"""The words of a button or a row, and what is behind it."""

_MOST = 2
OF_THE_IMAGE = frozenset(
    {
        *("ptxas-sm121", "wrong-gpu-image", "architecture", "architecture-dropped", "quantization"),
        *("package-missing", "image-too-old", "graphs-failed", "wrong-platform", "image-architecture"),
        *("command-missing", "image-missing", "image-denied", "tokenizer-missing"),
    }
)
"""Codes of failures that an image of another engine may not have."""

OF_MEMORY = frozenset(
    {
        *("out-of-memory", "killed", "weights-too-large", "memory-held", "no-kv-memory", "kv-too-small"),
        *("warmup-memory", "kv-full"),
    }
)
"""Codes of memory that ran out although the sum said that it fits, or nobody knew a sum."""

MOST_TOKENS = "most"
"""The remedy's value of that name is the most tokens that would have gone."""


def ways_on(snapshot: Snapshot, operation: Operation, end: OperationEnd) -> tuple[WayOn, ...]:
    """At most two after such an end, the best first."""
    wish, failure = operation.wish, operation.failure
    if isinstance(wish, BackWish):
        return ()
    if end in {OperationEnd.INTERRUPTED, OperationEnd.NEEDS_YOU}:
        return (phrase("Finish"), wish), (phrase("Go back"), BackWish(operation.id))
    if failure is None or end is OperationEnd.DONE or failure.code.startswith(USAGE):
        return ()
    again = phrase("Try again"), wish
    return (*remedies(snapshot, operation, failure), again)[:_MOST]


def remedies(snapshot: Snapshot, operation: Operation, failure: Failure) -> tuple[WayOn, ...]:
    """The ways that do something about the cause; none where only a person can.

    None takes a stranger's place: trying again asks about that, and says what becomes of its container.
    """
    wish = operation.wish
    if failure.code == "busy" and isinstance(wish, SwitchWish | StopWish):
        return ((phrase("Wait until idle"), replace(wish, busy=WhenBusy.WAIT)),)
    if not isinstance(wish, SwitchWish):
        return ()
    if failure.code == "memory-short":
        return _that_make_it_fit(operation, wish)
    if failure.code == "service-stopped":
        return ((phrase("Make a container"), replace(wish, replace=True)),)
    if failure.code == "secret-missing":
        name = failure.cause.values.get("name")
        return ((phrase("Enter it…"), EnterSecret(str(name), wish)),) if name else ()
    return (
        *_with_less_context(wish, failure),
        *(_on_another(snapshot, operation, wish) if failure.code in OF_THE_IMAGE else ()),
        *(_with_less_beside(snapshot, operation) if failure.code in OF_MEMORY else ()),
    )


def _that_make_it_fit(operation: Operation, wish: SwitchWish) -> tuple[WayOn, ...]:
    found = operation.memory
    if found is None:
        return ()
    ways: list[WayOn] = []
    if found.others:
        names = ", ".join(found.others)
        ways.append((phrase("Stop {names} for it", names=names), replace(wish, make_room=True)))
    if found.context is not None:
        ways.append(_smaller(wish, found.context))
    return tuple(ways)


def _smaller(wish: SwitchWish, tokens: int) -> WayOn:
    return phrase("Start with {tokens} tokens", tokens=tokens), replace(wish, context=tokens)


def _with_less_context(wish: SwitchWish, failure: Failure) -> tuple[WayOn, ...]:
    told = str(failure.remedy.values.get(MOST_TOKENS, "")).replace(",", "")
    tokens = int(told) if told.isascii() and told.isdigit() else 0
    return (_smaller(wish, tokens),) if tokens >= LEAST_CONTEXT else ()


def _on_another(snapshot: Snapshot, operation: Operation, wish: SwitchWish) -> tuple[WayOn, ...]:
    """The same model on a server of another engine, where its entry names one."""
    model, here = snapshot.catalogue.model(wish.model), snapshot.catalogue.server(operation.server or "")
    if model is None or here is None:
        return ()
    others = [each for each in snapshot.catalogue.servers_of(model) if each.engine is not here.engine]
    return tuple(
        (phrase("Start it on {server}", server=each.name), replace(wish, on=each.name)) for each in others
    )


def _with_less_beside(snapshot: Snapshot, operation: Operation) -> tuple[WayOn, ...]:
    """Stop what holds the most memory beside it."""
    counted = dict(snapshot.vitals.shares or ())
    beside = [each for each in snapshot.servers if each.name != operation.server and holds_memory(each)]
    if not beside:
        return ()
    largest = max(beside, key=lambda each: counted.get(each.container.id if each.container else "", 0))
    return ((phrase("Stop {server}", server=largest.name), StopWish(largest.name)),)
