"""`webui connect`: Open WebUI's connection leads to the server that runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from sparktray.cli.choosing import chosen_server
from sparktray.cli.commands.open_webui.account import kept_key
from sparktray.cli.problems import DONE, FAILED, Told
from sparktray.cli.request import Request, Session
from sparktray.control.open_webui import port_of
from sparktray.control.reading import converse
from sparktray.decide.identity import running_on
from sparktray.decide.webui import api
from sparktray.decide.webui.connecting import missed, urls_for, wrong_url
from sparktray.domain.asking import Dialogue
from sparktray.domain.phrase import phrase, phrase_n
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import ServerState, Snapshot
from sparktray.domain.text import clean_name
from sparktray.webui.household import household

T = TypeVar("T")


def connect(request: Request, session: Session) -> int:
    """Find the URL that works from inside, enter it, and see the model in Open WebUI's list."""
    snapshot, remote = session.settled(), session.remote()
    state = chosen_server(session, snapshot, request.options.server, _serves)
    model_id = running_on(snapshot, state).model_id or ""
    key, port = kept_key(request, session), port_of(remote, snapshot.catalogue.open_webui)

    def asked(dialogue: Dialogue[T | Problem]) -> T:
        told = converse(remote.http, port, dialogue)
        if isinstance(told, Problem):
            raise Told(told)
        return told

    known = asked(api.connections(key))
    inspect = remote.docker.inspect(snapshot.catalogue.open_webui.container) or {}
    urls = urls_for(inspect, state.server.port, "" if session.host.is_local else session.host.address)
    url = next(
        (each for each in urls if model_id in converse(remote.http, port, api.reaches(key, each))), None
    )
    if url is None:
        raise Told(_unreachable(state), FAILED)
    ports = [server.port for server in snapshot.catalogue.servers]
    wanted = api.with_url(
        known, url, None if url in known.urls else wrong_url(known.urls, state.server.port, ports)
    )
    changed = not known.on or wanted.urls != known.urls
    if changed:
        refused = converse(remote.http, port, api.connect(key, wanted))
        if refused is not None:
            raise Told(refused)
    listed = asked(api.models(key))
    if model_id not in listed:
        raise Told(_unlisted(model_id), FAILED)
    house = household(remote, snapshot.catalogue.open_webui)
    _tell(request, snapshot, url, model_id, missed(house.contents, listed), changed=changed)
    return DONE


def _serves(state: ServerState) -> bool:
    return state.ready and bool(state.served)


def _tell(
    request: Request, snapshot: Snapshot, url: str, model_id: str, gone: Mapping[str, int], *, changed: bool
) -> None:
    if request.out.as_json:
        told: dict[str, object] = {"host": snapshot.host.name, "url": url, "model_id": model_id}
        told |= {"changed": changed, "missed_models": dict(gone)}
        request.out.json({"connection": told})
        return
    words = {"url": url, "model_id": clean_name(model_id)}
    said = phrase("Open WebUI now uses {url} and offers {model_id}.", **words)
    if not changed:
        said = phrase("Open WebUI uses {url} already and offers {model_id}.", **words)
    request.out.line(request.say(said))
    if gone:
        names, count = ", ".join(clean_name(name) for name in gone), sum(gone.values())
        missing = phrase_n(
            "{count} chat uses a model that it does not offer any more: {names}.",
            "{count} chats use models that it does not offer any more: {names}.",
            count,
            names=names,
        )
        request.out.line(request.say(missing))
        request.out.line(
            request.say(
                phrase("Choose another model in them, or serve it by that name: served_name in models.json.")
            )
        )


def _unreachable(state: ServerState) -> Problem:
    return Problem(
        "webui-no-way",
        phrase("Open WebUI does not reach {server} from inside its container.", server=state.name),
        phrase(
            "A port that is bound to 127.0.0.1 cannot be reached from there. Otherwise start Open WebUI with "
            "--add-host=host.docker.internal:host-gateway"
        ),
    )


def _unlisted(model_id: str) -> Problem:
    return Problem(
        "webui-unlisted",
        phrase(
            "The connection works, and Open WebUI does not offer {model_id}.", model_id=clean_name(model_id)
        ),
        phrase("Look at the connection's list of models in Open WebUI: Admin Panel, Settings, Connections."),
    )
