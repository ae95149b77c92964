"""Reading a container's log as it grows: what is shown, what is left out, and how it ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest

from sparktray.control.following.log_watch import LogBatch, LogWatch
from sparktray.domain.problem import Problem
from sparktray.remote.contract import Remote
from tests.rig.driving import profile
from tests.rig.remote_hosts import connect, open_road, sleeper
from tests.rig.rig import Rig
from tests.waiting import wait_until

# Prints 60 MB as fast as it can, after its first line and before its last one.
FLOOD = "echo first; yes $(printf 'x%.0s' $(seq 99)) | head -n 600000; echo last; exec sleep 1000"
FLOOD_LINES = 600_002


class Reader:
    """Keeps what a watch tells."""

    def __init__(self, rig: Rig, remote: Remote, container: str) -> None:
        self.batches: list[LogBatch] = []
        self.times: list[float] = []
        self.ends: list[Problem | None] = []
        self.watch = LogWatch(remote, profile(rig), container, self._take, self.ends.append)

    def _take(self, batch: LogBatch) -> None:
        self.times.append(time.monotonic())
        self.batches.append(batch)

    @property
    def lines(self) -> list[str]:
        """All that came."""
        return [line for batch in list(self.batches) for line in batch.lines]

    @property
    def left_out(self) -> int:
        """How much did not."""
        return sum(batch.left_out for batch in list(self.batches))


@contextmanager
def reading(rig: Rig, remote: Remote, container: str) -> Iterator[Reader]:
    """A watch, and its threads gone afterwards."""
    made = Reader(rig, remote, container)
    try:
        yield made
    finally:
        made.watch.close()
        wait_until(lambda: not _threads(), "the end of its threads")


def _threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("sparktray-log")]


@pytest.fixture
def remote(rig: Rig) -> Iterator[Remote]:
    host = connect(rig.server)
    yield host
    host.close()


@pytest.mark.parametrize("road", ["ssh", "ssh-dial-stdio", "local"])
def test_the_last_lines_and_then_what_is_printed(rig: Rig, road: str) -> None:
    host = open_road(rig, road)
    try:
        sleeper(rig, "talks", "seq 1500; while :; do test -e /tmp/go && break; done; echo more; sleep 1000")
        wait_until(lambda: b"1500" in host.docker.logs("talks", tail=1), "the beginning")
        with reading(rig, host, "talks") as reader:
            wait_until(lambda: "1500" in reader.lines, "the last lines")
            assert reader.lines == [str(n) for n in range(501, 1501)]
            rig.docker("exec", "talks", "touch", "/tmp/go")
            wait_until(lambda: reader.lines[-1] == "more", "the new line")
            assert reader.left_out == 0 and reader.ends == []
    finally:
        host.close()


def test_text_is_clean_before_anybody_sees_it(rig: Rig, remote: Remote) -> None:
    script = (
        r"printf '\033[31mred\033[0m \342\200\256evil\n'; printf '10%%\r 20%%\r 30%%\r\n\n';"
        r"printf 'api_key=secret1\n'; printf 'x%.0s' $(seq 9000); echo; printf '\377\376bytes\n'; sleep 1000"
    )
    sleeper(rig, "dirty", script)
    with reading(rig, remote, "dirty") as reader:
        wait_until(lambda: len(reader.lines) == 5, "all lines")
        assert reader.lines[:3] == ["red evil", " 30%", "api_key=***"]
        assert len(reader.lines[3]) == 2000
        assert reader.lines[4] == "\ufffd\ufffdbytes"


def test_a_flood_is_counted_and_not_shown(rig: Rig, remote: Remote) -> None:
    """Ten batches a second at most, each small enough, and not a line uncounted."""
    sleeper(rig, "flood", FLOOD)
    began = time.monotonic()
    with reading(rig, remote, "flood") as reader:
        wait_until(lambda: reader.lines and reader.lines[-1] == "last", "the end of the flood", seconds=60)
        batches = list(reader.batches)
        shown = len(reader.lines)
        # A line of 99 characters costs 160 bytes of 340,000 a second, and as much is granted at the start.
        assert shown <= (reader.times[-1] - began + 1) * 340_000 / 159
        # Of what was printed before it was asked for, all but the last 1,000 lines was never sent.
        assert shown < reader.left_out <= FLOOD_LINES - shown
        assert all(after - before > 0.09 for before, after in pairwise(reader.times))
        assert all(len(batch.lines) <= 1000 for batch in batches)
        assert set(reader.lines) <= {"first", "last", "x" * 99}


def test_the_end_of_the_container_is_told_after_its_last_line(rig: Rig, remote: Remote) -> None:
    sleeper(rig, "brief", "echo one; echo two; exit 3")
    rig.wait_state("brief", "exited")
    with reading(rig, remote, "brief") as reader:
        wait_until(lambda: reader.ends, "the end")
        assert reader.lines == ["one", "two"] and reader.ends == [None]
        wait_until(lambda: not _threads(), "no thread left behind")


def test_removing_the_container_is_an_end_like_any_other(rig: Rig, remote: Remote) -> None:
    sleeper(rig, "goes", "echo here; exec sleep 1000")
    with reading(rig, remote, "goes") as reader:
        wait_until(lambda: reader.lines == ["here"], "its line")
        rig.docker("rm", "-f", "goes")
        wait_until(lambda: reader.ends, "the end")
        assert reader.ends == [None]
    with reading(rig, remote, "goes") as again:
        wait_until(lambda: again.ends, "the end of none")
        assert again.ends == [None] and again.lines == []


def test_a_cut_link_is_told_and_another_one_reads_on(rig: Rig) -> None:
    server = rig.sshd()
    sleeper(rig, "stays", "echo here; exec sleep 1000")
    host = connect(server)
    with reading(rig, host, "stays") as reader:
        wait_until(lambda: reader.lines == ["here"], "its line")
        server.drop_sessions()
        wait_until(lambda: reader.ends, "the end")
        assert [None if each is None else each.code for each in reader.ends] == ["link-lost"]
    host.close()
    back = connect(server)
    with reading(rig, back, "stays") as again:
        wait_until(lambda: again.lines == ["here"], "its line, again")
    back.close()


def test_a_log_that_docker_does_not_keep_is_a_problem(rig: Rig, remote: Remote) -> None:
    sleeper(rig, "mute", "echo here; exec sleep 1000", "--log-driver", "none")
    with reading(rig, remote, "mute") as reader:
        wait_until(lambda: reader.ends, "the end")
        assert reader.ends[0] is not None and reader.ends[0].code == "docker-error"
        assert "does not support reading" in reader.ends[0].technical


@pytest.mark.parametrize("script", ["exec sleep 1000", FLOOD], ids=["quiet", "flood"])
def test_closing_ends_threads_and_stream_and_nothing_is_told(rig: Rig, script: str) -> None:
    server = rig.sshd({"LogLevel": "DEBUG1"})
    host = connect(server)
    sleeper(rig, "watched", script)
    with reading(rig, host, "watched") as reader:
        wait_until(lambda: "channel 1: connected" in server.log(), "the stream")
        reader.watch.close()
        wait_until(lambda: not _threads(), "the end of its threads")
        told = len(reader.batches)
        # The first channel stays open for the next question; the second one was the stream's.
        wait_until(lambda: "channel 1: free" in server.log(), "the end of the stream")
        assert reader.ends == [] and len(reader.batches) == told
    assert host.docker.info()["NCPU"] > 0
    host.close()
