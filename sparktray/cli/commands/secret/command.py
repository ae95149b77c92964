"""`secret set`, `secret list`, `secret forget`. Contacts nothing but the keyring."""

from __future__ import annotations

from sparktray.cli.commands.hosts import password_on_stdin
from sparktray.cli.problems import DONE, LOGIN, Told
from sparktray.cli.request import Request
from sparktray.cli.tables import aligned
from sparktray.cli.terminal.person import person_at_terminal
from sparktray.control.login.credentials import LoginQuestion
from sparktray.domain.catalogue import Catalogue
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.domain.secret import Secret
from sparktray.domain.text import clean_name
from sparktray.engines.commands import secret_variables
from sparktray.store.catalogue_file import load_catalogue
from sparktray.store.paths import ConfigFolder
from sparktray.store.secrets import Secrets
from sparktray.store.secrets_errors import KeyringUnavailable


def run(request: Request) -> int:
    """Store, show or forget; what the keyring refuses ends with its problem and code 4."""
    folder = ConfigFolder.find(request.options.config)
    keyring = Secrets(folder)
    try:
        match request.options.action:
            case "set":
                return _set(request, keyring)
            case "forget":
                keyring.forget_named(request.options.name)
                return _told(request, stored=False)
            case _:
                return _list(request, keyring, load_catalogue(folder))
    except KeyringUnavailable as error:
        raise Told(error.problem, LOGIN) from None


def _set(request: Request, keyring: Secrets) -> int:
    value = password_on_stdin() if request.options.stdin else _typed(request)
    if any(character in value.reveal() for character in "\r\n\0"):
        raise Told(
            Problem(
                "usage",
                phrase("A secret of several lines cannot be handed to a container."),
                phrase("Give the value as one line."),
            )
        )
    keyring.set_named(request.options.name, value)
    return _told(request, stored=True)


def _typed(request: Request) -> Secret:
    person = person_at_terminal(request.say, as_json=request.out.as_json)
    what = phrase("Value of {name}", name=clean_name(request.options.name))
    answer = person.ask(LoginQuestion(what, "", echo=False)) if person is not None else None
    if answer is None:
        raise Told(
            Problem(
                "usage",
                phrase("There is no value."),
                phrase(
                    "Type it at a terminal, or give it on stdin: sparktray secret set NAME --stdin < FILE"
                ),
            )
        )
    return answer


def _told(request: Request, *, stored: bool) -> int:
    name = request.options.name
    if request.out.as_json:
        request.out.json({"secret": name, "stored": stored})
    elif stored:
        request.out.line(request.say(phrase("The secret {name} is stored.", name=clean_name(name))))
    else:
        request.out.line(
            request.say(phrase("The secret {name} is not stored any more.", name=clean_name(name)))
        )
    return DONE


def _list(request: Request, keyring: Secrets, catalogue: Catalogue) -> int:
    """The names that the catalogue mentions: the keyring does not tell what else it holds."""
    used: dict[str, list[str]] = {}
    for model in catalogue.models:
        for _, name in secret_variables(model):
            used.setdefault(name, []).append(model.id)
    found = [(name, models, keyring.named(name) is not None) for name, models in used.items()]
    if request.out.as_json:
        request.out.json({"secrets": [{"secret": n, "models": m, "stored": s} for n, m, s in found]})
        return DONE
    if not found:
        request.out.line(request.say(phrase("No model of the catalogue needs a secret.")))
    words = {True: request.say(phrase("stored")), False: request.say(phrase("not stored"))}
    for line in aligned([name, words[stored], ", ".join(models)] for name, models, stored in found):
        request.out.line(line)
    return DONE
