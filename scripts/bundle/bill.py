"""The papers of a frozen build: its bill of materials (CycloneDX 1.6) and the licences of its parts."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion

from scripts.bundle.parts import ROOT, Part
from sparktray import __version__

SCHEMA = SchemaVersion.V1_6


def bill_of_materials(parts: Iterable[Part]) -> str:
    """The text of the bill: sparktray, and each part with version, address and licence."""
    licenses = LicenseFactory()
    program = Component(
        name="sparktray",
        version=__version__,
        type=ComponentType.APPLICATION,
        bom_ref="sparktray",
        licenses=[licenses.make_from_string("MIT")],
    )
    components = [
        Component(
            name=part.name,
            version=part.version,
            type=ComponentType.LIBRARY,
            bom_ref=str(part.address),
            purl=part.address,
            licenses=[licenses.make_from_string(part.license)],
        )
        for part in parts
    ]
    bill = Bom(components=components)
    bill.metadata.component = program
    bill.register_dependency(program, components)
    return make_outputter(bill, OutputFormat.JSON, SCHEMA).output_as_string(indent=2)


def write_licenses(parts: Iterable[Part], folder: Path) -> None:
    """Write README.txt, and a folder with the texts of each part's licence, into ``folder`` anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copyfile(ROOT / "LICENSE", folder / "sparktray.txt")
    lines = [(ROOT / "packaging" / "licenses" / "README.txt").read_text(encoding="utf-8").rstrip("\n"), ""]
    for part in parts:
        target = folder / part.folder
        target.mkdir()
        for text in part.texts:
            shutil.copyfile(text, target / text.name)
        lines.append(f"{part.name} {part.version}: {part.license}")
    (folder / "README.txt").write_text("\n".join([*lines, ""]), encoding="utf-8")
