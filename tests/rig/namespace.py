"""What `enter` prepared, and the two ways to put a file of ours in front of the machine's."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.waiting import wait_until

RUN = Path("/run/sparktray-rig")


def require() -> None:
    """Refuse to go on outside the namespaces: what follows would change the machine."""
    if not (RUN / "entered").exists():
        raise RuntimeError(
            "The rig runs only in namespaces of its own: tests/rig/enter .venv/bin/python -m pytest tests/rig"
        )


def put_in_front(path: Path, text: str, mode: int = 0o644) -> Path:
    """Bind-mount a file holding TEXT over PATH; the file to rewrite later is returned."""
    own = RUN / "files" / path.name
    own.parent.mkdir(exist_ok=True)
    own.write_text(text, encoding="utf-8")
    own.chmod(mode)
    subprocess.run(["mount", "--bind", str(own), str(path)], check=True)
    return own


def end(process: subprocess.Popen[bytes], *, grace: float = 10.0) -> None:
    """End a process of ours: asked first, killed after GRACE seconds."""
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def running(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A quiet process that is ended when the block is left, however it is left."""
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet)
    try:
        yield process
    finally:
        end(process)


def children_of(pid: int) -> tuple[int, ...]:
    """The process ids of PID's children."""
    try:
        words = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except (FileNotFoundError, ProcessLookupError):
        return ()
    return tuple(int(word) for word in words)


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to one process of the rig."""
    os.kill(pid, number)


def freeze(pid: int) -> None:
    """Stop a process and wait until all its threads have: one that still runs may give one more answer."""
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: set(_states(pid)) <= {"T", "Z"}, f"process {pid} to stop")


def _states(pid: int) -> Iterator[str]:
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that ended meanwhile
            yield (thread / "stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
