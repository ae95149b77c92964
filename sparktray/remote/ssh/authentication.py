"""Proving to a host who logs in: one key once, a password, or answers to its own questions."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence

import paramiko
from paramiko.ssh_exception import PartialAuthentication

from sparktray.domain.host import Login
from sparktray.domain.secret import Secret
from sparktray.remote.contract import Credentials, SshTarget, Wanted, WantedKind
from sparktray.remote.errors import AgentUnusable, LinkLost, LoginRefused, RemoteError, SecretMissing
from sparktray.remote.ssh.agent import SIGN_SECONDS
from sparktray.remote.ssh.identity import Identity
from sparktray.remote.ssh.transport import SshTransport

_TRIES = 3
# sshd gives a person 120 s (LoginGraceTime); a host that gives more is not waited for longer than this.
_PERSON_SECONDS = 600.0
_MOST_PROMPTS, _MOST_ROUNDS = 8, 8
_PROMPT_CHARACTERS = 4096
_PASSWORD, _INTERACTIVE = "password", "keyboard-interactive"
# What PAM asks for a password alone; a code or a change of password is asked otherwise.
_PASSWORD_PROMPT = re.compile(r"\s*password(?: for \S+)?:\s*", re.IGNORECASE)


def authenticate(
    transport: SshTransport,
    target: SshTarget,
    identity: Identity,
    credentials: Credentials | None,
    seconds: float,
) -> None:
    """Log in on a connection whose host is proven. ``seconds`` is for each answer of the host.

    Raises LoginRefused, AgentUnusable, SecretMissing, LoginCancelled, LinkLost.
    """
    login = _Login(transport, target, credentials, seconds)
    if identity.key is None:
        login.by_password()
    else:
        login.by_key(identity.key)


class _Login:
    """One login; the methods raise when it is refused and return when it is done."""

    def __init__(
        self, transport: SshTransport, target: SshTarget, credentials: Credentials | None, seconds: float
    ) -> None:
        self._transport = transport
        self._target = target
        self._credentials = credentials
        self._seconds = seconds
        self._given: set[str] = set()
        self._rounds = 0
        self._stopped: RemoteError | None = None

    def by_key(self, key: paramiko.PKey) -> None:
        """With one key, offered once; a host that wants more after it gets that."""
        of_agent = self._target.login is Login.AGENT
        done = threading.Event()
        try:
            self._transport.auth_publickey(self._target.user, key, event=done)
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise LinkLost(reason=str(error) or "closed during login") from None
        if not done.wait(SIGN_SECONDS if of_agent else self._seconds):
            if of_agent:
                raise AgentUnusable(reason="refused")
            raise LinkLost(reason="no answer to the login")
        if self._transport.is_authenticated():
            return
        failure = self._transport.get_exception()
        if isinstance(failure, PartialAuthentication):
            self._go_on(failure.allowed_types)
            return
        if of_agent and "cannot be used for signing" in str(failure):
            raise AgentUnusable(reason="refused")
        raise self._refused(failure)

    def by_password(self) -> None:
        """With the password; where the host asks for it in its own words, in answer to those."""
        failure: Exception | None = None
        for attempt in range(_TRIES):
            wanted = Wanted(WantedKind.PASSWORD, self._target, refused=attempt > 0)
            secret = self._secret(wanted)
            if secret.reveal() in self._given:
                break
            self._given.add(secret.reveal())
            failure = self._password(secret)
            if isinstance(failure, paramiko.BadAuthenticationType) and _INTERACTIVE in failure.allowed_types:
                failure = self._interactive(secret)
            if failure is None or isinstance(failure, PartialAuthentication):
                self._accepted(wanted)
                self._go_on([] if failure is None else failure.allowed_types)
                return
            if isinstance(failure, paramiko.BadAuthenticationType) or not self._transport.is_active():
                break
        raise self._refused(failure)

    def _go_on(self, allowed: Sequence[str]) -> None:
        """What the host wants after a first proof that was right: the person is asked, whatever it is."""
        if self._transport.is_authenticated():
            return
        if _INTERACTIVE in allowed:
            failure = self._interactive(None)
        elif _PASSWORD in allowed and self._target.login is not Login.PASSWORD:
            self.by_password()
            return
        else:
            raise LoginRefused(**self._facts(), methods=",".join(allowed))
        if failure is not None:
            raise self._refused(failure)

    def _password(self, secret: Secret) -> Exception | None:
        done = threading.Event()
        try:
            self._transport.auth_password(self._target.user, secret.reveal(), event=done, fallback=False)
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise LinkLost(reason=str(error) or "closed during login") from None
        if not done.wait(self._seconds):
            raise LinkLost(reason="no answer to the login")
        return None if self._transport.is_authenticated() else self._failure()

    def _interactive(self, password: Secret | None) -> Exception | None:
        """Answer the host's questions. They come on the connection's own thread, which waits meanwhile."""

        def answered(_title: str, instruction: str, prompts: list[tuple[str, bool]]) -> list[str]:
            nonlocal password
            self._rounds += 1
            if self._rounds > _MOST_ROUNDS or len(prompts) > _MOST_PROMPTS:
                self._stopped = LoginRefused(**self._facts(), reason="too many questions")
                raise self._stopped
            try:
                answers = []
                for prompt, echo in prompts:
                    if password is not None and not echo and _PASSWORD_PROMPT.fullmatch(prompt):
                        answers.append(password.reveal())
                    else:
                        answers.append(self._answer(instruction, prompt, echo).reveal())
                    password = None
                return answers
            except RemoteError as error:
                self._stopped = error
                raise

        self._transport.auth_timeout = _PERSON_SECONDS
        try:
            self._transport.auth_interactive(self._target.user, answered)
        except (paramiko.SSHException, EOFError, OSError, RemoteError) as error:
            if self._stopped is not None:
                raise self._stopped from None
            return error
        return None if self._transport.is_authenticated() else self._failure()

    def _answer(self, instruction: str, prompt: str, echo: bool) -> Secret:
        asked, about = prompt[:_PROMPT_CHARACTERS], instruction[:_PROMPT_CHARACTERS]
        return self._secret(Wanted(WantedKind.ANSWER, self._target, asked, about, echo=echo))

    def _secret(self, wanted: Wanted) -> Secret:
        if self._credentials is None:
            raise SecretMissing(kind=wanted.kind)
        return self._credentials.secret(wanted)

    def _accepted(self, wanted: Wanted) -> None:
        if self._credentials is not None:
            self._credentials.accepted(wanted)

    def _failure(self) -> Exception:
        return self._transport.get_exception() or paramiko.AuthenticationException("refused")

    def _refused(self, failure: Exception | None) -> RemoteError:
        if isinstance(failure, paramiko.BadAuthenticationType | PartialAuthentication):
            return LoginRefused(**self._facts(), methods=",".join(failure.allowed_types))
        # A plain "no" leaves the connection open; MaxAuthTries ends it with a reason.
        if self._transport.is_active() or self._transport.disconnected is not None:
            return LoginRefused(**self._facts(), reason=self._transport.disconnected or "")
        return LinkLost(reason=str(failure or "closed during login"))

    def _facts(self) -> dict[str, str]:
        return {"user": self._target.user, "key_file": self._target.key_file or ""}
