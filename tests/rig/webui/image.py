"""Open WebUI's image, under the name the real one has, in the rig's Docker."""

from __future__ import annotations

import time
from pathlib import Path

from tests.rig import base_image
from tests.rig.engine import Engine
from tests.rig.images import LABEL, label_of
from tests.rig.webui import image_archive

IMAGE = "ghcr.io/open-webui/open-webui:main"
FOLDER = "/app/backend/data"
PORT = 8080
# Of the bridge of the rig's Docker: a container reaches what other containers publish by it.
GATEWAY = "172.17.0.1"
EMBEDDING_MODEL = "bge-m3"

# As in the real image.
_ITS_OWN = {
    "ENV": "prod",
    "PORT": str(PORT),
    "DOCKER": "true",
    "USE_OLLAMA_DOCKER": "false",
    "USE_CUDA_DOCKER": "false",
    "OLLAMA_BASE_URL": "/ollama",
    "OPENAI_API_BASE_URL": "",
    "OPENAI_API_KEY": "",
    "WEBUI_SECRET_KEY": "",
    "SCARF_NO_ANALYTICS": "true",
    "DO_NOT_TRACK": "true",
    "ANONYMIZED_TELEMETRY": "false",
    "SENTENCE_TRANSFORMERS_HOME": f"{FOLDER}/cache/embedding/models",
    "HF_HOME": f"{FOLDER}/cache/embedding/models",
    "TIKTOKEN_CACHE_DIR": f"{FOLDER}/cache/tiktoken",
    "HOME": "/root",
}
# So that the documented command works without any network: Ollama's stand-in makes the embeddings.
_OFFLINE = {
    "OFFLINE_MODE": "true",
    "HF_HUB_OFFLINE": "1",
    "ENABLE_VERSION_UPDATE_CHECK": "false",
    "RAG_EMBEDDING_ENGINE": "ollama",
    "RAG_EMBEDDING_MODEL": EMBEDDING_MODEL,
    "RAG_OLLAMA_BASE_URL": f"http://{GATEWAY}:11434",
}
_HEALTHY = f"import urllib.request as r; r.urlopen('http://localhost:{PORT}/health', timeout=5)"


def ensure(engine: Engine) -> None:
    """Import the image unless this data root has it already."""
    base = base_image.archive()
    recipe = image_archive.recipe_hash(base)
    if label_of(IMAGE) == recipe:
        return
    archive = image_archive.archive(base)
    if not archive.exists():
        raise RuntimeError("Open WebUI's image needs `tests/rig/enter --webui …`, which makes what it holds")
    began = time.monotonic()
    _import(engine, archive, recipe)
    print(f"Open WebUI's image imported in {time.monotonic() - began:.0f} s")


def _import(engine: Engine, archive: Path, recipe: str) -> None:
    lines = [f"ENV {name}={value}" for name, value in {**_ITS_OWN, **_OFFLINE}.items() if value]
    lines += [f'ENV {name}=""' for name, value in _ITS_OWN.items() if not value]
    lines += ["WORKDIR /app/backend", f"EXPOSE {PORT}", f'HEALTHCHECK CMD ["python", "-c", "{_HEALTHY}"]']
    lines += [f"LABEL {LABEL}={recipe}", 'CMD ["bash", "start.sh"]']
    changes = [word for line in lines for word in ("--change", line)]
    engine.docker("import", *changes, str(archive), IMAGE)
    engine.docker("image", "prune", "--force")
