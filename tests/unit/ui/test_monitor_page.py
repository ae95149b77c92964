from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtWidgets import QApplication, QWidget

from sparktray.decide.showing.history import History
from sparktray.domain.docker.container import Container, ContainerState
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import LinkPhase, Snapshot
from sparktray.ui.panel.container_table import ContainerTable
from sparktray.ui.panel.controls import Text
from sparktray.ui.panel.history_chart import HistoryChart
from sparktray.ui.panel.monitor_page import MonitorPage
from sparktray.wording import Wording
from tests.unit.cli import pictures
from tests.waiting import scaled


def other(name: str, **changes: object) -> Container:
    made = Container(f"id-{name}", name, "registry:2", ContainerState.RUNNING)
    return replace(made, **changes)


def host(*others: Container) -> Snapshot:
    made = pictures.picture(pictures.ready(), pictures.failed(), others=others)
    return replace(made, vitals=replace(made.vitals, at=time.time()))


@pytest.fixture
def page() -> Iterator[MonitorPage]:
    collected = History().with_(host())
    window = QWidget()  # without a layout, so that none asks the platform for sizes it does not know
    made = MonitorPage(Wording("en"), lambda: collected, window)
    made.resize(560, 420)
    window.show()
    yield made
    made.left()


def table(page: MonitorPage) -> ContainerTable:
    found = page.findChild(ContainerTable)
    assert isinstance(found, ContainerTable)
    return found


def cells(page: MonitorPage) -> list[list[str]]:
    """What stands in the table; a heading has the same text all across."""
    model = table(page).model()
    return [
        [str(model.index(row, column).data()) for column in range(model.columnCount())]
        for row in range(model.rowCount())
    ]


def texts(page: QWidget) -> list[str]:
    """The sentences that are seen."""
    return [each.text() for each in page.findChildren(Text) if each.isVisibleTo(page)]


def test_servers_first_then_the_others(page: MonitorPage) -> None:
    page.take(host(other("web"), other("a1", state=ContainerState.EXITED, exit_code=137)))
    assert cells(page) == [
        ["Servers"] * 4,
        ["sglang", "lmsysorg/sglang:spark", "exited, code 1", "30000"],
        ["sglang-main", "lmsysorg/sglang:spark", "running", "30001→30000"],
        ["Other containers, never touched by sparktray"] * 4,
        ["web", "registry:2", "running", ""],
        ["a1", "registry:2", "exited, code 137", ""],
    ]
    assert "GPU NVIDIA GB10 · 45 °C · – W" in texts(page)


def test_the_same_rows_keep_their_place_and_choice(page: MonitorPage) -> None:
    page.take(host(other("web"), other("zoo")))
    view = table(page)
    view.setCurrentIndex(view.model().index(4, 0))
    resets: list[int] = []
    view.model().modelReset.connect(lambda: resets.append(1))
    page.take(host(other("web", state=ContainerState.PAUSED), other("zoo")))
    assert cells(page)[4][2] == "paused" and resets == []
    page.take(host(other("ant"), other("web"), other("zoo")))
    assert resets == [1] and cells(page)[view.currentIndex().row()][0] == "web"
    page.take(host(other("zoo")))
    assert not view.currentIndex().isValid()


def test_headings_cannot_be_chosen(page: MonitorPage) -> None:
    page.take(host(other("web")))
    model = table(page).model()
    choosable = [bool(model.index(row, 0).flags() & Qt.ItemFlag.ItemIsSelectable) for row in range(5)]
    assert choosable == [False, True, True, False, True]
    assert model.rowCount(model.index(0, 0)) == model.columnCount(model.index(0, 0)) == 0
    assert model.headerData(0, Qt.Orientation.Vertical) is None


def test_outside_text_is_text(page: MonitorPage) -> None:
    page.take(host(other("<img src=x>", image="a&b")))
    model = table(page).model()
    index: QModelIndex = model.index(4, 0)
    assert index.data() == "<img src=x>"
    assert index.data(Qt.ItemDataRole.ToolTipRole) == "<p>&lt;img src=x&gt;</p>"
    assert model.index(3, 0).data(Qt.ItemDataRole.ToolTipRole) is None


def test_two_hundred_containers_cost_little(page: MonitorPage) -> None:
    many = tuple(other(f"container-{n:03d}") for n in range(200))
    page.take(host(*many))
    began = time.thread_time()
    page.take(host(*many[:199]))
    QApplication.processEvents()
    assert time.thread_time() - began < scaled(0.05)
    assert len(cells(page)) == 4 + 199


def test_without_a_link_there_is_a_reason_instead_of_a_table(page: MonitorPage) -> None:
    problem = Problem("x", phrase("It is away."), phrase("Look at the cable."))
    page.take(replace(host(), link=LinkPhase.OFFLINE, problem=problem))
    assert not table(page).isVisible()
    assert texts(page) == ["GPU: not known", "It is away.", "Look at the cable."]
    page.take(host())
    assert table(page).isVisible() and "It is away." not in texts(page)


def test_without_a_host_it_says_so(page: MonitorPage) -> None:
    page.take(None)
    assert not table(page).isVisible() and "No host is set up yet." in texts(page)


def test_its_clock_runs_only_while_it_is_seen(page: MonitorPage) -> None:
    page.take(host())
    assert page._clock.isActive()
    page.left()
    assert not page._clock.isActive()
    page.hide()
    page.take(host())
    assert not page._clock.isActive()


def test_everything_that_takes_the_keyboard_has_a_name(page: MonitorPage) -> None:
    page.take(host(other("web")))
    focusable = [
        each
        for each in page.findChildren(QWidget)
        if each.focusPolicy() & Qt.FocusPolicy.TabFocus and each.isVisible()
    ]
    assert {HistoryChart, ContainerTable} <= {type(each) for each in focusable}
    assert all(each.accessibleName() for each in focusable)
    assert page.focusProxy() is table(page) and page.say(page.title()) == "Monitor"
