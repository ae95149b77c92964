"""`monitor`: what `docker ps`, `nvidia-smi` and `free` would show, at one glance."""

from __future__ import annotations

from sparktray.cli.problems import DONE
from sparktray.cli.request import SETTLED_SECONDS, Request, Session, watching
from sparktray.cli.tables import aligned, vitals_line
from sparktray.cli.views import Json, container_view, utc, vitals_view
from sparktray.domain.docker.container import Container
from sparktray.domain.phrase import phrase
from sparktray.domain.snapshot import Snapshot
from sparktray.domain.text import clean_name

_VITALS_SECONDS = 5.0
_CLEAR = "\x1b[H\x1b[J"


def run(request: Request) -> int:
    """Print it once, with ``--watch`` on every change until Ctrl-C."""
    watch = request.options.watch
    with watching(request, keep_trying=watch) as session:
        session.containers()
        first = session.wait(lambda snapshot: snapshot.vitals.at is not None, _VITALS_SECONDS)
        snapshot = first or session.controller.snapshot
        if watch:
            _watch(request, session, snapshot)
        _print(request, snapshot)
    return DONE


def _watch(request: Request, session: Session, snapshot: Snapshot) -> None:
    out = request.out
    in_place = out.terminal.redraws[0] and not out.as_json
    shown: Json = {}
    with session.pictures() as following:
        while True:
            view = _view(snapshot)
            del view["observed_at"]
            if view != shown:
                if in_place:
                    out.line(_CLEAR, end="")
                elif shown and not out.as_json:
                    out.line()
                _print(request, snapshot)
            shown = view
            snapshot = following(SETTLED_SECONDS) or snapshot


def _print(request: Request, snapshot: Snapshot) -> None:
    if request.out.as_json:
        request.out.json(_view(snapshot))
        return
    say = request.say
    head = [say(phrase("NAME")), say(phrase("IMAGE")), say(phrase("STATE")), say(phrase("PORTS"))]
    rows = [_row(each) for each in snapshot.containers if not each.is_lock]
    lines = [*aligned([head, *rows]), "", vitals_line(snapshot.vitals, say)]
    request.out.line("\n".join(lines))


def _row(container: Container) -> list[str]:
    ports = ", ".join(f"{each.port}->{each.container_port}" for each in container.ports)
    return [clean_name(container.name), clean_name(container.image), str(container.state), ports]


def _view(snapshot: Snapshot) -> Json:
    return {
        "host": snapshot.host.name,
        "observed_at": utc(snapshot.observed_at),
        "containers": [container_view(each) for each in snapshot.containers if not each.is_lock],
        **vitals_view(snapshot),
    }
