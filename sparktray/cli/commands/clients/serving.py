"""`model-id` and `base-url`: what clients are given."""

from __future__ import annotations

from sparktray.cli.choosing import check_server, chosen_server
from sparktray.cli.problems import DONE, FAILED, Told
from sparktray.cli.request import Request, watching
from sparktray.decide.identity import base_url, running_on
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.domain.text import clean_name, has_hidden


def run(request: Request) -> int:
    """Print the exact model ID, or the URL, of a ready server."""
    name = request.options.server
    with watching(request, lambda catalogue, _: check_server(catalogue, name)) as session:
        snapshot = session.settled()
        state = chosen_server(session, snapshot, name, lambda each: each.ready)
        url = base_url(snapshot.host, state)
        model_id = exact_id(running_on(snapshot, state).model_id or "")
    wanted = model_id if request.options.command == "model-id" else url
    view: dict[str, object] = {"server": state.name, "model_id": model_id, "base_url": url}
    copied = True
    if request.options.copy:
        from sparktray.cli.copying import copy

        copied = view["copied"] = copy(wanted, request.live)
    if request.out.as_json:
        request.out.json(view)
    else:
        request.out.exact(wanted.encode())
    if not copied:
        cause = phrase("It could not be put on the clipboard.")
        remedy = phrase("Copy it from here; or install wl-clipboard or xclip.")
        raise Told(Problem("clipboard", cause, remedy), FAILED)
    return DONE


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
