from __future__ import annotations

import pytest
from msgspec.structs import replace

from sparktray.decide.showing.logs import log_choices, log_missing, log_run, log_state, wanted_log
from sparktray.domain.docker.container import Container, ContainerState
from sparktray.domain.snapshot import LinkPhase, Phase, Snapshot, first_snapshot
from tests.pure.decide.building import (
    CATALOGUE,
    HOST,
    NOW,
    connected,
    ended,
    identity,
    problem,
    ready,
    rendered,
    serving,
    sglang_box,
    vllm_box,
)


def phased(**phases: Phase) -> Snapshot:
    """A host whose servers are in these phases, the others idle; names with ``_`` for ``-``."""
    made = connected().snapshot
    states = tuple(
        replace(state, phase=phases.get(state.name.replace("-", "_"), Phase.IDLE)) for state in made.servers
    )
    return replace(made, servers=states)


def test_all_servers_can_be_chosen_with_what_they_run() -> None:
    desk = serving(sglang_box(), sglang=ready("scout"))
    assert [(c.server, rendered(c.label)) for c in log_choices(desk.snapshot)] == [
        ("sglang", "sglang – scout"),
        ("sglang-main", "sglang-main"),
        ("vllm", "vllm"),
        ("ollama", "ollama"),
    ]


@pytest.mark.parametrize(
    ("snapshot", "server"),
    [
        (phased(sglang=Phase.READY, vllm=Phase.LOADING), "vllm"),
        (phased(sglang=Phase.READY, vllm=Phase.FAILED), "vllm"),
        (phased(sglang=Phase.BUSY, vllm=Phase.STOPPING), "vllm"),
        (phased(ollama=Phase.READY), "ollama"),
        (phased(), "sglang"),
        (connected(ended(vllm_box())).snapshot, "vllm"),
        (replace(connected().snapshot, servers=()), None),
    ],
    ids=["loads", "failed", "stops", "serves", "nothing", "ended", "none"],
)
def test_the_log_one_wants_to_see(snapshot: Snapshot, server: str | None) -> None:
    assert wanted_log(snapshot) == server


def test_a_log_belongs_to_one_run_over_one_connection() -> None:
    desk = connected(sglang_box())
    run = log_run(desk.snapshot, "sglang")
    assert run is not None
    assert (run.host, run.container, run.started_at) == ("spark", identity("sglang"), NOW - 600)
    over = log_run(connected(ended(sglang_box())).snapshot, "sglang")
    assert over == run, "its end is no reason to read it anew"
    assert log_run(connected(sglang_box(started_at=NOW)).snapshot, "sglang") != run
    assert log_run(replace(desk.snapshot, epoch=9), "sglang") != run


@pytest.mark.parametrize(
    ("snapshot", "cause", "remedy"),
    [
        (
            replace(connected(sglang_box()).snapshot, link=LinkPhase.OFFLINE, problem=problem()),
            "It broke.",
            True,
        ),
        (first_snapshot(HOST, CATALOGUE), "Connecting to spark…", False),
        (connected().snapshot, "sglang has no container on the host.", True),
        (
            connected(sglang_box(state=ContainerState.CREATED)).snapshot,
            "Container sglang was never started, so it has no log.",
            False,
        ),
    ],
    ids=["away", "connecting", "none", "created"],
)
def test_no_log_and_why(snapshot: Snapshot, cause: str, remedy: bool) -> None:
    found = log_missing(snapshot, "sglang")
    assert found is not None and rendered(found.cause) == cause and (found.remedy is not None) is remedy
    assert log_run(snapshot, "sglang") is None


def test_a_log_that_is_there_is_not_missing() -> None:
    assert log_missing(connected(ended(sglang_box())).snapshot, "sglang") is None


@pytest.mark.parametrize(
    ("container", "text"),
    [
        (sglang_box(), None),
        (ended(sglang_box(), 1), "The container has ended with exit code 1."),
        (ended(sglang_box(), None), "The container has ended."),
        (
            ended(sglang_box(), 137, oom_killed=True),
            "The container has ended with exit code 137: memory ran out.",
        ),
    ],
    ids=["runs", "code", "unknown", "oom"],
)
def test_the_end_of_a_run_is_said(container: Container, text: str | None) -> None:
    found = log_state(connected(container).snapshot, "sglang")
    assert (None if found is None else rendered(found)) == text


def test_an_unknown_server_says_nothing() -> None:
    assert log_state(connected().snapshot, "nobody") is None
