from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from sparktray.domain.action import Expectation, Gone, Guard, LockHeld, Named, Restarts, Running, Stopped
from sparktray.domain.docker.container import (
    COMPOSE_LABEL,
    LABEL_OPERATION,
    LABEL_SERVER,
    LOCK_NAME,
    Container,
    ContainerState,
    Mount,
)
from sparktray.domain.docker.proofs import Leave, guarded, holds, started_and_over
from sparktray.domain.docker.recreation import recreation

ID = "cd" * 32
LIVES = {ContainerState.RUNNING, ContainerState.PAUSED, ContainerState.RESTARTING}


def box(state: ContainerState = ContainerState.RUNNING, **changes: Any) -> Container:
    return Container(ID, "sglang", "x", state, **changes)


OURS = box(labels={LABEL_OPERATION: "op-1", LABEL_SERVER: "sglang"})


@pytest.mark.parametrize("state", ContainerState)
def test_a_container_lives_while_it_may_hold_memory(state: ContainerState) -> None:
    assert box(state).running is (state in LIVES)
    assert holds(Stopped(ID), box(state)) is (state not in LIVES)
    assert holds(Running(ID), box(state)) is (state in LIVES)


def test_whose_a_container_is() -> None:
    assert OURS.managed
    assert not box().managed
    assert box(labels={COMPOSE_LABEL: "x"}).of_compose
    assert not box().of_compose
    assert replace(box(), name=LOCK_NAME).is_lock
    assert not box().is_lock


@pytest.mark.parametrize(
    ("argv", "value"),
    [
        (("x", "--port", "1"), "1"),
        (("x", "--port=2"), "2"),
        (("x", "--port"), None),
        (("x",), None),
        (("x", "-p", "3"), "3"),
    ],
)
def test_the_value_of_an_option(argv: tuple[str, ...], value: str | None) -> None:
    assert box(argv=argv).option("--port", "-p") == value


@pytest.mark.parametrize(
    ("mounts", "inside", "path"),
    [
        ((Mount("/m/a", "/model"),), "/model", "/m/a"),
        ((Mount("/m/a/", "/model/"),), "/model/sub/", "/m/a/sub"),
        ((Mount("/m", "/models"), Mount("/n", "/models/b")), "/models/b/c", "/n/c"),
        ((Mount("/n", "/models/b"), Mount("/m", "/models")), "/models/bc", "/m/bc"),
        ((Mount("/m", "/"),), "/x", "/m/x"),
        ((Mount("/m", "/models"),), "/modelsandmore", None),
        ((), "/model", None),
    ],
)
def test_the_host_s_folder_behind_a_path(mounts: tuple[Mount, ...], inside: str, path: str | None) -> None:
    assert box(mounts=mounts).host_path(inside) == path


GONE_ANYWAY: list[tuple[Expectation, bool]] = [
    (Gone(ID), True),
    (Stopped(ID), True),
    (Running(ID), False),
    (Named(ID, "sglang"), False),
    (Restarts(ID, "no"), False),
    (LockHeld(ID, "op-1"), False),
]


@pytest.mark.parametrize(("expected", "held"), GONE_ANYWAY)
def test_what_a_missing_container_proves(expected: Expectation, held: bool) -> None:
    assert holds(expected, None) is held


def test_what_a_found_container_proves() -> None:
    assert not holds(Gone(ID), box())
    assert holds(Named(ID, "sglang"), box())
    assert not holds(Named(ID, "sglang.previous"), box())
    assert holds(Restarts(ID, "no"), box())
    assert not holds(Restarts(ID, "always"), box())
    assert holds(LockHeld(ID, "op-1"), OURS)
    assert not holds(LockHeld(ID, "op-1"), box()), "somebody else was first"
    assert holds(Running(ID, "op-1"), OURS)
    assert not holds(Running(ID, "op-1"), box())
    assert not holds(Running(ID, "op-2"), OURS)


def test_one_that_started_and_is_over_is_watched_and_not_started_again() -> None:
    over = replace(OURS, state=ContainerState.EXITED, started_at=1.0)
    assert started_and_over(Running(ID, "op-1"), over)
    assert not started_and_over(Running(ID, "op-1"), replace(over, started_at=None))
    assert not started_and_over(Running(ID, "op-1"), replace(over, labels={}))
    assert not started_and_over(Running(ID, "op-1"), None)
    assert not started_and_over(Running(ID), over)
    assert not started_and_over(Stopped(ID), over)


@pytest.mark.parametrize(
    ("guard", "found", "leave"),
    [
        (None, None, Leave.RUN),
        (Guard("sglang", ID), box(), Leave.RUN),
        (Guard("sglang", ID), replace(box(), id="other"), Leave.CHANGED),
        (Guard("sglang", ID), None, Leave.CHANGED),
        (Guard("sglang", operation="op-1"), OURS, Leave.RUN),
        (Guard("sglang", operation="op-1"), box(), Leave.NOTHING_OF_OURS),
        (Guard("sglang", operation="op-1"), None, Leave.NOTHING_OF_OURS),
    ],
)
def test_a_command_touches_only_what_was_planned(
    guard: Guard | None, found: Container | None, leave: Leave
) -> None:
    assert guarded(guard, found) is leave


def described(mode: str = "bridge", **networks: Any) -> dict[str, Any]:
    return {
        "Id": ID,
        "Config": {
            "Image": "x",
            "Hostname": ID[:12],
            "ExposedPorts": {"1/tcp": {}},
            "Env": ["A=b"],
            "User": None,
        },
        "HostConfig": {"NetworkMode": mode, "Binds": ["/m:/model"], "AutoRemove": True},
        "NetworkSettings": {"Networks": networks},
    }


def test_a_container_is_described_so_that_it_comes_back_the_same() -> None:
    told = described(bridge={"NetworkID": "n"})
    body = recreation(told)
    assert body == {
        "Image": "x",
        "ExposedPorts": {"1/tcp": {}},
        "Env": ["A=b"],
        "HostConfig": told["HostConfig"],
    }


@pytest.mark.parametrize("mode", ["host", "container:abc"])
def test_a_shared_network_takes_neither_host_name_nor_ports(mode: str) -> None:
    told = described(mode)
    told["Config"]["Hostname"] = "spark"
    body = recreation(told)
    assert body is not None
    assert not {"Hostname", "ExposedPorts"} & set(body)


def test_a_network_of_its_own_keeps_its_wishes_and_not_what_docker_filled_in() -> None:
    told = described(
        "llm",
        llm={
            "IPAMConfig": {"IPv4Address": "10.1.0.9"},
            "Aliases": ["api", ID[:12]],
            "IPAddress": "10.1.0.9",
            "Links": None,
        },
        plain={"Aliases": None},
        odd="text",
    )
    told["Config"]["Hostname"] = "named"
    body = recreation(told)
    assert body is not None
    assert body["Hostname"] == "named"
    assert body["NetworkingConfig"] == {
        "EndpointsConfig": {
            "llm": {"IPAMConfig": {"IPv4Address": "10.1.0.9"}, "Aliases": ["api"]},
            "plain": {},
        }
    }
    told["NetworkSettings"] = None
    plain = recreation(told)
    assert plain is not None
    assert "NetworkingConfig" not in plain


@pytest.mark.parametrize("part", ["Id", "Config", "HostConfig"])
def test_half_a_description_is_none(part: str) -> None:
    assert recreation({**described(), part: None}) is None
