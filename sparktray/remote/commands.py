"""Commands on a host, and the files they read. Nothing here waits longer than its deadline."""

import threading
import time
from collections.abc import Callable, Sequence

from sparktray.remote.contract import MIB, Entry, EntryKind, Finished
from sparktray.remote.errors import (
    BadAnswer,
    Cancelled,
    CommandFailed,
    DeadlinePassed,
    LinkLost,
    RemoteError,
    TooLarge,
)
from sparktray.remote.link import Cancel, Link, RemoteProcess, remaining

START_SECONDS = 15.0
# A folder of a million names is some 60 MB of this listing; a model folder has a few dozen.
_LISTING_CAP = 16 * MIB
# Messages are compared below, so their language is fixed.
_PLAIN = ("env", "LC_ALL=C")
_MISSING = b"No such file or directory"
_KINDS = {"f": EntryKind.FILE, "d": EntryKind.FOLDER, "l": EntryKind.BROKEN_LINK}


def run(
    link: Link,
    argv: Sequence[str],
    *,
    stdin: bytes = b"",
    deadline: float,
    on_output: Callable[[bytes, bytes], None] | None = None,
    cancel: Cancel | None = None,
    cap: int = MIB,
    terminal: bool = False,
) -> Finished:
    """See `contract.Remote.run`."""
    until = time.monotonic() + deadline
    if cancel is not None and cancel.is_set():
        raise Cancelled()
    process = link.start(argv, timeout=min(deadline, START_SECONDS), terminal=terminal)
    take_back = cancel.on_set(process.close) if cancel is not None else lambda: None
    try:
        _feed(process, stdin, deadline)
        finished = _collect(process, until, on_output, cap)
    except DeadlinePassed:
        raise DeadlinePassed(what="command", seconds=f"{deadline:g}") from None
    except LinkLost:
        if cancel is None or not cancel.is_set():
            raise
        raise Cancelled() from None
    finally:
        take_back()
        process.close()
    if cancel is not None and cancel.is_set():
        raise Cancelled()
    return finished


def read_file(link: Link, path: str, *, cap: int = MIB, deadline: float = 10.0) -> bytes | None:
    """See `contract.Remote.read_file`. The host itself stops one byte after ``cap``."""
    _absolute(path)
    argv = [*_PLAIN, "head", "-c", str(cap + 1), "--", path]
    finished = run(link, argv, deadline=deadline, cap=cap + 1)
    if not _there(finished):
        return None
    if len(finished.stdout) > cap:
        raise TooLarge(cap=str(cap))
    return finished.stdout


def list_folder(link: Link, path: str, *, deadline: float = 10.0) -> list[Entry] | None:
    """See `contract.Remote.list_folder`. Links are followed: a model folder may hold links to its blobs."""
    _absolute(path)
    argv = [*_PLAIN, "find", "-L", path, "-mindepth", "1", "-maxdepth", "1", "-printf", r"%f\0%s\0%y\0"]
    finished = run(link, argv, deadline=deadline, cap=_LISTING_CAP)
    if not _there(finished):
        return None
    if finished.cut:
        raise TooLarge(cap=str(_LISTING_CAP))
    fields = finished.stdout.decode(errors="surrogateescape").split("\0")[:-1]
    try:
        return [
            Entry(name, int(size), _KINDS.get(kind, EntryKind.OTHER))
            for name, size, kind in zip(fields[::3], fields[1::3], fields[2::3], strict=True)
        ]
    except ValueError:
        raise BadAnswer(reason="find output") from None


def _feed(process: RemoteProcess, stdin: bytes, deadline: float) -> None:
    """Write in a thread of its own: a process may fill its outputs before it has read everything."""
    if not stdin:
        process.close_stdin()
        return

    def work() -> None:
        try:
            process.write(stdin, deadline)
            process.close_stdin()
        except RemoteError:
            return  # the reading side meets the same and tells it

    threading.Thread(target=work, name="stdin", daemon=True).start()


def _collect(
    process: RemoteProcess, until: float, on_output: Callable[[bytes, bytes], None] | None, cap: int
) -> Finished:
    kept = (bytearray(), bytearray())
    cut = False
    while (chunks := process.read(remaining(until, "command"))) is not None:
        if on_output is not None:
            on_output(*chunks)
        for buffer, chunk in zip(kept, chunks, strict=True):
            buffer += chunk
            if len(buffer) > cap:
                cut = True
                del buffer[:-cap]
    return Finished(process.exit_status(remaining(until, "command")), bytes(kept[0]), bytes(kept[1]), cut)


def _there(finished: Finished) -> bool:
    if finished.exit_code == 0:
        return True
    if _MISSING in finished.stderr:
        return False
    raise CommandFailed(
        exit_code=str(finished.exit_code), stderr=finished.stderr[-2000:].decode(errors="replace").strip()
    )


def _absolute(path: str) -> None:
    """Also keeps a path from being read as an option."""
    if not path.startswith("/") or "\0" in path:
        raise ValueError(f"not an absolute path: {path!r}")
