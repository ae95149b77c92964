"""The language of the settings alone: every command asks for it, and most ask for nothing else of them."""

from __future__ import annotations

import msgspec

from sparktray.store.paths import ConfigFolder

LANGUAGES = ("en", "de")
SETTINGS, LAST_SETTINGS = "settings.json", "settings.last.json"
BOM = b"\xef\xbb\xbf"  # Notepad writes it


def language_of(folder: ConfigFolder) -> str | None:
    """One of ``LANGUAGES``, None for the environment's. Only reads; never raises. Any thread.

    Where the file is no JSON the last good one counts; the tray is what repairs it and says so. Without
    `store.settings`, which takes 3 ms to import where this takes 0.3 ms in all.
    """
    for name in (SETTINGS, LAST_SETTINGS):
        try:
            settings = msgspec.json.decode(folder.file(name).read_bytes().removeprefix(BOM))
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError, ValueError, RecursionError):
            continue
        if isinstance(settings, dict):
            language = settings.get("language")
            return language if language in LANGUAGES else None
    return None
