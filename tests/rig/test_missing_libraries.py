"""A desktop without a library that Qt needs: it is named, with its package, and the command line goes on."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.rig.desktop import Desktop
from tests.rig.driving import CHECKOUT, STARTED, Program
from tests.waiting import scaled

# Hides one file of a folder: an overlay over it, in a mount namespace of its own, where the file is deleted.
_WITHOUT = """
folder=$1 name=$2 work=$3
shift 3
mount -t tmpfs tmpfs "$work"
mkdir "$work/upper" "$work/work"
mount -t overlay overlay -o "lowerdir=$folder,upperdir=$work/upper,workdir=$work/work" "$folder"
rm "$folder/$name"
exec "$@"
"""


def without(library: Path, work: Path, argv: Sequence[str], **environment: str) -> tuple[int, str, str]:
    """Run a program on a machine that lacks that library; exit code, stdout, stderr."""
    folder, name = str(library.parent), library.name
    command = ["unshare", "--mount", "sh", "-e", "-c", _WITHOUT, "sh", folder, name, str(work), *argv]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=scaled(30), env=environment
    )
    return done.returncode, done.stdout, done.stderr


def library_of_the_system(name: str) -> Path:
    said = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    found = next(line.rpartition(" => ")[2] for line in said.splitlines() if line.split()[:1] == [name])
    return Path(found).parent.resolve() / Path(found).name


@pytest.mark.parametrize(
    ("library", "package"),
    [
        ("libEGL.so.1", "libegl1"),
        ("libX11-xcb.so.1", "libx11-xcb1"),
        ("libfontconfig.so.1", "libfontconfig1"),
        # A frozen build brings this one along.
        *([("libxcb-cursor.so.0", "libxcb-cursor0")] if STARTED == CHECKOUT else []),
    ],
)
@pytest.mark.parametrize("language", ["en", "de"])
def test_a_missing_library_is_named_with_its_package(
    library: str, package: str, language: str, tmp_path: Path
) -> None:
    program, desktop = Program(tmp_path / "config"), Desktop()
    work = tmp_path / "work"
    work.mkdir()
    try:
        environment = {
            **program.environment,
            **desktop.environment,
            "LANGUAGE": language,
            "LC_ALL": "C.UTF-8",
        }
        if language == "de":
            environment |= {"LC_ALL": "", "LANG": "de_DE.UTF-8"}
        hidden = library_of_the_system(library)
        code, said, error = without(hidden, work, program.argv(), **environment)
        assert (code, said) == (1, "")
        assert len(error.splitlines()) == 2, error
        first, second = error.splitlines()
        assert library in first and ("missing" in first) == (language == "en")
        assert second.endswith(f"sudo apt install {package}")
        assert without(hidden, work, program.argv("host", "list"), **environment)[0] == 0, (
            "the command line does"
        )
    finally:
        desktop.close()
