"""The tray and its windows: the only package that imports Qt."""

from __future__ import annotations

import builtins

import PySide6.QtCore  # noqa: F401 (what it replaces in builtins is put back below)

# PySide puts its own `__import__` in the place of Python's, for `from __feature__ import snake_case`. From
# then on it reads the source of each module that is imported, to look for "PySide6" in it, and that source
# stays in linecache: of 400 modules here, for 45 ms of the start and 9 to 30 MB (PySide6 6.11,
# shibokensupport/feature.py). Features are not used here.
builtins.__import__ = getattr(builtins, "__orig_import__", builtins.__import__)
