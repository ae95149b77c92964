"""What a wipe or a restore would do, in words and figures, before anybody says yes."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from sparktray.domain.catalogue import OpenWebUi
from sparktray.domain.host import HostProfile
from sparktray.domain.open_webui import ARCHIVE_DAYS, Contents, Files, Household, WipeScope
from sparktray.domain.operation import WipeWish
from sparktray.domain.phrase import Phrase, phrase, phrase_n
from sparktray.domain.text import clean_name

# As many as a person compares at a glance with what the host itself shows.
_KEY_TAIL = 8
_NAMED_ACCOUNTS = 6


class Preview(msgspec.Struct, frozen=True):
    """What a person reads before a wipe. ``typed`` is the word to type for a yes, the container's name.

    ``where`` names host, container and volume. ``goes`` and ``stays`` are a line each. ``after`` is what to
    know of afterwards: the copy and how long it is kept, or that there is none.
    """

    title: Phrase
    where: tuple[Phrase, ...]
    goes: tuple[Phrase, ...]
    stays: tuple[Phrase, ...]
    after: tuple[Phrase, ...]
    typed: str


def preview(
    host: HostProfile, known: OpenWebUi, wish: WipeWish, house: Household, account: str | None = None
) -> Preview:
    """``account`` is whose chats go, by email, where only one account's do and it is known."""
    contents = house.contents if isinstance(house.contents, Contents) else None
    goes, stays = _of_scope(wish, contents, account)
    return Preview(_title(wish), _where(host, known), goes, stays, _after(wish), known.container)


def _title(wish: WipeWish) -> Phrase:
    match wish.scope:
        case WipeScope.CHATS:
            return phrase("Delete the chats of your account in Open WebUI?")
        case WipeScope.ALL_CHATS:
            return phrase("Delete the chats of everybody in Open WebUI?")
        case WipeScope.EVERYTHING:
            return phrase("Delete everything in Open WebUI?")


def _where(host: HostProfile, known: OpenWebUi) -> tuple[Phrase, ...]:
    key = host.fingerprint or ""
    here = (
        phrase("Host {host}, host key …{tail}", host=host.name, tail=key[-_KEY_TAIL:])
        if key
        else phrase("Host {host}", host=host.name)
    )
    place = phrase("Container {container}, volume {volume}", container=known.container, volume=known.volume)
    return here, place


def _of_scope(
    wish: WipeWish, contents: Contents | None, account: str | None
) -> tuple[tuple[Phrase, ...], tuple[Phrase, ...]]:
    match wish.scope:
        case WipeScope.CHATS:
            return _mine(wish, contents, account), (*_unharmed(contents), phrase("The chats of all others"))
        case WipeScope.ALL_CHATS:
            return _all_chats(wish, contents), _unharmed(contents)
        case WipeScope.EVERYTHING:
            return _everything(contents), _kept_models(contents)


def _mine(wish: WipeWish, contents: Contents | None, account: str | None) -> tuple[Phrase, ...]:
    found = [a for a in contents.accounts if a.email == account] if contents is not None else []
    whose = phrase("your account") if account is None else clean_name(account)
    if wish.older_than is not None:
        days = wish.older_than
        return (
            phrase_n(
                "Chats of {whose} not touched for {count} day",
                "Chats of {whose} not touched for {count} days",
                days,
                whose=whose,
            ),
        )
    if not found:
        return (phrase("All chats of {whose}", whose=whose),)
    return (phrase_n("{count} chat of {whose}", "{count} chats of {whose}", found[0].chats, whose=whose),)


def _all_chats(wish: WipeWish, contents: Contents | None) -> tuple[Phrase, ...]:
    if contents is None:
        return (phrase("All chats, with their folders, tags and files"),)
    if wish.older_than is not None:
        older = phrase_n(
            "{count} chat not touched for {days} days, of {all}",
            "{count} chats not touched for {days} days, of {all}",
            contents.chats_older,
            days=wish.older_than,
            all=contents.chats,
        )
        return (older, phrase("Their shared copies, ratings and files"))
    lines = [phrase_n("{count} chat", "{count} chats", contents.chats), *_by_account(contents)]
    lines.append(phrase_n("{count} folder", "{count} folders", contents.folders))
    lines.append(phrase_n("{count} shared chat", "{count} shared chats", contents.shared))
    lines.append(phrase("Tags, and ratings of answers: they hold a copy of the chat"))
    files = contents.chat_files
    counted = phrase_n("{count} file that only chats have", "{count} files that only chats have", files.count)
    lines.append(_size(files, counted))
    return tuple(lines)


def _by_account(contents: Contents) -> list[Phrase]:
    busy = sorted((a for a in contents.accounts if a.chats), key=lambda a: -a.chats)
    if len(busy) < 2:
        return []
    named = ", ".join(f"{a.email or a.name} {a.chats}" for a in busy[:_NAMED_ACCOUNTS])
    more = "" if len(busy) <= _NAMED_ACCOUNTS else " …"
    return [phrase("by account: {accounts}", accounts=named + more)]


def _everything(contents: Contents | None) -> tuple[Phrase, ...]:
    if contents is None:
        return (phrase("Accounts, settings, chats, prompts, knowledge and files"),)
    rows = contents.tables
    return (
        phrase_n(
            "{count} account with its password",
            "{count} accounts with their passwords",
            len(contents.accounts),
        ),
        phrase_n("{count} chat", "{count} chats", contents.chats),
        phrase_n("{count} knowledge base", "{count} knowledge bases", rows.get("knowledge", 0)),
        phrase_n("{count} prompt", "{count} prompts", rows.get("prompt", 0)),
        phrase("All settings and connections, tools, notes and channels"),
        _size(
            contents.uploads,
            phrase_n("{count} uploaded file", "{count} uploaded files", contents.uploads.count),
        ),
    )


def _unharmed(contents: Contents | None) -> tuple[Phrase, ...]:
    if contents is None:
        return (phrase("Accounts, settings, prompts and knowledge"),)
    rows: Mapping[str, int] = contents.tables
    return (
        phrase_n("{count} account", "{count} accounts", len(contents.accounts)),
        phrase_n(
            "{count} knowledge base with its files",
            "{count} knowledge bases with their files",
            rows.get("knowledge", 0),
        ),
        phrase_n("{count} prompt", "{count} prompts", rows.get("prompt", 0)),
        phrase("Settings, connections, models, tools, notes, memories and channels"),
    )


def _kept_models(contents: Contents | None) -> tuple[Phrase, ...]:
    models = phrase("Downloaded models of Open WebUI itself (embedding, speech)")
    if contents is not None and contents.models_bytes:
        models = phrase(
            "Downloaded models of Open WebUI itself (embedding, speech): {size} GB",
            size=round(contents.models_bytes / 1e9, 1),
        )
    return models, phrase("The container with all its options, and every other volume")


def _size(files: Files, counted: Phrase) -> Phrase:
    if not files.bytes:
        return counted
    return phrase("{what}: {size} MB", what=counted, size=round(files.bytes / 1e6, 1))


def _after(wish: WipeWish) -> tuple[Phrase, ...]:
    lines = []
    if wish.scope is not WipeScope.CHATS:
        lines.append(phrase("Open WebUI is stopped for it and starts again."))
    if wish.scope is WipeScope.EVERYTHING:
        lines.append(phrase("Whoever opens it first afterwards becomes its administrator."))
    if wish.archive:
        kept = phrase("A copy is kept on the host for {days} days: it can be undone.", days=ARCHIVE_DAYS)
        lines.append(kept)
    else:
        lines.append(phrase("No copy is kept: it cannot be undone."))
    return tuple(lines)
