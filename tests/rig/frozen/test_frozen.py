"""The frozen program, dist/sparktray: what lies in it, and what only a frozen program can get wrong.

`make test-frozen` runs it, and with it the tray's story, `doctor` and others of tests/rig against it.
"""

from __future__ import annotations

import compileall
import json
import os
import shutil
import statistics
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from PyInstaller.archive.readers import CArchiveReader

from benchmarks.tray import started_ours
from sparktray import __version__
from tests.rig.desktop import Desktop
from tests.rig.driving import CHECKOUT, Program
from tests.rig.rig import Rig
from tests.rig.tray_program import tray

FOLDER = Path(__file__).resolve().parents[3] / "dist" / "sparktray"
BYTES = 130e6
ICON_SECONDS = 1.0
STARTS = 5
LICENSES = FOLDER / "_internal" / "licenses"


@pytest.fixture
def desktop() -> Desktop:
    return Desktop()


def frozen(config: Path, folder: Path = FOLDER) -> Program:
    return Program(config, [str(folder / "sparktray")])


def bundled() -> set[str]:
    """The distributions whose modules lie in the program or beside it, as their wheels are named."""
    archive = CArchiveReader(str(FOLDER / "sparktray")).open_embedded_archive("PYZ.pyz")
    modules = {name.partition(".")[0] for name in archive.toc}
    beside = {path.name.partition(".")[0] for path in (FOLDER / "_internal").iterdir()}
    known = packages_distributions()
    owners = {owner for name in modules | beside for owner in known.get(name, ())}
    return {owner.lower().replace("_", "-").replace(".", "-") for owner in owners} - {"sparktray"}


def test_it_is_small_enough() -> None:
    size = sum(path.lstat().st_size for path in FOLDER.rglob("*"))
    print(f"\nthe frozen folder: {size / 1e6:.1f} MB of {BYTES / 1e6:.0f}")
    assert size <= BYTES


def test_nothing_in_it_leads_nowhere() -> None:
    assert [path for path in FOLDER.rglob("*") if not path.exists()] == []


def test_its_version_and_languages(tmp_path: Path) -> None:
    program = frozen(tmp_path)
    assert program.ok("--version") == f"sparktray {__version__}\n"
    german = program.run("--help", environment={"LC_ALL": "", "LANG": "de_DE.UTF-8", "LANGUAGE": "de"})
    assert "Exit-Codes: 0 erledigt" in german.stdout
    assert {path.name for path in FOLDER.rglob("*.qm")} == {"qtbase_de.qm"}


def test_its_bill_names_every_part_with_its_version_and_licence() -> None:
    text = (FOLDER.parent / "sparktray.cdx.json").read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    assert bill["metadata"]["component"]["version"] == __version__
    parts = {part["name"]: part for part in bill["components"]}
    found = bundled()
    assert found >= {
        "paramiko",
        "cryptography",
        "httpx",
        "keyring",
        "msgspec",
        "pyside6-essentials",
        "shiboken6",
    }
    assert found <= parts.keys()
    assert {"python", "pyinstaller", "libxcb-cursor0"} <= parts.keys()
    assert all(part["version"] and part["licenses"] and part["purl"] for part in parts.values())
    assert {name: parts[name]["version"] for name in found} == {name: version(name) for name in found}


def test_every_part_has_the_text_of_its_licence() -> None:
    bill = json.loads((FOLDER.parent / "sparktray.cdx.json").read_text(encoding="utf-8"))
    listed = (LICENSES / "README.txt").read_text(encoding="utf-8")
    for part in bill["components"]:
        assert f"\n{part['name']} {part['version']}: " in listed
        (folder,) = LICENSES.glob(f"{part['name']}-{part['version'].replace(':', '_')}")
        assert sum(text.stat().st_size for text in folder.iterdir()) > 500, folder
    for name in ("pyside6-essentials", "shiboken6"):
        (text,) = LICENSES.glob(f"{name}-*/LGPL-3.0.txt")
        assert "GNU LESSER GENERAL PUBLIC LICENSE" in text.read_text(encoding="utf-8")
    assert "replace them by versions of your own" in listed
    assert "MIT License" in (LICENSES / "sparktray.txt").read_text(encoding="utf-8")


def test_the_first_icon_comes_within_a_second(rig: Rig, desktop: Desktop, tmp_path: Path) -> None:
    """Warm; starts of both programs alternate, so that what else the machine does strikes both."""
    compileall.compile_dir("sparktray", quiet=1)  # as pip does when it installs
    ours, plain = frozen(tmp_path / "frozen"), Program(tmp_path / "plain", CHECKOUT)
    try:
        for program in (ours, plain):
            program.add(rig)
        pairs = [(started_ours(ours, desktop), started_ours(plain, desktop)) for _ in range(STARTS + 1)]
    finally:
        desktop.close()
    # The first pair only warms the page cache up.
    warm, unfrozen = (statistics.median(each) for each in zip(*pairs[1:], strict=True))
    print(f"\nfirst icon: frozen {warm:.0f} ms, not frozen {unfrozen:.0f} ms, ratio {warm / unfrozen:.2f}")
    assert warm <= ICON_SECONDS * 1000


def test_it_runs_from_and_in_folders_with_blanks_and_umlauts(desktop: Desktop, tmp_path: Path) -> None:
    home = tmp_path / "Jörg Groß's home"
    shutil.copytree(FOLDER, home / "Meine Programme" / "sparktray", symlinks=True, copy_function=os.link)
    program = frozen(home / "Mein Ordner", home / "Meine Programme" / "sparktray")
    try:
        with desktop.watcher() as watcher, tray(program, desktop, HOME=str(home)):
            item = desktop.item(watcher)
            assert item.read("Id") == "sparktray"
            assert program.json("host", "list") is not None
    finally:
        desktop.close()


def test_the_files_for_the_system_are_there() -> None:
    share = FOLDER / "share"
    places = {path.relative_to(share).as_posix() for path in share.rglob("*") if path.is_file()}
    assert {"man/man1/sparktray.1", "applications/org.sparktray.sparktray.desktop"} <= places
