"""What the SSH files of this computer name is offered in the assistant's first step."""

from __future__ import annotations

import getpass
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from sparktray.domain.host import HostProfile
from sparktray.remote.ssh_files.nvidia_sync import OfferedHost
from sparktray.ui.hosts.assistant import Assistant
from sparktray.ui.hosts.steps.offers import offers
from sparktray.ui.theme import is_dark
from sparktray.wording import Wording
from tests.pseudo import pseudo_wording
from tests.unit.ui.hosts_setup import OFFSCREEN, PRIVATE_KEY, Setting, setting, until

ME = getpass.getuser()
LEFT = Qt.MouseButton.LeftButton
TWO = """
Host office
    HostName 192.168.1.20
    Port 2222
    User anna
    IdentityFile ~/.ssh/office_key
Host Attic
    HostName attic.local
"""
SYNC = """
Host spark-4a5b
    Hostname spark-4a5b.local
    User nvidia
    IdentityFile "{home}/.config/NVIDIA/Sync/config/nvsync.key"
"""


@pytest.fixture(autouse=True)
def offscreen(qt_messages: list[str]) -> Iterator[None]:
    """The platform's own complaints are none of the program."""
    yield
    qt_messages[:] = [text for text in qt_messages if text not in OFFSCREEN]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a usual key and one that only the configuration names."""
    write_key(tmp_path / ".ssh/id_ed25519")
    write_key(tmp_path / ".ssh/office_key")
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def around(home: Path) -> Iterator[Setting]:
    """The roads out."""
    with setting(home / "config") as made:
        yield made


def write_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PRIVATE_KEY)
    path.chmod(0o600)


def configure(home: Path, text: str) -> None:
    (home / ".ssh/config").write_text(text)


def of_sync(home: Path) -> None:
    """What NVIDIA Sync leaves on a computer."""
    folder = home / ".config/NVIDIA/Sync/config"
    write_key(folder / "nvsync.key")
    (folder / "ssh_config").write_text(SYNC.format(home=home))


def shown(around: Setting, say: Wording | None = None) -> Assistant:
    """A new assistant that has read all it reads at its start."""
    read = threading.Event()
    offered = around.access.offered

    def watched() -> tuple[OfferedHost, ...]:
        try:
            return offered()
        finally:
            read.set()

    assistant = Assistant(say or Wording("en"), around.background, replace(around.access, offered=watched))
    assistant.show()
    until(read.is_set, "the SSH files to be read")
    running = [each for each in threading.enumerate() if each.name == "sparktray-background"]
    until(lambda: not any(each.is_alive() for each in running), "the offers to be brought")
    QApplication.processEvents()
    return assistant


def rows(assistant: Assistant) -> list[str]:
    listed = assistant.where.known.list
    return [listed.item(row).text() for row in range(listed.count())]


def choose(assistant: Assistant, row: int) -> None:
    listed = assistant.where.known.list
    middle = listed.visualItemRect(listed.item(row)).center()
    QTest.mouseClick(listed.viewport(), LEFT, pos=middle)


def entered(assistant: Assistant) -> tuple[str, str, int, str]:
    where = assistant.where
    return where.name.text, where.address.text, where.port.value(), where.user.text


def chosen_rows(assistant: Assistant) -> list[str]:
    return [item.text() for item in assistant.where.known.list.selectedItems()]


def test_without_anything_to_offer_the_form_is_alone(around: Setting) -> None:
    assistant = shown(around)
    assert not assistant.where.known.isVisible()
    assert entered(assistant) == ("spark", "", 22, ME)


def test_those_of_nvidia_sync_come_first_and_one_fills_in_all_fields(around: Setting, home: Path) -> None:
    configure(home, TWO)
    of_sync(home)
    assistant = shown(around)
    assert rows(assistant) == [
        "spark-4a5b – nvidia@spark-4a5b.local",
        "office – anna@192.168.1.20:2222",
        f"Attic – {ME}@attic.local",
    ]
    assert chosen_rows(assistant) == [] and entered(assistant) == ("spark", "", 22, ME)
    for row, fields in (
        (1, ("office", "192.168.1.20", 2222, "anna")),
        (2, ("Attic", "attic.local", 22, ME)),
        (0, ("spark-4a5b", "spark-4a5b.local", 22, "nvidia")),
    ):
        choose(assistant, row)
        assert entered(assistant) == fields and chosen_rows(assistant) == [rows(assistant)[row]]
        assert assistant.onward.isEnabled() and around.asked == []


def to_login(assistant: Assistant) -> str:
    """The key file that is chosen there, once it was looked at."""
    assistant.onward.click()
    until(lambda: assistant.step is assistant.host_key, "the host key")
    assistant.onward.click()
    until(assistant.login.complete, "the key to be looked at")
    path = assistant.login.draft(HostProfile("", "")).key_file
    assert path is not None
    return path


def back_to_the_first(assistant: Assistant) -> None:
    assistant.back.click()
    assistant.back.click()
    assert assistant.step is assistant.where


def test_its_key_file_is_chosen_in_the_login_step(around: Setting, home: Path) -> None:
    """Listed once, whichever way it is written; another host's key does not stay."""
    configure(home, TWO)
    of_sync(home)
    assistant = shown(around)
    keys = assistant.login.keys
    choose(assistant, 1)
    assert to_login(assistant) == str(home / ".ssh/office_key") and keys.currentText() == "~/.ssh/office_key"
    listed = [keys.itemText(row) for row in range(keys.count())]
    keys.setCurrentIndex(keys.findText("~/.ssh/id_ed25519"))
    back_to_the_first(assistant)
    assert to_login(assistant) == str(home / ".ssh/id_ed25519")  # a person's own choice stays
    back_to_the_first(assistant)
    choose(assistant, 0)
    assert to_login(assistant) == str(home / ".config/NVIDIA/Sync/config/nvsync.key")
    assert [keys.itemText(row) for row in range(keys.count())] == listed
    back_to_the_first(assistant)
    choose(assistant, 2)
    assert to_login(assistant) == str(home / ".ssh/id_ed25519")


def test_a_key_that_cannot_be_used_gives_way_and_alone_it_is_told(around: Setting, home: Path) -> None:
    (home / ".ssh/open").write_text(PRIVATE_KEY)
    (home / ".ssh/open").chmod(0o644)
    files = "IdentityFile ~/.ssh/missing\n IdentityFile ~/.ssh/open\n"
    configure(home, f"Host a\n {files} IdentityFile ~/.ssh/office_key\nHost b\n {files}")
    assistant = shown(around)
    choose(assistant, 0)
    assert to_login(assistant) == str(home / ".ssh/office_key")
    back_to_the_first(assistant)
    choose(assistant, 1)
    assistant.onward.click()
    until(lambda: assistant.step is assistant.host_key, "the host key")
    assistant.onward.click()
    until(lambda: assistant.login.about.retry.isVisible(), "the problem of the key")
    assert assistant.login.keys.currentText() == "~/.ssh/open" and not assistant.onward.isEnabled()


def test_what_is_set_up_already_is_not_offered(around: Setting, home: Path) -> None:
    around.file.add(HostProfile("there", "ATTIC.local", 22, ME))
    around.file.add(HostProfile("other-user", "192.168.1.20", 2222, "bob"))
    configure(home, TWO)
    assert rows(shown(around)) == ["office – anna@192.168.1.20:2222"]


def test_what_cannot_be_dialled_directly_is_not_offered(around: Setting, home: Path) -> None:
    configure(
        home,
        "Host inner\n ProxyJump bastion\nHost piped\n ProxyCommand nc %h %p\nHost local\n"
        "Host direct\n HostName d.example\n ProxyCommand none\nHost * !direct\n Port 23\n",
    )
    assert rows(shown(around)) == [f"direct – {ME}@d.example"]


def test_the_same_machine_is_offered_once(around: Setting, home: Path) -> None:
    configure(home, f"Host a\n HostName s\nHost b\n HostName s\n Port 22\n User {ME}\n")
    assert rows(shown(around)) == [f"a – {ME}@s"]


def test_a_name_that_is_taken_or_unfit_is_replaced(around: Setting, home: Path) -> None:
    long = "a" * 63
    for name in ("office", long):
        around.file.add(HostProfile(name, "local"))
    configure(home, f"Host office\nHost größe\nHost {long}\n HostName x\n")
    assistant = shown(around)
    for row, name in enumerate(("office-2", "spark", "a" * 58 + "-2")):
        choose(assistant, row)
        assert assistant.where.name.text == name and not assistant.where.name.below.isVisible()


def test_many_are_scrolled_and_long_ones_end_early(around: Setting, home: Path) -> None:
    configure(home, "".join(f"Host h{n}{'-long' * 11}\n HostName {'x' * 60}{n}\n" for n in range(9)))
    listed = shown(around).where.known.list
    assert listed.count() == 9 and listed.verticalScrollBar().maximum() > 0
    assert listed.viewport().height() == 6 * listed.visualItemRect(listed.item(0)).height()
    assert listed.visualItemRect(listed.item(0)).width() <= listed.viewport().width()


def test_keys_are_enough(around: Setting, home: Path) -> None:
    configure(home, TWO)
    assistant = shown(around)
    assistant.activateWindow()
    until(lambda: assistant.where.address.edit.hasFocus(), "the focus")
    known = assistant.where.known.list
    assert assistant.where.known.label.buddy() is known
    QTest.keyClick(assistant.where.address.edit, Qt.Key.Key_Backtab)
    assert QApplication.focusWidget() is known and chosen_rows(assistant) == []
    QTest.keyClick(known, Qt.Key.Key_Space)
    assert entered(assistant)[0] == "office"
    QTest.keyClick(known, Qt.Key.Key_Down)
    assert entered(assistant)[0] == "Attic"
    QTest.keyClick(known, Qt.Key.Key_Tab)
    assert assistant.where.address.edit.hasFocus()
    QTest.keyClick(assistant.where.address.edit, Qt.Key.Key_Backtab)
    QTest.keyClick(known, Qt.Key.Key_Return)
    until(lambda: assistant.step is assistant.host_key, "the host key")
    assert around.asked == [("attic.local", 22)]


def test_enter_on_the_first_row_chooses_it(around: Setting, home: Path) -> None:
    configure(home, TWO)
    assistant = shown(around)
    assistant.activateWindow()
    until(lambda: assistant.where.address.edit.hasFocus(), "the focus")
    QTest.keyClick(assistant.where.address.edit, Qt.Key.Key_Backtab)
    QTest.keyClick(assistant.where.known.list, Qt.Key.Key_Return)
    assert entered(assistant) == ("office", "192.168.1.20", 2222, "anna")


def test_what_is_typed_afterwards_counts_and_the_row_is_let_go(around: Setting, home: Path) -> None:
    configure(home, TWO)
    assistant = shown(around)
    where = assistant.where
    choose(assistant, 0)
    where.name.edit.setText("mine")
    assert chosen_rows(assistant) != []
    where.port.setValue(22)
    assert chosen_rows(assistant) == [] and entered(assistant) == ("mine", "192.168.1.20", 22, "anna")
    choose(assistant, 0)
    assert entered(assistant) == ("office", "192.168.1.20", 2222, "anna")
    where.here.click()
    assert chosen_rows(assistant) == []
    choose(assistant, 1)
    assert not where.here.isChecked() and where.address.isEnabled() and entered(assistant)[0] == "Attic"


def test_reading_that_takes_long_keeps_nobody_waiting(around: Setting, home: Path) -> None:
    """What has been typed by then stays, and an assistant that was closed gets nothing."""
    configure(home, TWO)
    go_on, offered = threading.Event(), around.access.offered

    def slowly() -> tuple[OfferedHost, ...]:
        go_on.wait(20)
        return offered()

    windows = [
        Assistant(Wording("en"), around.background, replace(around.access, offered=slowly)) for _ in range(2)
    ]
    for window in windows:
        window.show()
    until(lambda: all(window.where.name.text for window in windows), "the names")
    for window in windows:
        window.where.address.edit.setText("10.0.0.1")
        assert window.onward.isEnabled() and not window.where.known.isVisible()
    closed, kept = windows
    closed.reject()
    go_on.set()
    until(kept.where.known.isVisible, "the list")
    assert entered(kept) == ("spark", "10.0.0.1", 22, ME) and chosen_rows(kept) == []
    running = [each for each in threading.enumerate() if each.name == "sparktray-background"]
    until(lambda: not any(each.is_alive() for each in running), "the other's end")
    QApplication.processEvents()
    assert rows(closed) == []


def test_language_and_look_change_while_it_is_open(around: Setting, home: Path) -> None:
    configure(home, TWO)
    say = pseudo_wording()
    assistant = shown(around, say)
    known = assistant.where.known
    assert known.label.text().startswith("[") and known.list.accessibleName().startswith("[")
    choose(assistant, 1)
    say.speak("en")
    assistant.tell()
    assert known.label.text() == "&Known on this computer"
    assert known.list.accessibleName() == "Known on this computer"
    assert known.label.textFormat() is Qt.TextFormat.PlainText
    assert chosen_rows(assistant) == [f"Attic – {ME}@attic.local"]
    before, light = QApplication.palette(), known.list.grab().toImage().pixelColor(20, 6)
    dark = QApplication.palette()
    dark.setColor(dark.ColorRole.Window, QColor("#202020"))
    try:
        QApplication.setPalette(dark)
        QApplication.processEvents()
        assert is_dark() and known.list.grab().toImage().pixelColor(20, 6) != light
    finally:
        QApplication.setPalette(before)


def test_markup_in_a_name_is_no_markup(around: Setting, home: Path) -> None:
    """Such an alias is never taken up by the reading; a profile that came another way is shown as it is."""
    configure(home, "Host <b>x</b>\nHost good\n")
    assistant = shown(around)
    assert rows(assistant) == [f"good – {ME}@good"]
    assistant.where.offer((HostProfile("v6", "fe80::1", 23, None), HostProfile("a\u202eb", "c")))
    assert rows(assistant) == ["v6 – [fe80::1]:23", "ab – c"]
    choose(assistant, 0)
    assert chosen_rows(assistant) == ["v6 – [fe80::1]:23"] and entered(assistant)[3] == ""


def test_nobody_at_this_computer_has_a_name(around: Setting, home: Path) -> None:
    configure(home, "Host attic\n")
    assert [host.user for host in offers(around.access.offered(), (), "")] == [None]
