"""Questions to an engine's HTTP port and what came back, as plain values."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from enum import StrEnum
from typing import TypeVar

import msgspec

from sparktray.domain.secret import Secret


class Ask(msgspec.Struct, frozen=True):
    """One HTTP request to a server's port; ``deadline`` is seconds for the whole answer.

    ``most`` is how many bytes of it are taken in, beyond which it counts as none.
    ``bearer`` is sent as its authorization. Secrets in ``json`` are sent as what they are.
    """

    method: str
    path: str
    json: Mapping[str, object] | None = None
    deadline: float = 5.0
    most: int = 1 << 20
    bearer: Secret | None = None


class Answer(msgspec.Struct, frozen=True):
    """An HTTP answer with its decoded body."""

    status: int
    body: bytes = b""

    def json(self) -> object:
        """The body as JSON; None when it is none, or nested beyond what the decoder follows."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    def field(self, *keys: str) -> object:
        """A value inside the JSON body by its keys, None when it is not there."""
        value = self.json()
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return value


class Silence(StrEnum):
    """Why there is no answer."""

    REFUSED = "refused"  # nobody listens, or docker-proxy accepted and reset
    LATE = "late"  # the deadline passed
    BROKEN = "broken"  # not HTTP, too large, cut off


Heard = Answer | Silence
Result = TypeVar("Result")
Dialogue = Generator[Ask, Heard, Result]
"""A conversation with an engine: yields questions, is sent what was heard, returns a result.

Pure: the reading lane carries it out over the link, tests carry it out from a table.
"""


class ServedModel(msgspec.Struct, frozen=True):
    """An entry of ``/v1/models``: the exact ID, the engine's ``root``, the context length in tokens.

    ``until`` is when Ollama gives it up if nobody asks it, seconds since 1970; None for one that stays.
    """

    id: str
    root: str | None = None
    context_length: int | None = None
    until: float | None = None


class Health(StrEnum):
    """What the engine itself says about its readiness."""

    UNKNOWN = "unknown"  # not asked yet
    REFUSED = "refused"  # nothing answers on the port
    WARMING = "warming"  # HTTP is up, the engine says not yet (503)
    READY = "ready"
    SILENT = "silent"  # asked and not answered in time
    LOCKED = "locked"  # wants an API key we do not have


class Reading(msgspec.Struct, frozen=True):
    """What one probe of a server showed. None means: not asked, or the engine does not tell."""

    health: Health
    served: tuple[ServedModel, ...] | None = None
    installed: tuple[str, ...] | None = None
    running: int | None = None
    waiting: int | None = None
    tokens_per_second: float | None = None
    generated_tokens: float | None = None


class Proof(msgspec.Struct, frozen=True):
    """The outcome of asking a fresh server for one token or one embedding."""

    holds: bool
    detail: str = ""
