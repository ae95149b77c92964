"""Where a command writes: into the folder of the tray that answers it, if one does."""

from __future__ import annotations

from sparktray.cli.request import Request
from sparktray.store.paths import ConfigFolder


def own_folder(request: Request) -> ConfigFolder:
    """The config folder of this command."""
    if request.live is not None:
        return request.live.folder
    return ConfigFolder.find(request.options.config)
