"""The tray as a process on a desktop, as a person has it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.rig.desktop import Desktop
from tests.rig.driving import Program
from tests.rig.namespace import end
from tests.waiting import scaled


class TrayProgram:
    """One start of `sparktray` without a command."""

    def __init__(
        self,
        program: Program,
        environment: Mapping[str, str],
        errors: Path,
        within: Sequence[str] = (),
        words: Sequence[str] = (),
    ) -> None:
        self.errors = errors
        self.began = time.time()
        with errors.open("wb") as said:
            self.process = subprocess.Popen(
                [*within, *program.argv(*words)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                env={**program.environment, **environment},
            )

    @property
    def said(self) -> str:
        """What it has written to stderr, where Qt's warnings go too."""
        return self.errors.read_text(encoding="utf-8")

    def ended(self, seconds: float = 10.0) -> int:
        """Its exit code, once it has ended."""
        return self.process.wait(scaled(seconds))

    def quit(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Ask it to end by a signal; how long it took, in seconds."""
        began = time.monotonic()
        self.process.send_signal(number)
        assert self.ended() == 0, self.said
        return time.monotonic() - began

    @property
    def resident_kib(self) -> int:
        """The memory it holds, in KiB."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii").splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1])


@contextmanager
def tray(
    program: Program,
    desktop: Desktop,
    *,
    silent: bool = True,
    within: Sequence[str] = (),
    words: Sequence[str] = (),
    **environment: str,
) -> Iterator[TrayProgram]:
    """The running tray; in the end it must not have warned of anything, unless ``silent`` is False.

    ``within`` is a command that runs another one in its own place, as nsenter does; ``words`` are a command
    of the program that shows the tray.
    """
    errors = program.config.parent / f"stderr-{time.monotonic_ns()}"
    started = TrayProgram(program, {**desktop.environment, **environment}, errors, within, words)
    try:
        yield started
        if started.process.poll() is None:
            started.quit()
        if silent:
            assert started.said == ""
    except BaseException:
        print(started.said)  # pytest shows it with the failure
        raise
    finally:
        end(started.process)


def pasted(desktop: Desktop) -> bytes:
    """What a program that is not ours gets from the clipboard; nothing when nobody offers any."""
    command = ["xclip", "-selection", "clipboard", "-out"]
    environment = {**os.environ, **desktop.environment}
    return subprocess.run(command, capture_output=True, check=False, env=environment, timeout=10).stdout
