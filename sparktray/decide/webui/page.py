"""The page about Open WebUI as values: how it stands, what it holds, what can be done to it."""

from __future__ import annotations

import msgspec

from sparktray.decide.changing.preflight import closed
from sparktray.domain.docker.container import ContainerState
from sparktray.domain.open_webui import ARCHIVE_DAYS, Archive, Contents, Household, WipeScope
from sparktray.domain.operation import OperationKind
from sparktray.domain.phrase import Phrase, phrase, phrase_n
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import Snapshot

_DAY = 24 * 3600.0


class WipeRow(msgspec.Struct, frozen=True):
    """One way to delete: its name, what it takes in a line, and the words of its button."""

    scope: WipeScope
    title: Phrase
    takes: Phrase


class ArchiveRow(msgspec.Struct, frozen=True):
    """Something that can be brought back. ``made_at`` is seconds since 1970; ``days`` it is still kept."""

    name: str
    what: Phrase
    made_at: float
    days: int


WIPES = (
    WipeRow(
        WipeScope.ALL_CHATS,
        phrase("Chats of everybody"),
        phrase("Accounts, settings, prompts and knowledge stay."),
    ),
    WipeRow(
        WipeScope.CHATS,
        phrase("Chats of your account"),
        phrase("By Open WebUI itself, while it runs; sign in first: sparktray webui sign-in"),
    ),
    WipeRow(
        WipeScope.EVERYTHING,
        phrase("Everything"),
        phrase("Accounts and settings too: whoever opens it next becomes administrator."),
    ),
)


def standing(snapshot: Snapshot) -> Phrase:
    """How its container stands, by what is watched all the time."""
    known = snapshot.catalogue.open_webui
    container = snapshot.container_named(known.container)
    if container is None:
        return phrase("There is no container {name} on the host.", name=known.container)
    if container.state is ContainerState.RUNNING:
        return phrase("Open WebUI runs in container {name}.", name=known.container)
    return phrase("Container {name} does not run.", name=known.container)


def runs(snapshot: Snapshot) -> bool:
    """Whether its page can be opened now."""
    container = snapshot.container_named(snapshot.catalogue.open_webui.container)
    return container is not None and container.state is ContainerState.RUNNING


def holds(house: Household) -> tuple[Phrase, ...]:
    """What its volume holds, a line each; the reason where that cannot be read."""
    match house.contents:
        case Contents() as found:
            rows = found.tables
            return (
                phrase_n("{count} account", "{count} accounts", len(found.accounts)),
                phrase_n("{count} chat", "{count} chats", found.chats),
                phrase_n("{count} knowledge base", "{count} knowledge bases", rows.get("knowledge", 0)),
                phrase("{size} MB in the volume", size=round(found.volume_bytes / 1e6, 1)),
            )
        case Problem() as problem:
            return problem.cause, problem.remedy
        case None:
            return (phrase("What it holds cannot be read without its volume and its image."),)


def archive_rows(archives: tuple[Archive, ...], now: float) -> tuple[ArchiveRow, ...]:
    """What can be brought back, the newest first; ``now`` in seconds since 1970."""
    newest = sorted(archives, key=lambda each: -each.made_at)
    return tuple(
        ArchiveRow(
            each.name,
            _taken(each.scope),
            each.made_at,
            max(0, round((each.made_at + ARCHIVE_DAYS * _DAY - now) / _DAY)),
        )
        for each in newest
    )


def _taken(scope: WipeScope) -> Phrase:
    match scope:
        case WipeScope.CHATS:
            return phrase("Chats of one account")
        case WipeScope.ALL_CHATS:
            return phrase("Chats of everybody")
        case WipeScope.EVERYTHING:
            return phrase("Everything, as it was")


def busy_with(snapshot: Snapshot) -> Phrase | None:
    """Why nothing can be asked of it now; None when something can."""
    refusal = closed(snapshot)
    return None if refusal is None else refusal.cause


def under_way(snapshot: Snapshot) -> tuple[Phrase, int, int] | None:
    """A wipe or restore that goes on: its step, how many are done, and of how many; None for none."""
    active = snapshot.active
    if active is None or active.kind not in {OperationKind.WIPE, OperationKind.RESTORE}:
        return None
    if active.current is None:
        return phrase("Looking at the host"), 0, 1
    step = active.current.step.title
    if active.current.said:
        step = phrase("{step}: {detail}", step=step, detail=active.current.said)
    return step, active.index, len(active.runs)
