"""The SSH agent, asked for one key. It is never forwarded, and it may be slow, locked or hang."""

from __future__ import annotations

import os
import socket

import msgspec
import paramiko
from paramiko.agent import AgentKey, AgentSSH

from sparktray.remote.errors import AgentUnusable
from sparktray.remote.ssh.fingerprint import fingerprint_of

# An agent that is well answers in a millisecond.
ANSWER_SECONDS = 5.0
# To sign, it may wait for a person's touch or yes (ssh-add -c).
SIGN_SECONDS = 60.0
_KEYS_TOLD = 8


class HeldKey(msgspec.Struct, frozen=True):
    """A key that the agent holds: its fingerprint ("SHA256:..."), and the comment its owner gave it."""

    fingerprint: str
    comment: str


class AgentSession:
    """An open connection to the agent, kept until the login is over; close it."""

    def __init__(self, agent: paramiko.Agent | _OfSocket, keys: tuple[AgentKey, ...]) -> None:
        self._agent = agent
        self._keys = keys

    @property
    def held(self) -> tuple[HeldKey, ...]:
        """What it holds, in the agent's order."""
        return tuple(HeldKey(fingerprint_of(key), key.comment) for key in self._keys)

    def key(self, fingerprint: str | None) -> AgentKey:
        """The key of that fingerprint; without one the only key. Raises AgentUnusable."""
        by_print = dict(zip((held.fingerprint for held in self.held), self._keys, strict=True))
        if not by_print:
            raise AgentUnusable(reason="empty")
        if fingerprint is not None:
            if fingerprint not in by_print:
                raise AgentUnusable(reason="key-missing", agent_key=fingerprint, keys=self._told())
            return by_print[fingerprint]
        if len(by_print) > 1:
            raise AgentUnusable(reason="several", keys=self._told())
        return self._keys[0]

    def close(self) -> None:
        """Let go of the agent."""
        self._agent.close()

    def _told(self) -> str:
        return ", ".join(f"{held.comment} {held.fingerprint}" for held in self.held[:_KEYS_TOLD])


def open_agent(seconds: float = ANSWER_SECONDS) -> AgentSession:
    """Ask the agent which keys it holds. Raises AgentUnusable (``not-running``, ``silent``).

    A locked agent holds nothing. Any thread; waits at most ``seconds``, on Windows as long as Pageant or
    the system's agent takes.
    """
    try:
        agent = paramiko.Agent() if os.name == "nt" else _OfSocket(seconds)
        return AgentSession(agent, agent.get_keys())
    except TimeoutError:
        raise AgentUnusable(reason="silent") from None
    except (paramiko.SSHException, EOFError, OSError):
        raise AgentUnusable(reason="not-running") from None


class _OfSocket(AgentSSH):
    """The agent at SSH_AUTH_SOCK, as `paramiko.Agent` but bounded, and closed when it fails."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        path = os.environ.get("SSH_AUTH_SOCK")
        if not path:
            raise AgentUnusable(reason="not-running")
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(seconds)
        try:
            sock.connect(path)
            self._connect(sock)  # type: ignore[attr-defined]
        except BaseException:
            sock.close()
            raise
        sock.settimeout(SIGN_SECONDS)

    def close(self) -> None:
        """As `paramiko.Agent.close`."""
        self._close()  # type: ignore[attr-defined]
