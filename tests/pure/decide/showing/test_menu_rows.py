"""How many rows the menu has, which of them can be clicked, and the hosts among them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparktray.decide.changing.preflight import may
from sparktray.decide.showing.menu import Menu, menu
from sparktray.domain.asking import Health, Reading
from sparktray.domain.catalogue import Catalogue, Model
from sparktray.domain.docker.container import Container
from sparktray.domain.events import CancelAsked, ContainersUnread, LinkDown, Wished
from sparktray.domain.operation import StopWish, SwitchWish
from sparktray.domain.snapshot import Snapshot
from tests.pure.decide.building import (
    CATALOGUE,
    Desk,
    connected,
    ended,
    ollama_box,
    problem,
    ready,
    rendered,
    sglang_box,
    vllm_box,
)

BOXES = (
    sglang_box(),
    sglang_box(model="qwen"),
    ended(sglang_box(), 1),
    vllm_box(),
    vllm_box(model="strange"),
    sglang_box("sglang-main", port=30001, model="coder"),
    ollama_box(),
)
READINGS = (
    Reading(Health.WARMING),
    Reading(Health.LOCKED),
    ready(),
    ready("qwen3:32b"),
    ready("scout"),
    ready("sc\u200bout", running=2),
)
SERVERS = tuple(server.name for server in CATALOGUE.servers)
LISTED = ("spark", "other", "third")


def many(count: int) -> Catalogue:
    more = tuple(Model(id=f"m{n}", servers=("vllm",), path=f"/m/{n}") for n in range(count))
    return Catalogue(servers=CATALOGUE.servers, models=(*CATALOGUE.models, *more)[:count])


def top_rows(shown: Menu) -> int:
    """What the window makes of it: sentence, panel and Quit are always there."""
    working = 1 + shown.cancel
    models = len(shown.models) + bool(shown.more)
    copies = 2 * bool(shown.copies)
    return 3 + (models if shown.progress is None else working) + bool(shown.hosts) + bool(shown.stop) + copies


def distinct(boxes: list[Container]) -> list[Container]:
    return list({box.name: box for box in boxes}.values())


@st.composite
def pictures(draw: st.DrawFn) -> Snapshot:
    """A host with containers in any state, answers of any kind, maybe changing, blocked or gone."""
    boxes = distinct(draw(st.lists(st.sampled_from(BOXES), max_size=4)))
    desk = connected(*boxes, catalogue=many(draw(st.sampled_from([0, 1, 5, 6, 7, 60]))))
    for server, reading in draw(st.dictionaries(st.sampled_from(SERVERS), st.sampled_from(READINGS))).items():
        desk.probe(server, reading)
    match draw(st.sampled_from(["calm", "stop", "switch", "cancelled", "offline", "blocked", "docker"])):
        case "stop" | "cancelled" as kind:
            desk.take(Wished(StopWish(), 1, "op-1"))
            if kind == "cancelled":
                desk.take(CancelAsked(1))
        case "switch":
            desk.take(Wished(SwitchWish("scout"), 1, "op-1"))
        case "offline" | "blocked" as kind:
            desk.take(LinkDown(desk.snapshot.epoch, problem(), blocked=kind == "blocked"))
        case "docker":
            desk.take(ContainersUnread(desk.snapshot.epoch, problem()))
        case _:
            pass
    return desk.snapshot


@settings(max_examples=300, deadline=None)
@given(pictures(), st.integers(0, 10))
def test_there_are_never_more_than_14_rows_and_none_is_lost(snapshot: Snapshot, hosts: int) -> None:
    names = ("spark", *(f"h{n}" for n in range(1, hosts)))[:hosts]
    shown = menu(snapshot, names)
    # One is left for what later comes beside these: Open WebUI.
    assert top_rows(shown) <= 13
    listed = [row.model for row in (*shown.models, *shown.more)]
    assert listed == [model.id for model in snapshot.catalogue.models]
    assert [row.name for row in shown.hosts] == (list(names) if hosts > 1 else [])


@settings(max_examples=300, deadline=None)
@given(pictures())
def test_a_row_can_be_clicked_exactly_when_its_wish_would_be_taken_on(snapshot: Snapshot) -> None:
    shown = menu(snapshot)
    for row in (*shown.models, *shown.more):
        taken = may(snapshot, SwitchWish(row.model, on=row.server)) is None
        assert (shown.closed is None and row.why is None) is taken
    for stop in shown.stop:
        assert may(snapshot, StopWish(stop.server)) is None


@pytest.mark.parametrize(
    ("listed", "rows"),
    [
        ((), []),
        (("spark",), []),
        (("spark", "other"), [("spark", True), ("other", False)]),
        (("a", "b"), [("a", False), ("b", False)]),
        (("other",), [("other", False)]),
    ],
    ids=["none-known", "only-one", "two", "the-used-one-was-removed", "only-another"],
)
def test_hosts_are_there_when_there_is_one_to_change_to(
    listed: tuple[str, ...], rows: list[tuple[str, bool]]
) -> None:
    shown = menu(connected().snapshot, listed)
    assert [(row.name, row.checked) for row in shown.hosts] == rows
    assert all(row.enabled for row in shown.hosts)
    assert len(shown.models) == (5 if rows else 6)


def test_ten_hosts_take_one_models_place() -> None:
    listed = ("spark", *(f"h{n}" for n in range(9)))
    shown = menu(connected(catalogue=many(500)).snapshot, listed)
    assert (len(shown.hosts), len(shown.models), len(shown.more)) == (10, 5, 495)


def test_during_an_operation_no_other_host_is_begun_with() -> None:
    desk = connected(sglang_box())
    desk.take(Wished(StopWish(), 1, "op-1"))
    assert desk.snapshot.active is not None
    assert [row.enabled for row in menu(desk.snapshot, LISTED).hosts] == [True, False, False]


def test_without_a_link_another_host_can_be_chosen() -> None:
    desk = Desk()
    desk.take(LinkDown(desk.snapshot.epoch, problem()))
    assert all(row.enabled for row in menu(desk.snapshot, LISTED).hosts)


def test_a_hosts_label_is_one_line_and_its_name_exact() -> None:
    name = "my\u202e_host\n" + "x" * 100
    row = menu(connected().snapshot, (name,)).hosts[0]
    assert row.name == name and row.label.startswith("my _host x") and len(row.label) == 64


def test_why_nothing_can_be_changed_is_said_once_for_all_rows() -> None:
    desk = connected()
    assert menu(desk.snapshot).closed is None
    desk.take(LinkDown(desk.snapshot.epoch, problem()))
    lost = menu(desk.snapshot)
    assert lost.closed is not None and rendered(lost.closed) == "It broke."
    assert all(row.why is None for row in lost.models), "rows that say the same need no new drawing"
    never = menu(Desk().snapshot)
    assert never.closed is not None and rendered(never.closed) == "spark is not connected yet."
