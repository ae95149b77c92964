"""What stands in each other's way, and the one action that resolves it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from sparktray.decide.conflicts import Conflict, ConflictCode, conflicts
from sparktray.decide.showing.present import sentence, state_sentence
from sparktray.domain.asking import Health, Reading
from sparktray.domain.docker.container import Container, ContainerState, PublishedPort
from sparktray.domain.events import LogTailRead, Wished
from sparktray.domain.facts.vitals import Vitals
from sparktray.domain.operation import Operation, OperationEnd, OperationKind, StopWish, SwitchWish
from sparktray.domain.snapshot import LinkPhase
from tests.pure.decide.building import (
    GIB,
    NOW,
    Desk,
    box,
    connected,
    ended,
    ollama_box,
    ready,
    rendered,
    serving,
    sglang_box,
    vllm_box,
)

TOTAL = 120 * GIB  # of which 9.6 GiB are the host's own
SGLANG = sglang_box(started_at=NOW - 100)
MAIN = sglang_box("sglang-main", port=30001, model="qwen", started_at=NOW - 500)
VLLM = vllm_box(started_at=NOW - 900)


def short(
    *containers: Container, free: int = 5, shares: dict[str, int] | None = None, **readings: Any
) -> Desk:
    """A host where that many GiB are free, and each server holds so many."""
    desk = serving(*containers, **readings)
    held = None if shares is None else tuple((c.id, shares[c.name] * GIB) for c in containers)
    desk.snapshot = replace(desk.snapshot, vitals=Vitals(NOW, TOTAL, free * GIB, shares=held))
    return desk


def only_one(desk: Desk) -> Conflict:
    (found,) = conflicts(desk.snapshot)
    return found


def test_nothing_stands_in_the_way_of_a_host_in_order() -> None:
    assert conflicts(serving(SGLANG, MAIN, sglang=ready("scout"), sglang_main=ready("qwen")).snapshot) == ()


def test_two_servers_that_leave_the_host_too_little() -> None:
    found = only_one(short(SGLANG, MAIN, shares={"sglang": 60, "sglang-main": 40}))
    assert (found.code, found.servers) == (ConflictCode.MEMORY_LOW, ("sglang", "sglang-main"))
    assert rendered(found.sentence) == (
        "Memory is short: sglang, sglang-main leave spark less than the 9.6 GiB that it needs for itself."
    )
    assert found.way_out.wish == StopWish("sglang-main")
    assert found.way_out.command == "sparktray stop sglang-main"
    assert rendered(found.way_out.label) == "Stop sglang-main"


@pytest.mark.parametrize("free", [10, 9])
def test_with_enough_free_or_one_server_alone_memory_is_no_conflict(free: int) -> None:
    assert bool(conflicts(short(SGLANG, MAIN, free=free).snapshot)) is (free == 9)
    assert conflicts(short(SGLANG, free=1).snapshot) == ()
    unmeasured = short(SGLANG, MAIN)
    unmeasured.snapshot = replace(unmeasured.snapshot, vitals=Vitals())
    assert conflicts(unmeasured.snapshot) == ()


@pytest.mark.parametrize(
    ("shares", "busy", "stopped"),
    [
        ({"sglang": 50, "sglang-main": 40, "vllm": 10}, (), "vllm"),
        ({"sglang": 50, "sglang-main": 40, "vllm": 2}, (), "sglang-main"),
        ({"sglang": 50, "sglang-main": 3, "vllm": 2}, (), "sglang-main"),
        ({"sglang": 50, "sglang-main": 40, "vllm": 10}, ("vllm",), "sglang-main"),
        ({"sglang": 50, "sglang-main": 40, "vllm": 10}, ("vllm", "sglang_main"), "vllm"),
        (None, (), "sglang-main"),
    ],
    ids=[
        "small",
        "smallest that suffices",
        "none suffices: the largest",
        "idle first",
        "all busy",
        "unknown",
    ],
)
def test_the_one_to_stop_frees_enough_and_is_not_what_was_started_last(
    shares: dict[str, int] | None, busy: tuple[str, ...], stopped: str
) -> None:
    names = {"sglang": "scout", "sglang_main": "qwen", "vllm": "qwen"}
    readings: dict[str, Any] = {at: ready(name, running=1 if at in busy else 0) for at, name in names.items()}
    found = only_one(short(SGLANG, MAIN, VLLM, shares=shares, **readings))
    assert found.way_out.wish == StopWish(stopped)


def after(desk: Desk, wish: SwitchWish | StopWish, server: str, end: OperationEnd) -> Desk:
    kind = OperationKind.SWITCH if isinstance(wish, SwitchWish) else OperationKind.STOP
    last = Operation(1, "op-1", wish, kind, NOW, server, end=end, ended_at=NOW)
    desk.snapshot = replace(desk.snapshot, operation=last)
    return desk


@pytest.mark.parametrize(
    ("wish", "end", "stopped"),
    [
        (SwitchWish("qwen"), OperationEnd.DONE, "sglang"),
        (SwitchWish("qwen"), OperationEnd.ROLLED_BACK, "sglang-main"),
        (StopWish("sglang-main"), OperationEnd.DONE, "sglang-main"),
    ],
)
def test_what_was_just_switched_to_stays(
    wish: SwitchWish | StopWish, end: OperationEnd, stopped: str
) -> None:
    desk = short(SGLANG, MAIN, shares={"sglang": 60, "sglang-main": 40})
    assert only_one(after(desk, wish, "sglang-main", end)).way_out.wish == StopWish(stopped)


def test_an_ollama_counts_by_what_it_has_loaded() -> None:
    loaded = ready("qwen3:32b", installed=("qwen3:32b",))
    found = only_one(short(SGLANG, ollama_box(started_at=NOW - 999), ollama=loaded))
    assert found.way_out.wish == StopWish("ollama")
    assert conflicts(short(SGLANG, ollama_box(), ollama=ready(installed=())).snapshot) == ()


def test_nothing_is_claimed_without_a_link_or_while_the_host_is_being_changed() -> None:
    desk = short(SGLANG, MAIN)
    assert conflicts(replace(desk.snapshot, link=LinkPhase.OFFLINE)) == ()
    assert conflicts(replace(desk.snapshot, containers_known=False)) == ()
    desk.take(Wished(SwitchWish("scout"), 1, "op-1"))
    assert conflicts(desk.snapshot) == ()


DAY = 86_400.0


def restarted(container: Container, *, down_since: float | None, policy: str = "always") -> Container:
    """Docker started it a minute ago; its run before ended that many seconds before."""
    over = None if down_since is None else NOW - 60 - down_since
    return replace(container, started_at=NOW - 60, finished_at=over, restart_policy=policy)


def test_a_restart_policy_brought_back_what_did_not_run_before() -> None:
    revived = restarted(SGLANG, down_since=DAY)
    found = only_one(serving(revived, restarted(MAIN, down_since=5.0)))
    assert (found.code, found.servers) == (ConflictCode.STARTED_BY_DOCKER, ("sglang", "sglang-main"))
    assert rendered(found.sentence) == (
        "Docker started sglang by its restart policy, although only sglang-main ran before."
    )
    assert found.way_out.wish == StopWish("sglang", stay_down=True)
    assert found.way_out.command == "sparktray stop sglang --stay-down"
    assert rendered(found.way_out.label) == "Stop sglang and keep it down"


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"down_since": 5.0}, {"down_since": 8.0}),
        ({"down_since": DAY, "policy": "no"}, {"down_since": 5.0}),
        ({"down_since": DAY}, {"down_since": 5.0, "policy": "on-failure:3"}),
        ({"down_since": None}, {"down_since": 5.0}),
        ({"down_since": DAY}, {"down_since": None}),
    ],
    ids=["both ran", "no policy", "the other has none", "never ran before", "the other never did"],
)
def test_what_a_person_started_is_no_conflict(one: dict[str, Any], two: dict[str, Any]) -> None:
    assert conflicts(serving(restarted(SGLANG, **one), restarted(MAIN, **two)).snapshot) == ()


def test_what_was_started_later_was_not_started_by_docker_itself() -> None:
    late = replace(restarted(SGLANG, down_since=DAY), started_at=NOW - 20)
    assert conflicts(serving(late, restarted(MAIN, down_since=5.0)).snapshot) == ()


def test_of_two_that_do_not_fit_the_one_that_docker_brought_back_goes_and_stays_down() -> None:
    """Also where it was the last to start; it is told once."""
    revived = replace(restarted(SGLANG, down_since=DAY, policy="unless-stopped"), started_at=NOW - 50)
    found = only_one(short(revived, restarted(MAIN, down_since=5.0), shares={"sglang": 60, "sglang-main": 4}))
    assert found.code is ConflictCode.MEMORY_LOW
    assert found.way_out.wish == StopWish("sglang", stay_down=True)


def test_what_a_switch_put_aside_runs() -> None:
    aside = sglang_box("sglang.previous", port=30000)
    found = only_one(serving(replace(aside, ports=(PublishedPort(31000, 30000),))))
    assert (found.code, found.servers) == (ConflictCode.PREVIOUS_RUNS, ("sglang",))
    assert rendered(found.sentence) == "Container sglang.previous runs, which a switch had put aside."
    assert (found.way_out.wish, found.way_out.command) == (None, "docker stop sglang.previous")
    assert conflicts(connected(ended(aside)).snapshot) == ()


def test_two_containers_of_one_server() -> None:
    """Docker lets no two publish one port, but one on the host's network is not published."""
    second = sglang_box("my own", network="host", ports=())
    found = only_one(serving(SGLANG, second))
    assert (found.code, found.servers) == (ConflictCode.TWO_ON_ONE_PORT, ("sglang",))
    assert rendered(found.sentence) == "Containers sglang and my own both claim port 30000 of sglang."
    assert found.way_out.command == "docker stop 'my own'"


def test_one_that_was_put_aside_and_holds_the_port_is_told_once() -> None:
    aside = sglang_box("sglang.previous", network="host", ports=())
    assert only_one(serving(SGLANG, aside)).code is ConflictCode.PREVIOUS_RUNS


def test_somebody_else_on_a_servers_port() -> None:
    stranger = box("web\u202e", image="nginx", ports=(PublishedPort(8000, 80),))
    found = only_one(serving(stranger))
    assert (found.code, found.servers) == (ConflictCode.PORT_HELD, ("vllm",))
    assert rendered(found.sentence) == "Container web holds port 8000 of vllm."
    # A name that does not show what it is would not be copied either.
    assert found.way_out.command == f"docker stop {stranger.id[:12]}" and found.way_out.wish is None


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("driver failed: listen tcp4 0.0.0.0:30000: bind: address already in use", True),
        ("driver failed: Bind for 0.0.0.0:30000 failed: port is already allocated", False),
        ("no space left on device", False),
    ],
)
def test_a_program_of_the_host_on_the_port_is_looked_for(error: str, told: bool) -> None:
    """A container that held it and is gone is no conflict any more: its failure tells of it."""
    failed = replace(SGLANG, state=ContainerState.CREATED, error=error, started_at=None, exit_code=128)
    desk = connected(failed)
    desk.take(LogTailRead(desk.snapshot.epoch, "sglang", failed.id, ()))
    found = conflicts(desk.snapshot)
    assert [each.code for each in found] == ([ConflictCode.PORT_HELD] if told else [])
    if told:
        assert found[0].way_out.command == "sudo ss -ltnp 'sport = :30000'"
        assert "a program of the host, and no container, held its port 30000" in rendered(found[0].sentence)


def test_the_gravest_comes_first() -> None:
    stranger = box("web", image="nginx", ports=(PublishedPort(8000, 80),))
    desk = short(SGLANG, MAIN, stranger, sglang_box("sglang.previous", ports=(PublishedPort(31000, 30000),)))
    codes = [each.code for each in conflicts(desk.snapshot)]
    assert codes == [ConflictCode.MEMORY_LOW, ConflictCode.PREVIOUS_RUNS, ConflictCode.PORT_HELD]


def test_the_one_sentence_tells_of_what_cannot_wait_unless_something_is_graver() -> None:
    quiet = serving(SGLANG, MAIN, sglang=ready("scout"), sglang_main=ready("qwen"))
    quiet.snapshot = replace(quiet.snapshot, vitals=Vitals(NOW, TOTAL, 5 * GIB))
    assert rendered(sentence(quiet.snapshot)).startswith("Memory is short: ")
    assert rendered(state_sentence(quiet.snapshot)) == "scout, qwen are ready on spark."
    loading = short(SGLANG, MAIN, sglang=ready("scout"), sglang_main=Reading(Health.REFUSED))
    assert rendered(sentence(loading.snapshot)) == rendered(state_sentence(loading.snapshot))
    stranger = box("web", image="nginx", ports=(PublishedPort(8000, 80),))
    there_for_good = serving(SGLANG, stranger, sglang=ready("scout"))
    assert conflicts(there_for_good.snapshot) and not conflicts(there_for_good.snapshot)[0].presses
    assert rendered(sentence(there_for_good.snapshot)) == "scout is ready on spark."
