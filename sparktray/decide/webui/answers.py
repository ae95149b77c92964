"""What the program for Open WebUI's data tells, as values and sentences."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sparktray.domain.open_webui import Account, Contents, Files
from sparktray.domain.phrase import Phrase, phrase, phrase_n
from sparktray.domain.problem import Problem
from sparktray.domain.text import clean_line, clean_name

Json = Mapping[str, object]

NO_DATABASE = "webui-no-database"
"""The code of a volume without a database: one that was never used, or was emptied."""


def contents_of(told: Json) -> Contents:
    """What ``look`` found; a figure that is missing or odd is 0."""
    users = told.get("users")
    tables, cache, models = (_map(told.get(key)) for key in ("tables", "cache", "models"))
    return Contents(
        accounts=tuple(_account(each) for each in users if isinstance(each, dict))
        if isinstance(users, list)
        else (),
        chats=_count(told, "chats"),
        chats_older=_count(told, "chats_older"),
        folders=_count(told, "folders"),
        shared=_count(told, "shared"),
        chat_files=_files(told.get("chat_files")),
        uploads=_files(told.get("uploads")),
        volume_bytes=_count(told, "volume_bytes"),
        models_bytes=_count(cache, "models_bytes"),
        needed_bytes=_count(told, "needed_bytes"),
        free_bytes=_count(told, "free_bytes"),
        tables=MappingProxyType({name: _count(tables, name) for name in tables}),
        models=MappingProxyType({name: _count(models, name) for name in models}),
    )


def _account(told: Json) -> Account:
    words = {key: clean_name(str(told.get(key) or "")) for key in ("name", "email", "role")}
    return Account(id=str(told.get("id") or ""), chats=_count(told, "chats"), **words)


def _files(told: object) -> Files:
    found = _map(told)
    return Files(_count(found, "count"), _count(found, "bytes"))


def _map(told: object) -> Json:
    return told if isinstance(told, dict) else {}


def _count(told: Json, key: str) -> int:
    value = told.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63 else 0


def result_of(command: str, told: Json) -> Phrase | None:
    """One line about what a command achieved; None for one that has nothing to count."""
    if command == "wipe":
        return deleted(_count(_map(told.get("removed")), "chat"))
    if command == "restore":
        chats = _count(_map(told.get("restored")), "chat")
        return phrase_n("{count} chat brought back.", "{count} chats brought back.", chats)
    return None


def deleted(chats: int) -> Phrase:
    """How many went."""
    return phrase_n("{count} chat deleted.", "{count} chats deleted.", chats)


def silent(stderr: str) -> Problem:
    """The program ended without a word."""
    return Problem(
        "webui-program",
        phrase("The program for Open WebUI's data ended without a result."),
        phrase("Nothing was changed that is not proven; look at the status and try again."),
        clean_line(stderr),
    )


def problem_of(code: str, detail: str) -> Problem:
    """What the program could not do, in words; ``detail`` is its own."""
    technical = clean_line(detail)
    match code:
        case "no-database":
            return Problem(
                NO_DATABASE,
                phrase("The volume holds no database of Open WebUI."),
                phrase('Start Open WebUI once, or correct the volume under "open_webui" in models.json.'),
                technical,
            )
        case "database-corrupt":
            return Problem(
                "webui-corrupt",
                phrase("The database of Open WebUI is damaged: {detail}", detail=technical),
                phrase(
                    "Only everything can be deleted, without a copy: sparktray webui wipe --everything "
                    "--no-archive"
                ),
            )
        case "database-locked":
            return Problem(
                "webui-locked",
                phrase("Another program holds the database of Open WebUI."),
                phrase("Stop what else uses its volume, and try again."),
                technical,
            )
        case "no-space":
            return Problem(
                "disk-short",
                phrase("The host's disk has no room for the copy."),
                phrase("Make room on the host, or remove old copies: sparktray webui archives"),
                technical,
            )
        case "no-archive" | "archive-incomplete" | "archive-damaged":
            return Problem(
                "archive-damaged",
                phrase("The copy is not whole, so nothing is done with it."),
                phrase("Look at the others: sparktray webui archives"),
                technical,
            )
        case _:
            return Problem(
                "webui-" + (code if code.isascii() and code.replace("-", "").isalpha() else "program"),
                phrase("Open WebUI's data could not be changed: {detail}", detail=technical or code),
                phrase("They are as they were. Look at the message, and try again."),
            )
