"""The check-up for Cursor, carried out: each line as soon as it is known."""

from __future__ import annotations

from collections.abc import Iterator

from sparktray.control.reading import converse
from sparktray.decide.clients import checkup
from sparktray.decide.clients.checkup import Line, Verdict
from sparktray.decide.clients.endpoint import Endpoint
from sparktray.domain.catalogue import ModelKind
from sparktray.domain.phrase import Phrase
from sparktray.domain.secret import Secret
from sparktray.remote.contract import Http

_OUTSIDE_SECONDS = 10.0


def checked(
    http: Http, at: Endpoint, key: Secret | None, public: str | None, exposed: Phrase | None
) -> Iterator[Line]:
    """Look at everything, on the caller's thread; blocks between two lines. Raises RemoteError.

    ``key`` is what the server asks for, ``public`` the address that Cursor would be given, ``exposed`` what
    `exposure` says of the port.
    """
    yield from checkup.of_the_name(at)
    for_cursor = checkup.of_the_url(at, public)
    yield from for_cursor
    if public is not None and all(each.verdict is Verdict.GOOD for each in for_cursor):
        yield checkup.from_outside(_status(public), public)
    yield converse(http, at.port, checkup.lists(at, key))
    yield converse(http, at.port, checkup.asks_for_a_key())
    if exposed is not None:
        yield checkup.of_the_port(exposed)
    yield checkup.of_the_context(at)
    if at.kind is ModelKind.CHAT:
        yield converse(http, at.port, checkup.streams(at, key))
        yield converse(http, at.port, checkup.calls_a_tool(at, key))


def _status(url: str) -> int | None:
    """What the address says to somebody without a key; the answer's text is of no interest."""
    import httpx  # 60 ms, of use only here

    try:
        with httpx.stream("GET", url.rstrip("/") + "/models", timeout=_OUTSIDE_SECONDS) as answer:
            return answer.status_code
    except (httpx.HTTPError, httpx.InvalidURL):
        return None
