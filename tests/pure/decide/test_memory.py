"""A switch that would leave the host short of memory is refused with the sum."""

from __future__ import annotations

import pytest
from msgspec import structs
from msgspec.structs import replace

from sparktray.decide.changing.plan import Plan
from sparktray.decide.effects import ReadNeeds
from sparktray.decide.memory.reckoning import sum_for
from sparktray.decide.showing.models import fit_words, groups
from sparktray.domain.catalogue import Catalogue
from sparktray.domain.events import NeedsRead, Surveyed, Wished
from sparktray.domain.facts.memory import Footprint
from sparktray.domain.facts.survey import Survey
from sparktray.domain.facts.vitals import Vitals
from sparktray.domain.operation import Operation, OperationEnd, StepName, StopWish, SwitchWish
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import Snapshot
from tests.pure.decide.building import (
    CODER,
    GIB,
    Desk,
    connected,
    ended,
    ollama_box,
    only,
    problem,
    ready,
    rendered,
    serving,
    sglang_box,
    survey,
    vllm_box,
)
from tests.pure.decide.planning import asked
from tests.pure.decide.story import begin_story

OLD = sglang_box(model="scout")
# Weights and cache of the entry come to this: its own word for it.
MODEL_GIB = 60
TOTAL = 122 * GIB


def desk(*, holds: int | None = None, runs: bool = False) -> Desk:
    """A host whose model "coder" says what it takes; the old server holds so much by nvidia-smi's count."""
    made = connected(OLD) if runs else connected()
    sized = tuple(
        structs.replace(model, memory_gib=float(MODEL_GIB)) if model.id == "coder" else model
        for model in made.snapshot.catalogue.models
    )
    catalogue = Catalogue(servers=made.snapshot.catalogue.servers, models=sized)
    shares = None if holds is None else ((OLD.id, holds),)
    made.snapshot = replace(made.snapshot, catalogue=catalogue, vitals=Vitals(shares=shares))
    return made


@pytest.mark.parametrize(
    ("free_gib", "holds_gib", "runs", "fits"),
    [
        (70, None, False, True),
        (69, None, False, False),
        (30, 40, True, True),
        (30, 39, True, False),
        (5, None, True, True),
    ],
    ids=["just enough", "a little less", "with what stops", "not even so", "not counted: all that is used"],
)
def test_a_model_fits_or_is_refused(free_gib: int, holds_gib: int | None, runs: bool, fits: bool) -> None:
    """The host keeps 8 % of its 122 GiB, 9.76 GiB, for itself."""
    holds = None if holds_gib is None else holds_gib * GIB
    told = survey(CODER, memory=(free_gib * GIB, TOTAL))
    found = asked(desk(holds=holds, runs=runs), SwitchWish("coder"), told)
    assert isinstance(found, Plan if fits else Problem)


def test_the_sum_is_told_and_force_goes_on() -> None:
    told = survey(CODER, memory=(20 * GIB, TOTAL))
    refused = asked(desk(), SwitchWish("coder"), told)
    assert isinstance(refused, Problem) and refused.code == "memory-short"
    assert rendered(refused.cause) == (
        "coder needs about 60.0 GiB of memory, and 10.2 GiB can be had for it: 9.8 GiB are kept for the host."
    )
    assert "--force" in rendered(refused.remedy)
    assert isinstance(asked(desk(), SwitchWish("coder", force=True), told), Plan)


def test_less_than_nothing_is_nothing() -> None:
    refused = asked(desk(), SwitchWish("coder"), survey(CODER, memory=(GIB, TOTAL)))
    assert isinstance(refused, Problem) and "and 0.0 GiB can be had" in rendered(refused.cause)


def test_what_stopped_long_ago_gives_nothing_back() -> None:
    made = desk()
    made.snapshot = replace(made.snapshot, containers=(ended(OLD),))
    told = survey(CODER, memory=(69 * GIB, TOTAL))
    assert isinstance(asked(made, SwitchWish("coder"), told), Problem)


def test_a_host_that_does_not_tell_refuses_nothing() -> None:
    assert isinstance(asked(desk(), SwitchWish("coder"), survey(CODER, memory=None)), Plan)


MAIN = sglang_box("sglang-main", port=30001, model="qwen")
VLLM = vllm_box()


def beside(shares: dict[str, int] | None, *, served: bool = True) -> Desk:
    """Two other servers and an Ollama run beside the place of "coder", each holding so many GiB."""
    boxes = (MAIN, VLLM, ollama_box())
    held = ready("a", installed=("a",)) if served else ready(installed=("a",))
    made = serving(*boxes, sglang_main=ready("qwen"), vllm=ready("qwen"), ollama=held)
    sized = replace(made.snapshot, catalogue=desk().snapshot.catalogue)
    counted = None if shares is None else tuple((b.id, shares[b.name] * GIB) for b in boxes)
    made.snapshot = replace(sized, vitals=replace(sized.vitals, shares=counted))
    return made


@pytest.mark.parametrize(
    ("free_gib", "shares", "stopped"),
    [
        (80, {"sglang-main": 20, "vllm": 15, "ollama": 5}, []),
        (66, {"sglang-main": 20, "vllm": 15, "ollama": 5}, ["ollama"]),
        (60, {"sglang-main": 20, "vllm": 15, "ollama": 5}, ["vllm"]),
        (51, {"sglang-main": 20, "vllm": 15, "ollama": 5}, ["sglang-main"]),
        (36, {"sglang-main": 20, "vllm": 15, "ollama": 5}, ["sglang-main", "vllm"]),
        (31, {"sglang-main": 20, "vllm": 15, "ollama": 5}, ["sglang-main", "vllm", "ollama"]),
        (5, None, ["sglang-main"]),
    ],
)
def test_as_little_as_can_be_is_stopped_for_it(
    free_gib: int, shares: dict[str, int] | None, stopped: list[str]
) -> None:
    told = survey(CODER, memory=(free_gib * GIB, TOTAL))
    found = asked(beside(shares), SwitchWish("coder", make_room=True), told)
    assert isinstance(found, Plan)
    ends = [s for s in found.steps if s.name in {StepName.STOP, StepName.UNLOAD}]
    assert {str(s.title.values.get("container") or "ollama") for s in ends} == set(stopped)
    assert all(s.undo is not None for s in ends), "what was stopped for it comes back when it fails"
    names = [s.name for s in found.steps]
    assert (StepName.RELEASE in names) is bool(stopped)
    assert names.count(StepName.IDLE) == len(set(stopped) - {"ollama"})


def test_nothing_is_stopped_in_vain() -> None:
    told = survey(CODER, memory=(20 * GIB, TOTAL))
    room = beside({"sglang-main": 20, "vllm": 15, "ollama": 5})
    refused = asked(room, SwitchWish("coder", make_room=True), told)
    assert isinstance(refused, Problem) and refused.code == "memory-short"
    forced = asked(room, SwitchWish("coder", make_room=True, force=True), told)
    assert isinstance(forced, Plan) and StepName.STOP not in {s.name for s in forced.steps}


def test_an_ollama_that_holds_nothing_gives_nothing() -> None:
    told = survey(CODER, memory=(66 * GIB, TOTAL))
    found = asked(
        beside({"sglang-main": 20, "vllm": 15, "ollama": 5}, served=False),
        SwitchWish("coder", make_room=True),
        told,
    )
    assert isinstance(found, Plan)
    assert [s.title.values.get("container") for s in found.steps if s.name is StepName.STOP] == ["vllm"]


def test_what_was_stopped_for_room_serves_again_when_the_model_fails() -> None:
    story = begin_story(MAIN, VLLM)
    room = beside({"sglang-main": 20, "vllm": 15, "ollama": 5})
    story.desk.snapshot = replace(story.desk.snapshot, catalogue=room.snapshot.catalogue)
    story.host.change_survey = lambda told: replace(told, memory=(36 * GIB, TOTAL))
    story.host.requests, story.host.dies = 0, 1
    story.wish(SwitchWish("coder", make_room=True))
    assert story.run().end is OperationEnd.ROLLED_BACK
    assert all(c.running for c in story.host.containers.values() if c.name in {"sglang-main", "vllm"})
    waited = [r.step.title.values for r in story.operation.runs if r.back and r.step.name == "load"]
    assert waited == [{"server": "sglang-main"}]


SIZES = (
    ("coder", "sglang", Footprint(fixed=MODEL_GIB * GIB)),
    ("coder", "vllm", Footprint(fixed=30 * GIB)),
)


def sized(room: Desk, *, free_gib: int | None) -> Snapshot:
    """The picture once the folders are read and the host was sampled."""
    room.take(NeedsRead(room.snapshot.epoch, SIZES))
    free = None if free_gib is None else free_gib * GIB
    vitals = Vitals(room.now, None if free is None else TOTAL, free, shares=room.snapshot.vitals.shares)
    return replace(room.snapshot, vitals=vitals)


@pytest.mark.parametrize(
    ("free_gib", "words", "in_the_panel"),
    [
        (70, "60 GiB, fits now", "fits: 60 of 60 GiB"),
        (100, "60 GiB, fits now", "fits: 60 of 90 GiB"),
        (69, "60 GiB, 1 GiB short", "needs 1 GiB more"),
        (50, "60 GiB, 20 GiB short", "needs 20 GiB more"),
        (None, None, None),
    ],
)
def test_the_list_tells_what_fits_now(
    free_gib: int | None, words: str | None, in_the_panel: str | None
) -> None:
    told = fit_words(sized(desk(), free_gib=free_gib), CODER, "sglang")
    assert (None if told is None else rendered(told)) == words
    rows = {line.name: line for group in groups(sized(desk(), free_gib=free_gib)) for line in group.lines}
    shown = rows["coder"].fit
    assert (None if shown is None else rendered(shown)) == in_the_panel
    assert bool(rows["coder"].sum) is (free_gib is not None)
    assert rows["scout"].fit is None, "its folder is not there"


def test_what_is_not_known_is_said_and_not_guessed() -> None:
    room = sized(desk(), free_gib=70)
    unread = Footprint(weights=GIB, tokens=9, unknown=phrase("config.json cannot be read."))
    room = replace(room, needs=(("coder", "sglang", unread),))
    assert fit_words(room, CODER, "sglang") is None
    (shown,) = [line for group in groups(room) for line in group.lines if line.name == "coder"]
    assert shown.fit is not None and rendered(shown.fit) == "memory: not known"
    assert rendered(shown.sum[1]) == "config.json cannot be read."


def test_what_would_make_way_counts_as_free() -> None:
    room = sized(desk(holds=40 * GIB, runs=True), free_gib=30)
    told = fit_words(room, CODER, "sglang")
    assert told is not None and rendered(told) == "60 GiB, fits now"
    beside_it = fit_words(room, CODER, "vllm")
    assert beside_it is not None and rendered(beside_it) == "30 GiB, 10 GiB short"
    assert fit_words(room, CODER, "nowhere") is None


def test_what_another_connection_read_is_ignored() -> None:
    room = desk()
    room.take(NeedsRead(room.snapshot.epoch - 1, SIZES))
    assert room.snapshot.needs == ()


def test_the_folders_are_read_with_each_connection() -> None:
    room = desk()
    assert only(ReadNeeds, room.effects) == [ReadNeeds(room.snapshot.epoch)]


@pytest.mark.parametrize(
    ("free_gib", "way"),
    [
        (31, "With a context of 65536 tokens it fits: --context 65536."),
        (27, "With a context of 32768 tokens it fits: --context 32768."),
        (22, "With a context of 8192 tokens it fits: --context 8192."),
        (21, "Stopping the other servers is not enough for it: choose a smaller model."),
    ],
)
def test_a_context_that_fits_is_offered(free_gib: int, way: str) -> None:
    """8 GiB of weights and 3 of overhead, and 16 for the whole context of 131,072 tokens."""
    refused = asked(connected(), SwitchWish("scout"), survey(memory=(free_gib * GIB, TOTAL)))
    assert isinstance(refused, Problem) and refused.code == "memory-short"
    force = "With --force it is tried all the same, and the host may freeze."
    assert rendered(refused.remedy) == f"{way} {force}"


def test_servers_whose_end_would_help_are_named() -> None:
    told = survey(CODER, memory=(66 * GIB, TOTAL))
    room = beside({"sglang-main": 20, "vllm": 15, "ollama": 5})
    refused = asked(room, SwitchWish("coder"), told)
    assert isinstance(refused, Problem)
    assert rendered(refused.remedy).startswith("Stop ollama for it: --make-room does that. With --force")
    found = sum_for(room.snapshot, SwitchWish("coder"), told)
    assert found is not None and found.others == ("ollama",)


def plain() -> Desk:
    """The model "scout" as its page starts it: nothing limits what it takes."""
    room = connected()
    models = tuple(
        structs.replace(model, context=None) if model.id == "scout" else model
        for model in room.snapshot.catalogue.models
    )
    catalogue = Catalogue(servers=room.snapshot.catalogue.servers, models=models)
    room.snapshot = replace(room.snapshot, catalogue=catalogue)
    return room


@pytest.mark.parametrize(("free_gib", "fits"), [(112, True), (89, True), (88, False)])
def test_without_a_context_it_fits_on_an_empty_host_and_beside_nothing(free_gib: int, fits: bool) -> None:
    """SGLang takes 89 % of what is available, and what it leaves has to be the host's own 9.8 GiB."""
    found = asked(plain(), SwitchWish("scout"), survey(memory=(free_gib * GIB, TOTAL)))
    assert isinstance(found, Plan if fits else Problem)
    if isinstance(found, Problem):
        assert "Nothing limits what it takes: give it a context in models.json." in rendered(found.remedy)


def test_room_is_made_for_what_takes_all_there_is() -> None:
    """What stops adds to what is available, of which a share is taken then."""
    room = plain()
    others = beside({"sglang-main": 20, "vllm": 15, "ollama": 5}).snapshot
    room.snapshot = replace(others, catalogue=room.snapshot.catalogue)
    found = asked(room, SwitchWish("scout", make_room=True), survey(memory=(70 * GIB, TOTAL)))
    assert isinstance(found, Plan)
    ends = [s.title.values["container"] for s in found.steps if s.name is StepName.STOP]
    assert ends == ["sglang-main"]


def wished(told: Survey, wish: SwitchWish, *, room: Desk | None = None) -> Operation:
    """The operation once its plan is made or refused."""
    at = room or desk()
    at.take(Wished(wish, 1, "op-1"))
    at.take(Surveyed(1, told))
    assert at.snapshot.operation is not None
    return at.snapshot.operation


def test_an_operation_knows_its_sum_whether_it_is_refused_or_not() -> None:
    for free_gib, end, left in ((20, OperationEnd.REFUSED, -50), (100, OperationEnd.PLANNED, 30)):
        told = survey(CODER, memory=(free_gib * GIB, TOTAL))
        made = wished(told, SwitchWish("coder", dry_run=True))
        assert made.end is end
        assert made.memory is not None and made.memory.takes == 60 * GIB
        assert made.memory.left is not None and round(made.memory.left / GIB) == left


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        (SwitchWish("coder"), problem()),
        (SwitchWish("coder"), survey(None, memory=(GIB, TOTAL))),
        (SwitchWish("coder"), survey(CODER)),
        (SwitchWish("coder", on="ollama"), survey(CODER, memory=(GIB, TOTAL))),
    ],
    ids=["nothing was read", "no folder", "no memory", "decides by itself"],
)
def test_there_is_no_sum_without_its_parts(wish: SwitchWish, told: Survey | Problem) -> None:
    assert sum_for(desk().snapshot, wish, told) is None


def test_what_loads_nothing_has_no_sum() -> None:
    told = survey(memory=(20 * GIB, TOTAL))
    there = serving(OLD, sglang=ready("scout")).snapshot
    assert sum_for(there, SwitchWish("scout"), told) is None
    assert sum_for(there, StopWish("sglang"), told) is None
    assert sum_for(there, SwitchWish("nothing"), told) is None
    assert sum_for(connected(OLD).snapshot, SwitchWish("scout"), told) is not None
