"""Where the files that come with the program lie: `models.json` and everything under `resources/`."""

from __future__ import annotations

import sys
from pathlib import Path


class ShippedFileMissing(FileNotFoundError):
    """A file of the program itself is not there: the installation is incomplete."""


def shipped(name: str) -> Path:
    """Return the path of a file or folder that ships with the program.

    `name` is relative and uses `/`, as in `models.json` or `resources/models.schema.json`. A wheel
    holds the files inside the package, a frozen build in the folder PyInstaller unpacks to, and a
    source checkout (also an editable install) at its top level. Raises `ShippedFileMissing` when the
    file is in none of the places that this installation has. Any thread may call it.
    """
    places = _places()
    for place in places:
        found = place / name
        if found.exists():
            return found
    searched = ", ".join(str(place) for place in places)
    raise ShippedFileMissing(
        f"{name} does not come with this installation of sparktray (looked in {searched}); "
        "install it again, or in a checkout run make setup"
    )


def _places() -> tuple[Path, ...]:
    """The folders to look in, the most specific first."""
    # PyInstaller sets it: https://pyinstaller.org/en/stable/runtime-information.html
    frozen: str | None = getattr(sys, "_MEIPASS", None)
    if frozen is not None:
        return (Path(frozen),)
    package = Path(__file__).resolve().parent.parent
    # The folder above the package is site-packages in a wheel; only a checkout has this file there.
    checkout = package.parent
    return (package, checkout) if (checkout / "pyproject.toml").is_file() else (package,)
