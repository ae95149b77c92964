"""The frozen program: its size, how soon its icon is there, and a cold `status`.

Run by ``make bench`` inside the rig's namespaces, after ``make frozen``.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.figures import MISSING_PARTS, Figure, Measured, by_turns, missing, report
from benchmarks.refresh import PARTS
from benchmarks.status import COLD_TIMES, DISPLAY_PARTS, command
from benchmarks.tray import STARTS, started_empty, started_ours
from tests.rig.desktop import Desktop
from tests.rig.driving import Program
from tests.rig.rig import Rig

FOLDER = Path(__file__).resolve().parent.parent / "dist" / "sparktray"
MEGABYTES, ICON_MS = 130.0, 1000.0


def size() -> Measured:
    """All that lies in its folder, in MB."""
    return Measured("one folder", (sum(path.lstat().st_size for path in FOLDER.rglob("*")) / 1e6,), "MB")


def main() -> int:
    """Measure, print, judge."""
    program_file = FOLDER / "sparktray"
    if missing((*PARTS, *DISPLAY_PARTS, str(program_file))):
        return MISSING_PARTS
    rig, desktop = Rig(), Desktop()
    try:
        with tempfile.TemporaryDirectory() as folder:
            program = Program(Path(folder) / "config", [str(program_file)])
            program.add(rig)
            cold, docker_ps = by_turns(
                COLD_TIMES,
                {
                    "status, cold, no tray": command(program, "status"),
                    "ssh host docker ps": lambda: rig.ssh("docker ps"),
                },
            )
            pairs = [(started_ours(program, desktop), started_empty(desktop)) for _ in range(STARTS + 1)]
    finally:
        desktop.close()
        rig.close()
    # The first pair only warms the page cache up.
    ours, theirs = zip(*pairs[1:], strict=True)
    icon = Figure(
        Measured("start to registered icon", ours), Measured("an empty PySide6 tray", theirs), most=ICON_MS
    )
    return report("frozen", (Figure(size(), most=MEGABYTES), icon, Figure(cold, docker_ps)))


if __name__ == "__main__":
    raise SystemExit(main())
