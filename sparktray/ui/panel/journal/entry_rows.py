"""Operations as rows of a list: what Qt asks of them, and how they are painted."""

from __future__ import annotations

import msgspec
from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QFont, QPainter
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem, QWidget

from sparktray.decide.showing.journal.rows import EntryMark, EntryRow
from sparktray.decide.showing.words import clock, lasted
from sparktray.ui.painting.marks import draw_entry, mark_width
from sparktray.ui.painting.rows import ground, height_of, line, lines, width_of
from sparktray.ui.panel.moments import moment, time_or_day
from sparktray.ui.theme import INSIDE, figures, line_height, small, strong, tones
from sparktray.wording import Wording

Index = QModelIndex | QPersistentModelIndex
ROW = Qt.ItemDataRole.UserRole
_AROUND = 10  # above and below the words of a row, together


class EntryWords(msgspec.Struct, frozen=True):
    """One row in words. ``moment`` is the whole of ``when``; ``below`` stands under the sentence."""

    row: EntryRow
    when: str
    moment: str
    sentence: str
    word: str
    took: str
    below: str


def words_of(row: EntryRow, say: Wording, *, hosts: bool) -> EntryWords:
    """One row, in the person's language; ``hosts`` when there are rows of several."""
    cause = "" if row.cause is None else say(row.cause)
    return EntryWords(
        row=row,
        when=time_or_day(row.began, say.language),
        moment=moment(row.began, say.language),
        sentence=say(row.sentence),
        word=say(row.word),
        took=_took(row, say),
        below=" · ".join(filter(None, (row.host if hosts else "", cause))),
    )


def _took(row: EntryRow, say: Wording) -> str:
    if row.seconds is None:
        return ""
    return clock(row.seconds) if row.mark is EntryMark.UNDER_WAY else say(lasted(row.seconds))


class EntryRows(QAbstractListModel):
    """The rows for a view. Rows that stay where they are are edited in place."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[EntryWords] = []

    def show(self, rows: list[EntryWords]) -> None:
        """Take these rows in the place of the ones before."""
        before = self.rows
        if [each.row.id for each in before] != [each.row.id for each in rows]:
            self.beginResetModel()
            self.rows = rows
            self.endResetModel()
            return
        self.rows = rows
        for number, (was, now) in enumerate(zip(before, rows, strict=True)):
            if was != now:
                self.dataChanged.emit(self.index(number), self.index(number))

    def id_at(self, index: Index) -> str | None:
        """Which operation stands there."""
        return self.rows[index.row()].row.id if 0 <= index.row() < len(self.rows) else None

    def place_of(self, identity: str | None) -> QModelIndex:
        """Where an operation stands, an invalid place when it does not."""
        found = next((n for n, each in enumerate(self.rows) if each.row.id == identity), None)
        return QModelIndex() if found is None else self.index(found)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  Qt's own signature
        """Qt's."""
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Qt's."""
        each = self.rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return each.sentence
            case Qt.ItemDataRole.AccessibleTextRole:
                return ", ".join(filter(None, (each.sentence, each.word, each.moment, each.took)))
            case Qt.ItemDataRole.AccessibleDescriptionRole:
                return each.below
            case _:
                return each if role == ROW else None


class EntryPainter(QStyledItemDelegate):
    """A row: when, mark, what was done, how long it took; below it on which host and why it failed."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._when = self._took = self._mark = 0
        self._measured: dict[tuple[str, int, int], int] = {}

    def measure(self, rows: list[EntryWords], widget: QWidget) -> bool:
        """Make the columns as wide as what they hold; True when that is another width."""
        before = self._when, self._took, self._mark
        self._measured.clear()  # of another font, maybe
        plain = figures(widget.font())
        self._when = max((width_of(text, plain) for text in {each.when for each in rows}), default=0)
        self._took = max(width_of(text, plain) for text in {"0:00:00", *(each.took for each in rows)})
        self._mark = mark_width(widget)
        return before != (self._when, self._took, self._mark)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Qt's."""
        view = option.widget
        each: EntryWords = index.data(ROW)
        whole = option.rect.width() or view.viewport().width()  # type: ignore[attr-defined]
        below = line_height(small(view)) + 2 if each.below else 0
        return QSize(0, self._sentence_height(each, view, whole) + below + _AROUND + 2)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Qt's."""
        look, view, rect = tones(), option.widget, option.rect.adjusted(0, 1, 0, -1)
        each: EntryWords = index.data(ROW)
        ground(painter, option, rect, look)
        top, first = rect.top() + _AROUND // 2, line_height(view.font())
        plain = figures(view.font())
        line(painter, QRect(rect.left() + INSIDE, top, self._when, first), each.when, plain, look.quiet)
        mark = QRect(rect.left() + 2 * INSIDE + self._when, top, self._mark, first)
        draw_entry(painter, mark, each.row.mark, look)
        left, right = rect.left() + self._left(), rect.right() - INSIDE
        took = QRect(right - self._took, top, self._took, first)
        line(painter, took, each.took, plain, look.quiet, align=Qt.AlignmentFlag.AlignRight)
        height = self._sentence_height(each, view, rect.width())
        room = QRect(left, top, self._wide(rect.width()), height)
        lines(painter, room, each.sentence, _font(each, view), look.text)
        below = QRect(left, top + height + 2, right - left, line_height(small(view)))
        line(painter, below, each.below, small(view), look.quiet)

    def _sentence_height(self, each: EntryWords, view: QWidget, width: int) -> int:
        wide, font = self._wide(width), _font(each, view)
        known = self._measured.get((each.sentence, font.weight(), wide))
        if known is None:
            known = max(line_height(view.font()), height_of(each.sentence, font, wide))
            self._measured[each.sentence, font.weight(), wide] = known
        return known

    def _wide(self, width: int) -> int:
        return width - self._left() - 2 * INSIDE - self._took

    def _left(self) -> int:
        """Where the words begin."""
        return 3 * INSIDE + self._when + self._mark


def _font(each: EntryWords, view: QWidget) -> QFont:
    return strong(view) if each.row.mark is EntryMark.UNDER_WAY else view.font()
