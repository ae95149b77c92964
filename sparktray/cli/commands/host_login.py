"""`host set-up-key`: from a password, given once, to a key of this computer's own."""

from __future__ import annotations

from contextlib import suppress

from msgspec.structs import asdict, replace

from sparktray.cli.commands.hosts import password_on_stdin
from sparktray.cli.problems import DONE, UNREACHABLE, Told, exit_of
from sparktray.cli.request import Request, wanted_host
from sparktray.cli.terminal.person import person_at_terminal
from sparktray.control.login.credentials import AsksForSecrets, LoginQuestion, Unkept
from sparktray.control.login.key_setup import set_up_key
from sparktray.control.problems import problem_of
from sparktray.domain.host import HostProfile, Login
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.domain.secret import Secret
from sparktray.remote.errors import RemoteError
from sparktray.store.hosts import HostsFile
from sparktray.store.paths import ConfigFolder
from sparktray.store.secrets import Secrets
from sparktray.store.secrets_errors import KeyringUnavailable
from sparktray.wiring import dialer, vault_of


class _Once:
    """A password that was given beforehand: good for one question, and never kept."""

    def __init__(self, password: Secret) -> None:
        self._password: Secret | None = password

    def ask(self, question: LoginQuestion) -> Secret | None:
        """See `AsksForSecrets`."""
        password, self._password = self._password, None
        return password

    def keeps(self) -> bool:
        """See `AsksForSecrets`."""
        return False


def set_up(request: Request, hosts: HostsFile) -> int:
    """Make the key and use it from now on; a password that was kept for the host is forgotten."""
    host = wanted_host(hosts.load(), request.options.name or request.options.host)
    folder = ConfigFolder.find(request.options.config)
    if not host.by_ssh:
        raise Told(
            Problem(
                "usage",
                phrase("This computer needs no key to reach itself."),
                phrase("Name a host that is reached by SSH."),
            )
        )
    vault = vault_of(folder)
    try:
        keyed = set_up_key(host, folder, dialer(vault, _person(request)), dialer(vault))
    except RemoteError as error:
        problem = problem_of(error, replace(host, login=Login.PASSWORD))
        raise Told(problem, exit_of(problem.code, UNREACHABLE)) from None
    hosts.add(keyed)
    with suppress(KeyringUnavailable):
        Secrets(folder).forget(host.name)
    _tell(request, keyed)
    return DONE


def _person(request: Request) -> AsksForSecrets | None:
    if request.options.password_stdin:
        return _Once(password_on_stdin())
    person = person_at_terminal(request.say, as_json=request.out.as_json)
    return None if person is None else Unkept(person)


def _tell(request: Request, host: HostProfile) -> None:
    if request.out.as_json:
        request.out.json({"host": asdict(host)})
        return
    request.out.line(
        request.say(
            phrase(
                "{host} is logged in to with a key of its own from now on: {path}. The password is not kept.",
                host=host.name,
                path=host.key_file or "",
            )
        )
    )
