"""A host with several names: raced, in order, and the next one when the first is another machine."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import pytest

from sparktray.remote.errors import HostSilent, PortClosed
from sparktray.remote.ssh import racing
from sparktray.remote.ssh.dialing import STAGGER_SECONDS
from tests.waiting import scaled, wait_until

Answer = Callable[[], socket.socket]


class Road:
    """Stands in for `dial`: what happens at each address, and when it was dialled."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **answers: Answer) -> None:
        self.dialled: list[str] = []
        self.made: list[socket.socket] = []
        self._answers = answers
        monkeypatch.setattr(racing, "dial", self._dial)

    def _dial(self, address: str, _port: int, *, seconds: float) -> socket.socket:
        self.dialled.append(address)
        made = self._answers[address]()
        self.made.append(made)
        return made


def there() -> socket.socket:
    return socket.socket()


def refused() -> socket.socket:
    raise PortClosed(address="a", port="22")


def late(seconds: float) -> Answer:
    def answer() -> socket.socket:
        time.sleep(seconds)
        return socket.socket()

    return answer


def lost() -> socket.socket:
    time.sleep(STAGGER_SECONDS * 2)
    raise HostSilent(address="b", port="22")


def test_the_first_one_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    road = Road(monkeypatch, a=there, b=there)
    race = racing.Race(("a", "b"), 22)
    reached = race.next()
    assert reached is not None and reached.address == "a"
    race.abandon()
    assert road.dialled == ["a"]
    reached.sock.close()


def test_a_silent_first_one_costs_a_stagger(monkeypatch: pytest.MonkeyPatch) -> None:
    Road(monkeypatch, a=late(1.0), b=there)
    began = time.monotonic()
    race = racing.Race(("a", "b"), 22)
    reached = race.next()
    assert reached is not None and reached.address == "b"
    assert STAGGER_SECONDS * 0.9 < time.monotonic() - began < scaled(0.8)
    race.abandon()
    reached.sock.close()


def test_a_refusal_starts_the_next_one_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    Road(monkeypatch, a=refused, b=there)
    began = time.monotonic()
    race = racing.Race(("a", "b"), 22)
    reached = race.next()
    assert reached is not None and reached.address == "b"
    assert time.monotonic() - began < STAGGER_SECONDS
    race.abandon()
    reached.sock.close()


def test_who_turns_out_to_be_somebody_else_is_followed_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    road = Road(monkeypatch, a=there, b=there)
    race = racing.Race(("a", "b"), 22)
    first, second, none = race.next(), race.next(), race.next()
    assert first is not None and second is not None and none is None
    assert [first.address, second.address] == ["a", "b"] == road.dialled
    race.abandon()
    for reached in (first, second):
        reached.sock.close()


def test_when_none_is_there_the_first_one_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    Road(monkeypatch, a=refused, b=lost)
    with pytest.raises(PortClosed):
        racing.Race(("a", "b"), 22).next()


def test_what_comes_too_late_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    road = Road(monkeypatch, a=late(0.2), b=there)
    race = racing.Race(("a", "b"), 22)
    wait_until(lambda: road.dialled, "the first attempt")
    race.abandon()
    wait_until(lambda: road.made, "the late one")
    wait_until(lambda: road.made[0].fileno() == -1, "its end")
    assert road.dialled == ["a"]
