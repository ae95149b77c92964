"""Who can reach a server: the host alone, this computer, everybody in the network."""

from __future__ import annotations

import ipaddress

from sparktray.decide.identity import base_url
from sparktray.decide.servers import probe_key
from sparktray.domain.host import HostProfile
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.snapshot import ServerState, Snapshot


def only_on_host(state: ServerState) -> bool:
    """True when the port answers on the host's loopback alone, by its container, else by the catalogue."""
    container = state.container
    if container is None or not container.running:
        return _is_loopback(state.server.bind)
    if container.network == "host":
        return _is_loopback(container.option("--host"))
    addresses = [each.address for each in container.ports if each.port == state.server.port]
    return bool(addresses) and all(_is_loopback(each) for each in addresses)


def _is_loopback(address: str | None) -> bool:
    if address is None:
        return False
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def direct_url(host: HostProfile, state: ServerState) -> str | None:
    """The base URL by which this computer reaches the server without a forward; None when it cannot."""
    return None if only_on_host(state) and not host.is_local else base_url(host, state)


def exposure(snapshot: Snapshot, state: ServerState) -> Phrase | None:
    """That everybody in the network can use the server, where that is so; None for one with a key.

    Of a server outside Docker it is not known at which address it listens.
    """
    container = state.container
    if container is None or not container.running or only_on_host(state):
        return None
    if probe_key(snapshot, state) is not None:
        return None
    return phrase(
        "Port {port} of {host} is open to its whole network, and {server} asks for no key.",
        port=state.server.port,
        host=snapshot.host.name,
        server=state.name,
    )


# A model that is ready already is not started again by a switch: it is stopped first.
BIND = phrase(
    'To close it, add "bind": "127.0.0.1" to the server in models.json, stop the model and switch to it '
    "again, and reach it by a forward. Open WebUI in a container of its own does not reach it then."
)
