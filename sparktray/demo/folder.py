"""A config folder for the time of a visit: the demo is its only host, and at the end it is gone.

The visitor is signed in to the demo's Open WebUI, and no keyring learns of it (`ConfigFolder.passing`).
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Self

from msgspec.structs import replace

from sparktray.decide.webui.account import key_name
from sparktray.demo.inside.accounts import API_KEY
from sparktray.domain.host import DEMO_HOST
from sparktray.domain.secret import Secret
from sparktray.store.atomic import write_file
from sparktray.store.hosts import HostsFile
from sparktray.store.paths import PASSING, ConfigFolder
from sparktray.store.secrets import Secrets
from sparktray.store.settings import SettingsFile


class PassingFolder:
    """Made in the system's folder for such things; nothing of the person's own is read or written.

    ``language`` is the one to speak there, None for the environment's. Raises `StoreError` and OSError.
    """

    def __init__(self, language: str | None = None) -> None:
        self._made = tempfile.TemporaryDirectory(prefix="sparktray-demo-", ignore_cleanup_errors=True)
        self.folder = ConfigFolder(Path(self._made.name))
        write_file(self.folder.file(PASSING), b"")
        HostsFile(self.folder).add(DEMO_HOST)
        Secrets(self.folder).set_named(key_name(DEMO_HOST.name), Secret(API_KEY))
        if language is not None:
            SettingsFile(self.folder).change(lambda settings: replace(settings, language=language))

    def close(self) -> None:
        """Remove it."""
        self._made.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
