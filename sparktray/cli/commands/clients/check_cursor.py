"""`check-cursor`: line by line, on what Cursor would fail."""

from __future__ import annotations

from sparktray.cli.choosing import check_server, chosen_server
from sparktray.cli.commands.clients.snippet import exact_endpoint
from sparktray.cli.problems import DONE, FAILED, LOGIN, Told
from sparktray.cli.request import Request, watching
from sparktray.control.checkup import checked
from sparktray.decide.clients.checkup import LAST_WORD, Line, Verdict
from sparktray.decide.clients.endpoint import Endpoint
from sparktray.decide.clients.reach import exposure
from sparktray.decide.servers import probe_key
from sparktray.domain.secret import Secret
from sparktray.domain.snapshot import ServerState, Snapshot
from sparktray.store.paths import ConfigFolder
from sparktray.store.secrets import Secrets
from sparktray.store.secrets_errors import KeyringUnavailable

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
        at = exact_endpoint(snapshot, state, options.public_url)
        key, exposed = _key(request, snapshot, state), exposure(snapshot, state)
        lines = []
        for line in checked(session.remote().http, at, key, options.public_url, exposed):
            lines.append(line)
            if not request.out.as_json:
                _tell(request, line)
    bad = any(line.verdict is Verdict.BAD for line in lines)
    if request.out.as_json:
        request.out.json(_view(request, state, at, lines))
    elif not bad:
        request.out.line(request.say(LAST_WORD))
    return FAILED if bad else DONE


def _key(request: Request, snapshot: Snapshot, state: ServerState) -> Secret | None:
    name = probe_key(snapshot, state)
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
