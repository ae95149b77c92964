"""`snippet`: a client's settings for a server that is ready."""

from __future__ import annotations

from sparktray.cli.choosing import check_server, chosen_server
from sparktray.cli.commands.clients.serving import exact_id, hand_over, only_there
from sparktray.cli.problems import FAILED, Told
from sparktray.cli.request import Request, watching
from sparktray.decide.clients.client import Client
from sparktray.decide.clients.endpoint import Endpoint, endpoint_of
from sparktray.decide.clients.reach import direct_url
from sparktray.decide.clients.remembered import CopiedId
from sparktray.decide.clients.snippets import snippet
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import ServerState, Snapshot


def run(request: Request) -> int:
    """Print it: what to paste on stdout, where it goes and what to know on stderr."""
    name = request.options.server
    with watching(request, lambda catalogue, _: check_server(catalogue, name)) as session:
        snapshot = session.settled()
        state = chosen_server(session, snapshot, name, lambda each: each.ready)
        at = exact_endpoint(snapshot, state, request.options.url)
    made, say = snippet(Client(request.options.client), at), request.say
    view: dict[str, object] = {
        "client": made.client,
        "server": state.name,
        "where": say(made.where),
        "text": made.text,
        "notes": [say(note) for note in made.notes],
    }
    if not request.out.as_json:
        request.out.aside(say(made.where))
    given = CopiedId(
        host=snapshot.host.name, server=state.name, model_id=at.model_id, client=made.client.value
    )
    code = hand_over(request, made.text, view, given)
    if not request.out.as_json:
        for note in made.notes:
            request.out.aside(say(note))
    return code


def exact_endpoint(snapshot: Snapshot, state: ServerState, url: str | None = None) -> Endpoint:
    """The server for clients, at ``url`` or as this computer reaches it.

    Raises `Told` without an ID, with one that is not what a reader sees, and for a port that nobody reaches.
    """
    if url is None and direct_url(snapshot.host, state) is None:
        raise Told(only_there(state, snapshot.host), FAILED)
    at = endpoint_of(snapshot, state, url)
    if at is None:
        raise Told(
            Problem(
                "no-model-id",
                phrase("The server lists no model."),
                phrase("Load one: sparktray switch MODEL"),
            )
        )
    exact_id(at.model_id)
    return at
