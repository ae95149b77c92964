"""Everything that can go wrong on the road to a host, as one exception hierarchy.

Each class has one fixed ``code`` word; ``details`` holds plain facts (never sentences for a person: those
are made by the layers above). Every call in this package raises these and nothing of a library below.
"""

from typing import ClassVar


class RemoteError(Exception):
    """Base of all errors of this package. ``details`` are facts by name, all plain text."""

    code: ClassVar[str] = "remote"

    def __init__(self, **details: str) -> None:
        self.details: dict[str, str] = details
        super().__init__(self.code, details)

    def __str__(self) -> str:
        facts = ", ".join(f"{name}={value!r}" for name, value in self.details.items())
        return f"{self.code} ({facts})" if facts else self.code


class HostUnreachable(RemoteError):
    """No connection to the host's SSH port. Details: address, port, reason."""

    code = "host-unreachable"


class PortClosed(HostUnreachable):
    """The host is there and refuses the port. Details: address, port."""

    code = "port-closed"


class HostSilent(HostUnreachable):
    """No address answered in time. Details: address, port."""

    code = "host-silent"


class NameNotFound(HostUnreachable):
    """The name does not resolve on this network. Details: address, port."""

    code = "name-not-found"


class SshSilent(HostUnreachable):
    """The port accepts connections, but nothing speaks SSH there in time. Details: address, port, seconds."""

    code = "ssh-silent"


class SshBroken(HostUnreachable):
    """Something answers that is not usable as SSH, or no common algorithm. Details: address, port, reason."""

    code = "ssh-broken"


class LoginProblem(RemoteError):
    """This person cannot log in. Only a person can mend it."""

    code = "login"


class LoginRefused(LoginProblem):
    """The host does not accept what it was shown. Details: user, key_file, methods (what it would accept)."""

    code = "login-refused"


class KeyNotAccepted(LoginProblem):
    """A key that was just brought to the host does not log in. Details: user."""

    code = "key-not-accepted"


class KeyFileUnusable(LoginProblem):
    """Found before anything was sent. Details: key_file, reason.

    reason: ``none-configured``, ``missing``, ``unreadable``, ``unsafe-mode`` (with mode), ``unsafe-owner``,
    ``public-key`` (the wrong half), ``passphrase`` (three wrong ones), ``public-half`` (not to be read, so
    that the agent cannot be asked for it) or ``unknown-format``.
    """

    code = "key-unusable"


class AgentUnusable(LoginProblem):
    """The SSH agent cannot log in. Details: reason, keys (how many it holds), key_file or agent_key.

    reason: ``not-running``, ``silent``, ``empty`` (also a locked one), ``several`` (which of its keys?),
    ``key-missing`` (it does not hold the one that is set up) or ``refused`` (it did not sign).
    """

    code = "agent-unusable"


class SecretMissing(LoginProblem):
    """A password, passphrase or answer is needed and nobody can be asked. Details: kind, reason."""

    code = "secret-missing"


class LoginCancelled(LoginProblem):
    """A person was asked for a secret and said no. Details: kind."""

    code = "login-cancelled"


class HostKeyProblem(RemoteError):
    """The host's identity is not proven; no login data was sent."""

    code = "host-key"


class HostKeyUnknown(HostKeyProblem):
    """No fingerprint is pinned. Details: address, port, fingerprint ("SHA256:..."), key_type."""

    code = "host-key-unknown"


class HostKeyChanged(HostKeyProblem):
    """None of the host's keys is the pinned one. Details: address, port, expected, shown, key_type, source.

    source: ``profile``, or ``known_hosts`` where nothing is pinned and the person's file names other keys.
    missing_type: the type of the pinned key, where the host shows no key of that type at all.
    """

    code = "host-key-changed"


class HostKeyRevoked(HostKeyProblem):
    """The person's known_hosts has revoked this key. Details: address, port, fingerprint, key_type."""

    code = "host-key-revoked"


class LinkLost(RemoteError):
    """The connection to the host is gone or does not answer. Details: reason."""

    code = "link-lost"


class Cancelled(RemoteError):
    """Ended because the caller's Cancel was set."""

    code = "cancelled"


class DeadlinePassed(RemoteError):
    """Not finished within the time given. Details: what, seconds."""

    code = "deadline"


class ConnectionRefused(RemoteError):
    """Nothing serves that port or socket on the host (also: accepted by a proxy and closed at once)."""

    code = "refused"


class ForwardingForbidden(RemoteError):
    """The host's sshd forbids this kind of channel. Details: kind."""

    code = "forwarding-forbidden"


class SessionRefused(RemoteError):
    """The host gives no further session channel, or does not run commands. Details: reason."""

    code = "session-refused"


class BadAnswer(RemoteError):
    """An answer that breaks its protocol or is not the expected JSON. Details: reason."""

    code = "bad-answer"


class TooLarge(RemoteError):
    """An answer larger than the cap. Details: cap (bytes)."""

    code = "too-large"


class CommandFailed(RemoteError):
    """A reading command of ours ended with an error. Details: exit_code, stderr."""

    code = "command-failed"


class DockerProblem(RemoteError):
    """Docker on the host cannot be used."""

    code = "docker"


class DockerMissing(DockerProblem):
    """No docker command and no reachable socket for this user. Details: stderr."""

    code = "docker-missing"


class DockerForbidden(DockerProblem):
    """This user may not use the Docker socket. Details: stderr."""

    code = "docker-forbidden"


class DockerSilent(DockerProblem):
    """Docker does not run or does not answer. Details: reason (``not-running``, ``no-answer``), stderr."""

    code = "docker-silent"


class DockerAnswered(DockerProblem):
    """The engine answered a request with an HTTP error. Details: status, message."""

    code = "docker-error"

    @property
    def status(self) -> int:
        """The HTTP status the engine gave."""
        return int(self.details["status"])
