"""The key by which a host is known: judged when it is new, forgotten in two steps when it has changed."""

from __future__ import annotations

import sys

from msgspec.structs import replace

from sparktray.cli.problems import CANCELLED, DONE, Told
from sparktray.cli.request import Request, wanted_host
from sparktray.control.checking import read_fingerprint
from sparktray.control.login.credentials import Vault
from sparktray.control.problems import problem_of
from sparktray.domain.host import HostProfile
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.problem import Problem
from sparktray.remote.contract import HostKey
from sparktray.remote.errors import RemoteError
from sparktray.remote.host import look_at_key
from sparktray.remote.ssh_files.target import target_of
from sparktray.store.hosts import HostsFile
from sparktray.store.paths import ConfigFolder
from sparktray.store.secrets import Secrets
from sparktray.store.secrets_errors import KeyringUnavailable


def asks(request: Request) -> bool:
    """True when a person sits at the terminal who can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty() and not request.out.as_json


def judged(request: Request, host: HostProfile) -> HostProfile:
    """Show the key the host has and ask whether it is the right one; pinned only when the person says yes."""
    out, say = request.out, request.say
    try:
        key = _shown_by(host)
    except RemoteError as error:
        out.problem(problem_of(error, host))
        out.line(say(phrase("The host key could not be looked at; it is asked for later.")))
        return host
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
        return replace(host, fingerprint=key.fingerprint, key_type=key.key_type)
    out.line(say(phrase("The host key is not accepted; the host is saved without it.")))
    return host


def forget_key(request: Request, hosts: HostsFile) -> int:
    """`host forget-key`: the first of two steps. The second is the unknown key at the next connection."""
    host = wanted_host(hosts.load(), request.options.name)
    if host.fingerprint is None:
        _say(request, host, phrase("No host key of {host} is kept.", host=host.name))
        return DONE
    if not request.options.yes:
        if not asks(request):
            raise Told(
                Problem(
                    "usage",
                    phrase("Forgetting the host key of {host} needs a person, or --yes.", host=host.name),
                    phrase("Run it in a terminal; it shows both fingerprints and asks."),
                )
            )
        if not _is_meant(request, host):
            request.out.line(request.say(phrase("Nothing is changed.")))
            return CANCELLED
    try:
        # Whoever shows the next key gets nothing that was kept for this one.
        Vault(Secrets(ConfigFolder.find(request.options.config))).forget(host)
    except KeyringUnavailable as error:
        request.out.problem(error.problem)
    hosts.add(replace(host, fingerprint=None, key_type=None))
    _say(
        request,
        host,
        phrase(
            "The host key of {host} is forgotten. The next connection stops at the one it shows then: "
            "sparktray host test {host}",
            host=host.name,
        ),
    )
    return DONE


def _shown_by(host: HostProfile) -> HostKey:
    return look_at_key(target_of(host))


def _is_meant(request: Request, host: HostProfile) -> bool:
    """Show both keys; a yes is the name of the host, typed."""
    out, say = request.out, request.say
    out.line(
        say(phrase("Kept for {host}: {fingerprint}", host=host.name, fingerprint=host.fingerprint or ""))
    )
    try:
        shown = _shown_by(host)
        out.line(say(phrase("Shown by it now: {fingerprint}", fingerprint=shown.fingerprint)))
    except RemoteError as error:
        out.problem(problem_of(error, host))
    out.line(
        say(
            phrase(
                "A key changes when a host is set up anew. If nobody did that, another machine may be "
                "answering in its place."
            )
        )
    )
    out.aside(say(phrase("To forget the kept key, type the name of the host:")) + " ", end="")
    return sys.stdin.readline().strip() == host.name


def _say(request: Request, host: HostProfile, said: Phrase) -> None:
    if request.out.as_json:
        request.out.json({"host": host.name, "fingerprint": None})
    else:
        request.out.line(request.say(said))
