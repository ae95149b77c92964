from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QMenu

from sparktray.decide.showing.menu import menu
from sparktray.domain.text import clean_line, clean_name, has_hidden
from sparktray.ui.background import Background
from sparktray.ui.clipboard import Copier
from sparktray.ui.labels import body, hint, label, tooltip
from sparktray.ui.tray.menu import TrayMenu
from sparktray.wording import Wording
from tests.pure.domain.hostile import HOSTILE
from tests.unit.cli import pictures


def sent_by_qt(text: str) -> str:
    """What Qt 6.11 makes of an action's text for the bus, as read there."""
    at = text.find("&")
    return text if at < 0 or at == len(text) - 1 else f"{text[:at]}_{text[at + 1 :]}"


def shown_by_a_desktop(sent: str) -> str:
    """The rule of com.canonical.dbusmenu: two underscores are one, a single one is none."""
    return "_".join(part.replace("_", "") for part in sent.split("__"))


def shown_by_qt(text: str) -> str:
    """A menu that Qt draws itself: `&&` is `&`, a single one is none."""
    return "&".join(part.replace("&", "") for part in text.split("&&"))


NAMES = st.text(st.characters(codec="utf-8") | st.sampled_from("&_"), max_size=90)


@given(NAMES)
def test_over_the_bus_every_name_is_shown_as_written(name: str) -> None:
    assert shown_by_a_desktop(sent_by_qt(label(name, over_bus=True))) == clean_line(name)


@given(NAMES)
def test_drawn_by_qt_every_name_is_shown_as_written(name: str) -> None:
    assert shown_by_qt(label(name, over_bus=False)) == clean_line(name)


@pytest.mark.parametrize(
    ("text", "over_bus", "made"),
    [
        ("org/a&b_c", True, "org/a&&b__c"),
        ("org/a&b_c", False, "org/a&&b_c"),
        ("a\tb", True, "a b"),
        ("a\u202eb\nc", True, "abc"),
        ("x" * 10_000, True, "x" * 99 + "…"),
    ],
)
def test_labels(text: str, over_bus: bool, made: str) -> None:
    assert label(text, over_bus=over_bus) == made


HARMFUL = (*HOSTILE, "&", "&&", "_", "__", "a&", "&File_x", "a&b_c__d&&e_", "<img src=x onerror=y>", "a\tb\t")


@pytest.mark.parametrize("name", HARMFUL)
def test_hostile_names_are_shown_bounded_on_one_line_and_as_text(name: str) -> None:
    """In the menu as Qt draws it, over the bus, in tooltips and in notifications."""
    wanted = clean_line(name)
    wanted = wanted if len(wanted) <= 100 else wanted[:99] + "…"
    assert shown_by_a_desktop(sent_by_qt(label(name, over_bus=True))) == wanted
    assert shown_by_qt(label(name, over_bus=False)) == wanted
    assert not has_hidden(wanted)
    for marked_up, said in ((hint(name), name), (body(name), name.replace("\n", " "))):
        document = QTextDocument()
        document.setHtml(marked_up)
        # Rich text makes one blank of several.
        assert document.toPlainText().split() == clean_line(said).split()
        assert len(marked_up) < 20_000 and "<img" not in marked_up


@pytest.mark.parametrize("name", HARMFUL)
def test_a_hostile_id_goes_through_the_whole_menu(name: str) -> None:
    """An engine that serves it: the sentence and the rows to stop and to copy it are one line each."""
    snapshot = pictures.picture(pictures.ready(model_id=name), pictures.ready("sglang", model_id=name))
    say = Wording("en")
    rows = TrayMenu(say, Copier(say, Background()), over_bus=False)
    shown = menu(snapshot)
    rows.show(shown)
    below = [each.menu() for each in rows.menu.actions()]
    texts = [a.text() for m in (rows.menu, *below) if isinstance(m, QMenu) for a in m.actions()]
    assert sum(clean_name(name) in shown_by_qt(text) for text in texts) >= 5
    assert all(not has_hidden(text) and len(text) <= 200 for text in texts)
    assert [row.hidden for row in shown.copies] == [has_hidden(name)] * 2
    assert len(tooltip(say(shown.sentence))) < 250


def test_markup_is_text() -> None:
    assert hint("<img src=/etc/passwd>") == "<p>&lt;img src=/etc/passwd&gt;</p>"
    assert hint("") == ""
    assert body('<b>&"') == '&lt;b&gt;&amp;"'


def test_tooltips_fit_windows() -> None:
    """127 UTF-16 units, and never half a surrogate pair."""
    assert tooltip("é" * 127, "win32") == "é" * 127
    cut = tooltip("\U0001f600" * 100, "win32")
    assert cut == "\U0001f600" * 63 + "…" and len(cut.encode("utf-16-le")) // 2 <= 127
    assert tooltip("x" * 500, "linux") == "x" * 500
