"""The one place where text becomes a menu's label or a tooltip, shown as it was written."""

from __future__ import annotations

import html
import sys
from collections.abc import Iterable

from sparktray.domain.text import clean_line

# Wide enough for a host's whole sentence; a label of 4,000 characters made a menu of 28,000 px.
_LABEL_CHARACTERS = 100
# NOTIFYICONDATAW.szTip holds 128 UTF-16 units with its end; Windows cuts within a surrogate pair.
_WINDOWS_UNITS = 127


def label(text: str, *, over_bus: bool) -> str:
    """The text for a QAction so that the menu shows ``text`` itself, on one line, bounded.

    In a Qt menu a doubled ``&`` is one. Over D-Bus (``over_bus``) other rules hold: Qt 6.11 turns the
    first ``&`` that is not the last character into ``_`` and leaves the others, and in a label of
    com.canonical.dbusmenu ``__`` is shown as ``_`` and a single ``_`` is not shown.
    """
    plain = _bounded(clean_line(text), _LABEL_CHARACTERS)
    if over_bus:
        return plain.replace("_", "__").replace("&", "&&", 1)
    return plain.replace("&", "&&")


def hint(text: str) -> str:
    """The text for a QAction's tooltip, in which Qt would take ``<img src=…>`` for a picture to load."""
    return f"<p>{html.escape(clean_line(text))}</p>" if text else ""


def hints(lines: Iterable[str]) -> str:
    """The text for a tooltip of several paragraphs."""
    return "".join(hint(line) for line in lines)


def tooltip(text: str, platform: str = sys.platform) -> str:
    """The text for the icon's tooltip: plain, within what the platform can hold."""
    plain = clean_line(text)
    if platform != "win32" or len(plain.encode("utf-16-le")) // 2 <= _WINDOWS_UNITS:
        return plain
    cut = plain.encode("utf-16-le")[: 2 * (_WINDOWS_UNITS - 1)]
    return cut.decode("utf-16-le", "ignore") + "…"


def body(text: str) -> str:
    """The text for a notification's body, which services may read as markup."""
    return html.escape(clean_line(text.replace("\n", " ")), quote=False)


def _bounded(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
