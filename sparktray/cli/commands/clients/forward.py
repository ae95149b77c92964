"""`forward`: a server's port on this computer's loopback, for as long as the command runs."""

from __future__ import annotations

from sparktray.cli.choosing import check_server, chosen_server
from sparktray.cli.problems import DONE, FAILED, Told
from sparktray.cli.request import Request, watching
from sparktray.decide.clients.remembered import KeptForward
from sparktray.domain.catalogue import Catalogue
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.problem import Problem
from sparktray.handoff.forward import Forward, PortTaken
from sparktray.store.paths import ConfigFolder
from sparktray.store.settings import SettingsFile

_NAP_SECONDS = 0.5


def run(request: Request) -> int:
    """Open it, print its URL, and keep it until Ctrl-C; a lost connection comes back by itself."""
    options = request.options

    def possible(catalogue: Catalogue, _: object) -> None:
        check_server(catalogue, options.server)

    with watching(request, possible, keep_trying=True) as session:
        snapshot = session.settled()
        state = chosen_server(session, snapshot, options.server, lambda each: each.ready)
        # A client is set up once: the same server has the same port every time, that of the host.
        wanted = options.port or state.server.port
        try:
            forward = Forward(session.controller.open_remote, state.server.port, wanted)
        except PortTaken:
            kept = KeptForward(host=snapshot.host.name, server=state.name, port=wanted)
            if kept not in SettingsFile(ConfigFolder.find(options.config)).load()[0].forwards:
                raise Told(_taken(wanted), FAILED) from None
            _tell(request, state.name, wanted, phrase("The tray keeps it open; it ends on its page Clients."))
            return DONE
        try:
            _tell(
                request,
                state.name,
                forward.port,
                phrase("It leads to {server}. Ctrl-C ends it.", server=state.name),
            )
            while True:
                session.wait(lambda snapshot: False, _NAP_SECONDS)
        finally:
            forward.close()


def _tell(request: Request, server: str, port: int, said: Phrase) -> None:
    url = f"http://127.0.0.1:{port}/v1"
    if request.out.as_json:
        request.out.json({"server": server, "base_url": url})
    else:
        request.out.line(url)
        request.out.aside(request.say(said))


def _taken(port: int) -> Problem:
    return Problem(
        "local-port-taken",
        phrase("Port {port} of this computer is taken by another program.", port=port),
        phrase("Name another one with --port, and give it to the client."),
    )
