"""The language of the wording and of Qt's own texts, turned while the program runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QLibraryInfo

from sparktray.ui.background import Background
from sparktray.ui.settings.speaking import Speaking
from sparktray.wording import Wording
from tests.waiting import wait_until


class Spoken:
    """What is spoken, and each time all texts were to be set anew."""

    def __init__(self, language: str) -> None:
        self.say = Wording(language)
        self.background = Background()
        self.speaking = Speaking(self.say, self.background)
        self.told: list[tuple[str, str]] = []
        self.speaking.changed.connect(lambda: self.told.append((self.say.language, cancel())))

    def until(self, condition: Callable[[], object], what: str) -> None:
        def processed() -> object:
            QCoreApplication.processEvents()
            return condition()

        wait_until(processed, what)


def cancel() -> str:
    """A text of Qt's own."""
    return QCoreApplication.translate("QPlatformTheme", "Cancel")


@pytest.fixture
def spoken(request: pytest.FixtureRequest) -> Iterator[Spoken]:
    made = Spoken(getattr(request, "param", "en"))
    yield made
    made.speaking.turn_to("en")
    made.until(lambda: cancel() == "Cancel" and made.say.language == "en", "English again")
    made.background.close()


def test_our_texts_and_qts_turn_together_and_back(spoken: Spoken) -> None:
    spoken.speaking.turn_to("de")
    spoken.until(lambda: spoken.told, "German")
    spoken.speaking.turn_to("en")
    spoken.until(lambda: len(spoken.told) == 2, "English")
    assert spoken.told == [("de", "Abbrechen"), ("en", "Cancel")]


def test_of_several_languages_the_last_one_is_spoken(spoken: Spoken) -> None:
    for language in ("de", "en", "de", "en", "de"):
        spoken.speaking.turn_to(language)
    spoken.until(lambda: spoken.told, "German")
    assert spoken.told == [("de", "Abbrechen")]


def test_the_environments_language_is_one_too(spoken: Spoken, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANGUAGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "de_AT.UTF-8")
    spoken.speaking.turn_to(None)
    spoken.until(lambda: spoken.told, "German")
    assert spoken.told == [("de", "Abbrechen")]


@pytest.mark.parametrize("spoken", ["de"], indirect=True)
def test_at_the_start_qts_texts_come_and_nothing_is_told_anew(spoken: Spoken) -> None:
    spoken.speaking.turn_to("de")
    spoken.until(lambda: cancel() == "Abbrechen", "Qt's German")
    assert spoken.told == []


def test_without_qts_german_ours_is_spoken(
    spoken: Spoken, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(QLibraryInfo, "path", lambda _place: str(tmp_path))
    spoken.speaking.turn_to("de")
    spoken.until(lambda: spoken.told, "German")
    assert spoken.told == [("de", "Cancel")]
