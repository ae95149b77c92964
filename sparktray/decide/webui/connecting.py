"""How Open WebUI's container reaches a server of the same host, and which of its connections is wrong."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from urllib.parse import urlsplit

from sparktray.domain.open_webui import Contents

# Docker's own name for the host inside a container, where it was given on the command line.
_HOST_NAME = "host.docker.internal"


def urls_for(inspect: Mapping[str, object], port: int, address: str) -> tuple[str, ...]:
    """Base URLs to try from inside the container, the likeliest first; ``address`` is the host's own.

    Host networking reaches the host's loopback. Otherwise Docker's name for the host counts where the
    container was given it, then the gateway of each of its networks, then the host's own address.
    """
    settings = _map(inspect.get("HostConfig"))
    if settings.get("NetworkMode") == "host":
        return (_url("127.0.0.1", port),)
    extra = settings.get("ExtraHosts")
    named = [_HOST_NAME] if any(str(e).startswith(_HOST_NAME) for e in _list(extra)) else []
    networks = _map(_map(inspect.get("NetworkSettings")).get("Networks")).values()
    gateways = [gateway for n in networks if isinstance(gateway := _map(n).get("Gateway"), str) and gateway]
    hosts = dict.fromkeys([*named, *gateways, *([address] if address else [])])
    return tuple(_url(host, port) for host in hosts)


def _url(host: str, port: int) -> str:
    bracketed = f"[{host}]" if ":" in host else host
    return f"http://{bracketed}:{port}/v1"


def missed(contents: object, offered: Collection[str]) -> Mapping[str, int]:
    """Models that chats have chosen and that Open WebUI does not offer: in how many chats, by ID."""
    if not isinstance(contents, Contents):
        return {}
    return {name: count for name, count in contents.models.items() if name not in offered}


def wrong_url(urls: Sequence[str], port: int, servers: Sequence[int]) -> str | None:
    """The connection that was meant for a server of this host and does not lead to the one on ``port``.

    One without ``/v1`` on that very port before one to another server's port (``servers``); None for none.
    """
    here = [url for url in urls if _port_of(url) == port and not url.rstrip("/").endswith("/v1")]
    others = [url for url in urls if _port_of(url) in servers and _port_of(url) != port]
    return next(iter([*here, *others]), None)


def _port_of(url: str) -> int | None:
    try:
        return urlsplit(url).port
    except ValueError:
        return None


def _map(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
