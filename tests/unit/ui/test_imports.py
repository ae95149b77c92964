from __future__ import annotations

import subprocess
import sys


def test_no_module_s_source_is_read_for_being_imported() -> None:
    program = (
        "import sparktray.ui.app, sparktray.cli.commands.status, linecache, pathlib;"
        "ours = str(pathlib.Path(sparktray.__file__).parent);"
        "print(*(name for name in linecache.cache if name.startswith(ours)))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr, done.stdout.strip()) == (0, "", "")
