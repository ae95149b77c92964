"""The rows that copy, and that say for a moment how it went."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QMenu

from sparktray.decide.showing.menu import CopyRow
from sparktray.domain.phrase import Phrase
from sparktray.ui.clipboard import Copied, answer
from sparktray.ui.tray.rows import Row, Slots
from sparktray.wording import Wording

_FEEDBACK_MILLISECONDS = 2000
Told = Callable[[Copied], None]


class Copies(QObject):
    """A row that copies, or with several servers a submenu of one row each."""

    def __init__(
        self,
        menu: QMenu,
        say: Wording,
        title: Phrase,
        copy: Callable[[CopyRow, Told], None],
        *,
        over_bus: bool,
    ) -> None:
        super().__init__(menu)
        self._say = say
        self._title = title
        self._copy = copy
        self._shown: tuple[CopyRow, ...] = ()
        self._answers: dict[Row, Phrase] = {}
        action = menu.addAction("")
        action.triggered.connect(lambda: self._clicked(None))
        self._one = Row(action, over_bus=over_bus)
        below = menu.addMenu("")
        below.setToolTipsVisible(True)
        self._several = Row(below.menuAction(), over_bus=over_bus)
        self._slots = Slots(below, self._edit, self._clicked, over_bus=over_bus)

    def show(self, copies: tuple[CopyRow, ...], *, anew: bool) -> bool:
        """Edit the rows; True when any changed."""
        self._shown = copies
        self._one.say(self._say(self._answers.get(self._one, self._title)))
        self._several.say(self._say(self._title))
        self._one.state(visible=len(copies) == 1)
        self._several.state(visible=len(copies) > 1)
        changed = [
            self._slots.show(copies, anew=anew),
            self._one.take_changed(),
            self._several.take_changed(),
        ]
        return any(changed)

    def _clicked(self, number: int | None) -> None:
        if (number or 0) < len(self._shown):
            row = self._one if number is None else self._slots.rows[number]
            self._copy(self._shown[number or 0], lambda copied: self._answer(row, number, answer(copied)))

    def _answer(self, row: Row, number: int | None, said: Phrase) -> None:
        """Have a row say something for a moment, then itself again."""
        self._answers[row] = said
        row.say(self._say(said))

        def over() -> None:
            if self._answers.get(row) is said:
                del self._answers[row]
                if number is None:
                    row.say(self._say(self._title))
                else:
                    self._slots.again(number)

        QTimer.singleShot(_FEEDBACK_MILLISECONDS, self, over)

    def _edit(self, row: Row, value: CopyRow) -> None:
        row.say(self._say(self._answers.get(row, value.label)))
        row.state(visible=True)
