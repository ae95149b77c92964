from __future__ import annotations

import pytest
from msgspec.structs import replace

from sparktray.decide.showing.containers import container_rows, gpu_line, trouble
from sparktray.domain.docker.container import Container, ContainerState, PublishedPort
from sparktray.domain.events import ContainersUnread
from sparktray.domain.facts.vitals import Vitals
from sparktray.domain.phrase import phrase
from sparktray.domain.snapshot import LinkPhase, first_snapshot
from tests.pure.decide.building import (
    CATALOGUE,
    HOST,
    box,
    connected,
    ended,
    lock_box,
    ours,
    problem,
    rendered,
    sglang_box,
    vllm_box,
)


def shown(*containers: Container) -> tuple[list[str], list[str]]:
    rows = container_rows(connected(*containers).snapshot)
    return [row.name for row in rows.ours], [row.name for row in rows.others]


def test_servers_in_the_catalogues_order_then_the_others_running_first() -> None:
    found = shown(
        box("zebra"),
        vllm_box(),
        ended(box("ape")),
        box("bear"),
        sglang_box(),
        lock_box(),
    )
    assert found == (["sglang", "vllm"], ["bear", "zebra", "ape"])


def test_what_was_put_aside_or_started_by_us_is_ours() -> None:
    aside = ended(sglang_box("sglang.previous"))
    started = ours(ended(box("left-over")), "op")
    assert shown(sglang_box(), aside, started) == (["sglang", "left-over", "sglang.previous"], [])


def test_a_row_is_plain_text_of_one_line() -> None:
    odd = box("x\u202eevil\n" + "y" * 99, image="<img src=x>")
    (row,) = container_rows(connected(odd).snapshot).others
    assert row.name.startswith("x evil yyy") and len(row.name) == 64
    assert row.image == "<img src=x>" and row.running


def test_a_port_is_named_once_and_short_when_it_is_the_same_inside() -> None:
    ports = (PublishedPort(3000, 8080), PublishedPort(3000, 8080, "::"), PublishedPort(80, 80))
    (row,) = container_rows(connected(box("web", ports=ports)).snapshot).others
    assert row.ports == "80, 3000→8080"


@pytest.mark.parametrize(
    ("state", "code", "text"),
    [
        (ContainerState.CREATED, None, "created"),
        (ContainerState.RUNNING, None, "running"),
        (ContainerState.PAUSED, None, "paused"),
        (ContainerState.RESTARTING, None, "restarting"),
        (ContainerState.REMOVING, None, "removing"),
        (ContainerState.EXITED, 137, "exited, code 137"),
        (ContainerState.EXITED, None, "exited"),
        (ContainerState.DEAD, None, "dead"),
    ],
)
def test_every_state_has_a_word(state: ContainerState, code: int | None, text: str) -> None:
    (row,) = container_rows(connected(box("x1", state=state, exit_code=code)).snapshot).others
    assert rendered(row.state) == text


@pytest.mark.parametrize(
    ("vitals", "text"),
    [
        (Vitals(1.0, 1, 1, "NVIDIA GB10", 5.0, 45.4, 11.6), "GPU NVIDIA GB10 · 45 °C · 12 W"),
        (Vitals(1.0, gpu_watt=3.0), "GPU – · – °C · 3 W"),
        (Vitals(1.0, gpu_celsius=3.0), "GPU – · 3 °C · – W"),
        (Vitals(), "GPU: not known"),
    ],
)
def test_gpu(vitals: Vitals, text: str) -> None:
    assert rendered(gpu_line(vitals)) == text


def test_no_trouble_when_everything_was_read() -> None:
    assert trouble(connected().snapshot) is None


def test_trouble_is_said_with_its_way_out() -> None:
    away = replace(connected().snapshot, link=LinkPhase.OFFLINE, problem=problem())
    found = trouble(away)
    assert found is not None and rendered(found.cause) == "It broke." and found.remedy == phrase("Mend it.")


def test_waiting_has_no_way_out() -> None:
    first = trouble(first_snapshot(HOST, CATALOGUE))
    assert first is not None and rendered(first.cause) == "Connecting to spark…" and first.remedy is None
    reading = trouble(replace(first_snapshot(HOST, CATALOGUE), link=LinkPhase.CONNECTED))
    assert reading is not None and rendered(reading.cause) == "Reading what runs on spark…"
    assert reading.remedy is None


def test_a_silent_docker_is_trouble_though_containers_were_known() -> None:
    desk = connected(sglang_box())
    desk.take(ContainersUnread(desk.snapshot.epoch, problem()))
    found = trouble(desk.snapshot)
    assert found is not None and rendered(found.cause) == "It broke." and found.remedy is not None
