from __future__ import annotations

from msgspec.structs import replace
from PySide6.QtCore import QDateTime, QEvent, QPoint, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from sparktray.decide.showing.history import SPAN_SECONDS, History, Measure
from sparktray.domain.facts.vitals import Vitals
from sparktray.domain.snapshot import LinkPhase
from sparktray.ui.panel.history_chart import HistoryChart
from sparktray.ui.theme import tones
from sparktray.wording import Wording
from tests.unit.cli import pictures

GIB = 1 << 30
NOW = 1_800_000_000.0
WIDTH = 300


def history(*, hole: tuple[int, int] = (0, 0)) -> History:
    """A quarter of an hour with 50 GiB used and half a GPU; without a link from and to those seconds."""
    made = History()
    host = pictures.picture()
    for second in range(0, int(SPAN_SECONDS) + 1, 5):
        away = hole[0] <= second < hole[1]
        vitals = Vitals(NOW - SPAN_SECONDS + second, 100 * GIB, 50 * GIB, "GPU", 50.0)
        link = LinkPhase.OFFLINE if away else LinkPhase.CONNECTED
        made = made.with_(replace(host, vitals=vitals, link=link))
    return made


def chart(samples: History, measure: Measure = Measure.GPU) -> HistoryChart:
    made = HistoryChart(Wording("en"), measure)
    made.take(samples, NOW)
    made.resize(WIDTH, made.sizeHint().height())
    made.show()
    return made


def _near(one: QColor, other: QColor) -> bool:
    """The same but for the smoothing of a thin line."""
    pairs = ((one.red(), other.red()), (one.green(), other.green()), (one.blue(), other.blue()))
    return all(abs(here - there) < 80 for here, there in pairs)


def middle(made: HistoryChart) -> list[bool]:
    """Where the line is seen: columns with the accent's colour near half the height of the plot."""
    image: QImage = made.grab().toImage()
    accent, centre = tones().accent, image.height() // 2
    return [
        any(_near(image.pixelColor(x, y), accent) for y in range(centre - 3, centre + 4))
        for x in range(image.width())
    ]


def test_a_line_from_edge_to_edge() -> None:
    seen = middle(chart(history()))
    assert sum(seen) > WIDTH - 20


def test_a_gap_is_not_bridged() -> None:
    """The middle third was without a link."""
    seen = middle(chart(history(hole=(300, 600))))
    assert not any(seen[WIDTH // 3 + 8 : 2 * WIDTH // 3 - 8])
    assert all(seen[12 : WIDTH // 3 - 8]) and all(seen[2 * WIDTH // 3 + 8 : WIDTH - 12])


def test_without_samples_there_is_no_line_and_the_value_is_a_dash() -> None:
    made = chart(History())
    assert not any(middle(made))
    assert made.accessibleName() == "GPU"
    assert made.accessibleDescription() == "Nothing is known of the last 15 minutes."


def test_a_single_sample_is_seen() -> None:
    one = History().with_(
        replace(pictures.picture(), vitals=Vitals(NOW - 450, 100 * GIB, 50 * GIB, "GPU", 50.0))
    )
    assert any(middle(chart(one)))


def test_the_mouse_shows_value_and_time_and_leaving_ends_it() -> None:
    made = chart(history())
    QTest.mouseMove(made, QPoint(WIDTH // 2, 40))
    QApplication.processEvents()
    when = QDateTime.fromSecsSinceEpoch(int(NOW - SPAN_SECONDS / 2)).toString("HH:mm")
    assert made.shown_sample().startswith(f"50 % at {when}")
    QApplication.sendEvent(made, QEvent(QEvent.Type.Leave))
    assert made.shown_sample() == ""


def test_the_mouse_over_a_gap_shows_nothing() -> None:
    made = chart(history(hole=(300, 600)))
    QTest.mouseMove(made, QPoint(WIDTH // 2, 40))
    QApplication.processEvents()
    assert made.shown_sample() == ""


def test_the_keyboard_goes_through_the_samples() -> None:
    made = chart(history(), Measure.MEMORY)
    assert made.focusPolicy() == Qt.FocusPolicy.TabFocus
    told = []
    for key in (
        Qt.Key.Key_Left,
        Qt.Key.Key_Left,
        Qt.Key.Key_Right,
        Qt.Key.Key_Right,
        Qt.Key.Key_Home,
        Qt.Key.Key_End,
    ):
        QTest.keyClick(made, key)
        told.append(made.shown_sample())
        assert made.accessibleDescription() == told[-1]
    last, before, again, end, first, back = told
    assert last == again == end == back and len({last, before, first}) == 3
    assert last == f"50 GiB at {QDateTime.fromSecsSinceEpoch(int(NOW)).toString('HH:mm:ss')}"


def test_keys_without_samples_are_left_to_others() -> None:
    made = chart(History())
    QTest.keyClick(made, Qt.Key.Key_Left)
    assert made.shown_sample() == ""


def test_it_asks_for_the_room_its_words_need() -> None:
    made = chart(history(), Measure.MEMORY)
    assert made.minimumSizeHint().width() >= made.fontMetrics().horizontalAdvance("Memory50 GiB")
    assert made.sizeHint().height() > 2 * made.fontMetrics().height()
