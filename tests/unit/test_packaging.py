"""The packages that are built: what lies in them, and that the program finds it there."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = {
    "sparktray/models.json",
    "sparktray/resources/models.schema.json",
    "sparktray/resources/locale/de/LC_MESSAGES/sparktray.mo",
}
ASK = """
import gettext
from sparktray.store.shipped import shipped
for name in ("models.json", "resources/models.schema.json"):
    print(shipped(name))
gettext.translation("sparktray", shipped("resources/locale"), ["de"])
"""


def run(*argv: str, cwd: Path) -> str:
    ended = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def build(kind: str, source: Path, into: Path) -> Path:
    """Build a `wheel` or an `sdist` and return its file."""
    run(sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", str(into), cwd=source)
    (built,) = into.iterdir()
    return built


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the unpacked sdist, which proves that the sdist holds all a wheel needs."""
    unpacked = tmp_path_factory.mktemp("source")
    with tarfile.open(sdist) as archive:
        archive.extractall(unpacked, filter="data")
    (source,) = unpacked.iterdir()
    return build("wheel", source, tmp_path_factory.mktemp("wheel"))


def modules(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in (root / "sparktray").rglob("*.py")}


def test_the_wheel_holds_every_module_and_every_shipped_file(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    resources = {
        f"sparktray/{path.relative_to(ROOT).as_posix()}"
        for path in (ROOT / "resources").rglob("*")
        if path.is_file() and path.suffix != ".mo"
    }
    assert names >= SHIPPED | resources | modules(ROOT)
    outside = {name.split("/")[0] for name in names} - {"sparktray"}
    assert {name.rsplit(".", 1)[-1] for name in outside} == {"dist-info"}


def test_the_sdist_holds_the_sources_and_nothing_built(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert names >= {"models.json", "resources/models.schema.json", "LICENSE", "requirements/dev.txt"}
    assert names >= modules(ROOT)
    assert not [
        name for name in names if name.endswith((".mo", ".pyc")) or name.startswith((".venv", "dist"))
    ]


def test_the_installed_program_finds_what_was_shipped(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    run(
        sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target),
        str(wheel), cwd=tmp_path,
    )  # fmt: skip
    ask = f"import sys; sys.path.insert(0, {str(target)!r})\n{ASK}"
    said = run(sys.executable, "-I", "-c", ask, cwd=tmp_path).split("\n")
    assert said[:2] == [
        str(target / "sparktray" / "models.json"),
        str(target / "sparktray" / "resources" / "models.schema.json"),
    ]


def test_the_wheel_starts_by_its_entry_point(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (entry,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
        assert "sparktray = sparktray.__main__:main" in archive.read(entry).decode()
