"""From a `Phrase` to a sentence in the person's language."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from sparktray.domain.phrase import Phrase
from sparktray.domain.text import clean_line
from sparktray.store.shipped import ShippedFileMissing, shipped

if TYPE_CHECKING:
    from gettext import NullTranslations

    from sparktray.store.paths import ConfigFolder

ENGLISH, GERMAN = "en", "de"
_UNTRANSLATED = {"C", "POSIX"}


class Speech(NamedTuple):
    """One language: its code, and gettext's two ways from an English sentence to one of it."""

    language: str
    one: Callable[[str], str]
    counted: Callable[[str, str, int], str]


class Wording:
    """Renders phrases. Any thread may use it, also while another changes the language.

    ``language`` is a code such as "de" or "de_AT", None for the environment's. What has no
    translation is English, in which the code is written. A ``speech`` given is spoken until ``speak``.
    """

    def __init__(self, language: str | None = None, speech: Speech | None = None) -> None:
        self._speech = _speech(language) if speech is None else speech

    @property
    def language(self) -> str:
        """The code of the language spoken now."""
        return self._speech.language

    def speak(self, language: str | None) -> None:
        """Render in that language from now on, None for the environment's.

        Reads the translation from disk: not for the main thread of a tray.
        """
        self._speech = _speech(language)

    def __call__(self, phrase: Phrase) -> str:
        """The sentence. Text among the values is made fit to show; never raises."""
        return _rendered(phrase, self._speech)


def wording_for(folder: ConfigFolder) -> Wording:
    """The wording in the language of that folder's settings. Reads the disk; never raises."""
    from sparktray.store.language import language_of  # brings msgspec, which the bare wording does not need

    return Wording(language_of(folder))


def environment_language(environment: Mapping[str, str]) -> str:
    """The language that the environment asks for, by GNU gettext's rules: LANGUAGE is a list that
    counts only beside a locale that is not C.
    """
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    locale = next((environment[name] for name in names if environment.get(name)), "")
    if locale in _UNTRANSLATED:
        return ENGLISH
    return next((part for part in environment.get("LANGUAGE", "").split(":") if part), locale)


def _speech(language: str | None) -> Speech:
    wanted = environment_language(os.environ) if language is None else language
    translation = _german() if _is_german(wanted) else None
    if translation is None:
        return Speech(ENGLISH, _same, _one_or_many)
    return Speech(GERMAN, translation.gettext, translation.ngettext)


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


def _rendered(phrase: Phrase, speech: Speech) -> str:
    values = {name: _shown(value, speech) for name, value in phrase.values.items()}
    original = phrase.msgid
    if not original:
        return ""  # for which gettext has the head of its catalogue
    if phrase.plural is None or phrase.count is None:
        translated = speech.one(phrase.msgid)
    else:
        original = _one_or_many(phrase.msgid, phrase.plural, phrase.count)
        translated = speech.counted(phrase.msgid, phrase.plural, phrase.count)
    return _filled(translated, values) or _filled(original, values) or original


def _shown(value: object, speech: Speech) -> str:
    match value:
        case Phrase():
            return _rendered(value, speech)
        case float():
            return _number(value, speech.language)
        case str():
            return clean_line(value.replace("\n", " "))
        case list() | tuple():
            return clean_line(", ".join(_shown(each, speech) for each in value))
        case _:
            return clean_line(str(value))


def _number(value: float, language: str) -> str:
    """At most one decimal, two digits where that would show nothing."""
    text = f"{value:.1f}" if abs(value) >= 1 or value == 0 else f"{value:.2g}"
    text = text.removesuffix(".0")
    return text.replace(".", ",") if language == GERMAN else text


def _filled(text: str, values: Mapping[str, str]) -> str | None:
    """The sentence with its values, None when it names one that is not there."""
    try:
        return text.format_map(values)
    except (KeyError, IndexError, ValueError, AttributeError):
        return None
