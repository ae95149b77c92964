"""A notice: what it is about, what it says and offers."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from sparktray.decide.ways_on import WayOn
from sparktray.domain.phrase import Phrase, phrase


class NoticeKind(StrEnum):
    """What a notice is about; each can be switched off on its own."""

    SWITCHED = "switched"
    WIPED = "wiped"
    FAILED = "failed"
    LINK_BLOCKED = "link-blocked"
    SWITCHED_ELSEWHERE = "switched-elsewhere"
    DOWN = "down"
    MEMORY_LOW = "memory-low"
    STALE_COPY = "stale-copy"


class Urgency(StrEnum):
    """How much a notice may disturb."""

    LOW = "low"
    NORMAL = "normal"
    CRITICAL = "critical"


class ActionKind(StrEnum):
    """What a notice offers to do."""

    COPY_ID = "copy-id"
    SHOW_LOG = "show-log"
    UNDO = "undo"
    WAY_ON = "way-on"
    COPY_NEW_ID = "copy-new-id"


class NoticeAction(msgspec.Struct, frozen=True):
    """A button of a notice, and the server it is about; for an undo, the archive that keeps what went.

    ``way`` is what a way on is called, and its wish.
    """

    kind: ActionKind
    server: str
    way: WayOn | None = None


class Notice(msgspec.Struct, frozen=True):
    """Something to tell once. One of the same ``key`` takes the place of an older one."""

    kind: NoticeKind
    key: str
    title: Phrase
    text: Phrase
    urgency: Urgency
    action: NoticeAction | None = None


class Withdraw(msgspec.Struct, frozen=True):
    """The notice of that key no longer holds: take it off the screen."""

    key: str


def with_remedy(cause: Phrase, remedy: Phrase) -> Phrase:
    """What happened and what helps, in one text."""
    return phrase("{cause} {remedy}", cause=cause, remedy=remedy)
