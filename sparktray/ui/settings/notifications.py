"""The group "Notifications": a switch for each kind."""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace
from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from sparktray.decide.showing.notices.notice import NoticeKind
from sparktray.domain.phrase import Phrase, phrase
from sparktray.store.settings import Settings
from sparktray.ui.painting.texts import heading, line, outlined, quietly
from sparktray.ui.settings.saving import Saving
from sparktray.ui.theme import GRID
from sparktray.wording import Wording


class Notifications(QWidget):
    """Main thread only."""

    def __init__(self, say: Wording, saving: Saving, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._say = say
        self._saving = saving
        self.heading, self.explained = heading(), line()
        self.switches = {kind: QCheckBox() for kind in NoticeKind}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(self.heading)
        column.addWidget(self.explained)
        for kind, switch in self.switches.items():
            switch.clicked.connect(lambda on, kind=kind: self._switched(kind, on))
            column.addWidget(switch)

    def tell(self) -> None:
        """All texts and colours anew."""
        self.heading.setText(self._say(phrase("Notifications")))
        self.explained.setText(self._say(phrase("Tell me when")))
        quietly(self.explained)
        for kind, switch in self.switches.items():
            switch.setText(self._say(occasion(kind)))
            outlined(switch)

    def take(self, settings: Settings) -> None:
        """Show what is on disk."""
        for kind, switch in self.switches.items():
            switch.setChecked(kind.value not in settings.silenced)

    def _switched(self, kind: NoticeKind, on: bool) -> None:
        name = frozenset({kind.value})

        def switched(before: Settings) -> Settings:
            return replace(before, silenced=before.silenced - name if on else before.silenced | name)

        self._saving.change(switched)


def occasion(kind: NoticeKind) -> Phrase:
    """When a notification of that kind comes, to go on from "Tell me when"."""
    match kind:
        case NoticeKind.SWITCHED:
            return phrase("what I began here is done")
        case NoticeKind.WIPED:
            return phrase("chats were deleted in Open WebUI")
        case NoticeKind.FAILED:
            return phrase("what I began here has failed")
        case NoticeKind.LINK_BLOCKED:
            return phrase("a host waits for me: its key or the login")
        case NoticeKind.SWITCHED_ELSEWHERE:
            return phrase("somebody else has switched a model")
        case NoticeKind.DOWN:
            return phrase("a server has been down for a minute")
        case NoticeKind.MEMORY_LOW:
            return phrase("two servers leave the host too little memory")
        case NoticeKind.STALE_COPY:
            return phrase("a model ID that I copied is no longer served")
        case _:  # pragma: no cover
            assert_never(kind)
