"""`webui ACTION`: which of them, and those that only read."""

from __future__ import annotations

import time

from sparktray.cli.commands.open_webui import account, wiping
from sparktray.cli.commands.open_webui.connecting import connect
from sparktray.cli.commands.open_webui.opening import open_page
from sparktray.cli.commands.open_webui.views import (
    Answering,
    archive_view,
    household_view,
    print_household,
)
from sparktray.cli.problems import DONE
from sparktray.cli.request import Request, Session, watching
from sparktray.cli.tables import aligned
from sparktray.control.open_webui import port_of
from sparktray.control.reading import converse
from sparktray.decide.webui import api
from sparktray.decide.webui.account import key_name
from sparktray.domain.open_webui import WipeScope
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.snapshot import Snapshot
from sparktray.store.secrets_errors import KeyringUnavailable
from sparktray.webui.household import archives, household


def run(request: Request) -> int:
    """Do what was asked of Open WebUI on the host; the exit code."""
    with watching(request, keep_trying=True) as session:
        match request.options.action:
            case "status":
                return _status(request, session)
            case "archives":
                return _archives(request, session)
            case "sign-in":
                return account.sign_in(request, session)
            case "sign-out":
                return account.sign_out(request, session)
            case "connect":
                return connect(request, session)
            case "open":
                return open_page(request, session)
            case "wipe":
                return wiping.wipe(request, session)
            case "forget":
                return wiping.forget(request, session)
            case _:
                return wiping.restore(request, session)


def _status(request: Request, session: Session) -> int:
    snapshot = session.settled()
    house = household(session.remote(), snapshot.catalogue.open_webui)
    running = house.container is not None and house.container.running
    answering = _answering(request, session, snapshot) if running else None
    if request.out.as_json:
        request.out.json({"open_webui": household_view(snapshot, house, answering)})
    else:
        print_household(request, snapshot, house, answering)
    return DONE


def _answering(request: Request, session: Session, snapshot: Snapshot) -> Answering | None:
    """What it says of itself, and with an administrator's key which models it gets and from where."""
    remote = session.remote()
    port = port_of(remote, snapshot.catalogue.open_webui)
    about = converse(remote.http, port, api.about())
    if about is None:
        return None
    try:
        key = account.keyring(request).named(key_name(session.host.name))
    except KeyringUnavailable:
        key = None
    if key is None:
        return Answering(about)
    known, offered = (converse(remote.http, port, ask(key)) for ask in (api.connections, api.models))
    return Answering(
        about,
        known.urls if isinstance(known, api.Connections) else None,
        offered if isinstance(offered, tuple) else None,
    )


def _archives(request: Request, session: Session) -> int:
    session.containers()
    found = archives(session.remote())
    if request.out.as_json:
        request.out.json({"archives": [archive_view(each) for each in found]})
        return DONE
    if not found:
        request.out.line(request.say(phrase("Nothing of Open WebUI is archived on the host.")))
    rows = [[each.name, _time(each.made_at), request.say(scope_word(each.scope))] for each in found]
    for line in aligned(rows):
        request.out.line(line)
    return DONE


def scope_word(scope: WipeScope) -> Phrase:
    """What an archive was made for."""
    match scope:
        case WipeScope.CHATS:
            return phrase("before one account's chats were deleted")
        case WipeScope.ALL_CHATS:
            return phrase("before all chats were deleted")
        case WipeScope.EVERYTHING:
            return phrase("before everything was deleted or replaced")


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
