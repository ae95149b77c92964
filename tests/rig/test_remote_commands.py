"""Commands, files and samples: byte for byte, bounded, by every road."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from sparktray.remote.contract import Entry, EntryKind, Remote
from sparktray.remote.errors import Cancelled, CommandFailed, DeadlinePassed, TooLarge
from sparktray.remote.link import Cancel
from tests.rig.remote_hosts import connect, open_road
from tests.rig.rig import Rig
from tests.waiting import scaled, wait_until

MODEL = "phi4-reasoning"
HOSTILE = [
    "plain",
    "two words",
    "",
    "'single' \"double\"",
    "$(touch /tmp/owned) `id` ${HOME} $HOME",
    "line\nbreak\ttab\r",
    "-rf",
    "--",
    "; | & > < * ? [a] {b,c} ~ ! # \\ \\\\ %s %",
    "üñîçødé 模型 🙂",
    "\x1b[31m",
]


@pytest.fixture(params=["ssh", "local"])
def remote(request: pytest.FixtureRequest, rig: Rig) -> Iterator[Remote]:
    host = open_road(rig, request.param)
    yield host
    host.close()


def test_every_argument_arrives_byte_for_byte(remote: Remote) -> None:
    done = remote.run(["printf", r"%s\0", *HOSTILE], deadline=10)
    assert done.exit_code == 0
    assert done.stdout.decode().split("\0")[:-1] == HOSTILE


def test_exit_codes_and_both_outputs(remote: Remote) -> None:
    done = remote.run(["sh", "-c", "echo out; echo err >&2; exit 7"], deadline=10)
    assert (done.exit_code, done.stdout, done.stderr) == (7, b"out\n", b"err\n")
    assert remote.run(["no-such-program"], deadline=10).exit_code == 127
    assert remote.run(["sh", "-c", "kill -9 $$"], deadline=10).exit_code is None


def test_stdin_larger_than_every_buffer(remote: Remote) -> None:
    sent = bytes(range(256)) * 20_000
    done = remote.run(["cat"], stdin=sent, deadline=20, cap=len(sent))
    assert done.stdout == sent


def test_stdin_nobody_reads(remote: Remote) -> None:
    assert remote.run(["true"], stdin=b"x" * 5_000_000, deadline=10).exit_code == 0


def test_two_full_outputs_at_once(remote: Remote) -> None:
    size = 5_000_000
    script = f"head -c {size} /dev/zero & head -c {size} /dev/zero >&2; wait"
    seen = [0, 0]

    def count(out: bytes, err: bytes) -> None:
        seen[0] += len(out)
        seen[1] += len(err)

    done = remote.run(["sh", "-c", script], deadline=20, on_output=count)
    assert seen == [size, size]
    assert done.cut
    assert (len(done.stdout), len(done.stderr)) == (1024 * 1024, 1024 * 1024)


def test_the_last_output_is_kept(remote: Remote) -> None:
    done = remote.run(["sh", "-c", "echo first; echo last"], deadline=10, cap=5)
    assert (done.stdout, done.cut) == (b"last\n", True)


def test_the_deadline_ends_the_command_there_too(rig: Rig, remote: Remote) -> None:
    began = time.monotonic()
    with pytest.raises(DeadlinePassed):
        remote.run(["sleep", "7331"], deadline=0.5)
    assert time.monotonic() - began < scaled(1.5)
    wait_until(lambda: rig.ssh("pgrep -f '^sleep 733[1]'", check=False).returncode == 1, "sleep to end")


def test_cancel_wakes_and_ends_the_command(rig: Rig, remote: Remote) -> None:
    cancel = Cancel()
    started = threading.Event()

    def begin(_out: bytes, _err: bytes) -> None:
        threading.Thread(target=cancel.set).start()
        started.set()

    with pytest.raises(Cancelled):
        remote.run(["sh", "-c", "echo go; exec sleep 7332"], deadline=20, on_output=begin, cancel=cancel)
    assert started.is_set()
    wait_until(lambda: rig.ssh("pgrep -f '^sleep 733[2]'", check=False).returncode == 1, "sleep to end")
    with pytest.raises(Cancelled):
        remote.run(["true"], deadline=5, cancel=cancel)


def test_read_file(rig: Rig, remote: Remote) -> None:
    folder = rig.folder(MODEL)
    (folder / "some 'name'").write_bytes(b"\0\xff text")
    (folder / "large").write_bytes(b"x" * 2000)
    assert remote.read_file(f"{folder}/some 'name'") == b"\0\xff text"
    assert remote.read_file(f"{folder}/missing") is None
    assert remote.read_file(f"{folder}/large", cap=2000) == b"x" * 2000
    with pytest.raises(TooLarge):
        remote.read_file(f"{folder}/large", cap=1999)
    with pytest.raises(CommandFailed):
        remote.read_file(str(folder))
    with pytest.raises(ValueError, match="absolute"):
        remote.read_file("-n")


def test_list_folder(rig: Rig, remote: Remote) -> None:
    folder = rig.folder(MODEL) / "made"
    folder.mkdir()
    assert remote.list_folder(str(folder)) == []
    (folder / "sub").mkdir()
    (folder / "line\nbreak").write_bytes(b"1234")
    (folder / "-name ü").write_bytes(b"")
    (folder / "link").symlink_to("line\nbreak")
    (folder / "broken").symlink_to("nowhere")
    found = remote.list_folder(str(folder))
    assert found is not None
    by_name = {entry.name: entry for entry in found}
    assert by_name["line\nbreak"] == Entry("line\nbreak", 4, EntryKind.FILE)
    assert by_name["link"] == Entry("link", 4, EntryKind.FILE)
    assert by_name["-name ü"].size == 0
    assert by_name["sub"].kind is EntryKind.FOLDER
    assert by_name["broken"].kind is EntryKind.BROKEN_LINK
    assert remote.list_folder(f"{folder}/missing") is None


def test_an_unreadable_folder_is_not_a_missing_one(rig: Rig) -> None:
    folder = rig.folder(MODEL) / "locked"
    folder.mkdir(mode=0o700)
    host = connect(rig.server)
    with pytest.raises(CommandFailed) as caught:
        host.list_folder(str(folder))
    assert "Permission denied" in caught.value.details["stderr"]
    host.close()


def test_samples_follow_the_host(rig: Rig) -> None:
    host = connect(rig.server)
    try:
        rig.set_memory(5_000_000)
        rig.set_gpu(utilization=93)
        first = host.sample()
        assert " 5000000 kB" in first.meminfo
        assert "GB10" in first.gpu
        assert "93" in first.gpu
        rig.set_memory(6_000_000)
        second = host.sample()
        assert " 6000000 kB" in second.meminfo
    finally:
        host.close()


def test_a_sample_without_nvidia_smi(rig: Rig) -> None:
    rig.set_gpu(missing=True)
    host = connect(rig.server)
    sample = host.sample()
    assert "MemTotal" in sample.meminfo
    assert sample.gpu == ""
    host.close()


def test_a_hanging_nvidia_smi_does_not_hang_the_sampler(rig: Rig) -> None:
    rig.set_gpu(hangs=True)
    host = connect(rig.server)
    with pytest.raises(DeadlinePassed):
        host.sample(deadline=0.5)
    rig.set_gpu(hangs=False)
    assert "GB10" in host.sample(deadline=10).gpu
    host.close()


def test_one_sampler_process_that_ends_with_the_link(rig: Rig) -> None:
    host = connect(rig.server)
    for _ in range(3):
        host.sample()
    assert rig.ssh("pgrep -fc 'read -r [_]'").stdout.strip() == "1"
    host.close()
    wait_until(
        lambda: rig.ssh("pgrep -fc 'read -r [_]'", check=False).stdout.strip() == "0", "sampler to end"
    )
