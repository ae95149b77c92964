"""Vital signs of a host from one long-lived process: one line in, one sample out."""

import threading
import time

from sparktray.remote.contract import MIB, RawSample
from sparktray.remote.errors import BadAnswer, RemoteError, TooLarge
from sparktray.remote.link import Link, RemoteProcess, remaining

_SEPARATOR = "==sparktray=="
_END = f"{_SEPARATOR}end\n".encode()
# Constant text: nothing of a user's or a host's ever enters it. It ends by itself when its stdin closes,
# which sshd does when the link is lost. nvidia-smi hangs when the driver is ill, so it gets 5 s.
_SCRIPT = f"""
export LC_ALL=C
while read -r _; do
grep -E '^Mem(Total|Available):' /proc/meminfo
echo {_SEPARATOR}
timeout 5 nvidia-smi --query-gpu=name,utilization.gpu,temperature.gpu,power.draw --format=csv,noheader,nounits
echo {_SEPARATOR}end
done 2>/dev/null
"""
_ARGV = ("sh", "-c", _SCRIPT)
_START_SECONDS = 15.0


class Sampler:
    """Takes samples, one at a time; a process that died or did not answer is replaced on the next call."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._lock = threading.Lock()
        self._process: RemoteProcess | None = None
        self._brief = False
        link.on_narrow(self._step_aside)

    def sample(self, timeout: float) -> RawSample:
        """One sample within ``timeout`` seconds. Raises DeadlinePassed, BadAnswer, LinkLost and kin."""
        until = time.monotonic() + timeout
        if not self._lock.acquire(timeout=timeout):
            remaining(until, "sample")
        try:
            process = self._process or self._link.start(_ARGV, timeout=min(timeout, _START_SECONDS))
            self._process = process
            try:
                taken = _ask(process, until)
            except RemoteError:
                self._end_process()
                raise
            if self._brief:
                self._end_process()
            return taken
        finally:
            self._lock.release()

    def _step_aside(self) -> None:
        """Others need the place: from now on it is held only while a sample is taken."""
        self._brief = True
        if self._lock.acquire(blocking=False):
            try:
                self._end_process()
            finally:
                self._lock.release()

    def _end_process(self) -> None:
        if (process := self._process) is not None:
            process.close()
            self._process = None


def _ask(process: RemoteProcess, until: float) -> RawSample:
    process.write(b"\n", remaining(until, "sample"))
    text = b""
    while not text.endswith(_END):
        chunks = process.read(remaining(until, "sample"))
        if chunks is None:
            raise BadAnswer(reason="sampler ended")
        text += chunks[0]
        if len(text) > MIB:
            raise TooLarge(cap=str(MIB))
    parts = text.decode(errors="replace").split(_SEPARATOR + "\n")
    if len(parts) != 2:
        raise BadAnswer(reason="sample")
    return RawSample(parts[0], parts[1].removesuffix(_END.decode()))
