"""The program: `sparktray`, `python -m sparktray`, and the frozen build's start."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from sparktray import __version__


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; without ``argv`` the process's own."""
    words = list(sys.argv[1:] if argv is None else argv)
    options = words[: words.index("--")] if "--" in words else words
    if "--version" in options:
        # Before any other import: scripts ask for it often, and it must work in a broken installation.
        sys.stdout.write(f"sparktray {__version__}\n")
        return 0
    from sparktray.cli.main import run

    return run(words)


if __name__ == "__main__":
    sys.exit(main())
