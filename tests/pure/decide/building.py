"""Builders for the tests of the decisions: a catalogue, containers, facts of a host, a reduced snapshot."""

from __future__ import annotations

import string
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from msgspec.structs import replace

from sparktray.decide.effects import Effect
from sparktray.decide.reduce import begin, reduce
from sparktray.domain.asking import Health, Reading, ServedModel
from sparktray.domain.catalogue import Catalogue, EngineKind, Model, ModelKind, Secret, Server
from sparktray.domain.docker.answers import DockerEvent
from sparktray.domain.docker.container import (
    LABEL_LOCK_EXPIRES,
    LABEL_LOCK_OWNER,
    LABEL_LOCK_SINCE,
    LABEL_OPERATION,
    LABEL_SERVER,
    LOCK_NAME,
    Container,
    ContainerState,
    Mount,
    PublishedPort,
)
from sparktray.domain.events import ContainersRead, DockerHappened, Event, LinkUp, Probed, Sampled
from sparktray.domain.facts.survey import ModelFolder, Survey
from sparktray.domain.facts.vitals import Vitals
from sparktray.domain.host import HostProfile
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import ServerState, Snapshot, first_snapshot

NOW = 1_800_000_000.0
OWNER = "anna@laptop"
GIB = 1 << 30
MODELS = "/home/sparkuser/ai/models"
HOST = HostProfile("spark", "spark.local")
SPARK_IMAGE, VLLM_IMAGE, OLLAMA_IMAGE = (
    "lmsysorg/sglang:spark",
    "nvcr.io/nvidia/vllm:26.05-py3",
    "ollama/ollama",
)
E = TypeVar("E")


def _server(name: str, engine: EngineKind, port: int, image: str) -> Server:
    return Server(name=name, engine=engine, container=name, port=port, image=image)


SGLANG = _server("sglang", EngineKind.SGLANG, 30000, SPARK_IMAGE)
SGLANG_MAIN = _server("sglang-main", EngineKind.SGLANG, 30001, SPARK_IMAGE)
VLLM = _server("vllm", EngineKind.VLLM, 8000, VLLM_IMAGE)
OLLAMA = _server("ollama", EngineKind.OLLAMA, 11434, OLLAMA_IMAGE)


def _model(name: str, *servers: str, **more: Any) -> Model:
    return Model(id=name, servers=servers, **({"path": "{models}/" + name} | more))


SCOUT = _model("scout", "sglang", "vllm", context=131072)
QWEN = _model("qwen", "sglang-main", "vllm", "ollama", context=32768, ollama="qwen3:32b")
CODER = _model("coder", "sglang", "vllm", "ollama", ollama="qwen3-coder:30b", served_name="coder-30b")
BGE = _model("bge-m3", "sglang", "ollama", kind=ModelKind.EMBEDDING, ollama="bge-m3")
TWIN = _model("qwen-long", "sglang-main", path="{models}/qwen", served_name="qwen-long")
GATED = _model("gated", "sglang", env={"HF_TOKEN": Secret(name="hf")})
CATALOGUE = Catalogue(
    servers=(SGLANG, SGLANG_MAIN, VLLM, OLLAMA), models=(SCOUT, QWEN, CODER, BGE, TWIN, GATED)
)


def identity(name: str) -> str:
    """A container id made from a name: 64 characters."""
    kept = "".join(c for c in name if c in string.ascii_letters + string.digits)
    return (kept * 64)[:64]


def box(name: str = "sglang", **changes: Any) -> Container:
    """A running, inspected container that runs nothing in particular."""
    values: dict[str, Any] = {
        "id": identity(name),
        "image": "debian:12",
        "state": ContainerState.RUNNING,
        "network": "bridge",
        "started_at": NOW - 600,
        "inspected": True,
    }
    return Container(name=name, **(values | changes))


def sglang_box(
    name: str = "sglang", *, port: int = 30000, model: str = "scout", served: str | None = "", **changes: Any
) -> Container:
    """A running SGLang as the page starts one: published port, mounted folder, served name."""
    argv = ["python3", "-m", "sglang.launch_server", "--model-path", "/model"]
    named = model if served == "" else served
    argv += [] if named is None else ["--served-model-name", named]
    values: dict[str, Any] = {
        "image": SPARK_IMAGE,
        "argv": (*argv, "--host", "0.0.0.0", "--port", str(port)),
        "ports": (PublishedPort(port, port),),
        "mounts": (Mount(f"{MODELS}/{model}", "/model"),),
    }
    return box(name, **(values | changes))


def vllm_box(name: str = "vllm", *, port: int = 8000, model: str = "qwen", **changes: Any) -> Container:
    """A running vLLM."""
    values: dict[str, Any] = {
        "image": VLLM_IMAGE,
        "argv": ("vllm", "serve", "/model", "--served-model-name", model, "--port", str(port)),
        "ports": (PublishedPort(port, port),),
        "mounts": (Mount(f"{MODELS}/{model}", "/model"),),
    }
    return box(name, **(values | changes))


def ollama_box(name: str = "ollama", **changes: Any) -> Container:
    """A running Ollama."""
    values: dict[str, Any] = {
        "image": OLLAMA_IMAGE,
        "argv": ("/bin/ollama", "serve"),
        "ports": (PublishedPort(11434, 11434),),
    }
    return box(name, **(values | changes))


def lock_box(operation: str = "theirs", *, expires: str | None = "2030-01-01T00:00:00Z") -> Container:
    """The lock of somebody's operation."""
    labels = {LABEL_OPERATION: operation, LABEL_LOCK_OWNER: "bob@desk", LABEL_LOCK_SINCE: "10:00"}
    if expires is not None:
        labels[LABEL_LOCK_EXPIRES] = expires
    return box(LOCK_NAME, image=SPARK_IMAGE, argv=("true",), state=ContainerState.CREATED, labels=labels)


def ended(container: Container, code: int | None = 0, *, ago: float = 60.0, **changes: Any) -> Container:
    """The same container, over since AGO seconds."""
    over = {"state": ContainerState.EXITED, "exit_code": code, "finished_at": NOW - ago}
    return replace(container, **(over | changes))


def ours(container: Container, operation: str) -> Container:
    """The same container as started by an operation of this program."""
    labels = {**container.labels, LABEL_OPERATION: operation, LABEL_SERVER: container.name}
    return replace(container, labels=labels)


def ready(*names: str, running: int | None = 0, waiting: int | None = 0, **more: Any) -> Reading:
    """A healthy answer that lists these IDs."""
    served = tuple(ServedModel(name) for name in names)
    return Reading(Health.READY, served, running=running, waiting=waiting, **more)


def problem(code: str = "broken", technical: str = "") -> Problem:
    """A problem of no particular kind."""
    return Problem(code, phrase("It broke."), phrase("Mend it."), technical)


def folder(model: Model = SCOUT) -> ModelFolder:
    """A complete model folder on the host, 8 GiB of weights."""
    return ModelFolder(
        HOST.expand(model.path or ""),
        {"config.json": 900, "model.safetensors": 8 * GIB, "tokenizer.json": 9, "tokenizer_config.json": 9},
        {"num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128},
    )


def survey(model: Model | None = SCOUT, **changes: Any) -> Survey:
    """What a host tells that has everything a switch to this model needs."""
    values: dict[str, Any] = {
        "image_present": True,
        "host_time": NOW,
        "folder": folder(model) if model is not None else None,
        "lock_image": SPARK_IMAGE,
    }
    return Survey(**(values | changes))


def happened(action: str, container: Container, *, at: float = NOW, **more: Any) -> DockerEvent:
    """An event of Docker about a container."""
    values: dict[str, Any] = {"name": container.name, "exit_code": None}
    return DockerEvent(action=action, id=container.id, time=at, **(values | more))


def rendered(text: Phrase) -> str:
    """The English sentence; a placeholder without a value raises."""
    values = {name: rendered(v) if isinstance(v, Phrase) else v for name, v in text.values.items()}
    one = text.plural is None or text.count == 1
    return (text.msgid if one else text.plural or "").format_map(values)


@dataclass
class Desk:
    """A snapshot and the clock beside it; ``take`` reduces an event and keeps the effects."""

    snapshot: Snapshot = field(default_factory=lambda: first_snapshot(HOST, CATALOGUE))
    now: float = NOW
    effects: list[Effect] = field(default_factory=list)

    def take(self, event: Event, *, after: float = 0.0) -> list[Effect]:
        """The effects of one event, AFTER seconds from the one before."""
        self.now += after
        self.snapshot, effects = reduce(self.snapshot, event, OWNER, self.now)
        self.effects += effects
        return list(effects)

    def happen(self, action: str, container: Container, **more: Any) -> list[Effect]:
        """Docker tells of something."""
        event = happened(action, container, at=self.now, **more)
        return self.take(DockerHappened(self.snapshot.epoch, event))

    def read(self, *containers: Container) -> list[Effect]:
        """A full reading comes back."""
        return self.take(ContainersRead(self.snapshot.epoch, self.snapshot.sequence, containers))

    def probe(self, server: str, reading: Reading) -> list[Effect]:
        """The server's port answers."""
        state = self.state(server)
        running = state.container is not None and state.container.running
        target = state.container.id if state.container is not None and running else None
        answered = Probed(self.snapshot.epoch, server, target, reading)
        if reading.health is Health.LOCKED and not state.wants_key:
            self.take(answered)  # it is asked once more, with a key
        return self.take(answered)

    def sample(self, available: int | None = 100 * GIB) -> list[Effect]:
        """A sample of the host's memory comes in."""
        return self.take(Sampled(self.snapshot.epoch, Vitals(self.now, 120 * GIB, available)))

    def state(self, server: str = "sglang") -> ServerState:
        """What is known about that server."""
        found = self.snapshot.state_of(server)
        assert found is not None
        return found


def connected(*containers: Container, catalogue: Catalogue = CATALOGUE) -> Desk:
    """A host that is connected, read and sampled; no port was asked yet."""
    desk = Desk(first_snapshot(HOST, catalogue))
    desk.snapshot, effects = begin(desk.snapshot, desk.now)
    desk.effects += effects
    desk.take(LinkUp(desk.snapshot.epoch))
    desk.read(*containers)
    desk.sample()
    return desk


def serving(*containers: Container, **readings: Reading) -> Desk:
    """A connected host whose servers answered; ``sglang_main=...`` means ``sglang-main``."""
    desk = connected(*containers)
    for name, reading in readings.items():
        desk.probe(name.replace("_", "-"), reading)
    return desk


def only(kind: type[E], effects: Iterable[object]) -> list[E]:
    """The effects of that kind."""
    return [effect for effect in effects if isinstance(effect, kind)]
