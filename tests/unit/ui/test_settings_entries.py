"""The settings page opens the windows that make entries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sparktray.store.catalogue_file import own_catalogue
from sparktray.ui.entries.found_window import FoundWindow
from sparktray.ui.entries.run_line_window import RunLineWindow
from tests.pure.decide.finding.lines import sglang
from tests.unit.ui.settings_on_screen import Shown


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shown]:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    made = Shown(tmp_path)
    yield made
    made.background.close()
    made.page.close()
    made.page.deleteLater()


def test_an_entry_from_a_line_is_in_the_list_and_told(shown: Shown) -> None:
    models = shown.page.models
    models.from_line.click()
    window = models.window_open
    assert isinstance(window, RunLineWindow)
    models.look_for.click()
    assert models.window_open is window, "one window at a time"
    window.line.setPlainText(sglang())
    shown.until(window.add.isEnabled, "the entry")
    window.add.click()
    shown.until(lambda: shown.written, "the news of it")
    own = own_catalogue(shown.folder)
    assert own is not None and '"id": "m"' in own.read_text(encoding="utf-8")
    assert models.remark.text() == "In your list now: m"
    shown.until(lambda: models.window_open is None and models.shipped.isVisible(), "the list to be one's own")


def test_looking_for_models_without_a_host_says_how_to_set_one_up(shown: Shown) -> None:
    models = shown.page.models
    models.look_for.click()
    window = models.window_open
    assert isinstance(window, FoundWindow)
    shown.until(window.status.retry.isVisible, "what is wrong")
    assert "No host is set up yet." in window.status.said.text()
    shown.say.speak("de")
    shown.page.take(None)
    assert "Noch ist kein Host" in window.status.said.text(), "it follows the language of the page"
    window.reject()
    assert models.window_open is None
