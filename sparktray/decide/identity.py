"""Which container is which server, and which model it really holds."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from sparktray.domain.catalogue import Catalogue, EngineKind, Model, Server
from sparktray.domain.docker.container import PREVIOUS, Container
from sparktray.domain.host import HostProfile, folder_name
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.snapshot import ServerState, Snapshot
from sparktray.engines.registry import engine


def port_held(container: Container, port: int) -> bool:
    """True when a running container holds that port of the host."""
    if not container.running:
        return False
    if container.network == "host":
        return _own_port(container) == port
    return any(p.port == port for p in container.ports)


def _own_port(container: Container) -> int | None:
    for kind in EngineKind:
        if engine(kind).recognises(container):
            return engine(kind).port_of(container)
    return None


def container_of(server: Server, containers: Iterable[Container]) -> Container | None:
    """The container that is this server, whoever started it.

    By its published host port, else by the port of its command under host networking, else by
    name. A running one comes before a stopped one; one put aside under ``.previous`` is not it.
    """
    known = engine(server.engine)
    ours = [c for c in containers if not c.is_lock and known.recognises(c)]
    holders = [c for c in ours if port_held(c, server.port)]
    named = [c for c in ours if c.name == server.container and not _elsewhere(c, server)]
    running = [c for c in named if c.running]
    return next(iter([*holders, *running, *named]), None)


def _elsewhere(container: Container, server: Server) -> bool:
    """A running container of our name that serves on other ports only: it is another server's."""
    if not container.running:
        return False
    if container.network == "host":
        return _own_port(container) != server.port
    return bool(container.ports) and not port_held(container, server.port)


def stranger_on(server: Server, containers: Iterable[Container]) -> Container | None:
    """A running container that holds the server's port and is not its engine."""
    known = engine(server.engine)
    held = (c for c in containers if port_held(c, server.port))
    return next((c for c in held if not known.recognises(c)), None)


def contradiction(server: Server, container: Container | None) -> Phrase | None:
    """Name and port that tell different stories about a container."""
    if container is None or container.name in {server.container, server.container + PREVIOUS}:
        return None
    return phrase(
        "Container {container} serves on port {port}, which the catalogue gives to {expected}.",
        container=container.name,
        port=server.port,
        expected=server.container,
    )


class Running(msgspec.Struct, frozen=True):
    """What a server really runs. ``model`` is the catalogue's entry for what is mounted or loaded.

    ``model_id`` is the exact ID clients see, None while it is not known; ``misnamed`` when that ID
    is not a name of the model that is mounted. ``until`` is when Ollama gives it up if nobody asks it.
    """

    model: Model | None = None
    model_id: str | None = None
    model_path: str | None = None
    misnamed: bool = False
    context_length: int | None = None
    until: float | None = None


def running_on(snapshot: Snapshot, state: ServerState) -> Running:
    """What the server of that state runs, read from its container and from ``/v1/models``."""
    served = state.served[0] if state.served else None
    model_id = served.id if served else None
    context = served.context_length if served else None
    if state.server.engine is EngineKind.OLLAMA:
        loaded = _ollama_model(snapshot.catalogue, state.server, model_id)
        return Running(loaded, model_id, None, False, context, served.until if served else None)
    path = mounted_path(state)
    name = model_id or declared_name(state)
    scripted = scripted_model(snapshot.catalogue, state, name)
    if path is None:
        return Running(scripted, model_id, None, False, context)
    # An entry with scripts may mean a folder that another entry has too: its name tells it apart.
    model = scripted or model_at(snapshot.catalogue, snapshot.host, path, name)
    names = {folder_name(path)} | ({model.id, model.name_on(state.server)} if model else set())
    return Running(model, model_id, path, model_id is not None and model_id not in names, context)


def mounted_path(state: ServerState) -> str | None:
    """The host folder of the model that a server's running container was started with."""
    running = state.container is not None and state.container.running
    return _path_of(state) if running else None


def _path_of(state: ServerState) -> str | None:
    if state.container is None:
        return None
    inside = engine(state.server.engine).model_path(state.container)
    return None if inside is None else state.container.host_path(inside)


def started_model(snapshot: Snapshot, state: ServerState) -> Model | None:
    """The entry that a server's container was started with, whether it runs or has ended."""
    path = _path_of(state)
    if path is None:
        return None
    return model_at(snapshot.catalogue, snapshot.host, path, declared_name(state))


def scripted_model(catalogue: Catalogue, state: ServerState, name: str | None) -> Model | None:
    """The entry with scripts of its own that is served there under that name; None for what we started."""
    if state.container is not None and state.container.managed:
        return None
    here = catalogue.models_on(state.name)
    return next((m for m in here if m.start is not None and m.name_on(state.server) == name), None)


def declared_name(state: ServerState) -> str | None:
    """The served name a server's container was started with."""
    return None if state.container is None else engine(state.server.engine).declared_name(state.container)


def model_at(catalogue: Catalogue, host: HostProfile, path: str, name: str | None) -> Model | None:
    """The entry whose folder this is; of several, the one that is served under that name."""
    here = [m for m in catalogue.models if m.path is not None and host.expand(m.path) == path.rstrip("/")]
    return next((m for m in here if name in {m.id, m.served_name}), here[0] if here else None)


def _ollama_model(catalogue: Catalogue, server: Server, name: str | None) -> Model | None:
    if name is None:
        return None
    wanted = {name, name.removesuffix(":latest")}
    return next((m for m in catalogue.models_on(server.name) if m.ollama in wanted), None)


def base_url(host: HostProfile, state: ServerState) -> str:
    """The OpenAI base URL of a server as this computer reaches it, ``/v1`` included."""
    address = "127.0.0.1" if host.is_local else host.address
    bracketed = f"[{address}]" if ":" in address else address
    return f"http://{bracketed}:{state.server.port}/v1"
