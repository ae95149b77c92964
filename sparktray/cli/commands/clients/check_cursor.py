"""`check-cursor`: line by line, on what Cursor would fail."""

from __future__ import annotations

from collections.abc import Iterator

import httpx

from sparktray.cli.choosing import check_server, chosen_server
from sparktray.cli.commands.clients.snippet import exact_endpoint
from sparktray.cli.problems import DONE, FAILED, LOGIN, Told
from sparktray.cli.request import Request, Session, watching
from sparktray.control.reading import converse
from sparktray.decide.clients import checkup
from sparktray.decide.clients.checkup import Line, Verdict
from sparktray.decide.clients.endpoint import Endpoint
from sparktray.decide.identity import running_on
from sparktray.domain.catalogue import ModelKind
from sparktray.domain.phrase import phrase
from sparktray.domain.secret import Secret
from sparktray.domain.snapshot import ServerState, Snapshot
from sparktray.engines.registry import engine_key
from sparktray.store.paths import ConfigFolder
from sparktray.store.secrets import Secrets
from sparktray.store.secrets_errors import KeyringUnavailable

_OUTSIDE_SECONDS = 10.0
_LAST_WORD = phrase("Nothing here speaks against it. Cursor's own Verify has the last word.")
_MARKS = {
    Verdict.GOOD: ("✓", "ok"),
    Verdict.DOUBTFUL: ("!", "! "),
    Verdict.BAD: ("✗", "NO"),
    Verdict.UNKNOWN: ("?", "? "),
}


def run(request: Request) -> int:
    """Print the lines as they come; 1 when one is bad."""
    options = request.options
    with watching(request, lambda catalogue, _: check_server(catalogue, options.server)) as session:
        snapshot = session.settled()
        state = chosen_server(session, snapshot, options.server, lambda each: each.ready)
        at = exact_endpoint(snapshot, state)
        lines = []
        for line in _lines(session, at, _key(request, snapshot, state), options.public_url):
            lines.append(line)
            if not request.out.as_json:
                _tell(request, line)
    bad = any(line.verdict is Verdict.BAD for line in lines)
    if request.out.as_json:
        request.out.json(_view(request, state, at, lines))
    elif not bad:
        request.out.line(request.say(_LAST_WORD))
    return FAILED if bad else DONE


def _lines(session: Session, at: Endpoint, key: Secret | None, public: str | None) -> Iterator[Line]:
    yield from checkup.of_the_name(at)
    yield from checkup.of_the_url(at, public)
    http = session.remote().http
    if public is not None and all(each.verdict is Verdict.GOOD for each in checkup.of_the_url(at, public)):
        yield checkup.from_outside(_status(public), public)
    yield converse(http, at.port, checkup.lists(at, key))
    yield converse(http, at.port, checkup.asks_for_a_key())
    yield checkup.of_the_context(at)
    if at.kind is ModelKind.CHAT:
        yield converse(http, at.port, checkup.streams(at, key))
        yield converse(http, at.port, checkup.calls_a_tool(at, key))


def _status(url: str) -> int | None:
    """What the address says to somebody without a key; the answer's text is of no interest."""
    try:
        with httpx.stream("GET", url.rstrip("/") + "/models", timeout=_OUTSIDE_SECONDS) as answer:
            return answer.status_code
    except (httpx.HTTPError, httpx.InvalidURL):
        return None


def _key(request: Request, snapshot: Snapshot, state: ServerState) -> Secret | None:
    model = running_on(snapshot, state).model
    name = None if model is None else engine_key(model, state.server.engine)
    if name is None:
        return None
    try:
        return Secrets(ConfigFolder.find(request.options.config)).named(name)
    except KeyringUnavailable as error:
        raise Told(error.problem, LOGIN) from None


def _tell(request: Request, line: Line) -> None:
    fancy, plain = _MARKS[line.verdict]
    out = request.out
    out.line(f"{fancy if out.shows(fancy) else plain} {request.say(line.sentence)}")
    if line.remedy is not None:
        out.line(f"   {request.say(line.remedy)}")


def _view(request: Request, state: ServerState, at: Endpoint, lines: list[Line]) -> dict[str, object]:
    say = request.say
    return {
        "server": state.name,
        "model_id": at.model_id,
        "base_url": at.base_url,
        "lines": [
            {
                "code": line.code,
                "verdict": line.verdict,
                "sentence": say(line.sentence),
                "remedy": None if line.remedy is None else say(line.remedy),
            }
            for line in lines
        ],
    }
