"""Open WebUI's API as dialogues: how it is, who is signed in, one account's chats, its connections.

Facts are those of 0.12.4, asked of the real program. Nothing here is remembered: a key is given each time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from sparktray.domain.asking import Answer, Ask, Dialogue
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.domain.secret import Secret
from sparktray.domain.text import clean_line, clean_name

T = TypeVar("T")

# A model list waits up to 10 s for a connection that is dead (AIOHTTP_CLIENT_TIMEOUT_MODEL_LIST).
_LIST_SECONDS = 20.0
_SECONDS = 10.0
# Deleting ten thousand chats with their messages.
_DELETE_SECONDS = 120.0
# 60 chats a page; nobody has more pages, and a server that repeats itself shall not be asked for ever.
_PAGES = 2000
_LISTS = ("/api/v1/chats/?include_pinned=true&include_folders=true&page=", "/api/v1/chats/archived?page=")
_CHAT_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")


class About(msgspec.Struct, frozen=True):
    """How Open WebUI is, without signing in. ``empty``: nobody has an account, the next one is admin."""

    version: str
    sign_up: bool
    empty: bool


class SignedIn(msgspec.Struct, frozen=True):
    """Whose key it is. ``key`` is a token of some weeks or an API key."""

    email: str
    admin: bool
    key: Secret


class Connections(msgspec.Struct, frozen=True):
    """The OpenAI connections: URLs with ``/v1``, in order; ``raw`` is the whole answer, to be sent back."""

    on: bool
    urls: tuple[str, ...]
    raw: Mapping[str, object]


def about() -> Dialogue[About | None]:
    """Version and sign-up; None while it does not answer as Open WebUI does."""
    told = yield Ask("GET", "/api/version", deadline=_SECONDS)
    version = told.field("version") if isinstance(told, Answer) and told.status == 200 else None
    if not isinstance(version, str):
        return None
    config = yield Ask("GET", "/api/config", deadline=_SECONDS)
    if not isinstance(config, Answer):
        return About(clean_name(version), sign_up=False, empty=False)
    sign_up = config.field("features", "enable_signup") is True
    return About(clean_name(version), sign_up, config.field("onboarding") is True)


def sign_in(email: str, password: Secret) -> Dialogue[SignedIn | Problem]:
    """Sign in with a password. Several factors and a switched-off password login are told apart."""
    body = {"email": email, "password": password}
    told = yield Ask("POST", "/api/v1/auths/signin", json=body, deadline=_SECONDS)
    if not isinstance(told, Answer):
        return _silent()
    if told.field("challenge_token") is not None or told.field("next_step") is not None:
        return Problem(
            "webui-factors",
            phrase("This account of Open WebUI asks for a second factor."),
            phrase(
                "Give sparktray an API key instead, made in Open WebUI's settings: "
                "sparktray webui sign-in --api-key-stdin"
            ),
        )
    token = told.field("token")
    if told.status == 200 and isinstance(token, str) and token:
        return _signed_in(told, Secret(token))
    return _refused(told)


def who(key: Secret) -> Dialogue[SignedIn | Problem]:
    """Whose key it is. API keys may not ask for the session, but may list their own chats."""
    told = yield Ask("GET", "/api/v1/auths/", bearer=key, deadline=_SECONDS)
    if isinstance(told, Answer) and told.status == 200:
        return _signed_in(told, key)
    listed = yield Ask("GET", "/api/v1/chats/?page=1", bearer=key, deadline=_SECONDS)
    if not isinstance(listed, Answer):
        return _silent()
    return SignedIn("", False, key) if listed.status == 200 else _refused(listed)


def _signed_in(told: Answer, key: Secret) -> SignedIn:
    return SignedIn(clean_name(str(told.field("email") or "")), told.field("role") == "admin", key)


def my_chats(key: Secret) -> Dialogue[tuple[tuple[str, float], ...] | Problem]:
    """The account's chats: id, and when it was last touched (seconds since 1970); archived ones too."""
    found: dict[str, float] = {}
    for path in _LISTS:
        for page in range(1, _PAGES):
            told = yield Ask("GET", f"{path}{page}", bearer=key, deadline=_SECONDS)
            rows = told.json() if isinstance(told, Answer) and told.status == 200 else None
            if not isinstance(rows, list):
                return _refused(told) if isinstance(told, Answer) else _silent()
            fresh = {each[0]: each[1] for each in _chats(rows) if each[0] not in found}
            if not fresh:
                break
            found |= fresh
    return tuple(found.items())


def _chats(rows: Iterable[object]) -> Iterable[tuple[str, float]]:
    for row in rows:
        chat = row.get("id") if isinstance(row, dict) else None
        if isinstance(row, dict) and isinstance(chat, str) and _CHAT_ID.fullmatch(chat):
            touched = row.get("updated_at")
            yield chat, float(touched) if isinstance(touched, int | float) and abs(touched) < 1e15 else 0.0


def delete_all(key: Secret) -> Dialogue[Problem | None]:
    """Delete all of the account's chats. The slash at the end counts; an error of its own is a 200 too."""
    told = yield Ask("DELETE", "/api/v1/chats/", bearer=key, deadline=_DELETE_SECONDS)
    if not isinstance(told, Answer):
        return _silent()
    return None if told.status == 200 and told.json() is True else _refused(told)


def delete_one(key: Secret, chat: str) -> Dialogue[Problem | None]:
    """Delete one chat; one that is gone already is fine."""
    told = yield Ask("DELETE", f"/api/v1/chats/{chat}", bearer=key, deadline=_SECONDS)
    if not isinstance(told, Answer):
        return _silent()
    return None if told.status in {200, 404} else _refused(told)


def connections(key: Secret) -> Dialogue[Connections | Problem]:
    """The OpenAI connections; only an administrator may see them."""
    told = yield Ask("GET", "/openai/config", bearer=key, deadline=_SECONDS)
    body = told.json() if isinstance(told, Answer) and told.status == 200 else None
    if not isinstance(body, dict):
        return _refused(told) if isinstance(told, Answer) else _silent()
    urls = body.get("OPENAI_API_BASE_URLS")
    listed = tuple(str(url) for url in urls) if isinstance(urls, list) else ()
    return Connections(body.get("ENABLE_OPENAI_API") is True, listed, body)


def with_url(known: Connections, url: str, wrong: str | None) -> Connections:
    """The connections with that URL among them: in the place of ``wrong``, else as one more."""
    urls = list(known.urls)
    if wrong in urls:
        urls[urls.index(wrong)] = url
    elif url not in urls:
        urls.append(url)
    keys = known.raw.get("OPENAI_API_KEYS")
    kept = [str(key) for key in keys][: len(urls)] if isinstance(keys, list) else []
    kept += [""] * (len(urls) - len(kept))
    raw = {**known.raw, "ENABLE_OPENAI_API": True, "OPENAI_API_BASE_URLS": urls, "OPENAI_API_KEYS": kept}
    return replace(known, on=True, urls=tuple(urls), raw=raw)


def connect(key: Secret, wanted: Connections) -> Dialogue[Problem | None]:
    """Have Open WebUI use these connections; proven by reading them again."""
    told = yield Ask("POST", "/openai/config/update", json=wanted.raw, bearer=key, deadline=_SECONDS)
    if not isinstance(told, Answer):
        return _silent()
    if told.status != 200:
        return _refused(told)
    now = yield from connections(key)
    if isinstance(now, Problem):
        return now
    return None if now.on and now.urls == wanted.urls else _unchanged()


def reaches(key: Secret, url: str) -> Dialogue[tuple[str, ...]]:
    """The model IDs that Open WebUI itself finds at that URL; none when it does not get through."""
    body = {"url": url, "key": ""}
    told = yield Ask("POST", "/openai/verify", json=body, bearer=key, deadline=_LIST_SECONDS)
    rows = told.field("data") if isinstance(told, Answer) and told.status == 200 else None
    return _ids(rows) if isinstance(rows, list) else ()


def _ids(rows: Iterable[object]) -> tuple[str, ...]:
    return tuple(str(row["id"]) for row in rows if isinstance(row, dict) and "id" in row)


def models(key: Secret) -> Dialogue[tuple[str, ...] | Problem]:
    """The model IDs that Open WebUI offers, asked anew of all its connections."""
    told = yield Ask("GET", "/api/models?refresh=true", bearer=key, deadline=_LIST_SECONDS)
    rows = told.field("data") if isinstance(told, Answer) and told.status == 200 else None
    if not isinstance(rows, list):
        return _refused(told) if isinstance(told, Answer) else _silent()
    return _ids(rows)


def _silent() -> Problem:
    return Problem(
        "webui-silent",
        phrase("Open WebUI does not answer."),
        phrase("Look whether it runs: sparktray webui status"),
    )


def _unchanged() -> Problem:
    return Problem(
        "webui-unchanged",
        phrase("Open WebUI took the connection and does not show it."),
        phrase("Enter it in Open WebUI: Admin Panel, Settings, Connections."),
    )


def _refused(told: Answer) -> Problem:
    detail = clean_line(str(told.field("detail") or ""))
    match told.status:
        case 400:
            cause, remedy = (
                phrase("Open WebUI does not accept this email and password."),
                phrase("Try again."),
            )
        case 401:
            cause = phrase("Open WebUI does not let this account do that, or its key is no longer valid.")
            remedy = phrase("Sign in again, for connections as an administrator: sparktray webui sign-in")
        case 403:
            cause = phrase("Open WebUI does not allow this: {detail}", detail=detail)
            remedy = phrase("API keys and password login are switched on in its admin settings.")
        case 429:
            cause = phrase("Open WebUI has had too many tries to sign in.")
            remedy = phrase("Wait some minutes.")
        case _:
            cause = phrase("Open WebUI answered with {status}: {detail}", status=told.status, detail=detail)
            remedy = phrase("Look at its log: docker logs open-webui")
    return Problem(_CODES.get(told.status, "webui-odd-answer"), cause, remedy, detail)


_CODES = {400: "webui-wrong-login", 401: "webui-not-allowed", 403: "webui-forbidden", 429: "webui-too-often"}
