"""`doctor`: everything somebody needs who is to help, in one text without secrets."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

import sparktray
from sparktray.cli.commands.host_check import code_of, dialer_for, lines_of, view_of
from sparktray.cli.commands.journal import row_of
from sparktray.cli.commands.journal import view_of as operation_of
from sparktray.cli.problems import DONE, Told
from sparktray.cli.request import Request, wanted_host, watching
from sparktray.cli.tables import aligned, status_lines
from sparktray.cli.views import status_view
from sparktray.control.checking import Check, checks
from sparktray.domain.host import HostProfile
from sparktray.domain.journal.entry import Entry
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.snapshot import Snapshot
from sparktray.store.catalogue_file import own_catalogue, usable_catalogue
from sparktray.store.hosts import HostsFile
from sparktray.store.journal import Journal
from sparktray.store.paths import ConfigFolder

_PACKAGES = ("PySide6-Essentials", "paramiko", "cryptography", "httpcore", "keyring", "msgspec")
_OPERATIONS = 20
_LOG_LINES = 40


def run(request: Request) -> int:
    """Look at this program, its settings, the host, what runs there and what was done; tell it all.

    Ends with the exit code of the first stage of the check that is not well. Nothing is changed.
    """
    folder = ConfigFolder.find(request.options.config)
    hosts = HostsFile(folder).load()
    host = wanted_host(hosts, request.options.host) if hosts.get() or request.options.host else None
    stages = [] if host is None else list(_checked(request, folder, host))
    snapshot = None if host is None or any(code_of(each) == 3 for each in stages) else _picture(request)
    past = Journal(folder).last(_OPERATIONS)
    if request.out.as_json:
        request.out.json(
            {
                "program": program_facts(),
                "settings": settings_facts(folder),
                "stages": [view_of(request, each) for each in stages],
                "status": None if snapshot is None else _status(request, snapshot),
                "logs": {} if snapshot is None else _logs(snapshot),
                "operations": [_without_commands(operation_of(request, entry)) for entry in past],
            }
        )
    else:
        for line in _report(request, folder, stages, snapshot, past):
            request.out.line(line)
    return next((code for each in stages if (code := code_of(each)) != DONE), DONE)


def _status(request: Request, snapshot: Snapshot) -> dict[str, object]:
    view = status_view(snapshot, request.say)
    under_way = view["operation"]
    return {**view, "operation": _without_commands(under_way) if isinstance(under_way, dict) else None}


def _without_commands(operation: dict[str, object]) -> dict[str, object]:
    """A start's command holds what the entry passes to the engine, maybe a key: not for others."""
    steps = operation["steps"]
    kept = (
        [{k: v for k, v in each.items() if k != "command"} for each in steps]
        if isinstance(steps, list)
        else []
    )
    return {**operation, "steps": kept}


def program_facts() -> dict[str, str]:
    """Versions of the program, of what it stands on and of the system."""
    found = {
        "sparktray": sparktray.__version__,
        "Python": platform.python_version(),
        "system": platform.platform(),
    }
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "-"
    return found


def settings_facts(folder: ConfigFolder) -> dict[str, object]:
    """Where the settings lie, the hosts and their kind of login, the catalogue and its trouble."""
    catalogue, problem = usable_catalogue(folder)
    own = own_catalogue(folder)
    return {
        "folder": str(folder.path),
        "hosts": [_host_facts(each) for each in HostsFile(folder).load().profiles],
        "catalogue": "shipped" if own is None else str(own),
        "catalogue_problem": None if problem is None else problem.code,
        "models": [model.id for model in catalogue.models],
        "servers": [f"{server.name}:{server.port}" for server in catalogue.servers],
    }


def _host_facts(host: HostProfile) -> dict[str, object]:
    return {
        "name": host.name,
        "addresses": list(host.addresses),
        "port": host.port,
        "login": host.login,
        "host_key_known": host.fingerprint is not None,
        "sudo": host.sudo,
    }


def _checked(request: Request, folder: ConfigFolder, host: HostProfile) -> Iterator[Check]:
    yield from checks(host, dialer_for(request, folder), usable_catalogue(folder)[0])


def _picture(request: Request) -> Snapshot | None:
    """What runs, as `status` would tell it; the stages have told already why it cannot be read."""
    try:
        with watching(request) as session:
            return session.settled()
    except Told:
        return None


def _logs(snapshot: Snapshot) -> dict[str, list[str]]:
    """The last lines of every server that has any; keys in them were masked as they came in."""
    return {state.name: list(state.log[-_LOG_LINES:]) for state in snapshot.servers if state.log}


def _report(
    request: Request, folder: ConfigFolder, stages: list[Check], snapshot: Snapshot | None, past: list[Entry]
) -> Iterator[str]:
    say = request.say
    yield from _headed(request, phrase("Program"), aligned([k, v] for k, v in program_facts().items()))
    facts = settings_facts(folder)
    yield from _headed(request, phrase("Settings"), aligned([k, _plain(v)] for k, v in facts.items()))
    lines = [line for each in stages for line in lines_of(request, each)]
    yield from _headed(request, phrase("Host"), lines or [say(phrase("No host is set up yet."))])
    if snapshot is not None:
        yield from _headed(request, phrase("Status"), status_lines(snapshot, request.out))
        for server, log in _logs(snapshot).items():
            yield from _headed(request, phrase("Log of {server}", server=server), log)
    yield from _headed(request, phrase("Operations"), aligned(row_of(request, entry) for entry in past))


def _headed(request: Request, title: Phrase, lines: list[str]) -> Iterator[str]:
    yield f"== {request.say(title)}"
    yield from lines
    yield ""


def _plain(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(_plain(each) for each in value) or "-"
    if isinstance(value, dict):
        return " ".join(f"{key}={_plain(each)}" for key, each in value.items())
    return "-" if value is None else str(value)
