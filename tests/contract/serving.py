"""What a host's engines answer and print, and what else a host tells: the same on every host."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from sparktray.control.checking import look_around
from sparktray.control.reading import converse
from sparktray.domain.asking import Health, Reading
from sparktray.domain.catalogue import Catalogue, EngineKind, ModelKind
from sparktray.domain.facts.survey import read_listeners
from sparktray.domain.facts.vitals import read_memory, read_vitals
from sparktray.domain.host import HostProfile
from sparktray.domain.snapshot import LoadProgress
from sparktray.domain.text import split_log
from sparktray.engines import ollama
from sparktray.engines.protocol import Depth
from sparktray.engines.registry import engine
from sparktray.remote.contract import EntryKind, Remote
from sparktray.remote.errors import CommandFailed, ConnectionRefused, LinkLost, TooLarge
from sparktray.store.catalogue_file import load_catalogue
from sparktray.store.paths import ConfigFolder
from tests.contract.docker import IMAGE, MODELS, docker, found, made
from tests.waiting import scaled, wait_until

Check = Callable[[Remote], None]
PORT, VLLM = 30005, "nvcr.io/nvidia/vllm:26.05-py3"
PHI4 = f"{MODELS}/phi4/phi4-reasoning"


def _sglang(*more: str, folder: str = PHI4) -> tuple[str, ...]:
    server = ("python3", "-m", "sglang.launch_server", "--model-path", "/model", "--host", "0.0.0.0")
    options = ("--name", "one", "--gpus", "all", "-p", f"{PORT}:{PORT}", "-v", f"{folder}:/model")
    return ("run", "-d", *options, IMAGE, *server, "--port", str(PORT), *more)


def _vllm(*more: str, folder: str = PHI4) -> tuple[str, ...]:
    options = (
        "--name",
        "one",
        "--gpus",
        "all",
        "--ipc=host",
        "-p",
        f"{PORT}:{PORT}",
        "-v",
        f"{folder}:/model",
    )
    words = ("vllm", "serve", "/model", "--host", "0.0.0.0", "--port", str(PORT), *more)
    return ("run", "-d", *options, VLLM, *words)


def _reading(remote: Remote, kind: EngineKind, port: int = PORT) -> Reading:
    return converse(remote.http, port, engine(kind).probe(Depth.HEALTH))


def _ready(remote: Remote, kind: EngineKind, port: int = PORT) -> Reading:
    def look() -> Reading | None:
        told = _reading(remote, kind, port)
        return told if told.health is Health.READY else None

    told = wait_until(look, "it to be ready", seconds=40)
    assert told is not None
    return told


def _ids(told: Reading) -> list[str]:
    return [each.id for each in told.served or ()]


def _lines(remote: Remote, name: str = "one") -> list[str]:
    raw = remote.docker.logs(name, tail=1000)
    return [line for text in raw for line in split_log(text.decode())]


def _stages(kind: EngineKind, lines: Sequence[str]) -> list[float]:
    """How far the load is after each line that tells it."""
    stages: list[float] = []
    progress: LoadProgress | None = None
    for line in lines:
        progress = engine(kind).progress([line], progress)
        if progress is not None and progress.fraction is not None:
            stages.append(progress.fraction)
    return stages


def sglang_from_start_to_stop(remote: Remote) -> None:
    """Refused while it loads, its phases in the log, the exact ID, one token, and refused again."""
    made(remote, *_sglang("--served-model-name", "Some/Name", "--context-length", "4096"))
    assert _reading(remote, EngineKind.SGLANG).health in {Health.REFUSED, Health.WARMING, Health.READY}
    told = _ready(remote, EngineKind.SGLANG)
    assert (_ids(told), told.running, told.waiting) == (["Some/Name"], 0, 0)
    assert told.served is not None
    assert (told.served[0].root, told.served[0].context_length) == ("Some/Name", 4096)
    known = engine(EngineKind.SGLANG)
    assert converse(remote.http, PORT, known.prove("Some/Name", ModelKind.CHAT)).holds
    assert not converse(remote.http, PORT, known.prove("Some/Name", ModelKind.EMBEDDING)).holds
    assert remote.http.ask(PORT, "GET", "/nothing", deadline=scaled(5)).status == 404
    stages = _stages(EngineKind.SGLANG, _lines(remote))
    assert stages == sorted(stages)
    assert stages[-1] == 1.0
    assert len(set(stages)) > 6
    made(remote, "stop", "-t", "20", "one")
    assert found(remote, "one").exit_code == 0
    assert _reading(remote, EngineKind.SGLANG).health is Health.REFUSED


def sglang_with_embeddings(remote: Remote) -> None:
    """A vector, and no chat."""
    made(remote, *_sglang("--served-model-name", "bge-m3", "--is-embedding", folder=f"{MODELS}/bge/bge-m3"))
    assert _ids(_ready(remote, EngineKind.SGLANG)) == ["bge-m3"]
    known = engine(EngineKind.SGLANG)
    assert converse(remote.http, PORT, known.prove("bge-m3", ModelKind.EMBEDDING)).holds
    assert not converse(remote.http, PORT, known.prove("bge-m3", ModelKind.CHAT)).holds


def vllm_from_start_to_stop(remote: Remote) -> None:
    """The same of vLLM; it says which folder it serves."""
    if remote.docker.image(VLLM) is None:
        made(remote, "pull", VLLM)
    share = ("--kv-cache-memory-bytes", "4000000000", "--gpu-memory-utilization", "0.30")
    made(remote, *_vllm("--served-model-name", "phi", "--max-model-len", "4096", *share))
    told = _ready(remote, EngineKind.VLLM)
    assert (_ids(told), told.running, told.waiting) == (["phi"], 0, 0)
    assert told.served is not None
    assert (told.served[0].root, told.served[0].context_length) == ("/model", 4096)
    known = engine(EngineKind.VLLM)
    assert converse(remote.http, PORT, known.prove("phi", ModelKind.CHAT)).holds
    assert not converse(remote.http, PORT, known.prove("other", ModelKind.CHAT)).holds
    stages = _stages(EngineKind.VLLM, _lines(remote))
    assert stages == sorted(stages)
    assert stages[-1] == 1.0
    made(remote, "stop", "-t", "20", "one")
    assert found(remote, "one").exit_code == 0


def _wait_gone(remote: Remote, name: str) -> None:
    wait_until(lambda: name not in _ids(_reading(remote, EngineKind.OLLAMA, 11434)), f"{name} to go")


def ollama_loads_and_gives_up(remote: Remote) -> None:
    """By its API; what is installed is not what is loaded."""
    if remote.docker.inspect("ollama") is None:
        words = ("-p", "11434:11434", "-v", "ollama:/root/.ollama", "ollama/ollama")
        made(remote, "run", "-d", "--name", "ollama", *words)
    told = _ready(remote, EngineKind.OLLAMA, 11434)
    assert _ids(told) == []
    assert {"qwen3:32b", "bge-m3:latest"} <= set(told.installed or ())
    for name, listed in (("qwen3:32b", "qwen3:32b"), ("bge-m3", "bge-m3:latest")):
        assert converse(remote.http, 11434, ollama.load(name)).holds
        assert listed in _ids(_reading(remote, EngineKind.OLLAMA, 11434))
        assert converse(remote.http, 11434, ollama.unload(name)).holds
        _wait_gone(remote, listed)
    assert not converse(remote.http, 11434, ollama.load("nothing:1b")).holds
    kind = engine(EngineKind.OLLAMA)
    assert converse(remote.http, 11434, kind.prove("bge-m3:latest", ModelKind.EMBEDDING)).holds
    assert converse(remote.http, 11434, kind.prove("qwen3:32b", ModelKind.CHAT)).holds


def logs_are_followed_to_the_end(remote: Remote) -> None:
    """The tail, what comes later, nothing from the future, and an end with the container's."""
    made(remote, *_sglang("--served-model-name", "x"))
    _ready(remote, EngineKind.SGLANG)
    assert len(remote.docker.logs("one", tail=2)) == 2
    assert remote.docker.logs("one", tail=50, since=4_000_000_000.0) == []
    heard: list[bytes] = []
    with remote.docker.follow_logs("one", tail=1) as stream:
        thread = threading.Thread(target=lambda: heard.extend(stream))
        thread.start()
        remote.http.ask(PORT, "GET", "/nothing", deadline=scaled(5))
        wait_until(lambda: any(b"/nothing" in line for line in heard), "the line of the request")
        made(remote, "stop", "-t", "20", "one")
        thread.join(scaled(10))
        assert not thread.is_alive()
    with remote.docker.follow_logs("one") as over:
        assert len(list(over)) == len(remote.docker.logs("one", tail=10_000))
    made(remote, "start", "one")
    quiet = remote.docker.follow_logs("one", tail=0)
    ended = threading.Thread(target=lambda: list(quiet))
    ended.start()
    quiet.close()
    ended.join(scaled(5))
    assert not ended.is_alive()


def bytes_to_a_port(remote: Remote) -> None:
    """A forward's stream; nobody there is refused at once or by the end of it."""
    made(remote, *_sglang("--served-model-name", "x"))
    _ready(remote, EngineKind.SGLANG)
    stream = remote.open_port(PORT)
    stream.sendall(b"GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", scaled(5))
    answer = b""
    while b'"id"' not in answer:
        more = stream.recv(65536, scaled(5))
        assert more
        answer += more
    assert answer.startswith(b"HTTP/1.1 200 OK")
    stream.close()
    with pytest.raises(ConnectionRefused):
        remote.http.ask(30999, "GET", "/", deadline=scaled(5))
    with pytest.raises(ConnectionRefused):
        remote.open_port(30999)


def memory_and_gpu(remote: Remote) -> None:
    """A GB10: its memory is the host's, and its own figures of it are missing."""
    sample = remote.sample()
    vitals = read_vitals(sample.meminfo, sample.gpu, 0.0, sample.processes, sample.cgroups)
    assert vitals.gpu_name == "NVIDIA GB10"
    assert vitals.gpu_percent is not None
    assert vitals.gpu_celsius is not None
    assert vitals.gpu_watt is not None
    assert vitals.total_bytes is not None
    assert vitals.available_bytes is not None
    assert 0 < vitals.available_bytes < vitals.total_bytes
    assert vitals.shares is not None
    read = remote.read_file("/proc/meminfo")
    assert read is not None
    memory = read_memory(read.decode())
    assert memory is not None
    assert memory[1] == vitals.total_bytes


def files_of_models(remote: Remote) -> None:
    """Folders as they are listed, files as they are read, and what is not there."""
    entries = remote.list_folder(PHI4)
    assert entries is not None
    kinds = {entry.name: entry.kind for entry in entries}
    assert kinds["config.json"] is EntryKind.FILE
    assert sum(entry.size for entry in entries if entry.name.endswith(".safetensors")) > 29 * 10**9
    config = remote.read_file(f"{PHI4}/config.json")
    assert config is not None
    assert len(config) == next(entry.size for entry in entries if entry.name == "config.json")
    assert b"Phi3ForCausalLM" in config
    families = remote.list_folder(MODELS)
    assert families is not None
    assert {(each.name, each.kind) for each in families} >= {("qwen3", EntryKind.FOLDER)}
    assert remote.list_folder(f"{MODELS}/nothing") is None
    assert remote.read_file(f"{MODELS}/nothing") is None
    with pytest.raises(CommandFailed):
        remote.read_file(PHI4)
    with pytest.raises(TooLarge):
        remote.read_file(f"{PHI4}/config.json", cap=10)
    with pytest.raises(ValueError, match="absolute"):
        remote.read_file("-n")


def what_an_assistant_looks_for(remote: Remote) -> None:
    """The catalogue's models in their folders, and who listens."""
    catalogue = _shipped()
    around = look_around(remote, HostProfile("x", "x"), catalogue)
    assert {model.id for model in around.models} == {model.id for model in catalogue.models}
    assert around.running is not None
    made(remote, *_sglang("--served-model-name", "x"))
    told = remote.run(["ss", "-Hltnp"], deadline=scaled(10))
    assert told.exit_code == 0
    assert PORT in {each.port for each in read_listeners(told.stdout.decode())}


def _shipped() -> Catalogue:
    return load_catalogue(ConfigFolder(Path("/nonexistent/sparktray")))


def a_link_that_is_closed(remote: Remote) -> None:
    """Whatever uses it ends, and is told why; the last check on a host."""
    remote.check()
    lost: list[str] = []
    remote.on_lost(lambda: lost.append("once"))
    events = remote.docker.events()
    ended: list[type[BaseException]] = []

    def follow() -> None:
        try:
            list(events)
        except LinkLost as error:
            ended.append(type(error))

    thread = threading.Thread(target=follow)
    thread.start()
    remote.close()
    thread.join(scaled(5))
    assert not thread.is_alive()
    assert (ended, lost) == ([LinkLost], ["once"])
    with pytest.raises(LinkLost):
        remote.check()
    with pytest.raises(LinkLost):
        docker(remote, "start", "one")
    remote.on_lost(lambda: lost.append("late"))
    assert lost == ["once", "late"]


CHECKS: tuple[Check, ...] = (
    sglang_from_start_to_stop,
    sglang_with_embeddings,
    vllm_from_start_to_stop,
    ollama_loads_and_gives_up,
    logs_are_followed_to_the_end,
    bytes_to_a_port,
    memory_and_gpu,
    files_of_models,
    what_an_assistant_looks_for,
    a_link_that_is_closed,
)
