"""The file system of the rig's Open WebUI image: the real program on the rig's Debian, made once and kept.

Standard library only: `enter --webui` makes it before it leaves the machine's network, which only this needs.
The program and what it needs come from PyPI, pinned by requirements/webui.txt; files lie where they lie in
ghcr.io/open-webui/open-webui. uv is the one of the project's environment.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import platform
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LOCK = ROOT / "requirements" / "webui.txt"
START = Path(__file__).with_name("start.sh")
PACKAGES = "usr/local/lib/python3.11/dist-packages"
# Debian bookworm's: a newer machine must not choose files for its own, newer C library.
C_LIBRARY = "manylinux_2_36"
# The image carries downloaded models, and Docker copies them into a new volume. A few bytes do for a test;
# the links are as the Hugging Face cache lays them.
MODEL = "cache/embedding/models/models--sentence-transformers--all-MiniLM-L6-v2"
DOWNLOADED = {
    f"{MODEL}/blobs/53aa5117": b"weights of an embedding model" * 1000,
    "cache/whisper/models/models--Systran--faster-whisper-base/blobs/4b24c2f1": b"weights for speech" * 1000,
    "cache/tiktoken/9b5ad71b2ce5302211f9c61530b329a4922fc6a4": b"aWE= 0\n" * 1000,
}
LINKS = {f"{MODEL}/snapshots/c9745ed1/model.safetensors": "../../blobs/53aa5117"}


def recipe_hash(base: Path) -> str:
    """A short name for the recipe: another recipe, or another base, is another archive."""
    digest = hashlib.sha256(base.name.encode())
    for source in (LOCK, START, Path(__file__)):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:12]


def archive(base: Path) -> Path:
    """Where the archive made from BASE is, or will be."""
    return base.parent / f"webui-{recipe_hash(base)}.tar"


def version() -> str:
    """The pinned version of Open WebUI."""
    lines = (ROOT / "requirements" / "webui.in").read_text(encoding="utf-8").splitlines()
    return next(line.partition("==")[2] for line in lines if line.startswith("open-webui=="))


def ensure(base: Path) -> Path:
    """Make the archive unless it is there (about two minutes); two callers at once build it once.

    Archives of older recipes are removed.
    """
    target = archive(base)
    if target.exists():
        return target
    with (target.parent / "webui.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            print("The rig's Open WebUI is being made from PyPI …", flush=True)
            began = time.monotonic()
            _build(base, target)
            for older in set(target.parent.glob("webui-*.tar")) - {target}:
                older.unlink()
            took, size = time.monotonic() - began, target.stat().st_size
            print(f"… made in {took:.0f} s, {size / 1e9:.1f} GB: {target}", flush=True)
    return target


def _build(base: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="building-") as scratch:
        root = Path(scratch) / "root"
        root.mkdir()
        _run("tar", "-C", str(root), "-xf", str(base))
        _install(root)
        _arrange(root)
        # Modules are compiled here: each container's first start would do it again. The few that are for
        # Python 2 cannot be, and are never loaded.
        compiling = ["python3", "-m", "compileall", "-qq", f"/{PACKAGES}", "/app/backend"]
        subprocess.run(["chroot", str(root), *compiling], check=False)
        unfinished = Path(scratch) / "webui.tar"
        _run("tar", "-C", str(root), "-cf", str(unfinished), ".")
        unfinished.rename(target)


def _install(root: Path) -> None:
    uv = ROOT / ".venv" / "bin" / "uv"
    if not uv.exists():
        raise SystemExit("The rig's Open WebUI is installed by the project's own uv: run `make setup`")
    command = [str(uv), "pip", "install", "--quiet", "--no-config", "--no-cache", "--no-deps"]
    command += ["--require-hashes", "--requirements", str(LOCK), "--target", str(root / PACKAGES)]
    command += ["--python-version", "3.11", "--python-platform", f"{platform.machine()}-{C_LIBRARY}"]
    _run(*command)


def _arrange(root: Path) -> None:
    """Move program and pages to where the real image has them."""
    backend = root / "app" / "backend"
    backend.mkdir(parents=True)
    shutil.move(root / PACKAGES / "open_webui", backend / "open_webui")
    shutil.move(backend / "open_webui" / "frontend", root / "app" / "build")
    (root / "app" / "package.json").write_text(json.dumps({"version": version()}), encoding="utf-8")
    shutil.copy(START, backend / "start.sh")
    (root / "usr" / "local" / "bin" / "python").symlink_to("/usr/bin/python3")
    for name, content in DOWNLOADED.items():
        file = backend / "data" / name
        file.parent.mkdir(parents=True)
        file.write_bytes(content)
    for name, destination in LINKS.items():
        link = backend / "data" / name
        link.parent.mkdir(parents=True)
        link.symlink_to(destination)


def _run(*command: str) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        last = "\n".join(done.stdout.decode(errors="replace").splitlines()[-10:])
        raise SystemExit(
            f"The rig's Open WebUI could not be made: {command[0]} ended {done.returncode}\n{last}"
        )
