"""What holds for the repository as a whole: its layout, its locks, its documents."""

import re
import subprocess
from pathlib import Path

import pytest

from scripts.runtime_requirements import runtime_requirements

ROOT = Path(__file__).resolve().parents[2]
LAYOUT = (
    "sparktray", "resources", "models.json", "tests", "packaging", "packaging/pyinstaller.spec",
    "pyproject.toml", "README.md", "ARCHITECTURE.md", "CHANGELOG.md", "LICENSE", "Makefile", ".ci/run",
    ".pre-commit-config.yaml", "docs/adr", "docs/platforms.md",
)  # fmt: skip
LOCKS = ("requirements/dev.txt", "requirements/runtime.txt")
# Put together here, so that this file does not hold what it forbids.
REGISTRY = re.compile(
    "|".join(["--" + "index-url", "--extra-" + "index-url", "--" + "find-links", r"pypi\." + "org"])
)


def committed() -> list[Path]:
    """Every text file that is in the repository or would be added by `git add`."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    ).stdout  # fmt: skip
    paths = [ROOT / name for name in listed.decode().split("\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:1024]]


def holding(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in committed()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]


def locked(name: str) -> dict[str, list[str]]:
    """Package pin -> its hashes."""
    pins: dict[str, list[str]] = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if found := re.match(r"    --hash=sha256:([0-9a-f]{64})", line):
            pins[list(pins)[-1]].append(found[1])
        elif line and not line.lstrip().startswith("#"):
            pins[line.removesuffix(" \\")] = []
    return pins


@pytest.mark.parametrize("name", LAYOUT)
def test_the_top_level_has(name: str) -> None:
    assert (ROOT / name).exists()


def test_no_file_names_a_registry() -> None:
    assert holding(REGISTRY) == []


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    # One folder deep (`/src`) would also match what is no path of this machine.
    places = [str(place) for place in (ROOT, Path.home()) if len(place.parts) > 2]
    assert (
        not places
        or holding(re.compile("|".join(rf"(?<![\w.]){re.escape(place)}\b" for place in places))) == []
    )


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_every_package_with_hashes(name: str) -> None:
    pins = locked(name)
    assert len(pins) > 10
    for pin, hashes in pins.items():
        assert re.match(r"[a-z0-9-]+(\[[a-z,-]+\])?==[\w.]+( ; .+)?$", pin), pin
        assert hashes, pin


def test_both_locks_agree() -> None:
    # Markers may differ: a tool can need a package where the program does not.
    everything = {pin.split(" ; ")[0]: hashes for pin, hashes in locked("requirements/dev.txt").items()}
    for pin, hashes in locked("requirements/runtime.txt").items():
        assert everything.get(pin.split(" ; ")[0]) == hashes, pin


def test_the_locked_dependencies_are_those_of_the_project() -> None:
    assert (ROOT / "requirements/runtime.in").read_text(encoding="utf-8") == runtime_requirements()


def test_every_decision_is_listed() -> None:
    index = (ROOT / "docs/adr/README.md").read_text(encoding="utf-8")
    records = sorted(path.name for path in (ROOT / "docs/adr").glob("[0-9]*.md"))
    assert records
    assert [name for name in records if f"]({name})" not in index] == []


def test_links_between_documents_lead_somewhere() -> None:
    dead = []
    for path in committed():
        if path.suffix == ".md":
            for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text(encoding="utf-8")):
                if (
                    "://" not in target
                    and not target.startswith("mailto:")
                    and not (path.parent / target).exists()
                ):
                    dead.append(f"{path.relative_to(ROOT)}: {target}")
    assert dead == []
