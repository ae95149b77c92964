"""What a step does to the host or waits for, and what it claims about the host once it is done."""

from __future__ import annotations

import msgspec

from sparktray.domain.catalogue import ModelKind

# What a step claims about the host once it is done. Each names the container to inspect.


class Stopped(msgspec.Struct, frozen=True):
    """The container does not run any more, or is gone (``--rm``)."""

    container: str


class Running(msgspec.Struct, frozen=True):
    """The container runs; with ``operation``, it is the one that this operation started."""

    container: str
    operation: str | None = None


class Named(msgspec.Struct, frozen=True):
    """The container bears this name."""

    container: str
    name: str


class Restarts(msgspec.Struct, frozen=True):
    """The container has this restart policy."""

    container: str
    policy: str


class Gone(msgspec.Struct, frozen=True):
    """No such container exists."""

    container: str


class LockHeld(msgspec.Struct, frozen=True):
    """The lock exists and is this operation's."""

    container: str
    operation: str


Expectation = Stopped | Running | Named | Restarts | Gone | LockHeld


class Guard(msgspec.Struct, frozen=True):
    """What must hold right before a command touches a container by name.

    Either the container of that name is the one that was planned (``container`` is its id), or it
    is one that this ``operation`` made. ``may_be_gone``: there is nothing to do once nothing bears the name.
    """

    name: str
    container: str | None = None
    operation: str | None = None
    may_be_gone: bool = False


# What a step does.


class RunDocker(msgspec.Struct, frozen=True):
    """A docker command, proven by reading; skipped when what it shall achieve is already so.

    ``secrets`` are variables of the container and the keyring's names of their values: they go to the
    command's stdin, where ``--env-file`` reads them.
    """

    argv: tuple[str, ...]
    expect: Expectation
    guard: Guard | None = None
    deadline: float = 60.0
    secrets: tuple[tuple[str, str], ...] = ()


class RunScript(msgspec.Struct, frozen=True):
    """Run a script of the person's own on the host; done when a container holds that port, or none does."""

    port: int
    argv: tuple[str, ...]
    starts: bool


class PullImage(msgspec.Struct, frozen=True):
    """Fetch an image; ends when the host has it."""

    image: str


class CheckAgain(msgspec.Struct, frozen=True):
    """Read the host once more, now under the lock, and compare the plan made from that."""


class RecordContainer(msgspec.Struct, frozen=True):
    """Journal a container's whole inspect, so that it can be brought back exactly."""

    container: str


class RecreateContainer(msgspec.Struct, frozen=True):
    """Make a container anew from its journalled inspect (it ran with ``--rm``) and start it.

    ``recorded_by`` is the operation that journalled it, None for the one under way.
    """

    container: str
    name: str
    recorded_by: str | None = None


class AwaitIdle(msgspec.Struct, frozen=True):
    """Look whether the server is answering requests: wait until it is not if ``patient``, else refuse."""

    server: str
    patient: bool = False


class AwaitRelease(msgspec.Struct, frozen=True):
    """Wait until name, port and memory of what was stopped are free again.

    ``name`` is None when what was stopped keeps it, ``needs`` is what the next model will take in bytes,
    None when that is not known.
    """

    name: str | None
    port: int
    needs: int | None = None


class AwaitServing(msgspec.Struct, frozen=True):
    """Wait until the server's own truth says it serves that ID; ``timeout`` in seconds or None."""

    server: str
    served_name: str | None
    timeout: float | None = None


class ProveServing(msgspec.Struct, frozen=True):
    """Ask for one token, or one embedding. ``key`` is the keyring's name of the engine's own key."""

    server: str
    served_name: str
    kind: ModelKind
    key: str | None = None


class FetchOllama(msgspec.Struct, frozen=True):
    """Have Ollama fetch a model; done at once when it has it."""

    server: str
    name: str


class LoadOllama(msgspec.Struct, frozen=True):
    """Have Ollama load this model and keep it."""

    server: str
    name: str


class UnloadOllama(msgspec.Struct, frozen=True):
    """Have Ollama give up this model."""

    server: str
    name: str


class MakeVolume(msgspec.Struct, frozen=True):
    """Create a volume of ours; done when it is there with these labels."""

    name: str
    labels: tuple[tuple[str, str], ...]


class RemoveVolume(msgspec.Struct, frozen=True):
    """Remove a volume: an archive of ours, or the one that Open WebUI's container left behind.

    ``ours``: refused unless it bears the label of an archive.
    """

    name: str
    ours: bool = True


class RunInside(msgspec.Struct, frozen=True):
    """Run the program for Open WebUI's data in a container of its own image; it proves what it does.

    ``argv`` is the whole command, ``guard`` what must still hold of the container whose data they are.
    """

    argv: tuple[str, ...]
    guard: Guard | None = None


class DeleteMine(msgspec.Struct, frozen=True):
    """Delete the chats of the account whose key is kept, by Open WebUI's API.

    ``older_than`` days spares the chats touched since; None is all of them.
    """

    port: int
    older_than: int | None = None


class AwaitWebUi(msgspec.Struct, frozen=True):
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
