"""What is remembered of clients: IDs that were copied for them, and the ways by which they reach servers."""

from __future__ import annotations

import msgspec


class CopiedId(msgspec.Struct, frozen=True, kw_only=True):
    """The model ID that a client was last given, alone or within its settings.

    ``client`` is its word on the command line, "" for an ID that was copied alone.
    """

    host: str
    server: str
    model_id: str
    client: str = ""


class KeptForward(msgspec.Struct, frozen=True, kw_only=True):
    """A server's port that shall be open on this computer's loopback as ``port`` whenever the tray runs."""

    host: str
    server: str
    port: int


class PublicUrl(msgspec.Struct, frozen=True, kw_only=True):
    """The public HTTPS address that leads to a server, as a person entered it; it ends in ``/v1``."""

    host: str
    server: str
    url: str
