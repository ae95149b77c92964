"""Which `models.json` counts."""

from __future__ import annotations

from sparktray.domain.catalogue import Catalogue
from sparktray.domain.catalogue_file.reading import read_catalogue
from sparktray.store.atomic import read_file
from sparktray.store.paths import ConfigFolder
from sparktray.store.shipped import shipped

NAME = "models.json"


def load_catalogue(folder: ConfigFolder) -> Catalogue:
    """The person's own catalogue when the config folder holds one, else the one that was shipped.

    Raises `CatalogueError` for the first thing wrong in it, `StoreError` when it cannot be read.
    """
    own = folder.file(NAME)
    text = read_file(own)
    if text is not None:
        return read_catalogue(text, str(own))
    came_with_it = shipped(NAME)
    return read_catalogue(came_with_it.read_bytes(), str(came_with_it))
