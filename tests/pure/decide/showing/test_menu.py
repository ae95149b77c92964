from __future__ import annotations

import pytest
from msgspec.structs import replace

from sparktray.decide.changing.operations import can_cancel
from sparktray.decide.showing.menu import Menu, menu
from sparktray.decide.showing.present import sentence
from sparktray.decide.ways_on import EnterSecret
from sparktray.domain.asking import Health, Reading
from sparktray.domain.catalogue import Catalogue, Model, Purpose
from sparktray.domain.docker.container import Container, ContainerState, PublishedPort
from sparktray.domain.events import CancelAsked, LinkDown, Wished
from sparktray.domain.host import HostProfile
from sparktray.domain.operation import StepName, StopWish, SwitchWish
from sparktray.domain.phrase import phrase
from sparktray.domain.snapshot import LoadProgress, ServerState, Snapshot, first_snapshot
from tests.pure.decide.building import (
    CATALOGUE,
    HOST,
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
from tests.pure.decide.story import Story, begin_story

SCOUT_BOX = sglang_box()
QWEN_BOX = vllm_box()


def two_ready() -> Desk:
    return serving(SCOUT_BOX, QWEN_BOX, sglang=ready("scout"), vllm=ready("qwen"))


def with_models(*models: Model) -> Snapshot:
    return first_snapshot(HOST, Catalogue(servers=CATALOGUE.servers, models=models))


def checked(shown: Menu) -> list[str]:
    return [row.model for row in (*shown.models, *shown.more) if row.checked]


def with_server(desk: Desk, server: str, **changes: object) -> Snapshot:
    def changed(state: ServerState) -> ServerState:
        return replace(state, **changes) if state.name == server else state

    return replace(desk.snapshot, servers=tuple(changed(s) for s in desk.snapshot.servers))


def until(story: Story, name: StepName, *, back: bool = False) -> None:
    """Go on until a step of that name is under way."""
    for _ in range(500):
        current = story.operation.current
        if current is not None and current.step.name is name and current.back is back:
            return
        story.step()
    raise AssertionError(story.names)


# Models


def test_models_come_in_the_order_of_the_catalogue_with_six_at_the_top() -> None:
    models = tuple(Model(id=f"m{i}", servers=("vllm",), path=f"/m/{i}") for i in range(500))
    shown = menu(with_models(*models))
    assert [row.model for row in shown.models] == ["m0", "m1", "m2", "m3", "m4", "m5"]
    assert [row.model for row in shown.more] == [f"m{i}" for i in range(6, 500)]
    assert menu(with_models(*models[:6])).more == ()


@pytest.mark.parametrize(
    ("purposes", "words"),
    [
        ((), None),
        ((Purpose.DOCUMENTS,), "documents"),
        ((Purpose.GENERAL, Purpose.CODING), "general, coding"),
        ((Purpose.REASONING, Purpose.EMBEDDINGS, Purpose.UNCENSORED), "reasoning, embeddings, uncensored"),
    ],
)
def test_the_purpose_stands_behind_the_name(purposes: tuple[Purpose, ...], words: str | None) -> None:
    entry = Model(id="m", servers=("vllm",), purposes=purposes, note={"en": "Good.", "de": "Gut."})
    (row,) = menu(with_models(entry)).models
    assert (None if row.aside is None else rendered(row.aside)) == words
    assert row.entry.note == {"en": "Good.", "de": "Gut."}


def test_a_label_is_one_bounded_line_of_plain_text_and_the_id_stays_exact() -> None:
    name = "org/a&b_c\u202e\t" + "x" * 10_000
    (row,) = menu(with_models(Model(id=name, servers=("vllm",)))).models
    assert row.model == name
    assert row.label.startswith("org/a&b_c x") and len(row.label) == 64


WARMING = Reading(Health.WARMING)


@pytest.mark.parametrize(
    ("boxes", "readings", "runs"),
    [
        ((), {}, []),
        ((SCOUT_BOX,), {"sglang": ready("scout")}, ["scout"]),
        ((SCOUT_BOX,), {"sglang": ready("scout", running=2)}, ["scout"]),
        ((SCOUT_BOX,), {"sglang": WARMING}, ["scout"]),
        ((SCOUT_BOX,), {"sglang": ready("gpt-4o-mini")}, ["scout"]),
        ((SCOUT_BOX,), {"sglang": Reading(Health.LOCKED)}, ["scout"]),
        ((SCOUT_BOX,), {}, []),
        ((ended(SCOUT_BOX),), {}, []),
        ((sglang_box(model="strange"),), {"sglang": ready("strange")}, []),
        ((ollama_box(),), {"ollama": ready("qwen3:32b")}, ["qwen"]),
        ((SCOUT_BOX, QWEN_BOX), {"sglang": ready("scout"), "vllm": ready("qwen")}, ["scout", "qwen"]),
    ],
    ids=[
        "nothing",
        "ready",
        "busy",
        "loading",
        "misnamed",
        "degraded",
        "not-read-yet",
        "ended",
        "not-in-catalogue",
        "ollama",
        "two",
    ],
)
def test_what_runs_is_checked(
    boxes: tuple[Container, ...], readings: dict[str, Reading], runs: list[str]
) -> None:
    assert checked(menu(serving(*boxes, **readings).snapshot)) == runs


def test_a_click_goes_to_the_default_server_and_where_it_runs_already_to_that() -> None:
    rows = {row.model: row for row in menu(two_ready().snapshot).models}
    assert rows["scout"].server == "sglang"
    assert rows["qwen"].server == "vllm", "its default is sglang-main, but it runs here"
    assert rows["coder"].server == "sglang"
    assert all(row.why is None for row in rows.values())


def test_of_two_servers_with_one_model_the_first_is_meant() -> None:
    desk = serving(SCOUT_BOX, vllm_box(model="scout"), sglang=ready("scout"), vllm=ready("scout"))
    row = menu(desk.snapshot).models[0]
    assert (row.checked, row.server) == (True, "sglang")


def test_a_model_that_runs_where_the_catalogue_does_not_want_it_is_checked_and_not_clickable() -> None:
    desk = serving(sglang_box(model="qwen"), sglang=ready("qwen"))
    row = next(row for row in menu(desk.snapshot).models if row.model == "qwen")
    assert row.checked and row.server == "sglang"
    assert row.why == row.aside and row.why is not None and rendered(row.why) == "runs on sglang"


@pytest.mark.parametrize("known", [False, True], ids=["never-connected", "link-lost"])
def test_without_a_link_nothing_can_be_clicked(known: bool) -> None:
    desk = two_ready() if known else Desk()
    desk.take(LinkDown(desk.snapshot.epoch, problem()))
    shown = menu(desk.snapshot)
    assert shown.closed is not None and rendered(shown.closed) == "It broke."
    assert not any(row.checked for row in shown.models)
    assert (shown.stop, shown.copies, shown.progress, shown.cancel) == ((), (), None, False)
    last = " Last known: scout, qwen." if known else ""
    assert rendered(shown.sentence) == f"It broke.{last}"


# Stop


@pytest.mark.parametrize(
    ("boxes", "readings", "rows"),
    [
        ((), {}, []),
        ((ended(SCOUT_BOX),), {}, []),
        ((SCOUT_BOX,), {"sglang": ready("scout")}, [("sglang", "Stop scout")]),
        ((SCOUT_BOX,), {}, [("sglang", "Stop scout")]),
        (
            (SCOUT_BOX, QWEN_BOX),
            {"sglang": ready("scout"), "vllm": WARMING},
            [("sglang", "scout on sglang"), ("vllm", "qwen on vllm")],
        ),
        ((ollama_box(),), {"ollama": ready()}, []),
        ((ollama_box(),), {"ollama": ready("qwen3:32b")}, [("ollama", "Stop qwen")]),
        ((ollama_box(),), {"ollama": ready("other:7b")}, [("ollama", "Stop other:7b")]),
    ],
    ids=["nothing", "ended", "one", "unread", "two", "ollama-empty", "ollama", "ollama-other"],
)
def test_what_runs_can_be_stopped(
    boxes: tuple[Container, ...], readings: dict[str, Reading], rows: list[tuple[str, str]]
) -> None:
    shown = menu(serving(*boxes, **readings).snapshot)
    assert [(row.server, rendered(row.label)) for row in shown.stop] == rows


def test_an_ollama_outside_docker_gives_up_its_model_too() -> None:
    desk = connected()
    desk.probe("ollama", ready("qwen3:32b"))
    assert [row.server for row in menu(desk.snapshot).stop] == ["ollama"]


# Copy


def test_an_id_is_copied_byte_for_byte_with_the_url_of_its_server() -> None:
    exact = "Org/Model&_1 é"
    shown = menu(serving(sglang_box(served=None), sglang=ready(exact)).snapshot)
    (row,) = shown.copies
    assert (row.given.server, row.given.model_id, row.base_url) == (
        "sglang",
        exact,
        "http://spark.local:30000/v1",
    )
    assert (rendered(row.label), row.hidden) == (f"{exact} on sglang", False)


def test_with_several_ready_servers_each_has_its_row() -> None:
    shown = menu(two_ready().snapshot)
    assert [(r.given.server, r.given.model_id, rendered(r.label)) for r in shown.copies] == [
        ("sglang", "scout", "scout on sglang"),
        ("vllm", "qwen", "qwen on vllm"),
    ]


def test_the_url_of_this_computer_itself_is_the_loopback() -> None:
    desk = two_ready()
    local = replace(desk.snapshot, host=HostProfile("here", "local"))
    assert menu(local).copies[0].base_url == "http://127.0.0.1:30000/v1"


@pytest.mark.parametrize("sneaky", ["scout\n", "sc\u200bout", "\u202etuocs", "a\tb"])
def test_an_id_with_hidden_characters_is_marked_and_its_label_is_clean(sneaky: str) -> None:
    (row,) = menu(serving(SCOUT_BOX, sglang=ready(sneaky)).snapshot).copies
    assert row.hidden and row.given.model_id == sneaky
    assert rendered(row.label).isprintable()


def test_a_port_that_is_open_on_the_host_alone_has_no_url() -> None:
    closed = replace(SCOUT_BOX, ports=(PublishedPort(30000, 30000, "127.0.0.1"),))
    (row,) = menu(serving(closed, sglang=ready("scout")).snapshot).copies
    assert row.base_url is None and row.given.model_id == "scout"


def test_a_server_that_asks_for_a_key_has_a_row_to_enter_it() -> None:
    shown = menu(serving(SCOUT_BOX, sglang=Reading(Health.LOCKED)).snapshot)
    (way,) = shown.ways
    assert rendered(way.label) == "Enter the key of sglang…"
    assert way.wish == EnterSecret("spark/sglang-api-key", None, "sglang")
    assert menu(serving(SCOUT_BOX, sglang=ready("scout")).snapshot).ways == ()


def test_only_what_answers_requests_can_be_copied() -> None:
    busy = serving(SCOUT_BOX, sglang=ready("scout", running=3))
    assert [row.given.model_id for row in menu(busy.snapshot).copies] == ["scout"]
    for reading in (WARMING, Reading(Health.LOCKED), ready()):
        assert menu(serving(SCOUT_BOX, sglang=reading).snapshot).copies == ()
    paused = replace(SCOUT_BOX, state=ContainerState.PAUSED)
    busy.read(paused)
    assert menu(busy.snapshot).copies == ()


# An operation under way


def test_the_first_row_is_the_one_sentence() -> None:
    for desk in (Desk(), connected(), two_ready()):
        assert menu(desk.snapshot).sentence == sentence(desk.snapshot)


def test_an_operation_gives_the_rows_of_models_to_progress_and_cancel() -> None:
    story = begin_story(SCOUT_BOX)
    story.wish(SwitchWish("coder"))
    shown = menu(story.snapshot)
    assert shown.progress is not None and rendered(shown.progress) == "Looking at the host"
    assert shown.cancel
    assert shown.closed is not None and shown.stop == ()
    until(story, StepName.STOP)
    progress = menu(story.snapshot).progress
    assert progress is not None and story.operation.current is not None
    number, count = story.operation.index + 1, len(story.operation.runs)
    title = rendered(story.operation.current.step.title)
    assert rendered(progress) == f"Step {number} of {count}: {title}"
    story.run()
    after = menu(story.snapshot)
    assert (after.progress, after.cancel) == (None, False)
    assert after.closed is None and checked(after) == ["coder"]


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (LoadProgress(phrase("Reading weights")), "Reading weights"),
        (LoadProgress(phrase("Reading weights"), 0.456), "Reading weights, 45 %"),
        (LoadProgress(phrase("Reading weights"), 1.0), "Reading weights, 100 %"),
    ],
)
def test_a_load_shows_how_far_its_log_is(progress: LoadProgress, words: str) -> None:
    story = begin_story()
    story.wish(SwitchWish("scout"))
    until(story, StepName.START)
    early = menu(with_server(story.desk, "sglang", progress=progress)).progress
    assert early is not None and words not in rendered(early), "another step is not the load"
    until(story, StepName.LOAD)
    shown = menu(with_server(story.desk, "sglang", progress=progress)).progress
    assert shown is not None and rendered(shown).endswith(f": {words}")


def test_a_load_without_a_word_in_its_log_shows_the_step() -> None:
    story = begin_story()
    story.wish(SwitchWish("scout"))
    until(story, StepName.LOAD)
    shown = menu(with_server(story.desk, "sglang", progress=None)).progress
    assert shown is not None and story.operation.current is not None
    assert rendered(shown).endswith(rendered(story.operation.current.step.title))


def test_cancel_goes_once_it_was_asked_for_and_while_going_back() -> None:
    story = begin_story(SCOUT_BOX)
    story.wish(SwitchWish("coder"))
    until(story, StepName.STOP)
    assert menu(story.snapshot).cancel
    story.take(CancelAsked(1))
    asked = menu(story.snapshot)
    assert asked.progress is not None and rendered(asked.progress).startswith("Cancelling: ")
    assert not asked.cancel
    until(story, StepName.START, back=True)
    back = menu(story.snapshot)
    assert back.progress is not None and rendered(back.progress).startswith("Going back: ")
    assert not back.cancel


def test_cancel_goes_when_the_old_one_is_being_removed_and_the_reducer_agrees() -> None:
    story = begin_story(SCOUT_BOX)
    story.wish(SwitchWish("coder"))
    until(story, StepName.COMMIT)
    assert not menu(story.snapshot).cancel
    assert not can_cancel(story.operation)
    story.take(CancelAsked(1))
    assert not story.operation.cancelled


def test_at_every_step_of_a_switch_cancel_is_shown_exactly_while_the_reducer_takes_it() -> None:
    story = begin_story(SCOUT_BOX)
    story.wish(SwitchWish("coder"))
    seen = set()
    while story.operation.end is None:
        shown = menu(story.snapshot)
        probe = Desk(story.snapshot, story.desk.now)
        probe.take(CancelAsked(1))
        taken = probe.snapshot.operation is not None and probe.snapshot.operation.cancelled
        assert shown.cancel is taken
        seen.add(shown.cancel)
        story.step()
    assert seen == {True, False}


def test_a_stop_has_progress_too_and_a_refused_wish_leaves_the_menu_as_it_was() -> None:
    desk = two_ready()
    before = menu(desk.snapshot)
    desk.take(Wished(SwitchWish("nothing-of-that-name"), 1, "op-1"))
    assert menu(desk.snapshot) == before
    desk.take(Wished(StopWish(), 2, "op-2"))
    assert menu(desk.snapshot).progress is not None


def test_equal_pictures_make_equal_menus() -> None:
    assert menu(two_ready().snapshot) == menu(two_ready().snapshot)
