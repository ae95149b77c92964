"""The packages that are built: what lies in them, and that the program finds it there."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from scripts.share_folder import share_files
from sparktray import __version__

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


def names(wheel: Path) -> set[str]:
    """The files of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


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
        if hasattr(tarfile, "data_filter"):  # Python 3.11.2 of Debian 12 has none
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(unpacked)  # noqa: S202 (we have just packed it)
    (source,) = unpacked.iterdir()
    return build("wheel", source, tmp_path_factory.mktemp("wheel"))


def modules(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in (root / "sparktray").rglob("*.py")}


def test_the_wheel_holds_every_module_and_every_shipped_file(wheel: Path) -> None:
    resources = {
        f"sparktray/{path.relative_to(ROOT).as_posix()}"
        for path in (ROOT / "resources").rglob("*")
        if path.is_file() and path.suffix != ".mo"
    }
    assert names(wheel) >= SHIPPED | resources | modules(ROOT)
    outside = {name.split("/")[0] for name in names(wheel)} - {"sparktray"}
    assert {name.rsplit(".", 1)[-1] for name in outside} == {"data", "dist-info"}
    shared = {name.partition(".data/data/share/")[2] for name in names(wheel)} - {""}
    assert shared == set(share_files())


def test_the_wheel_of_the_sdist_is_that_of_the_tree(wheel: Path, tmp_path: Path) -> None:
    assert names(wheel) == names(build("wheel", ROOT, tmp_path))


def test_it_installs_and_runs_in_a_home_with_blanks_and_umlauts(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "Jörg Groß's home"
    fresh = home / "neue Umgebung"
    home.mkdir()
    run(sys.executable, "-m", "venv", "--without-pip", str(fresh), cwd=home)
    run(
        sys.executable, "-m", "pip", "--python", str(fresh), "install", "--quiet", "--no-deps", "--no-index",
        str(wheel), cwd=home,
    )  # fmt: skip
    ask = "import sysconfig; print(sysconfig.get_path('purelib')); print(sysconfig.get_path('scripts'))"
    library, scripts = run(str(python_of(fresh)), "-I", "-c", ask, cwd=home).splitlines()
    # What it needs comes from this environment, after its own: no test fetches packages.
    (Path(library) / "needed.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    environment = {
        **os.environ,
        "HOME": str(home),
        "USERPROFILE": str(home),
        "LANGUAGE": "de",
        "LC_ALL": "C.UTF-8",
    }
    program = str(Path(scripts) / "sparktray")
    for words, said in ((["--version"], f"sparktray {__version__}"), (["--help"], "Exit-Codes: 0 erledigt")):
        done = subprocess.run([program, *words], env=environment, capture_output=True, check=True)
        assert said in done.stdout.decode()
    where = run(str(python_of(fresh)), "-c", "import sparktray; print(sparktray.__file__)", cwd=home)
    assert Path(where.strip()).is_relative_to(fresh)
    assert (fresh / "share" / "man" / "man1" / "sparktray.1").is_file()


def python_of(environment: Path) -> Path:
    folder = "Scripts" if sys.platform == "win32" else "bin"
    return environment / folder / "python"


def test_an_old_python_is_refused_by_pip(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith("dist-info/METADATA"))
        assert "Requires-Python: >=3.11\n" in archive.read(metadata).decode().replace("\r", "")


def test_the_sdist_holds_the_sources_and_nothing_built(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        inside = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert inside >= {"models.json", "resources/models.schema.json", "LICENSE", "requirements/dev.txt"}
    assert inside >= modules(ROOT)
    assert not [
        name for name in inside if name.endswith((".mo", ".pyc")) or name.startswith((".venv", "dist"))
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
        assert "sparktray = sparktray.__main__:process" in archive.read(entry).decode()
