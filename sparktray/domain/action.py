"""What a step does to the host or waits for, and what it claims about the host once it is done."""

from __future__ import annotations

from dataclasses import dataclass

from sparktray.domain.catalogue import ModelKind

# What a step claims about the host once it is done. Each names the container to inspect.


@dataclass(frozen=True, slots=True)
class Stopped:
    """The container does not run any more, or is gone (``--rm``)."""

    container: str


@dataclass(frozen=True, slots=True)
class Running:
    """The container runs; with ``operation``, it is the one that this operation started."""

    container: str
    operation: str | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """The container bears this name."""

    container: str
    name: str


@dataclass(frozen=True, slots=True)
class Restarts:
    """The container has this restart policy."""

    container: str
    policy: str


@dataclass(frozen=True, slots=True)
class Gone:
    """No such container exists."""

    container: str


@dataclass(frozen=True, slots=True)
class LockHeld:
    """The lock exists and is this operation's."""

    container: str
    operation: str


Expectation = Stopped | Running | Named | Restarts | Gone | LockHeld


@dataclass(frozen=True, slots=True)
class Guard:
    """What must hold right before a command touches a container by name.

    Either the container of that name is the one that was planned (``container`` is its id), or it
    is one that this ``operation`` made. ``may_be_gone``: there is nothing to do once nothing bears the name.
    """

    name: str
    container: str | None = None
    operation: str | None = None
    may_be_gone: bool = False


# What a step does.


@dataclass(frozen=True, slots=True)
class RunDocker:
    """A docker command, proven by reading; skipped when what it shall achieve is already so.

    ``secrets`` are variables of the container and the keyring's names of their values: they go to the
    command's stdin, where ``--env-file`` reads them.
    """

    argv: tuple[str, ...]
    expect: Expectation
    guard: Guard | None = None
    deadline: float = 60.0
    secrets: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RunScript:
    """Run a script of the person's own on the host; done when a container holds that port, or none does."""

    port: int
    argv: tuple[str, ...]
    starts: bool


@dataclass(frozen=True, slots=True)
class PullImage:
    """Fetch an image; ends when the host has it."""

    image: str


@dataclass(frozen=True, slots=True)
class CheckAgain:
    """Read the host once more, now under the lock, and compare the plan made from that."""


@dataclass(frozen=True, slots=True)
class RecordContainer:
    """Journal a container's whole inspect, so that it can be brought back exactly."""

    container: str


@dataclass(frozen=True, slots=True)
class RecreateContainer:
    """Make a container anew from its journalled inspect (it ran with ``--rm``) and start it.

    ``recorded_by`` is the operation that journalled it, None for the one under way.
    """

    container: str
    name: str
    recorded_by: str | None = None


@dataclass(frozen=True, slots=True)
class AwaitIdle:
    """Look whether the server is answering requests: wait until it is not if ``patient``, else refuse."""

    server: str
    patient: bool = False


@dataclass(frozen=True, slots=True)
class AwaitRelease:
    """Wait until name, port and memory of what was stopped are free again.

    ``name`` is None when what was stopped keeps it, ``needs`` is what the next model will take in bytes,
    None when that is not known.
    """

    name: str | None
    port: int
    needs: int | None = None


@dataclass(frozen=True, slots=True)
class AwaitServing:
    """Wait until the server's own truth says it serves that ID; ``timeout`` in seconds or None."""

    server: str
    served_name: str | None
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class ProveServing:
    """Ask for one token, or one embedding. ``key`` is the keyring's name of the engine's own key."""

    server: str
    served_name: str
    kind: ModelKind
    key: str | None = None


@dataclass(frozen=True, slots=True)
class FetchOllama:
    """Have Ollama fetch a model; done at once when it has it."""

    server: str
    name: str


@dataclass(frozen=True, slots=True)
class LoadOllama:
    """Have Ollama load this model and keep it."""

    server: str
    name: str


@dataclass(frozen=True, slots=True)
class UnloadOllama:
    """Have Ollama give up this model."""

    server: str
    name: str


@dataclass(frozen=True, slots=True)
class MakeVolume:
    """Create a volume of ours; done when it is there with these labels."""

    name: str
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RemoveVolume:
    """Remove a volume: an archive of ours, or the one that Open WebUI's container left behind.

    ``ours``: refused unless it bears the label of an archive.
    """

    name: str
    ours: bool = True


@dataclass(frozen=True, slots=True)
class RunInside:
    """Run the program for Open WebUI's data in a container of its own image; it proves what it does.

    ``argv`` is the whole command, ``guard`` what must still hold of the container whose data they are.
    """

    argv: tuple[str, ...]
    guard: Guard | None = None


@dataclass(frozen=True, slots=True)
class DeleteMine:
    """Delete the chats of the account whose key is kept, by Open WebUI's API.

    ``older_than`` days spares the chats touched since; None is all of them.
    """

    port: int
    older_than: int | None = None


@dataclass(frozen=True, slots=True)
class AwaitWebUi:
    """Wait until Open WebUI answers that it is healthy; ``timeout`` in seconds."""

    container: str
    port: int
    timeout: float


Waiting = AwaitIdle | AwaitRelease | AwaitServing
"""What is judged from the snapshot and never performed."""

Action = (
    RunDocker
    | RunScript
    | PullImage
    | CheckAgain
    | RecordContainer
    | RecreateContainer
    | Waiting
    | ProveServing
    | FetchOllama
    | LoadOllama
    | UnloadOllama
    | MakeVolume
    | RemoveVolume
    | RunInside
    | DeleteMine
    | AwaitWebUi
)
