"""`models`: the catalogue, and what of it is running."""

from __future__ import annotations

from msgspec.structs import replace

from sparktray.cli.problems import DONE
from sparktray.cli.request import Request, Session, watching
from sparktray.cli.views import memory_view
from sparktray.control.performing.surveying import Surveyor
from sparktray.decide.changing.room import sum_now
from sparktray.decide.identity import running_on
from sparktray.decide.showing.models import beside_catalogue, fit_words
from sparktray.decide.showing.words import phase_word, purpose_word
from sparktray.domain.catalogue import Model
from sparktray.domain.facts.memory import MemorySum
from sparktray.domain.snapshot import ServerState, Snapshot
from sparktray.wording import Wording

# A sample comes with the connection, a moment later than the containers.
_VITALS_SECONDS = 3.0


def run(request: Request) -> int:
    """List every entry in its order, then what Ollama has beside the catalogue; or make entries."""
    if request.options.from_run is not None:
        from sparktray.cli.commands.entries import from_run

        return from_run.run(request)
    if request.options.discover or request.options.add is not None:
        from sparktray.cli.commands.entries import discover

        return discover.run(request)
    return _list(request)


def _list(request: Request) -> int:
    with watching(request) as session:
        snapshot = session.settled()
        needs = snapshot.needs or Surveyor(session.host, snapshot.catalogue).needs(session.remote())
        snapshot = replace(measured(session, snapshot), needs=needs)
    if request.out.as_json:
        models = [_view(snapshot, model, request.say) for model in snapshot.catalogue.models]
        request.out.json({"host": snapshot.host.name, "models": [*models, *_extra_views(snapshot)]})
        return DONE
    from sparktray.cli.tables import aligned

    rows = [_row(request, snapshot, model) for model in snapshot.catalogue.models]
    rows += [["", name, state.name, "", "", ""] for state, name in beside_catalogue(snapshot)]
    for line in aligned(rows):
        request.out.line(line)
    return DONE


def measured(session: Session, snapshot: Snapshot) -> Snapshot:
    """The picture with the host's memory in it, where that comes in time."""
    sampled = session.wait(lambda s: s.vitals.available_bytes is not None, _VITALS_SECONDS)
    return snapshot if sampled is None else replace(snapshot, vitals=sampled.vitals)


def _sum(snapshot: Snapshot, model: Model) -> MemorySum | None:
    """On the server that a plain switch would use."""
    server = snapshot.catalogue.server(model.servers[0])
    return None if server is None else sum_now(snapshot, model, server)


def _on(snapshot: Snapshot, model: Model) -> list[ServerState]:
    """The servers that run this entry now, loading ones too."""
    return [state for state in snapshot.servers if running_on(snapshot, state).model == model]


def _view(snapshot: Snapshot, model: Model, say: Wording) -> dict[str, object]:
    found = _sum(snapshot, model)
    return {
        "model": model.id,
        "servers": list(model.servers),
        "running_on": [state.name for state in _on(snapshot, model)],
        "kind": model.kind,
        "purpose": list(model.purposes),
        "note": dict(model.note),
        "path": None if model.path is None else snapshot.host.expand(model.path),
        "ollama": model.ollama,
        "context": model.context,
        "needs_bytes": None if found is None else found.takes,
        "fits": None if found is None or found.short is None else not found.short,
        "memory": memory_view(found, say),
    }


def _extra_views(snapshot: Snapshot) -> list[dict[str, object]]:
    return [
        {
            "model": name,
            "servers": [state.name],
            "running_on": [state.name] if name in {served.id for served in state.served or ()} else [],
            "kind": None,
            "purpose": [],
            "note": {},
            "path": None,
            "ollama": name,
            "context": None,
            "needs_bytes": None,
            "fits": None,
            "memory": None,
        }
        for state, name in beside_catalogue(snapshot)
    ]


def _row(request: Request, snapshot: Snapshot, model: Model) -> list[str]:
    say = request.say
    running = ", ".join(f"{state.name} {say(phase_word(state.phase))}" for state in _on(snapshot, model))
    note = model.note.get(say.language) or model.note.get("en", "")
    purposes = ", ".join(say(purpose_word(each)) for each in model.purposes)
    fits = fit_words(snapshot, model, model.servers[0]) if not running else None
    fitting = "" if fits is None else say(fits)
    return ["*" if running else "", model.id, running or ", ".join(model.servers), purposes, fitting, note]
