"""Notifications on a real session bus: services of every kind, a real one among them, and who tells what."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from jeepney import DBusAddress, message_bus, new_signal  # type: ignore[import-untyped]
from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped]
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from sparktray.domain.snapshot import Snapshot
from sparktray.ui.notifying.announcing import Announcer
from sparktray.ui.notifying.bus_notify import BusNotifications
from sparktray.ui.notifying.notify import Message, Weight
from sparktray.wording import Wording
from tests.rig.desktop import NOTIFICATIONS, Desktop, Notifications, Watcher
from tests.rig.driving import Program, driven, profile, quicken
from tests.rig.notification_services import dunst, service
from tests.rig.rig import Rig
from tests.rig.tray_program import tray
from tests.waiting import scaled, wait_until

SCOUT, QWEN = "llama4-scout-17b-nvfp4", "qwen3-32b-nvfp4"
HOSTILE = '<b>bold</b> & <img src="file:///etc/passwd"> a_b %s \\n «ü»'


@pytest.fixture(scope="module")
def desktop() -> Iterator[Desktop]:
    made = Desktop()
    yield made
    made.close()


@pytest.fixture
def watcher(desktop: Desktop) -> Iterator[Watcher]:
    with desktop.watcher() as made:
        yield made


@pytest.fixture
def program(rig: Rig, tmp_path: Path) -> Program:
    quicken(rig)
    made = Program(tmp_path / "config")
    made.add(rig)
    return made


@pytest.fixture(scope="module")
def application() -> QApplication:
    """Timers and signals between threads need one; it shows nothing, whatever the desktop is."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    return QApplication(["sparktray", "-platform", "offscreen"])


class Ours(BusNotifications):
    """The program's notifier, and what was pressed; its thread is joined at the end of a test."""

    def __init__(self) -> None:
        super().__init__("sparktray")
        self.presses: list[str] = []
        self.pressed.connect(self.presses.append, Qt.ConnectionType.DirectConnection)
        self.clicked.connect(self._click, Qt.ConnectionType.DirectConnection)

    def _click(self, token: str) -> None:
        self.presses.append(f"click:{token}")

    def tell(self, key: str, title: str, text: str = "Text.", action: str | None = "Do it") -> None:
        """Show a message."""
        self.show(Message(key, title, text, Weight.NORMAL, action, "Open"))


@pytest.fixture
def ours(desktop: Desktop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ours]:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", desktop.address)
    made = Ours()
    yield made
    began = time.monotonic()
    made.close()
    assert time.monotonic() - began < scaled(0.4), "whatever the service does"


def told(notifications: Notifications, count: int) -> list[tuple[str, int]]:
    """Title and replaced id of all that were told, once there are so many."""
    wait_until(lambda: len(notifications.told) >= count, f"{count} notifications")
    return [(each.title, each.replaces) for each in notifications.told]


def stranger(desktop: Desktop, identity: int, action: str) -> None:
    """A program that is not the service says that something was pressed."""
    emitter = DBusAddress("/org/freedesktop/Notifications", interface=NOTIFICATIONS)
    with open_dbus_connection(desktop.address) as connection:
        connection.send(new_signal(emitter, "ActionInvoked", "us", (identity, action)))
        # The bus answers in order: what was sent before is delivered by then.
        connection.send_and_get_reply(message_bus.GetId())


# How a service is spoken to


def test_button_and_click_come_back(desktop: Desktop, ours: Ours) -> None:
    with service(desktop) as theirs:
        ours.tell("a", "One")
        ours.tell("b", "Two", action=None)
        told(theirs, 2)
        first, second = theirs.told
        assert first.actions == ("default", "Open", "act", "Do it")
        assert second.actions == ("default", "Open")
        stranger(desktop, first.identity, "act")
        theirs.press(first.identity + 1000, "act")
        theirs.press(first.identity, "default")
        theirs.click(second.identity, "token-1")
        theirs.press(first.identity, "act")
        wait_until(lambda: len(ours.presses) >= 3, "the presses")
        assert ours.presses == ["click:", "click:token-1", "a"]


def test_a_later_one_takes_the_place_of_the_one_of_its_key(desktop: Desktop, ours: Ours) -> None:
    with service(desktop) as theirs:
        for title in ("One", "Two", "Three"):
            ours.tell("a", title)
        wait_until(lambda: theirs.told and theirs.told[-1].title == "Three", "the last one")
        assert {each.identity for each in theirs.told} == {theirs.told[0].identity}
        ours.tell("b", "Other")
        wait_until(lambda: theirs.told[-1].title == "Other", "the other key")
        assert theirs.told[-1].replaces == 0


def test_one_that_a_person_closed_is_not_replaced(desktop: Desktop, ours: Ours) -> None:
    with service(desktop) as theirs:
        ours.tell("a", "One")
        told(theirs, 1)

        def anew() -> bool:
            # Each time: what closes before its answer is on its way was never there for us.
            theirs.dismiss(theirs.told[-1].identity)
            before = len(theirs.told)
            ours.tell("a", "Again")
            return told(theirs, before + 1)[-1] == ("Again", 0)

        wait_until(anew, "the closing to be heard")


def test_what_is_taken_back_is_closed_even_when_its_id_is_not_known_yet(desktop: Desktop, ours: Ours) -> None:
    with service(desktop) as theirs:
        ours.withdraw("never shown")
        ours.tell("a", "One")
        told(theirs, 1)
        ours.withdraw("a")
        wait_until(lambda: theirs.closed, "the withdrawal")
        assert theirs.closed == [theirs.told[0].identity]
        ours.tell("b", "Two")
        ours.withdraw("b")
        ours.tell("c", "Three")
        wait_until(lambda: theirs.told[-1].title == "Three", "the last one")
        shown = {each.title: each.identity for each in theirs.told}
        if "Two" in shown:
            wait_until(lambda: shown["Two"] in theirs.closed, "its withdrawal")


@pytest.mark.parametrize(
    ("capabilities", "body"),
    [
        (("body", "body-markup"), '&lt;b&gt;bold&lt;/b&gt; &amp; &lt;img src="file:///etc/passwd"&gt;'),
        (("body",), '<b>bold</b> & <img src="file:///etc/passwd">'),
    ],
    ids=["markup", "plain"],
)
def test_markup_is_shown_as_written(
    desktop: Desktop, ours: Ours, capabilities: tuple[str, ...], body: str
) -> None:
    """Escaped only for a service that would read it: another one would show the escapes."""
    with service(desktop, capabilities) as theirs:
        ours.tell("a", HOSTILE + "\u202e\x07", HOSTILE + "\nnext\u202e")
        told(theirs, 1)
        assert theirs.told[0].title == HOSTILE
        assert theirs.told[0].body == body + HOSTILE.partition('">')[2] + " next"


def test_a_service_without_buttons_gets_none(desktop: Desktop, ours: Ours) -> None:
    with service(desktop, ("body",)) as theirs:
        ours.tell("a", "One")
        told(theirs, 1)
        assert theirs.told[0].actions == ()


def test_a_service_that_is_missing_is_used_when_it_comes(desktop: Desktop, ours: Ours) -> None:
    """What was to be told meanwhile is not told late."""
    ours.tell("a", "Nobody hears it")
    ours.withdraw("a")
    with service(desktop) as theirs:
        titles = [title for title, _ in _until_told(ours, theirs, "Heard")]
        assert set(titles) == {"Heard"}


def _until_told(ours: Ours, theirs: Notifications, title: str) -> list[tuple[str, int]]:
    """Tell it until it is heard: a service that has just come is known a moment later."""

    def heard() -> list[tuple[str, int]]:
        ours.tell("b", title)
        return [(each.title, each.replaces) for each in theirs.told]

    return wait_until(heard, title, every=0.05)


def test_a_service_that_hangs_stops_nothing_and_its_successor_hears_the_latest(
    desktop: Desktop, ours: Ours
) -> None:
    with service(desktop, hangs=True) as deaf:
        began = time.monotonic()
        for number in range(1000):
            ours.tell("a", f"Title {number}")
        ours.tell("b", "Withdrawn")
        ours.withdraw("b")
        assert time.monotonic() - began < scaled(0.5)
        wait_until(lambda: deaf.calls, "a question")
        assert deaf.calls == ["GetCapabilities"], "nothing more is piled up there"
    with service(desktop) as theirs:
        assert told(theirs, 1) == [("Title 999", 0)]


def test_a_service_that_hangs_later_gets_no_more_than_one_of_a_key(desktop: Desktop, ours: Ours) -> None:
    with service(desktop) as theirs:
        ours.tell("a", "One")
        told(theirs, 1)
        theirs.hangs = True
        for title in ("Two", "Three", "Four"):
            ours.tell("a", title)
        ours.tell("mark", "Mark")
        wait_until(lambda: theirs.calls.count("Notify") >= 3, "the mark")
        assert theirs.calls == ["GetCapabilities", "Notify", "Notify", "Notify"]
    with service(desktop) as other:
        assert told(other, 1) == [("Four", 0)]


def test_a_service_that_was_restarted_knows_no_ids_and_may_be_able_to_less(
    desktop: Desktop, ours: Ours
) -> None:
    with service(desktop) as theirs:
        ours.tell("b", "One")
        assert told(theirs, 1) == [("One", 0)]
        assert theirs.told[0].actions
    with service(desktop, ("body",)) as other:
        assert _until_told(ours, other, "Two")[0] == ("Two", 0)
        assert other.told[0].actions == ()
        theirs_before, identity = list(theirs.closed), other.told[0].identity
        ours.withdraw("b")
        wait_until(lambda: other.closed, "the withdrawal")
        assert (other.closed, theirs.closed) == ([identity], theirs_before)


def test_dunst_shows_title_and_body_as_written(desktop: Desktop, ours: Ours) -> None:
    """Debian's dunst, as it keeps them; a click and a withdrawal reach the right one."""
    with dunst(desktop) as real:
        ours.tell("a", HOSTILE, HOSTILE)
        wait_until(lambda: real.displayed == 1, "the notification on the screen")
        ours.tell("a", "Later " + HOSTILE, HOSTILE)
        ours.tell("b", "Taken back")
        wait_until(lambda: real.displayed == 2, "both")
        ours.withdraw("b")
        wait_until(lambda: real.displayed == 1, "the withdrawal")
        real.control("action", "0")
        wait_until(lambda: ours.presses == ["click:"], "the click")
        real.control("close-all")
        wait_until(lambda: real.displayed == 0, "the end")
        kept = [entry for entry in real.history() if entry["summary"] != "Taken back"]
        assert [entry["summary"] for entry in kept] == ["Later " + HOSTILE]
        assert (kept[0]["appname"], kept[0]["default_action_name"]) == ("sparktray", "default")
        escaped = HOSTILE.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        assert kept[0]["body"] == escaped
        assert escaped in kept[0]["message"], "what dunst renders as markup comes out as it was written"


# Who tells what


def test_a_server_that_went_down_is_told_and_taken_back(
    rig: Rig, desktop: Desktop, ours: Ours, application: QApplication, tmp_path: Path
) -> None:
    """A real server, killed and started again from outside; only the minute is not waited for."""
    quicken(rig)
    rig.start_sglang(SCOUT, rm=False)
    ahead, logs = [0.0], list[str]()
    announcer = Announcer(Wording("en"), ours, clock=lambda: time.monotonic() + ahead[0])
    announcer.log_asked.connect(logs.append)
    ours.pressed.connect(announcer.pressed)
    with driven(tmp_path, profile(rig)) as driver, service(desktop) as theirs:
        driver.until_ready("sglang")
        announcer.take(driver.snapshot)
        rig.docker("kill", "sglang")
        announcer.take(driver.until(lambda s: not _ready(s), "the end"))
        ahead[0] += 59
        announcer.take(driver.snapshot)
        assert theirs.calls == []
        ahead[0] += 2
        announcer.take(driver.snapshot)
        told(theirs, 1)
        notice = theirs.told[0]
        assert notice.title == "sglang on spark has been down for a minute."
        assert notice.actions == ("default", "Open sparktray…", "act", "Show log")
        theirs.press(notice.identity, "act")

        def asked() -> list[str]:
            application.processEvents()
            return logs

        assert wait_until(asked, "the press") == ["sglang"]
        rig.docker("start", "sglang")
        driver.until_ready("sglang")
        announcer.take(driver.snapshot)
        wait_until(lambda: theirs.closed, "the withdrawal")
        assert (theirs.closed, len(theirs.told)) == ([notice.identity], 1)


def _ready(snapshot: Snapshot) -> bool:
    state = snapshot.state_of("sglang")
    return state is not None and state.ready


def test_a_changed_host_key_is_told_at_the_first_connection_and_once(
    rig: Rig, program: Program, desktop: Desktop, watcher: Watcher
) -> None:
    """Another machine answers at the address: said, critical, and never tried again by itself."""
    other = rig.sshd(host_key_name="impostor")
    words = ("--address", other.address, "--port", str(other.port), "--user", other.user)
    key = ("--key", str(other.client_key), "--fingerprint", rig.fingerprint)
    program.ok("host", "add", "moved", *words, *key)
    program.ok("host", "use", "moved")
    with service(desktop) as theirs, tray(program, desktop) as running:
        item = desktop.item(watcher)
        told(theirs, 1)
        assert theirs.told[0].title == "moved waits for you."
        assert other.fingerprint in theirs.told[0].body and rig.fingerprint in theirs.told[0].body
        assert theirs.told[0].hints["urgency"] == ("y", 2)
        tried = other.log().count("Connection from")
        wait_until(lambda: "host key" in item.visible()[0], "the sentence")
        assert running.quit() <= scaled(2.0)
        assert len(theirs.told) == 1 and other.log().count("Connection from") == tried
        assert "Accepted" not in other.log()


def test_a_login_refused_at_the_start_is_for_the_icon_to_show(
    rig: Rig, program: Program, desktop: Desktop, watcher: Watcher
) -> None:
    program.add(rig, "closed", rig.sshd({"AuthorizedKeysFile": "none"}))
    program.ok("host", "use", "closed")
    with service(desktop) as theirs, tray(program, desktop):
        item = desktop.item(watcher)
        wait_until(lambda: "login" in item.visible()[0].lower(), "the sentence", seconds=20)
        assert theirs.calls == []


def test_the_tray_does_not_wait_for_a_service_that_hangs(
    rig: Rig, program: Program, desktop: Desktop, watcher: Watcher
) -> None:
    with service(desktop, hangs=True) as deaf, tray(program, desktop) as running:
        item = desktop.item(watcher)
        wait_until(lambda: item.visible()[0].startswith("No model"), "the host", seconds=30)
        item.click(QWEN)
        wait_until(lambda: deaf.calls, "the question", seconds=30)
        wait_until(lambda: item.visible()[0].startswith(f"{QWEN} is ready"), "the server", seconds=20)
        rig.docker("kill", "sglang-main")
        wait_until(lambda: item.visible()[0].startswith("No model"), "its end", seconds=20)
        assert running.quit() <= scaled(2.0)
        assert deaf.calls == ["GetCapabilities"]


def test_a_switch_of_the_tray_on_dunst(
    rig: Rig, program: Program, desktop: Desktop, watcher: Watcher
) -> None:
    """From the click in the menu to what the real service keeps."""
    with dunst(desktop) as real, tray(program, desktop):
        item = desktop.item(watcher)
        wait_until(lambda: item.visible()[0].startswith("No model"), "the host", seconds=30)
        item.click(QWEN)
        wait_until(lambda: real.displayed == 1, "the notification", seconds=30)
        real.control("close-all")
        wait_until(lambda: real.history(), "the end of the notification")
        (kept,) = real.history()
        assert (kept["summary"], kept["body"]) == (f"{QWEN} is ready.", "It runs on sglang-main of spark.")
