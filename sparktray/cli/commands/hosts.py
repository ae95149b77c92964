"""`host`: which Sparks there are, and how to reach them."""

from __future__ import annotations

import getpass
import os
import sys
from dataclasses import asdict, replace

from sparktray.cli.output import Output
from sparktray.cli.problems import DONE, Told
from sparktray.cli.request import Request, wanted_host
from sparktray.cli.tables import aligned
from sparktray.control.checking import read_fingerprint, unusable
from sparktray.domain.host import LOCAL, HostProfile
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.problem import Problem
from sparktray.store.hosts import Hosts, HostsFile
from sparktray.store.paths import ConfigFolder


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
        case "remove":
            left = hosts.remove(request.options.name)
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
    where = LOCAL if host.is_local else f"{host.user or '?'}@{host.address}:{host.port}"
    return ["*" if in_use else "", host.name, where, host.key_file or "", host.fingerprint or ""]


def _add(request: Request, hosts: HostsFile) -> int:
    profile = _checked(_profile(request, hosts.load()))
    if _asks(request) and profile.fingerprint is None and not profile.is_local:
        profile = replace(profile, fingerprint=_judged(request, profile))
    saved = hosts.add(profile)
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
        "address": options.address,
        "port": options.port,
        "user": options.user,
        "key_file": key,
        "fingerprint": options.fingerprint,
        "models_dir": options.models_dir,
        "cache_dir": options.cache_dir,
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
        known = HostProfile(options.name, options.address)
    changed = replace(known, **given)
    if changed.user is None and not changed.is_local:
        changed = replace(changed, user=getpass.getuser())
    return changed


def _checked(host: HostProfile) -> HostProfile:
    """The profile, when nothing in it can be taken for an option or for shell text. Raises `Told`."""
    for _, problem in unusable(host):
        raise Told(problem)
    return host


def _asks(request: Request) -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and not request.out.as_json


def _judged(request: Request, host: HostProfile) -> str | None:
    """Show the key the host has and ask whether it is the right one; None unless the person says yes."""
    from sparktray.control.problems import problem_of
    from sparktray.remote.errors import RemoteError
    from sparktray.remote.host import look_at_key

    out, say = request.out, request.say
    try:
        key = look_at_key(host.address, host.port)
    except RemoteError as error:
        out.problem(problem_of(error, host))
        out.line(say(phrase("The host key could not be looked at; it is asked for later.")))
        return None
    out.line(
        say(
            phrase(
                "{host} shows this host key: {fingerprint} ({type})",
                host=host.name,
                fingerprint=key.fingerprint,
                type=key.key_type,
            )
        )
    )
    command = read_fingerprint(key.key_type)
    out.line(say(phrase("Compare it with what the host itself prints for: {command}", command=command)))
    out.aside(say(phrase("Is it the same? [y/N]")) + " ", end="")
    if sys.stdin.readline().strip().lower() in {"y", "yes", "j", "ja"}:
        return key.fingerprint
    out.line(say(phrase("The host key is not accepted; the host is saved without it.")))
    return None
