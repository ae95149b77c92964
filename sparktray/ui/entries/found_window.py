"""The models of the host that the list does not have, to choose from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QListView, QVBoxLayout, QWidget

from sparktray.decide.finding.proposals import Found, FoundState
from sparktray.domain.catalogue_file.writing import Addition
from sparktray.domain.phrase import Phrase, phrase, phrase_n
from sparktray.remote.link import Cancel
from sparktray.ui.background import Background, Job
from sparktray.ui.entries.found_rows import FoundPainter, FoundRows, rows_of
from sparktray.ui.entries.jobs import Seen, problem_with
from sparktray.ui.hosts.status import Advice, StatusLine, Working
from sparktray.ui.hosts.window import HostWindow
from sparktray.ui.painting.texts import button, line, selectable, tint
from sparktray.ui.panel.controls import AccentButton
from sparktray.ui.theme import AROUND, GRID, tones
from sparktray.wording import Wording

_WIDTH, _HEIGHT = 680, 560


class FoundWindow(HostWindow):
    """Main thread only. ``look`` and ``add`` block and are called on a worker thread.

    ``added`` brings the ids of the entries that were written.
    """

    added = Signal(object)

    def __init__(
        self,
        say: Wording,
        background: Background,
        look: Callable[[Cancel], Seen],
        add: Callable[[Addition], Path],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(say, parent)
        self._background = background
        self._look = look
        self._add_to_list = add
        self._cancel = Cancel()
        self._job: Job | None = None
        self._seen: Seen | None = None
        self.advice, self.about = line(), selectable()
        self.status = StatusLine(say)
        self.rows, self.list = FoundRows(self), _FoundList()
        self.list.setModel(self.rows)
        self.list.setItemDelegate(FoundPainter(self.list))
        self.cancel, self.add = button(), AccentButton()
        self.cancel.setAutoDefault(True)
        self.rows.chosen_changed.connect(self._chose)
        self.status.stopped.connect(self._stop)
        self.status.again.connect(self.look)
        self.cancel.clicked.connect(self.reject)
        self.add.clicked.connect(self._add)
        self.finished.connect(lambda _: self._stop())
        self._lay_out()
        self.tell()
        self.look()

    def tell(self) -> None:
        """See `HostWindow`."""
        super().tell()
        say = self.say
        self.setWindowTitle(say(phrase("Find models on the host")))
        self.advice.setText(
            say(
                phrase(
                    "Whole models in the host's models folder that your list does not have. What is chosen "
                    "is written into your own list, where you can change it."
                )
            )
        )
        tint(self.advice, tones().quiet)
        self.list.setAccessibleName(say(phrase("Models on the host")))
        self.cancel.setText(say(phrase("Cancel")))
        self.add.dress()
        self.status.tell()
        self._show()

    def look(self) -> None:
        """Look through the host's models folder, from the beginning."""
        self._stop()
        self._cancel = cancel = Cancel()
        self.status.show_state(Working(phrase("Looking through the models folder…")))
        self._job = self._background.run(lambda: self._look(cancel), self._saw, self._failed)
        self._chose()

    def _stop(self) -> None:
        """What is under way ends; what was seen before stays."""
        self._cancel.set()
        if self._job is not None:
            self._job.cancel()
            self._job = None
            self.status.show_state(Advice(phrase("The look was stopped.")))

    def _saw(self, seen: Seen) -> None:
        self._job, self._seen = None, seen
        nothing = not any(each.state is FoundState.NEW for each in seen.found)
        self.status.show_state(Advice(_nothing_new(seen)) if nothing else None)
        self._show()
        if not nothing:
            self.list.setFocus()

    def _failed(self, error: Exception) -> None:
        self._job = None
        self.status.show_state(problem_with(error))
        self._chose()

    def _add(self) -> None:
        chosen = self.rows.chosen
        addition = Addition(tuple(each.entry for each in chosen))
        self.status.show_state(Working(phrase("Saving…"), can_stop=False))
        self._job = self._background.run(
            lambda: self._add_to_list(addition), lambda _: self._wrote(chosen), self._failed
        )
        self._chose()

    def _wrote(self, chosen: tuple[Found, ...]) -> None:
        self._job = None
        self.added.emit(tuple(each.id for each in chosen))
        self.accept()

    def _show(self) -> None:
        seen = self._seen
        found = () if seen is None else seen.found
        self.list.setVisible(bool(found))
        self.rows.show(rows_of(found, self.say))
        if found and not self.list.currentIndex().isValid():
            self.list.setCurrentIndex(self.rows.index(0))
        said = [] if seen is None else [self.say(each) for each in _unseen(seen)]
        self.about.setText("\n".join(said))
        self.about.setVisible(bool(said))
        tint(self.about, tones().quiet)

    def _chose(self) -> None:
        count = len(self.rows.chosen)
        said = phrase_n("Add {count} model", "Add {count} models", count) if count else phrase("Add")
        self.add.setText(self.say(said))
        self.add.setEnabled(bool(count) and self._job is None)
        self.list.setEnabled(self._job is None)

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        buttons.addWidget(self.cancel)
        buttons.addStretch(1)
        buttons.addWidget(self.add)
        column = QVBoxLayout(self)
        column.setContentsMargins(AROUND, AROUND, AROUND, AROUND)
        column.setSpacing(GRID)
        column.addWidget(self.advice)
        column.addWidget(self.status)
        column.addWidget(self.list, 1)
        column.addStretch(0)
        column.addWidget(self.about)
        column.addSpacing(GRID)
        column.addLayout(buttons)
        self.resize(_WIDTH, _HEIGHT)


class _FoundList(QListView):
    """Rows that break their text in the width they have."""

    def __init__(self) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMouseTracking(True)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Qt's."""
        super().resizeEvent(event)
        self.scheduleDelayedItemsLayout()


def _nothing_new(seen: Seen) -> Phrase:
    return phrase(
        "Below {path} on {host} there is no model that your list does not have.",
        path=seen.host.models_dir,
        host=seen.host.name,
    )


def _unseen(seen: Seen) -> list[Phrase]:
    """What of the folder was not seen."""
    remarks = []
    if seen.discovery.closed:
        remarks.append(
            phrase_n(
                "{count} folder there may not be read by this user.",
                "{count} folders there may not be read by this user.",
                seen.discovery.closed,
            )
        )
    if seen.discovery.more:
        remarks.append(phrase("There is more than could be looked through; this is a part of it."))
    return remarks
