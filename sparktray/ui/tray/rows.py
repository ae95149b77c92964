"""Rows of a menu as Qt actions that live as long as the menu and are only ever edited.

A rebuilt menu gets new ids over D-Bus, and one that is open on the screen then breaks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from sparktray.ui.labels import hint, label

T = TypeVar("T")


class Row:
    """One action. Its setters are called only for what differs, for each is a message to the desktop."""

    def __init__(self, action: QAction, *, over_bus: bool) -> None:
        self.action = action
        self._over_bus = over_bus
        self._said: str | None = None
        self._hinted = ""
        # Qt calls an action that is not visible disabled, whatever it was told.
        self._enabled = True
        self._changed = False

    def say(self, text: str) -> None:
        """The label."""
        if self._said != text:
            self._said = text
            self.action.setText(label(text, over_bus=self._over_bus))
            self._changed = True

    def hint(self, text: str) -> None:
        """The tooltip. Over D-Bus there is none: Qt 6.11 sends label and states only (read on the bus)."""
        if not self._over_bus and self._hinted != text:
            self._hinted = text
            self.action.setToolTip(hint(text))

    def state(self, *, visible: bool, enabled: bool = True, checked: bool = False) -> None:
        """Whether it is there, can be clicked, and has its mark; of a hidden one nothing else matters."""
        if visible and self._enabled != enabled:
            self._enabled = enabled
            self.action.setEnabled(enabled)
            self._changed = True
        if visible and self.action.isCheckable() and self.action.isChecked() != checked:
            self.action.setChecked(checked)
            self._changed = True
        if self.action.isVisible() != visible:
            self.action.setVisible(visible)
            self._changed = True

    def take_changed(self) -> bool:
        """Whether anything changed since this was last asked."""
        changed, self._changed = self._changed, False
        return changed


class Slots(Generic[T]):
    """Rows for values that come and go: as many rows as there ever were values, hidden without one.

    ``edit`` makes a row say a value; it is called only for a value that differs from the row's last one.
    ``clicked`` gets the number of the row.
    """

    def __init__(
        self,
        menu: QMenu,
        edit: Callable[[Row, T], None],
        clicked: Callable[[int], None],
        *,
        over_bus: bool,
        checkable: bool = False,
        least: int = 1,
    ) -> None:
        self._menu = menu
        self._edit = edit
        self._clicked = clicked
        self._over_bus = over_bus
        self._checkable = checkable
        self._shown: list[T | None] = []
        self.rows: list[Row] = []
        # GNOME may go on showing a submenu as empty that had no row when it first looked.
        for _ in range(least):
            self._add(None)

    def show(self, values: Sequence[T], *, anew: bool = False) -> bool:
        """Edit the rows into these values, with ``anew`` all of them; True when any row differed."""
        before = len(self.rows)
        for number, value in enumerate(values):
            if number == len(self.rows):
                self._add(value)
            elif anew or self._shown[number] != value:
                self._edit(self.rows[number], value)
                self._shown[number] = value
        for number in range(len(values), len(self.rows)):
            if self._shown[number] is not None:
                self.rows[number].state(visible=False)
                self._shown[number] = None
        changed = [row.take_changed() for row in self.rows]
        return any(changed) or len(self.rows) > before

    def again(self, number: int) -> None:
        """Have a row say its value once more, after Qt or an answer has changed it."""
        if number < len(self._shown) and (value := self._shown[number]) is not None:
            self._edit(self.rows[number], value)

    def _add(self, value: T | None) -> None:
        """A row that says its value before the menu gets it, so that the desktop hears of it once."""
        number = len(self.rows)
        action = QAction(self._menu)
        action.setCheckable(self._checkable)
        row = Row(action, over_bus=self._over_bus)
        if value is None:
            row.state(visible=False)
        else:
            self._edit(row, value)
        action.triggered.connect(lambda: self._clicked(number))
        self._menu.addAction(action)
        self.rows.append(row)
        self._shown.append(value)
