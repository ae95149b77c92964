"""From an error on the road to the host to what a person reads: one sentence, one remedy."""

from __future__ import annotations

from typing import assert_never

from sparktray.domain.host import HostProfile, Login
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.problem import Problem
from sparktray.domain.text import clean_line, clean_name
from sparktray.engines.docker_failures import diagnose_docker
from sparktray.remote.errors import DockerProblem, HostKeyProblem, LoginProblem, RemoteError

READ_FINGERPRINT = "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"


def is_blocking(error: RemoteError) -> bool:
    """True when trying again by itself is useless or harmful: only a person can mend it."""
    return isinstance(error, HostKeyProblem | LoginProblem)


def problem_of(error: RemoteError, host: HostProfile) -> Problem:
    """The problem that an error of ``remote`` is for this host."""
    if isinstance(error, DockerProblem):
        told = diagnose_docker(error.details.get("stderr", "") or error.details.get("message", ""))
        if told is not None:
            return told
    cause, remedy = _sentences(error, host)
    jump = error.details.get("via")
    if jump is not None:
        cause = phrase("On the way, at {jump}: {cause}", jump=clean_name(jump), cause=cause)
        remedy = phrase(
            "Log in to it once in a terminal, which tells more: ssh {jump}", jump=clean_name(jump)
        )
    return Problem(error.code, cause, remedy, clean_line(str(error)))


def internal(error: Exception) -> Problem:
    """A mistake in this program: said as such, with what a report needs."""
    return Problem(
        "internal",
        phrase("sparktray itself made a mistake: {kind}.", kind=type(error).__name__),
        phrase("Look at the status of the host, and report this with the output of --verbose."),
        clean_line(str(error)),
    )


def _sentences(error: RemoteError, host: HostProfile) -> tuple[Phrase, Phrase]:
    if isinstance(error, HostKeyProblem | LoginProblem):
        return _identity(error, host)
    name, port = host.name, host.port
    match error.code:
        case "name-not-found":
            return (
                phrase("The name {address} is not known on this network.", address=host.address),
                phrase("A .local name needs the same network; use the IP address or a VPN name."),
            )
        case "port-closed":
            return (
                phrase("{host} is on, but nothing answers on its SSH port {port}.", host=name, port=port),
                phrase("Start sshd on it, or correct the port: sparktray host add {host} --port", host=name),
            )
        case "host-silent" | "host-unreachable":
            return (
                phrase("{host} does not answer at {address}.", host=name, address=host.address),
                phrase("Check that it is switched on and that this computer is in its network or VPN."),
            )
        case "ssh-silent" | "ssh-broken":
            return (
                phrase(
                    "Something answers on port {port} of {host}, but no usable SSH.", host=name, port=port
                ),
                phrase("If the host is overloaded, wait a minute; else check the port."),
            )
        case "link-lost":
            return (
                phrase("The connection to {host} is lost.", host=name),
                phrase("It is tried again by itself. Check the network if it stays away."),
            )
        case _:
            return _of_docker(error, host)


def _of_docker(error: RemoteError, host: HostProfile) -> tuple[Phrase, Phrase]:
    name = host.name
    match error.code:
        case "docker-missing":
            return (
                phrase("There is no Docker on {host} that this user could reach.", host=name),
                phrase("Install Docker on the host, or put it into the PATH of SSH logins."),
            )
        case "docker-forbidden":
            return (
                phrase("Docker on {host} refuses the user {user}.", host=name, user=host.user or "?"),
                phrase(
                    "Add it to the group: sudo usermod -aG docker {user}. Then connect again.",
                    user=host.user or "?",
                ),
            )
        case "docker-silent":
            return (
                phrase("Docker on {host} does not answer.", host=name),
                phrase("Look at it on the host: systemctl status docker"),
            )
        case "deadline":
            return (
                phrase("{host} did not answer in time.", host=name),
                phrase("It may be short of memory and very slow. Wait a minute, then look again."),
            )
        case "session-refused" | "forwarding-forbidden":
            return (
                phrase("The SSH server of {host} forbids what is needed.", host=name),
                phrase("Allow AllowTcpForwarding and at least two sessions in its sshd_config."),
            )
        case _:
            return (
                phrase("{host} answered unexpectedly.", host=name),
                phrase("Look at the technical detail: {detail}", detail=clean_line(str(error))),
            )


def _identity(error: RemoteError, host: HostProfile) -> tuple[Phrase, Phrase]:
    # All but a list of keys are single names.
    details = {
        key: clean_line(value) if key == "keys" else clean_name(value) for key, value in error.details.items()
    }
    if isinstance(error, HostKeyProblem):
        return _host_key(error.code, details, host)
    match error.code:
        case "key-unusable":
            return _key_file(details, host)
        case "key-not-accepted":
            return (
                phrase("{host} took the new key and does not log in with it.", host=host.name),
                phrase("Its sshd may read other lists of keys: look for AuthorizedKeysFile in sshd_config."),
            )
        case "agent-unusable":
            return _agent(details, host)
        case "login-cancelled":
            return (
                phrase("The login to {host} was cancelled.", host=host.name),
                phrase("Connect again to be asked again."),
            )
        case "secret-missing":
            return _secret(details, host)
        case _:
            return _refused(host)


def _host_key(code: str, details: dict[str, str], host: HostProfile) -> tuple[Phrase, Phrase]:
    match code:
        case "host-key-unknown":
            return (
                phrase(
                    "The host key of {host} is not known yet: {fingerprint} ({type}).",
                    host=host.name,
                    fingerprint=details.get("fingerprint", "?"),
                    type=details.get("key_type", "?"),
                ),
                phrase(
                    "Compare it with what the host shows for {command}, then: "
                    "sparktray host add {host} --address {address} --fingerprint {fingerprint}",
                    command=READ_FINGERPRINT,
                    host=host.name,
                    address=host.address,
                    fingerprint=details.get("fingerprint", "?"),
                ),
            )
        case "host-key-changed" if "missing_type" in details:
            return (
                phrase(
                    "{host} does not show its {type} host key any more, but another one: {shown}. "
                    "Nothing was sent.",
                    host=host.name,
                    type=details["missing_type"],
                    shown=details.get("shown", "?"),
                ),
                _after_change(details, host),
            )
        case "host-key-changed":
            return (
                phrase(
                    "The host key of {host} has changed: expected {expected}, shown {shown}. "
                    "Nothing was sent.",
                    host=host.name,
                    expected=details.get("expected", "?"),
                    shown=details.get("shown", "?"),
                ),
                _after_change(details, host),
            )
        case _:
            return (
                phrase(
                    "{host} shows a host key that your known_hosts has revoked: {shown}. Nothing was sent.",
                    host=host.name,
                    shown=details.get("fingerprint", "?"),
                ),
                phrase("Do not log in to it. Ask whoever revoked the key, and give the host a new one."),
            )


def _after_change(details: dict[str, str], host: HostProfile) -> Phrase:
    if details.get("source") == "known_hosts":
        return phrase(
            "If you did not set the host up anew, somebody may be in between. If you did, take the old key "
            "out of your known_hosts: ssh-keygen -R {address}",
            address=details.get("address", host.address),
        )
    return phrase(
        "If you did not set the host up anew, somebody may be in between. If you did: "
        "sparktray host forget-key {host}",
        host=host.name,
    )


def _refused(host: HostProfile) -> tuple[Phrase, Phrase]:
    facts = {"host": host.name, "user": host.user or "?"}
    match host.login:
        case Login.PASSWORD:
            return (
                phrase("{host} refuses the login of {user} with this password.", **facts),
                phrase("Give the right one: sparktray host add {host} --password-stdin", host=host.name),
            )
        case Login.KEY | Login.AGENT:
            return (
                phrase("{host} refuses the login of {user} with this key.", **facts),
                phrase("Install the key on the host: ssh-copy-id, or correct user and key file."),
            )
        case _:  # pragma: no cover
            assert_never(host.login)


def _secret(details: dict[str, str], host: HostProfile) -> tuple[Phrase, Phrase]:
    if details.get("reason") == "refused":
        cause = phrase("{host} refuses the password or passphrase that is kept.", host=host.name)
    else:
        cause = phrase("{host} wants a password or passphrase, and none is kept.", host=host.name)
    return cause, phrase(
        "Choose Try now in sparktray's window to type it, or in a terminal: sparktray status --host {host}",
        host=host.name,
    )


def _agent(details: dict[str, str], host: HostProfile) -> tuple[Phrase, Phrase]:
    name = host.name
    match details.get("reason"):
        case "not-running":
            return (
                phrase("No SSH agent is running for this program."),
                phrase("Start one, or use a key file: sparktray host add {host} --key FILE", host=name),
            )
        case "empty":
            return (
                phrase("The SSH agent holds no key, or is locked."),
                phrase("Give it the key: ssh-add FILE. Unlock it: ssh-add -X"),
            )
        case "several":
            return (
                phrase("The SSH agent holds several keys: {keys}", keys=details.get("keys", "")),
                phrase("Name the one for this host: sparktray host add {host} --agent SHA256:…", host=name),
            )
        case "key-missing":
            return (
                phrase("The SSH agent does not hold the key of {host}.", host=name),
                phrase("Give it the key: ssh-add FILE"),
            )
        case "refused":
            return (
                phrase("The SSH agent did not sign the login to {host}.", host=name),
                phrase("Confirm it or touch the security key when asked, then connect again."),
            )
        case _:
            return (
                phrase("The SSH agent does not answer."),
                phrase("Restart it, or use a key file: sparktray host add {host} --key FILE", host=name),
            )


def _key_file(details: dict[str, str], host: HostProfile) -> tuple[Phrase, Phrase]:
    path = host.key_file or ""
    match details.get("reason"):
        case "none-configured":
            return (
                phrase("No key file is set up for {host}.", host=host.name),
                phrase("Add one: sparktray host add {host} --key FILE", host=host.name),
            )
        case "missing":
            return (
                phrase("The key file {path} is not there.", path=path),
                phrase("Correct it: sparktray host add {host} --key FILE", host=host.name),
            )
        case "unsafe-mode":
            return (
                phrase("Other users can read the key file {path}.", path=path),
                phrase("Close it: chmod 600 {path}", path=path),
            )
        case "unsafe-owner":
            return (
                phrase("The key file {path} belongs to another user.", path=path),
                phrase("Use a key of your own: sparktray host add {host} --key FILE", host=host.name),
            )
        case "public-key" | "public-half":
            return (
                phrase("The private key is needed, and {path} does not show it.", path=path),
                phrase("Name the file without .pub, or let the SSH agent log in: --agent"),
            )
        case "passphrase":
            return (
                phrase("That was not the passphrase of the key file {path}.", path=path),
                phrase("Connect again to be asked again."),
            )
        case _:
            return (
                phrase("The key file {path} cannot be read as a private key.", path=path),
                phrase("Use an OpenSSH key: ssh-keygen -t ed25519"),
            )


def changed(name: str) -> Problem:
    """Another container bears the name than the one that was planned for."""
    return Problem(
        "host-changed",
        phrase("Container {name} is not the one that was planned for any more.", name=name),
        phrase("Somebody else changed the host. Look at the status and try again."),
    )


def not_achieved(argv: tuple[str, ...], said: str) -> Problem:
    """A docker command ran, and the host is not as it should be then; ``said`` is its stderr."""
    what: Phrase = phrase("The command {command} did not do what it should.", command=" ".join(argv[:2]))
    remedy = (
        phrase("Docker said: {text}", text=clean_line(said.strip()))
        if said.strip()
        else phrase("Look at the log.")
    )
    return Problem("not-achieved", what, remedy, said)


def no_image(image: str, said: str) -> Problem:
    """An image could not be fetched; ``said`` is docker's stderr."""
    return Problem(
        "image-missing",
        phrase("The image {image} is not on the host and could not be fetched.", image=image),
        phrase("Fetch it on the host: docker pull {image}", image=image),
        said,
    )


def unstored(name: str) -> Problem:
    """A secret that the keyring does not hold (any more)."""
    return Problem(
        "secret-missing",
        phrase("The secret {name} is not stored.", name=clean_name(name)),
        phrase("Store it in the keyring: sparktray secret set {name}", name=clean_name(name)),
    )
