"""Write requirements/runtime.in from the dependencies in pyproject.toml (part of `make lock`)."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIRST_LINE = "# Made by `make lock` from the dependencies in pyproject.toml; edit them there."


def runtime_requirements(root: Path = ROOT) -> str:
    """The text of requirements/runtime.in."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return "\n".join([FIRST_LINE, *project["dependencies"], ""])


def main() -> int:
    """Rewrite the file."""
    (ROOT / "requirements" / "runtime.in").write_text(runtime_requirements(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
