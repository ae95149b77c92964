"""The small parts of which the panel's pages are made."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QScrollArea, QSizePolicy, QWidget

from sparktray.ui.labels import label
from sparktray.ui.theme import GRID, Tones, mixed, tones


def scrolled(inner: QWidget) -> QScrollArea:
    """What may become higher than the window, without a frame of its own."""
    area = QScrollArea()
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setWidget(inner)
    return area


class Hairline(QWidget):
    """A line of one pixel between two parts, instead of a box around each."""

    def __init__(self, *, upright: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        if upright:
            self.setFixedWidth(1)
        else:
            self.setFixedHeight(1)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Qt's: fill itself."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), tones().hairline)
        painter.end()


class Text(QLabel):
    """Plain text that breaks into lines and can be marked to be copied."""

    def __init__(self, parent: QWidget | None = None, *, wraps: bool = True) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(wraps)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self._laid_out = False

    def tell(self, text: str, colour: QColor, font: QFont) -> None:
        """Say that; without a text it takes no room."""
        if self.text() != text:
            self.setText(text)
        if self.font() != font:
            self.setFont(font)
        colours = self.palette()
        if colours.color(QPalette.ColorRole.WindowText) != colour:
            colours.setColor(QPalette.ColorRole.WindowText, colour)
            self.setPalette(colours)
        self.setVisible(bool(text))

    def minimumSizeHint(self) -> QSize:
        """Qt's: as high as its lines need in the width it has; Qt lets them be cut off in a low window."""
        if not (self.wordWrap() and self._laid_out and self.text()):
            return super().minimumSizeHint()
        longest = max(self.fontMetrics().horizontalAdvance(word) for word in self.text().split() or [""])
        return QSize(longest + 1, self.heightForWidth(max(self.width(), longest + 1)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Qt's."""
        super().resizeEvent(event)
        self._laid_out = True
        if event.oldSize().width() != event.size().width():
            self.updateGeometry()


class AccentButton(QPushButton):
    """The one thing that can be done next. Its look is set by ``dress``, again after a change of it."""

    def dress(self, look: Tones | None = None) -> None:
        """Take the colours of now."""
        look = tones() if look is None else look
        pressed = mixed(look.text, look.accent, 0.15).name()
        sheet = (
            f"QPushButton {{ background: {look.accent.name()}; color: {look.on_accent.name()};"
            f" border: 2px solid {look.accent.name()}; border-radius: 5px; padding: 1px {GRID + 4}px; }}"
            f"QPushButton:hover, QPushButton:pressed {{ background: {pressed}; border-color: {pressed}; }}"
            f"QPushButton:focus {{ border-color: {look.text.name()}; }}"
            f"QPushButton:disabled {{ background: {look.hairline.name()}; color: {look.quiet.name()};"
            f" border-color: {look.hairline.name()}; }}"
        )
        if self.styleSheet() != sheet:
            self.setStyleSheet(sheet)

    def sizeHint(self) -> QSize:
        """Qt's: a little higher than the text, as the platform's own buttons are."""
        size = super().sizeHint()
        return QSize(size.width(), max(size.height(), self.fontMetrics().height() + GRID + 2))


class Fold(QPushButton):
    """Shows and hides something below it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCheckable(True)
        self.setFlat(True)
        self._text = ""
        self.toggled.connect(self._mark)

    def tell(self, text: str, look: Tones) -> None:
        """What it shows and hides."""
        self._text = text
        self.setAccessibleName(text)
        sheet = (
            f"QPushButton {{ background: transparent; color: {look.quiet.name()}; padding: 2px 4px 2px 0;"
            f" border: 2px solid transparent; border-radius: 4px; }}"
            f"QPushButton:hover {{ color: {look.text.name()}; }}"
            f"QPushButton:focus {{ border-color: {look.accent.name()}; }}"
        )
        if self.styleSheet() != sheet:
            self.setStyleSheet(sheet)
        self._mark()

    def _mark(self) -> None:
        mark = "▾" if self.isChecked() else "▸"
        self.setText(f"{mark} {label(self._text, over_bus=False)}")
