"""What the layers above may ask of a host: the protocol ``Remote`` and the plain values it gives.

`RemoteHost` (SSH or local) and the built-in demo both offer exactly this and pass the same tests. All calls
block, are bounded by their deadline (seconds from now), may come from any thread but the interface's, and
raise only `sparktray.remote.errors.RemoteError`. Nothing here is interpreted: JSON comes as it was sent.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol, Self, TypeVar

import msgspec

from sparktray.domain.host import Login
from sparktray.domain.secret import Secret
from sparktray.remote.link import ByteStream, Cancel

MIB = 1024 * 1024

T_co = TypeVar("T_co", covariant=True)
Json = dict[str, Any]


class SshTarget(msgspec.Struct, frozen=True):
    """Where and as whom to log in. ``fingerprint`` ("SHA256:...") is the only identity that is trusted.

    Only while it is None do those of ``trusted`` count, which the person's known_hosts vouches for; their
    types are ``trusted_types``. A key in ``revoked`` is refused in any case. ``connect_seconds`` bounds the
    attempt at each address, None for the usual time.
    ``host_key_type`` (for example "ssh-ed25519") is the type of the pinned key when known; it saves a second
    key exchange with a host that would show another of its keys first. ``agent_key`` is the fingerprint of
    the one key that the agent is asked for, None for that of ``key_file``, or else its only one.
    ``further`` are more addresses of the same host, raced with the first. ``jumps`` are hosts on the way, the
    first one first (ProxyJump): each is logged in to, and only the last one's forwarding leads on; then
    ``further`` is passed over.
    """

    address: str
    port: int = 22
    user: str = ""
    key_file: str | None = None
    fingerprint: str | None = None
    host_key_type: str | None = None
    login: Login = Login.KEY
    agent_key: str | None = None
    trusted: tuple[str, ...] = ()
    trusted_types: tuple[str, ...] = ()
    revoked: tuple[str, ...] = ()
    connect_seconds: float | None = None
    further: tuple[str, ...] = ()
    jumps: tuple["SshTarget", ...] = ()


class HostKey(msgspec.Struct, frozen=True):
    """The public key a host shows: its SSH name ("ssh-ed25519") and its fingerprint ("SHA256:...")."""

    key_type: str
    fingerprint: str


class WantedKind(StrEnum):
    """What a login may need of a person."""

    PASSWORD = "password"  # noqa: S105  the name of a kind
    PASSPHRASE = "passphrase"  # noqa: S105  the same
    ANSWER = "answer"


class Wanted(msgspec.Struct, frozen=True):
    """A secret that a login to ``target`` needs now.

    PASSPHRASE opens ``target.key_file``. ANSWER is one to the server's own ``prompt`` (its words, not
    cleaned; with the ``instruction`` it sent along), shown while typed when ``echo``. ``refused``: the one
    given before was wrong.
    """

    kind: WantedKind
    target: SshTarget
    prompt: str = ""
    instruction: str = ""
    echo: bool = False
    refused: bool = False


class Credentials(Protocol):
    """Where secrets come from: the keyring, or a person. On the connecting thread, which may wait long."""

    def secret(self, wanted: Wanted) -> Secret:
        """The secret. Raises SecretMissing (nobody can be asked) and LoginCancelled (a person said no)."""
        ...

    def accepted(self, wanted: Wanted) -> None:
        """What was last given for it was right."""
        ...


class Finished(msgspec.Struct, frozen=True):
    """A command's end. ``exit_code`` None: ended by a signal. ``cut``: only the last bytes were kept."""

    exit_code: int | None
    stdout: bytes
    stderr: bytes
    cut: bool = False


class HttpAnswer(msgspec.Struct, frozen=True):
    """An HTTP answer, whatever its status."""

    status: int
    body: bytes


class EntryKind(StrEnum):
    """What a name in a folder leads to (links are followed)."""

    FILE = "file"
    FOLDER = "folder"
    BROKEN_LINK = "broken-link"
    OTHER = "other"


class Entry(msgspec.Struct, frozen=True):
    """One name in a folder; ``size`` in bytes."""

    name: str
    size: int
    kind: EntryKind


class RawSample(msgspec.Struct, frozen=True):
    """Texts read at one moment on the host, exactly as printed; "" where a program is missing or failed.

    meminfo: the lines MemTotal and MemAvailable of /proc/meminfo. gpu: nvidia-smi CSV of name,
    utilization.gpu, temperature.gpu, power.draw (no header, no units). processes: nvidia-smi CSV of the
    compute processes' pid and used_memory (header, no units, MiB). cgroups: for each of them that belongs
    to a container "/proc/PID/cgroup:" and the line that says so. These two may be older than the rest, by
    a minute at most while the host's available memory has not moved.
    """

    meminfo: str
    gpu: str
    processes: str
    cgroups: str


class Stream(Protocol[T_co]):
    """Items as they come. Iteration ends when the far end ends or close() was called (from any thread).

    Raises LinkLost when the link is lost.
    """

    def __iter__(self) -> Iterator[T_co]: ...
    def __next__(self) -> T_co: ...
    def close(self) -> None:
        """End it; whoever waits for an item is woken."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


class HttpStream(Stream[bytes], Protocol):
    """The body of an answer in chunks, as they come."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...


class Http(Protocol):
    """HTTP to the host's own 127.0.0.1 ports. No redirects, no proxies."""

    def ask(
        self,
        port: int,
        method: str,
        path: str,
        *,
        json: object | None = None,
        headers: Mapping[str, str] | None = None,
        deadline: float,
        cap: int = MIB,
        cancel: Cancel | None = None,
    ) -> HttpAnswer:
        """One request, its whole answer within ``deadline``; ``cap`` bounds the decoded body.

        Raises ConnectionRefused, DeadlinePassed, TooLarge, BadAnswer, ForwardingForbidden, Cancelled.
        """
        ...

    def stream(
        self,
        port: int,
        method: str,
        path: str,
        *,
        json: object | None = None,
        headers: Mapping[str, str] | None = None,
        deadline: float,
        cancel: Cancel | None = None,
    ) -> HttpStream:
        """One request; ``deadline`` bounds the time to its status, the body may take for ever."""
        ...


class Docker(Protocol):
    """The Docker Engine API. Raises DockerMissing, DockerForbidden, DockerSilent, DockerAnswered besides."""

    def get(self, path: str, params: Mapping[str, str] | None = None, *, deadline: float = 10.0) -> object:
        """GET an unversioned path (``/containers/json``) as decoded JSON, at most 16 MiB."""
        ...

    def containers(self, *, deadline: float = 10.0) -> list[Json]:
        """All containers, stopped ones too."""
        ...

    def inspect(self, container: str, *, deadline: float = 10.0) -> Json | None:
        """One container by id or name; None when there is none."""
        ...

    def info(self, *, deadline: float = 10.0) -> Json:
        """The engine: SystemTime, NCPU, MemTotal, ServerVersion and more."""
        ...

    def image(self, reference: str, *, deadline: float = 10.0) -> Json | None:
        """One image; None when it is not there."""
        ...

    def logs(
        self, container: str, *, tail: int, since: float | None = None, deadline: float = 10.0
    ) -> list[bytes]:
        """The last lines of both streams, without their line ends."""
        ...

    def follow_logs(
        self, container: str, *, tail: int | None = None, since: float | None = None
    ) -> Stream[bytes]:
        """Lines as they come (``tail`` None: from the beginning), until the container ends."""
        ...

    def events(self, since: float | None = None) -> Stream[Json]:
        """Container events on a channel of their own; ``since`` (epoch) replays what the engine still has."""
        ...

    def create_container(self, name: str, body: Mapping[str, Any], *, deadline: float = 30.0) -> str:
        """Create from a full body; the new id. The one change made by API."""
        ...


class Remote(Protocol):
    """One connected host."""

    @property
    def docker(self) -> Docker:
        """The Docker Engine API."""
        ...

    @property
    def http(self) -> Http:
        """HTTP to the host's own ports."""
        ...

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        deadline: float,
        on_output: Callable[[bytes, bytes], None] | None = None,
        cancel: Cancel | None = None,
        cap: int = MIB,
        terminal: bool = False,
    ) -> Finished:
        """Run a command to its end; every argument reaches it byte for byte.

        ``on_output(stdout, stderr)`` gets all of it in chunks, in this thread; of each stream the last
        ``cap`` bytes are kept. At the deadline or on cancel the command gets TERM and DeadlinePassed or
        Cancelled is raised. No such program: exit code 127. ``terminal``: its output is a terminal of 80
        columns (both streams come as stdout, with carriage returns); where the host grants none, it is not.
        """
        ...

    def read_file(self, path: str, *, cap: int = MIB, deadline: float = 10.0) -> bytes | None:
        """A whole file by absolute path; None when it is not there. Raises TooLarge, CommandFailed."""
        ...

    def list_folder(self, path: str, *, deadline: float = 10.0) -> list[Entry] | None:
        """The names in a folder by absolute path; None when it is not there. Raises CommandFailed."""
        ...

    def open_port(self, port: int, *, deadline: float = 10.0) -> ByteStream:
        """A byte stream to one of the host's own 127.0.0.1 ports, for a forward.

        Raises ConnectionRefused, ForwardingForbidden, LinkLost.
        """
        ...

    def sample(self, *, deadline: float = 10.0) -> RawSample:
        """The host's vital signs, now."""
        ...

    def check(self, *, deadline: float = 5.0) -> None:
        """Prove that the host answers; LinkLost if not, and then everything open ends."""
        ...

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Call once when the link ends, from any thread; at once if it has."""
        ...

    def close(self) -> None:
        """End the link and everything that uses it."""
        ...
