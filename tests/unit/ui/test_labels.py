from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparktray.domain.text import clean_line
from sparktray.ui.labels import body, hint, label, tooltip


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
