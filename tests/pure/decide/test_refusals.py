from __future__ import annotations

import pytest
from msgspec.structs import replace

from sparktray.decide.changing.locking import locked_by
from sparktray.decide.changing.plan import Asker, plan
from sparktray.decide.changing.preflight import may, ollama_refusal, same_image
from sparktray.domain.catalogue import Catalogue, Model
from sparktray.domain.docker.container import COMPOSE_LABEL, PublishedPort
from sparktray.domain.events import ContainersUnread, LinkDown, Wished
from sparktray.domain.facts.survey import Listener, ModelFolder, Survey
from sparktray.domain.operation import StopWish, SwitchWish, Wish
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import first_snapshot
from tests.pure.decide.building import (
    CATALOGUE,
    CODER,
    GATED,
    HOST,
    OLLAMA,
    QWEN,
    Desk,
    box,
    connected,
    ended,
    folder,
    lock_box,
    ollama_box,
    ours,
    problem,
    ready,
    rendered,
    serving,
    sglang_box,
    survey,
    vllm_box,
)

ME = Asker("op-1", "anna@laptop")
SCOUT = SwitchWish("scout")
WEB = box("web", ports=(PublishedPort(30000, 80),))
COMPOSE = sglang_box(labels={COMPOSE_LABEL: "x"}, model="coder")
PREVIOUS = ended(sglang_box("sglang.previous"))
CODER_BOX = sglang_box(model="coder")
HALF = ModelFolder("/m", {"config.json": 9})


def answering(*installed: str) -> Desk:
    return serving(ollama_box(), ollama=ready(installed=installed))


LOCKED = Problem("keyring-locked", phrase("The keyring is locked."), phrase("Unlock it."))
CASES: list[tuple[str, Desk, Wish, Survey, str]] = [
    ("model-missing", connected(), SCOUT, survey(folder=None), "/home/sparkuser/ai/models/scout"),
    ("model-incomplete", connected(), SCOUT, survey(folder=HALF), "scout is not complete"),
    ("secret-missing", connected(), SwitchWish("gated"), survey(GATED, unstored="hf"), "hf of gated"),
    ("keyring-locked", connected(), SwitchWish("gated"), survey(GATED, keyring=LOCKED), "locked"),
    ("port-taken", connected(WEB), SCOUT, survey(), "container web"),
    ("port-taken", connected(vllm_box(port=30000)), SCOUT, survey(), "container vllm"),
    ("port-taken", connected(), SCOUT, survey(listeners=(Listener(30000, "nginx"),)), "program nginx"),
    ("port-taken", connected(), SCOUT, survey(listeners=(Listener(30000),)), "another program"),
    ("replace-needed", connected(sglang_box("mine", model="coder")), SCOUT, survey(), "mine"),
    ("replace-needed", connected(replace(CODER_BOX, image="sglang:dev")), SCOUT, survey(), "sglang:dev"),
    ("name-taken", connected(vllm_box("sglang")), SCOUT, survey(), "The name sglang"),
    ("name-taken", connected(ended(box("sglang"), 0)), SCOUT, survey(), "The name sglang"),
    ("name-taken", connected(CODER_BOX, PREVIOUS), SCOUT, survey(), "The name sglang.previous"),
    ("compose-name", connected(COMPOSE), SCOUT, survey(), "Compose"),
    ("compose-name", connected(ended(COMPOSE)), SCOUT, survey(), "Compose"),
    ("locked", connected(lock_box()), SCOUT, survey(), "bob@desk has been changing this host since 10:00"),
    ("locked", connected(lock_box(expires=None)), SCOUT, survey(), "bob@desk"),
    ("locked", connected(lock_box(expires="soon")), SCOUT, survey(), "bob@desk"),
    ("locked", connected(sglang_box(), lock_box()), StopWish(), survey(None), "bob@desk"),
    (
        "name-taken",
        connected(box("ollama")),
        SwitchWish("qwen", on="ollama"),
        survey(None),
        "The name ollama",
    ),
    (
        "port-taken",
        connected(),
        SwitchWish("qwen", on="ollama"),
        survey(None, listeners=(Listener(11434, "nc"),)),
        "nc",
    ),
    (
        "replace-needed",
        connected(replace(CODER_BOX, ports=(PublishedPort(30009, 30000),))),
        SCOUT,
        survey(),
        "Container sglang",
    ),
    ("usage-unknown-model", connected(), SwitchWish("nope"), survey(), "no model nope"),
    ("usage-unknown-server", connected(), SwitchWish("scout", on="nope"), survey(), "no server nope"),
    ("usage-wrong-server", connected(), SwitchWish("scout", on="ollama"), survey(), "not set up for ollama"),
]


@pytest.mark.parametrize(
    ("code", "desk", "wish", "told", "text"), CASES, ids=[f"{c[0]}-{c[4][:20]}" for c in CASES]
)
def test_what_is_refused_before_anything_is_changed(
    code: str, desk: Desk, wish: Wish, told: Survey, text: str
) -> None:
    found = plan(desk.snapshot, wish, told, ME)
    assert isinstance(found, Problem), found
    assert found.code == code
    assert text in rendered(found.cause)
    assert rendered(found.remedy)


def allowed(desk: Desk, wish: Wish, told: Survey) -> None:
    found = plan(desk.snapshot, wish, told, ME)
    assert not isinstance(found, Problem), rendered(found.cause)


def test_replace_takes_over_a_container_but_never_a_port_or_a_name() -> None:
    wish = SwitchWish("scout", replace=True)
    allowed(connected(sglang_box("mine", model="coder")), wish, survey())
    for desk in (connected(WEB), connected(vllm_box("sglang")), connected(CODER_BOX, PREVIOUS)):
        assert isinstance(plan(desk.snapshot, wish, survey(), ME), Problem)


def test_what_we_started_under_another_image_is_ours_to_replace() -> None:
    allowed(connected(ours(replace(CODER_BOX, image="sglang:old"), "op-0")), SCOUT, survey())


def test_a_port_that_we_free_ourselves_is_free() -> None:
    allowed(connected(CODER_BOX), SCOUT, survey(listeners=(Listener(30000, "docker-proxy"),)))
    allowed(connected(), SCOUT, survey(listeners=(Listener(30001, "nginx"),)))


def test_a_lock_without_its_labels_is_somebodys_all_the_same() -> None:
    found = plan(connected(replace(lock_box(), labels={})).snapshot, SCOUT, survey(), ME)
    assert isinstance(found, Problem)
    assert rendered(found.cause) == "? has been changing this host since ?."


def test_names_in_a_refusal_cannot_act_on_a_terminal() -> None:
    evil = box("we\x1b]0;b\u202e", ports=(PublishedPort(30000, 80),))
    found = plan(connected(evil).snapshot, SCOUT, survey(), ME)
    assert isinstance(found, Problem)
    assert rendered(found.cause).isprintable()


def test_an_empty_catalogue_of_models_still_makes_a_sentence() -> None:
    empty = first_snapshot(HOST, Catalogue(servers=CATALOGUE.servers))
    found = plan(empty, SCOUT, survey(), ME)
    assert isinstance(found, Problem)
    assert rendered(found.remedy) == "Use one of these: -."


@pytest.mark.parametrize(
    ("installed", "refused"),
    [((), False), (("bge-m3",), False), (("bge-m3:latest",), False), (("bge-m3:567m",), True)],
)
def test_what_ollama_has(installed: tuple[str, ...], refused: bool) -> None:
    assert (ollama_refusal("bge-m3", installed, OLLAMA) is not None) is refused


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("ollama/ollama", "ollama/ollama:latest", True),
        ("registry:5000/x", "registry:5000/x:latest", True),
        ("x@sha256:1", "x@sha256:1", True),
        ("x:1", "x:2", False),
        ("x", "y", False),
    ],
)
def test_whether_two_references_mean_one_image(one: str, other: str, same: bool) -> None:
    assert same_image(one, other) is same


def code_of(desk: Desk, wish: Wish) -> str | None:
    found = may(desk.snapshot, wish)
    if found is not None:
        assert rendered(found.cause)
        assert rendered(found.remedy)
    return found.code if found is not None else None


def test_whether_a_wish_may_be_at_all() -> None:
    assert code_of(connected(), SCOUT) is None
    assert code_of(connected(), StopWish()) is None
    assert code_of(connected(), StopWish("sglang")) is None
    assert code_of(connected(), StopWish("nope")) == "usage-unknown-server"
    assert code_of(connected(), SwitchWish("nope")) == "usage-unknown-model"
    assert code_of(Desk(), SCOUT) == "not-connected"
    desk = connected()
    desk.take(Wished(SCOUT, 1, "op-1"))
    assert code_of(desk, StopWish()) == "operation-running"
    desk = connected()
    desk.take(LinkDown(1, problem("host-silent")))
    assert code_of(desk, SCOUT) == "host-silent"
    desk = connected()
    desk.snapshot = replace(desk.snapshot, containers_known=False)
    desk.take(ContainersUnread(1, problem("docker-forbidden")))
    assert code_of(desk, SCOUT) == "docker-forbidden"


def test_every_model_of_the_catalogue_may_be_started_where_it_says() -> None:
    models: list[Model] = [m for m in CATALOGUE.models if m is not GATED]
    for model in models:
        for server in CATALOGUE.servers_of(model):
            told = survey(None, folder=folder(model))
            allowed(connected(), SwitchWish(model.id, on=server.name), told)
    assert QWEN in models
    assert CODER in models


def test_a_lock_that_was_gone_before_it_could_be_read() -> None:
    found = locked_by(None)
    assert found.code == "locked" and "at the same moment" in rendered(found.cause)
    named = locked_by(lock_box())
    assert named.code == "locked" and rendered(named.cause).startswith("bob@desk has been changing")
