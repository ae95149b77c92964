"""The staged check of a host as a list that fills while it runs."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from sparktray.control.checking import Check, Stage, title_of
from sparktray.domain.phrase import phrase
from sparktray.ui.hosts.status import NOT_WELL, TO_COME, WELL, way_out
from sparktray.ui.painting.texts import name_label, selectable, tint
from sparktray.ui.theme import GRID, tones
from sparktray.wording import Wording

_ROAD = frozenset({Stage.NAME, Stage.PORT, Stage.BANNER, Stage.HOST_KEY, Stage.LOGIN})


class _Row:
    """The labels of one stage."""

    def __init__(self) -> None:
        self.mark, self.title = name_label(), name_label()
        self.detail, self.remedy = selectable(), selectable()

    def set_visible(self, visible: bool) -> None:
        for label in (self.mark, self.title, self.detail):
            label.setVisible(visible)
        self.remedy.setVisible(visible and bool(self.remedy.text()))


class Checklist(QWidget):
    """Main thread only."""

    def __init__(self, say: Wording, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._say = say
        self._local = False
        self._checks: dict[Stage, Check] = {}
        self._rows = {stage: _Row() for stage in Stage}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(GRID)
        grid.setVerticalSpacing(GRID // 2)
        grid.setColumnStretch(2, 1)
        top = Qt.AlignmentFlag.AlignTop
        for number, row in enumerate(self._rows.values()):
            grid.addWidget(row.mark, 2 * number, 0, top)
            grid.addWidget(row.title, 2 * number, 1, top)
            grid.addWidget(row.detail, 2 * number, 2)
            grid.addWidget(row.remedy, 2 * number + 1, 2)
        grid.setRowStretch(2 * len(self._rows), 1)

    @property
    def checks(self) -> tuple[Check, ...]:
        """What is known so far."""
        return tuple(self._checks.values())

    def begin(self, *, local: bool) -> None:
        """Nothing is known yet; ``local`` leaves out the road to the host."""
        self._local = local
        self._checks.clear()
        self.tell()

    def add(self, check: Check) -> None:
        """One more is known."""
        self._checks[check.stage] = check
        self.tell()

    def tell(self) -> None:
        """All texts and colours anew."""
        say, look = self._say, tones()
        for stage, row in self._rows.items():
            check = self._checks.get(stage)
            problem = None if check is None else check.problem
            title = say(title_of(stage))
            row.title.setText(title[:1].upper() + title[1:])
            if check is None:
                mark, meaning, color = TO_COME, phrase("to come"), look.quiet
            elif problem is None:
                mark, meaning, color = WELL, phrase("well"), look.good
            else:
                mark, meaning, color = NOT_WELL, phrase("not well"), look.bad
            row.mark.setText(mark)
            row.mark.setAccessibleName(say(meaning))
            cause = "" if check is None else check.detail
            row.detail.setText(cause if problem is None else say(problem.cause))
            row.remedy.setText("" if problem is None else say(way_out(problem)))
            tint(row.mark, color)
            tint(row.title, look.quiet if check is None else look.text)
            tint(row.remedy, look.quiet)
            row.set_visible(not (self._local and stage in _ROAD))
