"""The demo in the tray of somebody who has no host: visited until there is one, and visibly a demo."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget

from sparktray import wiring
from sparktray.demo import spark as module
from sparktray.demo.spark import Spark
from sparktray.domain.host import DEMO_HOST, HostProfile
from sparktray.domain.operation import OperationEnd, SwitchWish
from sparktray.domain.snapshot import Phase
from sparktray.store.hosts import HostsFile
from sparktray.ui.desk import Desk
from sparktray.ui.hosts.assistant import Assistant
from sparktray.ui.panel.window import PanelWindow
from sparktray.wording import Wording
from tests.unit.ui.hosts_setup import OFFSCREEN, until

NOT_REAL = (
    "This is a built-in demo; nothing here is real. To see failures, start deepseek-r1-8b-abliterated-bf16 on"
    " vLLM, or llama4-scout-17b-nvfp4."
)


@pytest.fixture(autouse=True)
def _offscreen(qt_messages: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(module, "_spark", Spark(pace=10))
    yield
    qt_messages[:] = [text for text in qt_messages if text not in OFFSCREEN]


@pytest.fixture
def desk(application: QApplication, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(Wording("en"), wiring.open_program(tmp_path / "own"), None)
    yield made
    made.close()


def _panel() -> PanelWindow:
    return next(w for w in QApplication.topLevelWidgets() if isinstance(w, PanelWindow) and w.isVisible())


def _texts(window: QWidget) -> set[str]:
    return {label.text() for label in window.findChildren(QLabel) if label.isVisible()}


def _press(window: QWidget, text: str) -> None:
    found = [b for b in window.findChildren(QPushButton) if b.isVisible() and b.text() == text]
    assert found, text
    found[0].click()


def _ready(desk: Desk) -> bool:
    controller = desk.controller()
    states = () if controller is None else controller.snapshot.servers
    return sum(state.phase is Phase.READY for state in states) == 2


def _visit(desk: Desk) -> None:
    desk._front.present()
    _press(_panel(), "Try the demo")
    until(lambda: _ready(desk), "the demo's models")


def test_the_demo_says_that_it_is_one_and_leaves_nothing(desk: Desk, tmp_path: Path) -> None:
    _visit(desk)
    until(lambda: NOT_REAL in _texts(_panel()), "the line at the top")
    until(lambda: "phi4-reasoning, qwen3-32b-nvfp4 are ready on demo." in _texts(_panel()), "the sentence")
    controller = desk.controller()
    assert controller is not None
    desk._wish(SwitchWish("qwen3-coder-30b-nvfp4"))

    def done() -> bool:
        operation = controller.snapshot.operation
        return operation is not None and operation.end is OperationEnd.DONE

    until(done, "the switch", seconds=20)
    visited = desk._program.demo.program(DEMO_HOST)
    assert visited is not None
    assert [entry.host for entry in visited.journal.all()] == ["demo"]
    assert wiring.open_program(tmp_path / "own").journal.all() == []
    assert not (tmp_path / "own" / "hosts.json").exists()
    folder = visited.folder.path
    assert folder.exists()
    desk.close()
    assert not folder.exists()


def test_a_host_of_ones_own_takes_its_place(desk: Desk, tmp_path: Path) -> None:
    _visit(desk)
    until(lambda: NOT_REAL in _texts(_panel()), "the line at the top")
    _press(_panel(), "Set up a host…")
    assistants = [w for w in QApplication.topLevelWidgets() if isinstance(w, Assistant) and w.isVisible()]
    assert len(assistants) == 1
    assistants[0].reject()
    hosts = HostsFile(wiring.open_program(tmp_path / "own").folder)
    # Nothing listens there; that it is tried is enough.
    hosts.add(HostProfile("spark", "127.0.0.1", port=9, user="me"))
    desk._reloading.look()

    def turned() -> bool:
        latest = desk._latest
        return latest is not None and latest.host.name == "spark"

    until(turned, "the own host")
    assert NOT_REAL not in _texts(_panel())
    assert desk._program.demo.program(desk._host) is None
    hosts.remove("spark")
    desk._reloading.look()
    until(lambda: _ready(desk), "the demo again, for want of a host")


def test_started_with_the_demo_for_want_of_a_host(application: QApplication, tmp_path: Path) -> None:
    program = wiring.open_program(tmp_path / "own")
    program.demo.open()
    made = Desk(Wording("en"), program, program.demo.host)
    try:
        made._begin(DEMO_HOST)  # as `open` does, which also goes to the desktop's bus
        made._front.present()
        until(lambda: _ready(made), "the demo's models")
        until(lambda: NOT_REAL in _texts(_panel()), "the line at the top")
        assert not (tmp_path / "own").exists()
    finally:
        made.close()


def test_where_it_is_a_host_like_others_there_is_nothing_to_set_up(
    application: QApplication, tmp_path: Path
) -> None:
    program = wiring.open_program(tmp_path / "own")
    program.hosts.add(DEMO_HOST)
    made = Desk(Wording("en"), program, DEMO_HOST)
    try:
        made._begin(DEMO_HOST)
        made._front.present()
        until(lambda: NOT_REAL in _texts(_panel()), "the line at the top")
        buttons = [b.text() for b in _panel().findChildren(QPushButton) if b.isVisible()]
        assert "Set up a host…" not in buttons
    finally:
        made.close()
