"""When a person is asked, what the question says, and that it is asked exactly when a switch needs it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sparktray.decide.changing.plan import Asker, plan
from sparktray.decide.changing.standing import loads_already, making_way, serves_already
from sparktray.decide.showing.question import Question, question
from sparktray.domain.asking import Health, Reading
from sparktray.domain.catalogue import Model
from sparktray.domain.docker.container import COMPOSE_LABEL, Container, PublishedPort
from sparktray.domain.events import LinkDown
from sparktray.domain.operation import BackWish, StopWish, SwitchWish, WhenBusy
from sparktray.domain.problem import Problem
from tests.pure.decide.building import (
    CODER,
    SCOUT,
    SGLANG,
    Desk,
    connected,
    ended,
    folder,
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
CODING = SwitchWish("coder")
MINE = sglang_box("mine")
OTHER_IMAGE = sglang_box(image="lmsysorg/sglang:dev")


def asked(desk: Desk, wish: SwitchWish = CODING) -> Question:
    found = question(desk.snapshot, wish)
    assert found is not None
    return found


def words(found: Question) -> list[str]:
    return [rendered(found.title), *map(rendered, found.points), rendered(found.yes), rendered(found.no)]


BACK = (
    "If coder does not become ready, everything is put back as it was. "
    "How it was started stays in the journal for 7 days."
)


def test_what_it_says() -> None:
    """The whole question; a yes asks for the same switch, with leave to replace."""
    found = asked(serving(MINE, sglang=ready("scout")))
    assert words(found) == [
        "Replace container mine with coder?",
        "Container mine (lmsysorg/sglang:spark) serves scout in the place of server sglang. "
        "It is stopped, and removed once coder is ready.",
        BACK,
        "Replace",
        "Keep it",
    ]
    assert found.wish == replace(CODING, replace=True)


@pytest.mark.parametrize(
    ("box", "says"),
    [
        (MINE, "runs in the place of server sglang. It is stopped, and removed once"),
        (replace(MINE, auto_remove=True), "It is stopped, and Docker then removes it"),
        (replace(MINE, labels={COMPOSE_LABEL: "x"}), "It is stopped and stays, for it belongs to a Compose"),
        (ended(OTHER_IMAGE), "and does not run. It is removed once coder is ready."),
        (OTHER_IMAGE, "Container sglang (lmsysorg/sglang:dev) runs"),
    ],
    ids=["running", "rm", "compose", "stopped", "another-image"],
)
def test_what_becomes_of_the_container(box: Container, says: str) -> None:
    assert says in rendered(asked(connected(box)).points[0])


def test_two_containers_are_one_question() -> None:
    found = asked(connected(sglang_box("mine"), ended(OTHER_IMAGE)))
    assert rendered(found.title) == "Replace containers mine, sglang with coder?"
    assert len(found.points) == 3 and rendered(found.no) == "Keep them"


def test_without_going_back_it_does_not_promise_any() -> None:
    found = asked(connected(MINE), replace(CODING, rollback=False))
    assert rendered(found.points[-1]) == "How it was started stays in the journal for 7 days."


def test_names_cannot_break_the_question() -> None:
    found = asked(connected(replace(MINE, name="m\u202ei\nne", image="i" * 1000)))
    assert all(text.isprintable() and len(text) < 400 for text in words(found))


@pytest.mark.parametrize(
    ("desk", "wish"),
    [
        (connected(), CODING),
        (connected(sglang_box()), CODING),
        (connected(ours(OTHER_IMAGE, "op-0")), CODING),
        (connected(MINE), replace(CODING, replace=True)),
        (connected(MINE), StopWish("sglang")),
        (connected(MINE), SwitchWish("nothing-of-that-name")),
        (serving(MINE, sglang=ready("scout")), SwitchWish("scout")),
        (serving(MINE, sglang=Reading(Health.WARMING)), SwitchWish("scout")),
        (connected(ollama_box("mine")), SwitchWish("qwen", on="ollama")),
        (Desk(), CODING),
    ],
    ids=[
        "nothing-there",
        "the-catalogues-own",
        "started-by-us",
        "asked-already",
        "stop",
        "unknown-model",
        "ready-already",
        "loading-already",
        "ollama-stays",
        "not-connected",
    ],
)
def test_nothing_is_asked_when_nothing_would_be_lost(desk: Desk, wish: SwitchWish | StopWish) -> None:
    assert question(desk.snapshot, wish) is None


def test_nothing_is_asked_about_a_host_that_is_gone() -> None:
    desk = connected(MINE)
    desk.take(LinkDown(desk.snapshot.epoch, problem()))
    assert question(desk.snapshot, CODING) is None


BOXES = [
    (),
    (MINE,),
    (OTHER_IMAGE,),
    (ended(OTHER_IMAGE),),
    (sglang_box(),),
    (ours(OTHER_IMAGE, "op-0"),),
    (sglang_box("mine", image="own:1"), ended(sglang_box())),
    (replace(sglang_box(), ports=(PublishedPort(30009, 30000),)),),
    (vllm_box(),),
]


@pytest.mark.parametrize("boxes", BOXES)
@pytest.mark.parametrize("answers", [None, ready("scout"), ready("coder-30b"), Reading(Health.WARMING)])
@pytest.mark.parametrize("model", [SCOUT, CODER], ids=["scout", "coder"])
def test_it_is_asked_exactly_when_the_plan_would_be_refused_for_it(
    boxes: tuple[Container, ...], answers: Reading | None, model: Model
) -> None:
    """The one who asks and the one who refuses agree, so no click ends in a refusal that could be asked."""
    desk = connected(*boxes) if answers is None else serving(*boxes, sglang=answers)
    wish = SwitchWish(model.id, on="sglang")
    planned = plan(desk.snapshot, wish, survey(model, folder=folder(model)), ME)
    refused = isinstance(planned, Problem) and planned.code == "replace-needed"
    assert (question(desk.snapshot, wish) is not None) is refused


def test_what_stands_there() -> None:
    """Ready under its name, on its way, and who makes way: the one that is the server first."""
    desk = serving(sglang_box(model="coder", served="coder-30b"), sglang=ready("coder-30b"))
    assert serves_already(desk.snapshot, desk.state(), CODER, SwitchWish(CODER.id))
    assert not serves_already(desk.snapshot, desk.state(), SCOUT, SwitchWish(SCOUT.id))
    assert not loads_already(desk.snapshot, desk.state(), CODER, SwitchWish(CODER.id))
    aside = ended(sglang_box())
    assert [c.name for c in making_way(connected(aside, MINE, vllm_box()).snapshot, SGLANG)] == [
        "mine",
        "sglang",
    ]


BUSY = ready("scout", running=2, waiting=1)


@pytest.mark.parametrize("wish", [CODING, StopWish("sglang"), StopWish()])
def test_answers_under_way_are_not_cut_off_unasked(wish: SwitchWish | StopWish) -> None:
    desk = serving(sglang_box(), sglang=BUSY)
    found = question(desk.snapshot, wish)
    assert found is not None
    assert words(found) == [
        "Cut off 3 requests?",
        "What sglang has not answered within 30 seconds is lost.",
        "Cut off",
        "Leave it running",
    ]
    assert found.wish == replace(wish, busy=WhenBusy.GO_ON)
    assert found.later is not None and rendered(found.later[0]) == "Wait until idle"
    assert found.later[1] == replace(wish, busy=WhenBusy.WAIT)
    assert question(desk.snapshot, found.later[1]) is None and question(desk.snapshot, found.wish) is None


@pytest.mark.parametrize(
    "desk",
    [
        serving(sglang_box(), sglang=ready("scout")),
        serving(sglang_box(), sglang=ready("scout", running=None, waiting=None)),
        serving(vllm_box(), vllm=BUSY),
    ],
    ids=["idle", "not known", "another server"],
)
def test_idle_or_unknown_is_no_question(desk: Desk) -> None:
    assert question(desk.snapshot, CODING) is None
    assert question(desk.snapshot, StopWish("sglang")) is None


def test_a_stranger_that_is_busy_is_one_question() -> None:
    found = asked(serving(MINE, sglang=BUSY))
    assert rendered(found.title) == "Replace container mine with coder?"
    assert rendered(found.points[-1]) == "What sglang has not answered within 30 seconds is lost."
    assert found.wish == replace(CODING, replace=True, busy=WhenBusy.GO_ON)
    assert found.later is not None and found.later[1] == replace(CODING, replace=True, busy=WhenBusy.WAIT)
    assert found.about == {MINE.id, MINE.name, "sglang"}
    again = asked(serving(MINE, sglang=ready("scout", running=9)))
    assert again.about == found.about, "another number of requests is no other question"


def test_going_back_is_no_question() -> None:
    assert question(serving(MINE, sglang=BUSY).snapshot, BackWish("op-1")) is None
