"""The group "General": the language, and whether the program starts with the session."""

from __future__ import annotations

from msgspec.structs import replace
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QStyle, QVBoxLayout, QWidget

from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.store.autostart.entry import Autostart
from sparktray.store.language import LANGUAGES
from sparktray.store.settings import Settings
from sparktray.ui.background import Background
from sparktray.ui.painting.texts import Trouble, heading, line, outlined, quietly
from sparktray.ui.settings.saving import Saving, problem_of
from sparktray.ui.theme import GRID
from sparktray.wording import Wording

# Each in itself, so that whoever landed in the wrong one finds the way back.
_NAMES = {"en": "English", "de": "Deutsch"}


class General(QWidget):
    """Main thread only."""

    def __init__(
        self,
        say: Wording,
        saving: Saving,
        autostart: Autostart,
        background: Background,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._say = say
        self._saving = saving
        self._autostart = autostart
        self._background = background
        self._settings = Settings()
        self._problem: Problem | None = None
        self.heading, self.language_label = heading(), QLabel()
        self.language = QComboBox()
        for code in (None, *LANGUAGES):
            self.language.addItem("" if code is None else _NAMES[code], code)
        self.language_label.setBuddy(self.language)
        self.with_session = QCheckBox()
        self.with_session.setEnabled(False)
        self.explained = line()
        self.trouble = Trouble()
        self.language.activated.connect(self._chosen)
        self.with_session.clicked.connect(self._switched)
        self._lay_out()

    def tell(self) -> None:
        """All texts and colours anew."""
        say = self._say
        self.heading.setText(say(phrase("General")))
        self.language_label.setText(say(phrase("Language")))
        self.language.setItemText(0, say(phrase("As the system")))
        self.language.setAccessibleName(say(phrase("Language")))
        self.with_session.setText(say(phrase("Start when I log in")))
        self.explained.setText(say(phrase("Only the icon appears then, no window.")))
        self.with_session.setAccessibleDescription(self.explained.text())
        outlined(self.with_session)
        quietly(self.explained)
        self.explained.setIndent(_text_begins(self.with_session))
        self.trouble.show_problem(self._problem, say)

    def take(self, settings: Settings) -> None:
        """Show what is on disk."""
        self._settings = settings
        self.language.setCurrentIndex(max(0, self.language.findData(settings.language)))

    def ask_session(self) -> None:
        """See how the session's entry stands; other programs may switch it, too."""
        self._background.run(self._autostart.enabled, self._known)

    def _known(self, enabled: bool) -> None:
        self.with_session.setChecked(enabled)
        self.with_session.setEnabled(True)

    def _chosen(self, _index: int) -> None:
        language = self.language.currentData()
        if language != self._settings.language:
            self._saving.change(lambda before: replace(before, language=language))

    def _switched(self, wanted: bool) -> None:
        self.with_session.setEnabled(False)
        self._background.run(lambda: self._set(wanted), self._set_done, self._set_failed)

    def _set(self, wanted: bool) -> bool:
        if wanted:
            self._autostart.enable()
        else:
            self._autostart.disable()
        return self._autostart.enabled()

    def _set_done(self, enabled: bool) -> None:
        self._problem = None
        self.trouble.show_problem(None, self._say)
        self._known(enabled)

    def _set_failed(self, error: Exception) -> None:
        self._problem = problem_of(error)
        self.trouble.show_problem(self._problem, self._say)
        self.ask_session()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(GRID)
        row.addWidget(self.language_label)
        row.addWidget(self.language)
        row.addStretch(1)
        switch = QVBoxLayout()
        switch.setSpacing(0)
        switch.addWidget(self.with_session)
        switch.addWidget(self.explained)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(self.heading)
        column.addLayout(row)
        column.addLayout(switch)
        column.addWidget(self.trouble)


def _text_begins(box: QCheckBox) -> int:
    """How far from the left a check box's text begins, in device-independent pixels."""
    style, metric = box.style(), QStyle.PixelMetric
    width = style.pixelMetric(metric.PM_IndicatorWidth, None, box)
    return width + style.pixelMetric(metric.PM_CheckBoxLabelSpacing, None, box)
