from __future__ import annotations

import pytest
from msgspec.structs import replace

from sparktray.decide.effects import CheckLink, Connect, ConnectNow, Probe, ReadKeysAnew
from sparktray.decide.reduce import begin
from sparktray.decide.servers import probe_key
from sparktray.domain.asking import Health, Reading
from sparktray.domain.events import Event, LinkDown, LinkUp, RetryNow, Woke
from sparktray.domain.snapshot import LinkPhase
from tests.pure.decide.building import Desk, connected, only, problem, ready, serving, sglang_box, vllm_box
from tests.pure.decide.showing.listening import listening

REASONS: list[Event] = [Woke(), RetryNow()]


def waiting(times: int = 6) -> Desk:
    """A host that was lost and tried again so many times."""
    desk = connected(sglang_box())
    for _ in range(times):
        desk.take(LinkDown(desk.snapshot.epoch, problem("host-silent")))
    assert (desk.snapshot.link, desk.snapshot.attempts) == (LinkPhase.OFFLINE, times)
    return desk


def test_after_sleep_a_connected_link_is_checked_and_nothing_else_changes() -> None:
    desk = serving(sglang_box(), sglang=ready("scout"))
    before = desk.snapshot
    assert desk.take(Woke()) == [CheckLink(before.epoch)]
    assert desk.snapshot == before, "what is known stands until the check has failed"


def test_a_person_who_looks_does_not_disturb_a_connected_link() -> None:
    desk = serving(sglang_box(), sglang=ready("scout"))
    before = desk.snapshot
    assert desk.take(RetryNow()) == []
    assert desk.snapshot == before


@pytest.mark.parametrize("reason", REASONS, ids=["woke", "retry"])
def test_a_link_that_waits_is_tried_at_once_and_its_pauses_begin_anew(reason: Event) -> None:
    desk = waiting()
    epoch = desk.snapshot.epoch
    assert desk.take(reason) == [ConnectNow()]
    assert (desk.snapshot.link, desk.snapshot.epoch, desk.snapshot.attempts) == (LinkPhase.OFFLINE, epoch, 0)
    assert desk.take(LinkDown(epoch, problem("host-silent"))) == [Connect(epoch + 1, 1)]


@pytest.mark.parametrize("reason", REASONS, ids=["woke", "retry"])
def test_the_attempt_under_way_still_counts(reason: Event) -> None:
    desk = waiting()
    desk.take(reason)
    desk.take(LinkUp(desk.snapshot.epoch))
    assert desk.snapshot.link is LinkPhase.CONNECTED


@pytest.mark.parametrize("reason", REASONS, ids=["woke", "retry"])
def test_the_first_connection_is_not_begun_twice(reason: Event) -> None:
    desk = Desk()
    desk.snapshot, _ = begin(desk.snapshot, desk.now)
    assert desk.take(reason) == [ConnectNow()]
    assert (desk.snapshot.link, desk.snapshot.epoch) == (LinkPhase.CONNECTING, 1)


@pytest.mark.parametrize("reason", REASONS, ids=["woke", "retry"])
def test_a_blocked_link_waits_for_a_person_still(reason: Event) -> None:
    desk = connected(sglang_box())
    desk.take(LinkDown(desk.snapshot.epoch, problem("host-key-changed"), blocked=True))
    before = desk.snapshot
    assert desk.take(reason) == []
    assert desk.snapshot == before


@pytest.mark.parametrize("lives", [True, False])
def test_sleep_and_wake_are_never_told(lives: bool) -> None:
    desk = serving(sglang_box(), sglang=ready("scout"))
    listener = listening(desk)
    desk.now += 8 * 3600
    desk.take(Woke())
    listener.hear(desk.snapshot, desk.now)
    if not lives:
        for reason in ("link-lost", "host-unreachable", "host-silent"):
            desk.take(LinkDown(desk.snapshot.epoch, problem(reason)), after=2)
            listener.hear(desk.snapshot, desk.now)
        desk.take(LinkUp(desk.snapshot.epoch), after=5)
        listener.hear(desk.snapshot, desk.now)
    desk.read(replace(sglang_box(), started_at=desk.now - 3600))
    listener.hear(desk.snapshot, desk.now)
    desk.probe("sglang", ready("scout"))
    listener.hear(desk.snapshot, desk.now)
    assert listener.told == []


def test_a_person_who_looks_has_locked_servers_asked_again_with_keys_read_anew() -> None:
    desk = serving(sglang_box(), vllm_box(), sglang=Reading(Health.LOCKED), vllm=ready("qwen"))
    assert only(ReadKeysAnew, desk.take(Woke())) == []
    effects = desk.take(RetryNow())
    assert len(only(ReadKeysAnew, effects)) == 1
    (probe,) = only(Probe, effects)
    assert (probe.server.name, probe.key) == ("sglang", "spark/sglang-api-key")
    elsewhere = replace(desk.snapshot, host=replace(desk.snapshot.host, name="other"))
    assert probe_key(elsewhere, desk.state("sglang")) == "other/sglang-api-key", "no key of another host's"
    desk.probe("sglang", ready("scout"))
    assert only(ReadKeysAnew, desk.take(RetryNow())) == []
    assert desk.state("sglang").wants_key, "the key is sent along from now on"
    other = sglang_box(id="b" * 64)
    desk.read(other, vllm_box())
    assert not desk.state("sglang").wants_key, "another run has not asked yet"
