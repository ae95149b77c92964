"""The registry of the demo: the images that can be fetched, and what ``docker pull`` shows meanwhile."""

from __future__ import annotations

from collections.abc import Iterable

from sparktray.demo.docker.container import Image
from sparktray.demo.docker.engine import Engine
from sparktray.demo.process import Process

_LAYERS = ("4f4fb700ef54", "9a1c2f0e77b3", "c3d84a5e9f10")
_STEPS = 12
_SECONDS = 3.0


class Registry:
    """Images by their tag, of which the host has not fetched all."""

    def __init__(self, engine: Engine, images: Iterable[Image], pace: float) -> None:
        self._engine = engine
        self._pace = pace
        self._images = {image.tag: image for image in images}

    def pull(self, process: Process, reference: str) -> int:
        """``docker pull`` on a terminal of 80 columns: a line a layer, drawn again and again."""
        name = reference if ":" in reference.rpartition("/")[2] else f"{reference}:latest"
        image = self._images.get(name)
        if image is None:
            missing = f"manifest for {name} not found: manifest unknown: manifest unknown"
            process.err(f"Error response from daemon: {missing}\n")
            return 1
        process.out(f"{name.rpartition(':')[2]}: Pulling from {name.rpartition(':')[0]}\n")
        if name not in self._engine.images:
            self._layers(process, image.size / len(_LAYERS) / 1e9)
        self._engine.images[name] = image
        process.out(f"Digest: {image.id}\nStatus: Downloaded newer image for {name}\n{name}\n")
        return 0

    def _layers(self, process: Process, gigabytes: float) -> None:
        for layer in _LAYERS:
            process.out(f"{layer}: Pulling fs layer\n")
        for step in range(1, _STEPS + 1):
            process.rest(_SECONDS / _STEPS / self._pace)
            done = f"{gigabytes * step / _STEPS:.2f}GB/{gigabytes:.2f}GB"
            for above, layer in enumerate(_LAYERS):
                up = len(_LAYERS) - above
                process.out(f"\x1b[{up}A\x1b[2K\r{layer}: Downloading  {done}\r\x1b[{up}B")
        for above, layer in enumerate(_LAYERS):
            up = len(_LAYERS) - above
            process.out(f"\x1b[{up}A\x1b[2K\r{layer}: Pull complete\r\x1b[{up}B")
