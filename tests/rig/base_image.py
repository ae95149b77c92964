"""The file system the stand-in images stand on: Debian with Python, made once and kept in the cache folder.

Standard library only: `enter` imports it before it leaves the machine's network, which only this needs.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

SUITE = "bookworm"
# python3 and not python3-minimal: the latter has no http.server.
RECIPE = ("--variant=minbase", "--include=python3")
# Documentation and package lists are a third of the size, and every container's start would carry them.
UNNEEDED = ("usr/share/doc", "usr/share/locale", "usr/share/man", "var/cache/apt", "var/lib/apt/lists")


def cache_folder() -> Path:
    """The folder kept between runs: the base archive, and a Docker data root for each rig at work."""
    chosen = os.environ.get("SPARKTRAY_RIG_CACHE")
    folder = Path(chosen) if chosen else Path.home() / ".cache" / "sparktray-rig"
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def recipe_hash() -> str:
    """A short name for the recipe: another recipe is another archive."""
    words = "\0".join((SUITE, *RECIPE, *UNNEEDED))
    return hashlib.sha256(words.encode()).hexdigest()[:12]


def archive() -> Path:
    """Where the base archive is, or will be."""
    return cache_folder() / f"base-{recipe_hash()}.tar"


def _mirror() -> list[str]:
    """Another mirror than debootstrap's own default, where a machine has one nearer."""
    chosen = os.environ.get("SPARKTRAY_RIG_MIRROR")
    return [chosen] if chosen else []


def _build(target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="building-") as scratch:
        root = Path(scratch) / "root"
        log = Path(scratch) / "log"
        with log.open("wb") as output:
            command = ["debootstrap", *RECIPE, SUITE, str(root), *_mirror()]
            done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            last = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
            raise SystemExit(f"The rig's base image could not be made by debootstrap:\n{last}")
        for folder in UNNEEDED:
            shutil.rmtree(root / folder, ignore_errors=True)
        unfinished = Path(scratch) / "base.tar"
        subprocess.run(["tar", "-C", str(root), "-cf", str(unfinished), "."], check=True)
        unfinished.rename(target)


def ensure() -> Path:
    """Make the base archive unless it is there (about 40 s); two callers at once build it once."""
    target = archive()
    if target.exists():
        return target
    if shutil.which("debootstrap") is None:
        raise SystemExit("The rig needs debootstrap: run `make system`, or: apt-get install debootstrap")
    with (target.parent / "base.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            _build(target)
    return target
