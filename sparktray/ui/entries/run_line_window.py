"""A docker run line is pasted, and becomes an entry of the list."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QPlainTextEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from sparktray.decide.finding.from_run import Draft
from sparktray.domain.catalogue_file.writing import Addition, entry_text
from sparktray.domain.phrase import phrase
from sparktray.ui.background import Background, Job
from sparktray.ui.entries.jobs import problem_with
from sparktray.ui.hosts.field import Field
from sparktray.ui.hosts.status import StatusLine, Working
from sparktray.ui.hosts.window import HostWindow
from sparktray.ui.painting.texts import button, name_label, selectable, tint
from sparktray.ui.panel.controls import AccentButton
from sparktray.ui.theme import AROUND, GRID, fixed, tones
from sparktray.wording import Wording

_WIDTH, _HEIGHT = 680, 640
_QUIET_MILLISECONDS = 200  # after the last key, before the line is read
_EXAMPLE = "docker run --gpus all -p 30000:30000 -v /home/…/models/…:/model IMAGE …"


class RunLineWindow(HostWindow):
    """Main thread only. ``draft`` and ``add`` read and write the disk and are called on a worker thread.

    ``added`` brings the ids of the entries that were written.
    """

    added = Signal(object)

    def __init__(
        self,
        say: Wording,
        background: Background,
        draft: Callable[[str, str | None], Draft],
        add: Callable[[Addition], Path],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(say, parent)
        self._background = background
        self._draft = draft
        self._add_to_list = add
        self._job: Job | None = None
        self._made: Draft | None = None
        self._quiet = QTimer(self, singleShot=True, interval=_QUIET_MILLISECONDS)
        self._quiet.timeout.connect(self._read)
        self.line_label, self.line = name_label(), QPlainTextEdit()
        self.line_label.setBuddy(self.line)
        self.line.setTabChangesFocus(True)
        self.name = Field(say)
        self.preview_label, self.preview = name_label(), QPlainTextEdit()
        self.preview_label.setBuddy(self.preview)
        self.preview.setReadOnly(True)
        self.preview.setTabChangesFocus(True)
        self.preview.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.remarks, self.area = selectable(), QScrollArea()
        self.status = StatusLine(say)
        self.cancel, self.add = button(), AccentButton()
        self.line.textChanged.connect(self._typed)
        self.name.changed.connect(self._typed)
        self.cancel.clicked.connect(self.reject)
        self.add.clicked.connect(self._add)
        self._lay_out()
        self.tell()

    def tell(self) -> None:
        """See `HostWindow`."""
        super().tell()
        say = self.say
        self.setWindowTitle(say(phrase("From a docker run line")))
        self.line_label.setText(say(phrase("&Paste the line that starts the model")))
        self.line.setAccessibleName(say(phrase("docker run line")))
        self.line.setPlaceholderText(_EXAMPLE)
        self.preview_label.setText(say(phrase("&What is written into your list")))
        self.preview.setAccessibleName(say(phrase("What is written into your list")))
        self.name.tell(phrase("&Name"))
        for text in (self.line, self.preview):
            text.setFont(fixed())
        self.cancel.setText(say(phrase("Cancel")))
        self.add.setText(say(phrase("Add")))
        self.add.dress()
        self.status.tell()
        self._show()

    def _typed(self) -> None:
        """What was made of the text before it changed is not what would be written."""
        self._forget()
        if self.line.toPlainText().strip():
            self._quiet.start()
        else:
            self._quiet.stop()
            self.status.show_state(None)

    def _read(self) -> None:
        self._forget()
        text, name = self.line.toPlainText(), self.name.text or None
        self._job = self._background.run(lambda: self._draft(text, name), self._took, self._failed)

    def _took(self, made: Draft) -> None:
        self._job, self._made = None, made
        self.status.show_state(None)
        self._show()

    def _failed(self, error: Exception) -> None:
        self._job = None
        self.status.show_state(problem_with(error))
        self._show()

    def _add(self) -> None:
        made = self._made
        if made is None:
            return
        self.status.show_state(Working(phrase("Saving…"), can_stop=False))
        self.add.setEnabled(False)
        self._job = self._background.run(
            lambda: self._add_to_list(made.addition), lambda _: self._wrote(made), self._failed
        )

    def _wrote(self, made: Draft) -> None:
        self._job = None
        self.added.emit((str(made.entry["id"]),))
        self.accept()

    def _forget(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self._job = None
        self._made = None
        self._show()

    def _show(self) -> None:
        made = self._made
        self.status.retry.hide()  # another text is what helps, and that is read by itself
        self.add.setEnabled(made is not None)
        if made is None:
            self.preview.setPlainText("")
            self.name.edit.setPlaceholderText("")
            self.area.hide()
            return
        server = f'"{made.server}": {entry_text(made.new_server)}\n' if made.new_server else ""
        self.preview.setPlainText(server + entry_text(made.entry))
        self.name.edit.setPlaceholderText(str(made.entry["id"]))
        self.remarks.setText("\n".join(f"•  {self.say(remark)}" for remark in made.remarks))
        tint(self.remarks, tones().text)
        self.area.setVisible(bool(made.remarks))

    def _lay_out(self) -> None:
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setWidgetResizable(True)
        self.area.setWidget(self.remarks)
        self.area.viewport().setAutoFillBackground(False)
        self.remarks.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        form = QFormLayout()
        form.setHorizontalSpacing(2 * GRID)
        form.addRow(self.name.label, self.name)
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        buttons.addWidget(self.cancel)
        buttons.addStretch(1)
        buttons.addWidget(self.add)
        column = QVBoxLayout(self)
        column.setContentsMargins(AROUND, AROUND, AROUND, AROUND)
        column.setSpacing(GRID)
        column.addWidget(self.line_label)
        column.addWidget(self.line, 2)
        column.addLayout(form)
        column.addWidget(self.preview_label)
        column.addWidget(self.preview, 3)
        column.addWidget(self.area, 2)
        column.addWidget(self.status)
        column.addSpacing(GRID)
        column.addLayout(buttons)
        self.resize(_WIDTH, _HEIGHT)
