"""Several addresses, some dead: the first that answers wins, and the reason is plain when none does."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from sparktray.remote.errors import HostSilent, HostUnreachable, NameNotFound, PortClosed
from sparktray.remote.ssh import dialing
from tests.waiting import scaled

IPV4 = socket.AF_INET


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


@pytest.fixture
def silent() -> Iterator[tuple[str, int]]:
    """An address that takes no connection and refuses none: a full backlog."""
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    fillers = [socket.socket() for _ in range(3)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(full.getsockname())
    yield full.getsockname()
    for sock in (*fillers, full):
        sock.close()


def closed_port() -> tuple[str, int]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        where: tuple[str, int] = made.getsockname()
    return where


def resolves_to(
    monkeypatch: pytest.MonkeyPatch, *addresses: tuple[socket.AddressFamily, tuple[object, ...]]
) -> None:
    infos = [(family, socket.SOCK_STREAM, 6, "", where) for family, where in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: infos)


def test_a_literal_address(listener: socket.socket) -> None:
    with dialing.dial("127.0.0.1", listener.getsockname()[1]) as sock:
        assert sock.getpeername() == listener.getsockname()
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
        assert sock.gettimeout() is None


def test_no_route_and_refusal_do_not_keep_the_next_address_waiting(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolves_to(
        monkeypatch,
        (socket.AF_INET6, ("2001:db8::1", 22, 0, 0)),
        (IPV4, closed_port()),
        (IPV4, listener.getsockname()),
    )
    began = time.monotonic()
    dialing.dial("spark.local", 22, seconds=scaled(5)).close()
    assert time.monotonic() - began < scaled(0.5)


def test_a_silent_first_address_costs_a_stagger(
    listener: socket.socket, silent: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolves_to(monkeypatch, (IPV4, silent), (IPV4, listener.getsockname()))
    began = time.monotonic()
    dialing.dial("spark.local", 22, seconds=scaled(5)).close()
    assert dialing.STAGGER_SECONDS * 0.9 < time.monotonic() - began < scaled(1)


def test_silent(silent: tuple[str, int]) -> None:
    with pytest.raises(HostSilent):
        dialing.dial(*silent, seconds=0.2)


def test_refused_says_more_than_silent(silent: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    resolves_to(monkeypatch, (IPV4, silent), (IPV4, closed_port()))
    with pytest.raises(PortClosed):
        dialing.dial("spark.local", 22, seconds=0.4)


def test_no_route_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    resolves_to(monkeypatch, (IPV4, ("255.255.255.255", 22)))
    with pytest.raises(HostUnreachable) as caught:
        dialing.dial("spark.local", 22, seconds=0.4)
    assert caught.value.code == "host-unreachable"
    assert caught.value.details["reason"]


def test_a_name_nobody_has(monkeypatch: pytest.MonkeyPatch) -> None:
    resolves_to(monkeypatch)
    with pytest.raises(NameNotFound) as caught:
        dialing.dial("spark.local", 22)
    assert caught.value.details == {"address": "spark.local", "port": "22"}
