"""The page of the hosts: the list, its changes, and the test of one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QMessageBox, QPushButton

from sparktray.control.checking import Stage
from sparktray.domain.catalogue import Catalogue
from sparktray.domain.host import DEMO_HOST, HostProfile, Login
from sparktray.domain.snapshot import first_snapshot
from sparktray.remote.errors import PortClosed
from sparktray.store.hosts import Hosts
from sparktray.ui.hosts.assistant import Assistant
from sparktray.ui.hosts.edit import HostForm
from sparktray.ui.hosts.hosts_page import HostsPage
from sparktray.ui.theme import is_dark
from sparktray.wording import Wording
from tests.pseudo import pseudo_wording
from tests.unit.ui.hosts_setup import KEY, OFFSCREEN, Setting, setting, until

SPARK = HostProfile("spark", "spark.local", 22, "me", "/key", KEY.fingerprint)
OFFICE = HostProfile("office", "192.168.1.20", 2222, "anna", "/key")
HERE = HostProfile("here", "local")


@pytest.fixture(autouse=True)
def offscreen(qt_messages: list[str]) -> Iterator[None]:
    """The platform's own complaints are none of the program."""
    yield
    qt_messages[:] = [text for text in qt_messages if text not in OFFSCREEN]


@pytest.fixture
def around(tmp_path: Path) -> Iterator[Setting]:
    """The roads out."""
    with setting(tmp_path / "config") as made:
        yield made


def page(around: Setting, *hosts: HostProfile, say: Wording | None = None) -> HostsPage:
    """A page on the screen, once it has read the list."""
    for host in hosts:
        around.file.add(host)
    made = HostsPage(say or Wording("en"), around.background, around.access)
    made.resize(600, 500)
    made.show()
    made.take(None)
    first, some = made.view.first, made.view.list
    until(lambda: some.isVisible() if hosts else first.isVisible(), "the list to be read")
    return made


def rows(made: HostsPage) -> list[tuple[str, ...]]:
    items = [made.view.list.topLevelItem(n) for n in range(made.view.list.topLevelItemCount())]
    return [tuple(item.text(column) for column in range(4)) for item in items if item is not None]


def choose(made: HostsPage, row: int) -> None:
    item = made.view.list.topLevelItem(row)
    assert item is not None
    made.view.list.setCurrentItem(item)


def test_without_a_host_there_is_one_next_step_and_the_demo(around: Setting) -> None:
    made = page(around)
    visible = {each for each in made.findChildren(QPushButton) if each.isVisible()}
    assert visible == {made.view.first, made.view.demo}
    asked = QSignalSpy(made.demo_asked)
    made.view.demo.click()
    assert asked.count() == 1
    made.take(first_snapshot(DEMO_HOST, Catalogue(servers=())))
    assert not made.view.demo.isVisible()
    made.view.first.click()
    assert isinstance(made.window_open, Assistant) and made.window_open.isVisible()
    assistant = made.window_open
    made.open_assistant()
    assert made.window_open is assistant
    assistant.reject()
    assert made.window_open is None


def test_the_list_and_what_can_be_done(around: Setting) -> None:
    made = page(around, SPARK, OFFICE, HERE)
    assert rows(made) == [
        ("spark", "spark.local", "me", "in use"),
        ("office", "192.168.1.20:2222", "anna", ""),
        ("here", "this computer", "", ""),
    ]
    assert made.view.chosen == SPARK and not made.view.use.isEnabled()
    choose(made, 1)
    assert made.view.chosen == OFFICE and made.view.use.isEnabled()


def test_use_another(around: Setting) -> None:
    made = page(around, SPARK, OFFICE)
    told: list[Hosts] = []
    made.changed.connect(told.append)
    choose(made, 1)
    made.view.use.click()
    until(lambda: told, "the change")
    assert told == [Hosts((SPARK, OFFICE), "office")] == [around.file.load()]
    assert [row[3] for row in rows(made)] == ["", "in use"] and made.view.chosen == OFFICE


def test_removing_asks_and_enter_keeps_it(around: Setting) -> None:
    made = page(around, SPARK, OFFICE)
    told: list[Hosts] = []
    made.changed.connect(told.append)
    made.view.remove.click()
    assert made.question is not None and made.question.textFormat() is Qt.TextFormat.PlainText
    QTest.keyClick(made.question, Qt.Key.Key_Return)
    until(lambda: made.question is None, "the answer")
    assert around.file.load() == Hosts((SPARK, OFFICE), "spark") and told == []
    made.view.remove.click()
    box = made.question
    assert isinstance(box, QMessageBox)
    button = next(each for each in box.buttons() if box.buttonRole(each) is not box.ButtonRole.RejectRole)
    button.click()
    until(lambda: told, "the change")
    assert told == [Hosts((OFFICE,), "office")] and len(rows(made)) == 1


def form(made: HostsPage) -> HostForm:
    made.view.edit.click()
    assert isinstance(made.window_open, HostForm)
    return made.window_open


def test_edit_keeps_name_and_key(around: Setting, tmp_path: Path) -> None:
    made = page(around, SPARK, OFFICE)
    told: list[Hosts] = []
    made.changed.connect(told.append)
    editing = form(made)
    for name, wrong, right in (
        ("address", "-x", "10.0.0.7"),
        ("user", "a b", "root"),
        ("fingerprint", "SHA256:no", KEY.fingerprint),
        ("models_dir", "relative", "/models"),
    ):
        field = editing.fields[name]
        field.edit.setText(wrong)
        assert field.below.isVisible() and not editing.save.isEnabled()
        field.edit.setText(right)
        assert not field.below.isVisible() and editing.save.isEnabled()
    editing.port.setValue(2200)
    QTest.keyClick(editing.fields["address"].edit, Qt.Key.Key_Return)
    until(lambda: told, "the change")
    changed = HostProfile("spark", "10.0.0.7", 2200, "root", "/key", KEY.fingerprint, "/models")
    assert around.file.load() == told[0] == Hosts((changed, OFFICE), "spark")
    assert made.window_open is None and rows(made)[0][1] == "10.0.0.7:2200"


def test_this_computer_has_only_folders_to_edit(around: Setting) -> None:
    editing = form(page(around, HERE))
    shown = {name for name, field in editing.fields.items() if field.isVisible()}
    assert shown == {"models_dir", "cache_dir"} and not editing.port.isVisible()
    editing.fields["cache_dir"].edit.setText("/cache")
    editing.save.click()
    until(lambda: not editing.isVisible(), "the end")
    assert around.file.load().profiles == (HostProfile("here", "local", cache_dir="/cache"),)


def test_what_cannot_be_saved_is_told_and_nothing_typed_is_lost(around: Setting, tmp_path: Path) -> None:
    made = page(around, SPARK)
    editing = form(made)
    editing.fields["address"].edit.setText("10.0.0.7")
    config = tmp_path / "config"
    config.rename(tmp_path / "aside")
    config.write_text("a file where the folder should be")
    editing.save.click()
    until(lambda: editing.status.retry.isVisible(), "the problem")
    config.unlink()
    (tmp_path / "aside").rename(config)
    editing.status.retry.click()
    until(lambda: not editing.isVisible(), "the end")
    assert around.file.load().profiles[0].address == "10.0.0.7"


def test_a_test_stops_at_the_stage_that_fails_and_can_be_repeated(around: Setting) -> None:
    made = page(around, SPARK)
    around.refusal = PortClosed(address="10.0.0.5", port="22")
    made.view.test.click()
    until(lambda: made.view.status.retry.isVisible(), "the end of the test")
    checks = {check.stage: check.problem for check in made.view.checklist.checks}
    assert list(checks) == [Stage.NAME, Stage.PORT] and checks[Stage.PORT] is not None
    texts = [label.text() for label in made.view.checklist.findChildren(QLabel) if label.isVisible()]
    assert "Start sshd on it, or correct the port." in texts and texts.count("·") == 8
    around.refusal = None
    made.view.status.retry.click()
    until(lambda: made._walk is None, "the end of the second test", 20)
    assert len(made.view.checklist.checks) > 5


def test_a_test_ends_when_the_page_is_left(around: Setting) -> None:
    made = page(around, HERE)
    made.view.test.click()
    assert made.view.status.stop.isVisible()
    made.left()
    assert not made.view.status.isVisible()
    around.file.add(SPARK)
    made.take(None)
    until(lambda: len(rows(made)) == 2, "the list to be read anew")


def test_a_broken_list_is_said_and_read_again(around: Setting, tmp_path: Path) -> None:
    around.file.add(SPARK)
    around.file.path.write_text("{")
    made = HostsPage(Wording("en"), around.background, around.access)
    made.show()
    made.take(None)
    until(lambda: made.view.status.retry.isVisible(), "the problem")
    assert "is kept as" in made.view.status.said.text()
    made.view.status.retry.click()
    until(lambda: made.view.first.isVisible(), "the empty list")


def test_what_others_changed_is_taken_and_the_choice_stays(around: Setting) -> None:
    made = page(around, SPARK, OFFICE)
    choose(made, 1)
    before = made.view.list.topLevelItem(1)
    made.take_hosts(Hosts((SPARK, OFFICE), "spark"))
    assert made.view.list.topLevelItem(1) is before
    made.take_hosts(Hosts((HERE, SPARK, OFFICE), "here"))
    assert made.view.chosen == OFFICE and len(rows(made)) == 3


def test_every_sentence_changes_with_the_language(around: Setting) -> None:
    say = pseudo_wording()
    made = page(around, SPARK, say=say)
    editing = form(made)
    of_host = {SPARK.name, ""}

    def english() -> list[str]:
        labels = [each for window in (made, editing) for each in window.findChildren(QLabel)]
        buttons = [each for window in (made, editing) for each in window.findChildren(QAbstractButton)]
        shown = [each.text() for each in labels if each.isVisible()]
        shown += [each.text() for each in buttons if each.isVisible()]
        return [text for text in shown if "[" not in text and text not in of_host | {"·"}]

    assert english() == []
    say.speak("en")
    made.tell()
    assert made.view.add.text() == "&Add…" and editing.save.text() == "Save"
    assert made.view.list.headerItem().text(0) == "Name"


def test_the_look_can_change_while_a_window_is_open(around: Setting, application: QApplication) -> None:
    editing = form(page(around, SPARK))
    before = application.palette()
    assert not is_dark()

    def written() -> QColor:
        return editing.heading.palette().windowText().color()

    light = written()
    try:
        dark = application.palette()
        dark.setColor(dark.ColorRole.Window, Qt.GlobalColor.black)
        application.setPalette(dark)
        until(lambda: written() != light, "the dark look")
    finally:
        application.setPalette(before)
    until(lambda: written() == light, "the light look")


def test_several_addresses_another_login_and_sudo(around: Setting) -> None:
    """Only what belongs to the way to log in is shown; a wrong one of several addresses is told."""
    editing = form(page(around, SPARK))
    assert editing.fields["key_file"].isVisible() and not editing.fields["agent_key"].isVisible()
    editing.ways.setCurrentIndex(1)
    assert not editing.fields["key_file"].isVisible() and editing.fields["agent_key"].isVisible()
    editing.fields["agent_key"].edit.setText("SHA256:no")
    assert not editing.save.isEnabled()
    editing.fields["agent_key"].edit.setText(KEY.fingerprint)
    editing.fields["address"].edit.setText("spark.local, -x")
    assert editing.fields["address"].below.isVisible()
    editing.fields["address"].edit.setText("spark.local, 100.64.0.7")
    editing.sudo.setChecked(True)
    editing.save.click()
    until(lambda: not editing.isVisible(), "the end")
    (saved,) = around.file.load().profiles
    assert saved.addresses == ("spark.local", "100.64.0.7") and saved.sudo
    assert (saved.login, saved.agent_key, saved.name) == (Login.AGENT, KEY.fingerprint, "spark")


def test_removing_a_host_takes_its_secrets_out_of_the_keyring(around: Setting) -> None:
    made = page(around, SPARK)
    made.view.remove.click()
    box = made.question
    assert isinstance(box, QMessageBox)
    next(each for each in box.buttons() if box.buttonRole(each) is not box.ButtonRole.RejectRole).click()
    until(lambda: around.forgotten, "the secrets to be forgotten")
    assert around.forgotten == [SPARK]
