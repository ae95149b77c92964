"""The images the catalogue names, holding stand-ins: made from the base archive, kept in the data root."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.rig.base_image import archive, recipe_hash
from tests.rig.engine import CLIENT, SOCKET, Engine, ask

STANDINS = Path(__file__).with_name("standins")
BASE = f"sparktray-rig/base:{recipe_hash()}"
LABEL = "org.sparktray.rig.sources"

SGLANG = "lmsysorg/sglang:spark"
VLLM = "nvcr.io/nvidia/vllm:26.05-py3"
OLLAMA = "ollama/ollama:latest"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one image is made: extra files (path in the image -> text), and lines of its Dockerfile."""

    tag: str
    files: dict[str, str]
    lines: tuple[str, ...]


_RUN_SGLANG = "from standins.sglang_server import main\n\nmain()\n"
_RUN_VLLM = "#!/usr/bin/python3\nfrom standins.vllm_server import main\n\nmain()\n"
_RUN_OLLAMA = "#!/usr/bin/python3\nfrom standins.ollama_server import main\n\nmain()\n"

RECIPES = (
    Recipe(
        SGLANG,
        {"opt/sglang/__init__.py": "", "opt/sglang/launch_server.py": _RUN_SGLANG},
        ("WORKDIR /sgl-workspace", 'CMD ["/bin/bash"]'),
    ),
    # NVIDIA's image has no `vllm serve` entry point: the command names it.
    Recipe(VLLM, {"usr/local/bin/vllm": _RUN_VLLM}, ("WORKDIR /workspace", 'CMD ["/bin/bash"]')),
    Recipe(
        OLLAMA,
        {"usr/bin/ollama": _RUN_OLLAMA},
        ("ENV OLLAMA_HOST=0.0.0.0", "EXPOSE 11434", 'ENTRYPOINT ["/bin/ollama"]', 'CMD ["serve"]'),
    ),
)


def _sources_hash() -> str:
    digest = hashlib.sha256(recipe_hash().encode())
    for source in sorted(STANDINS.glob("*.py")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    digest.update(repr(RECIPES).encode())
    return digest.hexdigest()[:16]


def label_of(image: str) -> str | None:
    """What LABEL of an image says; empty without one, None without the image."""
    try:
        labels = ask("GET", f"/images/{image}/json")["Config"]["Labels"] or {}
    except RuntimeError:
        return None
    return str(labels.get(LABEL, ""))


def _build(recipe: Recipe, sources: str, context: Path) -> None:
    root = context / "root"
    packages = root / "opt" / "standins"
    packages.mkdir(parents=True)
    for source in STANDINS.glob("*.py"):
        shutil.copy(source, packages)
    for path, text in recipe.files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        target.chmod(0o755)
    lines = (f"FROM {BASE}", "COPY root/ /", "ENV PYTHONPATH=/opt PYTHONUNBUFFERED=1", *recipe.lines)
    (context / "Dockerfile").write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = [CLIENT, "-H", f"unix://{SOCKET}", "build", "--quiet", "--label", f"{LABEL}={sources}"]
    command += ["--tag", recipe.tag, str(context)]
    # The classic builder needs no plug-in and no network.
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "DOCKER_BUILDKIT": "0"})


def ensure(engine: Engine) -> None:
    """Make what is missing or older than its sources: 3 s with a fresh data root, 2 s after an edit."""
    sources = _sources_hash()
    if label_of(BASE) is None:
        engine.docker("import", str(archive()), BASE)
    changed = False
    for recipe in RECIPES:
        if label_of(recipe.tag) != sources:
            with tempfile.TemporaryDirectory(prefix="sparktray-image-") as context:
                _build(recipe, sources, Path(context))
            changed = True
    if changed:
        engine.docker("image", "prune", "--force")
