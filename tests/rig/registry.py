"""A registry of the rig's own: the registry HTTP API v2 with one image, as slow or broken as a test wants.

Docker takes one on 127.0.0.1 without TLS.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LAYER_BYTES = 6 * 1024 * 1024
_LAYERS = 3
_PIECE = 64 * 1024
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _layer(number: int) -> tuple[bytes, str]:
    """A compressed layer and the digest of what is in it; random, so that every run fetches it anew."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        entry = tarfile.TarInfo(f"part-{number}")
        entry.size = LAYER_BYTES
        archive.addfile(entry, io.BytesIO(os.urandom(LAYER_BYTES)))
    return gzip.compress(plain.getvalue(), 1), _digest(plain.getvalue())


class Registry:
    """Serves ``reference``. ``pace`` is bytes a second for each layer, None for no limit; ``open`` lets
    layers go on when cleared and set; ``refuse`` answers every request with that status.
    """

    def __init__(self, architecture: str = "amd64") -> None:
        self.pace: int | None = None
        self.refuse: int | None = None
        self.open = threading.Event()
        self.open.set()
        self.stall_after: int | None = None
        layers = [_layer(number) for number in range(_LAYERS)]
        config = json.dumps(
            {
                "architecture": architecture,
                "os": "linux",
                "config": {"Cmd": ["/part-0"]},
                "rootfs": {"type": "layers", "diff_ids": [plain for _, plain in layers]},
            }
        ).encode()
        blobs = [config, *(packed for packed, _ in layers)]
        self._blobs = {_digest(blob): blob for blob in blobs}
        self.total = sum(len(packed) for packed, _ in layers)
        described = [{"size": len(blob), "digest": _digest(blob)} for blob in blobs]
        kind = "application/vnd.docker.image.rootfs.diff.tar.gzip"
        self._manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": _MANIFEST,
                "config": {"mediaType": "application/vnd.docker.container.image.v1+json", **described[0]},
                "layers": [{"mediaType": kind, **each} for each in described[1:]],
            }
        ).encode()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.reference = f"127.0.0.1:{self._server.server_address[1]}/lab/sglang:spark"

    def close(self) -> None:
        """End it."""
        self.open.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Status, kind and body."""
        if self.refuse is not None:
            told: dict[str, Any] = {
                "errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]
            }
            return self.refuse, "application/json", json.dumps(told).encode()
        if path.rstrip("/") == "/v2":
            return 200, "application/json", b"{}"
        name = path.rpartition("/")[2]
        if "/manifests/" in path:
            return 200, _MANIFEST, self._manifest
        if name in self._blobs:
            return 200, "application/octet-stream", self._blobs[name]
        return 404, "application/json", b'{"errors":[{"code":"BLOB_UNKNOWN"}]}'

    def send(self, to: Any, body: bytes) -> None:
        """A body at the wanted pace; a small one at once."""
        if len(body) < _PIECE:
            to.write(body)
            return
        for begin in range(0, len(body), _PIECE):
            if self.stall_after is not None and begin >= self.stall_after:
                self.open.wait()
            to.write(body[begin : begin + _PIECE])
            if self.pace:
                time.sleep(_PIECE / self.pace)


def _handler(registry: Registry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._reply(with_body=True)

        def do_HEAD(self) -> None:
            self._reply(with_body=False)

        def _reply(self, *, with_body: bool) -> None:
            status, kind, body = registry.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
            self.send_header("Docker-Content-Digest", _digest(body))
            self.end_headers()
            if with_body:
                try:
                    registry.send(self.wfile, body)
                except OSError:
                    self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            return

    return Handler
