"""What `webui` prints: the JSON, and the lines for people."""

from __future__ import annotations

import re

import msgspec

from sparktray.cli.request import Request
from sparktray.cli.views import utc
from sparktray.decide.identity import running_on
from sparktray.decide.webui.api import About
from sparktray.decide.webui.preview import Preview
from sparktray.domain.open_webui import ARCHIVE_DAYS, Archive, Contents, Household
from sparktray.domain.phrase import Phrase, phrase, phrase_n
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import Snapshot
from sparktray.domain.text import clean_name

Json = dict[str, object]


class Answering(msgspec.Struct, frozen=True):
    """What a running Open WebUI says: ``urls`` and ``models`` are None without an administrator's key."""

    about: About
    urls: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None


def household_view(snapshot: Snapshot, house: Household, answering: Answering | None) -> Json:
    """Open WebUI as JSON; what cannot be read is null, with the reason."""
    known, container = snapshot.catalogue.open_webui, house.container
    contents = house.contents if isinstance(house.contents, Contents) else None
    problem = house.contents if isinstance(house.contents, Problem) else None
    return {
        "host": snapshot.host.name,
        "container": known.container,
        "container_state": None if container is None else container.state,
        "image": None if container is None else container.image,
        "volume": known.volume,
        "volume_exists": house.volume_there,
        "database": house.external or "sqlite",
        "contents": None if contents is None else contents_view(contents),
        "problem": None if problem is None else problem.code,
        "archives": len(house.archives),
        "healthy": answering is not None,
        "version": None if answering is None else answering.about.version,
        "sign_up": None if answering is None else answering.about.sign_up,
        "connections": None if answering is None or answering.urls is None else _shown(answering.urls),
        "sees_running_model": None if answering is None else sees_running(snapshot, answering),
    }


def _shown(urls: tuple[str, ...]) -> list[str]:
    """URLs without a user and a password that may stand in them."""
    return [re.sub(r"//[^/@]*@", "//", clean_name(url)) for url in urls]


def sees_running(snapshot: Snapshot, answering: Answering) -> bool | None:
    """Whether it offers every model that is ready now; None when that is not known, or none is ready."""
    ready = {running_on(snapshot, state).model_id for state in snapshot.servers if state.ready}
    if not ready or answering.models is None:
        return None
    return ready <= set(answering.models)


def contents_view(contents: Contents) -> Json:
    """Figures of the volume."""
    return {
        "accounts": [
            {"name": a.name, "email": a.email, "role": a.role, "chats": a.chats} for a in contents.accounts
        ],
        "chats": contents.chats,
        "folders": contents.folders,
        "shared_chats": contents.shared,
        "knowledge": contents.tables.get("knowledge", 0),
        "prompts": contents.tables.get("prompt", 0),
        "uploads": {"count": contents.uploads.count, "bytes": contents.uploads.bytes},
        "volume_bytes": contents.volume_bytes,
        "models_bytes": contents.models_bytes,
        "free_bytes": contents.free_bytes,
    }


def archive_view(archive: Archive) -> Json:
    """An archive as JSON."""
    return {
        "name": archive.name,
        "container": archive.container,
        "volume": archive.volume,
        "scope": archive.scope,
        "made_at": utc(archive.made_at),
        "kept_until": utc(archive.made_at + ARCHIVE_DAYS * 24 * 3600.0),
    }


def preview_view(shown: Preview, say_of: Request) -> Json:
    """A preview as JSON; its sentences follow the language."""
    say = say_of.say

    def texts(lines: tuple[Phrase, ...]) -> list[str]:
        return [say(line) for line in lines]

    return {
        "title": say(shown.title),
        "where": texts(shown.where),
        "goes": texts(shown.goes),
        "stays": texts(shown.stays),
        "after": texts(shown.after),
    }


def print_preview(request: Request, shown: Preview) -> None:
    """For a person: what goes and what stays, before the question."""
    out, say = request.out, request.say
    out.line(say(shown.title))
    for line in shown.where:
        out.line("  " + say(line))
    for title, lines in ((phrase("Goes:"), shown.goes), (phrase("Stays:"), shown.stays)):
        out.line(say(title))
        for line in lines:
            out.line("  - " + say(line))
    for line in shown.after:
        out.line(say(line))


def print_household(
    request: Request, snapshot: Snapshot, house: Household, answering: Answering | None
) -> None:
    """For a person: how it is with Open WebUI."""
    out, say = request.out, request.say
    known, container = snapshot.catalogue.open_webui, house.container
    if container is None:
        out.line(say(phrase("There is no container {name} on the host.", name=known.container)))
    else:
        words = {"container": known.container, "state": container.state, "image": container.image}
        out.line(say(phrase("{container} ({image}) is {state}.", **words)))
    if container is not None and container.running:
        for line in _answers(snapshot, answering):
            out.line("  " + say(line))
    if isinstance(house.contents, Problem):
        out.problem(house.contents)
    if isinstance(house.contents, Contents):
        for line in _figures(house.contents):
            out.line("  " + say(line))
    kept = len(house.archives)
    if kept:
        out.line(say(phrase_n("{count} archive is kept.", "{count} archives are kept.", kept)))


def _answers(snapshot: Snapshot, answering: Answering | None) -> list[Phrase]:
    if answering is None:
        return [phrase("It does not answer yet.")]
    lines = [phrase("version {version}", version=answering.about.version)]
    if answering.about.empty:
        lines.append(phrase("Nobody has an account: whoever signs up first is its administrator."))
    elif answering.about.sign_up:
        lines.append(phrase("Everybody who reaches it may sign up."))
    if answering.urls is not None:
        urls = ", ".join(_shown(answering.urls)) or "-"
        lines.append(phrase("OpenAI connections: {urls}", urls=urls))
    sees = sees_running(snapshot, answering)
    if sees is not None:
        yes = phrase("It offers what is running now.")
        no = phrase("It does not offer what is running now: sparktray webui connect")
        lines.append(yes if sees else no)
    return lines


def _figures(contents: Contents) -> tuple[Phrase, ...]:
    return (
        phrase_n("{count} account", "{count} accounts", len(contents.accounts)),
        phrase_n("{count} chat", "{count} chats", contents.chats),
        phrase("{size} MB in the volume", size=round(contents.volume_bytes / 1e6, 1)),
    )
