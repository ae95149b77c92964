"""From a TCP socket to a logged-in transport: key exchange, the host's identity, then the person's.

Nothing about the user is sent before the host's key is proven to be the pinned one.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import paramiko
from msgspec.structs import replace

from sparktray.remote.contract import Credentials, HostKey, SshTarget
from sparktray.remote.errors import (
    ConnectionRefused,
    DeadlinePassed,
    ForwardingForbidden,
    HostKeyChanged,
    HostKeyProblem,
    HostKeyRevoked,
    HostKeyUnknown,
    HostSilent,
    HostUnreachable,
    PortClosed,
    RemoteError,
    SshBroken,
    SshSilent,
)
from sparktray.remote.ssh.authentication import authenticate
from sparktray.remote.ssh.channels import SshChannel
from sparktray.remote.ssh.dialing import ADDRESS_SECONDS, dial
from sparktray.remote.ssh.fingerprint import fingerprint_of
from sparktray.remote.ssh.identity import prepared
from sparktray.remote.ssh.racing import Race
from sparktray.remote.ssh.transport import SshTransport

# By preference; the names of one RSA key differ only in how it signs.
KEY_TYPES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)


# A connection already made, another host through which it leads, or nothing yet.
Road = socket.socket | SshTransport | None


class Patience(msgspec.Struct, frozen=True):
    """How long each stage of connecting may take, in seconds."""

    address: float = ADDRESS_SECONDS
    banner: float = 10.0
    key_exchange: float = 15.0
    login: float = 20.0


def log_in(
    target: SshTarget,
    patience: Patience,
    race: Race | None = None,
    credentials: Credentials | None = None,
) -> SshTransport:
    """A logged-in transport to ``target``; ``race`` gives connections that are already being made.

    Raises KeyFileUnusable, AgentUnusable, HostUnreachable and its kinds, HostKeyProblem and its kinds,
    SecretMissing, LoginCancelled, LoginRefused, LinkLost; of a host on the way with the detail ``via``.
    """
    with _way_to(target, patience) as last:
        identity = prepared(target)
        try:
            if last is None:
                target, transport = _found(target, patience, race or race_to(target, patience))
            else:
                transport = _proven(target, patience, last)
            try:
                identity.unlock(target, credentials)
                authenticate(transport, target, identity, credentials, patience.login)
            except BaseException:
                transport.close()
                raise
        finally:
            identity.close()
        if last is not None:
            transport.on_lost(last.close)
    return transport


@contextmanager
def _way_to(target: SshTarget, patience: Patience) -> Iterator[SshTransport | None]:
    """The last host on the way, logged in to; None without any. Closed when the block fails.

    Nobody is asked for a secret there: what is kept is the target's, and not to be shown to others.
    """
    last: SshTransport | None = None
    try:
        for jump in target.jumps:
            before, last = last, _jumped(jump, patience, last)
            if before is not None:
                last.on_lost(before.close)
        yield last
    except BaseException:
        if last is not None:
            last.close()
        raise


def _jumped(jump: SshTarget, patience: Patience, before: SshTransport | None) -> SshTransport:
    try:
        if before is None:
            return log_in(jump, patience)
        identity = prepared(jump)
        transport = _proven(jump, patience, before)
        try:
            identity.unlock(jump, None)
            authenticate(transport, jump, identity, None, patience.login)
        except BaseException:
            transport.close()
            raise
        finally:
            identity.close()
        return transport
    except RemoteError as error:
        error.details["via"] = jump.address
        raise


def shown_key(target: SshTarget, patience: Patience) -> HostKey:
    """The key a host shows, for a person to judge. Nobody logs in: the connection ends with the key exchange.

    Raises HostUnreachable and its kinds, and what a login to the hosts on the way raises.
    """
    with _way_to(target, patience) as last:
        transport = _exchange_keys(target, patience, KEY_TYPES, last)
        try:
            shown = transport.get_remote_server_key()
        except paramiko.SSHException:
            facts = {"address": target.address, "port": str(target.port)}
            raise SshBroken(**facts, reason="closed by the host") from None
        finally:
            transport.close()
            if last is not None:
                last.close()
    return HostKey(shown.get_name(), fingerprint_of(shown))


def race_to(target: SshTarget, patience: Patience) -> Race:
    """Begin to connect to all addresses of a host."""
    return Race((target.address, *target.further), target.port, seconds=_address_seconds(target, patience))


def _found(target: SshTarget, patience: Patience, race: Race) -> tuple[SshTarget, SshTransport]:
    """The host at the first address where its own key is shown, and the target at that address.

    Raises what went wrong at the first address, but a key that is not the host's before anything else.
    """
    problem: RemoteError | None = None
    try:
        while (reached := race.next()) is not None:
            here = replace(target, address=reached.address)
            try:
                return here, _proven(here, patience, reached.sock)
            except HostKeyRevoked:
                raise
            except (HostUnreachable, HostKeyProblem) as error:
                if problem is None or (
                    isinstance(error, HostKeyProblem) and not isinstance(problem, HostKeyProblem)
                ):
                    problem = error
    finally:
        race.abandon()
    raise problem or HostUnreachable(address=target.address, port=str(target.port), reason="no address")


def _address_seconds(target: SshTarget, patience: Patience) -> float:
    return target.connect_seconds or patience.address


def _proven(target: SshTarget, patience: Patience, road: Road) -> SshTransport:
    """A transport whose host key is the pinned one; tries every kind of key the host has before giving up."""
    hints = (target.host_key_type or "",) if target.fingerprint else target.trusted_types
    wanted = (target.fingerprint,) if target.fingerprint else target.trusted
    preferred = tuple(sorted(KEY_TYPES, key=lambda kind: _family(kind) not in map(_family, hints)))
    transport = _exchange_keys(target, patience, preferred, road)
    shown = transport.get_remote_server_key()
    facts = {"address": target.address, "port": str(target.port), "key_type": shown.get_name()}
    if _is_wanted(transport, wanted, target, facts):
        return transport
    others = {_family(kind) for kind in transport.offered_key_types if kind in KEY_TYPES}
    transport.close()
    if not wanted:
        raise HostKeyUnknown(fingerprint=fingerprint_of(shown), **facts)
    for family in sorted(others - {_family(shown.get_name())}):
        kinds = tuple(kind for kind in KEY_TYPES if _family(kind) == family)
        transport = _exchange_keys(target, patience, kinds, road if isinstance(road, SshTransport) else None)
        if _is_wanted(transport, wanted, target, facts):
            return transport
        transport.close()
    source = "profile" if target.fingerprint else "known_hosts"
    if target.fingerprint and target.host_key_type and _family(target.host_key_type) not in others:
        facts["missing_type"] = target.host_key_type
    raise HostKeyChanged(expected=", ".join(wanted), shown=fingerprint_of(shown), source=source, **facts)


def _is_wanted(
    transport: SshTransport, wanted: tuple[str, ...], target: SshTarget, facts: dict[str, str]
) -> bool:
    """Whether this key is one that is trusted; one that was revoked ends it all, whoever trusts it."""
    shown = fingerprint_of(transport.get_remote_server_key())
    if shown in target.revoked:
        transport.close()
        raise HostKeyRevoked(fingerprint=shown, **facts)
    return shown in wanted


def _family(kind: str) -> str:
    return "rsa" if "rsa" in kind else kind


def _reached(target: SshTarget, patience: Patience, road: Road) -> socket.socket | SshChannel:
    """What leads to the host: a connection that was made already, one through another host, or a new one."""
    seconds = _address_seconds(target, patience)
    match road:
        case None:
            return dial(target.address, target.port, seconds=seconds)
        case SshTransport():
            facts = {"address": target.address, "port": str(target.port)}
            try:
                return road.open("direct-tcpip", (target.address, target.port, "127.0.0.1", 0), seconds)
            except ConnectionRefused:
                raise PortClosed(**facts) from None
            except DeadlinePassed:
                raise HostSilent(**facts) from None
            except ForwardingForbidden:
                raise HostUnreachable(**facts, reason="forwarding forbidden") from None
        case _:
            return road


def _exchange_keys(
    target: SshTarget,
    patience: Patience,
    key_types: tuple[str, ...],
    road: Road,
) -> SshTransport:
    facts = {"address": target.address, "port": str(target.port)}
    transport = SshTransport(_reached(target, patience, road), key_types)
    transport.banner_timeout = patience.banner + 5  # ours ends first and says which of the two it was
    done = threading.Event()
    try:
        transport.start_client(event=done)
        if not done.wait(patience.banner) and not transport.remote_version:
            raise SshSilent(**facts, seconds=f"{patience.banner:g}")
        if not done.wait(patience.key_exchange):
            raise SshSilent(**facts, seconds=f"{patience.key_exchange:g}")
        if not transport.is_active():
            error = transport.get_exception()
            raise SshBroken(**facts, reason=transport.disconnected or str(error or "closed by the host"))
    except BaseException:
        # Its timer thread is not a daemon and would hold up the end of the program.
        transport.packetizer.complete_handshake()
        transport.close()
        raise
    return transport
