from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from sparktray.decide.identity import (
    Running,
    base_url,
    container_of,
    contradiction,
    declared_name,
    model_at,
    mounted_path,
    port_held,
    running_on,
    started_model,
    stranger_on,
)
from sparktray.domain.asking import ServedModel
from sparktray.domain.catalogue import Server
from sparktray.domain.docker.container import Container, ContainerState, Mount
from sparktray.domain.host import HostProfile
from sparktray.domain.snapshot import ServerState
from tests.pure.decide.building import (
    BGE,
    CATALOGUE,
    HOST,
    MODELS,
    OLLAMA,
    QWEN,
    SCOUT,
    SGLANG,
    SGLANG_MAIN,
    TWIN,
    VLLM,
    box,
    connected,
    ended,
    lock_box,
    ollama_box,
    ready,
    rendered,
    serving,
    sglang_box,
    vllm_box,
)

BY_NAME = sglang_box(ports=())
HOST_NET = sglang_box("by-hand", network="host", ports=())
BELONGING: list[tuple[str, Server, tuple[Container, ...], str | None]] = [
    ("nothing", SGLANG, (), None),
    ("by published port", SGLANG, (sglang_box("by-hand"),), "by-hand"),
    ("by --port under host networking", SGLANG, (HOST_NET,), "by-hand"),
    (
        "the engine's default port",
        SGLANG,
        (sglang_box("h", network="host", ports=(), argv=("sglang", "serve")),),
        "h",
    ),
    ("by name", SGLANG, (BY_NAME,), "sglang"),
    ("by name, stopped", SGLANG, (ended(sglang_box()),), "sglang"),
    ("port before name", SGLANG, (BY_NAME, sglang_box("by-hand")), "by-hand"),
    ("running before stopped", SGLANG, (ended(sglang_box()), HOST_NET), "by-hand"),
    ("our name on another port is another server", SGLANG, (sglang_box(port=30001),), None),
    ("our name on another port, host", SGLANG, (sglang_box(port=30001, network="host", ports=()),), None),
    ("that other server", SGLANG_MAIN, (sglang_box(port=30001),), "sglang"),
    ("another engine on the port", SGLANG, (vllm_box(port=30000),), None),
    ("another engine of our name", SGLANG, (vllm_box("sglang"),), None),
    ("put aside", SGLANG, (ended(sglang_box("sglang.previous")),), None),
    ("put aside, yet it serves", SGLANG, (sglang_box("sglang.previous"),), "sglang.previous"),
    ("the lock", SGLANG, (lock_box(),), None),
    ("a published port of a stopped one", SGLANG, (ended(sglang_box("by-hand")),), None),
    ("paused", SGLANG, (sglang_box("p", state=ContainerState.PAUSED),), "p"),
    ("Ollama", OLLAMA, (ollama_box("my-ollama"), sglang_box()), "my-ollama"),
]


@pytest.mark.parametrize(
    ("server", "there", "name"), [b[1:] for b in BELONGING], ids=[b[0] for b in BELONGING]
)
def test_which_container_is_a_server(server: Server, there: tuple[Container, ...], name: str | None) -> None:
    found = container_of(server, there)
    assert (found.name if found is not None else None) == name
    backwards = container_of(server, reversed(there))
    assert backwards == found, "the order of Docker's list does not matter"


def test_who_holds_a_port() -> None:
    assert port_held(sglang_box(), 30000)
    assert not port_held(sglang_box(), 30001)
    assert not port_held(ended(sglang_box()), 30000)
    assert port_held(HOST_NET, 30000)
    assert not port_held(box("nginx", network="host", argv=("nginx",)), 80)


def test_whoever_else_holds_a_port_is_named() -> None:
    web = vllm_box("web", port=30000)
    assert stranger_on(SGLANG, (web, sglang_box())) == web
    assert stranger_on(SGLANG, (sglang_box("by-hand"),)) is None
    state = connected(vllm_box("web\x1b[31m\u202e", port=30000)).state()
    assert state.stranger == "web [31m"
    assert state.container is None


def test_a_name_and_a_port_that_contradict_are_told() -> None:
    found = contradiction(SGLANG, sglang_box("by-hand"))
    assert found is not None
    assert rendered(found) == "Container by-hand serves on port 30000, which the catalogue gives to sglang."
    for container in (None, sglang_box(), sglang_box("sglang.previous")):
        assert contradiction(SGLANG, container) is None
    assert connected(sglang_box("by-hand")).state().contradiction == found


def running(container: Container, *served: str, server: str = "sglang") -> Running:
    desk = serving(container, **{server: ready(*served)})
    return running_on(desk.snapshot, desk.state(server))


def test_a_model_under_its_own_name() -> None:
    path = f"{MODELS}/scout"
    assert running(sglang_box(), "scout") == Running(SCOUT, "scout", path, False, None)
    assert running(sglang_box()) == Running(SCOUT, None, path, False, None)


@pytest.mark.parametrize("served", ["gpt-4o-mini", "/model"])
def test_an_id_that_says_nothing_about_the_model_is_misnamed(served: str) -> None:
    told = running(sglang_box(served=None if served == "/model" else served), served)
    assert told == Running(SCOUT, served, f"{MODELS}/scout", True, None)


def test_the_folder_s_own_name_and_the_served_name_are_no_misnomers() -> None:
    assert not running(sglang_box(served="scout"), "scout").misnamed
    coder = running(sglang_box(model="coder"), "coder-30b")
    assert not coder.misnamed
    unknown = running(sglang_box(model="mine"), "mine")
    assert (unknown.model, unknown.misnamed, unknown.model_path) == (None, False, f"{MODELS}/mine")
    assert running(sglang_box(model="mine"), "scout").misnamed


def test_a_name_that_the_server_gives_to_all_its_models_is_no_misnomer() -> None:
    desk = serving(sglang_box(served="spark"), sglang=ready("spark"))
    named = msgspec.structs.replace(SGLANG, served_name="spark")
    state = replace(desk.state("sglang"), server=named)
    running = running_on(desk.snapshot, state)
    assert running.model is not None and (running.model.id, running.model_id) == ("scout", "spark")
    assert not running.misnamed and running_on(desk.snapshot, desk.state("sglang")).misnamed


def test_a_model_seen_through_a_mounted_parent_folder() -> None:
    argv = ("python3", "-m", "sglang.launch_server", "--model-path", "/models/scout/", "--port", "30000")
    parent = sglang_box(argv=argv, mounts=(Mount(MODELS, "/models"), Mount("/x", "/mod")))
    told = running(parent, "scout")
    assert (told.model, told.model_path) == (SCOUT, f"{MODELS}/scout")


def test_a_model_that_is_not_a_folder_of_the_host() -> None:
    argv = ("python3", "-m", "sglang.launch_server", "--model-path", "Qwen/Qwen3-32B")
    told = running(sglang_box(argv=argv, mounts=()), "Qwen/Qwen3-32B")
    assert told == Running(None, "Qwen/Qwen3-32B", None, False, None)


def test_of_two_entries_with_one_folder_the_served_name_decides() -> None:
    path = f"{MODELS}/qwen"
    assert model_at(CATALOGUE, HOST, path, "qwen-long") == TWIN
    assert model_at(CATALOGUE, HOST, path + "/", "qwen") == QWEN
    assert model_at(CATALOGUE, HOST, path, None) == QWEN
    assert model_at(CATALOGUE, HOST, "/elsewhere", "qwen") is None
    long = sglang_box("sglang-main", port=30001, model="qwen", served="qwen-long")
    assert running(long, "qwen-long", server="sglang-main").model == TWIN
    assert running(long, server="sglang-main").model == TWIN, "before it answers, its command tells"


def test_what_ollama_holds() -> None:
    told = running(ollama_box(), "qwen3:32b", server="ollama")
    assert told == Running(QWEN, "qwen3:32b", None, False, None)
    assert running(ollama_box(), "bge-m3:latest", server="ollama").model == BGE
    assert running(ollama_box(), "llama3:8b", server="ollama") == Running(None, "llama3:8b")
    assert running(ollama_box(), server="ollama") == Running()


def test_the_context_length_is_the_server_s_word() -> None:
    state = ServerState(SGLANG, sglang_box(), served=(ServedModel("scout", None, 4096),))
    assert running_on(connected().snapshot, state).context_length == 4096


def test_what_a_container_was_started_with_also_after_its_end() -> None:
    desk = connected(ended(vllm_box()))
    state = desk.state("vllm")
    assert mounted_path(state) is None
    assert started_model(desk.snapshot, state) == QWEN
    assert declared_name(state) == "qwen"
    nothing = ServerState(VLLM)
    assert declared_name(nothing) is None
    assert started_model(desk.snapshot, nothing) is None
    assert mounted_path(ServerState(OLLAMA, ollama_box())) is None


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("spark.local", "http://spark.local:30000/v1"),
        ("fe80::1", "http://[fe80::1]:30000/v1"),
        ("local", "http://127.0.0.1:30000/v1"),
    ],
)
def test_the_base_url_as_this_computer_reaches_it(address: str, url: str) -> None:
    assert base_url(HostProfile("spark", address), ServerState(SGLANG)) == url
