"""Vital signs of a host from one long-lived process: one line in, one sample out."""

import threading
import time

from sparktray.remote.contract import MIB, RawSample
from sparktray.remote.errors import BadAnswer, RemoteError, TooLarge
from sparktray.remote.link import Link, RemoteProcess, remaining

SEPARATOR = "==sparktray=="
_END = f"{SEPARATOR}end\n".encode()
# nvidia-smi answers one query a call, and its calls are nearly all a sample costs. What each process holds
# is therefore asked only when it can have changed: when that much more or less is available than at the last
# asking, which is less than the bar can show of a model, or when a minute at rest (12 samples) has passed.
_MOVED_KIB = 256 * 1024
_SAMPLES_TO_ASKING = 12
# Constant text: nothing of a user's or a host's ever enters it. It ends by itself when its stdin closes,
# which sshd does when the link is lost. nvidia-smi hangs when the driver is ill, so it gets 5 s, and 3 s the
# second time: both within a sample's 10 s. The header tells "no process" from "no answer". Files are named
# by pids that are digits only; of each the first line with a container's id is enough, in either version of
# cgroups. All of a sample is said at once: each write of its own would be a packet with its acknowledgement.
SCRIPT = f"""
export LC_ALL=C
processes= cgroups= seen=0 rest=0
while read -r _; do
memory=$(grep -E '^Mem(Total|Available):' /proc/meminfo)
if gpu=$(timeout 5 nvidia-smi --query-gpu=name,utilization.gpu,temperature.gpu,power.draw \\
  --format=csv,noheader,nounits)
then
  set -- ${{memory##*:}}
  now=${{1:-0}} moved=$((${{1:-0}} - seen)) rest=$((rest - 1))
  if [ $rest -lt 0 ] || [ ${{moved#-}} -gt {_MOVED_KIB} ]; then
    processes=$(timeout 3 nvidia-smi --query-compute-apps=pid,used_memory --format=csv,nounits) || processes=
    set --
    while IFS=, read -r pid _; do
      case $pid in ''|*[!0-9]*) ;; *) set -- "$@" "/proc/$pid/cgroup" ;; esac
    done <<END
$processes
END
    cgroups=$(grep -HEm1 '[0-9a-f]{{64}}' /dev/null "$@")
    seen=$now rest={_SAMPLES_TO_ASKING - 1}
  fi
else
  processes= cgroups= rest=0
fi
printf '%s\\n' "$memory" {SEPARATOR} "$gpu" {SEPARATOR} "$processes" {SEPARATOR} "$cgroups" {SEPARATOR}end
done 2>/dev/null
"""
_ARGV = ("sh", "-c", SCRIPT)
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
    parts = text.decode(errors="replace").split(SEPARATOR + "\n")
    if len(parts) != 4:
        raise BadAnswer(reason="sample")
    meminfo, gpu, processes, cgroups = parts
    return RawSample(meminfo, gpu.strip(), processes.strip(), cgroups.removesuffix(_END.decode()).strip())
