"""`models --discover`: what lies on the host beside the catalogue, and `--add`, which makes entries of it."""

from __future__ import annotations

from collections.abc import Sequence

from sparktray.cli.commands.entries.folder import own_folder
from sparktray.cli.commands.models import measured
from sparktray.cli.problems import DONE, REFUSED, Told
from sparktray.cli.request import Request, Session, told_of_link, watching
from sparktray.cli.views import Json
from sparktray.decide.finding.proposals import Found, FoundState, proposals
from sparktray.decide.finding.words import (
    architecture_words,
    context_words,
    need_words,
    quantization_words,
    size_words,
)
from sparktray.decide.showing.models import beside_catalogue
from sparktray.domain.catalogue_file.writing import Addition
from sparktray.domain.facts.discovery import Discovery
from sparktray.domain.phrase import Phrase, phrase, phrase_n
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import ServerState, Snapshot
from sparktray.domain.text import clean_line, clean_name
from sparktray.store.catalogue_file import add_entries
from sparktray.wording import Wording

# What Ollama does not tell of a model.
_UNTOLD = (
    *("reason", "path", "architecture", "kind", "experts", "parameters", "quantization", "trained_context"),
    *("context", "weights_bytes", "needs_bytes", "fits", "entry"),
)


def run(request: Request) -> int:
    """Look through the host's models folder; with ``--add`` write the named ones."""
    wanted = request.options.add
    if wanted == []:
        raise Told(
            Problem(
                "usage-no-model",
                phrase("No model is named that is to be added."),
                phrase("See what there is: sparktray models --discover"),
            )
        )
    with watching(request) as session:
        snapshot = measured(session, session.settled())
        discovery = _looked_through(session, snapshot)
    found = proposals(snapshot, discovery)
    if wanted is not None:
        return _add(request, snapshot, discovery, found, wanted)
    if request.out.as_json:
        request.out.json(_view(request.say, snapshot, discovery, found))
    else:
        request.out.line("\n".join(_lines(request.say, snapshot, discovery, found)))
    return DONE


def _looked_through(session: Session, snapshot: Snapshot) -> Discovery:
    from sparktray.control.discovering import FolderMissing, discover
    from sparktray.control.problems import problem_of
    from sparktray.remote.errors import RemoteError

    try:
        return discover(session.remote(), snapshot.host, snapshot.catalogue)
    except FolderMissing as missing:
        raise Told(missing.problem, REFUSED) from None
    except RemoteError as error:
        raise told_of_link(problem_of(error, snapshot.host)) from error


def _add(
    request: Request,
    snapshot: Snapshot,
    discovery: Discovery,
    found: Sequence[Found],
    wanted: Sequence[str],
) -> int:
    chosen = [_named(found, name) for name in dict.fromkeys(wanted)]
    path = add_entries(own_folder(request), Addition(tuple(each.entry for each in chosen)))
    say, out = request.say, request.out
    if out.as_json:
        view = _view(say, snapshot, discovery, found)
        out.json({**view, "added": [each.id for each in chosen], "path": str(path)})
        return DONE
    for each in chosen:
        out.line(say(phrase("{model} is in your list now: sparktray switch {model}", model=each.id)))
        for remark in _remarks(each):
            out.line(f"  {say(remark)}")
    out.line(say(phrase("Your list is {path}", path=str(path))))
    return DONE


def _named(found: Sequence[Found], name: str) -> Found:
    """What was found under that name, if it can be added. Raises `Told`."""
    each = next((each for each in found if each.id == name), None)
    if each is None:
        ids = [each.id for each in found if each.state is FoundState.NEW]
        cause = phrase("No new model {name} was found on the host.", name=clean_name(name))
        remedy = phrase("Use one of these: {names}.", names=ids)
        if not ids:
            remedy = phrase("Your list has everything that was found there.")
        raise Told(Problem("usage-unknown-model", cause, remedy))
    if each.reason is not None:
        cause = phrase("{model} cannot be added: {reason}", model=name, reason=each.reason)
        remedy = phrase("Look at its folder on the host: {path}", path=each.at)
        raise Told(Problem("model-unsuitable", cause, remedy), REFUSED)
    return each


def _view(say: Wording, snapshot: Snapshot, discovery: Discovery, found: Sequence[Found]) -> Json:
    beside = [_ollama_view(state, name) for state, name in beside_catalogue(snapshot)]
    return {
        "host": snapshot.host.name,
        "found": [*(_found_view(say, each) for each in found), *beside],
        "remarks": [say(remark) for remark in _about(discovery)],
    }


def _found_view(say: Wording, each: Found) -> Json:
    facts = each.facts
    return {
        "id": each.id,
        "state": each.state,
        "reason": None if each.reason is None else say(each.reason),
        "path": _shown(each.at),
        "architecture": facts.architecture,
        "kind": None if facts.neither is not None else facts.kind,
        "experts": facts.experts,
        "parameters": facts.parameters,
        "quantization": facts.quantization,
        "trained_context": facts.trained_context,
        "context": each.context,
        "servers": list(each.servers),
        "weights_bytes": facts.weights_bytes,
        "needs_bytes": each.needs,
        "fits": None if each.fit is None else not each.fit.short,
        "unknown": [say(name) for name in each.unknown],
        "remarks": [say(remark) for remark in each.remarks],
        "entry": dict(each.entry) or None,
    }


def _ollama_view(state: ServerState, name: str) -> Json:
    """Installed in Ollama, which tells no more of it; it needs no entry to be switched to there."""
    nothing: Json = dict.fromkeys(_UNTOLD)
    lists: Json = {"servers": [state.name], "unknown": [], "remarks": []}
    return {"id": name, "state": "ollama", **nothing, **lists}


def _shown(path: str) -> str:
    """A path that JSON can hold: names that are no UTF-8 get question marks."""
    return path.encode(errors="surrogateescape").decode(errors="replace")


def _lines(say: Wording, snapshot: Snapshot, discovery: Discovery, found: Sequence[Found]) -> list[str]:
    from sparktray.cli.tables import aligned

    new = [each for each in found if each.state is FoundState.NEW]
    others = [each for each in found if each.state is not FoundState.NEW]
    lines: list[str] = []
    if new:
        head = [phrase("MODEL"), phrase("ARCHITECTURE"), phrase("WEIGHTS"), phrase("CONTEXT")]
        head += [phrase("SIZE"), phrase("NEEDS"), phrase("SERVERS")]
        rows = aligned([[say(each) for each in head], *(_row(say, each) for each in new)])
        lines.append(rows[0])
        for row, each in zip(rows[1:], new, strict=True):
            lines += [row, *(f"  {say(remark)}" for remark in _remarks(each))]
    else:
        where = phrase(
            "Below {path} on {host} there is no model that your list does not have.",
            path=snapshot.host.models_dir,
            host=snapshot.host.name,
        )
        lines.append(say(where))
    if others:
        lines += ["", say(phrase("Cannot be used as they are:"))]
        lines += [f"  {clean_line(each.at)}: {say(each.reason)}" for each in others if each.reason]
    beside = beside_catalogue(snapshot)
    if beside:
        lines += ["", say(phrase("Only in Ollama: {names}", names=[clean_name(name) for _, name in beside]))]
    about = [say(remark) for remark in _about(discovery)]
    if new:
        about.append(
            say(phrase("Put them into your list: sparktray models --add {model} …", model=new[0].id))
        )
    return [*lines, *(["", *about] if about else [])]


def _row(say: Wording, each: Found) -> list[str]:
    cells = (
        architecture_words(each.facts),
        quantization_words(each.facts),
        context_words(each),
        size_words(each.facts),
        need_words(each),
    )
    return [each.id, *(say(cell) for cell in cells), ", ".join(each.servers)]


def _remarks(each: Found) -> list[Phrase]:
    remarks = list(each.remarks)
    if each.unknown:
        remarks.append(phrase("Not known: {facts}", facts=list(each.unknown)))
    return remarks


def _about(discovery: Discovery) -> list[Phrase]:
    """What of the folder was not seen."""
    remarks = []
    if discovery.closed:
        remarks.append(
            phrase_n(
                "{count} folder there may not be read by this user.",
                "{count} folders there may not be read by this user.",
                discovery.closed,
            )
        )
    if discovery.more:
        remarks.append(phrase("There is more than could be looked through; this is a part of it."))
    return remarks
