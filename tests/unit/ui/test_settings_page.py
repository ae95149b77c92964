"""The settings page: what is clicked is what is on disk, and what is on disk is what is shown."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QAccessible, QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QLabel,
    QMessageBox,
    QPushButton,
    QScrollArea,
    QWidget,
)

from sparktray.decide.showing.notices.notice import NoticeKind
from sparktray.store.catalogue_file import make_own, own_catalogue, usable_catalogue
from sparktray.store.settings import Settings
from sparktray.wording import Wording
from tests.pseudo import PSEUDO
from tests.unit.ui.settings_on_screen import Opened, Shown

_on_disk: list[str] | None = None


def _listen(event: str, arguments: tuple[object, ...]) -> None:
    if _on_disk is None or threading.current_thread() is not threading.main_thread():
        return
    if event in {"open", "os.rename", "os.remove", "os.mkdir", "os.chmod", "os.scandir", "os.listdir"}:
        _on_disk.append(f"{event}{arguments}")


sys.addaudithook(_listen)


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qt_messages: list[str]) -> Iterator[Shown]:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    made = Shown(tmp_path)
    yield made
    made.background.close()
    made.page.close()
    made.page.deleteLater()
    # What the platform without a screen says of every window, and no other does.
    unable = ("propagateSizeHints", "raise()")
    qt_messages[:] = [text for text in qt_messages if not any(call in text for call in unable)]


@pytest.fixture
def editor() -> Iterator[Opened]:
    opened = Opened()
    QDesktopServices.setUrlHandler("file", opened, "take")  # type: ignore[arg-type]  # its stub asks for bytes, it for text
    yield opened
    QDesktopServices.unsetUrlHandler("file")


def choose(combo: QComboBox, index: int) -> None:
    """As a person does it: by the keyboard."""
    combo.setFocus()
    while combo.currentIndex() != index:
        step = Qt.Key.Key_Down if combo.currentIndex() < index else Qt.Key.Key_Up
        QTest.keyClick(combo, step)


def test_a_language_that_is_chosen_is_saved_and_told(shown: Shown) -> None:
    language = shown.page.general.language
    assert [language.itemText(number) for number in range(3)] == ["As the system", "English", "Deutsch"]
    choose(language, 2)
    shown.on_disk(Settings("de"))
    shown.until(lambda: shown.written, "the news of it")
    choose(language, 0)
    shown.on_disk(Settings())


def test_each_kind_of_notification_has_its_switch(shown: Shown) -> None:
    for kind in NoticeKind:
        switch = shown.page.notifications.switches[kind]
        assert switch.isChecked()
        assert switch.text()
        switch.click()
        shown.on_disk(Settings(silenced=frozenset({kind.value})))
        switch.click()
        shown.on_disk(Settings())


def test_quick_clicks_are_saved_in_their_order(shown: Shown) -> None:
    switches = shown.page.notifications.switches
    for _ in range(7):
        for switch in switches.values():
            switch.click()
    shown.on_disk(Settings(silenced=frozenset(kind.value for kind in NoticeKind)))
    shown.until(lambda: shown.written, "the news of it")
    assert [switch.isChecked() for switch in switches.values()] == [False] * len(switches)
    assert shown.written == 1, "told once all is saved, so that no switch jumps back meanwhile"


def test_kinds_of_a_later_version_stay_silenced(shown: Shown) -> None:
    shown.page.take_settings(shown.file.change(lambda _: Settings(silenced=frozenset({"of-later"}))), None)
    shown.page.notifications.switches[NoticeKind.DOWN].click()
    shown.on_disk(Settings(silenced=frozenset({"of-later", "down"})))


def test_what_cannot_be_saved_is_said_and_the_switch_goes_back(shown: Shown) -> None:
    shown.folder.made()
    shown.folder.file("settings.json").write_text('{"version": 9}')
    switch = shown.page.notifications.switches[NoticeKind.DOWN]
    switch.click()
    shown.until(shown.page.trouble.isVisible, "what is wrong")
    assert "newer version" in shown.page.trouble.cause.text()
    assert "--config" in shown.page.trouble.remedy.text()
    assert switch.isChecked()
    shown.folder.file("settings.json").unlink()
    switch.click()
    shown.until(lambda: not shown.page.trouble.isVisible(), "its end")
    assert not switch.isChecked()


def test_what_is_wrong_with_the_file_is_shown(shown: Shown) -> None:
    shown.folder.made()
    shown.folder.file("settings.json").write_text("{")
    shown.page.take_settings(*shown.file.load())
    assert "settings.json.corrupt-" in shown.page.trouble.cause.text()
    shown.page.take_settings(Settings(), None)
    assert not shown.page.trouble.isVisible()


# --- starting with the session -----------------------------------------------------------------------------


def test_starting_with_the_session_is_off_until_asked(shown: Shown, tmp_path: Path) -> None:
    box = shown.page.general.with_session
    assert not box.isChecked()
    box.click()
    shown.until(box.isEnabled, "the entry")
    assert box.isChecked()
    (entry,) = (tmp_path / ".config" / "autostart").iterdir()
    assert str(shown.folder.path) in entry.read_text()
    box.click()
    shown.until(box.isEnabled, "its end")
    assert not box.isChecked()
    assert not entry.exists()


def test_an_entry_that_cannot_be_made_is_said_and_the_box_goes_back(shown: Shown, tmp_path: Path) -> None:
    (tmp_path / ".config").write_text("a file")
    box, trouble = shown.page.general.with_session, shown.page.general.trouble
    box.click()
    shown.until(lambda: trouble.isVisible() and box.isEnabled(), "what is wrong")
    assert not box.isChecked()
    assert "autostart" in trouble.cause.text()
    (tmp_path / ".config").unlink()
    box.click()
    shown.until(lambda: box.isChecked() and box.isEnabled(), "the entry")
    assert not trouble.isVisible()


def test_what_the_desktops_own_settings_did_is_seen_when_the_page_comes_back(shown: Shown) -> None:
    box = shown.page.general.with_session
    shown.autostart.enable()
    shown.page.take(None)
    QCoreApplication.processEvents()
    assert not box.isChecked(), "not asked for with every picture"
    shown.page.left()
    shown.page.take(None)
    shown.until(box.isChecked, "the truth")


# --- models ------------------------------------------------------------------------------------------------


def test_editing_makes_an_own_list_and_opens_it(shown: Shown, editor: Opened) -> None:
    models = shown.page.models
    assert "comes with sparktray" in models.in_use.text()
    assert not models.shipped.isVisible()
    models.edit.click()
    shown.until(lambda: editor.paths, "the editor")
    own = own_catalogue(shown.folder)
    assert editor.paths == [str(own)]
    assert str(own) in models.in_use.text()
    assert models.shipped.isVisible()
    assert shown.written == 1
    assert models.edit.isEnabled()


def test_without_a_program_that_opens_it_the_way_out_is_said(shown: Shown, qt_messages: list[str]) -> None:
    models = shown.page.models
    models.edit.click()
    shown.until(models.trouble.isVisible, "what is wrong")
    assert "models.json" in models.trouble.cause.text()
    assert "editor" in models.trouble.remedy.text()
    # This platform opens nothing, and says so.
    qt_messages[:] = [text for text in qt_messages if "openDocument" not in text]


def test_where_no_list_can_be_made_that_is_said(shown: Shown, tmp_path: Path, editor: Opened) -> None:
    (tmp_path / "config").write_text("a file")
    models = shown.page.models
    models.edit.click()
    shown.until(models.trouble.isVisible, "what is wrong")
    assert models.edit.isEnabled()
    assert editor.paths == []


def asked(shown: Shown) -> QMessageBox:
    """The question, once the own list is in use."""
    shown.page.left()
    shown.page.take(None)
    models = shown.page.models
    shown.until(models.shipped.isVisible, "the button")
    models.shipped.click()
    question = models.question
    assert question is not None
    return question


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Escape])
def test_neither_enter_nor_escape_puts_the_own_list_aside(shown: Shown, key: Qt.Key) -> None:
    own = make_own(shown.folder)
    question = asked(shown)
    default = question.defaultButton()
    assert isinstance(default, QPushButton)
    assert default.text() == "Keep my own"
    QTest.keyClick(default if key is Qt.Key.Key_Return else question, key)
    shown.until(lambda: shown.page.models.question is None, "the answer")
    assert own.exists()
    assert shown.written == 0


def test_the_shipped_list_again_keeps_the_own_one(shown: Shown) -> None:
    own = make_own(shown.folder)
    text = own.read_bytes()
    question = asked(shown)
    (yes,) = (each for each in question.buttons() if each is not question.defaultButton())
    yes.click()
    shown.until(lambda: shown.written, "the news of it")
    models = shown.page.models
    assert "comes with sparktray" in models.in_use.text()
    assert not models.shipped.isVisible()
    (kept,) = own.parent.glob("models.json.kept-*")
    assert kept.read_bytes() == text
    assert str(kept) in models.remark.text()


def test_the_question_is_asked_once(shown: Shown) -> None:
    make_own(shown.folder)
    question = asked(shown)
    shown.page.models.shipped.click()
    assert shown.page.models.question is question
    question.reject()


def test_a_mistake_in_the_own_list_is_shown_with_its_place_until_it_is_mended(shown: Shown) -> None:
    own = make_own(shown.folder)
    own.write_text('{\n"version": 1,,}')
    models = shown.page.models
    shown.page.take_catalogue_problem(usable_catalogue(shown.folder)[1])
    shown.until(models.broken.isVisible, "the mistake")
    assert "line 2, column 14" in models.broken.cause.text()
    assert "last list without errors" in models.broken_kept.text()
    assert models.broken_kept.isVisible()
    shown.page.take_catalogue_problem(None)
    shown.until(lambda: not models.broken.isVisible(), "its end")
    assert not models.broken_kept.isVisible()


# --- language and looks ------------------------------------------------------------------------------------


def everything(page: QWidget) -> list[tuple[QWidget, str]]:
    """Every widget that shows a text, also those not on the screen now."""
    found: list[tuple[QWidget, str]] = []
    for label in page.findChildren(QLabel):
        found.append((label, label.text()))
    for button in page.findChildren(QAbstractButton):
        found.append((button, button.text()))
    for combo in page.findChildren(QComboBox):
        found += [(combo, combo.itemText(number)) for number in range(combo.count())]
    return [(widget, text) for widget, text in found if text]


def in_pseudo(shown: Shown) -> None:
    make_own(shown.folder).write_text("{")
    shown.page.take_catalogue_problem(usable_catalogue(shown.folder)[1])
    shown.folder.file("settings.json").write_text("{")
    shown.page.take_settings(*shown.file.load())
    shown.until(shown.page.models.broken.isVisible, "the mistake")
    shown.say.__dict__.update(Wording(speech=PSEUDO).__dict__)
    shown.page.take(None)
    QCoreApplication.processEvents()


def test_every_text_follows_the_language_while_the_page_is_there(shown: Shown) -> None:
    in_pseudo(shown)
    texts = [text for _, text in everything(shown.page)]
    assert len(texts) > 15
    assert [text for text in texts if not text.startswith("[")] == ["English", "Deutsch"]
    shown.say.speak("en")
    shown.page.take(None)
    assert [text for _, text in everything(shown.page) if text.startswith("[")] == []


def clipped(page: QWidget) -> list[str]:
    """What is not wholly seen on the screen as it is now."""
    found = [each.text() for each in page.findChildren(QAbstractButton) if each.isVisible()
             and each.width() < each.sizeHint().width()]  # fmt: skip
    return found + [each.text() for each in page.findChildren(QLabel) if each.isVisible()
                    and each.height() < each.heightForWidth(each.width())]  # fmt: skip


def test_longer_sentences_are_not_clipped_in_the_panels_width(shown: Shown) -> None:
    in_pseudo(shown)
    (area,) = shown.page.findChildren(QScrollArea)
    shown.until(lambda: clipped(shown.page) == [], "room for everything")
    assert not area.horizontalScrollBar().isVisible()


def test_the_keyboard_reaches_every_control_and_each_has_a_name(shown: Shown) -> None:
    make_own(shown.folder)
    shown.page.left()
    shown.page.take(None)
    shown.until(shown.page.models.shipped.isVisible, "the button")
    shown.page.activateWindow()
    general, models = shown.page.general, shown.page.models
    wanted: list[QWidget] = [
        general.language,
        general.with_session,
        *shown.page.notifications.switches.values(),
        models.edit,
        models.shipped,
    ]
    general.language.setFocus()
    reached: list[QWidget] = []
    for _ in range(30):
        focused = QApplication.focusWidget()
        if focused is None or focused in reached:
            break
        reached.append(focused)
        QTest.keyClick(focused, Qt.Key.Key_Tab)
    assert [each for each in reached if each in wanted] == wanted
    for widget in wanted:
        interface = QAccessible.queryAccessibleInterface(widget)
        assert interface is not None
        assert interface.text(QAccessible.Text.Name), widget


def test_the_main_thread_never_touches_the_disk(shown: Shown, editor: Opened) -> None:
    global _on_disk
    touched: list[str] = []
    _on_disk = touched
    try:
        choose(shown.page.general.language, 1)
        shown.page.notifications.switches[NoticeKind.DOWN].click()
        shown.page.general.with_session.click()
        shown.until(shown.page.general.with_session.isEnabled, "the entry")
        shown.page.models.edit.click()
        shown.until(lambda: editor.paths and shown.written >= 2, "all of it")
        shown.page.left()
        shown.page.take(None)
    finally:
        _on_disk = None
    assert touched == []
    assert os.listdir(shown.folder.path), "while something was written there"
