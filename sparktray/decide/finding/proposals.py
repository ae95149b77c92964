"""What was found on the host, and what could be made an entry of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from sparktray.decide.changing.room import Fit, fit
from sparktray.decide.finding.layout import ADAPTER, CONFIG
from sparktray.domain.catalogue import Catalogue, EngineKind, Model, ModelKind, Server
from sparktray.domain.catalogue_file.shape import CatalogueError, Place, checked_path
from sparktray.domain.facts.discovery import Discovery, FoundFolder
from sparktray.domain.facts.memory import Footprint
from sparktray.domain.host import HostProfile, folder_name
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.snapshot import Snapshot
from sparktray.domain.text import clean_name, has_hidden
from sparktray.engines.models.facts import ModelFacts, read_facts
from sparktray.engines.protocol import Launch
from sparktray.engines.registry import engine
from sparktray.engines.sizes import folder_complete

# More fits beside nothing; who wants it says so in the entry.
MOST_CONTEXT = 32768
TRUST = "--trust-remote-code"

_USABLE = re.compile(r"[^A-Za-z0-9._+-]+")
_CACHED = re.compile(r"(?:.*/)?models--(?:[^/]+--)?(?P<name>[^/]+)/snapshots/[^/]+")


class FoundState(StrEnum):
    """What can be made of a folder."""

    NEW = "new"
    INCOMPLETE = "incomplete"
    UNSUITABLE = "unsuitable"


class Found(msgspec.Struct, frozen=True):
    """One folder of the host that no entry stands for.

    ``id`` is the one an entry would have, ``at`` its absolute path on the host. ``reason`` says what is
    missing or why it is of no use, None for a NEW one, which alone has an ``entry``: its keys in models.json.
    ``unknown`` are facts that its files do not tell, ``remarks`` what a person should know before adding it.
    ``fit`` is for the first of ``servers``.
    """

    id: str
    at: str
    state: FoundState
    facts: ModelFacts
    reason: Phrase | None = None
    servers: tuple[str, ...] = ()
    context: int | None = None
    fit: Fit | None = None
    needs: int | None = None
    unknown: tuple[Phrase, ...] = ()
    remarks: tuple[Phrase, ...] = ()
    entry: Mapping[str, object] = msgspec.field(default_factory=dict)


def proposals(snapshot: Snapshot, discovery: Discovery) -> tuple[Found, ...]:
    """Everything found that the catalogue does not have, by path; each folder once, whatever its names."""
    catalogue, host = snapshot.catalogue, snapshot.host
    paths = {_on_disk(host, model.path) for model in catalogue.models if model.path is not None}
    taken = {model.id for model in catalogue.models}
    seen = set(discovery.known)
    found = []
    # A folder under two names is called by the shorter one.
    for each in sorted(discovery.folders, key=lambda f: (len(f.path), f.path)):
        if each.folder.path in paths or each.identity in seen or not _of_a_model(each):
            continue
        seen.update({each.identity} - {""})
        name = _free_id(each, taken)
        taken.add(name)
        found.append(_judged(snapshot, each, name))
    return tuple(sorted(found, key=lambda f: f.at))


def unique(wanted: str, taken: Iterable[str]) -> str:
    """That name, or one like it with a number that is not taken."""
    names = set(taken)
    tries = (wanted if number == 1 else f"{wanted}-{number}" for number in range(1, len(names) + 2))
    return next(name for name in tries if name not in names)


def plain_id(name: str) -> str:
    """A name for an entry: it is typed on command lines and seen by clients, so of few kinds of signs."""
    return clean_name(_USABLE.sub("-", name)).strip("-.+…") or "model"


def catalogue_path(host: HostProfile, path: str) -> str:
    """How a folder of the host is written in the catalogue: below {models} where it is."""
    root = host.models_dir.rstrip("/")
    if not root or not (path + "/").startswith(root + "/"):
        return path
    return "{models}/" + path[len(root) + 1 :]


def _on_disk(host: HostProfile, path: str) -> str:
    """A catalogue path as the host's files are listed: a profile's folder may end in a slash."""
    return re.sub("/+", "/", host.expand(path))


def _of_a_model(each: FoundFolder) -> bool:
    """Other programs have a config.json too; one alone tells of a model only when it speaks of one."""
    config = each.folder.config or {}
    return set(each.folder.files) != {CONFIG} or not {"architectures", "model_type"}.isdisjoint(config)


def _free_id(each: FoundFolder, taken: set[str]) -> str:
    """The folder's name; with the one above it when that is taken already."""
    cached = _CACHED.fullmatch(each.path)
    last = cached["name"] if cached else folder_name(each.folder.path)
    above = folder_name(each.folder.path[: -len(folder_name(each.folder.path)) - 1])
    plain = plain_id(last)
    wanted = plain if plain not in taken else plain_id(f"{above}-{last}")
    return unique(wanted, taken)


def _judged(snapshot: Snapshot, each: FoundFolder, name: str) -> Found:
    facts = read_facts(each.folder, each.quantization)
    found = Found(name, each.folder.path, FoundState.UNSUITABLE, facts)
    unsuitable = _unsuitable(each, facts)
    if unsuitable is not None:
        return replace(found, reason=unsuitable)
    missing = folder_complete(each.folder) or _unread(each)
    if missing is not None:
        return replace(found, state=FoundState.INCOMPLETE, reason=missing)
    path = catalogue_path(snapshot.host, each.folder.path)
    hindrance = _linked(each) or _unwritable(snapshot.host, path, each.folder.path)
    servers, remarks = _servers(snapshot.catalogue, facts)
    if hindrance is None and not servers:
        hindrance = phrase("Your list has no SGLang or vLLM server that could load it.")
    if hindrance is not None:
        return replace(found, reason=hindrance)
    return _proposed(snapshot, each, replace(found, remarks=remarks), path, servers)


def _unsuitable(each: FoundFolder, facts: ModelFacts) -> Phrase | None:
    files = each.folder.files
    if CONFIG not in files and ADAPTER in files:
        return phrase("It is an adapter (LoRA), not a whole model.")
    if any(name.endswith(".gguf") for name in files) and not _has_other_weights(files):
        return phrase("GGUF files are for Ollama or llama.cpp. To use one in Ollama: ollama create")
    return facts.neither


def _has_other_weights(files: Iterable[str]) -> bool:
    return any(name.endswith((".safetensors", ".bin", ".pt")) for name in files)


def _unread(each: FoundFolder) -> Phrase | None:
    if each.folder.config is not None:
        return None
    return phrase("Its config.json cannot be read, or it is no JSON.")


def _linked(each: FoundFolder) -> Phrase | None:
    """The container sees this one folder only."""
    if not each.outward:
        return None
    name = clean_name(each.outward[0])
    if _CACHED.fullmatch(each.path):
        return phrase(
            "It lies in a Hugging Face cache as links, which lead nowhere inside a container. "
            "Download it into a folder of its own: hf download --local-dir …"
        )
    return phrase("{file} is a link out of the folder, which leads nowhere inside a container.", file=name)


def _unwritable(host: HostProfile, path: str, at: str) -> Phrase | None:
    """Why the catalogue cannot hold this path."""
    if has_hidden(path) or _on_disk(host, path) != at:
        return phrase("The name of its folder cannot be written into models.json. Rename it.")
    try:
        checked_path(path, Place(""))
    except CatalogueError as error:
        told = error.problem
        return phrase("{cause}. {remedy}", cause=told.message, remedy=told.remedy)
    return None


def _servers(catalogue: Catalogue, facts: ModelFacts) -> tuple[tuple[Server, ...], tuple[Phrase, ...]]:
    """Where it can be loaded: by the engines that know its architecture, or by all if none is known to."""
    starting = [s for s in catalogue.servers if not engine(s.engine).loads_by_api]
    known = [kind for kind in EngineKind if facts.architecture in engine(kind).architectures]
    if facts.architecture is None:
        return tuple(starting), ()
    if not known:
        said = phrase(
            "sparktray does not know the architecture {architecture}: whether an engine loads it shows when "
            "it starts.",
            architecture=facts.architecture,
        )
        return tuple(starting), (said,)
    return tuple(s for s in starting if s.engine in known), ()


def _proposed(
    snapshot: Snapshot, each: FoundFolder, found: Found, path: str, servers: tuple[Server, ...]
) -> Found:
    facts = found.facts
    context = None if facts.trained_context is None else min(facts.trained_context, MOST_CONTEXT)
    names = tuple(server.name for server in servers)
    entry: dict[str, object] = {
        "id": found.id,
        "server": names[0] if len(names) == 1 else list(names),
        "path": path,
        "kind": str(facts.kind),
        "context": context,
    }
    if facts.kind is ModelKind.EMBEDDING:
        entry["purpose"] = ["embeddings"]
    remarks = found.remarks
    engines = dict.fromkeys(server.engine for server in servers) if facts.own_code else {}
    if engines:
        entry["args"] = {str(kind): [TRUST] for kind in engines}
        code = phrase(
            "It brings Python code of its own, which the engine runs in its container ({flag}).", flag=TRUST
        )
        remarks = (*remarks, code)
    model = Model(
        id=found.id,
        servers=names,
        path=path,
        kind=facts.kind,
        context=context,
        args=dict.fromkeys(engines, (TRUST,)),
    )
    takes = _takes(Launch(servers[0], model, snapshot.host, each.folder))
    with_needs = replace(snapshot, needs=() if takes is None else ((model.id, names[0], takes),))
    needs = None if takes is None else takes.parts
    return replace(
        found,
        state=FoundState.NEW,
        servers=names,
        context=context,
        needs=needs,
        fit=fit(with_needs, model, servers[0]),
        unknown=_unknown(facts, needs),
        remarks=remarks,
        entry=entry,
    )


def _takes(launch: Launch) -> Footprint | None:
    """What it would take; not known without a context, for then the engine takes what it finds."""
    model = launch.model
    if model.context is None and model.kind is ModelKind.CHAT:
        return None
    return engine(launch.server.engine).footprint(launch)


def _unknown(facts: ModelFacts, needs: int | None) -> tuple[Phrase, ...]:
    told = (
        (facts.architecture, phrase("architecture")),
        (facts.quantization, phrase("quantization")),
        (facts.trained_context, phrase("trained context")),
        (needs, phrase("what it needs of memory")),
    )
    return tuple(name for value, name in told if value is None)
