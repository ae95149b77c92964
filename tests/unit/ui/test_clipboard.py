"""Copying with Qt, with the two programs of Wayland, and with a window. A real compositor: tests/rig."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PySide6.QtGui import QClipboard, QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QPushButton

from sparktray.ui import clipboard
from sparktray.ui.background import Background
from sparktray.ui.clipboard import Copied, Copier, CopyWindow, copied_by_program, copy
from sparktray.wording import Wording
from tests.pseudo import pseudo_wording
from tests.waiting import wait_until

# What Qt 6.11 says of its offscreen platform whenever a window comes to the front there.
NO_WINDOWS = {"This plugin does not support raise()", "This plugin does not support propagateSizeHints()"}


@pytest.fixture(autouse=True)
def _offscreen(qt_messages: list[str]) -> object:
    yield
    qt_messages[:] = [text for text in qt_messages if text not in NO_WINDOWS]


def pasted() -> str:
    return QGuiApplication.clipboard().text()


def outcome(copier: Copier, text: str) -> Copied:
    """How it ended, once it has."""
    told: list[Copied] = []
    copier.copy(text, told.append)

    def done() -> list[Copied]:
        QApplication.processEvents()
        return told

    wait_until(done, "the outcome", seconds=20)
    assert len(told) == 1
    return told[0]


@pytest.mark.parametrize("text", ["qwen3:32b", "org/a&b_c <b>", " ä é ", "x" * 10_000])
def test_every_byte_is_copied(text: str) -> None:
    assert copy(text) is Copied.DONE
    assert pasted() == text


@pytest.mark.parametrize(
    "text", ["a\nb", "a\tb", "rm -rf /\r", "sc\u200bout", "\u202etuocs", "\u2066x\u2069"]
)
def test_what_cannot_be_seen_is_refused(text: str) -> None:
    copy("before")
    assert copy(text) is Copied.REFUSED
    assert outcome(Copier(Wording("en"), Background()), text) is Copied.REFUSED
    assert pasted() == "before"


class _Foreign:
    """A clipboard that somebody else keeps: what is put there does not stay."""

    def setText(self, text: str, mode: QClipboard.Mode) -> None:  # noqa: N802  Qt's name
        """Lost."""

    def text(self, mode: QClipboard.Mode) -> str:
        """Somebody else's."""
        return "theirs"


def test_what_cannot_be_read_back_was_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QGuiApplication, "clipboard", _Foreign)
    assert outcome(Copier(Wording("en"), Background()), "id") is Copied.FAILED


def programs(folder: Path, monkeypatch: pytest.MonkeyPatch, paste: str) -> None:
    """The two programs of wl-clipboard, as shell scripts that keep the text in a file."""
    for name, line in (("wl-copy", f"cat > '{folder}/held'"), ("wl-paste", paste)):
        script = folder / name
        script.write_text(f"#!/bin/sh\necho \"$0 $*\" >> '{folder}/called'\n{line}\n")
        script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_the_programs_copy_exactly_and_are_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs(tmp_path, monkeypatch, f"cat '{tmp_path}/held'")
    assert copied_by_program("ä&_ ")
    assert (tmp_path / "held").read_bytes() == "ä&_ ".encode()
    called = (tmp_path / "called").read_text().replace(f"{tmp_path}/", "").splitlines()
    assert called == ["wl-copy --type text/plain", "wl-paste --no-newline"]


@pytest.mark.parametrize(
    "paste", ["echo other", "exit 1", "printf 'a\\n'"], ids=["other", "fails", "newline"]
)
def test_without_proof_it_is_not_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paste: str) -> None:
    programs(tmp_path, monkeypatch, paste)
    assert not copied_by_program("a")


def test_without_the_programs_it_is_not_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not copied_by_program("a")


def test_a_program_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs(tmp_path, monkeypatch, "exec tail -f /dev/null")
    monkeypatch.setattr(clipboard, "_PROGRAM_SECONDS", 0.2)
    assert not copied_by_program("a")


@pytest.fixture
def wayland(monkeypatch: pytest.MonkeyPatch) -> None:
    """Qt says that this is Wayland; no window of ours has the focus here."""
    monkeypatch.setattr(QGuiApplication, "platformName", lambda: "wayland")
    monkeypatch.setattr(QGuiApplication, "focusWindow", lambda: None)


def field(shown: CopyWindow) -> QLineEdit:
    found = shown.findChild(QLineEdit)
    assert isinstance(found, QLineEdit)
    return found


def window() -> CopyWindow:
    return next(w for w in QApplication.topLevelWidgets() if isinstance(w, CopyWindow) and w.isVisible())


@pytest.mark.usefixtures("wayland")
def test_on_wayland_without_the_focus_the_program_does_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy("before")
    programs(tmp_path, monkeypatch, f"cat '{tmp_path}/held'")
    assert outcome(Copier(Wording("en"), Background()), "an_id") is Copied.DONE
    assert (tmp_path / "held").read_text() == "an_id" and pasted() == "before"


@pytest.mark.usefixtures("wayland")
def test_on_wayland_without_the_program_a_window_has_the_text_and_the_button(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One window: a second text takes the first one's place, in the language of that moment."""
    monkeypatch.setenv("PATH", str(tmp_path))
    say = pseudo_wording()
    copier = Copier(say, Background())
    assert outcome(copier, "first") is Copied.OFFERED
    first = window()
    told = [b.text() for b in first.findChildren(QPushButton)] + [
        q.text() for q in first.findChildren(QLabel)
    ]
    assert all(text.startswith("[") for text in (*told, first.windowTitle()))
    say.speak("en")
    assert outcome(copier, "an_id&<b>") is Copied.OFFERED
    shown = window()
    assert shown is first
    assert field(shown).text() == "an_id&<b>" and field(shown).isReadOnly()
    default = next(button for button in shown.findChildren(QPushButton) if button.isDefault())
    assert default.text() == "Copy"
    default.click()
    assert pasted() == "an_id&<b>" and not shown.isVisible()


def test_a_window_that_may_not_copy_either_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = CopyWindow(Wording("en"))
    shown.show_text("an_id")
    monkeypatch.setattr(QGuiApplication, "clipboard", _Foreign)
    shown.findChildren(QPushButton)[0].click()
    assert shown.isVisible() and field(shown).selectedText() == "an_id"
    shown.close()


@pytest.mark.usefixtures("wayland")
def test_the_end_takes_the_window_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    copier = Copier(Wording("en"), Background())
    copier.close()
    outcome(copier, "x")
    shown = window()
    copier.close()
    assert not shown.isVisible()
