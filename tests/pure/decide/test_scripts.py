"""Models that scripts of the person's own start and stop."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sparktray.decide.changing.awaiting import Judgement, judge_wait
from sparktray.decide.changing.plan import Plan, plan
from sparktray.decide.changing.scripts import start
from sparktray.decide.changing.steps import pending
from sparktray.decide.identity import running_on
from sparktray.domain.action import AwaitServing, RunScript
from sparktray.domain.catalogue import Catalogue, Model
from sparktray.domain.docker.container import Container
from sparktray.domain.facts.survey import BrokenOff
from sparktray.domain.operation import BackWish, StepName, StepState, StopWish, SwitchWish
from sparktray.domain.snapshot import Phase, Snapshot
from tests.pure.decide.building import (
    CATALOGUE,
    CODER,
    NOW,
    SCOUT,
    SGLANG,
    connected,
    ended,
    ours,
    ready,
    rendered,
    sglang_box,
    survey,
)
from tests.pure.decide.planning import ME, operation, script, undoes

OWN = Model(id="own", servers=("sglang",), start=("/opt/up", "a b"), stop=("/opt/down",))
OTHER = Model(id="other", servers=("sglang",), start=("/opt/up2",), stop=("/opt/down2",))
KNOWN = Catalogue(servers=CATALOGUE.servers, models=(SCOUT, CODER, OWN, OTHER))
BOX = sglang_box("their-sglang", model="elsewhere", served="own")
UP, DOWN = "/opt/up 'a b'", "/opt/down"


def host(*containers: Container, served: str | None = None) -> Snapshot:
    if served is None:
        return connected(*containers, catalogue=KNOWN).snapshot
    desk = connected(*containers, catalogue=KNOWN)
    desk.probe("sglang", ready(served))
    return desk.snapshot


def steps(snapshot: Snapshot, wish: SwitchWish | StopWish, model: Model | None = None) -> list[str]:
    found = plan(snapshot, wish, survey(model), ME)
    assert isinstance(found, Plan), found
    return script(found.steps)[2:-1]


def test_a_model_that_a_script_started_is_known_by_its_name() -> None:
    snapshot = host(BOX, served="own")
    running = running_on(snapshot, snapshot.servers[0])
    assert running.model == OWN and not running.misnamed
    assert plan(snapshot, SwitchWish("own"), survey(None), ME) == Plan((), "sglang", "own")


def test_from_nothing() -> None:
    assert steps(host(), SwitchWish("own")) == [UP, "(load)", "(prove)"]
    found = plan(host(), SwitchWish("own"), survey(None), ME)
    assert isinstance(found, Plan) and undoes(found.steps)[1:] == [DOWN]


def test_in_the_place_of_one_of_ours() -> None:
    box = ours(sglang_box(model="scout"), "op-0")
    assert steps(host(box, served="scout"), SwitchWish("own")) == [
        "(idle)",
        "(record)",
        "docker stop -t 30 sglang",
        "docker rename sglang sglang.previous",
        "(release)",
        UP,
        "(load)",
        "(prove)",
        "docker rm sglang.previous",
    ]


def test_what_a_script_started_its_own_script_stops() -> None:
    snapshot = host(BOX, served="own")
    to_ours = steps(snapshot, SwitchWish("scout"), SCOUT)
    assert to_ours[:5] == [
        "(idle)",
        "(record)",
        DOWN,
        "docker rename their-sglang their-sglang.previous",
        "(release)",
    ]
    assert to_ours[-1] == "docker rm their-sglang.previous"
    to_another = steps(snapshot, SwitchWish("other"))
    assert to_another[2] == DOWN and "/opt/up2" in to_another


def test_one_that_vanishes_is_not_put_aside() -> None:
    gone = steps(host(replace(BOX, auto_remove=True), served="own"), SwitchWish("other"))
    assert not any("rename" in each for each in gone)


def test_stopping_and_the_way_back() -> None:
    snapshot = host(BOX, served="own")
    assert steps(snapshot, StopWish("sglang")) == ["(idle)", "(record)", DOWN, "(release)"]
    found = plan(snapshot, SwitchWish("scout"), survey(SCOUT), ME)
    assert isinstance(found, Plan)
    stop = next(s for s in found.steps if s.command == ("/opt/down",))
    assert stop.undo is not None and stop.undo.command == ("/opt/up", "a b")
    assert stop.undo.revives == "sglang"


@pytest.mark.parametrize(
    ("containers", "after", "judgement"),
    [
        ((BOX,), 1.0, Judgement.DONE),
        ((), 1.0, Judgement.WAIT),
        ((), 60.0, Judgement.FAILED),
        ((ended(BOX),), 60.0, Judgement.FAILED),
    ],
    ids=["whoever started it", "not there yet", "nothing came", "ended again"],
)
def test_what_the_script_started_is_waited_for(
    containers: tuple[Container, ...], after: float, judgement: Judgement
) -> None:
    snapshot = host(*containers, served="own" if BOX in containers else None)
    begun = start(SGLANG, OWN)
    load = AwaitServing("sglang", "own")
    running = operation(begun, replace(begun, name=StepName.LOAD, action=load), since=NOW)
    first = replace(running.runs[0], state=StepState.DONE, started_at=NOW)
    running = replace(running, runs=(first, *running.runs[1:]))
    verdict = judge_wait(snapshot, running, load, NOW + after)
    assert verdict.judgement is judgement
    if judgement is Judgement.FAILED:
        assert verdict.failure is not None and verdict.failure.code == "script-nothing"
        assert "30000" in rendered(verdict.failure.cause)


def test_going_back_after_the_program_died_runs_the_stop_script() -> None:
    old = sglang_box(model="scout")
    put_aside = replace(ended(old), name="sglang.previous")
    broken = BrokenOff("op-0", "sglang", (old,), model="own")
    snapshot = host(BOX, put_aside, served="own")
    found = plan(snapshot, BackWish("op-0"), replace(survey(None), broken=broken), ME)
    assert isinstance(found, Plan)
    assert script(found.steps)[2:-1] == [
        DOWN,
        "(release)",
        "docker rename sglang.previous sglang",
        "docker start sglang",
        "(load)",
    ]
    untouched = host(old, served="scout")
    again = plan(untouched, BackWish("op-0"), replace(survey(None), broken=broken), ME)
    assert isinstance(again, Plan) and again.steps == ()


def test_a_stop_script_makes_the_server_stopping() -> None:
    desk = connected(BOX, catalogue=KNOWN)
    desk.probe("sglang", ready("own"))
    stopping = operation(start(SGLANG, OWN))
    step = replace(start(SGLANG, OWN), action=RunScript(30000, ("/opt/down",), starts=False))
    run = replace(pending((step,))[0], state=StepState.RUNNING, started_at=NOW)
    desk.snapshot = replace(
        desk.snapshot, operation=replace(stopping, wish=StopWish("sglang"), runs=(run,), server="sglang")
    )
    desk.sample()
    assert desk.state().phase is Phase.STOPPING
