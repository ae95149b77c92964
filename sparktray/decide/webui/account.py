"""One account of Open WebUI, as far as sparktray acts for it."""

from __future__ import annotations

from collections.abc import Iterable

from sparktray.domain.phrase import phrase, phrase_n
from sparktray.domain.problem import Problem


def key_name(host: str) -> str:
    """What the keyring calls the key of the account on that host; a host's name holds no blank."""
    return f"open webui {host}"


def chats_going(chats: Iterable[tuple[str, float]], older_than: int | None, now: float) -> tuple[str, ...]:
    """The chats that a wipe takes: all, or those not touched for so many days (``now``: the host's clock)."""
    before = now if older_than is None else now - older_than * 86400.0
    return tuple(chat for chat, touched in chats if older_than is None or touched < before)


def not_signed_in() -> Problem:
    """No key of an account is kept."""
    return Problem(
        "webui-not-signed-in",
        phrase("sparktray is not signed in to Open WebUI, so it cannot tell which chats are yours."),
        phrase("Sign in first: sparktray webui sign-in"),
    )


def still_there(count: int) -> Problem:
    """What Open WebUI said it would delete and still lists."""
    return Problem(
        "webui-still-there",
        phrase_n("Open WebUI still lists {count} chat.", "Open WebUI still lists {count} chats.", count),
        phrase("Try again, or delete them in Open WebUI itself."),
    )
