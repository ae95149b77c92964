"""Wishes, steps and operations: a change of the host as a list of provable, undoable steps."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from sparktray.domain.action import Action
from sparktray.domain.facts.memory import MemorySum
from sparktray.domain.open_webui import WipeScope
from sparktray.domain.phrase import Phrase
from sparktray.domain.problem import Failure


class OperationKind(StrEnum):
    """What an operation is for."""

    SWITCH = "switch"
    STOP = "stop"
    BACK = "back"
    WIPE = "wipe"
    RESTORE = "restore"
    FORGET = "forget"


class WhenBusy(StrEnum):
    """What to do with a server that is answering requests when it shall stop."""

    REFUSE = "refuse"
    WAIT = "wait"  # until it is idle
    GO_ON = "go-on"  # its requests are cut off after the grace


class SwitchWish(msgspec.Struct, frozen=True):
    """Make this model ready. ``timeout`` is seconds for the load, None for no limit.

    ``force``: also where the host's memory will be short of it. ``make_room``: other servers of the
    catalogue are stopped where that makes it fit. ``context`` is tokens, None for what the entry says.
    """

    model: str
    on: str | None = None
    dry_run: bool = False
    replace: bool = False
    rollback: bool = True
    timeout: float | None = None
    force: bool = False
    make_room: bool = False
    busy: WhenBusy = WhenBusy.REFUSE
    context: int | None = None


class StopWish(msgspec.Struct, frozen=True):
    """Stop one server, or all of them (None).

    ``stay_down``: Docker shall not start it again by itself either, as a restart policy has it do.
    """

    server: str | None = None
    dry_run: bool = False
    busy: WhenBusy = WhenBusy.REFUSE
    stay_down: bool = False


class BackWish(msgspec.Struct, frozen=True):
    """Bring back what ran before the operation of that id, which was broken off."""

    operation: str
    dry_run: bool = False


class WipeWish(msgspec.Struct, frozen=True):
    """Take that much from Open WebUI; ``older_than`` days spares the chats touched since.

    ``archive``: keep a copy to go back by. ``revive``: start it afterwards even where it does not run now,
    because an earlier try stopped it.
    """

    scope: WipeScope
    older_than: int | None = None
    archive: bool = True
    revive: bool = False
    dry_run: bool = False


class RestoreWish(msgspec.Struct, frozen=True):
    """Bring back what an archive keeps: a volume's name, None for the newest. ``revive`` as in `WipeWish`."""

    archive: str | None = None
    revive: bool = False
    dry_run: bool = False


class ForgetWish(msgspec.Struct, frozen=True):
    """Remove an archive of Open WebUI by its volume's name; None for all that are kept."""

    archive: str | None = None
    dry_run: bool = False


Wish = SwitchWish | StopWish | BackWish | WipeWish | RestoreWish | ForgetWish


class StepName(StrEnum):
    """The steps, in the words of the journal and of ``--json``."""

    PULL = "pull"
    LOCK = "lock"
    CHECK = "check"
    IDLE = "idle"
    RECORD = "record"
    RESTART_POLICY = "restart-policy"
    STOP = "stop"
    RENAME = "rename"
    RELEASE = "release"
    START = "start"
    LOAD = "load"
    UNLOAD = "unload"
    PROVE = "prove"
    COMMIT = "commit"
    SWEEP = "sweep"
    ARCHIVE = "archive"
    WIPE = "wipe"
    RESTORE = "restore"
    HEALTH = "health"
    UNLOCK = "unlock"


HARMLESS = frozenset(
    {
        *(StepName.PULL, StepName.LOCK, StepName.CHECK, StepName.IDLE, StepName.RECORD),
        *(StepName.ARCHIVE, StepName.HEALTH, StepName.UNLOCK),
    }
)
"""Steps that change nothing but the lock and what is ours alone."""


class Step(msgspec.Struct, frozen=True):
    """One step of a plan: what it does, what proves it, what takes it back.

    ``command`` is what a person could type instead, empty for a step that only reads. ``revives`` is
    the server that serves again once this step is done and its model has loaded.
    """

    name: StepName
    title: Phrase
    action: Action
    command: tuple[str, ...] = ()
    proof: Phrase | None = None
    undo: Step | None = None
    revives: str | None = None


class StepState(StrEnum):
    """How far a step is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Fetched(msgspec.Struct, frozen=True):
    """How far something is that is being fetched; bytes, times in seconds since 1970.

    ``total`` is at least what will come, 0 while nothing is known. ``first`` bytes were there when the first
    ones came, at ``began_at``; ``moved_at`` is when the last ones did.
    """

    done: int
    total: int
    first: int
    began_at: float
    moved_at: float


class StepRun(msgspec.Struct, frozen=True):
    """A step on its way: times are seconds since 1970, ``said`` is its latest line of output.

    ``result`` is what came of it, where it counted something.
    """

    step: Step
    state: StepState = StepState.WAITING
    back: bool = False
    started_at: float | None = None
    ended_at: float | None = None
    said: str = ""
    fetched: Fetched | None = None
    result: Phrase | None = None

    @property
    def begun(self) -> bool:
        """True once it was tried, also when a lost link made it wait again: it may have been done."""
        return self.started_at is not None


class OperationEnd(StrEnum):
    """How an operation ended."""

    DONE = "done"
    PLANNED = "planned"  # --dry-run: nothing was done
    REFUSED = "refused"  # nothing was changed
    ROLLED_BACK = "rolled-back"
    FAILED = "failed"  # nothing to go back to, or told not to
    NEEDS_YOU = "needs-you"  # both the new and the old failed
    CANCELLED = "cancelled"  # on request, what was changed is taken back
    INTERRUPTED = "interrupted"  # the program ended in the middle of it


class Operation(msgspec.Struct, frozen=True):
    """A wish being fulfilled. ``number`` orders operations of one controller; ``id`` is its name
    in labels and journal. ``index`` is the run now being worked on. ``usual_seconds`` is how long
    this model took to load here before. ``memory_mark`` is the highest available memory (bytes)
    seen while waiting for release, and when; ``free_level`` is what was available (bytes) before
    the new container was started. ``memory`` is the sum by which a model was found to fit, or not.
    """

    number: int
    id: str
    wish: Wish
    kind: OperationKind
    started_at: float
    server: str | None = None
    model: str | None = None
    runs: tuple[StepRun, ...] = ()
    index: int = 0
    failure: Failure | None = None
    cancelled: bool = False
    end: OperationEnd | None = None
    ended_at: float | None = None
    usual_seconds: float | None = None
    memory_mark: tuple[int, float] | None = None
    free_level: int | None = None
    memory: MemorySum | None = None

    @property
    def current(self) -> StepRun | None:
        """The run being worked on, None before the plan and after the end."""
        return self.runs[self.index] if self.end is None and self.index < len(self.runs) else None

    @property
    def going_back(self) -> bool:
        """True once what was changed is being taken back."""
        return any(run.back for run in self.runs)
