"""The files below a system's `share` folder: manual page, completions, desktop entry, AppStream data, icon.

Usage: `python -m scripts.share_folder FOLDER`. The wheel carries them as its data (packaging/hatch_build.py),
the frozen build for Linux in its folder `share`.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import shtab

from scripts.man_page import man_page
from sparktray.cli.arguments import grammar
from sparktray.wording import ENGLISH, Wording

ROOT = Path(__file__).resolve().parent.parent
IDENTITY = "org.sparktray.sparktray"
# Where each shell looks for a program's completions below share.
COMPLETIONS = {
    "bash": "bash-completion/completions/sparktray",
    "zsh": "zsh/site-functions/_sparktray",
    "fish": "fish/vendor_completions.d/sparktray.fish",
}
_PATHS = {"config": shtab.DIRECTORY, "key": shtab.FILE}


def share_files() -> dict[str, str]:
    """The text of every file by its place below `share`."""
    linux = ROOT / "packaging" / "linux"
    found = {
        "man/man1/sparktray.1": man_page(),
        f"applications/{IDENTITY}.desktop": (linux / f"{IDENTITY}.desktop").read_text(encoding="utf-8"),
        f"metainfo/{IDENTITY}.metainfo.xml": (linux / f"{IDENTITY}.metainfo.xml").read_text(encoding="utf-8"),
        f"icons/hicolor/scalable/apps/{IDENTITY}.svg": application_svg(),
    }
    parser = _with_paths(grammar(Wording(ENGLISH)))
    return found | {place: shtab.complete(parser, shell) for shell, place in COMPLETIONS.items()}


def application_svg() -> str:
    """The application's cell of the icon's source as a picture of its own."""
    source = (ROOT / "resources" / "icon" / "icon.svg").read_text(encoding="utf-8")
    found = re.search(
        r'<g transform="translate\((\d+) 0\)"><g id="application">.*?</g></g>', source, re.DOTALL
    )
    if found is None:
        raise ValueError("icon.svg has no application in a cell of its own")
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256" viewBox="{found[1]} 0 16 16">'
    return f"{head}\n  {found[0]}\n</svg>\n"


def _with_paths(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Say which values are files, which the grammar does not know in the way of completions."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                _with_paths(below)
        elif action.dest in _PATHS:
            action.complete = _PATHS[action.dest]  # type: ignore[attr-defined]  # shtab's own attribute
    return parser


def write_share(folder: Path) -> dict[str, Path]:
    """Write them below ``folder``; the path of each by its place below `share`."""
    written = {}
    for place, text in share_files().items():
        path = written[place] = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    return written


if __name__ == "__main__":
    write_share(Path(sys.argv[1]))
