"""`host`: which Sparks there are, and how to reach them."""

from __future__ import annotations

import argparse
import getpass
import os
import sys

from msgspec.structs import asdict, replace

from sparktray.cli.commands.host_key import asks, forget_key, judged
from sparktray.cli.output import Output
from sparktray.cli.problems import DONE, Told
from sparktray.cli.request import Request, wanted_host
from sparktray.cli.tables import aligned
from sparktray.control.checking import unusable
from sparktray.control.login.credentials import Vault
from sparktray.domain.host import HostProfile, Login
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.problem import Problem
from sparktray.domain.secret import Secret
from sparktray.store.hosts import Hosts, HostsFile
from sparktray.store.paths import ConfigFolder
from sparktray.store.secrets import SecretKind, Secrets
from sparktray.store.secrets_errors import KeyringUnavailable

# More than any keyring takes; the rest of a long line is not read.
_LONGEST_PASSWORD = 16 * 1024


def run(request: Request) -> int:
    """One of the actions on the list of hosts."""
    hosts = HostsFile(ConfigFolder.find(request.options.config))
    match request.options.action:
        case "add":
            return _add(request, hosts)
        case "list":
            return _list(request, hosts.load())
        case "use":
            used = hosts.use(request.options.name)
            said = phrase("{host} is the host in use.", host=used.in_use)
            _tell(request.out, {"in_use": used.in_use}, said)
            return DONE
        case "forget-key":
            return forget_key(request, hosts)
        case "set-up-key":
            from sparktray.cli.commands.host_login import set_up

            return set_up(request, hosts)
        case "remove":
            known = hosts.get(request.options.name)
            left = hosts.remove(request.options.name)
            if known is not None:
                _forget(request, known)
            said = phrase("{host} is removed from the list.", host=request.options.name)
            _tell(request.out, {"removed": request.options.name, "in_use": left.in_use}, said)
            return DONE
        case _:
            from sparktray.cli.commands.host_check import tested

            name = request.options.name or request.options.host
            return tested(request, wanted_host(hosts.load(), name))


def _tell(out: Output, value: dict[str, object], said: Phrase) -> None:
    if out.as_json:
        out.json(value)
    else:
        out.line(out.say(said))


def _list(request: Request, hosts: Hosts) -> int:
    if request.out.as_json:
        request.out.json({"hosts": [asdict(each) for each in hosts.profiles], "in_use": hosts.in_use})
        return DONE
    if not hosts.profiles:
        request.out.line(request.say(phrase("No host is set up yet.")))
    for line in aligned(_row(each, in_use=each.name == hosts.in_use) for each in hosts.profiles):
        request.out.line(line)
    return DONE


def _row(host: HostProfile, *, in_use: bool) -> list[str]:
    where = f"{host.user or '?'}@{host.address}:{host.port}" if host.by_ssh else host.address
    where = ", ".join((where, *host.further))
    ways = {Login.KEY: host.key_file or "", Login.AGENT: "SSH agent", Login.PASSWORD: "password"}
    return ["*" if in_use else "", host.name, where, ways[host.login], host.fingerprint or ""]


def _add(request: Request, hosts: HostsFile) -> int:
    profile = _checked(_profile(request, hosts.load()))
    if asks(request) and profile.fingerprint is None and profile.by_ssh:
        profile = judged(request, profile)
    password = password_on_stdin() if request.options.password_stdin else None
    saved = hosts.add(profile)
    if password is not None:
        _keep(request, profile, password)
    in_use = saved.in_use == profile.name
    said = phrase("{host} is saved.", host=profile.name)
    if in_use:
        said = phrase("{host} is saved and is the host in use.", host=profile.name)
    _tell(request.out, {"host": asdict(profile), "in_use": in_use}, said)
    return DONE


def _profile(request: Request, hosts: Hosts) -> HostProfile:
    """A new profile; or the known one of that name with what was given in place of what it was."""
    options = request.options
    key = None if options.key is None else os.path.abspath(os.path.expanduser(options.key))
    given = {
        "address": None if options.address is None else options.address[0],
        "further": None if options.address is None else tuple(options.address[1:]),
        "port": options.port,
        "user": options.user,
        "key_file": key,
        "fingerprint": options.fingerprint,
        "models_dir": options.models_dir,
        "cache_dir": options.cache_dir,
        "login": _login(options),
        "agent_key": options.agent or None,
        "sudo": options.sudo,
    }
    given = {name: value for name, value in given.items() if value is not None}
    known = hosts.get(options.name)
    if known is None:
        if options.address is None:
            raise Told(
                Problem(
                    "usage",
                    phrase("A new host needs an address."),
                    phrase("Add --address with its name or IP address; local means this computer."),
                )
            )
        known = HostProfile(options.name, options.address[0])
    changed = replace(known, **given)
    if changed.user is None and changed.by_ssh:
        changed = replace(changed, user=getpass.getuser())
    return changed


def _login(options: argparse.Namespace) -> Login | None:
    """How to log in as the command line has it; None when it does not say."""
    if options.password_stdin:
        return Login.PASSWORD
    if options.agent is not None:
        return Login.AGENT
    return None if options.key is None else Login.KEY


def password_on_stdin() -> Secret:
    """The first line of stdin. Raises `Told` for an empty one."""
    line = sys.stdin.buffer.readline(_LONGEST_PASSWORD).rstrip(b"\r\n")
    if line:
        return Secret(line.decode("utf-8", "surrogateescape"))
    raise Told(
        Problem(
            "usage",
            phrase("There is no password on stdin."),
            phrase("Give it as the first line: sparktray host add NAME --password-stdin < FILE"),
        )
    )


def _keep(request: Request, host: HostProfile, password: Secret) -> None:
    """Into the keyring; where there is none the host is set up all the same, and asks each time."""
    try:
        _secrets(request).set(host.name, SecretKind.PASSWORD, password)
    except KeyringUnavailable as error:
        request.out.problem(error.problem)


def _forget(request: Request, host: HostProfile) -> None:
    """What the keyring holds for a host that is gone; one that cannot be asked is told of."""
    try:
        Vault(_secrets(request)).forget(host)
    except KeyringUnavailable as error:
        request.out.problem(error.problem)


def _secrets(request: Request) -> Secrets:
    return Secrets(
        ConfigFolder.find(request.options.config),
        asking=lambda said: request.out.aside(request.say(said)),
    )


def _checked(host: HostProfile) -> HostProfile:
    """The profile, when nothing in it can be taken for an option or for shell text. Raises `Told`."""
    for _, problem in unusable(host):
        raise Told(problem)
    return host
