"""The windows that make entries: what is on the host, and a docker run line."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from sparktray.decide.finding.proposals import proposals
from sparktray.domain.facts.discovery import Discovery, FoundFolder
from sparktray.remote.errors import LinkLost
from sparktray.remote.link import Cancel
from sparktray.store.catalogue_file import add_entries, load_catalogue, make_own
from sparktray.store.paths import ConfigFolder
from sparktray.ui.background import Background
from sparktray.ui.entries.found_window import FoundWindow
from sparktray.ui.entries.jobs import Seen, draft_of, look_at
from sparktray.ui.entries.run_line_window import RunLineWindow
from sparktray.wording import Wording
from tests.pseudo import pseudo_wording
from tests.pure.decide.finding.lines import PAGE, sglang
from tests.pure.decide.finding.test_proposals import BGE, QWEN3, WHOLE, at
from tests.unit.cli.pictures import picture
from tests.unit.ui.hosts_setup import until
from tests.unit.ui.panel_pictures import clipped, focusable, larger_text, reached_by_tab

FOLDERS = (
    at("qwen3/Qwen3-8B"),
    at("bge/large", BGE, {**WHOLE, "modules.json": 2}),
    at("new", QWEN3 | {"architectures": ["TomorrowForCausalLM"]}),
    at("half", files={**WHOLE, "model-00001-of-00002.safetensors": 1}),
)


def seen(*folders: FoundFolder, closed: int = 0, more: bool = False) -> Seen:
    """What a look comes to on a host with these folders."""
    snapshot, discovery = picture(), Discovery(folders, closed=closed, more=more)
    return Seen(snapshot.host, proposals(snapshot, discovery), discovery)


class Desk:
    """A config folder and what opens windows on it."""

    def __init__(self, home: Path) -> None:
        self.folder = ConfigFolder(home / "config")
        self.background = Background()
        self.added: list[tuple[str, ...]] = []

    def found(
        self, look: Callable[[Cancel], Seen] | Seen, say: Wording | None = None, *, wait: bool = True
    ) -> FoundWindow:
        def looked(cancel: Cancel) -> Seen:
            assert threading.current_thread() is not threading.main_thread()
            return look if isinstance(look, Seen) else look(cancel)

        window = FoundWindow(say or Wording("en"), self.background, looked, partial(add_entries, self.folder))
        window.added.connect(self.added.append)
        window.show()
        if wait:
            until(lambda: not window.status.stop.isVisible(), "the end of the look")
        return window

    def line(self, text: str = "", say: Wording | None = None) -> RunLineWindow:
        draft = partial(draft_of, self.folder, lambda: None)
        window = RunLineWindow(
            say or Wording("en"), self.background, draft, partial(add_entries, self.folder)
        )
        window.added.connect(self.added.append)
        window.show()
        if text:
            paste(window, text)
        return window

    @property
    def ids(self) -> list[str]:
        return [model.id for model in load_catalogue(self.folder).models]


@pytest.fixture
def desk(application: QApplication, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.background.close()


def paste(window: RunLineWindow, text: str) -> None:
    """As a person does it, until it was read."""
    window.line.setFocus()
    window.line.setPlainText(text)
    until(lambda: window.add.isEnabled() or window.status.isVisible(), "the line to be read")


def click(window: FoundWindow, name: str, *, at_x: int = 200) -> None:
    """A click into a row."""
    row = next(n for n, each in enumerate(window.rows.rows) if each.found.id == name)
    area = window.list.visualRect(window.rows.index(row))
    spot = QPoint(at_x, area.top() + 12)
    QTest.mouseClick(window.list.viewport(), Qt.MouseButton.LeftButton, pos=spot)


# --- what is on the host -----------------------------------------------------------------------------------


def test_what_was_found_is_listed_with_its_facts(desk: Desk) -> None:
    window = desk.found(seen(*FOLDERS, closed=1, more=True))
    rows = {row.found.id: row for row in window.rows.rows}
    assert list(rows) == ["large", "new", "Qwen3-8B", "half"], "what can be used comes first"
    assert rows["Qwen3-8B"].facts == (
        "Qwen3ForCausalLM, 8.6 B parameters · BF16 · context 32768 of 40960 · 16 GiB of weights"
    )
    assert rows["Qwen3-8B"].needs == "24 GiB, fits now" and rows["Qwen3-8B"].fits
    assert "does not know the architecture" in rows["new"].remarks[0]
    assert rows["large"].remarks == ("Not known: quantization",)
    assert rows["half"].facts.endswith("/half") and "00002-of-00002" in rows["half"].remarks[0]
    assert not window.status.isVisible() and not window.add.isEnabled()
    assert window.about.text().splitlines() == [
        "1 folder there may not be read by this user.",
        "There is more than could be looked through; this is a part of it.",
    ]


def test_what_is_chosen_is_written(desk: Desk) -> None:
    window = desk.found(seen(*FOLDERS))
    click(window, "Qwen3-8B")
    assert window.add.text() == "Add 1 model"
    click(window, "large", at_x=18)
    click(window, "half")
    assert [each.id for each in window.rows.chosen] == ["large", "Qwen3-8B"], "half of a model is none"
    assert window.add.text() == "Add 2 models"
    click(window, "new")
    click(window, "new")
    window.add.click()
    assert not window.add.isEnabled() and "Saving" in window.status.said.text()
    until(lambda: desk.added, "the news of it")
    assert desk.added == [("large", "Qwen3-8B")]
    assert desk.ids[-2:] == ["large", "Qwen3-8B"]
    assert not window.isVisible()


def test_by_the_keyboard(desk: Desk) -> None:
    window = desk.found(seen(*FOLDERS))
    assert window.list.hasFocus()
    QTest.keyClick(window.list, Qt.Key.Key_Space)
    QTest.keyClick(window.list, Qt.Key.Key_End)
    QTest.keyClick(window.list, Qt.Key.Key_Space)
    assert [each.id for each in window.rows.chosen] == ["large"]
    QTest.keyClick(window.list, Qt.Key.Key_Home)
    QTest.keyClick(window.list, Qt.Key.Key_Space)
    assert window.rows.chosen == ()
    cell = QAccessible.queryAccessibleInterface(window.list).child(2)
    assert "Qwen3-8B, Qwen3ForCausalLM" in cell.text(QAccessible.Text.Name)
    assert cell.state().checkable


def test_nothing_new_is_said(desk: Desk) -> None:
    window = desk.found(seen())
    assert "/home/sparkuser/ai/models on spark" in window.status.said.text()
    assert window.status.retry.isVisible() and not window.list.isVisible()


def test_while_it_looks_it_can_be_stopped_and_begun_again(desk: Desk) -> None:
    asked: list[Cancel] = []

    def never(cancel: Cancel) -> Seen:
        asked.append(cancel)
        cancel.wait()
        return seen(*FOLDERS)

    window = desk.found(never, wait=False)
    until(lambda: asked, "the look")
    assert "Looking through" in window.status.said.text()
    window.status.stop.click()
    assert asked[0].is_set() and "stopped" in window.status.said.text()
    window.status.retry.click()
    until(lambda: len(asked) == 2, "another look")
    window.reject()
    assert asked[1].is_set(), "nobody waits for it any more"
    QApplication.processEvents()
    assert window.rows.rows == []


def test_errors_are_told_with_their_remedy(desk: Desk) -> None:
    def lost(cancel: Cancel) -> Seen:
        raise LinkLost(reason="gone")

    window = desk.found(lost)
    assert "connection" in window.status.said.text() and window.status.retry.isVisible()
    nobody = desk.found(partial(look_at, lambda: None))
    assert "No host is set up yet." in nobody.status.said.text()
    assert nobody.status.remedy.text()


def test_a_broken_list_is_told_and_what_was_chosen_stays(desk: Desk) -> None:
    own = make_own(desk.folder)
    own.write_text("{")
    window = desk.found(seen(*FOLDERS))
    click(window, "new")
    window.add.click()
    until(window.add.isEnabled, "the answer")
    assert "models.json, line 1, column 2" in window.status.said.text()
    assert [each.id for each in window.rows.chosen] == ["new"] and window.isVisible()
    own.unlink()
    window.add.click()
    until(lambda: desk.added, "the news of it")
    assert "new" in desk.ids


def test_five_hundred_are_shown_at_once(desk: Desk) -> None:
    window = desk.found(seen(*(at(f"m{number}") for number in range(500))))
    assert len(window.rows.rows) == 500
    window.grab()


# --- a docker run line -------------------------------------------------------------------------------------


def test_a_line_becomes_an_entry(desk: Desk) -> None:
    window = desk.line()
    assert not window.add.isEnabled() and not window.status.isVisible()
    paste(window, PAGE)
    assert '"path": "{models}/llama4/llama4-scout-17b-nvfp4"' in window.preview.toPlainText()
    assert "has this model on this server already" in window.remarks.text()
    assert window.name.edit.placeholderText() == "llama4-scout-17b-nvfp4-2"
    window.name.edit.setText("plain")
    assert not window.add.isEnabled(), "what was made under another name is not written"
    until(window.add.isEnabled, "the line to be read again")
    window.add.click()
    until(lambda: desk.added, "the news of it")
    assert desk.added == [("plain",)] and desk.ids[-1] == "plain"
    assert not window.isVisible()


def test_a_server_of_its_own_is_shown_and_written(desk: Desk) -> None:
    window = desk.line(sglang().replace("--name sglang -p 30000", "--name big -p 31000"))
    assert window.preview.toPlainText().startswith('"big": {')
    window.add.click()
    until(lambda: desk.added, "the news of it")
    assert load_catalogue(desk.folder).servers[-1].name == "big"


def test_what_is_no_line_is_told_until_it_is_one(desk: Desk) -> None:
    window = desk.line("docker ps")
    assert "no docker run" in window.status.said.text() and window.status.remedy.text()
    assert not window.add.isEnabled() and not window.status.retry.isVisible()
    window.line.setPlainText("")
    assert not window.status.isVisible()
    window.line.setPlainText(sglang())
    until(window.add.isEnabled, "the entry")
    assert not window.status.isVisible()


def test_a_key_is_nowhere_but_in_what_was_pasted(desk: Desk) -> None:
    window = desk.line(sglang("-e HF_TOKEN=hf_abcdefghijklmnop"))
    assert "hf_abc" not in window.preview.toPlainText() + window.remarks.text()
    assert '"HF_TOKEN": {"secret": "HF_TOKEN"}' in window.preview.toPlainText()


def test_a_broken_list_is_told_with_its_place(desk: Desk) -> None:
    make_own(desk.folder).write_text("{")
    window = desk.line(sglang())
    assert "models.json, line 1, column 2" in window.status.said.text()


# --- both --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [1.0, 1.5])
def test_longer_sentences_and_larger_text_have_room(desk: Desk, factor: float) -> None:
    with larger_text(factor):
        say = pseudo_wording()
        found = desk.found(seen(*FOLDERS, closed=2), say)
        none = desk.found(seen(), say)
        line = desk.line(sglang("-it -e HF_TOKEN=x"), say)
        wrong = desk.line("docker ps", say)
        for window in (found, none, line, wrong):
            assert clipped(window) == []


def test_texts_follow_the_language(desk: Desk) -> None:
    say = Wording("en")
    windows = (desk.found(seen(*FOLDERS), say), desk.line(PAGE, say))
    before = [window.windowTitle() for window in windows]
    say.speak("de")
    for window in windows:
        window.tell()
    assert [window.windowTitle() for window in windows] != before
    assert windows[0].rows.rows[2].needs == "24 GiB, passt jetzt"
    assert "Deine Liste" in windows[1].remarks.text()


def test_the_keyboard_reaches_everything(desk: Desk) -> None:
    for opened in (lambda: desk.found(seen(*FOLDERS)), lambda: desk.line(PAGE)):
        window = opened()
        window.activateWindow()
        until(window.isActiveWindow, "the window to be in front")
        assert set(focusable(window)) == reached_by_tab(window)
        window.hide()
