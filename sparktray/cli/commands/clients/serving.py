"""`model-id` and `base-url`: what clients are given."""

from __future__ import annotations

from sparktray.cli.choosing import check_server, chosen_server
from sparktray.cli.problems import DONE, FAILED, Told
from sparktray.cli.request import Request, watching
from sparktray.decide.clients.reach import direct_url
from sparktray.decide.clients.remembered import CopiedId
from sparktray.decide.identity import running_on
from sparktray.domain.host import HostProfile
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import ServerState
from sparktray.domain.text import clean_name, has_hidden
from sparktray.store.paths import ConfigFolder, StoreError
from sparktray.store.settings import SettingsFile


def run(request: Request) -> int:
    """Print the exact model ID, or the URL, of a ready server."""
    name = request.options.server
    with watching(request, lambda catalogue, _: check_server(catalogue, name)) as session:
        snapshot = session.settled()
        state = chosen_server(session, snapshot, name, lambda each: each.ready)
        host = snapshot.host.name
        url = direct_url(snapshot.host, state)
        model_id = exact_id(running_on(snapshot, state).model_id or "")
    view: dict[str, object] = {"server": state.name, "model_id": model_id, "base_url": url}
    if request.options.command == "model-id":
        return hand_over(request, model_id, view, CopiedId(host=host, server=state.name, model_id=model_id))
    if url is None:
        raise Told(only_there(state, snapshot.host), FAILED)
    return hand_over(request, url, view, None)


def hand_over(request: Request, text: str, view: dict[str, object], copied: CopiedId | None) -> int:
    """Print ``text``, and with --copy put it on the clipboard too; ``copied``, the ID in it, is remembered.

    ``view`` is what --json prints. Raises `Told` when it could not be copied.
    """
    done = True
    if request.options.copy:
        from sparktray.cli.copying import copy

        done = view["copied"] = copy(text, request.live)
        if done and copied is not None:
            _remember(request, copied)
    if request.out.as_json:
        request.out.json(view)
    else:
        request.out.exact(text.encode())
    if not done:
        cause = phrase("It could not be put on the clipboard.")
        remedy = phrase("Copy it from here; or install wl-clipboard or xclip.")
        raise Told(Problem("clipboard", cause, remedy), FAILED)
    return DONE


def _remember(request: Request, copied: CopiedId) -> None:
    """For the tray, which tells when it is no longer served; without a place to keep it nothing is told."""
    folder = ConfigFolder.find(request.options.config)
    try:
        SettingsFile(folder).change(lambda settings: settings.with_copy(copied))
    except StoreError as error:
        request.out.problem(error.problem)


def only_there(state: ServerState, host: HostProfile) -> Problem:
    """What to say of a server that no other computer reaches without a forward."""
    return Problem(
        "only-on-host",
        phrase("Port {port} is open on {host} alone.", port=state.server.port, host=host.name),
        phrase("Reach it by a forward: sparktray forward {server}", server=state.name),
    )


def exact_id(model_id: str) -> str:
    """The ID as it is, byte for byte. Raises `Told` when it holds what a reader cannot see."""
    if not has_hidden(model_id):
        return model_id
    raise Told(
        Problem(
            "id-hidden-characters",
            phrase(
                "The model ID {model_id} holds characters that cannot be seen.",
                model_id=clean_name(model_id),
            ),
            phrase("Start the model with another --served-model-name."),
        ),
        FAILED,
    )
