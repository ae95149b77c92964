"""What a frozen build really consists of: every distribution, Python, and libraries of the system."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

from packageurl import PackageURL

ROOT = Path(__file__).resolve().parents[2]
_TEXTS = ROOT / "packaging" / "licenses"
_LGPL = (_TEXTS / "LGPL-3.0.txt", _TEXTS / "GPL-3.0.txt")
# Wheels without the text of their licence; Qt's brings ICU along.
_MISSING_TEXTS = {"pyside6-essentials": (*_LGPL, _TEXTS / "ICU.txt"), "shiboken6": _LGPL}
_CLASSIFIERS = {
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: BSD License": "BSD-3-Clause",
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
}
_DEBIAN_DOC = Path("/usr/share/doc")


@dataclass(frozen=True, slots=True)
class Part:
    """One of them; ``license`` is an SPDX expression where its maker gives one, else words."""

    name: str
    version: str
    address: PackageURL
    license: str
    texts: tuple[Path, ...]

    @property
    def folder(self) -> str:
        """Its folder among the licences."""
        return f"{self.name}-{self.version}".replace("/", "_").replace(":", "_")


class Unexplained(Exception):
    """A file comes from nowhere that is known, or a part has no licence: the build must not be handed on."""


def parts_of(sources: Iterable[str]) -> tuple[Part, ...]:
    """The parts that the files at these paths belong to, by name. Raises `Unexplained`."""
    ours = (ROOT / "sparktray", ROOT / "resources", ROOT / "models.json", ROOT / "build")
    # PyInstaller's own start lies in every program that it makes.
    found = {part.name: part for part in (_python(), _of_distribution(distribution("pyinstaller")))}
    for source in {Path(source) for source in sources if Path(source).is_absolute()}:
        owner = _owners().get(source.resolve())
        if owner is not None:
            part = _of_distribution(owner)
        elif any(source.is_relative_to(place) for place in ours) or _of_python(source):
            continue
        elif (package := _debian_package(source)) is not None:
            part = _of_debian(package)
        else:
            raise Unexplained(f"{source} belongs to no package that is known")
        found[part.name] = part
    return tuple(found[name] for name in sorted(found))


def metadata_of(parts: Iterable[Part]) -> dict[str, Path]:
    """The METADATA of those that are distributions, by the place where importlib looks for it."""
    found: dict[str, Path] = {}
    for part in parts:
        if part.address.type == "pypi":
            files = distribution(part.name).files or ()
            named = [file for file in files if file.name == "METADATA" and len(file.parts) == 2]
            found |= {file.as_posix(): Path(str(file.locate())) for file in named}
    return found


@cache
def _owners() -> dict[Path, Distribution]:
    """Every installed file's distribution."""
    return {
        Path(str(file.locate())).resolve(): each
        for each in distributions()
        for file in each.files or ()
        if file.suffix != ".pth"
    }


def _of_distribution(found: Distribution) -> Part:
    name = found.name.lower().replace("_", "-").replace(".", "-")
    files = [file for file in found.files or () if ".dist-info" in file.parts[0]]
    texts = [file for file in files if file.name.upper().startswith(("LICEN", "COPYING", "NOTICE"))]
    paths = (*(Path(str(file.locate())) for file in texts), *_MISSING_TEXTS.get(name, ()))
    license_ = _license_of(found)
    if not license_ or not paths:
        raise Unexplained(f"{name} {found.version} says nothing of its licence")
    return Part(name, found.version, PackageURL("pypi", name=name, version=found.version), license_, paths)


def _license_of(found: Distribution) -> str:
    for field in ("License-Expression", "License"):
        given = found.metadata.get_all(field) or ()
        if given and "\n" not in given[0]:
            return str(given[0])
    names = (_CLASSIFIERS.get(each) for each in found.metadata.get_all("Classifier") or ())
    return next((name for name in names if name), "")


def _python() -> Part:
    version = ".".join(map(str, sys.version_info[:3]))
    address = PackageURL("generic", name="python", version=version)
    return Part("python", version, address, "PSF-2.0", (_TEXTS / "PSF-2.0.txt",))


def _of_python(source: Path) -> bool:
    """Whether it came with Python. The folder of a system's Python, /usr, holds all the rest too."""
    base = Path(sys.base_prefix)
    own = Path(sysconfig.get_path("stdlib")) if base == Path("/usr") else base
    return source.resolve().is_relative_to(own.resolve()) or source.name.startswith("libpython")


def _of_debian(package: str) -> Part:
    shown = ["dpkg-query", "--show", "--showformat", "${Version}\t${Architecture}", package]
    said = subprocess.run(shown, capture_output=True, text=True, check=True).stdout
    version, architecture = said.split("\t")
    name = package.partition(":")[0]
    address = PackageURL("deb", "debian", name, version, {"arch": architecture})
    return Part(name, version, address, f"see {name}'s copyright file", (_DEBIAN_DOC / name / "copyright",))


@cache
def _debian_package(library: Path) -> str | None:
    """The package that a library of the system is from; None for none, and on other systems."""
    if shutil.which("dpkg-query") is None:
        return None
    # dpkg knows some files by the place before /lib became a link to /usr/lib.
    real = library.resolve()
    for path in (
        real,
        library,
        Path("/") / real.relative_to("/usr") if real.is_relative_to("/usr") else real,
    ):
        said = subprocess.run(
            ["dpkg-query", "--search", str(path)], capture_output=True, text=True, check=False
        )
        if said.returncode == 0:
            return said.stdout.partition(": ")[0]
    return None
