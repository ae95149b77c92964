"""What the announcer makes of pictures; how it reaches a real service is tested on the rig."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace
from PySide6.QtWidgets import QApplication

from sparktray.decide.clients.remembered import CopiedId
from sparktray.decide.showing.notices.notice import NoticeKind
from sparktray.domain.asking import Health, Reading
from sparktray.domain.events import LinkDown
from sparktray.domain.facts.vitals import Vitals
from sparktray.domain.host import HostProfile
from sparktray.domain.operation import OperationEnd, StepRun, SwitchWish
from sparktray.domain.snapshot import Snapshot, first_snapshot
from sparktray.ui.notifying.announcing import Announcer
from sparktray.ui.notifying.notify import Message, Weight
from sparktray.wording import Wording
from tests.pure.decide.building import CATALOGUE, Desk, ended, problem, ready, serving, sglang_box, vllm_box
from tests.pure.decide.showing.listening import FAILURE, operation, wished
from tests.waiting import wait_until

BOX = sglang_box()
ALL = frozenset(NoticeKind)


class Screen:
    """A notifier that keeps what stands on the screen, and counts."""

    def __init__(self) -> None:
        self.standing: dict[str, Message] = {}
        self.shown: list[Message] = []
        self.withdrawn: list[str] = []

    def show(self, message: Message) -> None:
        """It takes the place of the one of its key."""
        self.standing[message.key] = message
        self.shown.append(message)

    def withdraw(self, key: str) -> None:
        """It must be there."""
        del self.standing[key]
        self.withdrawn.append(key)

    def close(self) -> None:
        """Nothing to end."""


class Tray:
    """An announcer that has seen a host on which scout is ready, and a clock that a test moves."""

    def __init__(self) -> None:
        self.screen, self.say, self.now = Screen(), Wording("en"), 1000.0
        self.announcer = Announcer(self.say, self.screen, clock=lambda: self.now)
        self.desk = serving(BOX, sglang=ready("scout"))
        self.asked: list[tuple[str, str]] = []
        self.announcer.copy_asked.connect(lambda server: self.asked.append(("copy", server)))
        self.announcer.log_asked.connect(lambda server: self.asked.append(("log", server)))
        self.take()

    def take(self, snapshot: Snapshot | None = None) -> None:
        """A picture comes, the desk's by default."""
        self.announcer.take(self.desk.snapshot if snapshot is None else snapshot)

    def switched(self, end: OperationEnd = OperationEnd.DONE, identity: str = "op-1") -> None:
        """A switch that was begun here comes to that end."""
        self.announcer.asked(identity)
        failure = None if end is OperationEnd.DONE else FAILURE
        done = replace(operation(end, failure=failure, runs=RUNS), id=identity)
        self.take(replace(self.desk.snapshot, operation=done))
        self.take()

    def crash(self) -> None:
        """The server ends by itself, and a minute passes."""
        self.desk.read(ended(BOX, 1, confirmed=True))
        self.take()
        self.now += 61
        self.take()


def _runs() -> tuple[StepRun, ...]:
    return wished(SwitchWish("scout")).run().runs


def test_a_switch_offers_the_id_and_a_failure_the_log() -> None:
    tray = Tray()
    tray.switched()
    message = tray.screen.standing["operation"]
    assert (message.title, message.text) == ("scout is ready.", "It runs on sglang of spark.")
    assert (message.action, message.opening, message.weight) == (
        "Copy model ID",
        "Open sparktray…",
        Weight.LOW,
    )
    tray.announcer.pressed("operation")
    tray.switched(OperationEnd.FAILED, "op-2")
    assert tray.screen.standing["operation"].action == "Show log"
    tray.announcer.pressed("operation")
    assert tray.asked == [("copy", "sglang"), ("log", "sglang")]


def test_a_press_that_comes_too_late_means_nothing() -> None:
    tray = Tray()
    tray.announcer.pressed("operation")
    tray.desk.take(LinkDown(tray.desk.snapshot.epoch, problem("login-refused"), blocked=True))
    tray.take()
    assert tray.screen.standing["link"].action is None
    tray.announcer.pressed("link")
    assert tray.asked == []


def test_a_success_is_not_told_to_who_looks_at_the_panel() -> None:
    tray = Tray()
    tray.switched(OperationEnd.FAILED)
    tray.announcer.in_front = True
    tray.switched(identity="op-2")
    assert tray.screen.standing == {}, "and the failure before it is no longer the latest"
    tray.switched(OperationEnd.ROLLED_BACK, "op-3")
    assert tray.screen.standing["operation"].action == "Show log"
    tray.announcer.in_front = False
    tray.switched(identity="op-4")
    assert tray.screen.standing["operation"].action == "Copy model ID"


def test_what_others_began_is_not_told() -> None:
    """Those who asked on the command line are told there."""
    tray = Tray()
    tray.take(replace(tray.desk.snapshot, operation=operation(OperationEnd.FAILED, failure=FAILURE)))
    assert tray.screen.shown == []


def test_kinds_that_are_switched_off_are_not_told_until_they_are_on_again() -> None:
    tray = Tray()
    tray.announcer.silence(ALL - {"down"} | {"of-a-later-version"})
    tray.switched(OperationEnd.FAILED)
    assert tray.screen.shown == []
    tray.crash()
    assert list(tray.screen.standing) == ["down:sglang"]
    tray.announcer.silence(frozenset())
    tray.switched(OperationEnd.FAILED, "op-2")
    assert "operation" in tray.screen.standing


def test_a_server_that_is_well_again_is_taken_back_even_when_its_kind_is_off_by_then() -> None:
    tray = Tray()
    tray.crash()
    assert tray.screen.standing["down:sglang"].title == "sglang on spark has been down for a minute."
    tray.announcer.silence(ALL)
    tray.desk.read(replace(BOX, started_at=tray.desk.now))
    tray.desk.probe("sglang", Reading(Health.REFUSED))
    tray.take()
    assert tray.screen.withdrawn == []
    tray.desk.probe("sglang", ready("scout"))
    tray.take()
    assert tray.screen.withdrawn == ["down:sglang"]


def test_a_minute_passes_without_a_picture(application: QApplication) -> None:
    """Nothing changes when a minute is over: the announcer looks by itself, and not before."""
    tray = Tray()
    tray.desk.read(ended(BOX, 1, confirmed=True))
    tray.take()
    tray.now += 59.9
    tray.take()
    assert tray.screen.shown == []
    tray.now += 0.2  # the timer waits for the 0.1 s that were missing
    _until(application, lambda: tray.screen.shown)
    assert list(tray.screen.standing) == ["down:sglang"]


def test_another_controller_of_the_same_host_is_no_news() -> None:
    """As after other settings: what was told stands, what it brings is taken as it is."""
    tray = Tray()
    tray.crash()
    tray.announcer.reset()
    coder = sglang_box(model="coder", served="coder-30b", id="b" * 64)
    tray.take(serving(coder, sglang=ready("coder-30b")).snapshot)
    assert [m.key for m in tray.screen.shown] == ["down:sglang"]
    assert tray.screen.withdrawn == ["down:sglang"]


def test_an_operation_begun_before_the_controller_was_seen_is_told_all_the_same() -> None:
    tray = Tray()
    tray.announcer.asked("op-1")
    tray.announcer.reset()
    tray.take()
    tray.take(replace(tray.desk.snapshot, operation=operation(OperationEnd.FAILED, failure=FAILURE)))
    assert list(tray.screen.standing) == ["operation"]


def test_nothing_of_another_host_stays_and_its_buttons_mean_nothing() -> None:
    tray = Tray()
    tray.switched(OperationEnd.FAILED)
    tray.crash()
    assert set(tray.screen.standing) == {"operation", "down:sglang"}
    tray.announcer.reset()
    other = Desk(first_snapshot(HostProfile("other", "other.local"), CATALOGUE))
    tray.take(other.snapshot)
    assert tray.screen.standing == {}
    tray.announcer.pressed("operation")
    assert tray.asked == []
    tray.now += 1000
    tray.take(other.snapshot)
    assert tray.screen.standing == {}


def test_a_link_that_waited_for_a_person_is_taken_back_when_it_is_up() -> None:
    tray = Tray()
    tray.desk.take(LinkDown(tray.desk.snapshot.epoch, problem("host-key-changed"), blocked=True))
    tray.take()
    assert tray.screen.standing["link"].weight is Weight.CRITICAL
    tray.announcer.reset()
    tray.take(serving(BOX, sglang=ready("scout")).snapshot)
    assert tray.screen.withdrawn == ["link"]


def test_the_language_is_the_one_of_the_moment() -> None:
    tray = Tray()
    tray.switched()
    tray.say.speak("de")
    tray.switched(identity="op-2")
    first, second = tray.screen.shown
    assert (first.title, first.action) == ("scout is ready.", "Copy model ID")
    assert first.title != second.title and "scout" in second.title and second.action == "Modell-ID kopieren"


@pytest.mark.parametrize("name", ["<b>&amp;</b>", "a\tb"])
def test_names_come_as_they_are(name: str) -> None:
    """What a service makes of markup is the notifier's business; hidden characters are not shown."""
    tray = Tray()
    tray.announcer.asked("op-1")
    done = operation(OperationEnd.DONE, model=name, runs=RUNS)
    tray.take(replace(tray.desk.snapshot, operation=done))
    assert tray.screen.standing["operation"].title == f"{name} is ready.".replace("\t", " ")


def _until(application: QApplication, condition: Callable[[], object]) -> None:
    def met() -> bool:
        application.processEvents()
        return bool(condition())

    wait_until(met, "the announcer")


RUNS = _runs()


def test_memory_that_hovers_about_its_mark_is_told_once() -> None:
    tray = Tray()
    both = serving(BOX, vllm_box(), sglang=ready("scout"), vllm=ready("qwen"))

    def free(gib: int) -> None:
        vitals = Vitals(both.now, 120 << 30, gib << 30)
        tray.take(replace(both.snapshot, vitals=vitals))

    for gib in (30, 5, 10, 5, 10, 5):
        free(gib)
    assert [message.key for message in tray.screen.shown if message.key == "memory"] == ["memory"]
    free(30)
    assert "memory" not in tray.screen.standing
    free(5)
    assert tray.screen.standing["memory"].weight is Weight.CRITICAL


def test_a_failure_with_a_way_out_offers_it() -> None:
    tray = Tray()
    wished: list[object] = []
    tray.announcer.wished.connect(wished.append)
    tray.announcer.asked("op-1")
    failed = operation(OperationEnd.FAILED, failure=replace(FAILURE, code="architecture"), runs=RUNS)
    tray.take(replace(tray.desk.snapshot, operation=replace(failed, id="op-1", server="sglang")))
    assert tray.screen.standing["operation"].action == "Start it on vllm"
    tray.announcer.pressed("operation")
    assert wished == [SwitchWish("scout", on="vllm")]


def test_an_id_that_was_copied_and_is_no_longer_served_is_told_once_instead_of_the_switch() -> None:
    tray = Tray()
    tray.announcer.remember((CopiedId(host="spark", server="sglang", model_id="scout"),))
    coder = sglang_box(model="coder", served="coder-30b", id="c" * 64)
    tray.desk.read(coder)
    tray.take()
    tray.desk.probe("sglang", ready("coder-30b"))
    tray.take()
    assert list(tray.screen.standing) == ["stale:sglang"]
    message = tray.screen.standing["stale:sglang"]
    assert message.action == "Copy new ID" and "scout" in message.text
    tray.announcer.pressed("stale:sglang")
    assert tray.asked == [("copy", "sglang")]
    tray.take()
    assert len(tray.screen.shown) == 1


def test_what_was_wrong_already_when_the_tray_began_is_not_told() -> None:
    tray = Tray()
    tray.announcer.remember((CopiedId(host="spark", server="sglang", model_id="of last week"),))
    tray.take()
    tray.take()
    assert tray.screen.shown == []
