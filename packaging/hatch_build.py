"""The build hook of the wheel: compiles the translations and adds what lies outside the package.

That is `resources/` and `models.json` inside the package, and below the environment's `share` the manual
page, completions and desktop entry, which scripts/share_folder.py makes.

Also a program of its own, `python packaging/hatch_build.py`, which compiles the translations of a
checkout in place (`make translations`).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SHIPPED = ("resources", "models.json")


def compile_translations(root: Path) -> list[Path]:
    """Write a `.mo` beside every `.po` under `root`/resources/locale; return what was written.

    A `.po` file that Babel finds a fault in raises `babel.messages.pofile.PoFileError`.
    """
    written = []
    for source in sorted((root / "resources" / "locale").glob("*/LC_MESSAGES/*.po")):
        with source.open("rb") as text:
            catalog = read_po(text, locale=source.parts[-3], abort_invalid=True)
        compiled = source.with_suffix(".mo")
        with compiled.open("wb") as binary:
            # Fuzzy entries are guesses of the merge and would be shown as if somebody had written them.
            write_mo(binary, catalog, use_fuzzy=False)
        written.append(compiled)
    return written


class ShippedFiles(BuildHookInterface[Any]):
    """Adds what lies outside the package to the wheel; an editable install reads it where it lies."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before a build; `version` is `standard` or `editable`."""
        root = Path(self.root)
        compile_translations(root)
        if version == "standard":
            for name in SHIPPED:
                build_data["force_include"][str(root / name)] = f"sparktray/{name}"
            sys.path.insert(0, str(root))
            from scripts.share_folder import write_share

            for place, path in write_share(root / "build" / "share").items():
                build_data["shared_data"][str(path)] = f"share/{place}"


if __name__ == "__main__":
    if not compile_translations(Path(__file__).resolve().parent.parent):
        sys.exit("no translations found under resources/locale")
