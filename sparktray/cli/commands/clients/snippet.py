"""`snippet`: a client's settings for a server that is ready."""

from __future__ import annotations

from sparktray.cli.choosing import check_server, chosen_server
from sparktray.cli.commands.clients.serving import exact_id
from sparktray.cli.problems import DONE, Told
from sparktray.cli.request import Request, watching
from sparktray.decide.clients.endpoint import Endpoint, endpoint_of
from sparktray.decide.clients.snippets import Client, snippet
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import ServerState, Snapshot


def run(request: Request) -> int:
    """Print it: what to paste on stdout, where it goes and what to know on stderr."""
    name = request.options.server
    with watching(request, lambda catalogue, _: check_server(catalogue, name)) as session:
        snapshot = session.settled()
        state = chosen_server(session, snapshot, name, lambda each: each.ready)
        at = exact_endpoint(snapshot, state)
    made = snippet(Client(request.options.client), at)
    if request.out.as_json:
        say = request.say
        request.out.json(
            {
                "client": made.client,
                "server": state.name,
                "where": say(made.where),
                "text": made.text,
                "notes": [say(note) for note in made.notes],
            }
        )
        return DONE
    request.out.aside(request.say(made.where))
    request.out.line(made.text)
    for note in made.notes:
        request.out.aside(request.say(note))
    return DONE


def exact_endpoint(snapshot: Snapshot, state: ServerState) -> Endpoint:
    """The server for clients. Raises `Told` without an ID, and with one that is not what a reader sees."""
    at = endpoint_of(snapshot, state)
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
