"""From a `Phrase` to a sentence in the person's language."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from sparktray.domain.phrase import Phrase
from sparktray.domain.text import clean_line
from sparktray.store.shipped import ShippedFileMissing, shipped

if TYPE_CHECKING:
    from gettext import NullTranslations

ENGLISH, GERMAN = "en", "de"
_UNTRANSLATED = {"C", "POSIX"}


class Wording:
    """Renders phrases; immutable, any thread may use it.

    ``language`` is a code such as "de" or "de_AT", None for the environment's. What has no
    translation is English, in which the code is written.
    """

    def __init__(self, language: str | None = None) -> None:
        wanted = environment_language(os.environ) if language is None else language
        translation = _german() if _is_german(wanted) else None
        self.language = ENGLISH if translation is None else GERMAN
        self._gettext: Callable[[str], str] = _same
        self._ngettext: Callable[[str, str, int], str] = _one_or_many
        if translation is not None:
            self._gettext, self._ngettext = translation.gettext, translation.ngettext

    def __call__(self, phrase: Phrase) -> str:
        """The sentence. Text among the values is made fit to show; never raises."""
        values = {name: self._shown(value) for name, value in phrase.values.items()}
        original = phrase.msgid
        if phrase.plural is None or phrase.count is None:
            translated = self._gettext(phrase.msgid)
        else:
            original = _one_or_many(phrase.msgid, phrase.plural, phrase.count)
            translated = self._ngettext(phrase.msgid, phrase.plural, phrase.count)
        return _filled(translated, values) or _filled(original, values) or original

    def _shown(self, value: object) -> str:
        match value:
            case Phrase():
                return self(value)
            case float():
                return self._number(value)
            case str():
                return clean_line(value.replace("\n", " "))
            case list() | tuple():
                return ", ".join(self._shown(each) for each in value)
            case _:
                return str(value)

    def _number(self, value: float) -> str:
        """At most one decimal, two digits where that would show nothing."""
        text = f"{value:.1f}" if abs(value) >= 1 or value == 0 else f"{value:.2g}"
        text = text.removesuffix(".0")
        return text.replace(".", ",") if self.language == GERMAN else text


def environment_language(environment: Mapping[str, str]) -> str:
    """The language that the environment asks for, by GNU gettext's rules: LANGUAGE is a list that
    counts only beside a locale that is not C.
    """
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    locale = next((environment[name] for name in names if environment.get(name)), "")
    if locale in _UNTRANSLATED:
        return ENGLISH
    return next((part for part in environment.get("LANGUAGE", "").split(":") if part), locale)


def _is_german(language: str) -> bool:
    return language.replace("-", "_").partition("_")[0].partition(".")[0].lower() == GERMAN


def _german() -> NullTranslations | None:
    """The compiled translation, None when this installation has none or it is damaged."""
    import struct
    from gettext import GNUTranslations  # with its own imports 6 ms, which English does not need

    try:
        with shipped("resources/locale/de/LC_MESSAGES/sparktray.mo").open("rb") as compiled:
            return GNUTranslations(compiled)
    except (ShippedFileMissing, OSError, ValueError, LookupError, struct.error):
        return None


def _same(text: str) -> str:
    return text


def _one_or_many(one: str, many: str, count: int) -> str:
    return one if count == 1 else many


def _filled(text: str, values: Mapping[str, str]) -> str | None:
    """The sentence with its values, None when it names one that is not there."""
    try:
        return text.format_map(values)
    except (KeyError, IndexError, ValueError, AttributeError):
        return None
