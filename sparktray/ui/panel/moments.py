"""Moments as a person of that language writes them, in the time of this computer."""

from __future__ import annotations

from PySide6.QtCore import QDate, QDateTime, QLocale

_SHORT = QLocale.FormatType.ShortFormat


def moment(seconds: float, language: str) -> str:
    """The time of day, with the day before it when that is not today; ``seconds`` since 1970."""
    time, day = _told(seconds, language)
    return time if _is_today(seconds) else f"{day} {time}"


def time_or_day(seconds: float, language: str) -> str:
    """The time of day of what was today, else the day."""
    time, day = _told(seconds, language)
    return time if _is_today(seconds) else day


def _told(seconds: float, language: str) -> tuple[str, str]:
    at, locale = QDateTime.fromSecsSinceEpoch(int(seconds)), QLocale(language)
    return locale.toString(at.time(), _SHORT), locale.toString(at.date(), _SHORT)


def _is_today(seconds: float) -> bool:
    return QDateTime.fromSecsSinceEpoch(int(seconds)).date() == QDate.currentDate()
