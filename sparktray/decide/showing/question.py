"""What a person is asked before a wish that takes something away which was not sparktray's to take."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sparktray.decide.changing.preflight import (
    chosen_server,
    closed,
    foreign,
    loads_by_api,
    script_refusal,
    secret_refusal,
)
from sparktray.decide.changing.standing import loads_already, making_way, serves_already
from sparktray.decide.identity import running_on
from sparktray.decide.showing.present import shown_name
from sparktray.domain.catalogue import Model, Server
from sparktray.domain.docker.container import Container
from sparktray.domain.operation import SwitchWish, Wish
from sparktray.domain.phrase import Phrase, phrase, phrase_n
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import ServerState, Snapshot
from sparktray.domain.text import clean_name


@dataclass(frozen=True, slots=True)
class Question:
    """One decision: ``wish`` is what a yes asks for, a no changes nothing.

    ``points`` say what would be done and what would be lost, a paragraph each.
    """

    title: Phrase
    points: tuple[Phrase, ...]
    yes: Phrase
    no: Phrase
    wish: SwitchWish


def question(snapshot: Snapshot, wish: Wish) -> Question | None:
    """What to ask before that wish; None when nothing would be lost, or it would be refused anyhow."""
    if not isinstance(wish, SwitchWish) or wish.replace or closed(snapshot) is not None:
        return None
    chosen = chosen_server(snapshot, wish)
    if isinstance(chosen, Problem):
        return None
    model, server = chosen
    strangers = _in_the_way(snapshot, model, server)
    if not strangers:
        return None
    names = ", ".join(clean_name(container.name) for container in strangers)
    return Question(
        phrase_n(
            "Replace container {names} with {model}?",
            "Replace containers {names} with {model}?",
            len(strangers),
            names=names,
            model=clean_name(model.id),
        ),
        (*(_fate(snapshot, server, model, each) for each in strangers), _afterwards(wish, model)),
        phrase("Replace"),
        phrase_n("Keep it", "Keep them", len(strangers)),
        replace(wish, replace=True),
    )


def _in_the_way(snapshot: Snapshot, model: Model, server: Server) -> list[Container]:
    if loads_by_api(server) or script_refusal(model) or secret_refusal(model):
        return []
    state = snapshot.state_of(server.name) or ServerState(server)
    if serves_already(snapshot, state, model) or loads_already(snapshot, state, model):
        return []
    return [container for container in making_way(snapshot, server) if foreign(server, container)]


def _fate(snapshot: Snapshot, server: Server, model: Model, container: Container) -> Phrase:
    return phrase(
        "{what} {fate}", what=_what(snapshot, server, container), fate=_what_happens(model, container)
    )


def _what(snapshot: Snapshot, server: Server, container: Container) -> Phrase:
    """Which container it is, and what people have of it now."""
    known = {
        "container": clean_name(container.name),
        "image": clean_name(container.image),
        "server": server.name,
    }
    if not container.running:
        return phrase(
            "Container {container} ({image}) has the place of server {server} and does not run.", **known
        )
    state = snapshot.state_of(server.name)
    served = state is not None and state.container is not None and state.container.id == container.id
    if state is None or not served or not state.served:
        return phrase("Container {container} ({image}) runs in the place of server {server}.", **known)
    name = shown_name(running_on(snapshot, state), state)
    return phrase(
        "Container {container} ({image}) serves {name} in the place of server {server}.", name=name, **known
    )


def _what_happens(model: Model, container: Container) -> Phrase:
    if container.running and container.auto_remove:
        return phrase("It is stopped, and Docker then removes it, as it was started with --rm.")
    if container.running and container.of_compose:
        return phrase("It is stopped and stays, for it belongs to a Compose project.")
    if container.running:
        return phrase("It is stopped, and removed once {model} is ready.", model=clean_name(model.id))
    return phrase("It is removed once {model} is ready.", model=clean_name(model.id))


def _afterwards(wish: SwitchWish, model: Model) -> Phrase:
    """What a person can have back, and for how long."""
    if not wish.rollback:
        return phrase("How it was started stays in the journal for 7 days.")
    return phrase(
        "If {model} does not become ready, everything is put back as it was. "
        "How it was started stays in the journal for 7 days.",
        model=clean_name(model.id),
    )
