"""`webui sign-in`, `webui sign-out`: the key of one account, for what only Open WebUI itself can do."""

from __future__ import annotations

import sys

from sparktray.cli.commands.hosts import password_on_stdin
from sparktray.cli.problems import DONE, LOGIN, Told
from sparktray.cli.request import Request, Session
from sparktray.cli.terminal.person import person_at_terminal
from sparktray.control.login.credentials import LoginQuestion
from sparktray.control.open_webui import port_of
from sparktray.control.reading import converse
from sparktray.decide.webui import api
from sparktray.decide.webui.account import key_name, not_signed_in
from sparktray.decide.webui.api import SignedIn
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.domain.secret import Secret
from sparktray.domain.text import clean_name
from sparktray.store.paths import ConfigFolder
from sparktray.store.secrets import Secrets
from sparktray.store.secrets_errors import KeyringUnavailable


def sign_in(request: Request, session: Session) -> int:
    """Sign in with email and password, or take an API key; the keyring keeps what is valid."""
    snapshot, remote = session.containers(), session.remote()
    port = port_of(remote, snapshot.catalogue.open_webui)
    if request.options.api_key_stdin:
        found = converse(remote.http, port, api.who(password_on_stdin()))
    else:
        email = request.options.email or _typed(request)
        found = converse(remote.http, port, api.sign_in(email, _password(request, email)))
    if isinstance(found, Problem):
        raise Told(found, LOGIN)
    _keep(request, session.host.name, found)
    email = found.email or request.say(phrase("the account of the API key"))
    if request.out.as_json:
        request.out.json({"host": session.host.name, "email": found.email or None, "admin": found.admin})
    else:
        request.out.line(request.say(phrase("Signed in to Open WebUI as {email}.", email=clean_name(email))))
    return DONE


def sign_out(request: Request, session: Session) -> int:
    """Forget the key."""
    try:
        keyring(request).forget_named(key_name(session.host.name))
    except KeyringUnavailable as error:
        raise Told(error.problem) from None
    if request.out.as_json:
        request.out.json({"host": session.host.name, "email": None})
    else:
        request.out.line(request.say(phrase("The key of Open WebUI is forgotten on this computer.")))
    return DONE


def kept_key(request: Request, session: Session) -> Secret:
    """The key that the keyring keeps. Raises `Told` when there is none."""
    try:
        key = keyring(request).named(key_name(session.host.name))
    except KeyringUnavailable as error:
        raise Told(error.problem, LOGIN) from None
    if key is None:
        raise Told(not_signed_in(), LOGIN)
    return key


def _keep(request: Request, host: str, found: SignedIn) -> None:
    try:
        keyring(request).set_named(key_name(host), found.key)
    except KeyringUnavailable as error:
        raise Told(error.problem, LOGIN) from None


def keyring(request: Request) -> Secrets:
    """The keyring of the config folder in use."""
    return Secrets(ConfigFolder.find(request.options.config))


def _typed(request: Request) -> str:
    if request.out.as_json or not sys.stdin.isatty():
        raise Told(_needs_a_person())
    request.out.aside(request.say(phrase("Email of your account in Open WebUI:")) + " ", end="")
    return sys.stdin.readline().strip()


def _password(request: Request, email: str) -> Secret:
    if request.options.password_stdin:
        return password_on_stdin()
    person = person_at_terminal(request.say, as_json=request.out.as_json)
    what = phrase("Password of {email} in Open WebUI", email=clean_name(email))
    answer = person.ask(LoginQuestion(what, "", echo=False)) if person is not None else None
    if answer is None:
        raise Told(_needs_a_person())
    return answer


def _needs_a_person() -> Problem:
    return Problem(
        "usage",
        phrase("Signing in needs a person at a terminal, or --email with --password-stdin."),
        phrase("An API key works too: sparktray webui sign-in --api-key-stdin < FILE"),
    )
