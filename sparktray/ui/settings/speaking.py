"""The language of everything on the screen, switched while it is there."""

from __future__ import annotations

from pathlib import Path

import msgspec
from PySide6.QtCore import QCoreApplication, QLibraryInfo, QObject, QTranslator, Signal

from sparktray.ui.background import Background
from sparktray.wording import ENGLISH, Wording


class _Asked(msgspec.Struct, frozen=True):
    """What a setting said; None in it is the environment's language."""

    language: str | None


class Speaking(QObject):
    """Turns the wording and Qt's own texts (the menus of text fields) to a language. Main thread only.

    ``changed`` says that all texts are to be set anew.
    """

    changed = Signal()

    def __init__(self, say: Wording, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._say = say
        self._background = background
        self._spoken = say.language
        self._wanted: _Asked | None = None
        self._busy = False
        self._translator: QTranslator | None = None
        self._texts = b""  # QTranslator reads from it as long as it is installed, without a copy

    def turn_to(self, language: str | None) -> None:
        """Speak that language as soon as it is read from disk; of several the last one."""
        self._wanted = _Asked(language)
        self._next()

    def _next(self) -> None:
        if self._busy or self._wanted is None:
            return
        asked, self._wanted, self._busy = self._wanted, None, True
        self._background.run(lambda: _turned(self._say, asked.language), self._done)

    def _done(self, texts: bytes) -> None:
        self._busy = False
        if self._wanted is not None:
            self._next()
            return
        if texts != self._texts:
            self._translate_qt(texts)
        if self._spoken != self._say.language:
            self._spoken = self._say.language
            self.changed.emit()

    def _translate_qt(self, texts: bytes) -> None:
        if self._translator is not None:
            QCoreApplication.removeTranslator(self._translator)
            self._translator = None
        self._texts = texts
        if texts:
            self._translator = QTranslator(self)
            if self._translator.load(self._texts):
                QCoreApplication.installTranslator(self._translator)


def _turned(say: Wording, language: str | None) -> bytes:
    """Turn the wording; Qt's texts in that language, nothing for English, which Qt is written in."""
    say.speak(language)
    if say.language == ENGLISH:
        return b""
    folder = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath))
    try:
        return (folder / f"qtbase_{say.language}.qm").read_bytes()
    except OSError:
        return b""  # an installation without them: then these few are English
