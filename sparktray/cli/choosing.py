"""Which server a command means when it names none."""

from __future__ import annotations

from collections.abc import Callable

from sparktray.cli.problems import FAILED, Told
from sparktray.cli.request import Session
from sparktray.decide.servers import probe_key
from sparktray.domain.asking import Health
from sparktray.domain.catalogue import Catalogue
from sparktray.domain.operation import OperationEnd, OperationKind
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import ServerState, Snapshot
from sparktray.domain.text import clean_name

# Far enough back for a switch that was followed by many stops.
_LOOK_BACK = 200


def check_server(catalogue: Catalogue, name: str | None) -> None:
    """Raise `Told` when the catalogue has no server of that name."""
    if name is None or catalogue.server(name) is not None:
        return
    raise Told(
        Problem(
            "usage-unknown-server",
            phrase("There is no server {name} in the catalogue.", name=clean_name(name)),
            phrase("Use one of these: {names}.", names=", ".join(s.name for s in catalogue.servers)),
        )
    )


def chosen_server(
    session: Session, snapshot: Snapshot, name: str | None, fits: Callable[[ServerState], bool]
) -> ServerState:
    """The named server; else the one last switched to, else the only one, of those that fit.

    Raises `Told`: with exit code 1 when none fits, with 2 when several do.
    """
    fitting = [state for state in snapshot.servers if fits(state)]
    locked = [s for s in snapshot.servers if s.health is Health.LOCKED and name in {None, s.name}]
    if locked and (name is not None or not fitting):
        raise Told(_key_needed(snapshot, locked[0]))
    if name is not None:
        state = snapshot.state_of(name)
        if state is None or not fits(state):
            raise Told(_not_running(phrase("{server} is not running.", server=name)), FAILED)
        return state
    last = last_switched(session)
    found = next((state for state in fitting if state.name == last), None)
    if found is not None:
        return found
    if not fitting:
        raise Told(_not_running(phrase("No model is running on {host}.", host=snapshot.host.name)), FAILED)
    if len(fitting) > 1:
        raise Told(
            Problem(
                "usage-several-servers",
                phrase("Several servers are running: {names}.", names=", ".join(s.name for s in fitting)),
                phrase("Name the one you mean."),
            )
        )
    return fitting[0]


def _key_needed(snapshot: Snapshot, state: ServerState) -> Problem:
    return Problem(
        "key-needed",
        phrase("{server} asks for a key.", server=state.name),
        phrase("Enter it: sparktray secret set {name}", name=probe_key(snapshot, state) or ""),
    )


def _not_running(cause: Phrase) -> Problem:
    return Problem("nothing-running", cause, phrase("Start a model: sparktray switch MODEL"))


def last_switched(session: Session) -> str | None:
    """The server of the last switch on this host that ended well."""
    wanted = (OperationKind.SWITCH, OperationEnd.DONE)
    past = reversed(session.journal.last(_LOOK_BACK, session.host.name))
    return next((e.server for e in past if (e.kind, e.end) == wanted), None)
