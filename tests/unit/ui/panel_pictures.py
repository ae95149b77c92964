"""Pictures for the panel's tests, and what all of them look for on the screen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from msgspec.structs import replace
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QWidget

from sparktray.domain.operation import StepName, SwitchWish
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import LinkPhase, Snapshot
from tests.pure.decide.building import sglang_box
from tests.pure.decide.story import Story, begin_story, fails_at
from tests.unit.cli import pictures

# What Qt says of its platform without a screen, and of no other.
OFFSCREEN = {
    "This plugin does not support propagateSizeHints()",
    "This plugin does not support raise()",
    "This plugin does not support grabbing the keyboard",
}


def offline(link: LinkPhase = LinkPhase.OFFLINE) -> Snapshot:
    """A host that was there and is not any more."""
    trouble = Problem("unreachable", phrase("spark does not answer."), phrase("Switch it on."), "timed out")
    return replace(pictures.picture(), link=link, problem=trouble, link_since=1_700_000_000.0)


def many_models(count: int = 500) -> Snapshot:
    """A host with that many models in its list, one of them running."""
    shown = pictures.picture(pictures.ready())
    entries = shown.catalogue.models
    more = tuple(
        msgspec.structs.replace(entries[n % len(entries)], id=f"{entries[n % len(entries)].id}-{n}")
        for n in range(count - len(entries))
    )
    return replace(shown, catalogue=msgspec.structs.replace(shown.catalogue, models=entries + more))


def switching(at: StepName = StepName.LOAD) -> Story:
    """A switch that has come to that step."""
    story = begin_story(sglang_box())
    story.wish(SwitchWish("coder"))
    for _ in range(2000):
        if story.operation.current is not None and story.operation.current.step.name is at:
            return story
        story.step()
    raise AssertionError(f"never came to {at}")


def rolled_back() -> Snapshot:
    """A switch that failed and went back."""
    story = begin_story(sglang_box())
    story.fault = fails_at(StepName.PROVE)
    story.wish(SwitchWish("coder"))
    story.run()
    return story.snapshot


@contextmanager
def on_screen(widget: QWidget) -> Iterator[None]:
    """Show a window, and take it away with all it holds."""
    widget.show()
    QTest.qWaitForWindowExposed(widget)
    try:
        yield
    finally:
        widget.close()
        widget.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@contextmanager
def larger_text(factor: float) -> Iterator[None]:
    """Text of another size, as a person or a screen of many pixels asks for."""
    before = QApplication.font()
    larger = QApplication.font()
    larger.setPointSizeF(before.pointSizeF() * factor)
    QApplication.setFont(larger)
    try:
        yield
    finally:
        QApplication.setFont(before)


def reached_by_tab(window: QWidget) -> set[QWidget]:
    """Every widget that Tab comes to, from where the keyboard is round to there again."""
    found: set[QWidget] = set()
    for _ in range(100):
        focused = QApplication.focusWidget()
        assert focused is not None
        if focused in found:
            return found
        found.add(focused)
        QTest.keyClick(focused, Qt.Key.Key_Tab)
    raise AssertionError("Tab never comes round")


def focusable(window: QWidget) -> list[QWidget]:
    """What can have the keyboard and is on the screen."""
    every = [each for each in window.findChildren(QWidget) if each.isVisible() and each.isEnabled()]
    return [
        each for each in every if each.focusPolicy() & Qt.FocusPolicy.TabFocus and each.focusProxy() is None
    ]


def clipped(window: QWidget) -> list[str]:
    """Texts of labels and buttons on the screen that have less room than they need."""
    found = []
    for each in window.findChildren(QWidget):
        if not each.isVisible():
            continue
        if isinstance(each, QLabel) and each.text():
            needed = each.heightForWidth(each.width()) if each.wordWrap() else each.sizeHint().height()
            longest = max(each.text().split(), key=len)
            wide = each.sizeHint().width() if not each.wordWrap() else _width(each, longest)
            if each.height() < needed or each.width() < wide:
                found.append(f"{each.text()} ({each.width()}x{each.height()}, needs {wide}x{needed})")
        if isinstance(each, QAbstractButton) and each.text() and each.width() < each.sizeHint().width():
            found.append(each.text())
    return found


def _width(label: QLabel, text: str) -> int:
    return QFontMetrics(label.font()).horizontalAdvance(text)
