"""Where this computer is in the network: by which of its addresses it would reach others."""

from __future__ import annotations

import ipaddress
import socket

# Documentation addresses (RFC 5737, RFC 3849), which stand for "anywhere": nothing is sent to them.
_ANYWHERE = ("192.0.2.1", "2001:db8::1")


def whereabouts(peer: str) -> tuple[str | None, ...]:
    """The own address towards ``peer`` and towards anywhere, by IPv4 and IPv6; None where no way leads.

    A change means another network, a VPN that came or went, or none. A name as ``peer`` is passed over,
    since asking for it would be traffic. Some 30 µs; sends nothing, on any platform.
    """
    places = (*_ANYWHERE, peer) if _is_address(peer) else _ANYWHERE
    return tuple(_own_address(place) for place in places)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _own_address(place: str) -> str | None:
    """Connecting a datagram socket only looks up the route, udp(7)."""
    family = socket.AF_INET6 if ":" in place else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((place, 9))
            return str(sock.getsockname()[0])
    except OSError:
        return None
