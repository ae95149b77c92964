"""Real OpenSSH servers with throw-away keys, on the rig's loopback."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.rig import namespace
from tests.rig.engine import CLIENT, SYSTEM_PATH
from tests.rig.people import PEOPLE, SPARKUSER
from tests.waiting import scaled, wait_until

ADDRESS = "127.0.0.1"
PORT = 2222
PROGRAM = "/usr/sbin/sshd"
KEYS = namespace.RUN / "keys"


def _fingerprint(public: Path) -> str:
    listing = subprocess.run(["ssh-keygen", "-lf", str(public)], check=True, capture_output=True, text=True)
    return listing.stdout.split()[1]


def make_key(path: Path, kind: str = "ed25519", passphrase: str = "") -> Path:
    """A new private key at PATH, mode 0600, and PATH.pub beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "rig", "-f", str(path)]
    subprocess.run(command, check=True)
    return path


@cache
def client_key() -> Path:
    """The private key every rig user accepts."""
    key = make_key(KEYS / "client")
    accepted = KEYS / "authorized"
    accepted.mkdir(mode=0o755)
    for person in PEOPLE:
        (accepted / person.name).write_text(key.with_suffix(".pub").read_text())
    return key


@cache
def host_key(name: str, kind: str) -> Path:
    """A host key called NAME: the same name is the same key for the whole run."""
    return make_key(KEYS / f"host-{name}-{kind}", kind)


@cache
def path_without_docker() -> str:
    """A PATH with every program of the machine but docker."""
    farm = namespace.RUN / "no-docker-bin"
    farm.mkdir()
    for program in Path("/usr/bin").iterdir():
        if program.name != Path(CLIENT).name:
            (farm / program.name).symlink_to(program)
    return f"{namespace.RUN / 'bin'}:{farm}"


def default_path() -> str:
    """The PATH of a session: the stub nvidia-smi, then the machine's programs."""
    return f"{namespace.RUN / 'bin'}:{SYSTEM_PATH}"


@dataclass(slots=True)
class Sshd:
    """A running sshd. `stop` ends it and every session it serves."""

    address: str
    port: int
    user: str
    fingerprint: str
    fingerprints: dict[str, str]
    client_key: Path
    log_path: Path
    config_path: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def pid(self) -> int:
        """The listening process."""
        return self.process.pid

    def log(self) -> str:
        """What this sshd logged so far (sessions too)."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def session_pids(self) -> tuple[int, ...]:
        """The processes that serve connections: the listener's children and theirs, still named sshd."""
        found: list[int] = []
        waiting = list(namespace.children_of(self.pid))
        while waiting:
            pid = waiting.pop()
            try:
                name = Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if name.startswith("sshd"):
                found.append(pid)
                waiting.extend(namespace.children_of(pid))
        return tuple(found)

    def drop_sessions(self) -> None:
        """Kill what serves the connections: every client loses its link at once."""
        self._signal_sessions(signal.SIGKILL)

    def freeze(self) -> None:
        """Stop the sessions and the listener without closing anything: a host that no longer answers."""
        namespace.kill(self.pid, signal.SIGSTOP)
        self._signal_sessions(signal.SIGSTOP)

    def thaw(self) -> None:
        """Undo `freeze`."""
        self._signal_sessions(signal.SIGCONT)
        namespace.kill(self.pid, signal.SIGCONT)

    def _signal_sessions(self, number: signal.Signals) -> None:
        for pid in self.session_pids():
            try:
                namespace.kill(pid, number)
            except ProcessLookupError:
                continue

    def stop(self) -> None:
        """End it."""
        if self.process.poll() is None:
            self.thaw()
            self.drop_sessions()
        namespace.end(self.process)


def free_port(address: str = ADDRESS) -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def start(
    *,
    port: int = 0,
    user: str = SPARKUSER.name,
    options: Mapping[str, str] | None = None,
    host_keys: Sequence[str] = ("ed25519", "ecdsa"),
    host_key_name: str = "main",
    path: str | None = None,
    address: str = ADDRESS,
) -> Sshd:
    """Start an sshd (about 30 ms) at an ADDRESS of this network.

    OPTIONS are lines of sshd_config and win over the rig's own; HOST_KEYS are key kinds, the first one's
    fingerprint is `fingerprint`; another HOST_KEY_NAME is another identity; PATH is the sessions' PATH.
    """
    port = port or free_port(address)
    keys = {kind: host_key(host_key_name, kind) for kind in host_keys}
    folder = namespace.RUN / f"sshd-{address}-{port}"
    folder.mkdir(exist_ok=True)
    settings = {
        "Port": str(port),
        "ListenAddress": address,
        "AuthorizedKeysFile": f"{KEYS}/authorized/%u",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "PidFile": "none",
        "LogLevel": "VERBOSE",
        "AllowTcpForwarding": "yes",
        "AllowStreamLocalForwarding": "yes",
        "UseDNS": "no",
        "PrintMotd": "no",
        # Tests open many connections at once; the default drops some of them by chance from the tenth on.
        "MaxStartups": "100",
        "SetEnv": f"PATH={path or default_path()}",
        **(options or {}),
    }
    lines = [f"HostKey {key}" for key in keys.values()] + [
        f"{name} {value}" for name, value in settings.items()
    ]
    config = folder / "config"
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    log = folder / "log"
    log.unlink(missing_ok=True)
    key = client_key()
    process = subprocess.Popen(
        [PROGRAM, "-D", "-f", str(config), "-E", str(log)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    prints = {kind: _fingerprint(path.with_suffix(".pub")) for kind, path in keys.items()}
    handle = Sshd(address, port, user, prints[host_keys[0]], prints, key, log, config, process)
    wait_until(lambda: _listens(handle), f"sshd to listen on {port}", seconds=5)
    return handle


def _listens(handle: Sshd) -> bool:
    if handle.process.poll() is not None:
        raise RuntimeError(f"sshd ended:\n{handle.log()}")
    return "Server listening on" in handle.log() if handle.log_path.exists() else False


def client_argv(server: Sshd) -> list[str]:
    """The real `ssh` client with all that it needs to log in there, but the destination."""
    argv = ["ssh", "-F", "none", "-i", str(server.client_key), "-p", str(server.port)]
    argv += ["-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no"]
    return [*argv, "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]


def run_client(
    server: Sshd, command: str, *, user: str | None = None, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run COMMAND through the real `ssh` client."""
    argv = [*client_argv(server), f"{user or server.user}@{server.address}", command]
    done = subprocess.run(
        argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=scaled(60)
    )
    if check and done.returncode != 0:
        raise AssertionError(f"ssh {command!r} ended with {done.returncode}:\n{done.stderr}")
    return done
