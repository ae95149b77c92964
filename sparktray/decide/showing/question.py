"""What a person is asked before a wish that takes something away: answers under way, a stranger's place."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from sparktray.decide.changing.preflight import (
    chosen_server,
    closed,
    foreign,
    loads_by_api,
)
from sparktray.decide.changing.standing import loads_already, making_way, serves_already
from sparktray.decide.changing.steps import STOP_GRACE
from sparktray.decide.identity import running_on
from sparktray.decide.showing.present import shown_name
from sparktray.domain.catalogue import Model, Server
from sparktray.domain.docker.container import Container
from sparktray.domain.operation import (
    BackWish,
    ForgetWish,
    RestoreWish,
    StopWish,
    SwitchWish,
    WhenBusy,
    WipeWish,
    Wish,
)
from sparktray.domain.phrase import Phrase, phrase, phrase_n
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import ServerState, Snapshot
from sparktray.domain.text import clean_name


class Question(msgspec.Struct, frozen=True):
    """One decision: ``wish`` is what a yes asks for, a no changes nothing.

    ``points`` say what would be done and what would be lost, a paragraph each. ``later`` is the same
    without a loss, where waiting avoids it: its words and its wish. ``about`` names the containers and
    busy servers in question: another picture of the same ones is no other question.
    """

    title: Phrase
    points: tuple[Phrase, ...]
    yes: Phrase
    no: Phrase
    wish: SwitchWish | StopWish
    about: frozenset[str]
    later: tuple[Phrase, SwitchWish | StopWish] | None = None


def question(snapshot: Snapshot, wish: Wish) -> Question | None:
    """What to ask before that wish; None when nothing would be lost, or it would be refused anyhow."""
    if closed(snapshot) is not None:
        return None
    if isinstance(wish, StopWish):
        return _about_requests(wish, [s for s in snapshot.servers if wish.server in {None, s.name}])
    if isinstance(wish, BackWish | WipeWish | RestoreWish | ForgetWish):
        return None
    chosen = chosen_server(snapshot, wish)
    if isinstance(chosen, Problem):
        return None
    model, server = chosen
    if not _replaces(snapshot, wish, model, server):
        return None
    state = snapshot.state_of(server.name)
    requests = _about_requests(wish, [state] if state is not None else [])
    taking = None if wish.replace else _about_strangers(snapshot, wish, model, server)
    if taking is None or requests is None:
        return taking or requests
    return _both(taking, requests)


def _both(taking: Question, requests: Question) -> Question:
    """One box for both: whoever says yes to it has read what becomes of the container and of its requests."""

    def replacing(wish: SwitchWish | StopWish) -> SwitchWish | StopWish:
        return replace(wish, replace=True) if isinstance(wish, SwitchWish) else wish

    later = None if requests.later is None else (requests.later[0], replacing(requests.later[1]))
    points = (*taking.points, *requests.points)
    about = taking.about | requests.about
    return replace(taking, points=points, wish=replacing(requests.wish), about=about, later=later)


def _about_requests(wish: SwitchWish | StopWish, states: list[ServerState]) -> Question | None:
    """Requests that are being answered would be cut off."""
    busy = [s for s in states if s.ready and (s.running or 0) + (s.waiting or 0)]
    if not busy or wish.busy is not WhenBusy.REFUSE or wish.dry_run:
        return None
    count = sum((s.running or 0) + (s.waiting or 0) for s in busy)
    return Question(
        phrase_n("Cut off {count} request?", "Cut off {count} requests?", count),
        (
            phrase(
                "What {names} has not answered within {seconds} seconds is lost.",
                names=", ".join(s.name for s in busy),
                seconds=STOP_GRACE,
            ),
        ),
        phrase("Cut off"),
        phrase("Leave it running"),
        replace(wish, busy=WhenBusy.GO_ON),
        frozenset(s.name for s in busy),
        (phrase("Wait until idle"), replace(wish, busy=WhenBusy.WAIT)),
    )


def _about_strangers(snapshot: Snapshot, wish: SwitchWish, model: Model, server: Server) -> Question | None:
    """Containers that sparktray did not make would lose their place."""
    strangers = [c for c in making_way(snapshot, server) if foreign(server, c)]
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
        frozenset(word for each in strangers for word in (each.id, each.name)),
    )


def _replaces(snapshot: Snapshot, wish: SwitchWish, model: Model, server: Server) -> bool:
    """True when that switch stops what is in the server's place."""
    if loads_by_api(server):
        return False
    state = snapshot.state_of(server.name) or ServerState(server)
    there = serves_already(snapshot, state, model, wish) or loads_already(snapshot, state, model, wish)
    return not there


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
