"""Who can reach a server, and what is said about one that everybody can."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from sparktray.decide.clients.reach import direct_url, exposure, only_on_host
from sparktray.domain.asking import Health, Reading
from sparktray.domain.catalogue import Server
from sparktray.domain.docker.container import Container, ContainerState, PublishedPort
from sparktray.domain.host import HostProfile
from sparktray.domain.snapshot import ServerState
from tests.pure.decide.building import SGLANG, connected, ready, rendered, serving, sglang_box

EVERYWHERE = (PublishedPort(30000, 30000, "0.0.0.0"), PublishedPort(30000, 30000, "::"))
LOOPBACK = (PublishedPort(30000, 30000, "127.0.0.1"), PublishedPort(30000, 30000, "::1"))
OWN = sglang_box(network="host", ports=())


def listening(address: str) -> Container:
    words = tuple(address if word == "0.0.0.0" else word for word in OWN.argv)
    return replace(OWN, argv=words)


@pytest.mark.parametrize(
    ("container", "bind", "closed"),
    [
        (sglang_box(ports=EVERYWHERE), None, False),
        (sglang_box(ports=LOOPBACK), None, True),
        (sglang_box(ports=(*LOOPBACK, *EVERYWHERE)), None, False),
        (sglang_box(ports=EVERYWHERE), "127.0.0.1", False),  # what runs counts, not what is wished
        (sglang_box(ports=(PublishedPort(30000, 30000, "192.168.1.2"),)), None, False),
        (sglang_box(ports=()), None, False),
        (listening("0.0.0.0"), None, False),
        (listening("127.0.0.1"), None, True),
        (listening("localhost"), None, True),
        (listening("spark.local"), None, False),
        (None, None, False),
        (None, "127.0.0.1", True),
        (None, "192.168.1.2", False),
        (sglang_box(state=ContainerState.EXITED, ports=()), "127.0.0.1", True),
    ],
)
def test_a_port_that_is_open_on_the_host_alone(
    container: Container | None, bind: str | None, closed: bool
) -> None:
    state = ServerState(replace_bind(bind), container)
    assert only_on_host(state) is closed
    remote, local = HostProfile("spark", "spark.local"), HostProfile("here", "local")
    assert (direct_url(remote, state) is None) is closed
    assert direct_url(local, state) == "http://127.0.0.1:30000/v1"


def replace_bind(bind: str | None) -> Server:
    return msgspec.structs.replace(SGLANG, bind=bind)


def test_an_open_port_without_a_key_is_named() -> None:
    desk = serving(sglang_box(ports=EVERYWHERE), sglang=ready("scout"))
    (state,) = (s for s in desk.snapshot.servers if s.name == "sglang")
    told = exposure(desk.snapshot, state)
    assert told is not None
    assert rendered(told) == "Port 30000 of spark is open to its whole network, and sglang asks for no key."


def test_nothing_is_said_of_a_closed_port_of_a_key_or_of_what_does_not_run() -> None:
    closed = serving(sglang_box(ports=LOOPBACK), sglang=ready("scout")).snapshot
    locked = serving(sglang_box(ports=EVERYWHERE), sglang=Reading(Health.LOCKED)).snapshot
    stopped = connected(sglang_box(state=ContainerState.EXITED, exit_code=0)).snapshot
    outside = connected().snapshot
    for snapshot in (closed, locked, stopped, outside):
        state = snapshot.state_of("sglang")
        assert state is not None and exposure(snapshot, state) is None
