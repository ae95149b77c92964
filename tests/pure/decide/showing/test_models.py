from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from sparktray.decide.changing.preflight import may
from sparktray.decide.showing.models import (
    Hindrance,
    Mark,
    ModelLine,
    beside_catalogue,
    groups,
    hindrance,
    mark_of,
)
from sparktray.domain.asking import Health, Reading
from sparktray.domain.catalogue import Catalogue, Model, Purpose
from sparktray.domain.docker.container import Container, ContainerState
from sparktray.domain.events import LinkDown, LogTailRead
from sparktray.domain.operation import SwitchWish
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import LinkPhase, Phase, Snapshot, first_snapshot
from tests.pure.decide.building import (
    CATALOGUE,
    CODER,
    GATED,
    HOST,
    QWEN,
    SCOUT,
    Desk,
    connected,
    ended,
    ollama_box,
    problem,
    ready,
    rendered,
    serving,
    sglang_box,
    vllm_box,
)
from tests.pure.decide.story import begin_story


def listed(snapshot: Snapshot) -> dict[str, list[str]]:
    return {rendered(each.title): [line.name for line in each.lines] for each in groups(snapshot)}


def lines(snapshot: Snapshot, name: str) -> list[ModelLine]:
    return [line for each in groups(snapshot) for line in each.lines if line.name == name]


def line(snapshot: Snapshot, name: str) -> ModelLine:
    (found,) = lines(snapshot, name)
    return found


def crashed(container: Container) -> Desk:
    """That container ended by itself, and nobody can say more of it."""
    over = ended(container, 1)
    desk = connected(over)
    desk.take(LogTailRead(desk.snapshot.epoch, "sglang", over.id, ()))
    return desk


def with_purposes(*purposes: tuple[Purpose, ...]) -> Snapshot:
    models = tuple(Model(id=f"m{n}", servers=("sglang",), purposes=each) for n, each in enumerate(purposes))
    return first_snapshot(HOST, Catalogue(servers=CATALOGUE.servers, models=models))


def test_models_stand_by_their_first_purpose_everyday_work_first() -> None:
    snapshot = with_purposes(
        (Purpose.DOCUMENTS,),
        (Purpose.UNCENSORED, Purpose.REASONING),
        (),
        (Purpose.GENERAL,),
        (Purpose.DOCUMENTS,),
    )
    assert listed(snapshot) == {
        "Everyday": ["m3"],
        "Documents": ["m0", "m4"],
        "Uncensored": ["m1"],
        "Other": ["m2"],
    }
    assert list(listed(snapshot)) == ["Everyday", "Documents", "Uncensored", "Other"]


def test_every_purpose_has_a_title() -> None:
    assert len(listed(with_purposes(*((each,) for each in Purpose)))) == len(Purpose)


def test_at_rest_a_click_switches_on_the_first_server_and_the_others_are_offered() -> None:
    shown = line(connected().snapshot, "qwen")
    assert (shown.place, shown.mark, shown.state) == ("SGLang 30001", Mark.RESTS, None)
    assert shown.wish == SwitchWish("qwen", on="sglang-main")
    assert [way.label for way in shown.ways] == ["SGLang 30001", "vLLM 8000", "Ollama 11434"]


def test_all_wishes_offered_may_be_wished() -> None:
    snapshot = serving(sglang_box(), sglang=ready("scout")).snapshot
    ways = [way.wish for each in groups(snapshot) for shown in each.lines for way in shown.ways]
    assert len(ways) > 5
    assert [wish for wish in ways if may(snapshot, wish) is not None] == []


def test_what_runs_stands_where_it_runs_and_a_click_leaves_it_alone() -> None:
    snapshot = serving(vllm_box(model="qwen"), vllm=ready("qwen")).snapshot
    shown = line(snapshot, "qwen")
    assert (shown.place, shown.mark) == ("vLLM 8000", Mark.RUNS)
    assert shown.state is not None and rendered(shown.state) == "ready"
    assert shown.wish is None
    assert [way.label for way in shown.ways] == ["SGLang 30001", "Ollama 11434"]


def test_a_model_that_runs_twice_has_two_rows() -> None:
    desk = serving(sglang_box(), vllm_box(model="scout"), sglang=ready("scout"), vllm=ready("scout"))
    found = lines(desk.snapshot, "scout")
    assert [each.place for each in found] == ["SGLang 30000", "vLLM 8000"]
    assert len({each.key for each in found}) == 2


def test_a_failed_model_says_why_and_can_be_tried_again() -> None:
    desk = crashed(sglang_box())
    shown = line(desk.snapshot, "scout")
    assert shown.mark is Mark.TROUBLE and shown.reason is not None
    assert rendered(shown.reason) == (
        "The container ended by itself with exit code 1. Look at the last lines of its log."
    )
    assert shown.wish == SwitchWish("scout", on="sglang")
    assert [way.label for way in shown.ways] == ["SGLang 30000", "vLLM 8000"]


def test_a_failure_without_evidence_keeps_the_advice() -> None:
    looping = replace(sglang_box(), state=ContainerState.RESTARTING, restarts=9)
    snapshot = connected(looping).snapshot
    assert line(snapshot, "scout").state is not None
    assert line(snapshot, "scout").reason is None


def test_a_failed_container_of_no_entry_is_listed_by_its_server() -> None:
    shown = line(crashed(sglang_box(model="else")).snapshot, "sglang")
    assert shown.mark is Mark.TROUBLE and shown.wish is None and shown.ways == ()


def test_what_runs_and_is_no_entry_is_listed_too() -> None:
    snapshot = serving(sglang_box(model="else"), sglang=ready("gpt-4o-mini")).snapshot
    shown = line(snapshot, "gpt-4o-mini")
    assert shown.mark is Mark.RUNS and shown.place == "SGLang 30000" and shown.reason is not None
    assert listed(snapshot)["Other"][-1] == "gpt-4o-mini"


def test_what_ollama_has_beside_the_catalogue_is_listed_and_says_how_to_switch_to_it() -> None:
    reading = replace(
        ready("phi:latest"), installed=("phi:latest", "mistral:24b", "bge-m3:latest", "qwen3:32b")
    )
    snapshot = serving(ollama_box(), ollama=reading).snapshot
    assert [name for _, name in beside_catalogue(snapshot)] == ["phi:latest", "mistral:24b"]
    assert listed(snapshot)["Only in Ollama"] == ["phi:latest", "mistral:24b"]
    loaded, rests = line(snapshot, "phi:latest"), line(snapshot, "mistral:24b")
    assert (loaded.mark, rests.mark, rests.state) == (Mark.RUNS, Mark.RESTS, None)
    assert loaded.wish is None and rests.wish is None
    assert rests.reason is not None and "models.json" in rendered(rests.reason)


def test_during_an_operation_nothing_can_be_switched() -> None:
    story = begin_story(sglang_box())
    story.wish(SwitchWish("coder"))
    assert all(
        shown.wish is None and not shown.ways for each in groups(story.snapshot) for shown in each.lines
    )


def test_entries_with_secrets_or_scripts_are_offered_like_all_others() -> None:
    assert line(connected().snapshot, GATED.id).wish is not None
    scripted = msgspec.structs.replace(CODER, start=("up",), stop=("down",))
    catalogue = Catalogue(servers=CATALOGUE.servers, models=(scripted, SCOUT))
    assert line(connected(catalogue=catalogue).snapshot, "coder").wish is not None


def test_an_entry_none_of_whose_servers_is_known_has_no_place() -> None:
    catalogue = Catalogue(servers=CATALOGUE.servers, models=(Model(id="lost", servers=("gone",)),))
    shown = line(connected(catalogue=catalogue).snapshot, "lost")
    assert (shown.place, shown.wish) == ("", None)


def test_every_phase_has_its_mark() -> None:
    assert {mark_of(phase) for phase in Phase} == set(Mark)


def test_keys_are_told_apart() -> None:
    desk = serving(sglang_box(), vllm_box(model="else"), sglang=ready("scout"), vllm=ready("scout"))
    keys = [shown.key for each in groups(desk.snapshot) for shown in each.lines]
    assert len(keys) == len(set(keys))


def standing(snapshot: Snapshot) -> Hindrance:
    found = hindrance(snapshot)
    assert found is not None
    return found


def test_a_host_that_is_read_has_nothing_in_the_way() -> None:
    assert hindrance(connected().snapshot) is None


def test_at_first_the_host_is_waited_for() -> None:
    found = standing(first_snapshot(HOST, CATALOGUE))
    assert rendered(found.title) == "Waiting for spark" and found.remedy is None


@pytest.mark.parametrize(
    ("link", "title", "tried"),
    [(LinkPhase.OFFLINE, "No contact with spark", True), (LinkPhase.BLOCKED, "spark waits for you.", False)],
)
def test_a_lost_link_says_what_to_do_and_since_when(link: LinkPhase, title: str, tried: bool) -> None:
    lost = replace(
        first_snapshot(HOST, CATALOGUE), link=link, problem=problem(technical="timed out"), link_since=5.0
    )
    found = standing(lost)
    assert (rendered(found.title), found.tried, found.since, found.technical) == (
        title,
        tried,
        5.0,
        "timed out",
    )
    assert found.remedy is not None and rendered(found.remedy) == "Mend it."


def test_a_docker_that_does_not_answer_is_said() -> None:
    unread = replace(connected().snapshot, containers_known=False)
    assert standing(unread).remedy is None
    assert rendered(standing(unread).title) == "Waiting for Docker on spark"
    refused = standing(replace(unread, docker_problem=problem()))
    assert refused.remedy is not None and refused.tried


def test_after_a_loss_the_list_is_not_shown() -> None:
    desk = serving(sglang_box(), sglang=ready("scout"))
    desk.take(LinkDown(desk.snapshot.epoch, problem("unreachable")))
    assert hindrance(desk.snapshot) is not None
    assert line(desk.snapshot, QWEN.id).wish is None


def test_ollama_models_that_run_are_marked() -> None:
    desk = serving(ollama_box(), ollama=ready("bge-m3"))
    assert line(desk.snapshot, "bge-m3").mark is Mark.RUNS
    desk.probe("ollama", Reading(Health.READY, ()))
    assert line(desk.snapshot, "bge-m3").mark is Mark.RESTS


@pytest.mark.parametrize(("code", "way_on"), [("host-key-changed", False), ("login-refused", True)])
def test_there_is_no_way_on_past_a_host_key(code: str, way_on: bool) -> None:
    told = Problem(code, phrase("No."), phrase("Look."))
    found = hindrance(replace(connected().snapshot, link=LinkPhase.BLOCKED, problem=told))
    assert found is not None
    assert found.way_on is way_on
