"""`models`: the catalogue, and what of it is running."""

from __future__ import annotations

from sparktray.cli.problems import DONE
from sparktray.cli.request import Request, watching
from sparktray.decide.identity import running_on
from sparktray.domain.catalogue import EngineKind, Model, Purpose
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.snapshot import ServerState, Snapshot


def run(request: Request) -> int:
    """List every entry in its order, then what Ollama has beside the catalogue."""
    with watching(request) as session:
        snapshot = session.settled()
    if request.out.as_json:
        models = [_view(snapshot, model) for model in snapshot.catalogue.models]
        request.out.json({"host": snapshot.host.name, "models": [*models, *_extra_views(snapshot)]})
        return DONE
    from sparktray.cli.tables import aligned

    rows = [_row(request, snapshot, model) for model in snapshot.catalogue.models]
    rows += [["", name, state.name, "", ""] for state, name in _beside(snapshot)]
    for line in aligned(rows):
        request.out.line(line)
    return DONE


def _on(snapshot: Snapshot, model: Model) -> list[ServerState]:
    """The servers that run this entry now, loading ones too."""
    return [state for state in snapshot.servers if running_on(snapshot, state).model == model]


def _view(snapshot: Snapshot, model: Model) -> dict[str, object]:
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
        }
        for state, name in _beside(snapshot)
    ]


def _beside(snapshot: Snapshot) -> list[tuple[ServerState, str]]:
    """What an Ollama has installed that no entry names."""
    found = []
    for state in snapshot.servers:
        if state.server.engine is EngineKind.OLLAMA:
            entries = {model.ollama for model in snapshot.catalogue.models_on(state.name)}
            names = {name: name.removesuffix(":latest") for name in state.installed}
            found += [(state, name) for name, short in names.items() if not {name, short} & entries]
    return found


def _row(request: Request, snapshot: Snapshot, model: Model) -> list[str]:
    from sparktray.cli.tables import phase_word

    say = request.say
    running = ", ".join(f"{state.name} {say(phase_word(state.phase))}" for state in _on(snapshot, model))
    note = model.note.get(say.language) or model.note.get("en", "")
    purposes = ", ".join(say(_purpose(each)) for each in model.purposes)
    return ["*" if running else "", model.id, running or ", ".join(model.servers), purposes, note]


def _purpose(purpose: Purpose) -> Phrase:
    match purpose:
        case Purpose.DOCUMENTS:
            return phrase("documents")
        case Purpose.GENERAL:
            return phrase("general")
        case Purpose.CODING:
            return phrase("coding")
        case Purpose.REASONING:
            return phrase("reasoning")
        case Purpose.EMBEDDINGS:
            return phrase("embeddings")
        case Purpose.UNCENSORED:
            return phrase("uncensored")
