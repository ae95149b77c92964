"""`monitor`: what `docker ps`, `nvidia-smi` and `free` would show, at one glance."""

from __future__ import annotations

import queue
import sys

from sparktray.cli.problems import DONE
from sparktray.cli.request import Request, Session, watching
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
    in_place = sys.stdout.isatty() and not request.out.as_json
    pictures: queue.SimpleQueue[Snapshot] = queue.SimpleQueue()
    session.controller.subscribe(pictures.put)
    shown: Json = {}
    while True:
        view = _view(snapshot)
        del view["observed_at"]
        if view != shown:
            if in_place:
                sys.stdout.write(_CLEAR)
            elif shown and not request.out.as_json:
                request.out.line()
            _print(request, snapshot)
        shown = view
        snapshot = _next(pictures, snapshot)


def _next(pictures: queue.SimpleQueue[Snapshot], last: Snapshot) -> Snapshot:
    try:
        return pictures.get(timeout=1.0)
    except queue.Empty:
        return last


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
