"""A live server as a client sees it."""

from __future__ import annotations

import msgspec

from sparktray.decide.identity import base_url, running_on
from sparktray.decide.servers import probe_key
from sparktray.domain.catalogue import EngineKind, ModelKind
from sparktray.domain.snapshot import ServerState, Snapshot


class Endpoint(msgspec.Struct, frozen=True):
    """One live server as a client sees it. ``base_url`` ends in ``/v1``; ``model_id`` is exact.

    ``context`` is in tokens, None when not told. ``locked``: a key is asked for. ``port`` is the host's.
    """

    base_url: str
    model_id: str
    port: int
    engine: EngineKind
    kind: ModelKind = ModelKind.CHAT
    context: int | None = None
    locked: bool = False

    @property
    def root(self) -> str:
        """The URL without ``/v1``, for clients that add their own path."""
        return self.base_url.removesuffix("/v1")


def endpoint_of(snapshot: Snapshot, state: ServerState, url: str | None = None) -> Endpoint | None:
    """What a client is told of that server, at ``url`` or as this computer reaches it; None without an ID."""
    running = running_on(snapshot, state)
    if running.model_id is None:
        return None
    model = running.model
    return Endpoint(
        base_url=url or base_url(snapshot.host, state),
        model_id=running.model_id,
        port=state.server.port,
        engine=state.server.engine,
        kind=ModelKind.CHAT if model is None else model.kind,
        context=running.context_length,
        locked=probe_key(snapshot, state) is not None,
    )
