"""A link that is lost again and again: whatever a connection had is given back when it ends."""

from __future__ import annotations

import gc
import threading
import weakref
from pathlib import Path

import pytest

from sparktray.domain.snapshot import LinkPhase
from sparktray.remote.ssh.channels import SshChannel
from sparktray.remote.ssh.transport import SshTransport
from tests.rig.driving import Driver, driven, profile, quicken
from tests.rig.rig import Rig
from tests.rig.sshd import Sshd
from tests.waiting import wait_until

SCOUT = "llama4-scout-17b-nvfp4"
# `make soak` has it a thousand times.
TIMES = 100
# Pools of libraries, and what Python and malloc keep of freed memory, have nearly reached their size by then.
_WARM = 50
_MIB_MORE = 10


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def resident_mib() -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1]) / 1024


class Register:
    """The objects of a class made from now on that live.

    Not by ``gc.get_objects()``: that holds tuples another thread is just building, and the building fails
    there with "bad argument to internal function" (bpo-15108).
    """

    def __init__(self, kind: type[object], patch: pytest.MonkeyPatch) -> None:
        self._seen: list[weakref.ref[object]] = []
        made = kind.__init__

        def noted(each: object, *args: object, **named: object) -> None:
            self._seen.append(weakref.ref(each))
            made(each, *args, **named)

        patch.setattr(kind, "__init__", noted)

    def living(self) -> int:
        gc.collect()
        return sum(ref() is not None for ref in self._seen)


def lose_often(driver: Driver, server: Sshd, times: int) -> None:
    """What lies in cycles is freed now and then, as Python does by itself, only less often."""
    for number in range(times):
        lose_it(driver, server)
        if number % 50 == 0:
            gc.collect()


def lose_it(driver: Driver, server: Sshd) -> None:
    """Once: the sessions are killed, the next connection is made without a pause, the picture is whole."""
    epoch = driver.snapshot.epoch
    server.drop_sessions()
    driver.until(lambda s: s.epoch > epoch, "the loss")
    driver.controller.retry()
    driver.until(lambda s: s.link is LinkPhase.CONNECTED and s.epoch > epoch, "the link")
    driver.until_ready("sglang")


def test_nothing_is_left_of_lost_connections(
    rig: Rig, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    quicken(rig)
    transports, channels = Register(SshTransport, monkeypatch), Register(SshChannel, monkeypatch)
    rig.start_sglang(SCOUT)
    server = rig.sshd()
    with driven(tmp_path, profile(rig, server)) as driver:
        driver.until_ready("sglang")
        lose_often(driver, server, _WARM)
        threads, files, memory = threading.active_count(), open_files(), resident_mib()
        lose_often(driver, server, TIMES)
        # Threads of the last connection but one may be about to end.
        wait_until(lambda: threading.active_count() <= threads, "the threads' end", seconds=10)
        wait_until(lambda: open_files() <= files, "the files' end", seconds=10)
        wait_until(lambda: transports.living() == 1, "the connections' end", seconds=10, every=0.5)
        assert 0 < channels.living() <= 12, "those of the present connection"
        more = resident_mib() - memory
        with capsys.disabled():
            print(f"\n{TIMES} reconnects: {threads} threads, {files} files, {more:+.1f} MiB")
        assert more < _MIB_MORE
        assert len(server.session_pids()) <= 3, "one connection: sshd has a monitor and a session for it"
