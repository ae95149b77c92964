"""A link that is lost again and again: whatever a connection had is given back when it ends."""

from __future__ import annotations

import gc
import os
import threading
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
TIMES = int(os.environ.get("SPARKTRAY_RECONNECTS", "300"))
# Pools of libraries, and what Python and malloc keep of freed memory, have nearly reached their size by then.
_WARM = 50
_MIB_MORE = 10


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def resident_mib() -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1]) / 1024


def living(kind: type) -> int:
    gc.collect()
    return sum(type(each) is kind for each in gc.get_objects())  # a weak proxy claims to be one


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
    rig: Rig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quicken(rig)
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
        wait_until(lambda: living(SshTransport) == 1, "the connections' end", seconds=10, every=0.5)
        assert living(SshChannel) <= 12, "those of the present connection"
        more = resident_mib() - memory
        with capsys.disabled():
            print(f"\n{TIMES} reconnects: {threads} threads, {files} files, {more:+.1f} MiB")
        assert more < _MIB_MORE
        assert len(server.session_pids()) <= 3, "one connection: sshd has a monitor and a session for it"
