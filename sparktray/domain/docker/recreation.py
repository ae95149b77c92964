"""From a container's inspect to the body that creates the same container again.

Used for one that ran with ``--rm`` and is gone after its stop: a command line would lose options.
"""

from __future__ import annotations

from collections.abc import Mapping

Json = Mapping[str, object]

# What Docker fills in for a network when it connects a container; given back, it would be a wish.
_ASSIGNED = {
    "NetworkID",
    "EndpointID",
    "Gateway",
    "IPAddress",
    "IPPrefixLen",
    "IPv6Gateway",
    "GlobalIPv6Address",
    "GlobalIPv6PrefixLen",
    "MacAddress",
    "DNSNames",
}
_BUILT_IN = {"bridge", "default", "host", "none", ""}


def recreation(inspect: Json) -> dict[str, object] | None:
    """The body for ``POST /containers/create``; None when the inspect is not a whole one."""
    config, host = inspect.get("Config"), inspect.get("HostConfig")
    identity = inspect.get("Id")
    if not isinstance(config, dict) or not isinstance(host, dict) or not isinstance(identity, str):
        return None
    body: dict[str, object] = {key: value for key, value in config.items() if value is not None}
    if body.get("Hostname") == identity[:12]:
        del body["Hostname"]  # Docker's own choice, made from an id that is gone
    if str(host.get("NetworkMode", "")).startswith("container:") or host.get("NetworkMode") == "host":
        body.pop("Hostname", None)
        body.pop("ExposedPorts", None)
    body["HostConfig"] = host
    endpoints = _endpoints(inspect, str(host.get("NetworkMode", "")), identity)
    if endpoints:
        body["NetworkingConfig"] = {"EndpointsConfig": endpoints}
    return body


def _endpoints(inspect: Json, mode: str, identity: str) -> dict[str, object]:
    settings = inspect.get("NetworkSettings")
    networks = settings.get("Networks") if isinstance(settings, dict) else None
    if mode in _BUILT_IN or not isinstance(networks, dict):
        return {}
    return {name: _endpoint(told, identity) for name, told in networks.items() if isinstance(told, dict)}


def _endpoint(told: Json, identity: str) -> dict[str, object]:
    wished = {key: value for key, value in told.items() if key not in _ASSIGNED and value is not None}
    aliases = wished.get("Aliases")
    if isinstance(aliases, list):
        wished["Aliases"] = [alias for alias in aliases if alias != identity[:12]]
    return wished
