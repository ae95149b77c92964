"""Hand-made pictures of a host, as the controller would publish them."""

from __future__ import annotations

from msgspec.structs import replace

from sparktray.domain.asking import Health, ServedModel
from sparktray.domain.catalogue import Catalogue
from sparktray.domain.docker.container import LABEL_SERVER, Container, ContainerState, Mount, PublishedPort
from sparktray.domain.facts.vitals import Vitals
from sparktray.domain.host import HostProfile
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Failure
from sparktray.domain.snapshot import LinkPhase, LoadProgress, Phase, ServerState, Snapshot, first_snapshot
from sparktray.store.catalogue_file import load_catalogue
from sparktray.store.paths import ConfigFolder

HOST = HostProfile("spark", "10.0.0.2", user="me", fingerprint="SHA256:" + "a" * 43)
QWEN = "qwen3-32b-nvfp4"


def catalogue() -> Catalogue:
    from pathlib import Path

    return load_catalogue(ConfigFolder(Path("/nonexistent")))


def serving(name: str, port: int, model: str, **changes: object) -> Container:
    """A running SGLang container as the page starts it."""
    path = next(m.path for m in catalogue().models if m.id == model) or ""
    made = Container(
        id=f"{name}-id",
        name=name,
        image="lmsysorg/sglang:spark",
        state=ContainerState.RUNNING,
        ports=(PublishedPort(port, 30000),),
        argv=("python3", "-m", "sglang.launch_server", "--model-path", "/model", "--port", "30000"),
        mounts=(Mount(HOST.expand(path), "/model"),),
        started_at=1_700_000_000.25,
        inspected=True,
    )
    return replace(made, **changes)


def picture(*states: ServerState, others: tuple[Container, ...] = ()) -> Snapshot:
    """A connected host with these servers in their state and all others idle."""
    known = {state.name: state for state in states}
    first = first_snapshot(HOST, catalogue())
    servers = tuple(known.get(s.name, replace(s, phase=Phase.IDLE)) for s in first.servers)
    containers = tuple(s.container for s in servers if s.container is not None)
    return replace(
        first,
        servers=servers,
        link=LinkPhase.CONNECTED,
        containers=(*containers, *others),
        containers_known=True,
        observed_at=1_700_000_100.0,
        vitals=Vitals(1.0, 128 << 30, 64 << 30, "NVIDIA GB10", 12.0, 45.0, None),
    )


def state_of(server: str, container: Container | None, **changes: object) -> ServerState:
    """The state of one server of the shipped catalogue."""
    entry = catalogue().server(server)
    assert entry is not None
    return replace(ServerState(entry, container), **changes)


def ready(server: str = "sglang-main", model: str = QWEN, model_id: str | None = None) -> ServerState:
    """A server that serves a model of the catalogue, under its own name or another one."""
    entry = catalogue().server(server)
    assert entry is not None
    return state_of(
        server,
        serving(server, entry.port, model, labels={LABEL_SERVER: server}),
        health=Health.READY,
        served=(ServedModel(model_id or model, None, 32768),),
        running=0,
        tokens_per_second=31.5,
        ever_ready=True,
        phase=Phase.READY,
    )


def failed(server: str = "sglang") -> ServerState:
    """A server whose container died for memory."""
    dead = serving(server, 30000, QWEN, state=ContainerState.EXITED, exit_code=1)
    failure = Failure("out-of-memory", phrase("Memory ran out."), phrase("Use less."), ("a line",), 1.0)
    return state_of(server, dead, failure=failure, phase=Phase.FAILED)


def loading(server: str = "vllm") -> ServerState:
    """A server on its way, two fifths through its weights."""
    entry = catalogue().server(server)
    assert entry is not None
    return state_of(
        server,
        serving(server, entry.port, QWEN),
        progress=LoadProgress(phrase("Loading weights"), 0.4),
        phase=Phase.LOADING,
    )
